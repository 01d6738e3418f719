"""How likely words are by a decoder's own language model, whichever marks they carry in it (`language_model.MARK`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from modalities.speech.language_model import unmarked

BEGINNING, END = "<s>", "</s>"
BEAM = 6
"""Pairs of last words that are followed up; only marks make more than one."""
NATS = 1e-4
"""What PocketSphinx's logarithms count in."""
NEVER = -1e9

History = tuple[str, ...]


class Expectation:
    """Scores texts with trigrams.

    Args:
        words: all words of the model, marked as they are there.
    """

    def __init__(self, words: Iterable[str]) -> None:
        marked: defaultdict[str, dict[str, None]] = defaultdict(dict)
        for word in words:
            marked[unmarked(word)][word] = None
        self._marked = {word: tuple(ways) for word, ways in marked.items()}

    def log_chances(self, decoder: Any, texts: Sequence[str]) -> list[float]:
        """Log probability of each text in nats, marked as is likeliest; `NEVER` where a word is unknown.

        Args:
            decoder: PocketSphinx's, nobody else's for the while.
            texts: words apart by blanks; those that begin alike share the work.
        """
        model, known = decoder.get_lm(decoder.current_search()), dict[tuple[str, ...], float]()

        def chance(history: History, word: str) -> float:
            asked = (word, *reversed(history))
            if asked not in known:
                known[asked] = model.prob(list(asked)) * NATS
            return known[asked]

        def likeliest(text: str) -> float:
            ends: dict[History, float] = {(BEGINNING,): 0.0}
            for ways in (*(self._marked.get(word, ()) for word in text.split()), (END,)):
                after: dict[History, float] = {}
                for history, score in ends.items():
                    for word in ways:
                        total, pair = score + chance(history, word), (*history, word)[-2:]
                        after[pair] = max(total, after.get(pair, NEVER))
                ends = dict(sorted(after.items(), key=lambda end: -end[1])[:BEAM])
            return max(ends.values(), default=NEVER)

        return [likeliest(text) for text in texts]
