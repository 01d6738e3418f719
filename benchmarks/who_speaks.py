"""Who speaks on one channel, as `demos.batches.voices` guesses it: real speakers of AN4, two by two and alone.

    python -m benchmarks.who_speaks --data DIR [--pairs N] [--seed S]

Each pair is a recording in which two speakers of AN4 take turns, eight each; beside it is one of one of them alone.
What counts is the share of the speech that is given to the right one of two, whichever is called the first; and whether
one speaker alone is taken for one, and two for two.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np

from demos.batches.voices import Voices
from modalities.segmenter import Segmenter, Timing
from modalities.types import Audio

TURNS, RATE = 8, 16_000
SEGMENTER = Segmenter(timing=Timing(stop=0.25, pad=0.15))

Said = list[tuple[float, float, int]]


def main() -> None:
    """Prints the shares."""
    about = (__doc__ or "").split("\n", 1)[0]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.who_speaks", description=about)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--pairs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    speakers = by_speaker(options.data / "speech" / "an4")
    rng = Random(options.seed)
    names = sorted(name for name, paths in speakers.items() if len(paths) >= TURNS)
    right, two, one = [], 0, 0
    for _ in range(options.pairs):
        first, second = (rng.sample(speakers[name], TURNS) for name in rng.sample(names, 2))
        turns = [(path, k) for pair in zip(first, second, strict=True) for k, path in enumerate(pair)]
        share, found = judged(*recorded(turns))
        right.append(share)
        two += found == 2
        one += judged(*recorded([(path, 0) for path in first]))[1] == 1
    print(f"{options.pairs} pairs of {len(names)} speakers, {TURNS} turns each, seed {options.seed}")
    print(f"two taken for two {two / options.pairs:.0%}, one alone for one {one / options.pairs:.0%}")
    print(f"speech given to the right one: mean {np.mean(right):.1%}, median {np.median(right):.1%}")


def by_speaker(folder: Path) -> dict[str, list[Path]]:
    """The recordings of each speaker."""
    found: dict[str, list[Path]] = defaultdict(list)
    with (folder / "manifest.tsv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            found[row["speaker"]].append(folder / row["path"])
    return found


def recorded(turns: Sequence[tuple[Path, int]]) -> tuple[Audio, Said]:
    """The turns one after another, and who speaks when."""
    parts, said, at = [], [], 0.0
    for path, speaker in turns:
        audio = Audio.open(path)
        parts.append(audio.samples)
        said.append((at, at + audio.seconds, speaker))
        at += audio.seconds
    return Audio(np.concatenate(parts), RATE), said


def judged(audio: Audio, said: Said) -> tuple[float, int]:
    """The share of speech given to the right speaker, and how many were found."""
    voices, segments = Voices(), SEGMENTER.segments(audio)
    voices.feed(audio)
    whose = np.array(voices.whose(segments))
    truth = np.array([next(k for a, b, k in said if (s.start + s.end) / 2 < b) for s in segments])
    lengths = np.array([s.end - s.start for s in segments])
    share = float(lengths[whose == truth].sum() / lengths.sum())
    return max(share, 1 - share), len(set(whose.tolist()))


if __name__ == "__main__":
    main()
