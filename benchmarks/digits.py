"""Digits over a telephone: strings of six, spoken by people of whom the models have heard some and not others.

    python -m benchmarks.digits --data DIR [--count N] [--seed S]

Single digits of the Free Spoken Digit Dataset (`speech/spoken_digits` under DIR, 8 kHz, named digit_speaker_take) are
put one after the other, all of one speaker, a tenth to three tenths of a second apart, and sent through mu-law. One
speaker, named in the weights of the phones, took no part in training and is the figure that counts; the others' digits
were trained on, in other strings. The language model is of random digit strings of two to ten, "oh" among them, and
does not know that these have six.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from safetensors import safe_open

from benchmarks.speech import word_errors
from modalities.audio import decode_mulaw, encode_mulaw, load, resample
from modalities.segmenter import Segmenter
from modalities.speech.base import listen
from modalities.speech.language_model import compile_model
from modalities.speech.pocketsphinx import ACOUSTICS, PHONES, PocketSphinx
from modalities.types import Audio

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
LENGTH = 6
RATE = 8_000
PAUSES = (0.1, 0.3)  # seconds between digits
AROUND = 0.4  # seconds of silence before and after
HISS = 10 ** (-60 / 20)  # of full scale, under all of it


@dataclass(frozen=True)
class Said:
    """A string of digits one speaker said."""

    speaker: str
    text: str
    audio: Audio


def strings(data: Path, count: int, seed: int) -> Iterator[Said]:
    """`count` strings of each speaker."""
    takes: defaultdict[str, defaultdict[int, list[Path]]] = defaultdict(lambda: defaultdict(list))
    for path in sorted((data / "speech" / "spoken_digits").rglob("*_*_*.flac")):
        name, speaker, _ = path.stem.split("_")
        takes[speaker][int(name)].append(path)
    chance, hiss = Random(seed), np.random.default_rng(seed)
    for speaker, digits in sorted(takes.items()):
        for _ in range(count):
            wanted = [chance.randrange(10) for _ in range(LENGTH)]
            parts = [np.zeros(round(AROUND * RATE), dtype=np.float32)]
            for digit in wanted:
                parts.append(resample(load(chance.choice(digits[digit])), RATE).samples)
                parts.append(np.zeros(round(chance.uniform(*PAUSES) * RATE), dtype=np.float32))
            sound = np.concatenate([*parts, parts[0]])
            sound = (sound + HISS * hiss.standard_normal(len(sound))).astype(np.float32)
            yield Said(speaker, " ".join(DIGITS[d] for d in wanted), decode_mulaw(encode_mulaw(Audio(sound, RATE))))


def expected(seed: int) -> list[str]:
    """Sentences for the language model."""
    chance = Random(seed + 1)
    return [" ".join(chance.choices((*DIGITS, "oh"), k=chance.randint(2, 10))) for _ in range(5_000)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.digits", description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data sets")
    parser.add_argument("--count", type=int, default=50, help="strings of each speaker")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    with safe_open(ACOUSTICS / PHONES, framework="numpy") as weights:
        apart = (weights.metadata() or {}).get("digits_apart")
    said = list(strings(options.data, options.count, options.seed))
    with tempfile.TemporaryDirectory() as folder:
        engine = PocketSphinx(compile_model(expected(options.seed), folder))
    heard = listen(engine, Segmenter(), [one.audio for one in said])
    wrong, total, whole = Counter[str](), Counter[str](), Counter[str]()
    for one, transcript in zip(said, heard, strict=True):
        text = transcript.text.replace("oh", "zero")
        errors = word_errors(one.text, text)
        for key in (one.speaker, "all"):
            wrong[key] += errors
            total[key] += LENGTH
            whole[key] += not errors
    print(f"strings of {LENGTH} digits, 8 kHz mu-law, {options.count} of each speaker, seed {options.seed}")
    for key in total:
        who = f"{key}, on whom nothing was trained" if key == apart else key
        right, strings_ = 1 - wrong[key] / total[key], total[key] // LENGTH
        print(f"  {who}: digits right {right:.1%}; strings right {whole[key]} of {strings_}")


if __name__ == "__main__":
    main()
