from __future__ import annotations

from decimal import Decimal

import pytest

from agent.printed import find_amounts, find_dates, month_first, parse_amount
from agent.receipts import boxes_of, read_receipt
from agent.totals import rank_totals, total_rows
from agent.types import Bought, Receipt
from modalities.ocr import turn_box
from modalities.types import TextLine, join_lines


def printed(*table: str) -> tuple[TextLine, ...]:
    """Lines of a receipt; "|" parts the pieces of a row."""
    lines = []
    for row, text in enumerate(table):
        pieces = [piece.strip() for piece in text.split("|")]
        for column, piece in enumerate(pieces):
            x0 = column / len(pieces)
            lines.append(TextLine(piece, (x0, row / 50, x0 + 0.9 / len(pieces), row / 50 + 0.015), 0.95))
    return tuple(lines)


SHOP = printed(
    "QUAY SIDE TRADING SDN BHD",
    "(123456-X)",
    "NO. 12, JALAN PELABUHAN 3,",
    "41000 KLANG, SELANGOR",
    "TEL: 03-3333 4444",
    "TAX INVOICE",
    "Date: 07/03/2018 18:24 | Cashier: 02",
    "Rope 10m | 2 | 12.50 | 25.00",
    "Lamp | 1 | 30.00 | 30.00",
    "Sub Total | 55.00",
    "GST 6% | 3.30",
    "Total | 58.30",
    "CASH | 60.00",
    "CHANGE | 1.70",
    "GST SUMMARY | Amount | Tax",
    "SR 6% | 55.00 | 3.30",
    "Total | 55.00 | 3.30",
)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("25/12/2018", "2018-12-25"),
        ("Date 25/12/201808:13:39", "2018-12-25"),
        ("25-12-18", "2018-12-25"),
        ("25.12.2018", "2018-12-25"),
        ("5/1/2018", "2018-01-05"),
        ("25 DEC 2018", "2018-12-25"),
        ("25Dec2018 18:24", "2018-12-25"),
        ("14/JUN/2017", "2017-06-14"),
        ("05-Aug-17", "2017-08-05"),
        ("Dec 5, 2019", "2019-12-05"),
        ("September 3rd 2019", "2019-09-03"),
        ("2018-03-18", "2018-03-18"),
        ("2018/3/4", "2018-03-04"),
        ("12/25/2018", "2018-12-25"),  # there is no month 25
        ("25122018", "2018-12-25"),
        ("20181225/191204", "2018-12-25"),
        ("27 032018", "2018-03-27"),
        ("27/06/185.02:32 PM", "2018-06-27"),
        ("27/06/185:02 PM", "2018-06-27"),
        ("#19- 18/01/2018", "2018-01-18"),
    ],
)
def test_dates_in_all_their_forms(text: str, day: str) -> None:
    assert [found.value.isoformat() for found in find_dates(text)] == [day]


@pytest.mark.parametrize(
    "text", ["31/02/2018", "00/01/2018", "32 Jan 2018", "1800-01-01", "03-4162-2318", "192.168.1.1"]
)
def test_days_that_do_not_exist_are_no_dates(text: str) -> None:
    assert find_dates(text) == []


def test_where_the_month_comes_first() -> None:
    assert month_first("1 Main Street, Portland, ME 04101")
    assert month_first("(207) 555-0100")
    assert not month_first("41000 KLANG, SELANGOR")
    assert find_dates("03/04/2026", us=True)[0].value.isoformat() == "2026-03-04"
    assert find_dates("03/04/2026", us=False)[0].value.isoformat() == "2026-04-03"


def test_places_of_dates_and_amounts_are_exact() -> None:
    text = "on 25/12/2018 for RM 1,234.50 in all"
    (day,) = find_dates(text)
    (amount,) = find_amounts(text)
    assert text[day.start : day.end] == "25/12/2018"
    assert text[amount.start : amount.end] == "RM 1,234.50"
    assert (amount.value, amount.currency) == (Decimal("1234.50"), "RM")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("9.00", ["9.00"]),
        ("$7.10 $8.20", ["7.10", "8.20"]),
        ("S8.20", ["8.20"]),
        ("9. 00", ["9.00"]),
        ("10,50", ["10.50"]),
        ("-0.02", ["-0.02"]),
        ("RM1,234.50", ["1234.50"]),
        ("12.345", []),
        ("6.00%", []),
        ("9556939040116", []),
        ("1.2.2018", []),
    ],
)
def test_amounts(text: str, values: list[str]) -> None:
    assert [str(amount.value) for amount in find_amounts(text)] == values


