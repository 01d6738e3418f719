"""Names to look for in words: word lists and the catalogue, as they are written, as they are said, and as misheard.

Both sides are brought to one form first: lower case, figures in words, so that "Air Max 90" and "air max ninety" meet.
A catalogue is also searched by likeness (rapidfuzz's indel ratio); where several products are as like, the find is
unsure and keeps the others as alternatives.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from agent.values import LISTED, Find
from modalities.speech.spoken import ONES, TENS, say_number

LIKE_WORD, LIKE_NAME = 0.86, 0.84
"""Likeness (0..1) from which one word, or several together, are taken for a name."""

SAME = 0.04
"""Names whose likeness differs by less are as like."""

SHORTEST = 5
"""Letters of a single word that is looked up by likeness; shorter ones are like too much."""

MOST_WORDS = 120
"""Words of one text that are looked up by likeness."""

MOST_KEPT = 20_000
"""Words and stretches whose likeness is kept."""

_NUMBERS = frozenset([*ONES, *(word for word in TENS if word), "hundred", "thousand"])
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d+(?:s\b)?")


class Word(NamedTuple):
    """One word in the common form, and its place in the text."""

    form: str
    start: int
    end: int
    joined: bool  # by a hyphen, to the word before or after


@lru_cache(maxsize=8192)
def _forms(word: str) -> tuple[str, ...]:
    if word[0].isdecimal():
        digits = word.rstrip("s")
        return tuple(say_number(int(digits)).split()) if len(digits) < 5 else (digits,)
    return (word.replace("’", "'"),)


def words_of(text: str) -> list[Word]:
    """The words of a text in the common form; figures become as many words as they are said with."""
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = "".join(low if len(low := c.lower()) == 1 else c for c in text)
    found = []
    hyphens = "-" in text or "_" in text
    for match in _WORD.finditer(lowered):
        start, end = match.span()
        joined = hyphens and (text[max(0, start - 1) : start] in ("-", "_") or text[end : end + 1] in ("-", "_"))
        found += [Word(form, start, end, joined) for form in _forms(match[0])]
    return found


@dataclass(frozen=True)
class Names:
    """Names to look for: what may be written or said (in lower case) -> value."""

    values: dict[str, str]
    _table: dict[str, str] = field(init=False, repr=False, compare=False)
    _lengths: dict[str, int] = field(init=False, repr=False, compare=False)  # first word -> most words
    _singles: frozenset[str] = field(init=False, repr=False, compare=False)  # words that `_plural` may know
    _vocabulary: frozenset[str] = field(init=False, repr=False, compare=False)
    _known: dict[str, bool] = field(init=False, repr=False, compare=False, default_factory=dict)
    _scores: dict[str, list[tuple[str, float]]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        table = {_key(name): value for name, value in self.values.items()}
        object.__setattr__(self, "_table", {key: value for key, value in table.items() if key})
        lengths: dict[str, int] = {}
        for key in self._table:
            first, count = key.partition(" ")[0], key.count(" ") + 1
            lengths[first] = max(count, lengths.get(first, 1))
        object.__setattr__(self, "_lengths", lengths)
        ends = ("s", "es", "'s")
        singles = {form for key in self._table for form in (*(key + end for end in ends), key.removesuffix("s"))}
        object.__setattr__(self, "_singles", frozenset(singles | lengths.keys()))
        object.__setattr__(self, "_vocabulary", _vocabulary(self._table))

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Every longest name in a text as (start, end, value)."""
        return self.exact(words_of(text))

    def exact(self, words: Sequence[Word], *, plurals: bool = False) -> Iterator[tuple[int, int, str]]:
        """Every longest name among words; `plurals` takes "boots" for "boot" and the reverse."""
        begin = self._singles if plurals else self._lengths.keys()
        if begin.isdisjoint([word.form for word in words]):
            return
        at = 0
        while at < len(words):
            form = words[at].form
            if form not in begin:
                at += 1
                continue
            for count in range(min(self._lengths.get(form, 1), len(words) - at), 0, -1):
                part = words[at : at + count]
                key = " ".join([word.form for word in part]) if count > 1 else form
                value = self._table.get(key) or (self._plural(key) if plurals else None)
                if value and not (part[0].end - part[0].start == 1 and count == 1 and part[0].joined):
                    yield part[0].start, part[-1].end, value
                    at += count - 1
                    break
            at += 1

    def _plural(self, key: str) -> str | None:
        for other in (key.removesuffix("s"), key.removesuffix("es"), key + "s", key.removesuffix("'s")):
            if other != key and len(other) > 2 and other in self._table:
                return self._table[other]
        return None

    def like(self, words: Sequence[Word]) -> Iterator[Find]:
        """Names that are nearly said: the most like in each place, with the others that are as like."""
        if len(words) > MOST_WORDS or not self._table:
            return
        for cache in (self._known, self._scores):
            if len(cache) > MOST_KEPT:
                cache.clear()
        found = []
        known = self._known
        hits = [known[word.form] if word.form in known else self._hit(word.form) for word in words]
        for part in self._stretches(words, hits) if True in hits else ():
            said = " ".join([word.form for word in part])
            if said in self._table:
                continue
            if (scored := self._scores.get(said)) is None:
                scored = self._scores[said] = self._scored(said)
            if scored:
                found.append((scored[0][1], part[0].start, part[-1].end, scored))
        taken: list[tuple[int, int]] = []
        for best, start, end, scored in sorted(found, key=lambda f: (f[0], f[2] - f[1]), reverse=True):
            if all(end <= a or b <= start for a, b in taken):
                taken.append((start, end))
                others = tuple(value for value, score in scored[1:] if best - score < SAME)
                yield Find(start, end, scored[0][0], "catalogue", LISTED * best / (1 + len(others)), others)

    def _stretches(self, words: Sequence[Word], hits: Sequence[bool]) -> Iterator[Sequence[Word]]:
        """Runs of words that begin and end with a word like one of a name's (a hit)."""
        longest = max(self._lengths.values()) + 1
        for i, word in enumerate(words):
            if not hits[i]:
                continue
            for j in range(i, min(i + longest, len(words))):
                if hits[j] and (j > i or len(word.form) >= SHORTEST):
                    yield words[i : j + 1]

    def _hit(self, form: str) -> bool:
        """Whether a word is one of a name's, or like one; kept, as the same words come again."""
        known = form in self._vocabulary
        if not known and form not in _NUMBERS and len(form) >= SHORTEST - 1:
            known = self._near(form)
        self._known[form] = known
        return known

    def _near(self, form: str) -> bool:
        from rapidfuzz import fuzz, process

        return process.extractOne(form, self._vocabulary, scorer=fuzz.ratio, score_cutoff=74) is not None

    def _scored(self, said: str) -> list[tuple[str, float]]:
        """(value, likeness) of the names like some words, best first, each value once; figures must be the same."""
        from rapidfuzz import fuzz, process

        least = 100 * (LIKE_NAME if " " in said else LIKE_WORD)
        numbers, scores = _figures(said), dict[str, float]()
        for name, score, _ in process.extract(said, self._table.keys(), scorer=fuzz.ratio, score_cutoff=least, limit=6):
            if _figures(name) == numbers and (len(name) >= SHORTEST):
                scores.setdefault(self._table[name], score / 100)
        return sorted(scores.items(), key=lambda item: -item[1])

    def nearest(self, text: str, least: float = 80.0) -> tuple[str, float] | None:
        """The value of the name most like a text, with a similarity of 0..1, where it is like enough."""
        from rapidfuzz import fuzz, process

        said = " ".join([word.form for word in words_of(text)])
        if said in self._table:  # like itself alone at 100
            return self._table[said], 1.0
        found = process.extractOne(said, self._table.keys(), scorer=fuzz.WRatio, score_cutoff=least)
        return (self._table[found[0]], found[1] / 100) if found else None


def _key(name: str) -> str:
    return " ".join([word.form for word in words_of(name)])


def _vocabulary(names: Iterable[str]) -> frozenset[str]:
    """Words of names, and pairs of them written as one ("airmax")."""
    found: set[str] = set()
    for name in names:
        words = name.split()
        found.update(word for word in words if len(word) > 2)
        found.update(a + b for a, b in pairwise(words) if len(a + b) >= SHORTEST)
    return frozenset(found)


def _figures(said: str) -> list[str]:
    return sorted(word for word in said.split() if word in _NUMBERS or word.isdecimal())
