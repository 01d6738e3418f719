"""Typing errors put right before the text encoder reads: a noisy channel over trigrams.

After Kernighan, Church and Gale, "A spelling correction program based on a noisy channel model" (COLING 1990). Learns
from a company's own sentences which words its customers write and which follow each other. A text whose words are all
known is left alone; in one with unknown words, each may stand for a word that is an error or two away, or for two, and
two for others where the blank is in the wrong place; the likeliest whole is taken (Viterbi). The more unknown words,
the likelier further errors. What was typed is never lost: spans lead back. Numbers, ids, addresses and names (capitals
within a sentence) are not touched.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from modalities.slips import KINDS, LONG, SHORT, WHICH, Slip, Slips, edits
from modalities.speech.language_model import known_words
from modalities.word_model import BEGINNING, END, History, WordModel

__all__ = ["Corrected", "Speller", "edits"]

SLIPS, CHARACTERS = 0.3, 20
"""What an estimate of the errors in a text starts from: so many in so many characters."""
UNKNOWN = 1.0
"""Errors that an unknown word stands for."""
FEW, MOST, FOREIGN = 5, 60, 0.75
"""Unknown words that are typing errors in any text, in none, and from which share of the words on it is a language of
its own."""
TRUSTED = 0.5
"""What it costs beside its errors to read a word of the language as another."""
STRANGE = 17.0
"""What it costs that an unknown word is meant as typed: a name, a word of another trade."""
NOWHERE: History = ("", "")
"""A history that no sentence has: words are as likely as by themselves."""
WAYS = 14
"""Readings of a stretch that are followed up."""
BEAM = 6
FLATTER = 3.0
"""Chances of readings are evened out by this power: errors and words are not as independent as the model has them."""
_WORD = re.compile(r"(?<![\w@#&/.'])(?<!\d-)[A-Za-z][A-Za-z']*(?![\w@#&/]|\.\w|-\d)")

Way = tuple[tuple[str, ...], int, float]
"""What a stretch may stand for: words, how many errors, and what they cost beside each error's chance."""


