"""Check digits: they tell a misheard or misread number from a right one."""

from __future__ import annotations


def luhn_digit(digits: str) -> str:
    """The check digit to append to `digits` so that `luhn` accepts the whole (ISO/IEC 7812-1, annex B)."""
    total = 0
    for i, character in enumerate(reversed(digits)):
        n = int(character) * (2 if i % 2 == 0 else 1)
        total += n - 9 if n > 9 else n
    return str(-total % 10)


def luhn(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit of the rest. Any single wrong digit is noticed."""
    return len(digits) > 1 and digits.isascii() and digits.isdigit() and luhn_digit(digits[:-1]) == digits[-1]


CHECKSUMS = {"luhn": luhn}
