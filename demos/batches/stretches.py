"""Who speaks when in a recording, in one pass over it, in memory that hardly grows with its length.

A recording with a side each tells who speaks. Of one that has both on one channel it is guessed, see
`demos.batches.voices`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np

from agent.errors import InputError
from demos.batches.voices import Voices
from modalities import audio as sound
from modalities.segmenter import RATE, Segmenter, SpeechEvent, Timing
from modalities.types import Audio, Segment

BLOCK_SECONDS = 30.0
PAUSE = 1.0  # seconds that part two turns of one speaker
LONGEST = 28.0  # seconds of one turn; engines take 30
SAME = 1e-3  # difference from the mean up to which two channels are one twice

Speakers = Literal["sides", "guessed", "one"]
Who = Literal["customer", "agent"]


@dataclass(frozen=True)
class Stretch:
    """One turn to be heard: who says it, on which channel (None: all of them), from when to when in seconds."""

    start: float
    end: float
    who: Who
    channel: int | None


@dataclass(frozen=True)
class Layout:
    """Who speaks when.

    Attributes:
        seconds: length of the recording.
        speakers: how that is known: each has a side, it is guessed, or there is one speaker alone.
        turns: in order of time.
        problem: where the recording is damaged, if it is; the turns are those before it.
    """

    seconds: float
    speakers: Speakers
    turns: tuple[Stretch, ...]
    problem: str = ""


class _Side:
    """One channel as it comes in: where somebody speaks."""

    def __init__(self, timing: Timing) -> None:
        self._segmenter = Segmenter(RATE, timing)
        self._events: list[SpeechEvent] = []

    def feed(self, block: Audio) -> None:
        self._events += self._segmenter.feed(block)

    def segments(self) -> list[Segment]:
        events = [*self._events, *self._segmenter.finish()]
        times = [event.time for event in events]
        return [Segment(a, b) for a, b in zip(times[::2], times[1::2], strict=True) if b > a]


def layout(path: Path, customer: int = 0) -> Layout:
    """Who speaks when in a recording.

    Args:
        path: of the recording.
        customer: the channel of the customer, where there are two.

    Raises:
        InputError: there is no sound in it, or it cannot be read at all.
    """
    blocks = _UntilDamage(path)
    stream = iter(blocks)
    first = next(stream, None)
    if first is None:
        raise InputError(blocks.problem)
    two = len(first) == 2
    # Two speakers on one channel leave shorter pauses between them than one speaker within a turn.
    sides = [_Side(Timing()), _Side(Timing())] if two else []
    mixed, voices, alike, seconds = _Side(Timing(stop=0.25, pad=0.15)), Voices(), True, 0.0
    resamplers = [_Resampler() for _ in range(2 if two else 1)]
    for block in _chained(first, stream):
        seconds += block[0].seconds
        alike = alike and (not two or _alike(block))
        if two and not alike:
            for side, resampler, channel in zip(sides, resamplers, block, strict=True):
                side.feed(resampler(channel))
            continue
        one = resamplers[0](block[0] if two else _mean(block))
        mixed.feed(one)
        voices.feed(one)
        if two:  # alike so far: the sides must have heard it too, should they part later
            resamplers[1](block[1])
            for side in sides:
                side.feed(one)
    if two and not alike:
        turns = [
            Stretch(s.start, s.end, "customer" if channel == customer else "agent", channel)
            for channel, side in enumerate(sides)
            for s in _turns(side.segments())
        ]
        return Layout(seconds, "sides", tuple(sorted(turns, key=lambda t: t.start)), blocks.problem)
    return replace(_of_one(mixed.segments(), voices, seconds), problem=blocks.problem)


def _of_one(segments: Sequence[Segment], voices: Voices, seconds: float) -> Layout:
    """Who speaks when on a single channel: a guess."""
    whose = voices.whose(segments)
    if len(set(whose)) < 2:
        return Layout(seconds, "one", tuple(Stretch(s.start, s.end, "customer", None) for s in _turns(segments)))
    # Who picks up speaks first, and that is the agent.
    turns = [
        Stretch(s.start, s.end, "agent" if speaker == whose[0] else "customer", None)
        for speaker, run in _runs(segments, whose)
        for s in _turns(run)
    ]
    return Layout(seconds, "guessed", tuple(turns))


def _runs(segments: Sequence[Segment], whose: Sequence[int]) -> Iterator[tuple[int, list[Segment]]]:
    """Stretches that one speaker says after another, with the speaker."""
    run: list[Segment] = []
    for number, segment in enumerate(segments):
        if run and whose[number] != whose[number - 1]:
            yield whose[number - 1], run
            run = []
        run.append(segment)
    if run:
        yield whose[-1], run


def _turns(segments: Iterable[Segment]) -> list[Segment]:
    """Stretches of one speaker put together to turns: parted by a pause, none longer than `LONGEST`."""
    turns: list[Segment] = []
    for segment in segments:
        if turns and segment.start - turns[-1].end < PAUSE and segment.end - turns[-1].start <= LONGEST:
            turns[-1] = Segment(turns[-1].start, segment.end)
            continue
        parts = max(1, int(np.ceil((segment.end - segment.start) / LONGEST)))
        edges = np.linspace(segment.start, segment.end, parts + 1)
        turns += [Segment(float(a), float(b)) for a, b in pairwise(edges)]
    return turns


def cuts(path: Path, turns: Sequence[Stretch]) -> Iterator[tuple[Stretch, Audio]]:
    """The sound of each turn, in order of their ends, in one more pass over the recording."""
    waiting = sorted(turns, key=lambda turn: turn.end)
    held: list[tuple[Audio, ...]] = []
    base = end = 0.0
    for block in _UntilDamage(path):
        held.append(block)
        end += block[0].seconds
        while waiting and waiting[0].end <= end:
            yield waiting[0], _cut(held, base, waiting.pop(0))
        needed = min((turn.start for turn in waiting), default=end)
        while held and base + held[0][0].seconds <= needed:
            base += held.pop(0)[0].seconds
    for turn in waiting:
        if held and (audio := _cut(held, base, turn)).seconds:
            yield turn, audio


def _cut(held: Sequence[tuple[Audio, ...]], base: float, turn: Stretch) -> Audio:
    """A turn out of the blocks held, the first of which begins at `base`."""
    parts = [_mean(block) if turn.channel is None else block[turn.channel] for block in held]
    rate = parts[0].rate
    samples = np.concatenate([part.samples for part in parts])
    return Audio(samples[max(0, round((turn.start - base) * rate)) : round((turn.end - base) * rate)], rate)


class _UntilDamage:
    """The blocks of a recording up to where it is damaged, if it is; `problem` says so afterwards."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.problem = ""

    def __iter__(self) -> Iterator[tuple[Audio, ...]]:
        try:
            yield from sound.channel_blocks(self._path, BLOCK_SECONDS)
        except InputError as error:
            self.problem = str(error)


class _Resampler:
    """A channel at the segmenter's rate, block after block without a seam."""

    def __init__(self) -> None:
        self._stream: Any = None

    def __call__(self, block: Audio) -> Audio:
        if block.rate == RATE:
            return block
        import soxr

        if self._stream is None:
            self._stream = soxr.ResampleStream(block.rate, RATE, 1, dtype="float32", quality="LQ")
        return Audio(self._stream.resample_chunk(block.samples), RATE)


def _chained(first: tuple[Audio, ...], rest: Iterable[tuple[Audio, ...]]) -> Iterator[tuple[Audio, ...]]:
    yield first
    yield from rest


def _mean(block: Sequence[Audio]) -> Audio:
    if len(block) == 1:
        return block[0]
    return Audio(np.mean([channel.samples for channel in block], axis=0, dtype=np.float32), block[0].rate)


def _alike(block: Sequence[Audio]) -> bool:
    """Whether two channels are the same sound twice."""
    return bool(np.abs(block[0].samples - block[1].samples).max(initial=0.0) < SAME)
