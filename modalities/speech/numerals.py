"""Spoken words one after another as characters and numbers: "double seven", "forty two", "k as in kilo"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from modalities.speech.spoken import NATO, ONES, TENS

DIGITS = {word: str(n) for n, word in enumerate(ONES[:10])} | dict.fromkeys(("oh", "nought", "naught", "null"), "0")
PLURALS = {f"{word}{'es' if word == 'six' else 's'}": digit for word, digit in DIGITS.items()} | {"zeroes": "0"}
TEENS = {word: str(n) for n, word in enumerate(ONES) if n >= 10}
TIES = {word: n for n, word in enumerate(TENS) if word}
TIMES = {"double": 2, "triple": 3, "treble": 3, "quadruple": 4}
LETTERS = {word: letter for letter, word in NATO.items()} | {
    "juliett": "j", "alfa": "a", "whisky": "w", "zed": "z", "zee": "z", "kay": "k", "jay": "j", "vee": "v",
    "eff": "f", "ess": "s", "aitch": "h",
}  # fmt: skip
CASES = frozenset(("capital", "uppercase", "lowercase", "letter"))
SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}
SPELLINGS = (("as", "in"), ("like", "in"), ("as",), ("for",), ("like",))
"""What stands between a letter and a word that begins with it: "b as in boy"."""

LONGEST_NUMBER = 24
"""Words of one cardinal number at most: "nine hundred ninety nine billion ..." has 19, with every "and" 23."""

LONGEST_GROUP = 6
"""Figures of one token that may be part of a code said in words."""

Piece = tuple[str, int, int]  # written characters, and the stretch of the source they stand for


@dataclass(frozen=True)
class Token:
    """One spoken word, in lower case, and its place in the text."""

    word: str
    start: int
    end: int
    tail: str  # punctuation after the word
    apart: bool = False  # tens and hundreds do not join what is said after them


_WORD = re.compile(r"[^\s-]+(?:-(?=\s|$))?|-")
_FIGURE = re.compile(r"[a-z]{0,3}\d")


def tokenize(text: str) -> list[Token]:
    """The words of a text; hyphens part words as spaces do."""
    found = []
    for match in _WORD.finditer(text):
        word = match.group().lower()
        bare = word.rstrip(".,;:!?\"')") or word
        if bare != "-":
            found.append(Token(bare, match.start(), match.end(), word[len(bare) :]))
    return found


def said_unit(tokens: Sequence[Token], at: int) -> tuple[int, list[Piece]]:
    """How many words from here on say one or more characters of a code, and those characters."""
    token = tokens[at]
    word, following = token.word, tokens[at + 1] if at + 1 < len(tokens) else None
    end = end_of(token)
    if following:
        if word in CASES or (word in ("upper", "lower") and following.word == "case"):
            return _cased(tokens, at)
        if word == "double" and following.word in ("u", "you") and not token.tail:
            return 2, [("W", token.start, end_of(following))]
        if word in TIMES and (one := character(following.word)):
            return 2, [(one, token.start, end_of(following))] * TIMES[word]
        if DIGITS.get(word, "0") > "1" and following.word in PLURALS and not token.tail:
            return 2, [(PLURALS[following.word], token.start, end_of(following))] * int(DIGITS[word])
        if _hundreds_begin(tokens, at):
            return _hundreds(tokens, at)
    if word in TIES:
        return _ties(token, following)
    if word in TEENS or _FIGURE.fullmatch(word) or (word.isdecimal() and len(word) <= LONGEST_GROUP):
        return 1, [(character, token.start, end) for character in TEENS.get(word, word).upper()]
    if one := character(word):
        taken = _spelled(tokens, at) if one.isalpha() else 1
        return taken, [(one, token.start, end_of(tokens[at + taken - 1]))]
    return 0, []


def _ties(token: Token, following: Token | None) -> tuple[int, list[Piece]]:
    """Twenty, or twenty six."""
    tens = TIES[token.word]
    if following and not (token.tail or token.apart) and DIGITS.get(following.word, "0") != "0":
        ones = (DIGITS[following.word], following.start, end_of(following))
        return 2, [(str(tens), token.start, end_of(token)), ones]
    return 1, [(digit, token.start, end_of(token)) for digit in f"{tens}0"]


def _cased(tokens: Sequence[Token], at: int) -> tuple[int, list[Piece]]:
    """A letter behind a word for its case: "capital k"."""
    skip = 2 if tokens[at].word in ("upper", "lower") else 1
    if at + skip >= len(tokens) or not character(tokens[at + skip].word).isalpha():
        return 0, []
    taken, pieces = said_unit(tokens, at + skip)
    return skip + taken, [(written, tokens[at].start, end) for written, _, end in pieces]


def _spelled(tokens: Sequence[Token], at: int) -> int:
    """How many words say one letter here: 1, or more with a word it begins ("b as in boy", "x for x-ray")."""
    letter = tokens[at].word[0]
    words = [token.word for token in tokens[at + 1 : at + 5]]
    for joint in SPELLINGS:
        n = len(joint)
        if tuple(words[:n]) == joint and len(words) > n and words[n][:1] == letter:
            return n + 2 + (words[n : n + 2] == ["x", "ray"])
    return 2 if letter == "x" and words[:1] == ["ray"] else 1


def _hundreds_begin(tokens: Sequence[Token], at: int) -> bool:
    """Whether "two hundred", "three thousand" or "twenty one hundred" begins here."""
    word = tokens[at].word
    if tokens[at].tail or tokens[at].apart or not _small(word) or DIGITS.get(word) == "0":
        return False
    after = [token.word for token in tokens[at + 1 : at + 3]]
    if after[0] in ("hundred", "thousand"):
        return True
    ones = word in TIES and DIGITS.get(after[0], "0") != "0" and not tokens[at + 1].tail
    return ones and after[1:] == ["hundred"]


def _hundreds(tokens: Sequence[Token], at: int) -> tuple[int, list[Piece]]:
    """Digits said as a number within a code: "two hundred eighty eight"; "eight hundred" before digits one by one."""
    taken, number = cardinal(tokens, at)
    last = at + taken - 1
    alone = tokens[last].word in DIGITS and last + 1 < len(tokens) and tokens[last + 1].word in DIGITS
    if alone and tokens[last - 1].word in SCALES and not tokens[last].tail:
        taken, number = taken - 1, number - int(DIGITS[tokens[last].word])
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
    while end < min(len(tokens), at + LONGEST_NUMBER):
        word = tokens[end].word
        if word.isdecimal() and end == at:
            group, room = int(word), 1
        elif word in SCALES and (group or end == at):
            group = max(group, 1) * SCALES[word]
            if word != "hundred":
                total, group = total + group, 0
            room = 100 if word == "hundred" else 1000
        elif word in TIES and room > 10:
            group, room = group + TIES[word] * 10, 10
        elif word in TEENS and room > 10:
            group, room = group + int(TEENS[word]), 1
        elif word in DIGITS and word != "oh" and DIGITS[word] != "0" and room > 1:
            group, room = group + int(DIGITS[word]), 1
        elif not (word == "and" and _and_more(tokens, at, end)):
            break
        end += 1
        if tokens[end - 1].tail or tokens[end - 1].apart:
            break
    return end - at, total + group


def _and_more(tokens: Sequence[Token], at: int, end: int) -> bool:
    """Whether the "and" of "one hundred and five" stands here."""
    return end > at and tokens[end - 1].word in SCALES and end + 1 < len(tokens) and _small(tokens[end + 1].word)


def _small(word: str) -> bool:
    return word in TIES or word in TEENS or word in DIGITS


def end_of(token: Token) -> int:
    """Where a word ends, punctuation after it aside."""
    return token.end - len(token.tail)
