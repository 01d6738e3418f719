"""Which of several hearings of a recording was said: by its phones, by the language, by the wheel's acoustic model.

A log-linear combination of what each knows (Och & Ney 2002), weighed on recordings (docs/experiments.md).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher

from modalities.speech.base import MAX_ALTERNATIVES
from modalities.types import Transcript, Word

FLOOR, FLOOR_PER_WORD = 3.0, 1.5
"""Nats below its best hearing, and more for each word of it, that the wheel's model holds against any other words."""
LEAST_WORDS = 2
FLATTER = 2.0
"""Chances of hearings are evened out by this power: frames are not as independent as the models have them."""
ALONE = 0.9
"""Confidence that the phones need where the wheel's model heard nothing."""
UNSURE = 0.10
"""Confidence below which what the wheel's model hears needs the phones to hear it too."""


@dataclass(frozen=True)
class Hearing:
    """What one search found.

    Attributes:
        transcript: its words, or why there are none.
        scores: of the best hearing and all others that were looked at, in nats.
    """

    transcript: Transcript
    scores: Mapping[str, float] = field(default_factory=dict)


Fits = Callable[[Sequence[str]], Sequence[float]]
"""How well texts fit a recording's phones and the language, in nats."""


def weighed(wheel: Hearing, phones: Transcript, fits: Fits) -> Transcript:
    """Two searches of one recording as one transcript: the likeliest of all their hearings, the rest as alternatives.

    Args:
        wheel: by PocketSphinx's own acoustic model, which knows more words' sounds.
        phones: by the phones, which know real voices, lines and noise better.
        fits: asked once, about all hearings.
    """
    one = wheel.transcript
    if not one.text and (not phones.text or phones.confidence < ALONE):
        return one
    heard = [transcript for transcript in (one, phones) if transcript.text]
    texts = list(dict.fromkeys([text for found in heard for text in (found.text, *found.alternatives)]))
    scores = dict(zip(texts, fits(texts), strict=True))
    if one.text:
        lowest = -FLOOR - FLOOR_PER_WORD * max(LEAST_WORDS, len(one.words))
        top = max(wheel.scores.values(), default=0.0)
        for text in texts:
            scores[text] += max(lowest, wheel.scores.get(text, -float("inf")) - top)
    ranked = sorted(texts, key=lambda text: -scores[text])
    if one.confidence < UNSURE and ranked[0] not in (phones.text, *phones.alternatives):
        return Transcript("", confidence=one.confidence, rejected="unclear")
    ranked = ranked[: 1 + MAX_ALTERNATIVES]
    flat = [math.exp((scores[text] - scores[ranked[0]]) / FLATTER) for text in ranked]
    chances = tuple(chance / sum(flat) for chance in flat)
    return replace(worded(ranked[0], heard), alternatives=tuple(ranked[1:]), chances=chances)


def worded(text: str, heard: Sequence[Transcript]) -> Transcript:
    """A text as a transcript, with times and confidence by the transcript that reads most like it."""
    nearest = max(
        heard, key=lambda one: (SequenceMatcher(None, one.text.split(), text.split()).ratio(), one.confidence)
    )
    words = tuple(_placed(text.split(), nearest.words))
    confidence = sum(word.confidence for word in words) / len(words)
    return replace(nearest, text=text, words=words, confidence=confidence)


def _placed(wanted: Sequence[str], words: Sequence[Word]) -> Iterator[Word]:
    """Wanted words where equal ones were heard; others share the time of those they stand for."""
    matcher = SequenceMatcher(None, [word.text for word in words], wanted, autojunk=False)
    for same, a, b, first, last in matcher.get_opcodes():
        if same == "equal":
            yield from words[a:b]
        elif first < last:
            start = words[a].start if a < b else words[a - 1].end if a else words[0].start
            end = words[b - 1].end if a < b else start
            step = (end - start) / (last - first)
            confidence = sum(word.confidence for word in words[a:b]) / max(1, b - a) / 2
            for i, word in enumerate(wanted[first:last]):
                yield Word(word, start + i * step, start + (i + 1) * step, confidence)
