"""What a voice is, what all engines share, and how a reply is cut into what is said in one breath. Knows no engine."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, runtime_checkable

import numpy as np

from modalities.errors import InputError
from modalities.types import Audio

LONGEST_BREATH = 300
"""Characters of one piece at most: engines slow down, and a listener waits, on anything longer."""

MAX_LEARNT = 1800.0
"""Seconds of fixed prompts kept at most: 160 MB at 22,050 Hz."""

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
        """The same sound sentence by sentence, each as soon as it is made; ends early on `cancel`."""
        ...

    def cancel(self) -> None:
        """Stop whatever this voice is saying; callable from any thread. What comes after is said as usual."""
        ...

    def learn(self, prompts: Iterable[str]) -> None:
        """Make the sound of fixed prompts (greeting, questions) once and keep it."""
        ...


class Speaker(ABC):
    """What the engines share: one sentence after the other, fixed prompts kept, an end at once.

    Only what `learn` is given is kept: other replies hold customers' words.

    Args:
        name: engine and voice.
        rate: samples per second of what it says.
        prepare: makes text fit to be said.
    """

    def __init__(self, name: str, rate: int, prepare: Callable[[str], str]) -> None:
        self.name, self.rate, self._prepare = name, rate, prepare
        self._learnt: dict[str, Audio] = {}
        self._cancelled = 0

    def speak(self, text: str) -> Audio:
        """All of the text as one piece of sound; empty sound when nothing in it can be said."""
        return join(list(self.stream(text)), self.rate)

    def stream(self, text: str) -> Iterator[Audio]:
        """The same sound sentence by sentence, each as soon as it is made; ends early on `cancel`."""
        begun = self._cancelled
        for sentence in breaths(self._prepare(text)):
            if self._cancelled != begun:
                return
            sound = self._learnt.get(sentence) or self.say(sentence, lambda: self._cancelled != begun)
            if self._cancelled != begun:
                return
            yield sound

    def cancel(self) -> None:
        """Stop whatever this voice is saying; callable from any thread. What comes after is said as usual."""
        self._cancelled += 1

    def learn(self, prompts: Iterable[str]) -> None:
        """Make the sound of fixed prompts (greeting, questions) once and keep it, sentence by sentence.

        Raises:
            InputError: they are longer than half an hour together.
        """
        for sentence in [one for prompt in prompts for one in breaths(self._prepare(prompt))]:
            if sentence not in self._learnt:
                self._learnt[sentence] = self.say(sentence, lambda: False)
            if sum(sound.seconds for sound in self._learnt.values()) > MAX_LEARNT:
                del self._learnt[sentence]
                raise InputError(f"fixed prompts of more than {MAX_LEARNT / 60:.0f} minutes; learn fewer")

    @abstractmethod
    def say(self, sentence: str, stopped: Callable[[], bool]) -> Audio:
        """One normalised sentence; may be cut short once `stopped()` turns true."""


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
