"""Which words a typed one may stand for: those a typing error or two away, with what each error costs.

Words within two errors are found by symmetric deletion (Garbe, "SymSpell", 2012): two words a few edits apart share a
form that lacks a few letters. Errors are a letter lost, added, wrong, or two swapped (Damerau 1964).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from itertools import combinations

ALPHABET = "abcdefghijklmnopqrstuvwxyz'"
KINDS = math.log(4)
"""A slip is one of four kinds, each as likely: lost, swapped, wrong, added."""
WHICH = math.log(12)
"""Which letter was hit instead: about a dozen are likely (the keys around come more often than the rest)."""
DOUBLED = math.log(2)
"""The same where a letter is doubled."""
SHORT, LONG = 3, 4
"""Letters a word must have to be meant by one that is an error away, and two away."""

NEIGHBOURS = {
    "a": "qsz", "b": "vgn", "c": "xdv", "d": "sfe", "e": "wrd", "f": "dgr", "g": "fht", "h": "gjy", "i": "uok",
    "j": "hku", "k": "jli", "l": "kop", "m": "nj", "n": "bmh", "o": "ipl", "p": "ol", "q": "wa", "r": "etf",
    "s": "adw", "t": "ryg", "u": "yij", "v": "cbf", "w": "qes", "x": "zcs", "y": "tuh", "z": "xa",
}  # fmt: skip
"""The keys around each on a QWERTY keyboard."""

Slip = tuple[int, float]
"""How many errors, and what they cost beside each error's own chance (nats)."""


class Slips:
    """Words near typed ones.

    Args:
        words: those of the company's sentences: meant by what is up to two errors away.
        known: gives the words of the language; called when something unknown is typed.
    """

    def __init__(self, words: Collection[str], known: Callable[[], Collection[str]]) -> None:
        self._words = words
        self._known = known
        self._index: dict[str, list[str]] | None = None

    def is_known(self, word: str) -> bool:
        """Whether it is a word of the company or of the language."""
        return word in self._words or word in self._known() or word.removesuffix("'s") in self._known()

    def own(self, typed: str, most: int) -> dict[str, Slip]:
        """The company's words at most `most` (0 to 2) errors from `typed`."""
        from rapidfuzz.distance import OSA

        found: dict[str, Slip] = {typed: (0, 0.0)} if typed in self._words else {}
        if most == 0 or len(typed) > 30:
            return found
        if self._index is None:
            self._index = _deletions(self._words)
        near = {word for form in _forms(typed, most) for word in self._index.get(form, ())}
        for word in near - {typed}:
            errors = OSA.distance(typed, word, score_cutoff=most)
            if errors <= most and len(word) >= (LONG if errors == 2 else 1):
                found[word] = errors, _cost(typed, word, errors)
        return found

    def of_language(self, typed: str) -> dict[str, Slip]:
        """Words of the language one error from `typed`, those of the company aside."""
        known = self._known()
        near = edits(typed) if 1 < len(typed) <= 30 else ()
        return {word: (1, _cost(typed, word, 1)) for word in near if word in known and word not in self._words}


def edits(word: str) -> set[str]:
    """Everything one typing error away: a letter lost, added, wrong, or two swapped."""
    cuts = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    lost = {a + b[1:] for a, b in cuts if b}
    swapped = {a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1}
    wrong = {a + letter + b[1:] for a, b in cuts if b for letter in ALPHABET}
    added = {a + letter + b for a, b in cuts for letter in ALPHABET}
    return (lost | swapped | wrong | added) - {word, ""}


def _deletions(words: Iterable[str]) -> dict[str, list[str]]:
    index: dict[str, list[str]] = defaultdict(list)
    for word in words:
        for form in _forms(word, 2 if len(word) >= LONG else 1):
            index[form].append(word)
    return dict(index)


def _forms(word: str, most: int) -> set[str]:
    """The word with up to so many letters left out."""
    some = range(len(word))
    left_out = {word, *(word[:i] + word[i + 1 :] for i in some)}
    if most > 1:
        left_out |= {word[:i] + word[i + 1 : j] + word[j + 1 :] for i, j in combinations(some, 2)}
    return left_out


def _cost(typed: str, meant: str, errors: int) -> float:
    """What the errors between two words cost beside each one's chance: their kinds, and which letters were hit."""
    if errors == 2:
        return 2 * KINDS + max(0, 2 - max(0, len(meant) - len(typed))) * WHICH
    if len(typed) < len(meant):
        return KINDS
    if len(typed) > len(meant):
        at = next((i for i, letter in enumerate(meant) if typed[i] != letter), len(meant))
        return KINDS + (DOUBLED if at and typed[at] == typed[at - 1] else WHICH)
    hit = [(a, b) for a, b in zip(typed, meant, strict=True) if a != b]
    if len(hit) == 2:
        return KINDS
    return KINDS + (WHICH if hit[0][0] not in NEIGHBOURS.get(hit[0][1], "") else WHICH - 1.0)
