"""Dates and amounts of money as they are printed on paper, with their places in the text.

Receipts write the same day as 25/12/2018, 25-12-18, 25 DEC 2018 or 2018-12-25, and print a date and a time without a
space between. Pure functions on text; spoken dates and money are another module's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = r"(?P<name>jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)[a-z]*"
_YEAR = r"(?P<y>(?:19|20)\d\d|\d\d(?!\d)|\d\d(?=\d\d?[.:]\d\d))"
_GAP = r"\s?(?P<gap>[/\-.,])\s?"
_SAME = r"\s?(?P=gap)\s?"
_DATES = (
    re.compile(rf"(?<!\d)(?P<y>(?:19|20)\d\d){_GAP}(?P<m>\d\d?){_SAME}(?P<d>\d\d?)(?!\d)"),
    re.compile(rf"(?<![\d.])(?P<a>\d\d?){_GAP}(?P<b>\d\d?){_SAME}{_YEAR}"),
    re.compile(rf"(?<!\d)(?P<d>\d\d?)(?:st|nd|rd|th)?[\s/\-.,]*{_MONTH}[\s/\-.,']*{_YEAR}", re.I),
    re.compile(rf"(?<![a-z]){_MONTH}[\s\-.]*(?P<d>\d\d?)(?:st|nd|rd|th)?[\s,\-.]+{_YEAR}", re.I),
    re.compile(r"(?<!\d)(?P<d>\d\d)(?P<m>\d\d)(?P<y>20\d\d)(?!\d)"),
    re.compile(r"(?<!\d)(?P<y>20\d\d)(?P<m>\d\d)(?P<d>\d\d)(?!\d)"),
    re.compile(r"(?<![\d/.\-])(?P<d>\d\d)[\s/\-.~]?(?P<m>\d\d)[\s/\-.~]?(?P<y>20\d\d)(?!\d)"),
    re.compile(r"(?<![\d/.\-])(?P<d>\d\d)[\s/\-.~](?P<m>\d\d)[\s/\-.~](?P<y>\d\d)(?![\d:.])"),
)
_COMPACT = 4  # from here on the patterns are bare digits or lack a separator, believed least
_AMOUNT = re.compile(
    r"(?P<sign>-\s?)?(?P<currency>RM|MYR|USD|US\$|[$€£S])?\s?(?P<minus>-\s?)?"
    r"(?P<whole>(?<![\d.,])\d{1,3}(?:[, ]\d{3})+|(?<![\d.])\d{1,6})\s?[.,]\s?(?P<cents>\d\d)(?![\d%]|[.,]\d)",
    re.I,
)
_STATES = (
    "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR "
    "PA RI SC SD TN TX UT VT VA WA WV WI WY DC"
)
_US_PLACE = re.compile(rf"\b(?:{_STATES.replace(' ', '|')})[,.]?\s+\d{{5}}(?:-\d{{4}})?\b")
_US_PHONE = re.compile(r"\(\d{3}\)\s?\d{3}-\d{4}")


@dataclass(frozen=True)
class PrintedDate:
    """A day as printed: `start` and `end` are character offsets; `compact` when it is little more than digits."""

    value: date
    start: int
    end: int
    compact: bool = False


@dataclass(frozen=True)
class PrintedAmount:
    """An amount of money as printed, with two decimals: `start` and `end` are character offsets."""

    value: Decimal
    start: int
    end: int
    currency: str = ""


def month_first(text: str) -> bool:
    """Whether numeric dates in this text put the month first: it shows an address or a phone of the United States."""
    return bool(_US_PLACE.search(text) or _US_PHONE.search(text))


def find_dates(text: str, *, us: bool | None = None) -> list[PrintedDate]:
    """The dates printed in a text, in order of place; only days that exist, between 1990 and 2099.

    Args:
        text: what was read.
        us: whether 03/04/2026 is the fourth of March; None to judge by the text itself. Where only one reading is
            a day that exists, that one is taken.
    """
    us = month_first(text) if us is None else us
    found: list[PrintedDate] = []
    for rank, pattern in enumerate(_DATES):
        for match in pattern.finditer(text):
            value = _day(match, us)
            taken = any(match.start() < old.end and old.start < match.end() for old in found)
            if value and not taken:
                found.append(PrintedDate(value, match.start(), match.end(), rank >= _COMPACT))
    return sorted(found, key=lambda printed: printed.start)


def _day(match: re.Match[str], us: bool) -> date | None:
    """The day a match stands for, or None when there is no such day."""
    parts = match.groupdict()
    orders: tuple[tuple[int, int], ...]
    year = int(parts["y"]) if len(parts["y"]) == 4 else 2000 + int(parts["y"])
    if parts.get("a"):
        a, b = int(parts["a"]), int(parts["b"])
        orders = ((a, b), (b, a)) if us else ((b, a), (a, b))
    else:
        month = _MONTHS.index(parts["name"].lower()[:3]) + 1 if parts.get("name") else int(parts["m"])
        orders = ((month, int(parts["d"])),)
    for month, day in orders:
        try:
            value = date(year, month, day)
        except ValueError:
            continue
        return value if 1990 <= value.year <= 2099 else None
    return None


def find_amounts(text: str) -> Iterator[PrintedAmount]:
    """The amounts of money printed in a text: digits with two decimals, with or without a currency before them."""
    for match in _AMOUNT.finditer(text):
        whole = re.sub(r"\D", "", match["whole"])
        value = Decimal(f"{whole}.{match['cents']}")
        negative = match["sign"] or match["minus"]
        currency = (match["currency"] or "").upper()
        currency = "$" if currency == "S" else currency  # a dollar sign as it is often misread
        yield PrintedAmount(-value if negative else value, match.start(), match.end(), currency)


def parse_amount(text: str) -> Decimal | None:
    """The amount a text states ("RM 1,234.50", "$9"), or None."""
    first = next(find_amounts(text), None)
    if first:
        return first.value
    whole = re.fullmatch(r"\D*(\d{1,7})\D*", text)
    return Decimal(whole[1]) if whole else None
