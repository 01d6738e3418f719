"""Numbers, dates and amounts as the words an American would say. No punctuation, no hyphens, lower case."""

from __future__ import annotations

import datetime
import re
from decimal import Decimal, InvalidOperation

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

# Unit and its hundredth part, each in singular and plural.
_CURRENCIES = {
    "USD": ("dollar", "dollars", "cent", "cents"),
    "EUR": ("euro", "euros", "cent", "cents"),
    "GBP": ("pound", "pounds", "penny", "pence"),
    "JPY": ("yen", "yen", "sen", "sen"),
}

_LONGEST_NUMBER = 15
"""Digits beyond which a number is said digit by digit, as nobody follows quadrillions."""


def cardinal(number: str) -> str:
    """Words of a written number: "1,234" -> "one thousand two hundred thirty four", "2.50" -> "two point five zero"."""
    from num2words import num2words

    whole, point, fraction = number.replace(",", "").partition(".")
    said = digits(whole) if len(whole) > _LONGEST_NUMBER else _plain(num2words(int(whole or 0)))
    return f"{said} point {digits(fraction, group=0)}" if point and fraction else said


def ordinal(number: int) -> str:
    """22 -> "twenty second"."""
    from num2words import num2words

    return _plain(num2words(number, to="ordinal"))


def year(number: int) -> str:
    """2026 -> "twenty twenty six", 1905 -> "nineteen oh five", 2004 -> "two thousand four"."""
    from num2words import num2words

    return _plain(num2words(number, to="year"))


def digits(text: str, group: int = 3) -> str:
    """Digits one by one with a pause after each `group`: "1234567" -> "one two three, four five six seven".

    Up to five are said in one go, a last digit is never left alone, and `group` 0 makes no pauses.
    """
    names = [DIGITS[int(digit)] for digit in text]
    if not group or len(names) <= 5:
        return " ".join(names)
    ends = [*range(group, len(names) - 1, group), len(names)]
    return ", ".join(" ".join(names[start:end]) for start, end in zip([0, *ends], ends, strict=False))


def money(amount: str, currency: str) -> str:
    """("12.50", "USD") -> "twelve dollars and fifty cents"; whole amounts have no cents, small ones no dollars."""
    one, many, cent, cents = _CURRENCIES[currency]
    try:
        value = Decimal(amount.replace(",", ""))
    except InvalidOperation:
        return amount
    if -value.as_tuple().exponent > 2:  # type: ignore[operator]  # finite: the pattern holds only digits
        return f"{cardinal(amount)} {many}"
    whole, parts = int(value), int(value * 100) % 100
    said = []
    if whole or not parts:
        said.append(f"{cardinal(str(whole))} {one if whole == 1 else many}")
    if parts:
        said.append(f"{cardinal(str(parts))} {cent if parts == 1 else cents}")
    return " and ".join(said)


def plural(currency: str) -> str:
    """Many of a currency: "USD" -> "dollars"."""
    return _CURRENCIES[currency][1]


def date(year_number: int, month: int, day: int, today: datetime.date) -> str | None:
    """A day, "November twenty second", with the year where it is not this one; None when there is no such day."""
    try:
        datetime.date(year_number, month, day)
    except ValueError:
        return None
    said = f"{MONTHS[month - 1]} {ordinal(day)}"
    return said if year_number == today.year else f"{said}, {year(year_number)}"


def clock(hour: int, minute: int, half: str = "") -> str:
    """(10, 30, "am") -> "ten thirty A M", (9, 5) -> "nine oh five", (14, 0) -> "two P M"."""
    if not half and (hour > 12 or hour == 0):
        half, hour = ("pm", hour - 12) if hour else ("am", 12)
    if minute:
        minutes = f" oh {DIGITS[minute]}" if minute < 10 else f" {cardinal(str(minute))}"
    else:
        minutes = "" if half else " o'clock"
    suffix = " " + " ".join(half.upper()) if half else ""
    return f"{cardinal(str(hour))}{minutes}{suffix}"


def _plain(words: str) -> str:
    """num2words' British hyphens, commas and "and" taken out."""
    return re.sub(r"[-,]| and(?= )", lambda match: " " if match[0] == "-" else "", words)
