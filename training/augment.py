"""Words as they really come in: lower case without punctuation, typing errors, words dropped by the recogniser.

Each change keeps the entity spans on their words.
"""

from __future__ import annotations

import random
import re
from bisect import bisect_right
from dataclasses import dataclass

Spans = tuple[tuple[str, int, int], ...]

NEIGHBOURS = {
    "a": "qsz", "b": "vgn", "c": "xdv", "d": "sfe", "e": "wrd", "f": "dgr", "g": "fht", "h": "gjy", "i": "uok",
    "j": "hku", "k": "jli", "l": "kop", "m": "nj", "n": "bmh", "o": "ipl", "p": "ol", "q": "wa", "r": "etf",
    "s": "adw", "t": "ryg", "u": "yij", "v": "cbf", "w": "qes", "x": "zcs", "y": "tuh", "z": "xa",
}  # fmt: skip
FILLERS = ("um", "uh", "so", "well", "okay so", "hi", "yeah", "like")
DROPPED = frozenset("a an the is to of my i it please on in for that and".split())


@dataclass(frozen=True)
class Rates:
    """How often each change is made to a text (0..1); `typo` and `drop` then fall on about one word in eight."""

    spoken: float = 0.3
    typo: float = 0.15
    drop: float = 0.15
    filler: float = 0.1


def augment(text: str, spans: Spans, rng: random.Random, rates: Rates = Rates()) -> tuple[str, Spans]:
    """One changed copy of a text with its spans."""
    pieces = re.findall(r"\s+|\S+", text)
    starts = [0]
    for piece in pieces:
        starts.append(starts[-1] + len(piece))
    covered = [any(a < starts[i + 1] and starts[i] < b for _, a, b in spans) for i in range(len(pieces))]
    changed = list(pieces)
    if rng.random() < rates.typo:
        changed = [
            p if c or p.isspace() or rng.random() > 0.125 else _typo(p, rng)
            for p, c in zip(changed, covered, strict=True)
        ]
    if rng.random() < rates.drop:
        changed = [
            "" if not c and p.lower() in DROPPED and rng.random() < 0.3 else p
            for p, c in zip(changed, covered, strict=True)
        ]
    if rng.random() < rates.filler and changed:
        changed[0] = f"{rng.choice(FILLERS)} {changed[0]}" if not covered[0] else changed[0]
    text, spans = _rebuild(pieces, changed, starts, spans)
    return (_spoken(text), spans) if rng.random() < rates.spoken else (text, spans)


def _typo(word: str, rng: random.Random) -> str:
    """Swap, drop, double or mistype one letter."""
    if len(word) < 3:
        return word
    i = rng.randrange(len(word) - 1)
    near = NEIGHBOURS.get(word[i].lower())
    return rng.choice(
        [
            word[:i] + word[i + 1] + word[i] + word[i + 2 :],
            word[:i] + word[i + 1 :],
            word[: i + 1] + word[i:],
            word[:i] + rng.choice(near) + word[i + 1 :] if near else word,
        ]
    )


def _spoken(text: str) -> str:
    """Lower case, punctuation that is not inside a word blanked; every character keeps its place."""
    return re.sub(r"(?<!\w)[^\w\s@$]|[^\w\s](?!\w)", " ", text.lower()) if len(text.lower()) == len(text) else text


def _rebuild(pieces: list[str], changed: list[str], starts: list[int], spans: Spans) -> tuple[str, Spans]:
    """Join changed pieces and move the spans; pieces under a span are unchanged, so offsets inside them hold."""
    moved = [0]
    for piece in changed:
        moved.append(moved[-1] + len(piece))

    def place(offset: int) -> int:
        i = bisect_right(starts, offset) - 1
        return moved[i] + offset - starts[i]

    return "".join(changed), tuple((kind, place(a), place(b - 1) + 1) for kind, a, b in spans)
