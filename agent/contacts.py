"""Telephone numbers (E.164, through Google's libphonenumber) and e-mail addresses in written words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from agent.values import PATTERN, UNSURE, WEAK, Find

EMAIL = re.compile(r"(?<![\w.+-])[\w+-]+(?:\.[\w+-]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_SIX_DIGITS = re.compile(r"(?:\d[^\w@]{0,3}){6}\d")
_NORTH_AMERICA = 1


def emails(text: str) -> Iterator[Find]:
    """E-mail addresses, in lower case."""
    if "@" in text:
        for match in EMAIL.finditer(text):
            yield Find(match.start(), match.end(), match[0].lower())


def email(text: str) -> str | None:
    """The first e-mail address in a written text."""
    return next((find.value for find in emails(text)), None)


def phones(text: str, country: str = "US") -> Iterator[Find]:
    """Telephone numbers as + and digits.

    A number that is in use somewhere, as far as its numbering plan tells, is sure; one that only has the length of one
    is not, and outside of North America, where lengths vary, it is weak unless it begins with + or 0.

    Args:
        text: words in written form.
        country: ISO 3166 code of the country whose numbers are given without + (the pack's).
    """
    if not _SIX_DIGITS.search(text):
        return
    import phonenumbers
    from phonenumbers import Leniency, PhoneNumberFormat, PhoneNumberMatcher, ValidationResult

    for match in PhoneNumberMatcher(text, country, leniency=Leniency.POSSIBLE):
        number = match.number
        if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
            continue
        value = phonenumbers.format_number(number, PhoneNumberFormat.E164)
        marked = match.raw_string.lstrip("(").startswith(("+", "0"))
        if phonenumbers.is_valid_number(number):
            sure = PATTERN if marked or number.country_code == _NORTH_AMERICA else UNSURE
        else:
            sure = UNSURE if marked or number.country_code == _NORTH_AMERICA else WEAK
        yield Find(match.start, match.end, value, "pattern", sure)


def phone(text: str, country: str = "US") -> str | None:
    """The first telephone number in a written text, or the whole of its digits where they are one."""
    return next((find.value for find in (*phones(text, country), *phones(re.sub(r"[^\d+]", "", text), country))), None)
