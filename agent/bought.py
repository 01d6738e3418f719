"""What a receipt says was bought: items with quantity and price, tax, its number; and whether its sums come out even.

A row with an amount above the sums is an item. Its words may stand in the row above, where there is no room for them
beside the amounts. Pure functions on lines as they were read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal

from agent.printed import find_amounts, find_dates
from agent.totals import arithmetic, is_summary, kind_of_row
from agent.types import Bought
from modalities.ocr import rows
from modalities.types import TextLine

_MOST = 60  # items of one receipt
_COIN = Decimal("0.05")  # by how much a total to pay may be rounded
_WORD = re.compile(r"[^\W\d_]{3,}")
_COUNTED = re.compile(r"(?<![\d.,])(\d{1,3})(?:\.0{1,3})?\s*(?:pcs?|unit|ea)?\s*[x×X@*]|[x×X]\s*(\d{1,3})(?![\d.,])")
_ALONE = re.compile(r"^\W*(\d{1,3})(?:\.0{1,3})?\W*$")
_HEADS = re.compile(
    r"\b(qty|price|amount|description|item|disc|tel|fax|gst|reg|date|time|cashier|table|invoice)\b", re.I
)
_NUMBER = re.compile(
    r"\b(?:(?:tax\s*)?(?:receipt|recelpt|invoice|inv|bill|doc(?:ument)?|slip|rcpt|trans(?:action)?|check|chk|order)"
    r"\s*(?:no|number|num|id|#)?)\s*[.:#]*\s*((?=[\w/\-]*\d)[A-Za-z0-9][\w/\-]{2,})",
    re.I,
)


def find_number(lines: Sequence[TextLine]) -> str | None:
    """The receipt's own number: what follows "receipt no", "invoice" and the like in a row."""
    for row in rows(lines):
        text = "  ".join(lines[index].text for index in row)
        found = _NUMBER.search(text)
        if found and not find_dates(found[1]):
            return found[1]
    return None


def find_tax(lines: Sequence[TextLine]) -> Decimal | None:
    """The tax printed above the tax summary."""
    for text, amounts in _table(lines):
        if is_summary(text):
            break
        if kind_of_row(text) == "tax" and amounts:
            return abs(amounts[-1])
    return None


def find_items(lines: Sequence[TextLine]) -> tuple[Bought, ...]:
    """The items, in order: rows with amounts above the first row of sums."""
    items, before = list[Bought](), ""
    for text, amounts in _table(lines):
        kind = kind_of_row(text)
        if items and kind:
            break
        if amounts and not kind and not find_dates(text) and not _HEADS.search(text):
            name = _name(text) or _name(before)
            if name and amounts[-1] > 0:
                items.append(Bought(name, _count(text, amounts), f"{amounts[-1]:.2f}"))
        before = "" if amounts else text
        if len(items) == _MOST:
            break
    return tuple(items)


def flaw(lines: Sequence[TextLine], total: Decimal, items: Sequence[Bought], tax: Decimal | None) -> str:
    """What is wrong with the sums: "sums" where the total is not what they come to, empty where it is.

    They are cash less change, and subtotal with tax; the items count for the total, never against it, for their prices
    may be of one piece. One reckoning that comes out even is enough: any amount may have been misread.
    """
    sold = sum((Decimal(item.price) for item in items), Decimal(0))
    reckoned = arithmetic(lines)
    even = any(abs(value - total) < _COIN for value in reckoned | {sold, sold + (tax or 0)})
    return "sums" if reckoned and not even else ""


def _table(lines: Sequence[TextLine]) -> Iterator[tuple[str, list[Decimal]]]:
    """The words of each row, its pieces two blanks apart, and its amounts."""
    for row in rows(lines):
        yield "  ".join(lines[i].text for i in row), [a.value for i in row for a in find_amounts(lines[i].text)]


def _name(text: str) -> str:
    """The words of an item's row: without amounts, counts and codes at its ends."""
    for amount in reversed(list(find_amounts(text))):
        text = text[: amount.start] + " " + text[amount.end :]
    text = re.sub(r"^\W*(?:\d{1,3}\s*[x×X@]\s*|\d[\d\-]*\s+)", "", _COUNTED.sub(" ", text))
    text = re.sub(r"(?:\s+(?:\d+|[A-Z*]|S[RZ]|RM))+\W*$", "", text)
    words = " ".join(text.split()).strip(" .,:;@*-=#")
    return words if _WORD.search(words) and not _HEADS.search(words) else ""


def _count(text: str, amounts: Sequence[Decimal]) -> int:
    """How many were bought: what is printed, or what the price of one goes into the price of all."""
    if found := _COUNTED.search(text):
        return max(int(found[1] or found[2]), 1)
    alone = [int(found[1]) for piece in text.split("  ")[:-1] if (found := _ALONE.match(piece))]
    if len(amounts) > 1 and amounts[0] > 0:
        times = amounts[-1] / amounts[0]
        if times == int(times) and (int(times) in alone or times == 1):
            return max(int(times), 1)
    return max(alone[0], 1) if len(alone) == 1 and alone[0] < 100 else 1
