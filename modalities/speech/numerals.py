"""Spoken words one after another as characters and numbers: "double seven", "forty two", "k as in kilo"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from modalities.speech.spoken import NATO, ONES, TENS

DIGITS = {word: str(n) for n, word in enumerate(ONES[:10])} | {"oh": "0", "nought": "0", "null": "0"}
TEENS = {word: str(n) for n, word in enumerate(ONES) if n >= 10}
TIES = {word: n for n, word in enumerate(TENS) if word}
TIMES = {"double": 2, "triple": 3, "treble": 3}
LETTERS = {word: letter for letter, word in NATO.items()} | {"juliett": "j", "alfa": "a", "zed": "z"}
SCALES = {"hundred": 100, "thousand": 1000}

Piece = tuple[str, int, int]  # written characters, and the stretch of the source they stand for


@dataclass(frozen=True)
class Token:
    """One spoken word, in lower case, and its place in the text."""

    word: str
    start: int
    end: int
    tail: str  # punctuation after the word
    apart: bool = False  # tens do not join the digit after them


def tokenize(text: str) -> list[Token]:
    """The words of a text; hyphens part words as spaces do."""
    found = []
    for match in re.finditer(r"[^\s-]+(?:-(?=\s|$))?|-", text):
        word = match.group().lower()
        bare = word.rstrip(".,;:!?\"')")
        found.append(Token(bare or word, match.start(), match.end(), word[len(bare) :] if bare else ""))
    return [token for token in found if token.word != "-"]


def said_unit(tokens: Sequence[Token], at: int) -> tuple[int, list[Piece]]:
    """How many words from here on say one or more characters of a code, and those characters."""
    token = tokens[at]
    word, following = token.word, tokens[at + 1] if at + 1 < len(tokens) else None
    if word in TIMES and following and (one := character(following.word)):
        return 2, [(one, token.start, following.end - len(following.tail))] * TIMES[word]
    end = token.end - len(token.tail)
    if word in DIGITS and following and following.word == "hundred" and not token.tail:
        return _hundreds(tokens, at)
    if word in TIES:
        if following and not (token.tail or token.apart) and DIGITS.get(following.word, "0") != "0":
            tail = following.end - len(following.tail)
            return 2, [(str(TIES[word]), token.start, end), (DIGITS[following.word], following.start, tail)]
        return 1, [(digit, token.start, end) for digit in f"{TIES[word]}0"]
    if word in TEENS or re.fullmatch(r"[a-z]{0,3}\d", word):
        return 1, [(character, token.start, end) for character in TEENS.get(word, word).upper()]
    if one := character(word):
        spelled = [token.word for token in tokens[at + 1 : at + 4]]
        if one.isalpha() and (spelled[:2] == ["as", "in"] or spelled[:1] == ["for"]) and spelled[-1][:1] == word[:1]:
            taken = 4 if spelled[0] == "as" else 3
            if at + taken <= len(tokens) and tokens[at + taken - 1].word[:1] == word[:1]:
                return taken, [(one, token.start, tokens[at + taken - 1].end)]
        return 1, [(one, token.start, end)]
    return 0, []


def _hundreds(tokens: Sequence[Token], at: int) -> tuple[int, list[Piece]]:
    """Three digits said as a number within a code: "two hundred eighty eight"."""
    taken, number = cardinal(tokens, at)
    return taken, [(digit, tokens[at].start, end_of(tokens[at + taken - 1])) for digit in str(number)]


def character(word: str) -> str:
    """The one character that a word says, or nothing."""
    if word in DIGITS:
        return DIGITS[word]
    if len(word) == 1 and word.isascii() and word.isalnum():
        return word.upper()
    return LETTERS.get(word, "").upper()


def cardinal(tokens: Sequence[Token], at: int) -> tuple[int, int]:
    """How many words from here on are one cardinal number, and the number."""
    end, total, group, room = at, 0, 0, 1000
    while end < len(tokens):
        word = tokens[end].word
        if word.isdigit() and end == at:
            group, room = int(word), 1
        elif word in SCALES and (group or end == at):
            group = max(group, 1) * SCALES[word]
            if word == "thousand":
                total, group = total + group, 0
            room = 100 if word == "hundred" else 1000
        elif word in TIES and room > 10:
            group, room = group + TIES[word] * 10, 10
        elif word in TEENS and room > 10:
            group, room = group + int(TEENS[word]), 1
        elif word in DIGITS and word != "oh" and DIGITS[word] != "0" and room > 1:
            group, room = group + int(DIGITS[word]), 1
        elif not (word == "and" and room == 100 and end + 1 < len(tokens) and _small(tokens[end + 1].word)):
            break
        end += 1
        if tokens[end - 1].tail:
            break
    return end - at, total + group


def _small(word: str) -> bool:
    return word in TIES or word in TEENS or word in DIGITS


def end_of(token: Token) -> int:
    """Where a word ends, punctuation after it aside."""
    return token.end - len(token.tail)
