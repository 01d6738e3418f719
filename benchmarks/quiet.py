"""Half an hour in which nobody speaks: silence, noises, tones, the sounds a telephone makes, hold music.

The noises are recorded (`noise/` of the data folder), the rest is generated. Each comes as it is and through an 8 kHz
mu-law line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from modalities.audio import decode_mulaw, encode_mulaw, load, resample
from modalities.types import Audio

Samples = NDArray[np.floating[Any]]

RATE = 16_000
PIECE = 10  # seconds of each sound
TUNES, TUNE = 12, 30  # pieces of hold music, and seconds of each

CADENCES: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "dial tone": ((350, 440), (1,)),
    "ring-back, American": ((440, 480), (2, 4)),
    "ring-back, British": ((400, 450), (0.4, 0.2, 0.4, 2)),
    "ring-back, European": ((425,), (1, 4)),
    "busy": ((480, 620), (0.5, 0.5)),
    "congestion": ((480, 620), (0.25, 0.25)),
    "fax calling": ((1100,), (0.5, 3)),
    "fax answering": ((2100,), (2.6, 0.2)),
}
"""What a telephone line says: hertz sounded together, and seconds on and off by turns."""
KEYS_LOW, KEYS_HIGH = (697, 770, 852, 941), (1209, 1336, 1477)


def over_telephone(audio: Audio) -> Audio:
    """The sound after an 8 kHz mu-law line."""
    return decode_mulaw(encode_mulaw(resample(audio, 8_000)))


def quiet_sounds(data: Path, seed: int) -> Iterator[tuple[str, Audio]]:
    """All of them by name, as they are and over the telephone."""
    rng = np.random.default_rng(seed)
    for name, samples in (*generated(rng), *recorded(data), *tunes(rng)):
        sound = Audio(np.clip(samples, -1, 1).astype(np.float32), RATE)
        yield name, sound
        yield f"{name}, telephone", over_telephone(sound)


def generated(rng: np.random.Generator) -> Iterator[tuple[str, Samples]]:
    """Silence, noise, hum, tones, clicks, keys, and what lines and switches sound."""
    size = PIECE * RATE
    seconds = np.arange(size) / RATE
    yield "digital silence", np.zeros(size, dtype=np.float32)
    for level in (-60, -40, -20):
        yield f"white noise {level} dB", rng.normal(size=size) * 10 ** (level / 20)
    rumble = np.cumsum(rng.normal(size=size))
    yield "rumble", 0.3 * rumble / np.abs(rumble).max()
    for hertz in (50, 440, 1000, 2600):
        yield f"tone {hertz} Hz", 0.3 * np.sin(2 * np.pi * hertz * seconds)
    yield "clicks", np.exp(-(seconds % 0.5) * 400) * 0.8
    for name, (pitches, cadence) in CADENCES.items():
        yield name, 0.2 * sum(np.sin(2 * np.pi * hertz * seconds) for hertz in pitches) * _on(seconds, cadence)
    pressed = np.concatenate([_key(rng) for _ in range(PIECE * 4)])
    yield "keys pressed", pressed[:size]


def recorded(data: Path) -> Iterator[tuple[str, Samples]]:
    """Recorded noises in pieces, each second one as it sounds in a room."""
    rooms = cycle([load(path) for path in sorted((data / "noise" / "rir").glob("*.flac"))])
    for path in sorted((data / "noise" / "background").glob("*.flac")):
        samples = resample(load(path), RATE).samples
        for number, start in enumerate(range(0, len(samples) - PIECE * RATE + 1, PIECE * RATE)):
            piece = samples[start : start + PIECE * RATE]
            name = f"{path.stem} at {start // RATE} s"
            if number % 2:
                response = resample(next(rooms), RATE).samples
                wet = fftconvolve(piece, response)[: len(piece)]
                piece, name = wet / max(1e-9, np.abs(wet).max()) * np.abs(piece).max(), f"{name}, in a room"
            yield name, piece


def tunes(rng: np.random.Generator) -> Iterator[tuple[str, Samples]]:
    """Hold music, made up: four chords over and over, a lead that slides and trembles as voices do, drums."""
    for number in range(1, TUNES + 1):
        yield f"hold music {number}", _tune(rng)


def _tune(rng: np.random.Generator) -> Samples:
    beat, key = 60 / rng.integers(70, 140), 110 * 2 ** (rng.integers(12) / 12)
    chords, timbre = rng.permutation([0, 5, 7, 9]), 1 / np.arange(1, 9) ** rng.uniform(0.7, 2.0)
    seconds = np.arange(TUNE * RATE) / RATE
    root = chords[(seconds / (4 * beat)).astype(int) % len(chords)]
    pad = np.mean([_voice(key * 2 ** ((root + step) / 12), timbre) for step in (0, 4, 7)], axis=0)
    melody = rng.choice([0, 2, 4, 7, 9, 12], size=int(TUNE / beat) + 1)[(seconds / beat).astype(int)]
    tremble = 1 + 0.01 * np.sin(2 * np.pi * 5.5 * seconds)
    lead = _voice(_slid(2 * key * 2 ** (melody / 12)) * tremble, timbre) * np.exp(-(seconds % beat) / beat)
    drums = rng.normal(size=len(seconds)) * np.exp(-(seconds % beat) * 40)
    mixed = 0.5 * pad + 0.6 * lead + 0.2 * drums
    return np.asarray(0.4 * mixed / np.abs(mixed).max())


def _voice(hertz: Samples, timbre: Samples) -> Samples:
    """A tone of changing pitch with overtones; none above what the rate allows."""
    phase, found = 2 * np.pi * np.cumsum(hertz) / RATE, np.zeros(len(hertz))
    for n, level in enumerate(timbre, 1):
        found += level * np.sin(n * phase) * (n * hertz < RATE / 2)
    return np.asarray(found / timbre.sum())


def _slid(hertz: Samples) -> Samples:
    """Pitches that slide into each other within 60 ms."""
    width = round(0.06 * RATE)
    return np.convolve(
        np.pad(hertz, (width // 2, width - 1 - width // 2), mode="edge"), np.ones(width) / width, "valid"
    )


def _on(seconds: Samples, cadence: Sequence[float]) -> Samples:
    """1 where a signal sounds and 0 where it pauses."""
    edges = np.cumsum(cadence)
    place = np.searchsorted(edges, seconds % edges[-1], side="right")
    return np.where(place % 2 == 0, 1.0, 0.0)


def _key(rng: np.random.Generator) -> Samples:
    """A key of a telephone, pressed for a tenth of a second, and a pause."""
    seconds = np.arange(round(0.1 * RATE)) / RATE
    low, high = (np.sin(2 * np.pi * rng.choice(keys) * seconds) for keys in (KEYS_LOW, KEYS_HIGH))
    return np.concatenate([0.25 * (low + high), np.zeros(round(rng.uniform(0.1, 0.4) * RATE))])
