"""How likely words are after each other: a trigram of a company's own sentences."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

START, END = "<s>", "</s>"
GENERAL = 0.03
"""Share of a text's words that no sentence of the company has."""
LANGUAGE = 100_000
"""Words of a language, among which `GENERAL` is shared out."""
BACKOFF = 6.0
"""Weight of the shorter history beside the counts after the longer one."""

History = tuple[str, str]
BEGINNING: History = (START, START)


class WordModel:
    """Trigrams, interpolated with bigrams and words (weights by counts: Witten and Bell 1991)."""

    def __init__(self, lines: Iterable[Sequence[str]]) -> None:
        """Count.

        Args:
            lines: sentences as words.
        """
        alone: Counter[str] = Counter()
        self._pairs: Counter[History] = Counter()
        self._triples: Counter[tuple[str, str, str]] = Counter()
        for line in lines:
            words = [*BEGINNING, *line, END]
            alone.update(words[2:])
            self._pairs.update(pairwise(words))
            self._triples.update(zip(words, words[1:], words[2:], strict=False))
        self.words = frozenset(alone) - {END}
        total = max(1, alone.total())
        self._floor = GENERAL / LANGUAGE
        self._alone = {word: (1 - GENERAL) * count / total + self._floor for word, count in alone.items()}
        self._begun: Counter[str] = Counter()
        for (first, _), count in self._pairs.items():
            self._begun[first] += count
        self._begun[START] = self._pairs[BEGINNING]

    def log(self, history: History, word: str) -> float:
        """Natural logarithm of the chance of `word` (or END) after two words."""
        first, last = history
        chance = self._alone.get(word, self._floor)
        begun = self._begun.get(last, 0)
        chance = (self._pairs.get((last, word), 0) + BACKOFF * chance) / (begun + BACKOFF)
        if begun := self._pairs.get(history, 0):
            chance = (self._triples.get((first, last, word), 0) + BACKOFF * chance) / (begun + BACKOFF)
        return math.log(chance)
