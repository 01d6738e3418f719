"""Words as they really come in: typing errors, other wordings, words misheard, no case or punctuation.

Each change is a list of edits (start, end, new characters) that never reach over an entity's edge, so the spans move
with the text.
"""

from __future__ import annotations

import math
import random
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import accumulate

from modalities.slips import NEIGHBOURS
from modalities.spelling import Speller
from training.wordings import Edit, frame, reword

Spans = tuple[tuple[str, int, int], ...]
Mishear = Callable[[str, Spans, random.Random], tuple[str, Spans]]
"""A text as a recogniser may hear it: `training.misheard.Confusions`."""
Spell = Callable[[str], Iterable[Edit]]
"""What a speller would change in a text: `training.augment.spelled`."""

LETTERS = "abcdefghijklmnopqrstuvwxyz"
DROPPED = frozenset("a an the is to of my i it please on in for that and".split())
SPACES = 0.5
"""Chance of a typo at a space, as a share of a letter's: words run together."""


@dataclass(frozen=True)
class Rates:
    """How often each change is made to a text (0..1).

    Attributes:
        spoken: lower case, without punctuation.
        typo: typing errors, as many as `characters` says.
        drop: function words left out, each one in three.
        reword: phrases in other words (`training.wordings`).
        frame: a greeting, a polite frame or thanks around it.
        characters: least and most typing errors a letter; drawn anew for each text.
        misheard: heard by a recogniser instead of typed, where `augment` is given one: no typing errors then.
        inside: of the texts with typing errors, those that have them inside entities too (never at digits).
        spelled: of the texts with typing errors, those put right by a speller again, where `augment` is given one:
            that is how the model gets them later.
    """

    spoken: float = 0.3
    typo: float = 0.35
    drop: float = 0.15
    reword: float = 0.2
    frame: float = 0.15
    misheard: float = 0.3
    characters: tuple[float, float] = (0.02, 0.15)
    inside: float = 0.4
    spelled: float = 0.5


def augment(
    text: str,
    spans: Spans,
    rng: random.Random,
    rates: Rates = Rates(),
    mishear: Mishear | None = None,
    spell: Spell | None = None,
) -> tuple[str, Spans]:
    """One changed copy of a text with its spans; a text is never changed into nothing.

    Args:
        text: any text.
        spans: (type, start, end), in order, apart from each other.
        rng: the draw.
        rates: how often each change is made.
        mishear: a recogniser's errors, where there are to be any.
        spell: what puts typing errors right, if the stack does.
    """
    before = text, spans
    if rng.random() < rates.reword:
        text, spans = apply(text, spans, _outside(reword(text, rng), spans))
    if rng.random() < rates.drop:
        text, spans = apply(text, spans, _outside(_drops(text, rng), spans))
    if rng.random() < rates.frame:
        text, spans = apply(text, spans, _outside(frame(text, rng), spans))
    if mishear is not None and rng.random() < rates.misheard:
        text, spans = mishear(text, spans, rng)
    elif rng.random() < rates.typo:
        edits = typos(text, rng.uniform(*rates.characters), rng)
        text, spans = apply(text, spans, edits if rng.random() < rates.inside else _outside(edits, spans))
        if spell is not None and rng.random() < rates.spelled:
            text, spans = apply(text, spans, spell(text))
    if rng.random() < rates.spoken:
        text = _spoken(text)
    return (text, spans) if text.strip() else before


def spelled(speller: Speller) -> Spell:
    """What a speller changes, as edits."""

    def edits(text: str) -> list[Edit]:
        found = speller.correct(text)
        return [(typed_a, typed_b, found.text[a:b]) for a, b, typed_a, typed_b in found.changes]

    return edits


def typos(text: str, rate: float, rng: random.Random, spaces: float = SPACES) -> list[Edit]:
    """Typing errors: letters mistyped, lost, added or swapped with the next.

    Args:
        text: what was meant.
        rate: errors a letter (0..1).
        rng: the draw.
        spaces: the chance of an error at a space, as a share of `rate`.
    """
    edits: list[Edit] = []
    if rate <= 0:
        return edits
    # Distances between errors are geometric: one draw an error, not one a letter.
    scale = math.log1p(-min(rate, 0.999))
    i = int(math.log(1 - rng.random()) / scale)
    while i < len(text):
        if text[i].isalpha() or (text[i] == " " and rng.random() < spaces):
            start, end, new = _typo(text, i, rng)
            edits.append((start, end, new))
            i = max(i, end - 1)
        i += 1 + int(math.log(1 - rng.random()) / scale)
    return edits


def _typo(text: str, i: int, rng: random.Random) -> Edit:
    """One typing error at a letter or a space: a swap, a loss, an addition or a wrong letter, each as likely."""
    letter, kind = text[i], rng.random()
    if kind < 0.25 and text[i + 1 : i + 2].isalpha() and text[i + 1] != letter:
        return i, i + 2, text[i + 1] + letter
    if kind < 0.5 or letter == " ":
        return i, i + 1, ""
    # Half of the keys hit are near the right one, half any.
    near = NEIGHBOURS.get(letter.lower(), LETTERS) if rng.random() < 0.5 else LETTERS
    new = near[int(rng.random() * len(near))]
    new = new.upper() if letter.isupper() else new
    return i, i + 1, (letter + new if kind < 0.75 or new == letter else new)


def apply(text: str, spans: Spans, edits: Iterable[Edit]) -> tuple[str, Spans]:
    """The text with the edits made and the spans on their words.

    Args:
        text: any text.
        spans: (type, start, end).
        edits: in order, apart from each other. Those that reach over a span's edge are left out, and where a span
            would become empty, all that touch spans.
    """
    made = list(edits)
    if spans and made:
        made = [e for e in made if all(e[1] <= a or e[0] >= b or (a <= e[0] and e[1] <= b) for _, a, b in spans)]
    if not made:
        return text, spans
    parts, at = [], 0
    for start, end, new in made:
        parts += [text[at:start], new]
        at = end
    changed, moved = "".join([*parts, text[at:]]), _moved(spans, made)
    if any(not changed[a:b].strip() for _, a, b in moved):
        return apply(text, spans, _outside(made, spans))
    return changed, moved


def _moved(spans: Spans, edits: list[Edit]) -> Spans:
    if not spans:
        return spans
    starts, ends = [e[0] for e in edits], [e[1] for e in edits]
    shifts = [0, *accumulate(len(new) - (end - start) for start, end, new in edits)]
    return tuple((kind, a + shifts[bisect_right(ends, a)], b + shifts[bisect_left(starts, b)]) for kind, a, b in spans)


def _outside(edits: Iterable[Edit], spans: Spans) -> list[Edit]:
    """The edits that touch no span."""
    return [e for e in edits if all(e[1] <= a or e[0] >= b for _, a, b in spans)]


def _drops(text: str, rng: random.Random) -> Iterable[Edit]:
    """Function words left out, with the space after them."""
    for match in re.finditer(r"(?<!\S)[A-Za-z]+ ", text):
        if match.group()[:-1].lower() in DROPPED and rng.random() < 0.3:
            yield match.start(), match.end(), ""


def _spoken(text: str) -> str:
    """Lower case, punctuation that is not inside a word blanked; every character keeps its place."""
    return re.sub(r"(?<!\w)[^\w\s@$]|[^\w\s](?!\w)", " ", text.lower()) if len(text.lower()) == len(text) else text
