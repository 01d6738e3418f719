from __future__ import annotations

import pytest

from agent.address import find_address
from modalities.types import TextLine, join_lines


def address(*rows: str) -> str:
    """What stands in the address found in some lines."""
    lines = [TextLine(text, (0.1, i / 20, 0.9, i / 20 + 0.03), 0.95) for i, text in enumerate(rows)]
    return " ".join(join_lines(lines)[start:end].replace("\n", " ") for start, end in find_address(lines))


def test_a_lot_of_five_digits_is_no_postcode() -> None:
    assert address("LOT P.T. 33198, BATU 4", "MUKIM KAPAR", "42100 KLANG, SELANGOR", "TEL: 03-1") == (
        "LOT P.T. 33198, BATU 4 MUKIM KAPAR 42100 KLANG, SELANGOR"
    )


def test_a_branch_below_the_town_belongs_to_it() -> None:
    found = address("LOT 12, JALAN ANGSA", "41150 KLANG, SELANGOR", "1237-TMN INDAH", "GST ID. NO : 0001")
    assert found == "LOT 12, JALAN ANGSA 41150 KLANG, SELANGOR 1237-TMN INDAH"


@pytest.mark.parametrize("tail", ["Tel No.: 07-387 3322", "012-387 3322"])
def test_a_telephone_number_in_its_last_line_does_not(tail: str) -> None:
    assert address("No.1, Jalan Permas 10/5", f"81750 Johor Bahru, Johor. {tail}") == (
        "No.1, Jalan Permas 10/5 81750 Johor Bahru, Johor"
    )


def test_a_line_that_opens_with_a_unit_begins_it() -> None:
    assert address("A-G-06, DATARAN GLOMAC,", "JALAN SS6/5A,", "47301 PETALING JAYA") == (
        "A-G-06, DATARAN GLOMAC, JALAN SS6/5A, 47301 PETALING JAYA"
    )


def test_a_register_number_before_it_is_passed_over() -> None:
    assert address("GST Reg No 000184401920", "Jalan Tras Batu 1", "28700 Bentong") == "Jalan Tras Batu 1 28700 Bentong"
