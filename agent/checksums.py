"""Check digits: they tell a misheard or misread number from a right one.

`CHECKSUMS` holds the schemes a pack may name. Luhn and payment cards are ours; every other is a module of
python-stdnum (https://arthurdejong.org/python-stdnum/), by its name there, imported when a number is first checked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module

STDNUM = (
    "bic", "casrn", "cusip", "ean", "figi", "iban", "imei", "imo", "isbn", "isin", "ismn", "isni", "iso11649", "issn",
    "lei", "verhoeff", "damm", "iso7064.mod_11_10", "iso7064.mod_11_2", "iso7064.mod_37_2", "iso7064.mod_37_36",
    "iso7064.mod_97_10", "au.abn", "au.tfn", "be.vat", "br.cnpj", "br.cpf", "ca.sin", "ch.esr", "ch.vat", "cn.ric",
    "de.idnr", "de.vat", "dk.cpr", "es.nif", "eu.vat", "fi.hetu", "fr.nir", "fr.siren", "fr.siret", "gb.nhs",
    "gb.sedol", "gb.vat", "ie.pps", "in_.aadhaar", "in_.pan", "it.codicefiscale", "it.iva", "mx.rfc", "nl.bsn",
    "no.fodselsnummer", "pl.nip", "pl.pesel", "pt.nif", "se.personnummer", "us.rtn", "za.idnr",
)  # fmt: skip
"""Modules of python-stdnum whose `is_valid` works offline and says no to most numbers that are not of its kind."""

CARD_LENGTHS: tuple[tuple[str, frozenset[int]], ...] = (
    (r"4", frozenset({16, 19})),  # Visa
    (r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", frozenset({16})),  # Mastercard
    (r"3[47]", frozenset({15})),  # American Express
    (r"6011|64[4-9]|65", frozenset({16, 17, 18, 19})),  # Discover
    (r"30[0-5]|3095|36|3[89]", frozenset({14, 16})),  # Diners Club
    (r"352[89]|35[3-8]", frozenset({16})),  # JCB
    (r"62|81", frozenset({16, 17, 18, 19})),  # UnionPay
    (r"50|5[6-9]|6[0-9]", frozenset({16, 18, 19})),  # Maestro
)
"""First digits of a card number, and how many digits such a card has (ISO/IEC 7812)."""


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


def card_lengths(digits: str) -> frozenset[int]:
    """How many digits a card has that begins like this; empty when no brand's cards do."""
    return next((lengths for start, lengths in CARD_LENGTHS if re.match(start, digits)), frozenset())


def card(digits: str) -> bool:
    """Whether this is the number of a payment card: a brand's first digits, its length, the Luhn digit right."""
    return len(digits) in card_lengths(digits) and luhn(digits)


@dataclass(frozen=True)
class Stdnum:
    """The check of a module of python-stdnum."""

    module: str

    def __call__(self, number: str) -> bool:
        """Whether a number has the scheme's form and check digits."""
        return number.isascii() and _is_valid(self.module)(number)


@cache
def _is_valid(module: str) -> Callable[[str], bool]:
    check: Callable[[str], bool] = import_module(f"stdnum.{module}").is_valid
    return check


CHECKSUMS: Mapping[str, Callable[[str], bool]] = {"luhn": luhn, "card": card, **{n: Stdnum(n) for n in STDNUM}}


def passes(checksum: str, value: str) -> bool:
    """Whether an id passes its type's check; letters before the digits ("K482137") count only where they are checked.

    Args:
        checksum: a name in `CHECKSUMS`.
        value: the id without spaces.
    """
    check = CHECKSUMS[checksum]
    return check(value) or (checksum in _OF_DIGITS and check(re.sub(r"^[A-Z]+-?", "", value)))


_OF_DIGITS = frozenset({"luhn", "verhoeff", "damm", "ean"})
