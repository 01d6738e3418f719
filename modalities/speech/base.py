"""What a speech engine is, and listening with any of them: only where somebody speaks, at any length."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

import numpy as np

from modalities.audio import level, resample
from modalities.segmenter import Segmenter
from modalities.speech.guards import Guards, Reason, guarded
from modalities.types import Audio, Encoding, Segment, Transcript, Word

SHIFTED = 0.005  # of full scale: a mean beyond it is a fault of the line, not of the sound
SILENCE_DB = -55.0  # a recording whose loudest 30 ms stay below this is silence, whatever else is in it
MAX_ALTERNATIVES = 10


@dataclass(frozen=True)
class Capabilities:
    """What an engine can do.

    Attributes:
        rate: samples per second it wants; `listen` resamples to it.
        max_seconds: the longest recording it takes at once; `listen` splits at pauses.
        word_times: it tells when each word was said.
        alternatives: it gives other hearings.
        states: it gives encoder states for the fusion.
        partials: it hears a turn as it is spoken (`stream`).
    """

    rate: int = 16_000
    max_seconds: float = 30.0
    word_times: bool = False
    alternatives: bool = False
    states: bool = False
    partials: bool = False


class SpeechEngine(Protocol):
    """Turns sound into words."""

    @property
    def name(self) -> str:
        """Engine and model, for reports."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        ...

    def transcribe(self, recordings: Sequence[Audio]) -> list[Transcript]:
        """What was said in each recording, in order; recordings hold speech and are at the engine's rate."""
        ...


def listen(
    engine: SpeechEngine, segmenter: Segmenter, recordings: Sequence[Audio], guards: Guards | None = None
) -> list[Transcript]:
    """What was said in each recording, of any rate and length; nothing where nobody speaks.

    Word times count from the start of the recording. Where there is no speech, `rejected` says why: a
    `modalities.speech.guards.Reason`, or what the engine gave. What is wrong with one recording (no numbers, a shifted
    mean, too loud) is put right before anything else, and touches no other.

    Args:
        engine: what hears.
        segmenter: what tells speech from the rest.
        recordings: sound of one speaker each; a call with one channel a speaker is one recording a channel.
        guards: when what any engine heard is not believed.
    """
    wanted = engine.capabilities
    sounds = [resample(cleaned(recording), wanted.rate) for recording in recordings]
    found = [split(segmenter.segments(sound), wanted.max_seconds) for sound in sounds]
    pieces = [cut(sound, segment) for sound, segments in zip(sounds, found, strict=True) for segment in segments]
    heard = iter(
        guarded(transcript, piece.seconds, guards)
        for transcript, piece in zip(engine.transcribe(pieces) if pieces else [], pieces, strict=True)
    )
    results = []
    for sound, segments in zip(sounds, found, strict=True):
        if segments:
            results.append(join([shift(next(heard), segment.start) for segment in segments]))
        else:
            quiet = level(sound) < SILENCE_DB
            results.append(Transcript("", rejected=(Reason.SILENCE if quiet else Reason.NOISE).value))
    return results


def cleaned(audio: Audio) -> Audio:
    """The sound with what cannot be heard put right: no numbers are silence, the mean is zero, the peak at most one."""
    samples = audio.samples
    if not np.isfinite(samples).all():
        samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    if len(samples) and abs(shift := float(samples.mean(dtype=np.float64))) > SHIFTED:
        samples = samples - np.float32(shift)
    peak = float(np.abs(samples).max(initial=0.0))
    if peak > 1.0:
        samples = samples / np.float32(peak)
    return audio if samples is audio.samples else Audio(samples, audio.rate)


def split(segments: Iterable[Segment], max_seconds: float, pause: float = 2.0) -> tuple[Segment, ...]:
    """Group stretches of speech into pieces to transcribe at once.

    Stretches that pauses shorter than `pause` seconds part are one piece, so that the engine hears whole sentences;
    a piece never exceeds `max_seconds`, and one stretch that does is cut into equal parts.
    """
    pieces: list[Segment] = []
    for segment in segments:
        last = pieces[-1] if pieces else None
        if last and segment.start - last.end < pause and segment.end - last.start <= max_seconds:
            pieces[-1] = Segment(last.start, segment.end)
            continue
        parts = max(1, int(np.ceil((segment.end - segment.start) / max_seconds)))
        edges = np.linspace(segment.start, segment.end, parts + 1)
        pieces.extend(Segment(float(a), float(b)) for a, b in pairwise(edges))
    return tuple(pieces)


def cut(audio: Audio, segment: Segment) -> Audio:
    """The sound of one stretch."""
    return Audio(audio.samples[round(segment.start * audio.rate) : round(segment.end * audio.rate)], audio.rate)


def shift(transcript: Transcript, seconds: float) -> Transcript:
    """The same words, `seconds` later."""
    words = (Word(w.text, w.start + seconds, w.end + seconds, w.confidence) for w in transcript.words)
    return replace(transcript, words=tuple(words))


def join(parts: Sequence[Transcript]) -> Transcript:
    """One transcript of a recording's pieces; pieces without words count only when none has any."""
    spoken = [part for part in parts if part.text]
    if len(spoken) <= 1:
        return spoken[0] if spoken else parts[0]
    lengths = np.array([len(part.text.split()) for part in spoken], dtype=float)
    confidence = float(np.average([part.confidence for part in spoken], weights=lengths))
    others = list(_other_hearings(spoken))[:MAX_ALTERNATIVES]
    beside = np.array([1.0, *(beside for _, beside in others)])
    return Transcript(
        text=" ".join(part.text for part in spoken),
        words=tuple(word for part in spoken for word in part.words),
        confidence=confidence,
        alternatives=tuple(text for text, _ in others),
        chances=tuple((beside / beside.sum()).tolist()) if all(part.chances for part in spoken) else (),
        states=_join_states([part.states for part in spoken]),
        language=spoken[0].language,
    )


def _other_hearings(parts: Sequence[Transcript]) -> Iterable[tuple[str, float]]:
    """One piece heard otherwise at a time, the best other hearing of each before the next best, and how likely each is
    beside the likeliest.
    """
    for rank in range(max(len(part.alternatives) for part in parts)):
        for i, part in enumerate(parts):
            if rank < len(part.alternatives):
                texts = [other.text for other in parts]
                texts[i] = part.alternatives[rank]
                yield " ".join(texts), part.chances[rank + 1] / part.chances[0] if part.chances else 0.0


def _join_states(states: Sequence[Encoding | None]) -> Encoding | None:
    given = [one for one in states if one is not None]
    if len(given) < len(states):
        return None
    return Encoding("speech", np.concatenate([one.vectors for one in given]))
