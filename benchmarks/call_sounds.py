"""What the customers of the simulated calls say, as the telephone carries it, and where its words begin and end.

Where speech ends is the recording's own, by energy (`benchmarks.endpoint`). Where its first word begins: the first
sound within 15 dB of the loudest, back to where the sound before it is quieter than 30 dB below that. A third of AN4
begins with a breath or a click, half a second before the first word; nobody would stop talking for that.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np

from benchmarks.carrier import AUDIBLE, RATE, Samples
from benchmarks.endpoint import TUNED_ON, stretches
from modalities.audio import encode_pcm16, load, resample
from modalities.types import Audio, FloatArray
from modalities.voice.espeak import ESpeak

SAMPLES = Path(__file__).parent.parent / "demos" / "samples"
WIDE = 16_000
LOUD_DB, FAINT_DB, OVER_NOISE_DB = 15.0, 30.0, 8.0
NODS = ("umhum", "okay", "right", "uh-huh", "yeah", "I see", "sure", "got it")
"""As eSpeak must be told to say them: "mhm" itself it spells."""
VOICES = ("en-us", "en-us+m3", "en-us+f3", "en-gb", "en-us+m7")


@dataclass(frozen=True)
class Said:
    """A recording as the telephone carries it.

    Attributes:
        samples: 16-bit at `RATE`.
        start, end: seconds at which its sound begins, breaths included, and ends.
        word: second at which its first word begins.
    """

    samples: Samples
    start: float
    end: float
    word: float


def recordings(data: Path, count: int, seed: int) -> list[Said]:
    """Recordings of AN4 that no timing was chosen on, drawn at random."""
    folder = data / "speech" / "an4"
    with (folder / "manifest.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    left = [row for i, row in enumerate(rows) if i % TUNED_ON]
    picked = Random(seed).sample(left, min(count, len(left)))
    return [telephone(load(folder / row["path"])) for row in picked]


def sample(name: str) -> Said:
    """A recording of the demo."""
    return telephone(load(SAMPLES / f"{name}.flac"))


def nods(count: int) -> list[Said]:
    """Acknowledgements by eSpeak NG's voices: each word by each voice in turn."""
    pairs = ((NODS[number % len(NODS)], VOICES[number // len(NODS) % len(VOICES)]) for number in range(count))
    return [telephone(ESpeak(voice).speak(word)) for word, voice in pairs]


def telephone(audio: Audio) -> Said:
    """A recording at the line's rate, with the bounds of its speech."""
    wide = resample(audio, WIDE).samples
    loud = stretches(wide) or [(0.0, len(wide) / WIDE)]
    samples = np.frombuffer(encode_pcm16(resample(audio, RATE)), dtype=np.int16)
    return Said(samples, loud[0][0], loud[-1][1], first_word(wide))


def first_word(samples: FloatArray) -> float:
    """Second at which the first word of a recording at 16 kHz begins."""
    hop = WIDE // 100
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(samples, hop), 2 * hop)[::hop]
    level = 10 * np.log10(np.maximum(np.square(frames - frames.mean(axis=1, keepdims=True)).mean(axis=1), 1e-12))
    top = np.percentile(level, 98)
    first = int(np.flatnonzero(level > top - LOUD_DB)[0])
    quiet = np.flatnonzero(level[:first] < max(top - FAINT_DB, np.percentile(level, 10) + OVER_NOISE_DB))
    return (int(quiet[-1]) + 1) / 100 if len(quiet) else 0.0


def audible(samples: Samples) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which samples are sound."""
    found: np.ndarray[tuple[int], np.dtype[np.bool_]] = np.abs(samples.astype(np.int32)) > AUDIBLE
    return found


def figures(seconds: Sequence[float]) -> str:
    """Median and 95th percentile in milliseconds."""
    if not seconds:
        return "nothing to measure"
    median, high = 1000 * np.percentile(seconds, [50, 95])
    return f"median {median:.0f} ms, p95 {high:.0f} ms"
