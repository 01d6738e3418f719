"""A turn that means several things, cut in two where each part alone is clearest.

Whole, two wishes blur each other; each half is a sentence like those the model learnt from. Cuts at joining words and
punctuation are tried first, every other gap between words only where none of those makes sense.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from agent.crf import FloatArray
from agent.decode import Pair

MOST_CUTS = 24
"""Places tried at most in one text; a sentence rarely has more words."""

MOST_CHARACTERS = 400
"""Longer texts are letters, not sentences: they are read whole."""

CLEAR = 0.3
"""A cut is taken where both halves together (the product of their confidences) are at least this likely."""

_JOINT = re.compile(
    r"\s*[.;:?!,]+\s+|\s+[-&]\s+|\s+(?:-\s+)?(?=(?:and|also|plus|then|but|oh|after|while|as\s+well\s+as)\b)", re.I
)
_GAP = re.compile(r"\s+")
_LEADING = re.compile(
    r"(?:[\s.,;:?!&-]+|(?:and|also|plus|then|but|oh|as\s+well\s+as|one\s+more\s+thing|after\s+that|"
    r"while\s+(?:you\s+are|you're|i\s+have\s+you|we\s+are)\s+(?:at\s+it|there)?)\b)+",
    re.I,
)
_TRAILING = re.compile(r"(?:[\s,;:&-]+|\b(?:and|also|plus|then|but|oh))+$", re.I)

Halves = tuple[str, str]


@dataclass(frozen=True)
class Cut:
    """What the halves of a text mean, and how likely both readings are together."""

    pair: Pair
    likelihood: float


def at_joints(text: str) -> list[Halves]:
    """The text cut at each joining word or mark, the joining words left out; halves have at least two words."""
    return _halves(text, _JOINT)


def at_gaps(text: str) -> list[Halves]:
    """The text cut between any two words; halves have at least two words."""
    return _halves(text, _GAP)


def _halves(text: str, cut: re.Pattern[str]) -> list[Halves]:
    """The text cut where a pattern matches; a letter is not cut."""
    found = []
    for place in [match.start() for match in cut.finditer(text)][:MOST_CUTS] if len(text) <= MOST_CHARACTERS else ():
        first, second = _TRAILING.sub("", text[:place]), text[place:]
        if (lead := _LEADING.match(second)) is not None:
            second = second[lead.end() :]
        if min(len(first.split()), len(second.split())) >= 2:
            found.append((first, second))
    return list(dict.fromkeys(found))


def best_cut(first: FloatArray, second: FloatArray) -> Cut | None:
    """The cut whose halves are clearest, of those whose halves mean different things.

    Args:
        first, second: (cuts, intents), confidences of each cut's halves, each row adding up to 1.

    Returns:
        The cut; None where none has halves that differ.
    """
    if not len(first):
        return None
    worth = worths(first, second)
    best = int(worth.argmax())
    if worth[best] <= 0:
        return None
    mine, yours = int(first[best].argmax()), int(second[best].argmax())
    return Cut(((mine, float(first[best, mine])), (yours, float(second[best, yours]))), float(worth[best]))


def worths(first: FloatArray, second: FloatArray) -> FloatArray:
    """How likely both readings of each cut are together, (cuts,); 0 where both halves mean the same."""
    product: FloatArray = first.max(axis=1) * second.max(axis=1)
    return np.where(first.argmax(axis=1) == second.argmax(axis=1), 0.0, product)
