"""Where people speak: frames of sound -> stretches of speech. A named state machine over Silero VAD.

The model (https://github.com/snakers4/silero-vad, in the wheel `silero-vad`) gives each 32 ms frame a probability of
speech; `Endpointer` turns those into starts and stops and knows nothing of sound; `Segmenter` joins the two, for live
sound as it arrives and for whole recordings.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np

from modalities.audio import resample
from modalities.errors import InputError, MissingPartError
from modalities.types import Audio, FloatArray, Segment

RATE = 16_000
FRAME = 512  # samples the model judges at once: 32 ms
CONTEXT = 64  # samples of the frame before that it also sees
FRAME_SECONDS = FRAME / RATE
BLOCK_FRAMES = 512  # frames per run of the model over a recording: 16 s


class State(enum.Enum):
    """Whether somebody speaks: no; perhaps since a moment ago; yes; perhaps no longer."""

    QUIET = "quiet"
    STARTING = "starting"
    SPEAKING = "speaking"
    STOPPING = "stopping"


@dataclass(frozen=True)
class SpeechEvent:
    """Speech began or ended.

    Attributes:
        kind: "start" or "end".
        time: seconds from the start of the stream at which it did, `Timing.pad` included.
        known: seconds from the start of the stream when this was known.
    """

    kind: Literal["start", "end"]
    time: float
    known: float


@dataclass(frozen=True)
class Timing:
    """When frames make speech. Times in seconds, probabilities 0..1.

    Attributes:
        threshold: a frame at or above it counts as speech.
        release: a frame of ongoing speech below it counts as a pause.
        start: speech this long makes a start.
        stop: a pause this long makes an end.
        pad: how much sound before the start and after the end belongs to the speech.
    """

    threshold: float = 0.5
    release: float = 0.35
    start: float = 0.09
    stop: float = 0.5
    pad: float = 0.35

    def __post_init__(self) -> None:
        if not 0 < self.release <= self.threshold < 1:
            raise InputError(f"0 < release <= threshold < 1 wanted, got {self.release!r} and {self.threshold!r}")
        if min(self.start, self.stop, self.pad) < 0:
            raise InputError("start, stop and pad must not be negative")


@dataclass
class Endpointer:
    """The state machine: probabilities of frames in, starts and ends out. Pure: no sound, no model.

    quiet -> starting (a frame of speech) -> speaking (enough of them) -> stopping (a frame of pause) -> quiet (enough
    of them); starting falls back to quiet, stopping to speaking.
    """

    timing: Timing = field(default_factory=Timing)
    state: State = State.QUIET
    _frames: int = 0  # frames seen
    _since: int = 0  # frame at which the present state's evidence began
    _last_end: float = 0.0

    def push(self, probability: float) -> SpeechEvent | None:
        """Take one frame; return what it settled, if anything."""
        frame, timing = self._frames, self.timing
        self._frames += 1
        speech = probability >= (timing.release if self.state is State.SPEAKING else timing.threshold)
        if self.state is State.QUIET and speech:
            self.state, self._since = State.STARTING, frame
        elif self.state is State.STARTING and not speech:
            self.state = State.QUIET
        elif self.state is State.SPEAKING and not speech:
            self.state, self._since = State.STOPPING, frame
        elif self.state is State.STOPPING and speech:
            self.state = State.SPEAKING
        return self._settle()

    def finish(self) -> SpeechEvent | None:
        """The stream ended: close the speech that was still going on."""
        if self.state in (State.SPEAKING, State.STOPPING):
            return self._end(self._since if self.state is State.STOPPING else self._frames)
        return None

    @property
    def _now(self) -> float:
        return self._frames * FRAME_SECONDS

    def _settle(self) -> SpeechEvent | None:
        lasted = (self._frames - self._since) * FRAME_SECONDS
        if self.state is State.STARTING and lasted >= self.timing.start:
            self.state = State.SPEAKING
            begun = max(self._since * FRAME_SECONDS - self.timing.pad, self._last_end)
            return SpeechEvent("start", begun, self._now)
        if self.state is State.STOPPING and lasted >= self.timing.stop:
            return self._end(self._since)
        return None

    def _end(self, frame: int) -> SpeechEvent:
        self.state = State.QUIET
        self._last_end = min(frame * FRAME_SECONDS + self.timing.pad, self._now)
        return SpeechEvent("end", self._last_end, self._now)


class SpeechModel:
    """Silero VAD over one stream: samples at 16 kHz in, a probability of speech for each 32 ms frame out."""

    def __init__(self) -> None:
        self._session = _session()
        self.reset()

    def reset(self) -> None:
        """Forget the stream: the next samples begin another."""
        self._hidden = self._cell = np.zeros((1, 1, 128), dtype=np.float32)
        self._context = np.zeros(CONTEXT, dtype=np.float32)

    def probabilities(self, frames: FloatArray) -> FloatArray:
        """Probability of speech per frame.

        Args:
            frames: shape (n, 512), the next n frames of the stream.

        Returns:
            Shape (n,).
        """
        found = [self._run(frames[i : i + BLOCK_FRAMES]) for i in range(0, len(frames), BLOCK_FRAMES)]
        return np.concatenate(found) if found else np.zeros(0, dtype=np.float32)

    def _run(self, frames: FloatArray) -> FloatArray:
        context = np.vstack([self._context, frames[:-1, -CONTEXT:]])
        block = np.ascontiguousarray(np.hstack([context, frames]), dtype=np.float32)
        inputs = {"input": block, "h": self._hidden, "c": self._cell}
        values, self._hidden, self._cell = self._session.run(["speech_probs", "hn", "cn"], inputs)
        self._context = frames[-1, -CONTEXT:].copy()
        return np.asarray(values, dtype=np.float32).reshape(-1)


class Segmenter:
    """Finds speech, in sound as it arrives (`feed`, `finish`) or in whole recordings (`segments`).

    One `Segmenter` follows one live stream. `segments` keeps nothing between calls and may be called from several
    threads.

    Args:
        rate: samples per second of what `feed` is given; 16000, or 8000 for a telephone.
        timing: when frames make speech.

    Raises:
        InputError: another rate.
        MissingPartError: silero-vad or onnxruntime is not installed.
    """

    def __init__(self, rate: int = RATE, timing: Timing | None = None) -> None:
        if rate not in (8_000, RATE):
            raise InputError(f"rate must be 8000 or 16000, got {rate!r}; resample first")
        self.rate = rate
        self.timing = timing or Timing()
        self._model = SpeechModel()
        self.reset()

    def reset(self) -> None:
        """Begin another stream."""
        self._model.reset()
        self._endpointer = Endpointer(self.timing)
        self._waiting = np.zeros(0, dtype=np.float32)
        self._fed = 0  # samples of the stream so far
        self._probability = 0.0
        self._upsampler = _upsampler() if self.rate != RATE else None

    @property
    def state(self) -> State:
        """Whether somebody speaks on the live stream."""
        return self._endpointer.state

    @property
    def probability(self) -> float:
        """That of speech in the last frame of the live stream."""
        return self._probability

    def feed(self, audio: Audio) -> tuple[SpeechEvent, ...]:
        """Take the next sound of the live stream, any number of samples, and return what it settled.

        Raises:
            InputError: the rate is not the stream's.
        """
        if audio.rate != self.rate:
            raise InputError(f"the stream has {self.rate} samples per second, got sound with {audio.rate}")
        self._fed += len(audio.samples)
        samples = audio.samples if self._upsampler is None else self._upsampler.resample_chunk(audio.samples)
        return self._push(np.concatenate([self._waiting, samples]))

    def finish(self) -> tuple[SpeechEvent, ...]:
        """The live stream ended: settle what is open and begin another."""
        samples = np.zeros(0, dtype=np.float32)
        if self._upsampler is not None:
            samples = self._upsampler.resample_chunk(samples, last=True)
        rest = np.concatenate([self._waiting, samples])
        events = [*self._push(np.pad(rest, (0, -len(rest) % FRAME))), self._endpointer.finish()]
        length = self._fed / self.rate
        self.reset()
        return tuple(replace(e, time=min(e.time, length), known=min(e.known, length)) for e in events if e)

    def segments(self, audio: Audio) -> tuple[Segment, ...]:
        """The stretches of speech in a whole recording of any rate, in order, none overlapping."""
        samples = resample(audio, RATE).samples
        frames = np.pad(samples, (0, -len(samples) % FRAME)).reshape(-1, FRAME)
        endpointer = Endpointer(self.timing)
        events = [endpointer.push(float(p)) for p in SpeechModel().probabilities(frames)]
        events.append(endpointer.finish())
        times = [min(event.time, audio.seconds) for event in events if event]
        return tuple(Segment(a, b) for a, b in zip(times[::2], times[1::2], strict=True) if b > a)

    def _push(self, samples: FloatArray) -> tuple[SpeechEvent, ...]:
        whole = len(samples) // FRAME * FRAME
        self._waiting = samples[whole:]
        frames = samples[:whole].reshape(-1, FRAME)
        probabilities = self._model.probabilities(frames)
        self._probability = float(probabilities[-1]) if len(probabilities) else self._probability
        settled = (self._endpointer.push(float(p)) for p in probabilities)
        return tuple(event for event in settled if event)


def _upsampler() -> Any:
    import soxr

    return soxr.ResampleStream(8_000, RATE, 1, dtype="float32", quality="LQ")


@cache
def _session() -> Any:
    """The model, loaded once and shared: a run of it keeps no state of its own."""
    spec = find_spec("silero_vad")  # found, not imported: importing it would load torch
    if spec is None or not spec.submodule_search_locations:
        raise MissingPartError("voice activity needs the package silero-vad; pip install silero-vad")
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingPartError("voice activity needs the package onnxruntime; pip install onnxruntime") from error
    path = Path(spec.submodule_search_locations[0]) / "data" / "silero_vad_16k_sequence.onnx"
    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), sess_options=options, providers=["CPUExecutionProvider"])
