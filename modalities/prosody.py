"""How something is said: pitch, loudness, pace and pauses of speech as vectors. numpy and scipy; no models.

Everything is measured at 8 kHz and, where it depends on the line, between 250 and 3,400 Hz, so that telephone and
studio look alike; pitch and loudness are told relative to the utterance's own, so that a speaker's voice and a
microphone's gain matter little. Pitch is found by normalised autocorrelation (Boersma 1993), pace by peaks of loudness
as syllables (de Jong & Wempe 2009), the balance of the spectrum by the alpha ratio of eGeMAPS (Eyben et al. 2016,
doi:10.1109/TAFFC.2015.2457417).

Where the speech engine gives encoder states of its own (`Transcript.states`, Whisper), those serve the fusion in place
of these vectors. What a voice means is not known here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from modalities.audio import level, resample
from modalities.types import Audio, Encoding

RATE = 8_000  # samples per second that everything is measured at
HOP = 160  # samples from one frame to the next: 20 ms
FRAME = 384  # samples of a frame, 48 ms: three periods of the lowest pitch
FFT = 512
LOWEST, HIGHEST = 62.5, 450.0  # Hz, the pitches looked for
LINE = (250.0, 3_400.0)  # Hz, what a telephone lets through
SPLIT = 1_000.0  # Hz, where the alpha ratio divides the spectrum
WINDOW = 5  # frames of a window: ten vectors a second
MOST = 64  # vectors of an utterance; a longer one has longer windows
SILENCE_DB = -55.0  # a recording whose loudest 30 ms stay below this has no voice to describe
PAUSE_DB = -25.0  # below the utterance's loud frames: nobody speaks
VOICED = 0.45  # autocorrelation from which a frame has a pitch
OCTAVE = 0.05  # autocorrelation that an octave lower must be better by
DIP_DB = 2.0  # a syllable's loudness stands out by this much
NEAREST = 3  # frames between two syllables, at least
NAMES = (
    "voiced", "pitch", "pitch_slope", "pitch_spread", "level", "level_slope", "peaks", "pause", "tilt", "clarity",
    "place", "pitch_range", "dynamics", "pace", "pauses", "utterance_tilt",
)  # fmt: skip
"""What each component is: of the window, then (the last five) of the whole utterance."""

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Manner:
    """How one utterance was said, in its own units.

    Attributes:
        pitch: median, in semitones over 100 Hz.
        pitch_range: from the 10th to the 90th percentile, in semitones.
        level: of the loud frames, in decibels under full scale.
        dynamics: spread of the level while somebody speaks, in decibels.
        pace: syllables a second of speech, pauses left out.
        pauses: share of the time, 0..1.
        tilt: energy over 1 kHz against below, in decibels; a raised voice is brighter.
    """

    pitch: float
    pitch_range: float
    level: float
    dynamics: float
    pace: float
    pauses: float
    tilt: float


SPREAD = Manner(pitch=0.73, pitch_range=3.1, level=2.2, dynamics=0.73, pace=0.92, pauses=0.08, tilt=1.85)
"""How far calm utterances of one person lie from that person's median (one standard deviation): 803 recordings of 74
people reading out in CMU AN4 (`python -m benchmarks.prosody`)."""

RAISED = ("pitch", "pitch_range", "level", "pace", "tilt")
"""What rises in an aroused voice: higher, livelier, louder, quicker, brighter (Scherer 2003,
doi:10.1016/S0167-6393(02)00084-5)."""

CALM, AROUSED = 0.75, 2.0
"""Mean rise, in `SPREAD`s, up to which a voice counts as calm (95% of those recordings do) and from which as fully
aroused."""


@dataclass(frozen=True, eq=False)
class _Frames:
    """What is measured every 20 ms: arrays of shape (n,)."""

    pitch: Floats  # semitones over 100 Hz; 0 where not voiced
    clarity: Floats
    level: Floats  # dB
    tilt: Floats  # dB
    peaks: Floats  # 1.0 where a syllable is loudest
    voiced: npt.NDArray[np.bool_]
    spoken: npt.NDArray[np.bool_]
    loud: float  # dB, level of the loud frames


class Prosody:
    """Encodes how something is said.

    Attributes:
        name, fingerprint: tell these vectors from others in a checkpoint.
        width: size of each vector.
    """

    name = "prosody"
    fingerprint = "prosody-1"
    width = len(NAMES)

    def encode(self, audio: Audio) -> Encoding:
        """Ten vectors a second of speech, at most 64: see `NAMES`; components are scaled to about -1..1.

        Give it what a segmenter cut out. Silence, or less than a frame of sound, has no vectors.

        Args:
            audio: at any rate.

        Returns:
            Vectors of shape (n, 16), kind "speech".
        """
        frames = _frames(audio)
        if frames is None:
            return Encoding("speech", np.zeros((0, self.width), np.float32))
        manner = _manner(frames)
        count = len(frames.level)
        windows = min(MOST, -(-count // WINDOW))
        edges = np.linspace(0, count, windows + 1).round().astype(int)
        local = _windows(frames, manner, edges)
        whole = (
            manner.pitch_range / 12, manner.dynamics / 10, manner.pace / 5, manner.pauses, manner.tilt / 20,
        )  # fmt: skip
        vectors = np.concatenate([local, np.tile(whole, (windows, 1))], axis=1)
        return Encoding("speech", np.clip(vectors, -3, 3).astype(np.float32))


def manner_of(audio: Audio) -> Manner | None:
    """How an utterance was said; None where there is no voice in it."""
    frames = _frames(audio)
    return None if frames is None or not frames.voiced.any() else _manner(frames)


def arousal(now: Manner, usual: Sequence[Manner]) -> float:
    """How much more excited somebody sounds than before on the same line, 0..1; 0 while nothing was heard before.

    People and lines differ more than moods do, so a voice is only compared with itself. Joy and anger raise a voice
    alike: which of them it is, the words must say.

    Args:
        now: the utterance asked about.
        usual: earlier utterances of the same person in the same call.
    """
    if not usual:
        return 0.0
    rises = [
        (getattr(now, name) - float(np.median([getattr(one, name) for one in usual]))) / getattr(SPREAD, name)
        for name in RAISED
    ]
    mean = float(np.clip(rises, -3, 3).mean())
    return min(1.0, max(0.0, (mean - CALM) / (AROUSED - CALM)))


def _frames(audio: Audio) -> _Frames | None:
    sound = resample(audio, RATE)
    if len(sound.samples) < FRAME or level(sound) < SILENCE_DB:
        return None
    views = np.lib.stride_tricks.sliding_window_view(sound.samples, FRAME)[::HOP]
    window = np.hanning(FRAME).astype(np.float32)
    power = np.square(np.abs(np.fft.rfft((views - views.mean(axis=1, keepdims=True)) * window, FFT)))
    hertz = np.fft.rfftfreq(FFT, 1 / RATE)
    low, high = (_band(power, hertz, a, b) for a, b in ((LINE[0], SPLIT), (SPLIT, LINE[1])))
    levels = _decibels((low + high) / np.square(window).sum() / FFT)
    loud = float(np.percentile(levels, 95))
    spoken = levels > loud + PAUSE_DB
    pitch, clarity = _pitch(power, window)
    voiced = spoken & (clarity > VOICED)
    tilt = _decibels(high) - _decibels(low)
    pitch = _steady(pitch, voiced)
    return _Frames(pitch, clarity, levels, tilt, _peaks(levels, loud, voiced), voiced, spoken, loud)


def _band(power: Floats, hertz: Floats, low: float, high: float) -> Floats:
    """Energy between two frequencies, shape (n,)."""
    energy: Floats = power[:, (hertz >= low) & (hertz < high)].sum(axis=1)
    return energy


def _decibels(power: Floats) -> Floats:
    return np.asarray(10 * np.log10(np.maximum(power, 1e-12)))


def _pitch(power: Floats, window: Floats) -> tuple[Floats, Floats]:
    """Pitch in semitones over 100 Hz and how periodic each frame is (0..1), shape (n,) each.

    The autocorrelation of a windowed frame over that of its window (Boersma 1993), its best lag refined by a parabola.
    """
    longest = int(RATE / LOWEST)
    shape = np.fft.irfft(np.square(np.abs(np.fft.rfft(window, FFT))), FFT)[: longest + 2]
    found = np.fft.irfft(power, FFT, axis=1)[:, : longest + 2]
    ratio = found / np.maximum(found[:, :1], 1e-12) / (shape / shape[0])
    lags = np.arange(int(RATE / HIGHEST), longest + 1)
    weighed = ratio[:, lags] - OCTAVE * np.log2(lags / lags[0])
    best = lags[weighed.argmax(axis=1)]
    rows = np.arange(len(best))
    before, at, after = ratio[rows, best - 1], ratio[rows, best], ratio[rows, best + 1]
    bend = before - 2 * at + after
    shift = np.where(bend < -1e-6, 0.5 * (before - after) / np.where(bend < -1e-6, bend, 1.0), 0.0).clip(-0.5, 0.5)
    return np.asarray(12 * np.log2(RATE / (best + shift) / 100)), np.asarray(at.clip(0, 1))


def _steady(pitch: Floats, voiced: npt.NDArray[np.bool_]) -> Floats:
    """Pitch where voiced, within an octave of the utterance's median (what is further off is a mistake), else 0."""
    if not voiced.any():
        return np.zeros_like(pitch)
    middle = float(np.median(pitch[voiced]))
    return np.asarray(np.where(voiced, pitch.clip(middle - 12, middle + 12), 0.0))


