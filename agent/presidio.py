"""Ids that have a published form, found by Microsoft Presidio's pattern recognizers: social security numbers,
passports, IBANs, driving licences, crypto wallets.

Only its recognizers of patterns with check digits or telling forms are used, one by one: they need no language model.
Those for web and e-mail addresses fetch a list from the internet and are left out; names and places need a model that
pip does not bring.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from agent.private import Private

LEAST = 0.5
"""Presidio's own score from which a find counts; forms that much else has as well ("weak" patterns) score less."""

_WANTED: dict[str, Private] = {
    "CreditCardRecognizer": "card",
    "IbanRecognizer": "account",
    "CryptoRecognizer": "account",
    "AbaRoutingRecognizer": "account",
    "UsSsnRecognizer": "id",
    "UsItinRecognizer": "id",
    "UsPassportRecognizer": "id",
    "UsLicenseRecognizer": "id",
    "UkNinoRecognizer": "id",
    "NhsRecognizer": "id",
    "IpRecognizer": "id",
}


def finds(text: str) -> Iterator[tuple[int, int, Private]]:
    """(start, end, kind) of every find in a text in written form."""
    if not any(map(str.isdigit, text)):
        return
    for recognizer, kind in _recognizers():
        for result in recognizer.analyze(text, recognizer.supported_entities, None) or ():
            if result.score >= LEAST:
                yield result.start, result.end, kind


@cache
def _recognizers() -> tuple[tuple[Any, Private], ...]:
    import logging

    logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)  # it would log what it finds
    with _without("transformers"):
        from presidio_analyzer import predefined_recognizers as published

    return tuple((getattr(published, name)(), kind) for name, kind in _WANTED.items())


@contextmanager
def _without(package: str) -> Iterator[None]:
    """As if a package were not installed, unless it is loaded already.

    Presidio's parts load transformers where they find it, for models that are not used here: 190 MB and 3 s of a core.
    """
    absent = package not in sys.modules
    if absent:
        sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if absent:
            del sys.modules[package]
