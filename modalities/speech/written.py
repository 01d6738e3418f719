"""Spoken words -> written form, with the way back: "k four eight double two one seven" -> "K482217".

Codes, telephone numbers, amounts, e-mail addresses and days come out as people write them; every character knows
which stretch of the spoken words it stands for, so that what is found in the written form can be pointed at in the
words. Everything else stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from modalities.speech.numerals import (
    DIGITS,
    LETTERS,
    SCALES,
    TIES,
    Piece,
    Token,
    cardinal,
    end_of,
    said_unit,
    tokenize,
)
from modalities.speech.spoken import MONTHS, say_ordinal

DAYS = {say_ordinal(n): n for n in range(1, 32)}
JOINTS = {
    "dot": ".",
    "point": ".",
    "period": ".",
    "underscore": "_",
    "dash": "-",
    "hyphen": "-",
    "minus": "-",
    "plus": "+",
}
ENDINGS = frozenset("com net org edu gov io co example us uk info biz me".split())
FILLERS = frozenset(("dash", "hyphen", "space", "uh", "um", "uhm", "and then"))
UNITS = frozenset("dollar dollars buck bucks usd".split())
NO_NAMES = frozenset(
    "am is it's its address email mail mails to at from use with my the a an and or not but for on me was be of that "
    "this i'm im it account under by says say send sent reach change please new old no yes now instead".split()
)

MAX_TENS = 4  # "forty seven" and the like that `readings` looks at: 16 readings at most


@dataclass(frozen=True)
class Written:
    """The written form of some spoken words.

    Attributes:
        text: as people would write it.
        starts, ends: for each character of `text`, the stretch of the spoken words that it stands for.
    """

    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The stretch of the spoken words behind `text[start:end]`."""
        if not 0 <= start < end <= len(self.text):
            raise ValueError(f"span must be within 0..{len(self.text)} and not empty, got {start!r}..{end!r}")
        return self.starts[start], self.ends[end - 1]


def to_written(text: str) -> Written:
    """Write down what was spoken: codes, telephone numbers, amounts, e-mail addresses, days.

    A lone small number stays a word ("two shirts"); three digits or more, letters with digits, and spelled words
    become one run without spaces. Letters in runs come out in capitals, e-mail addresses in lower case.
    """
    return _write(text, tokenize(text))


def readings(text: str) -> tuple[Written, ...]:
    """Every way to write down what was spoken, likeliest first.

    "Forty seven" in a code is 47, or 40 and then 7: where the two differ, whoever knows how long the code is or has
    its check digit can tell.
    """
    tokens = tokenize(text)
    tens = [i for i, token in enumerate(tokens[:-1]) if token.word in TIES and tokens[i + 1].word in DIGITS]
    found: dict[str, Written] = {}
    for count in range(len(tens[:MAX_TENS]) + 1):
        for apart in combinations(tens[:MAX_TENS], count):
            written = _write(text, [replace(token, apart=i in apart) for i, token in enumerate(tokens)])
            found.setdefault(written.text, written)
    return tuple(found.values())


def _write(text: str, tokens: Sequence[Token]) -> Written:
    pieces: list[Piece] = []
    at = done = 0
    while at < len(tokens):
        for parse in (_email, _money, _day, _code, _number):
            taken, found = parse(tokens, at)
            if taken:
                break
        else:
            taken, found = 1, []
        first, last = tokens[at], tokens[at + taken - 1]
        pieces += _as_is(text, done, first.start)
        pieces += found or _as_is(text, first.start, last.end - len(last.tail))
        done = last.end - len(last.tail)
        at += taken
    pieces += _as_is(text, done, len(text))
    return Written(
        "".join(written for written, _, _ in pieces),
        tuple(start for written, start, _ in pieces for _ in written),
        tuple(end for written, _, end in pieces for _ in written),
    )


def _as_is(text: str, start: int, end: int) -> list[Piece]:
    return [(text[i], i, i + 1) for i in range(start, end)]


# -- codes -------------------------------------------------------------------------------------------------------


def _code(tokens: Sequence[Token], at: int) -> tuple[int, list[Piece]]:
    """Letters and digits said one after another."""
    units: list[tuple[int, list[Piece]]] = []
    end = at
    while end < len(tokens) and (unit := said_unit(tokens, end))[0]:
        units.append((end, unit[1]))
        end += unit[0]
        if tokens[end - 1].tail not in ("", ",") or (tokens[end - 1].tail and len(tokens[end - 1].word) > 3):
            break  # the sentence ends here, or a code written whole does
        if end + 1 < len(tokens) and tokens[end].word in FILLERS and said_unit(tokens, end + 1)[0]:
            end += 1
    while units and _only_a_word(tokens, units, end):
        end = units.pop()[0]
    if units and tokens[at].word in ("a", "i") and len(units) > 1:
        return 0, []  # an article or "I" before a code: the code begins at the next word
    pieces = _zeros([piece for _, unit in units for piece in unit])
    digits = sum(piece[0].isdigit() for piece in pieces)
    letters = len(pieces) - digits
    if digits >= 3 or (digits and letters and digits + letters >= 3) or (not digits and letters >= 2):
        return end - at, pieces
    return 0, []


def _only_a_word(tokens: Sequence[Token], units: Sequence[tuple[int, list[Piece]]], end: int) -> bool:
    """Whether the last unit is rather an ordinary word: "a", "i", or a name of the alphabet beside no other letter."""
    first = units[-1][0]
    word = tokens[first].word
    if word in ("a", "i"):
        return True
    if len(word) > 1 and word in LETTERS:
        return len(units) == 1 or not any(piece[0].isdigit() for _, unit in units for piece in unit)
    return False