def _peaks(levels: Floats, loud: float, voiced: npt.NDArray[np.bool_]) -> Floats:
    """1.0 at each syllable: a peak of loudness that stands out, near a voiced frame."""
    from scipy.signal import find_peaks

    tops, _ = find_peaks(levels, height=loud + PAUSE_DB, prominence=DIP_DB, distance=NEAREST)
    near = np.convolve(voiced, np.ones(3), "same") > 0
    peaks = np.zeros(len(levels))
    peaks[[top for top in tops if near[top]]] = 1.0
    return peaks


def _manner(frames: _Frames) -> Manner:
    """The utterance as a whole; medians over no frames are 0."""
    pitch, levels = frames.pitch[frames.voiced], frames.level[frames.spoken]
    spread = np.percentile(pitch, [10, 50, 90]) if len(pitch) else np.zeros(3)
    seconds = max(0.2, float(frames.spoken.sum()) * HOP / RATE)
    return Manner(
        pitch=float(spread[1]),
        pitch_range=float(spread[2] - spread[0]),
        level=frames.loud,
        dynamics=float(levels.std()),
        pace=float(frames.peaks.sum()) / seconds,
        pauses=float(1 - frames.spoken.mean()),
        tilt=float(np.median(frames.tilt[frames.voiced])) if len(pitch) else 0.0,
    )


