"""Listening to a live line: frames in, events out. Who speaks since when, what is heard so far, when a turn is over.

Silero VAD (`modalities.segmenter`) tells speech from noise; at each pause Smart Turn (`live_turn`) judges whether the
speaker has finished: sure, soon; unsure, after a longer pause; and in any case after `TurnTiming.longest_pause`. While
the agent speaks, an "mhm" or "okay" is told from an interruption (`live_aside`). Times are samples of the stream.

The work is done in blocks of 32 ms whatever the size of the frames, so the events do not depend on it. A `Listener`
is synchronous and follows one stream; judging a pause takes tens of milliseconds, so run it off an event loop.
"""

from __future__ import annotations

import enum
from collections import deque
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from modalities.audio import PHONE_RATE, decode_alaw, decode_mulaw, decode_pcm16
from modalities.errors import InputError
from modalities.segmenter import FRAME_SECONDS, RATE, Segmenter, SpeechEvent, Timing
from modalities.segmenter import State as VoiceState
from modalities.speech.live_events import (
    Acknowledged,
    Calmed,
    Interrupted,
    LiveEvent,
    Partial,
    Reason,
    SpeechStarted,
    Stirred,
    TurnComplete,
)
from modalities.speech.live_turn import TurnModel
from modalities.types import Audio, FloatArray

Codec = Literal["pcm16", "mulaw", "alaw"]
CODECS = {"pcm16": decode_pcm16, "mulaw": decode_mulaw, "alaw": decode_alaw}
LATE = 0.5  # seconds: how long after it speech may be known to have begun
STIRS = 0.3  # probability of speech in one frame that may be its beginning: recorded noise stays below
CALM = 3  # frames below that after which it was nothing


class State(enum.Enum):
    """What the customer is doing: nothing; talking; pausing within or after a turn."""

    QUIET = "quiet"
    TALKING = "talking"
    PAUSING = "pausing"


@dataclass(frozen=True)
class TurnTiming:
    """When a pause ends a turn. Times in seconds.

    Attributes:
        looks: (pause, least probability) pairs, pauses rising: after so long a pause the turn is over where the model
            gives it at least so much.
        longest_pause: a pause that ends a turn whatever the model says.
        longest_turn: speech that goes on is cut here.
        interruption: speech of this length while the agent speaks is an interruption, whatever is said.
        margin: sound before the speech that belongs to the turn.
    """

    looks: tuple[tuple[float, float], ...] = ((0.25, 0.96), (0.5, 0.7), (0.7, 0.4), (0.8, 0.2))
    longest_pause: float = 1.2
    longest_turn: float = 60.0
    interruption: float = 0.9
    margin: float = 0.35

    def __post_init__(self) -> None:
        pauses = [pause for pause, _ in self.looks]
        if pauses != sorted(set(pauses)) or not all(0 < p < self.longest_pause for p in pauses):
            raise InputError(f"pauses must rise from above 0 to below {self.longest_pause!r}, got {pauses!r}")
        if not all(0 <= least <= 1 for _, least in self.looks):
            raise InputError(f"probabilities must be 0 to 1, got {[least for _, least in self.looks]!r}")
        if min(self.interruption, self.margin) < 0 or self.longest_turn <= self.longest_pause:
            raise InputError("interruption and margin must not be negative, nor the longest turn below the pause")


TELEPHONE = TurnTiming(looks=((0.3, 0.965), (0.5, 0.9), (0.7, 0.4), (0.8, 0.2)))
"""Smart Turn knows wide-band sound best: on a line of 8 kHz it must be surer, and a little later."""


class Partials(Protocol):
    """Hears one turn as it is spoken."""

    def feed(self, audio: Audio) -> str:
        """Take the next sound; return all that is heard so far."""
        ...

    def close(self) -> None:
        """Hear no more."""
        ...


class PartialEngine(Protocol):
    """A speech engine that can hear a turn as it is spoken."""

    def stream(self, rate: int) -> Partials | None:
        """Begin a turn of sound at this rate; None where the engine is busy with others."""
        ...


class AsideModel(Protocol):
    """Tells an "mhm" from words meant for the agent."""

    def is_aside(self, audio: Audio, assent: bool = False) -> bool:
        """Whether the short stretch of speech only says that the listener listens; "yes" too, for `assent`."""
        ...


