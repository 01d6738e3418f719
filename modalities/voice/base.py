"""What a voice is, and how a reply is cut into what is said in one breath. Knows no engine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import numpy as np

from modalities.types import Audio

LONGEST_BREATH = 300
"""Characters of one piece at most: engines slow down, and a listener waits, on anything longer."""

_SENTENCE_END = re.compile(r"(?<=[.!?;:])\s+|\n+")
_SAYABLE = re.compile(r"[^\W_]")


@runtime_checkable
class Voice(Protocol):
    """Speaks text.

    Attributes:
        name: engine and voice, for reports.
        rate: samples per second of what it says.
    """

    name: str
    rate: int

    def speak(self, text: str) -> Audio:
        """All of the text as one piece of sound; empty sound when nothing in it can be said."""
        ...

    def stream(self, text: str) -> Iterator[Audio]:
        """The same sound sentence by sentence, each as soon as it is made."""
        ...


def breaths(text: str) -> Iterator[str]:
    """Cut normalised text into sentences, and sentences too long for one breath at commas, then at spaces.

    Pieces with no letter or digit are dropped; no word is lost or reordered.
    """
    for sentence in _SENTENCE_END.split(text):
        while len(sentence) > LONGEST_BREATH:
            cut = _cut(sentence)
            if _SAYABLE.search(sentence[:cut]):
                yield sentence[:cut].strip()
            sentence = sentence[cut:]
        if _SAYABLE.search(sentence):
            yield sentence.strip()


def _cut(sentence: str) -> int:
    """Where to break a long sentence: after its last comma within a breath, else its last space, else mid-word."""
    head = sentence[:LONGEST_BREATH]
    for mark in (", ", " "):
        at = head.rfind(mark)
        if at > 0:
            return at + 1
    return LONGEST_BREATH


def join(pieces: list[Audio], rate: int) -> Audio:
    """Pieces of one rate end to end; no pieces make empty sound."""
    if not pieces:
        return Audio(np.zeros(0, dtype=np.float32), rate)
    return Audio(np.concatenate([piece.samples for piece in pieces]), rate)
