"""Recordings as windows of 30 s, and a window's encoder states as a few vectors. No models."""

from __future__ import annotations

import math

import numpy as np

from modalities.types import FloatArray

RATE = 16_000
WINDOW_SECONDS = 30
STATES_PER_SECOND = 50
"""Encoder states: one for two mel frames of 10 ms."""

MAX_STATES = 16
"""Vectors a recording's states are pooled to, at most; a short one gets one for each half second."""

CUT_SEARCH_SECONDS = 6.0
CUT_FRAME_SECONDS = 0.1


def windows(samples: FloatArray) -> list[FloatArray]:
    """Cut sound at 16 kHz into pieces of at most 30 s, each at the quietest tenth of a second of its last six."""
    frame = int(CUT_FRAME_SECONDS * RATE)
    pieces = []
    while len(samples) > WINDOW_SECONDS * RATE:
        begin = int((WINDOW_SECONDS - CUT_SEARCH_SECONDS) * RATE)
        frames = samples[begin : WINDOW_SECONDS * RATE].reshape(-1, frame)
        cut = begin + int(np.argmin((frames**2).mean(axis=1))) * frame + frame // 2
        pieces.append(samples[:cut])
        samples = samples[cut:]
    return [*pieces, samples] if len(samples) else pieces


def timed_windows(samples: FloatArray) -> list[tuple[float, FloatArray]]:
    """`windows`, each with the second it starts at."""
    pieces = windows(samples)
    starts = np.cumsum([0, *(len(piece) for piece in pieces)])[: len(pieces)] / RATE
    return list(zip(starts.tolist(), pieces, strict=True))


def vectors_of(seconds: float) -> tuple[int, int]:
    """How many encoder states so much sound has, and to how many vectors they are pooled: one for each half second."""
    states = max(1, math.ceil(seconds * STATES_PER_SECOND))
    return states, min(states, max(1, math.ceil(2 * seconds)), MAX_STATES)


def shrink(vectors: FloatArray) -> FloatArray:
    """Mean-pool consecutive vectors (m, width) to at most 16."""
    parts = np.array_split(vectors, min(len(vectors), MAX_STATES))
    return np.stack([part.mean(axis=0) for part in parts]).astype(np.float32)