@pytest.mark.parametrize(("text", "value"), [("RM 9.00", "9.00"), ("$9", "9"), ("nine", None), ("", None)])
def test_one_amount_is_parsed(text: str, value: str | None) -> None:
    assert parse_amount(text) == (Decimal(value) if value else None)


def test_a_whole_receipt_is_read() -> None:
    assert read_receipt(SHOP).receipt == Receipt(
        company="QUAY SIDE TRADING SDN BHD",
        date="2018-03-07",
        address="NO. 12, JALAN PELABUHAN 3, 41000 KLANG, SELANGOR",
        total="58.30",
        tax="3.30",
        items=(Bought("Rope 10m", 2, "25.00"), Bought("Lamp", 1, "30.00")),
    )


def test_an_american_receipt_is_read() -> None:
    lines = printed(
        "HARBOR LANE OUTFITTERS",
        "12 Pier Road",
        "Portland, ME 04101",
        "SALES RECEIPT",
        "Date: 03/04/2026 10:42",
        "Order: K123455",
        "1 x Rain jacket | 79.90",
        "Subtotal | 79.90",
        "Sales tax | 4.79",
        "Amount due | 84.69",
        "Card | 84.69",
    )
    assert read_receipt(lines).receipt == Receipt(
        "HARBOR LANE OUTFITTERS",
        "2026-03-04",
        "12 Pier Road Portland, ME 04101",
        "84.69",
        tax="4.79",
        number="K123455",
        items=(Bought("Rain jacket", 1, "79.90"),),
    )


@pytest.mark.parametrize(
    ("rows", "total"),
    [
        (["Total | 9.00", "Cash | 10.00", "Change | 1.00"], "9.00"),
        (["T0TAL : 9.00", "Cash | 10.00"], "9.00"),
        (["TOTAL", "9.00", "Cash | 10.00"], "9.00"),
        (["Total Qty | 3 | 20.00", "Total (Excluding GST) | 20.00", "Total (Inclusive of GST) | 21.20"], "21.20"),
        (["Total | 60.31", "Rounding Adj | -0.01", "Rounded | 60.30", "Cash | 70.30", "Change | 10.00"], "60.30"),
        (["Total Sales (Inclusive GST) | 52.08", "Rounding | .02", "Rounding RM | 52.10", "Cash | 60.00"], "52.10"),
        (["Total 0% supplies | 54.31", "Total 6% supplies (Inc. GST) | 14.10", "Total Payable | 68.41"], "68.41"),
        (["garbled | 94.00", "CASH | 100.00", "CHANGE | 6.00"], "94.00"),
        (["Subtotal | 50.00", "Discount total | 5.00", "Grand total | 45.00"], "45.00"),
        (["TOTAL SAVING: | 1.00 | TOTAL | 6.85", "Cash | 20.00", "CHANGE | 13.15"], "6.85"),
        (["Due | 25.15", "Pay | 25.15", "(Total Included GST @ 6% : 1.42)"], "25.15"),
        (["Total | 9.00", "GST SUMMARY | Amount | Tax", "Total | 8.49 | 0.51"], "9.00"),
    ],
)
def test_the_total_among_other_amounts(rows: list[str], total: str) -> None:
    lines = printed("Tea | 1 | 4.00", *rows)
    assert read_receipt(lines).receipt.total == total


def test_candidates_point_at_their_amounts() -> None:
    text = join_lines(SHOP)
    best = rank_totals(SHOP)[0].amount
    assert text[best.start : best.end] == "58.30"
    assert text[best.start - 6 : best.start] == "Total\n"
    assert {SHOP[i].text for i in total_rows(SHOP)} == {"Total", "58.30"}


@pytest.mark.parametrize(
    ("head", "company"),
    [
        (["A03066", "BRIGHT CO. (M) BHD (126926-H)", "SHOPPING HOURS"], "BRIGHT CO. (M) BHD"),
        (["SILVER BOOK", "CO. (M) SDN BHD", "(Co. No. 113825-W)"], "SILVER BOOK CO. (M) SDN BHD"),
        (
            ["NORTH HILL HARDWARE ENTERPRISE (STONE", "BAY) SDN BHD"],
            "NORTH HILL HARDWARE ENTERPRISE (STONE BAY) SDN BHD",
        ),
        (["someone wrote this", "CEDAR MINI MARKET", "TAX INVOICE"], "CEDAR MINI MARKET"),
        (["RIVER BAKERIES (KL) SDN BHD (139386 X)", "LOT 3, JALAN 23/1"], "RIVER BAKERIES (KL) SDN BHD"),
        (["THREE GEESE", "BISTRO & CAFE"], "THREE GEESE"),
        (["WELCOME TO", "Tel: 03-111 2222", "12.50"], None),
    ],
)
def test_the_company_among_the_first_lines(head: list[str], company: str | None) -> None:
    found = read_receipt(printed(*head)).company
    assert (" ".join(found.value.split()) if found else None) == company