def _zeros(pieces: list[Piece]) -> list[Piece]:
    """The letter O beside a digit is a zero."""
    beside = [p[0].isdigit() for p in pieces]
    return [
        ("0", start, end)
        if written == "O" and (any(beside[max(0, i - 1) : i]) or any(beside[i + 1 : i + 2]))
        else piece
        for i, piece in enumerate(pieces)
        for written, start, end in [piece]
    ]


# -- numbers and money -------------------------------------------------------------------------------------------


def _number(tokens: Sequence[Token], at: int) -> tuple[int, list[Piece]]:
    """A number of several words: "one hundred and five", "twenty five"."""
    start = at + (tokens[at].word == "a" and at + 1 < len(tokens) and tokens[at + 1].word in SCALES)
    taken, number = cardinal(tokens, start)
    if taken + start - at < 2:
        return 0, []
    return start + taken - at, [(str(number), tokens[at].start, end_of(tokens[start + taken - 1]))]


def _money(tokens: Sequence[Token], at: int) -> tuple[int, list[Piece]]:
    """An amount: "twelve dollars and fifty cents", "ninety two bucks seventy two", "fifty cents"."""
    start = at + (tokens[at].word == "a" and at + 1 < len(tokens) and tokens[at + 1].word in SCALES)
    taken, whole = cardinal(tokens, start)
    if not taken:
        return 0, []
    end = start + taken
    if end < len(tokens) and tokens[end].word in ("cents", "cent") and whole < 100:
        return end + 1 - at, [(f"$0.{whole:02d}", tokens[at].start, end_of(tokens[end]))]
    if end >= len(tokens) or tokens[end].word not in UNITS:
        return 0, []
    end, cents = end + 1, 0
    if not tokens[end - 1].tail:
        skip = end + (end < len(tokens) and tokens[end].word == "and")
        more, part = cardinal(tokens, skip)
        named = skip + more < len(tokens) and tokens[skip + more].word in ("cents", "cent")
        if more and part < 100 and (named or (skip == end and part >= 10)):
            end, cents = skip + more + named, part
    written = f"${whole}.{cents:02d}" if cents else f"${whole}"
    return end - at, [(written, tokens[at].start, end_of(tokens[end - 1]))]


# -- days and addresses ------------------------------------------------------------------------------------------


def _day(tokens: Sequence[Token], at: int) -> tuple[int, list[Piece]]:
    """The ordinal of a day beside its month: "march sixteenth", "twenty third of may"."""
    for words in (2, 1):
        said = " ".join(token.word for token in tokens[at : at + words])
        before = tokens[at - 1].word if at else ""
        after = [token.word for token in tokens[at + words : at + words + 2]]
        beside = before in MONTHS or before == "the" or (after[:1] == ["of"] and after[-1] in MONTHS)
        if said in DAYS and len(said.split()) == words and beside:
            day = DAYS[said]
            ending = "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
            return words, [(f"{day}{ending}", tokens[at].start, end_of(tokens[at + words - 1]))]
    return 0, []


def _email(tokens: Sequence[Token], at: int) -> tuple[int, list[Piece]]:
    """An e-mail address that begins here: name, "at", domain, "dot", ending."""
    sign = next((i for i in range(at + 1, min(at + 24, len(tokens))) if tokens[i].word == "at"), 0)
    if not sign or tokens[at].word in JOINTS or at < _name_start(tokens, sign):
        return 0, []
    end = _domain_end(tokens, sign + 1)
    if not end:
        return 0, []
    pieces = [*_address(tokens, at, sign), ("@", tokens[sign].start, tokens[sign].end)]
    return end - at, pieces + _address(tokens, sign + 1, end)


def _name_start(tokens: Sequence[Token], sign: int) -> int:
    """Where the name before "at" begins: words joined by dots and the like, spelled characters, at most two words."""
    at, words = sign, 0
    while at > 0:
        word, joined = tokens[at - 1].word, at < sign and (tokens[at].word in JOINTS or tokens[at - 1].word in JOINTS)
        plain = not (said_unit(tokens, at - 1)[0] or word in JOINTS)
        spelled = at < sign and len(word) == len(tokens[at].word) == 1
        if (word in NO_NAMES and not (joined or spelled)) or (tokens[at - 1].tail and at < sign):
            break
        if plain and not joined:
            words += 1
            if words > 2:
                break
        at -= 1
    return at


def _domain_end(tokens: Sequence[Token], at: int) -> int:
    """Behind the ending of the domain that begins here; 0 when none does."""
    for dot in range(at + 1, min(at + 12, len(tokens) - 1)):
        if tokens[dot].word == "dot" and tokens[dot + 1].word in ENDINGS:
            further = dot + 3 < len(tokens) and tokens[dot + 2].word == "dot" and tokens[dot + 3].word in ENDINGS
            return dot + (4 if further else 2)
    return 0


def _address(tokens: Sequence[Token], at: int, end: int) -> list[Piece]:
    """The characters of a name or domain, in lower case."""
    pieces: list[Piece] = []
    while at < end:
        token = tokens[at]
        taken, unit = said_unit(tokens[:end], at)
        if token.word in JOINTS:
            pieces.append((JOINTS[token.word], token.start, token.end))
        elif taken and token.word not in LETTERS:
            pieces += [(written.lower(), start, stop) for written, start, stop in unit]
            at += taken - 1
        else:
            pieces.append((re.sub(r"[^\w.+-]", "", token.word), token.start, end_of(token)))
        at += 1
    return pieces
