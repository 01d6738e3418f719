"""Runs of figures and spelled letters in words: numbers that somebody is known by, whoever's they are.

Works on the words as they came, written ("4111 1111"), said ("four one one one"), or misheard in part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from modalities.speech.numerals import DIGITS, LETTERS, PLURALS, TEENS, TIES, TIMES

LONG = 5
"""Figures or letters of a run that nothing else announces; prices, sizes and years are shorter."""

ANNOUNCED = 2
"""Figures of a run that the words before it announce: "ending in 12"."""

_WORD = re.compile(r"[^\s]+")
_EDGES = ".,;:!?\"'()[]#"
_ALIKE = frozenset(("to", "too", "for", "won", "ate", "o", "tree", "sex", "nein", "niner"))
"""Heard for a figure; they join figures and count as none."""

_FILLERS = frozenset(
    (
        "dash",
        "hyphen",
        "minus",
        "space",
        "uh",
        "um",
        "and",
        "then",
        "point",
        "as",
        "in",
        "like",
        "a",
        "i",
        "dot",
        "underscore",
    )
)
_COUNTS = {**dict.fromkeys((*DIGITS, *PLURALS, *LETTERS), 1), **dict.fromkeys(TIES, 1), **dict.fromkeys(TEENS, 2)}
_COUNTS |= {"hundred": 1, "thousand": 1, **dict.fromkeys(TIMES, 1)}
_CODE = re.compile(r"[#+(]*[A-Za-z]{0,4}[-.()/]*\d[\dA-Za-z().+/-]*")


@dataclass(frozen=True)
class Token:
    """One word with its place; `figures` counts those it says or writes, `joins` tells what may stand among them."""

    word: str
    start: int
    end: int
    figures: int
    joins: bool


def tokens(text: str) -> list[Token]:
    """The words of a text."""
    found = []
    for match in _WORD.finditer(text):
        at = match.start()
        for part in re.finditer(r"[^-–]+|[-–]+", match[0]) if not re.search(r"\d", match[0]) else (match,):
            start = at + part.start() if part is not match else at
            word = part[0].strip(_EDGES).lower()
            found.append(Token(word, start, start + len(part[0]), _figures(word), word in _ALIKE or word in _FILLERS))
    return found


def _figures(word: str) -> int:
    if word in _COUNTS:
        return _COUNTS[word]
    if _CODE.fullmatch(word) and not word.endswith(("th", "st", "nd", "rd", "am", "pm", "%")):
        return sum(map(str.isalnum, word))
    return 1 if len(word) == 1 and word.isalpha() and word not in ("a", "i") else 0


def runs(words: Sequence[Token], least: int = LONG, gap: int = 1) -> Iterator[tuple[int, int]]:
    """(first, one after the last) word of each run of figures.

    Args:
        words: of a text.
        least: figures it has.
        gap: words that are no figures which may stand among them.
    """
    at = 0
    while at < len(words):
        if not words[at].figures:
            at += 1
            continue
        last, strange, count = at, 0.0, words[at].figures
        for i in range(at + 1, len(words)):
            if words[i].figures:
                last, strange, count = i, 0.0, count + words[i].figures
                continue
            strange += 0.5 if words[i].joins else 1
            if strange > gap:
                break
        if count >= least:
            yield at, last + 1
        at = last + 1
