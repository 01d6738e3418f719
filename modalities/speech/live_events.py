"""What listening to a live line tells, as it happens. Times are samples of the stream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from modalities.types import Audio

Reason = Literal["finished", "pause", "longest", "ended"]


@dataclass(frozen=True)
class Stirred:
    """While the agent speaks, somebody may have begun to speak too: `SpeechStarted` or `Calmed` follows soon."""

    at: int


@dataclass(frozen=True)
class Calmed:
    """It was nothing."""

    at: int


@dataclass(frozen=True)
class SpeechStarted:
    """Somebody began to speak at sample `start`; known at sample `at`."""

    start: int
    at: int


@dataclass(frozen=True)
class Interrupted:
    """What is being said while the agent speaks is meant for it: stop speaking. Speech began at sample `start`."""

    start: int
    at: int


@dataclass(frozen=True)
class Acknowledged:
    """An "mhm" while the agent spoke, from `start` to `end`: go on speaking. No turn follows."""

    start: int
    end: int
    at: int


@dataclass(frozen=True)
class Partial:
    """What has been heard of the turn so far; later words may still change it."""

    text: str
    at: int


@dataclass(frozen=True, eq=False)
class TurnComplete:
    """A whole turn.

    Attributes:
        audio: its sound at the stream's rate, with a margin before it and the pause after it.
        start: sample of the stream at which speech began.
        end: sample at which it ended.
        at: sample at which the turn was taken to be over.
        reason: "finished" (the model was sure enough), "pause" (nothing followed), "longest" (the turn was cut at the
            longest length), "ended" (the stream did).
        probability: the model's last judgement; 1 where there is no model.
    """

    audio: Audio
    start: int
    end: int
    at: int
    reason: Reason
    probability: float


LiveEvent = Stirred | Calmed | SpeechStarted | Interrupted | Acknowledged | Partial | TurnComplete