class Listener:
    """Follows one live stream.

    Set `agent_speaking` while the agent's voice is playing, and `agent_asks` to whether "yes" may answer it. Its own
    sound must not be on the stream: take an echo canceller's output, as browsers and telephone lines give it.

    Args:
        rate: samples per second of the stream: 16000, or 8000 for a telephone.
        codec: how frames given as bytes are coded.
        turns: judges pauses; None waits for the longest pause each time.
        engine: gives partial results; None gives none.
        asides: tells acknowledgements from interruptions; None takes whatever is said for an interruption.
        timing: when a pause ends a turn; `TELEPHONE` at 8000, `TurnTiming()` at 16000 unless given.
        voice: when frames are speech; its `stop` and `pad` are not used.

    Raises:
        InputError: another rate, or an unknown codec.
        MissingPartError: silero-vad or onnxruntime is not installed.
    """

    def __init__(
        self,
        rate: int = RATE,
        *,
        codec: Codec = "pcm16",
        turns: TurnModel | None = None,
        engine: PartialEngine | None = None,
        asides: AsideModel | None = None,
        timing: TurnTiming | None = None,
        voice: Timing | None = None,
    ) -> None:
        if codec not in CODECS:
            raise InputError(f"unknown codec {codec!r}; there are {', '.join(CODECS)}")
        self.rate, self.codec, self.timing = rate, codec, timing or (TELEPHONE if rate == PHONE_RATE else TurnTiming())
        self._turns, self._engine, self._asides = turns, engine, asides
        given = voice or Timing()
        # A pause is known two frames after the speech; how long it must last is decided here.
        quick = Timing(given.threshold, given.release, given.start, stop=2 * FRAME_SECONDS, pad=0.0)
        self._segmenter = Segmenter(rate, quick)
        self._block = round(FRAME_SECONDS * rate)
        self.agent_speaking, self.agent_asks = False, True
        self._partials: Partials | None = None
        self._text, self._state, self._end = "", State.QUIET, 0
        self._stirred = 0  # frames left until what may be speech was nothing
        self.reset()

    def reset(self) -> None:
        """Begin another stream."""
        self._segmenter.reset()
        self._waiting = np.zeros(0, dtype=np.float32)
        self._kept: deque[FloatArray] = deque()  # blocks that a turn may need, up to now
        self._now = self._from = 0  # samples of the stream: heard so far; where what is kept begins
        self._quiet()

    @property
    def state(self) -> State:
        """What the customer is doing."""
        return self._state

    @property
    def ended(self) -> int:
        """Sample at which the speech of the open turn ended; while the customer pauses."""
        return self._end

    def so_far(self) -> Audio:
        """The open turn's sound up to now, its margin before it."""
        return self._sound()

    def feed(self, frame: Audio | bytes) -> tuple[LiveEvent, ...]:
        """Take the next sound of the stream, of any length, and return what it settled, in order.

        Raises:
            InputError: sound of another rate than the stream's, or half a 16-bit sample.
        """
        samples = np.concatenate([self._waiting, self._samples(frame)])
        events: list[LiveEvent] = []
        for start in range(0, len(samples) - self._block + 1, self._block):
            events += self._hear(samples[start : start + self._block])
        self._waiting = samples[len(samples) // self._block * self._block :]
        return tuple(events)

    def finish(self) -> tuple[LiveEvent, ...]:
        """The stream ended: complete the turn that is open and begin another stream."""
        events = self._hear(self._waiting)
        for event in self._segmenter.finish():
            events += self._take(event)
        if self._state is not State.QUIET:
            self._end = self._now if self._state is State.TALKING else self._end
            events += self._settle("ended")
        self.reset()
        return tuple(events)

    def _samples(self, frame: Audio | bytes) -> FloatArray:
        if isinstance(frame, bytes):
            frame = CODECS[self.codec](frame, self.rate)
        if frame.rate != self.rate:
            raise InputError(f"the stream has {self.rate} samples per second, got sound with {frame.rate}")
        samples: FloatArray = np.clip(np.nan_to_num(frame.samples), -1.0, 1.0)
        return samples

    def _hear(self, samples: FloatArray) -> list[LiveEvent]:
        self._now += len(samples)
        self._kept.append(samples)
        events: list[LiveEvent] = []
        for event in self._segmenter.feed(Audio(samples, self.rate)):
            events += self._take(event)
        if self._state is State.QUIET:
            self._forget()
            return events + self._stir()
        events += self._so_far()
        return events + (self._talking() if self._state is State.TALKING else self._pausing())

    def _stir(self) -> list[LiveEvent]:
        """What may be the first frame of speech while the agent speaks; two frames on it is known."""
        before, likely = self._stirred, self._segmenter.probability >= STIRS
        self._stirred = (CALM if likely else max(0, before - 1)) if self.agent_speaking else 0
        if bool(before) == bool(self._stirred):
            return []
        return [Stirred(self._now) if self._stirred else Calmed(self._now)]

    def _take(self, event: SpeechEvent) -> list[LiveEvent]:
        """What the voice activity settled."""
        at = min(round(event.time * self.rate), self._now)
        if event.kind == "end":
            self._state, self._end, self._looked = State.PAUSING, at, 0
            return []
        if self._state is State.PAUSING:
            self._state = State.TALKING
            return []
        return self._begin(at)

    def _begin(self, start: int) -> list[LiveEvent]:
        self._state, self._start, self._stirred = State.TALKING, start, 0
        self._undecided = self.agent_speaking
        self._partials = self._engine.stream(self.rate) if self._engine else None
        self._passed = max(self._from, start - round(self.timing.margin * self.rate))
        return [SpeechStarted(start, self._now)]

    def _talking(self) -> list[LiveEvent]:
        length = (self._now - self._start) / self.rate
        events: list[LiveEvent] = []
        if self._undecided and (length >= self.timing.interruption or not self.agent_speaking):
            events += self._decide()
        if length >= self.timing.longest_turn:
            self._end = self._now
            events += [*self._settle("longest"), *self._begin(self._now)]  # no pause: the speech goes on
        return events

    def _pausing(self) -> list[LiveEvent]:
        pause = (self._now - self._end) / self.rate
        if self._segmenter.state is VoiceState.STARTING:  # perhaps speaking again
            return []
        if pause >= self.timing.longest_pause:
            return self._settle("pause")
        if self._looked < len(self.timing.looks) and pause >= self.timing.looks[self._looked][0]:
            return self._look()
        return []

    def _look(self) -> list[LiveEvent]:
        """Judge the pause."""
        least = self.timing.looks[self._looked][1]
        self._looked += 1
        if aside := self._aside():
            return aside
        if self._turns is None:
            return self._decide()
        self._probability = self._turns.probability(self._sound())
        return self._settle("finished") if self._probability >= least else self._decide()

    def _settle(self, reason: Reason) -> list[LiveEvent]:
        """The turn is over; what only acknowledges is none."""
        if aside := self._aside():
            return aside
        probability = self._probability if self._turns else 1.0
        turn = TurnComplete(self._sound(), self._start, self._end, self._now, reason, probability)
        events = [*self._decide(), turn]
        self._quiet()
        return events

    def _aside(self) -> list[LiveEvent]:
        """An acknowledgement, which is no turn; nothing where it is none or that has been settled."""
        short = (self._end - self._start) / self.rate < self.timing.interruption
        if not (self._undecided and short and self.agent_speaking and self._asides):
            return []
        if not self._asides.is_aside(self._sound(), not self.agent_asks):
            return []
        event = Acknowledged(self._start, self._end, self._now)
        self._quiet()
        return [event]

    def _decide(self) -> list[LiveEvent]:
        """What is said is meant for the agent; an interruption where the agent is speaking."""
        interrupts, self._undecided = self._undecided and self.agent_speaking, False
        return [Interrupted(self._start, self._now)] if interrupts else []

    def _so_far(self) -> list[LiveEvent]:
        if self._partials is None:
            return []
        text = self._partials.feed(self._sound(self._passed))
        self._passed, before, self._text = self._now, self._text, text
        return [Partial(text, self._now)] if text and text != before else []

    def _quiet(self) -> None:
        if self._partials is not None:
            self._partials.close()
        self._partials = None
        self._state = State.QUIET
        self._start = self._end = self._passed = self._looked = 0  # samples of the stream, and looks taken
        self._undecided = False  # whether this is an interruption
        self._stirred = 0
        self._probability = 0.0
        self._text = ""

    def _forget(self) -> None:
        """Keep only what a turn that begins now may need: its margin, and what the voice activity is late by."""
        needed = round((self.timing.margin + LATE) * self.rate)
        while self._kept and self._now - self._from - len(self._kept[0]) > needed:
            self._from += len(self._kept.popleft())

    def _sound(self, start: int | None = None) -> Audio:
        """The sound from a sample of the stream, or from the turn's margin, up to now."""
        first = self._start - round(self.timing.margin * self.rate) if start is None else start
        blocks, at = [np.zeros(0, dtype=np.float32)], self._now
        for block in reversed(self._kept):
            if at <= first:
                break
            blocks.append(block)
            at -= len(block)
        return Audio(np.concatenate(blocks[::-1])[max(0, first - at) :], self.rate)
