"""Codes said letter by letter and digit by digit, with what people say between: "k four, no, k five, dash, two"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from modalities.speech.numerals import DIGITS, LETTERS, TEENS, TIES, TIMES, Piece, Token, said_unit

FILLERS = frozenset(("dash", "hyphen", "space", "uh", "um", "uhm", "then"))
CORRECTIONS = (("no", "wait"), ("no", "sorry"), ("i", "mean"), ("make", "that"), ("scratch", "that"), ("no",),
               ("sorry",), ("wait",), ("correction",), ("rather",))  # fmt: skip
MOST_UNITS = 40
"""Characters, pairs and the like that one code has at most; an IBAN has 34 characters."""

LEAST_DIGITS = 7
"""Digits behind a "plus" that make it a telephone number's."""


@dataclass(frozen=True)
class _Unit:
    at: int  # place of its first word
    pieces: list[Piece]
    said: bool  # in words, not in figures of more than one digit

    @cached_property
    def characters(self) -> str:
        return "".join([piece[0] for piece in self.pieces])


def code(tokens: Sequence[Token], at: int) -> tuple[int, list[Piece]]:
    """How many words from here on say a code, and its characters; a plus before a telephone number is kept."""
    plus = tokens[at].word == "plus" and at + 1 < len(tokens)
    units, end = _units(tokens, at + plus)
    units, end = _without_groups(units, end)
    figures = any(unit.characters.isdigit() for unit in units)
    while units and _only_a_word(tokens[units[-1].at].word, figures, len(units)):
        end = units.pop().at
    if units and tokens[at].word in ("a", "i") and len(units) > 1:
        return 0, []  # an article or "I" before a code: the code begins at the next word
    pieces = _zeros([piece for unit in units for piece in unit.pieces])
    digits = sum(piece[0].isdigit() for piece in pieces)
    letters = len(pieces) - digits
    if plus:
        sign = ("+", tokens[at].start, tokens[at].end)
        return (end - at, [sign, *pieces]) if digits >= LEAST_DIGITS and not letters else (0, [])
    if digits >= 3 or (digits and letters and digits + letters >= 3) or (not digits and letters >= 2):
        return end - at, pieces
    return 0, []


def _units(tokens: Sequence[Token], at: int) -> tuple[list[_Unit], int]:
    """The units said one after another, what was corrected replaced, and the place behind them."""
    units: list[_Unit] = []
    end, corrected = at, -1
    for _ in range(MOST_UNITS):
        if end >= len(tokens) or not (unit := said_unit(tokens, end))[0]:
            break
        figures = tokens[end].word.isdecimal() and len(tokens[end].word) > 1
        units.append(_Unit(end, unit[1], not figures))
        end += unit[0]
        last = tokens[end - 1]
        if last.tail not in ("", ",") or (last.tail and len(last.word) > 3 and last.word not in _SAID):
            break  # the sentence ends here, or a code written whole does
        if skip := _correction(tokens, end):
            if corrected >= 0:
                units = _replaced(units, corrected)
            end, corrected = end + skip, len(units)
        elif end + 1 < len(tokens) and tokens[end].word in FILLERS and said_unit(tokens, end + 1)[0]:
            end += 1
    return (units if corrected < 0 else _replaced(units, corrected)), end


_SAID = frozenset((*DIGITS, *TEENS, *TIES, *LETTERS, *TIMES, "hundred", "thousand"))


def _correction(tokens: Sequence[Token], at: int) -> int:
    """How many words here take back what was said, where a code goes on behind them."""
    words = tuple(token.word for token in tokens[at : at + 2])
    for said in CORRECTIONS:
        after = at + len(said)
        if words[: len(said)] == said and after < len(tokens) and said_unit(tokens, after)[0]:
            return len(said)
    return 0


def _replaced(units: list[_Unit], corrected: int) -> list[_Unit]:
    """Units with those from `corrected` on in the place of what they restate.

    They restate from the last place that begins as they do ("four five, no, four six"), else the last unit alone.
    """
    before, again = units[:corrected], units[corrected:]
    if not again:
        return before
    same = [i for i, unit in enumerate(before) if unit.characters == again[0].characters]
    return before[: same[-1] if same else len(before) - 1] + again


def _without_groups(units: list[_Unit], end: int) -> tuple[list[_Unit], int]:
    """Units up to the first group of figures, unless enough is said in words beside to make one code of all."""
    groups = [i for i, unit in enumerate(units) if not unit.said]
    spoken = sum(len(unit.characters) for unit in units if unit.said and unit.characters.isdigit())
    if not groups or (spoken >= 2 and sum(len(unit.characters) for unit in units) >= 5):
        return units, end
    return units[: groups[0]], units[groups[0]].at


def _only_a_word(word: str, figures: bool, units: int) -> bool:
    """Whether a last unit is rather an ordinary word: "a", "i", or a name of the alphabet alone or without figures."""
    return word in ("a", "i") or (len(word) > 1 and word in LETTERS and (units == 1 or not figures))


def _zeros(pieces: list[Piece]) -> list[Piece]:
    """The letter O beside a digit is a zero, unless a word of the alphabet said it ("oscar")."""
    beside = [p[0].isdigit() for p in pieces]
    return [
        ("0", start, end)
        if written == "O" and end - start == 1 and (any(beside[max(0, i - 1) : i]) or any(beside[i + 1 : i + 2]))
        else piece
        for i, piece in enumerate(pieces)
        for written, start, end in [piece]
    ]
