from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.bought import find_items, find_number
from agent.receipts import read_receipt
from agent.types import Bought
from modalities.types import TextLine
from training.draw import receipt_details


def printed(*table: str) -> tuple[TextLine, ...]:
    """Lines of a receipt; "|" parts the pieces of a row."""
    lines = []
    for row, text in enumerate(table):
        pieces = [piece.strip() for piece in text.split("|")]
        for column, piece in enumerate(pieces):
            x0 = column / len(pieces)
            lines.append(TextLine(piece, (x0, row / 50, x0 + 0.9 / len(pieces), row / 50 + 0.015), 0.95))
    return tuple(lines)


@pytest.mark.parametrize(
    ("rows", "item"),
    [
        (["2 x Linen shirt | 59.80"], Bought("Linen shirt", 2, "59.80")),
        (["Linen shirt | 2 | 29.90 | 59.80"], Bought("Linen shirt", 2, "59.80")),
        (["LINEN SHIRT", "2 X 29.90 | 59.80"], Bought("LINEN SHIRT", 2, "59.80")),
        (["1932 LINEN SHIRT | 29.90"], Bought("LINEN SHIRT", 1, "29.90")),
    ],
)
def test_an_item_has_words_a_count_and_a_price(rows: list[str], item: Bought) -> None:
    assert find_items(printed(*rows, "Total | 99.00")) == (item,)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Receipt no: REC-0015016", "REC-0015016"),
        ("INVOICE NO : 18287/102/T0049", "18287/102/T0049"),
        ("Order: K123455", "K123455"),
        ("Invoice 25/12/2018", None),
        ("Thank you", None),
    ],
)
def test_the_number_is_what_follows_its_words(text: str, number: str | None) -> None:
    assert find_number(printed(text)) == number


@pytest.mark.parametrize("seed", range(20))
def test_a_changed_total_is_flagged_and_an_honest_one_is_not(seed: int) -> None:
    details = receipt_details(np.random.default_rng(seed), total_word="TOTAL")
    items = [f"{count} x {name} | {count * price:.2f}" for name, count, price in details.items]
    sums = [f"Subtotal | {details.subtotal:.2f}", f"Sales tax | {details.tax:.2f}"]
    honest = read_receipt(printed("HARBOR LANE BOOKS", *items, *sums, f"TOTAL | {details.total:.2f}")).receipt
    edited = read_receipt(printed("HARBOR LANE BOOKS", *items, *sums, f"TOTAL | {details.total + 500:.2f}")).receipt
    assert (honest.total, honest.flaw) == (f"{details.total:.2f}", "")
    assert edited.total != f"{details.total + 500:.2f}" or edited.flaw == "sums"


@given(st.lists(st.text(max_size=40), max_size=30))
def test_any_print_is_read_without_a_fault(rows: list[str]) -> None:
    receipt = read_receipt(printed(*rows)).receipt
    assert all(item.count >= 1 and item.name for item in receipt.items)