def _windows(frames: _Frames, manner: Manner, edges: npt.NDArray[np.int_]) -> Floats:
    """The first eleven components of every window, shape (windows, 11)."""
    starts, sizes = edges[:-1], np.diff(edges)

    def mean(values: Floats, weights: Floats | None = None) -> Floats:
        if weights is None:
            return np.asarray(np.add.reduceat(values, starts) / sizes)
        return np.asarray(
            np.add.reduceat(values * weights, starts) / np.maximum(np.add.reduceat(weights, starts), 1e-9)
        )

    voiced, spoken = frames.voiced.astype(float), frames.spoken.astype(float)
    pitch = np.where(frames.voiced, frames.pitch - manner.pitch, 0.0)
    middle = mean(pitch, voiced)
    spread = np.sqrt(np.maximum(mean(np.square(pitch), voiced) - np.square(middle), 0))
    levels = mean(frames.level) - frames.loud
    around = min(RATE // HOP, len(frames.peaks))  # frames of a second, over which pace is counted
    pace = np.convolve(frames.peaks, np.ones(around), "same") * (RATE / HOP / around)
    tilt = np.where(frames.voiced, frames.tilt - manner.tilt, 0.0)
    columns = (
        mean(voiced), middle / 12, _slope(middle) / 6, spread / 3, levels / 20, _slope(levels) / 20, mean(pace) / 5,
        1 - mean(spoken), mean(tilt, voiced) / 20, mean(frames.clarity), np.linspace(0, 1, len(starts)),
    )  # fmt: skip
    return np.stack(columns, axis=1)


def _slope(values: Floats) -> Floats:
    """Change from the window before; 0 for the first."""
    return np.diff(values, prepend=values[:1])