@dataclass(frozen=True)
class Corrected:
    """A text put right.

    Attributes:
        text: as it was probably meant.
        changes: (start, end, typed start, typed end) of what was changed, in order; the rest is as typed.
    """

    text: str
    changes: tuple[tuple[int, int, int, int], ...] = ()

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The typed stretch behind `text[start:end]`; whole words where the stretch lies in a changed word."""
        first, last = start, end
        for a, b, typed_a, typed_b in self.changes:
            if b <= start:
                first = start + typed_b - b
            elif a <= start:
                first = typed_a
            if b <= end:
                last = end + typed_b - b
            elif a < end:
                last = typed_b
        return first, last


@dataclass(frozen=True)
class _Step:
    """A stretch of the text read as words: from token `first` up to `last`."""

    first: int
    last: int
    words: tuple[str, ...]
    cost: float


_Path = tuple[float, History, tuple[_Step, ...]]
"""How likely a way through a text is, its last two words, and its steps."""


class Speller:
    """Puts typing errors right.

    Args:
        sentences: what customers write and the names that occur (a pack's examples, its catalogue).
        known: gives the words of the language, lower case; called when a word is in none of the sentences.
    """

    def __init__(self, sentences: Iterable[str], known: Callable[[], Collection[str]] = known_words) -> None:
        self._model = WordModel(
            re.findall(r"[a-z][a-z']*", sentence.lower().replace("’", "'")) for sentence in sentences
        )
        self._slips = Slips(self._model.words, known)
        self._ways = lru_cache(20_000)(self._ways_of)
        self._joined = lru_cache(20_000)(self._joined_of)

    def correct(self, text: str, until: int | None = None) -> Corrected:
        """The text as it was probably meant; see `readings`."""
        return self.readings(text, until, 1)[0][0]

    def readings(self, text: str, until: int | None = None, most: int = 8) -> list[tuple[Corrected, float]]:
        """The likeliest ways in which a text was meant, best first, each with its chance; they add up to 1.

        Args:
            text: as typed.
            until: characters from here on (what was said, not typed) are left alone.
            most: how many; there may be fewer, and a text of known words has one.
        """
        places = list(_WORD.finditer(text.replace("’", "'"), 0, len(text) if until is None else until))
        fixed = [_is_name(place, text) for place in places]
        unknown = sum(
            not name and not self._slips.is_known(place.group().lower())
            for place, name in zip(places, fixed, strict=True)
        )
        if not unknown or unknown > min(MOST, max(FEW, FOREIGN * len(places))):
            return [(Corrected(text), 1.0)]
        length = sum(len(place.group()) + 1 for place in places)
        rate = (SLIPS + UNKNOWN * unknown) / (CHARACTERS + length)
        words = [place.group().lower() for place in places]
        near = [b.start() - a.end() == 1 and text[a.end()] == " " for a, b in pairwise(places)]
        steps = [list(self._steps(i, words, fixed, near, -math.log(rate))) for i in range(len(words))]
        best = self._best(steps, most)
        chances = [math.exp((score - best[0][0]) / FLATTER) for score, _, _ in best]
        return [
            (_rewritten(text, places, path), chance / sum(chances))
            for (_, _, path), chance in zip(best, chances, strict=True)
        ]

    def _steps(
        self, i: int, words: Sequence[str], fixed: Sequence[bool], near: Sequence[bool], error: float
    ) -> Iterator[_Step]:
        """Readings of the token at `i`, alone and with the next; `error` is what an error costs (nats)."""
        if fixed[i]:
            yield _Step(i, i + 1, (words[i],), 0.0)
            return
        for meant, count, cost in self._ways(words[i]):
            yield _Step(i, i + 1, meant, count * error + cost)
        if i + 1 < len(words) and near[i] and not fixed[i + 1]:
            for meant, count, cost in self._joined(words[i], words[i + 1]):
                yield _Step(i, i + 2, meant, count * error + cost)

    def _ways_of(self, word: str) -> tuple[Way, ...]:
        """What one token may stand for."""
        slips = self._slips
        known = slips.is_known(word)
        near: dict[str, Slip] = {} if known else slips.of_language(word)
        near |= slips.own(word, 1 if known or len(word) < LONG - 1 else 2)
        premium = TRUSTED if known else 0.0
        ways: list[Way] = [((other,), count, cost + premium) for other, (count, cost) in near.items() if other != word]
        if not known:
            ways += self._halves(word)
        return (((word,), 0, 0.0 if known else STRANGE), *self._likeliest(ways))

    def _joined_of(self, first: str, second: str) -> tuple[Way, ...]:
        """What two tokens may stand for together: one word, or two with the blank a letter away."""
        slips, ways = self._slips, list[Way]()
        if slips.is_known(first) and slips.is_known(second):
            return ()
        for word, (count, cost) in slips.own(first + second, 1).items():
            if len(word) > SHORT:
                ways.append(((word,), count + 1, cost + KINDS))
        ways += self._pairs(first[:-1], first[-1] + second, KINDS)
        ways += self._pairs(first + second[0], second[1:], KINDS)
        return self._likeliest(ways)

    def _halves(self, word: str) -> list[Way]:
        """Two words written as one, or with a letter for the blank."""
        ways = []
        for i in range(1, len(word)):
            ways += self._pairs(word[:i], word[i:], KINDS)
            ways += self._pairs(word[:i], word[i + 1 :], KINDS + WHICH)
        return ways

    def _pairs(self, first: str, second: str, price: float) -> list[Way]:
        """Two words for two stretches; both with an error only where both are long."""
        if not first or not second:
            return []
        left, right = self._half(first), self._half(second)
        most = 2 if min(len(first), len(second)) >= LONG else 1
        return [
            ((a, b), 1 + m + n, price + cost + more)
            for a, (m, cost) in left.items()
            for b, (n, more) in right.items()
            if m + n <= most
        ]

    def _half(self, typed: str) -> dict[str, Slip]:
        """Words of the company an error away, and a word of the language as it stands."""
        found = self._slips.own(typed, 1 if len(typed) >= SHORT else 0)
        if len(typed) >= LONG and typed not in found and self._slips.is_known(typed):
            found = found | {typed: (0, 0.0)}
        return found

    def _likeliest(self, ways: Iterable[Way]) -> tuple[Way, ...]:
        """The likeliest by themselves, at an error in thirty characters."""

        def score(way: Way) -> float:
            words, count, cost = way
            return self._chance(NOWHERE, words) - count * math.log(30) - cost

        best: dict[tuple[str, ...], Way] = {}
        for way in sorted(ways, key=score, reverse=True):
            best.setdefault(way[0], way)
        return tuple(best.values())[:WAYS]

    def _chance(self, history: History, words: Sequence[str]) -> float:
        total = 0.0
        for word in words:
            total += self._model.log(history, word)
            history = history[1], word
        return total

    def _best(self, steps: Sequence[Sequence[_Step]], most: int) -> list[_Path]:
        """The likeliest ways through all tokens, each of other words (a beam of `BEAM` by the last two words)."""
        width = max(BEAM, most)
        reached: list[list[_Path]] = [[] for _ in range(len(steps) + 1)]
        reached[0].append((0.0, BEGINNING, ()))
        for i, ours in enumerate(steps):
            alive = _unlike(reached[i], width)
            for step in ours:
                words = step.words
                for score, history, path in alive:
                    total = score - step.cost + self._chance(history, words)
                    after = (history[1], words[0]) if len(words) == 1 else (words[-2], words[-1])
                    reached[step.last].append((total, after, (*path, step)))
        ended = [(score + self._model.log(after, END), after, path) for score, after, path in reached[-1]]
        return _unlike(ended, most)


def _unlike(paths: list[_Path], most: int) -> list[_Path]:
    """The likeliest paths, of those of the same words one."""
    kept: dict[tuple[str, ...], _Path] = {}
    for path in sorted(paths, key=lambda path: -path[0]):
        kept.setdefault(tuple(word for step in path[2] for word in step.words), path)
        if len(kept) == most:
            break
    return list(kept.values())


def _is_name(match: re.Match[str], text: str) -> bool:
    """Whether a word has capitals although no sentence begins with it, in a text that is not all capitals."""
    if match.group().islower() or text.isupper():
        return False
    before = text[: match.start()].rstrip()
    return (bool(before) and before[-1] not in ".!?\n") or not match.group()[1:].islower()


def _rewritten(text: str, places: Sequence[re.Match[str]], steps: Sequence[_Step]) -> Corrected:
    parts, at, changes, length = [], 0, [], 0
    for step in steps:
        typed = [place.group() for place in places[step.first : step.last]]
        new = " ".join(step.words)
        if new == " ".join(typed).lower():
            continue
        start, end = places[step.first].start(), places[step.last - 1].end()
        cased = new.upper() if text.isupper() else new[0].upper() + new[1:] if typed[0][0].isupper() else new
        parts += [text[at:start], cased]
        length += start - at
        changes.append((length, length + len(cased), start, end))
        length += len(cased)
        at = end
    return Corrected("".join([*parts, text[at:]]), tuple(changes))
