"""Runs of figures and spelled letters in words: numbers that somebody is known by, whoever's they are.

Works on the words as they came, written ("4111 1111"), said ("four one one one"), or misheard in part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from agent.secrets import MASK
from modalities.speech.numerals import DIGITS, LETTERS, PLURALS, TEENS, TIES, TIMES

LONG = 5
"""Figures or letters of a run that nothing else announces; prices, sizes and years are shorter."""

SPOKEN = 4
"""Single figures said one after another that nobody says but of a number."""

SURELY = 6
"""Words of a run of figures that are a number whatever else they were taken for."""

ANNOUNCED = 2
"""Figures of a run that the words before it announce: "ending in 12"."""

MOST_JOINING = 2
"""Words in a row that join figures: "seven dash dash four"."""

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
    """One word with its place.

    Attributes:
        figures: how many it says or writes.
        joins: may stand among figures.
        unsure: heard unsurely.
    """

    word: str
    start: int
    end: int
    figures: int
    joins: bool
    unsure: bool = False


def tokens(text: str, doubtful: Sequence[tuple[int, int]] = ()) -> list[Token]:
    """The words of a text; `doubtful` are characters of those heard unsurely."""
    found = []
    for match in _WORD.finditer(text):
        at = match.start()
        for part in re.finditer(r"[^-–]+|[-–]+", match[0]) if not re.search(r"\d", match[0]) else (match,):
            start = at + part.start() if part is not match else at
            word = part[0].strip(_EDGES).lower()
            end = start + len(part[0])
            unsure = any(a < end and start < b for a, b in doubtful)
            found.append(Token(word, start, end, _figures(word), word in _ALIKE or word in _FILLERS, unsure))
    return found


def _figures(word: str) -> int:
    if word in _COUNTS:
        return _COUNTS[word]
    if _CODE.fullmatch(word) and not word.endswith(("th", "st", "nd", "rd", "am", "pm", "%")):
        return sum(map(str.isalnum, word))
    if MASK in word:
        return 1
    return 1 if len(word) == 1 and word.isalpha() and word not in ("a", "i") else 0


def runs(words: Sequence[Token], least: int = LONG, gap: int = 1) -> Iterator[tuple[int, int]]:
    """(first, one after the last) word of each run of figures.

    Args:
        words: of a text.
        least: figures it has.
        gap: words misheard for figures that may stand between two parts of it.
    """
    joined: list[tuple[int, int]] = []
    for first, last in _parts(words):
        if joined and _belong(words, joined[-1], (first, last), gap):
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    yield from (run for run in joined if _count(words, run) >= least or (least == LONG and _spoken(words, run)))


def _belong(words: Sequence[Token], one: tuple[int, int], other: tuple[int, int], gap: int) -> bool:
    """Whether two runs are one number misheard between them; beside a long one said in words a single figure is."""
    apart = other[0] - one[1]
    if apart <= gap and min(_count(words, one), _count(words, other)) > 1:
        return True
    misheard = all(word.joins or word.unsure for word in words[one[1] : other[0]])
    return misheard and apart <= gap + MOST_JOINING and max(one[1] - one[0], other[1] - other[0]) >= LONG


def _spoken(words: Sequence[Token], run: tuple[int, int]) -> bool:
    return sum(word.word in DIGITS for word in words[run[0] : run[1]]) >= SPOKEN


def _parts(words: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """Figures with nothing between them but what joins figures."""
    first = last = -1
    for i, word in enumerate(words):
        if word.figures:
            if first < 0:
                first = i
            last = i
        elif first >= 0 and not (word.joins and i - last <= MOST_JOINING):
            yield first, last + 1
            first = -1
    if first >= 0:
        yield first, last + 1


def _count(words: Sequence[Token], run: tuple[int, int]) -> int:
    return sum(word.figures for word in words[run[0] : run[1]])
