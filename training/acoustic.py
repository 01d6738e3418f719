"""Adapt PocketSphinx's acoustic model to recordings: to noise and to 8 kHz telephone lines.

    python -m training.acoustic --data DIR --out weights/hearing [--speakers N] [--seed S]

DIR holds `speech/an4` and `noise/background`. `--speakers` of AN4, drawn by the seed as `benchmarks.speech an4` draws
them, take no part. Gaussians and mixture weights move from the wheel's towards what the aligned frames say, the further
the more frames there are: maximum a posteriori estimation (Gauvain and Lee, "Maximum a posteriori estimation for
multivariate Gaussian mixture observations of Markov chains", 1994), by a few rounds of expectation maximisation.
"""

from __future__ import annotations

import argparse
import csv
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt

from modalities.audio import load, resample
from modalities.speech.acoustic import LEAST_WEIGHT, UNIT, Acoustics, codebooks, read_engine, save
from modalities.speech.language_model import tidy
from modalities.types import Audio, FloatArray
from training.acoustic_features import Aligner, Frames, Said, in_noise, over_telephone

ROUNDS = 2
MEANS, SPREADS, WEIGHTS = 10.0, 20.0, 20.0  # frames that the wheel's means, variances and weights count for
NOISES = ("running_tap", "dude_miaowing", "white_noise")  # of `noise/background`; the others measure
LEAST_VARIANCE = 0.1  # of the wheel's own

log = logging.getLogger(__name__)


def adapt(frames: Frames, codebook: npt.NDArray[np.int64], rounds: int = ROUNDS) -> Acoustics:
    """The wheel's model, moved towards the frames.

    Args:
        frames: what was said, with its states.
        codebook: the codebook of each state.
        rounds: of expectation maximisation.
    """
    engine = read_engine()
    order = np.argsort(frames.states, kind="stable")
    frames = Frames(frames.vectors[order], frames.states[order])
    books, model = codebook[frames.states], engine
    for number in range(1, rounds + 1):
        means, variances, weights = model.means.copy(), model.variances.copy(), model.weights.copy()
        likelihood = 0.0
        for stream in range(engine.means.shape[1]):
            for book in np.unique(books):
                rows = np.flatnonzero(books == book)
                vectors, states = frames.vectors[rows, stream].astype(np.float64), frames.states[rows]
                shares, score = _shares(model, int(book), stream, vectors, states)
                likelihood += score
                moved = _moved(engine, int(book), stream, shares, vectors)
                means[book, stream], variances[book, stream] = moved
                _reweigh(engine, weights, stream, shares, states)
        model = Acoustics(means, variances, weights)
        log.info("round %d: log likelihood a frame %.2f", number, likelihood / len(frames.states))
    return model


def _shares(
    model: Acoustics, book: int, stream: int, vectors: np.ndarray, states: np.ndarray
) -> tuple[np.ndarray, float]:
    """How much of each frame each Gaussian of the codebook explains, shape (n, 128), and their log likelihood."""
    mean, inverse = model.means[book, stream].astype(np.float64), 1.0 / model.variances[book, stream]
    constant = (mean**2 * inverse).sum(axis=1) - np.log(inverse).sum(axis=1) + mean.shape[1] * np.log(2 * np.pi)
    scores = -0.5 * (vectors**2 @ inverse.T - 2 * vectors @ (mean * inverse).T + constant)
    seen, index = np.unique(states, return_inverse=True)
    scores -= (UNIT * model.weights[stream][:, seen].T.astype(np.float64))[index]
    top = scores.max(axis=1, keepdims=True)
    shares = np.exp(scores - top)
    total = shares.sum(axis=1, keepdims=True)
    return shares / total, float((top + np.log(total)).sum())


def _moved(
    engine: Acoustics, book: int, stream: int, shares: np.ndarray, vectors: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Means and variances between the wheel's and the frames'."""
    mean, variance = engine.means[book, stream].astype(np.float64), engine.variances[book, stream].astype(np.float64)
    count, total, squares = shares.sum(axis=0)[:, None], shares.T @ vectors, shares.T @ vectors**2
    first = (SPREADS * mean + total) / (SPREADS + count)
    second = (SPREADS * (variance + mean**2) + squares) / (SPREADS + count)
    return (MEANS * mean + total) / (MEANS + count), np.maximum(second - first**2, LEAST_VARIANCE * variance)


def _reweigh(engine: Acoustics, weights: np.ndarray, stream: int, shares: np.ndarray, states: np.ndarray) -> None:
    """Mixture weights of the states that have frames, which come sorted by state."""
    seen, starts = np.unique(states, return_index=True)
    for state, count in zip(seen, np.add.reduceat(shares, starts, axis=0), strict=True):
        prior = np.exp(-UNIT * engine.weights[stream][:, state].astype(np.float64))
        share = (WEIGHTS * prior / prior.sum() + count) / (WEIGHTS + count.sum())
        steps = np.rint(-np.log(np.maximum(share, 1e-9)) / UNIT)
        weights[stream][:, state] = np.clip(steps, 0, LEAST_WEIGHT).astype(np.uint8)


def read_an4(data: Path, without: int, seed: int) -> list[Said]:
    """AN4's recordings, save those of as many speakers as `without`, drawn by the seed."""
    folder = data / "speech" / "an4"
    with (folder / "manifest.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    held = set(Random(seed).sample(sorted({row["speaker"] for row in rows}), without))
    kept = [row for row in rows if row["speaker"] not in held]
    return [Said(load(folder / row["path"]), " ".join(tidy(row["text"]))) for row in kept]


def collect(said: Iterable[Said], aligner: Aligner, ways: Sequence[Callable[[Audio], Audio]]) -> Frames:
    """The frames of all recordings under several conditions; those that fit no words are left out."""
    found = list(_each(said, aligner, ways))
    return Frames(np.concatenate([f.vectors for f in found]), np.concatenate([f.states for f in found]))


def _each(said: Iterable[Said], aligner: Aligner, ways: Sequence[Callable[[Audio], Audio]]) -> Iterator[Frames]:
    for one in said:
        frames = aligner.frames(one, [way(one.audio) for way in ways])
        if frames is not None:
            yield frames


def main() -> None:
    """Adapt, and write both models."""
    parser = argparse.ArgumentParser(prog="python -m training.acoustic", description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data sets")
    parser.add_argument("--out", type=Path, required=True, help="folder for the two models")
    parser.add_argument("--speakers", type=int, default=10, help="AN4 speakers that take no part")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    recordings = read_an4(options.data, options.speakers, options.seed)
    aligner, books = Aligner([one.text for one in recordings]), codebooks()
    chance = np.random.default_rng(options.seed)
    folder = options.data / "noise" / "background"
    noises: dict[str, FloatArray] = {n: resample(load(folder / f"{n}.flac"), 16_000).samples for n in NOISES}
    for name, ways in (
        ("noisy", [lambda a: a, lambda a: in_noise(a, noises, chance)]),
        ("telephone", [over_telephone, lambda a: over_telephone(in_noise(a, noises, chance))]),
    ):
        frames = collect(recordings, aligner, ways)
        log.info("%s: %d frames of %d recordings", name, len(frames.states), len(recordings))
        save(adapt(frames, books), options.out / f"{name}.safetensors", made_from="AN4", condition=name)


if __name__ == "__main__":
    main()
