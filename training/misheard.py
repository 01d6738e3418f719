"""Sentences as a recogniser with the pack's language model may hear them: fluent, and wrong where words sound alike.

A word gives way to words of the vocabulary that sound near it and go with the words beside it; words run together, or
fall apart in two; short words get lost or are heard where none was. Numbers are put into words; case and punctuation
go.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from modalities.speech.language_model import pronounce, tidy
from modalities.speech.spoken import say
from training.augment import Spans, apply
from training.phones import distance, encode
from training.wordings import Edit

START, END = "<s>", "</s>"
NEAREST = 40
"""Units that a word is compared with phone by phone, out of the nearest by plain edit distance."""
KEPT = 12
"""Ways to mishear a word that are kept."""
USUAL = 3.5
"""Minus the natural log probability of a word after another, on average over a pack's sentences."""
PAIRS_SEEN = 2
"""How often two words must stand together for a word to fall apart into them."""
_WORD = re.compile(r"[A-Za-z0-9']+")
_WRITTEN = re.compile(r"""[^\s,;:!?()"]*[\d@&%](?:[^\s,;:!?()"]*[^\s,;:!?()".'])?""")


@dataclass(frozen=True)
class Slips:
    """How often words are misheard.

    Attributes:
        worst: share of words misheard in the worst hearings; of most it is far lower (the square of a uniform draw).
        surprise: how much likelier an unexpected word is misheard than an expected one: the power of the language
            model's log probability that the chance goes with.
        again: chance that the word after a misheard one is misheard too.
        lost: of the slips, those where a short word is lost; long words are replaced instead.
        added: of the slips, those where a word is heard before it that nobody said.
        joined: of the slips, those where the word and the next are heard as one.
        sound, fluency: weights of the phone distance and of the language model's log probability.
    """

    worst: float = 0.4
    surprise: float = 1.5
    again: float = 0.25
    lost: float = 0.12
    added: float = 0.12
    joined: float = 0.15
    sound: float = 1.8
    fluency: float = 0.7


class Confusions:
    """What may be heard for what, with one pack's vocabulary.

    Args:
        sentences: training sentences, as written or as said.
        slips: how often.
        seed: of the ways numbers are said.

    Raises:
        MissingPartError: pocketsphinx is not installed, or espeakng-loader is not and a word needs it.
    """

    def __init__(self, sentences: Iterable[str], slips: Slips = Slips(), seed: int = 7) -> None:
        rng = random.Random(seed)
        lines = [tidy(say(sentence, rng)) for sentence in sentences]
        self.slips = slips
        self._words = Counter(word for line in lines for word in line)
        self._pairs = Counter(pair for line in lines for pair in pairwise([START, *line, END]))
        self._total = max(1, sum(self._words.values()))
        self._begun = Counter({START: len(lines), **self._words})
        self._phones = {word: encode(ways[0]) for word, ways in pronounce(self._words, {}).items()}
        self._units: list[tuple[str, ...]] = [(word,) for word in self._phones]
        self._units += [
            pair
            for pair, count in self._pairs.items()
            if count >= PAIRS_SEEN and all(word in self._phones for word in pair)
        ]
        self._sounds = ["".join(self._phones[word] for word in unit) for unit in self._units]
        self._singles = self._sounds[: len(self._phones)]
        self._short = [word for word, _ in self._words.most_common(200) if len(self._phones.get(word, "0000")) <= 3]
        self._near: dict[tuple[str, bool], list[tuple[str, float]]] = {}

    def __call__(self, text: str, spans: Spans, rng: random.Random) -> tuple[str, Spans]:
        """`misheard` with these confusions."""
        return misheard(text, spans, rng, self)

    def near(self, words: Sequence[str]) -> list[tuple[str, float]]:
        """What may be heard for a word or for two words as one: (words, phone distance), the nearest first."""
        key = " ".join(words), len(words) > 1
        if key not in self._near:
            sound = "".join(self._phones.get(word, "") for word in words)
            found = self._search(sound, self._singles if key[1] else self._sounds) if sound else []
            self._near[key] = [(other, cost) for other, cost in found if other != key[0]][:KEPT]
        return self._near[key]

    def draw(self, before: str, words: Sequence[str], after: str, rng: random.Random) -> str | None:
        """One mishearing of some words between two others, or None where nothing sounds like them."""
        found = self.near(words)
        if not found:
            return None
        weights = [self._weight(before, other, after, cost) for other, cost in found]
        return rng.choices(found, weights)[0][0]

    def stray(self, before: str, after: str, rng: random.Random) -> str | None:
        """A short word heard between two others."""
        if not self._short:
            return None
        few = rng.choices(self._short, k=12)
        return rng.choices(few, [self._weight(before, word, after, 0.0) for word in few])[0]

    def doubt(self, before: str, word: str) -> float:
        """How unexpected a word is after another: about 1 on average, less for what always follows."""
        return float(max(0.0, -self._log(before, word) / USUAL) ** self.slips.surprise)

    def is_short(self, word: str) -> bool:
        """Whether a word may get lost."""
        return len(self._phones.get(word, "")) <= 2

    def _weight(self, before: str, other: str, after: str, cost: float) -> float:
        words = other.split()
        fluent = self._log(before, words[0]) + self._log(words[-1], after)
        return math.exp(-self.slips.sound * cost + self.slips.fluency * fluent)

    def _log(self, first: str, second: str) -> float:
        alone = (self._words[second] + 0.5) / self._total
        return math.log((self._pairs[first, second] + 5 * alone) / (self._begun[first] + 5))

    def _search(self, sound: str, sounds: Sequence[str]) -> list[tuple[str, float]]:
        from rapidfuzz import process
        from rapidfuzz.distance import Levenshtein

        most = max(2, math.ceil(len(sound) * 0.6))
        found = process.extract(sound, sounds, scorer=Levenshtein.distance, score_cutoff=most, limit=NEAREST)
        scored = [(" ".join(self._units[i]), distance(sound, other)) for other, _, i in found]
        return sorted(scored, key=lambda item: item[1])[: KEPT + 1]


