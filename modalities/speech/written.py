"""Spoken words -> written form, with the way back: "k four eight double two one seven" -> "K482217".

Codes, telephone numbers, amounts, e-mail addresses and days come out as people write them; every character knows
which stretch of the spoken words it stands for, so that what is found in the written form can be pointed at in the
words. Everything else stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, islice, pairwise

from modalities.speech.addresses import SIGNS, email
from modalities.speech.codes import code
from modalities.speech.numerals import (
    CASES,
    DIGITS,
    LETTERS,
    SCALES,
    TEENS,
    TIES,
    TIMES,
    Piece,
    Token,
    cardinal,
    end_of,
    said_unit,
    tokenize,
)
from modalities.speech.spoken import MONTHS, say_ordinal
from modalities.speech.sums import money, number

DAYS = {say_ordinal(n): n for n in range(1, 32)}
STARTS = frozenset((*DIGITS, *TEENS, *TIES, *TIMES, *LETTERS, *SCALES, *CASES, "upper", "lower", "plus", "half")) | {
    name.split()[0] for name in DAYS
}
"""Words that a code, a number, an amount or a day begins with, beside single characters and figures."""

VERBS = frozenset(("may", "march"))  # months that are other words as well
ALIKE = {"to": "two", "too": "two", "for": "four", "fore": "four", "won": "one", "ate": "eight", "tree": "three",
         "sex": "six", "owe": "oh"}  # fmt: skip
"""Words that sound like a digit, and so are at times written for it."""

MOST_TRIED = 150
"""Words of one text at which a code, a number, an amount or a day is looked for; a letter of 700 words has about 60."""

MOST_TRIED_AGAIN, MOST_READ = 1000, 40_000
"""Such words, and characters, of all `readings` of one text together, the likeliest excepted."""

MAX_TENS = 4  # "forty seven" and the like that `readings` looks at: 16 readings at most, twice with `ALIKE`


@dataclass(frozen=True)
class Written:
    """The written form of some spoken words.

    Attributes:
        text: as people would write it.
        starts, ends: for each character of `text`, the stretch of the spoken words that it stands for.
    """

    text: str
    starts: Sequence[int]
    ends: Sequence[int]

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
    return _write(text, tokenize(text)) if _says(text) else _as_typed(text)


def _as_typed(text: str) -> Written:
    return Written(text, range(len(text)), range(1, len(text) + 1))


def _says(text: str) -> bool:
    """Whether anything in a text can be written otherwise than it is; where not, the words need no parsing."""
    lowered = text.lower()
    if not lowered.isascii() and any(map(str.isdigit, lowered)):
        return True
    return _SAYS.search(lowered) is not None


def readings(text: str) -> tuple[Written, ...]:
    """Every way to write down what was spoken, likeliest first.

    "Forty seven" in a code is 47, or 40 and then 7, and "for" may be four: where they differ, whoever knows how long
    the code is or has its check digit can tell.
    """
    if not _says(text):
        return (_as_typed(text),)
    tokens = tokenize(text)
    tried = sum(_is_tried(tokens, at) for at in range(len(tokens)))
    most = 1 + min(MOST_TRIED_AGAIN // max(1, tried), MOST_READ // len(text))
    found: dict[str, Written] = {}
    for changed in islice(_partings(tokens), most):
        written = _write(text, changed)
        found.setdefault(written.text, written)
    return tuple(found.values())


def _partings(tokens: list[Token]) -> Iterator[list[Token]]:
    """Each of `_variants` as it came, then with the tens and hundreds of some numbers apart from what follows."""
    for changed in _variants(tokens):
        tens = [i for i in range(len(changed) - 1) if _may_part(changed, i)][:MAX_TENS]
        for count in range(len(tens) + 1):
            for apart in combinations(tens, count):
                yield [replace(t, apart=True) if i in apart else t for i, t in enumerate(changed)]


def _variants(tokens: list[Token]) -> Iterator[list[Token]]:
    """The words as they came; "a" before a letter as a letter too; what sounds like a digit in a code as that digit."""
    yield tokens
    lettered = list(tokens)
    for i, (token, after) in enumerate(pairwise(tokens)):
        if token.word == "a" and len(after.word) == 1 and after.word.isalpha():
            lettered[i] = replace(token, word="alpha")
    if lettered != tokens:
        yield lettered
    heard = list(tokens)
    for i, token in enumerate(tokens):
        if token.word in ALIKE and i and said_unit(heard, i - 1)[0] and not heard[i - 1].tail:
            heard[i] = replace(token, word=ALIKE[token.word])
    if heard != tokens:
        yield heard


def _may_part(tokens: Sequence[Token], at: int) -> bool:
    """Whether two words that make one number may be two numbers: "forty | seven", "four hundred | seven"."""
    word, after = tokens[at].word, tokens[at + 1].word
    if word in TIES:
        return after in DIGITS
    return word in SCALES and at > 0 and (after in DIGITS or after in TIES or after in TEENS)


def _write(text: str, tokens: Sequence[Token]) -> Written:
    written: list[str] = []
    starts: list[int] = []
    ends: list[int] = []

    def as_is(start: int, end: int) -> None:
        written.append(text[start:end])
        starts.extend(range(start, end))
        ends.extend(range(start + 1, end + 1))

    at = done = tried = 0
    signs = max((i for i, token in enumerate(tokens) if token.word in SIGNS or "(at" in token.word), default=0)
    while at < len(tokens) and tried < MOST_TRIED:
        tried += _is_tried(tokens, at)
        taken, found = _parse(tokens, at, at < signs)
        if found:
            as_is(done, tokens[at].start)
            for characters, start, end in found:
                written.append(characters)
                starts += [start] * len(characters)
                ends += [end] * len(characters)
            done = end_of(tokens[at + taken - 1])
        at += max(1, taken)
    as_is(done, len(text))
    return Written("".join(written), tuple(starts), tuple(ends))


def _begins(word: str) -> bool:
    """Whether a code, a number, an amount or a day may begin with a word."""
    return word in STARTS or len(word) == 1 or any(map(str.isdigit, word))


def _is_tried(tokens: Sequence[Token], at: int) -> bool:
    """Whether looking for something at a word costs anything; an article, or "I", before a plain word does not."""
    word = tokens[at].word
    if word in ("a", "i"):
        return at + 1 < len(tokens) and _begins(tokens[at + 1].word)
    return _begins(word)


def _parse(tokens: Sequence[Token], at: int, before_sign: bool) -> tuple[int, list[Piece]]:
    """How many words from here on are written otherwise, and how; most words begin nothing, and cost nothing."""
    if before_sign and (address := email(tokens, at))[0]:
        return address
    if _begins(tokens[at].word):
        for parse in (money, _day, code, number):
            taken, found = parse(tokens, at)
            if taken:
                return taken, found
    return 0, []


def _day(tokens: Sequence[Token], at: int) -> tuple[int, list[Piece]]:
    """The day beside its month: "march sixteenth", "twenty third of may", "july four"."""
    before = tokens[at - 1].word if at and not tokens[at - 1].tail else ""
    for words in (2, 1):
        said = " ".join(token.word for token in tokens[at : at + words])
        after = [token.word for token in tokens[at + words : at + words + 2]]
        beside = before in MONTHS or before == "the" or (after[:1] == ["of"] and after[-1] in MONTHS)
        if said in DAYS and len(said.split()) == words and beside:
            return words, [(_ordinal(DAYS[said]), tokens[at].start, end_of(tokens[at + words - 1]))]
    return _cardinal_day(tokens, at) if before in MONTHS else (0, [])


def _cardinal_day(tokens: Sequence[Token], at: int) -> tuple[int, list[Piece]]:
    """The day behind its month, said as a number: "july four twenty twenty six"."""
    word = tokens[at].word
    if word not in DIGITS and word not in TEENS and word not in TIES:
        return 0, []
    tens = word in TIES and at + 1 < len(tokens) and DIGITS.get(tokens[at + 1].word, "0") != "0"
    taken = 2 if tens and not tokens[at].tail else 1
    _, day = cardinal(tokens[: at + taken], at)
    after = tokens[at + taken].word if at + taken < len(tokens) else ""
    ends = not after or bool(tokens[at + taken - 1].tail) or after in ("twenty", "nineteen") or after[:2] == "20"
    year = after == "two" and at + taken + 1 < len(tokens) and tokens[at + taken + 1].word == "thousand"
    if not 1 <= day <= 31 or not (
        ends or year or (tokens[at - 1].word not in VERBS and not _goes_on(tokens, at + taken))
    ):
        return 0, []
    return taken, [(str(day), tokens[at].start, end_of(tokens[at + taken - 1]))]


def _goes_on(tokens: Sequence[Token], at: int) -> bool:
    return bool(said_unit(tokens, at)[0]) or tokens[at].word in SCALES


def _ordinal(day: int) -> str:
    return f"{day}{'th' if 10 < day < 14 else {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th')}"


def _says_pattern() -> re.Pattern[str]:
    """What a text in lower case must have somewhere to be written otherwise.

    A word of `STARTS`, a letter on its own, a figure, or a dot of an address. "A" and "I" alone begin no code, but go
    on with one before a word that sounds like a digit ("i to a for").
    """
    starts = "|".join(sorted(map(re.escape, STARTS), key=len, reverse=True))
    alike = "|".join(ALIKE)
    return re.compile(
        rf"[0-9]|(?<![a-z])(?:{starts}|dot)(?![a-z])|\.[a-z]"
        rf"|(?<![^\s-])(?:[b-hj-z]|[ai][\s-]+(?:{alike}))(?![^\s.,;:!?\"')-])"
    )


_SAYS = _says_pattern()
