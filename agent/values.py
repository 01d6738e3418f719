"""Written values of facts: money, days, numbers, e-mail addresses, out of the words that name them.

Each function takes words already in written form ("12 dollars 50", "may 5") and returns the value or None. Days are
relative to a given today, so the same words can be tested on any day.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal, InvalidOperation

MONTHS = ("january february march april may june july august september october november december").split()
DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
CURRENCIES = {"$": "USD", "dollar": "USD", "buck": "USD", "usd": "USD", "€": "EUR", "euro": "EUR", "eur": "EUR",
              "£": "GBP", "pound": "GBP", "gbp": "GBP"}  # fmt: skip

_AMOUNT = r"\d{1,3}(?:,\d{3})+(?:\.\d{1,2})?|\d+(?:\.\d{1,2})?"
_UNIT = r"dollars?|bucks?|usd|euros?|eur|pounds?|gbp"
MONEY = re.compile(
    rf"(?P<sign>[$€£]) ?(?P<a>{_AMOUNT})"
    rf"|(?P<b>{_AMOUNT}) ?(?P<unit>{_UNIT})\b(?:(?: and)? (?P<cents>\d{{1,2}})\b(?: cents?)?)?",
    re.I,
)
_MONTH = (
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_WEEKDAY = "|".join(DAYS)
DATE = re.compile(
    rf"\b(?:(?P<iso>\d{{4}}-\d{{2}}-\d{{2}})"
    rf"|(?P<m1>{_MONTH})\.? (?:the )?(?P<d1>{_DAY})(?:,? (?P<y1>\d{{4}}))?"
    rf"|(?:the )?(?P<d2>{_DAY}) (?:of )?(?P<m2>{_MONTH})\b\.?(?:,? (?P<y2>\d{{4}}))?"
    rf"|(?P<n1>\d{{1,2}})[/.](?P<n2>\d{{1,2}})[/.](?P<n3>\d{{4}}|\d{{2}})"
    rf"|(?P<word>today|tonight|yesterday|tomorrow|the day before yesterday|the day after tomorrow)"
    rf"|(?:(?P<which>last|next|this|on|past) )?(?P<weekday>{_WEEKDAY})"
    rf"|(?P<count>\d+|a|an) (?P<span>days?|weeks?|months?) (?P<sense>ago|from now)"
    rf"|(?P<rel>last|next) (?P<period>week|month))\b",
    re.I,
)
EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
SAID_EMAIL = re.compile(
    r"\b(?P<user>\w+(?:(?: (?:dot|underscore|dash|hyphen|plus) ?|[._+-])\w+)*)"
    r" at (?P<host>[\w-]+(?:(?: dot |\.)[\w-]+)+)\b",
    re.I,
)
PHONE = re.compile(r"(?<![\w-])(?:\+?1[ .-]?)?\(?(\d{3})\)?[ .-]?(\d{3})[ .-]?(\d{4})(?![\w-])")
_SAID_MARKS = {" dot ": ".", " underscore ": "_", " dash ": "-", " hyphen ": "-", " plus ": "+"}


def money(text: str, currency: str = "USD") -> str | None:
    """An amount as "12.50 USD"; a bare number takes the given currency."""
    match = MONEY.search(text)
    if match is None:
        bare = re.fullmatch(rf"\s*({_AMOUNT})\s*", text)
        return f"{_decimal(bare[1]):.2f} {currency}" if bare else None
    amount = _decimal(match["a"] or match["b"])
    if match["cents"] and "." not in match["b"]:
        amount += Decimal(match["cents"]) / 100
    unit = (match["sign"] or match["unit"]).lower()
    code = CURRENCIES.get(unit) or CURRENCIES.get(unit.rstrip("s")) or currency
    return f"{amount:.2f} {code}"


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text.replace(",", ""))
    except InvalidOperation:
        return Decimal(0)


def number(text: str) -> str | None:
    """A whole number of pieces; "a", "an", "one more", "a couple", "a pair" count."""
    if match := re.search(r"\d+", text):
        return str(int(match[0]))
    words = text.lower().split()
    if "couple" in words or "pair" in words or "both" in words:
        return "2"
    if "dozen" in words:
        return "12"
    return "1" if {"a", "an", "another", "single"} & set(words) else None


def date(text: str, today: dt.date) -> str | None:
    """A day as YYYY-MM-DD; without a year, the one nearest to today. Month first in 5/6/2026, as in the US."""
    match = DATE.search(text)
    try:
        day = _day(match, today) if match else None
    except ValueError:
        return None
    return day.isoformat() if day else None


def _day(match: re.Match[str], today: dt.date) -> dt.date | None:
    if match["iso"]:
        return dt.date.fromisoformat(match["iso"])
    if match["m1"] or match["m2"]:
        day = int(re.sub(r"\D", "", match["d1"] or match["d2"]))
        return _nearest(_month(match["m1"] or match["m2"]), day, match["y1"] or match["y2"], today)
    if match["n1"]:
        year = int(match["n3"]) + (2000 if len(match["n3"]) == 2 else 0)
        return dt.date(year, int(match["n1"]), int(match["n2"]))
    if match["word"]:
        words = {"today": 0, "tonight": 0, "yesterday": -1, "tomorrow": 1}
        shift = words.get(match["word"].lower(), -2 if "before" in match["word"].lower() else 2)
        return today + dt.timedelta(days=shift)
    if match["weekday"]:
        return _weekday(DAYS.index(match["weekday"].lower()), (match["which"] or "").lower(), today)
    if match["count"]:
        count = int(match["count"]) if match["count"].isdigit() else 1
        days = count * {"d": 1, "w": 7, "m": 30}[match["span"][0].lower()]
        return today + dt.timedelta(days=days if match["sense"].lower() == "from now" else -days)
    days = 7 if match["period"].lower() == "week" else 30
    return today + dt.timedelta(days=days if match["rel"].lower() == "next" else -days)


def _month(name: str) -> int:
    return next(i for i, month in enumerate(MONTHS, start=1) if month.startswith(name.lower()[:3]))


def _nearest(month: int, day: int, year: str | None, today: dt.date) -> dt.date:
    if year:
        return dt.date(int(year), month, day)
    days = []
    for candidate in (today.year - 1, today.year, today.year + 1):
        try:
            days.append(dt.date(candidate, month, day))
        except ValueError:
            continue
    if not days:
        raise ValueError("no such day")
    return min(days, key=lambda d: abs((d - today).days))


def _weekday(weekday: int, which: str, today: dt.date) -> dt.date:
    """The last such day before today for "last" and bare names (calls are about what happened), else the next."""
    if which in ("next", "this"):
        return today + dt.timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)
    return today - dt.timedelta(days=(today.weekday() - weekday - 1) % 7 + 1)


def email(text: str) -> str | None:
    """An e-mail address, written or said ("ana dot lopez at mail dot com"), in lower case."""
    if match := EMAIL.search(text):
        return match[0].lower()
    if match := SAID_EMAIL.search(text):
        said = f" {match['user']}@{match['host']} ".lower()
        for word, mark in _SAID_MARKS.items():
            said = said.replace(word, mark)
        return said.replace(" ", "")
    return None


def phone(text: str) -> str | None:
    """A North American number as +1 and ten digits (E.164)."""
    match = PHONE.search(text) or re.fullmatch(r"1?(\d{3})(\d{3})(\d{4})", re.sub(r"\D", "", text))
    return "+1" + "".join(match.groups()) if match else None