def misheard(text: str, spans: Spans, rng: random.Random, table: Confusions) -> tuple[str, Spans]:
    """One hearing of a text, its spans on what was heard for their words; at times all is heard right."""
    written = ((m.start(), m.end(), say(m.group(), rng)) for m in _WRITTEN.finditer(text))
    text, spans = apply(text, spans, [e for e in written if e[2].strip()])
    text = text.lower() if len(text.lower()) == len(text) else text  # a few letters change their length
    text, spans = apply(text, spans, _unpunctuated(text))
    return apply(text, spans, _slips(text, rng, table))


def _unpunctuated(text: str) -> list[Edit]:
    """Punctuation outside words blanked."""
    return [(m.start(), m.end(), " ") for m in re.finditer(r"(?<![A-Za-z0-9])'|[^\w\s']+|'(?![A-Za-z0-9])", text)]


def _slips(text: str, rng: random.Random, table: Confusions) -> list[Edit]:
    rates, edits = table.slips, []
    words = [(m.group(), m.start(), m.end()) for m in _WORD.finditer(text)]
    chance, slipped, i = rates.worst * rng.random() ** 2, False, 0
    while i < len(words):
        odds = chance * table.doubt(words[i - 1][0] if i else START, words[i][0])
        slipped = rng.random() < (max(odds, rates.again) if slipped else odds)
        used = 1
        if slipped:
            edit, used = _slip(words, i, rng, table)
            edits += [edit] if edit else []
        i += used
    return edits


def _slip(
    words: Sequence[tuple[str, int, int]], i: int, rng: random.Random, table: Confusions
) -> tuple[Edit | None, int]:
    """What becomes of word i, and how many words that takes."""
    rates, kind = table.slips, rng.random()
    word, start, end = words[i]
    before = words[i - 1][0] if i else START
    after = words[i + 1][0] if i + 1 < len(words) else END
    if kind < rates.lost and table.is_short(word):
        return (start, end, ""), 1
    kind -= rates.lost
    if 0 <= kind < rates.added and (stray := table.stray(before, word, rng)):
        return (start, end, f"{stray} {word}"), 1
    kind -= rates.added
    if 0 <= kind < rates.joined and i + 1 < len(words):
        beyond = words[i + 2][0] if i + 2 < len(words) else END
        if one := table.draw(before, (word, after), beyond, rng):
            return (start, words[i + 1][2], one), 2
    other = table.draw(before, (word,), after, rng)
    return ((start, end, other) if other else None), 1
