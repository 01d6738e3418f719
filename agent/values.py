"""What a recognizer gives: a place in written words, the value meant there, and how sure that is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from modalities.speech.numerals import cardinal, tokenize

CHECKED, PATTERN, LISTED, UNSURE, WEAK = 0.99, 0.9, 0.8, 0.6, 0.3
"""Confidence of a find with a right check digit, by a telling form, by a word list, by a form that has two readings,
by a form that much else has."""


@dataclass(frozen=True)
class Find:
    """A recognizer's find in written form.

    Attributes:
        start, end: character offsets into the written form.
        value: the value that is likeliest meant.
        source: "checksum", "pattern", "lexicon" or "catalogue".
        confidence: 0..1.
        alternatives: other values the same words may mean, likeliest first.
    """

    start: int
    end: int
    value: str
    source: str = "pattern"
    confidence: float = PATTERN
    alternatives: tuple[str, ...] = ()


_FOLDS = str.maketrans({"ſ": "s", "\u212a": "k", "İ": "i", "ı": "i"})


def folded(text: str) -> str:
    """A text of the same length without the letters of other alphabets that a pattern takes for ASCII's in any case."""
    return text if text.isascii() else text.translate(_FOLDS)


def apart(finds: Iterable[Find]) -> list[Find]:
    """Finds of one recognizer without those inside longer or surer ones, in order of place."""
    kept: list[Find] = []
    for find in sorted(finds, key=lambda f: (f.start - f.end, -f.confidence)):
        if all(find.end <= other.start or other.end <= find.start for other in kept):
            kept.append(find)
    return sorted(kept, key=lambda f: f.start)


def number(text: str) -> str | None:
    """A whole number of pieces; "three", "a", "another", "a couple", "a pair" count."""
    if match := re.search(r"\d+", text):
        return str(int(match[0]))
    tokens = tokenize(text)
    words: Sequence[str] = [token.word for token in tokens]
    for at in range(len(tokens)):
        taken, count = cardinal(tokens, at)
        if taken and (count or words[at] == "zero"):
            return str(12 * count if "dozen" in words[at + taken :] else count)
    if "couple" in words or "pair" in words or "both" in words:
        return "2"
    if "dozen" in words:
        return "6" if "half" in words else "12"
    return "1" if {"a", "an", "another", "single"} & set(words) else None