def test_the_tagger_decides_between_like_amounts_and_names_what_rules_miss() -> None:
    lines = printed("zeta 9", "plain words", "A | 11.00", "B | 12.00")
    text = join_lines(lines)
    at = text.index("11.00")
    fields = read_receipt(lines, [("total", at, at + 5, 0.9), ("company", 0, 6, 0.8), ("date", 0, 3, 0.9)])
    assert (fields.receipt.company, fields.receipt.total, fields.receipt.date) == ("zeta 9", "11.00", None)
    assert fields.total is not None
    assert fields.total.tagged
    assert read_receipt(lines).receipt.total != "11.00"


def test_a_doubtful_tag_does_not_replace_a_written_name() -> None:
    at = join_lines(SHOP).index("TAX INVOICE")
    assert read_receipt(SHOP, [("company", at, at + 11, 0.3)]).receipt.company == "QUAY SIDE TRADING SDN BHD"


def test_entities_stand_where_they_say() -> None:
    fields = read_receipt(SHOP)
    text = join_lines(SHOP)
    assert [entity.type for entity in fields.entities] == ["company", "address", "date", "total"]
    assert all(text[entity.start : entity.end] == entity.text for entity in fields.entities)
    assert {entity.source for entity in fields.entities} == {"photo.pattern"}
    assert [entity.value for entity in fields.entities if entity.type == "date"] == ["2018-03-07"]
    assert all(0 <= entity.confidence <= 1 for entity in fields.entities)


def test_boxes_of_places() -> None:
    lines = printed("0123456789", "ab | cd")
    first, second = boxes_of(lines, ((5, 10), (14, 16)))
    assert first == pytest.approx((0.45, 0.0, 0.9, 0.015))
    assert second == pytest.approx(lines[2].box)
    assert boxes_of(lines, ()) == ()


def test_boxes_of_places_in_a_photo_on_its_side() -> None:
    lines = [TextLine(line.text, turn_box(line.box, 1), line.confidence) for line in SHOP]
    at = join_lines(lines).index("07/03/2018")
    (box,) = boxes_of(lines, ((at, at + 10),))
    (upright,) = boxes_of(SHOP, ((at, at + 10),))
    assert box == pytest.approx(turn_box(upright, 1))
    assert read_receipt(lines).receipt == read_receipt(SHOP).receipt


@pytest.mark.parametrize("lines", [(), printed(""), printed("?", "...", "0"), printed("12.34.56.78" * 50)])
def test_no_receipt_gives_no_fields(lines: tuple[TextLine, ...]) -> None:
    fields = read_receipt(lines)
    assert fields.receipt == Receipt()
    assert fields.entities == ()


def test_words_the_tagger_skips_within_a_line_are_kept() -> None:
    lines = [
        TextLine("HARBOR LANE", (0.3, 0.05, 0.7, 0.1), 0.99),
        TextLine("SALES RECEIPT", (0.3, 0.11, 0.7, 0.14), 0.99),
        TextLine("DATE 2026-05-04", (0.1, 0.2, 0.5, 0.24), 0.98),
        TextLine("TOTAL 25.40", (0.1, 0.5, 0.6, 0.54), 0.97),
        TextLine("Old Mill by the water, Astoria", (0.2, 0.8, 0.8, 0.84), 0.99),
    ]
    text = "\n".join(line.text for line in lines)
    assert read_receipt(lines).receipt.address is None
    marks = [("address", text.index(words), text.index(words) + len(words), 0.9) for words in ("Old Mill", "Astoria")]
    assert read_receipt(lines, marks).receipt.address == "Old Mill by the water, Astoria"


def test_the_rules_are_surer_where_the_tagger_agrees() -> None:
    lines = [
        TextLine("GREEN VALLEY TRADING", (0.3, 0.05, 0.7, 0.1), 0.99),
        TextLine("TOTAL 25.40", (0.1, 0.5, 0.6, 0.54), 0.97),
    ]
    alone, agreed = read_receipt(lines).company, read_receipt(lines, [("company", 0, 6, 0.8)]).company
    assert alone is not None
    assert agreed is not None
    assert (alone.value, agreed.value) == ("GREEN VALLEY TRADING", "GREEN VALLEY TRADING")
    assert (alone.tagged, agreed.tagged) == (False, True)
    assert alone.score < agreed.score
