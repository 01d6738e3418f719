"""Whose voice it is, of at most two on one channel: a guess.

Each stretch of speech is its mean cepstrum (librosa's MFCCs below 4 kHz, 13 of them), brought to one scale; Ward's
method (scikit-learn) parts the stretches in two, and the Bayesian information criterion says whether two voices
explain the frames better than one (Chen and Gopalakrishnan 1998, "Speaker, environment and channel change detection and
clustering via the Bayesian information criterion").
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from modalities.segmenter import RATE
from modalities.types import Audio, FloatArray, Segment

HOP = 320  # samples between frames: 20 ms
CEPSTRA = 19
SHORTEST = 0.8  # seconds of speech that tell a voice
FEWEST = 4  # stretches among which two voices are looked for
MOST = 1_500  # stretches that are compared with each other, the longest; of a longer recording the rest go by them
PENALTY = 1.25  # weight of a second voice's parameters; see `benchmarks.who_speaks`


class Voices:
    """Follows one channel and tells afterwards which stretches one voice says."""

    def __init__(self) -> None:
        self._frames: list[FloatArray] = []

    def feed(self, block: Audio) -> None:
        """Take the next sound, at 16 kHz."""
        if len(block.samples) < HOP:
            return
        import librosa

        cepstra = librosa.feature.mfcc(
            y=block.samples, sr=RATE, n_mfcc=CEPSTRA + 1, n_fft=512, hop_length=HOP, n_mels=40, fmin=150, fmax=3_700
        )
        self._frames.append(cepstra[1:].T[: len(block.samples) // HOP].astype(np.float32))

    def whose(self, segments: Sequence[Segment]) -> tuple[int, ...]:
        """0 or 1 for each stretch, by voice; all 0 where there seems to be one voice alone."""
        nobody = (0,) * len(segments)
        frames = [self._of(segment) for segment in segments]
        clear = [i for i, s in enumerate(segments) if s.end - s.start >= SHORTEST and len(frames[i])]
        clear = sorted(sorted(clear, key=lambda i: segments[i].start - segments[i].end)[:MOST])
        if len(clear) < FEWEST:
            return nobody
        from sklearn.cluster import AgglomerativeClustering

        means = np.stack([frames[i].mean(axis=0) for i in clear])
        scale = np.concatenate([frames[i] for i in clear]).std(axis=0) + 1e-6
        found = AgglomerativeClustering(2, linkage="ward").fit_predict(means / scale)
        one, other = (np.concatenate([frames[i] for i, k in zip(clear, found, strict=True) if k == n]) for n in (0, 1))
        if gain(one, other) <= 0:
            return nobody
        centers = np.stack([one.mean(axis=0), other.mean(axis=0)]) / scale
        return _all(frames, centers, scale, {i: int(k) for i, k in zip(clear, found, strict=True)})

    def _of(self, segment: Segment) -> FloatArray:
        if len(self._frames) > 1:
            self._frames = [np.concatenate(self._frames)]
        if not self._frames:
            return np.zeros((0, CEPSTRA), np.float32)
        step = HOP / RATE
        return self._frames[0][round(segment.start / step) : round(segment.end / step)]


def gain(one: FloatArray, other: FloatArray) -> float:
    """How much better two voices explain the frames than one, in nats, the second voice's parameters paid for."""
    both = np.concatenate([one, other])
    width = both.shape[1]
    parameters = width + width * (width + 1) / 2
    return float(_spread(both) - _spread(one) - _spread(other) - PENALTY * 0.5 * parameters * np.log(len(both)))


def _spread(frames: FloatArray) -> float:
    covariance = np.cov(frames.T) + 1e-3 * np.eye(frames.shape[1])
    return 0.5 * len(frames) * float(np.linalg.slogdet(covariance)[1])


def _all(
    frames: Sequence[FloatArray], centers: npt.NDArray[np.float64], scale: FloatArray, known: dict[int, int]
) -> tuple[int, ...]:
    """The voice of every stretch, the short ones by the nearer of both."""
    found: list[int] = []
    for i, part in enumerate(frames):
        if i not in known and len(part):
            known[i] = int(np.linalg.norm(centers - part.mean(axis=0) / scale, axis=1).argmin())
        found.append(known.get(i, found[-1] if found else 0))
    return tuple(found)
