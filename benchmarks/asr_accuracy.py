"""Word error rate of a speech engine: clean, over a telephone, in noise, in a room.

    python -m benchmarks.asr_accuracy --data DIR [--engine pocketsphinx] [--sets an4,digits] [--speakers 10]
    python -m benchmarks.asr_accuracy --data DIR --engine whisper --model large-v3-turbo --device cuda

AN4 (`speech/an4` under DIR) is real speech at 16 kHz, with speakers held out; the digits (`speech/spoken_digits`) are
strings of six put together from single ones at 8 kHz. PocketSphinx gets a language model of the other speakers' text,
and of random strings of digits; Whisper is as published.

References and hearings both go through openai-whisper's English normalizer before they are compared, which writes
numbers in figures: "five five five" is then one word, and one wrong digit makes all of it wrong. The second figure
takes such numbers apart into single digits. Noise is recorded (`noise/background`), its level set against the louder
half of the speech; the room is simulated: noise that dies away after the direct sound.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from benchmarks.digits import expected, strings
from benchmarks.quiet import over_telephone
from benchmarks.speech import read_an4, read_noises, with_noise, word_errors
from modalities.audio import resample
from modalities.errors import CallsightError, MissingPartError
from modalities.segmenter import Segmenter
from modalities.speech.base import SpeechEngine, listen
from modalities.types import Audio

NOISE_DB = (20, 10, 5)
RATE = 16_000
REVERBERATION = 0.5  # seconds in which the room's sound dies away by 60 dB
DIRECT = 0.7  # of the sound's power that reaches the microphone directly
AFTER = 0.4  # seconds of silence about each recording, so that a room can sound


@dataclass(frozen=True)
class Said:
    """A recording and the words said in it."""

    text: str
    audio: Audio


@dataclass(frozen=True)
class Set:
    """Recordings to hear, and what a language model may know of how people talk there."""

    name: str
    said: tuple[Said, ...]
    likely: tuple[str, ...]


def main() -> int:
    """Prints every figure; returns the exit code."""
    options = _parser().parse_args()
    try:
        if unknown := set(options.sets.split(",")) - SETS.keys():
            raise CallsightError(f"no set {sorted(unknown)!r}; there are {', '.join(SETS)}")
        normalize = normalizer()
        for name in options.sets.split(","):
            measure(SETS[name](options), options, normalize)
    except (CallsightError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def an4(options: argparse.Namespace) -> Set:
    """AN4 of the speakers held out."""
    rows = read_an4(options.data)
    held = set(Random(options.seed).sample(sorted({row.speaker for row in rows}), options.speakers))
    said = tuple(Said(row.text, row.audio) for row in rows if row.speaker in held)
    others = tuple(row.text for row in rows if row.speaker not in held)
    return Set(f"AN4, {len(held)} speakers held out", said[: options.limit], others)


def digits(options: argparse.Namespace) -> Set:
    """Strings of six digits, already over a telephone."""
    said = tuple(Said(one.text, one.audio) for one in strings(options.data, options.count, options.seed))
    name = f"spoken digits, strings of six, {options.count} of each speaker, all at 8 kHz mu-law"
    return Set(name, said[: options.limit], tuple(expected(options.seed)))


SETS: Mapping[str, Callable[[argparse.Namespace], Set]] = {"an4": an4, "digits": digits}


def measure(heard: Set, options: argparse.Namespace, normalize: Callable[[str], str]) -> None:
    """Hear one set in every condition."""
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(heard, options, Path(folder))
        seconds = sum(one.audio.seconds for one in heard.said)
        count = f"{len(heard.said)} recordings, {seconds / 60:.1f} min"
        print(f"{heard.name}: {count}, by {options.engine}, seed {options.seed}")
        for condition, sounds in conditions(heard, options):
            started = time.perf_counter()
            found = [transcript.text for transcript in listen(engine, Segmenter(), sounds)]
            pace = seconds / (time.perf_counter() - started)
            report(condition, [one.text for one in heard.said], found, normalize, pace)


def make_engine(heard: Set, options: argparse.Namespace, folder: Path) -> SpeechEngine:
    """The engine a stack would name, made for this set."""
    if options.engine == "whisper":
        from modalities.speech.whisper import Whisper

        return Whisper(options.model, options.device, precision=options.precision, word_times=False)
    from modalities.speech.language_model import compile_model
    from modalities.speech.pocketsphinx import PocketSphinx

    return PocketSphinx(compile_model(list(heard.likely), folder))


def conditions(heard: Set, options: argparse.Namespace) -> Iterator[tuple[str, list[Audio]]]:
    """Each condition's name and the set's sounds in it."""
    sounds = [one.audio for one in heard.said]
    wide = [resample(sound, RATE) for sound in sounds]
    rng = np.random.default_rng(options.seed)
    yield "clean", sounds
    yield "8 kHz mu-law", [over_telephone(sound) for sound in sounds]
    noises = list(read_noises(options.data))
    for decibels in NOISE_DB:
        yield f"noise at {decibels} dB", [with_noise(sound, noises, decibels, rng) for sound in wide]
    yield "room", [in_room(sound, rng) for sound in wide]


def in_room(audio: Audio, rng: np.random.Generator) -> Audio:
    """The sound in a simulated room (Polack 1988: Gaussian noise under an exponential decay), as loud as before."""
    times = np.arange(round(REVERBERATION * audio.rate)) / audio.rate
    tail = rng.standard_normal(len(times)) * 10 ** (-3 * times / REVERBERATION)
    tail *= np.sqrt((1 - DIRECT) / np.square(tail).sum())
    tail[0] = np.sqrt(DIRECT)
    dry = np.pad(audio.samples, (0, round(AFTER * audio.rate)))
    size = len(dry) + len(tail) - 1
    wet = np.fft.irfft(np.fft.rfft(dry, size) * np.fft.rfft(tail, size), size)[: len(dry)]
    return Audio(wet.astype(np.float32), audio.rate)


def report(
    condition: str, said: Sequence[str], found: Sequence[str], normalize: Callable[[str], str], pace: float
) -> None:
    """One line: word error rate, how it comes about, recordings whole and recordings in which nothing was heard."""
    pairs = [(normalize(a), normalize(b)) for a, b in zip(said, found, strict=True)]
    apart = [(by_digit(a), by_digit(b)) for a, b in pairs]
    errors, words = (sum(word_errors(a, b) for a, b in pairs), sum(len(a.split()) for a, _ in pairs))
    wrong, total = (sum(word_errors(a, b) for a, b in apart), sum(len(a.split()) for a, _ in apart))
    whole, silent = sum(a == b for a, b in pairs), sum(not text for text in found)
    print(
        f"  {condition:15} word error rate {errors / max(1, words):6.1%} ({errors} of {words} words), digit by digit "
        f"{wrong / max(1, total):6.1%} ({wrong} of {total}); whole {whole} of {len(pairs)}, nothing heard {silent}; "
        f"{pace:.1f} x real time"
    )


def by_digit(text: str) -> str:
    """Numbers taken apart into single digits."""
    return " ".join(re.sub(r"\d", r" \g<0> ", text).split())


def normalizer() -> Callable[[str], str]:
    """openai-whisper's English normalizer (Radford et al. 2022, appendix C)."""
    try:
        from whisper.normalizers import EnglishTextNormalizer
    except ImportError as error:
        raise MissingPartError("the normalizer is openai-whisper's: pip install openai-whisper") from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves its word list to the garbage collector
        made: Any = EnglishTextNormalizer()
    return lambda text: str(made(text))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.asr_accuracy", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data sets")
    parser.add_argument("--engine", choices=("pocketsphinx", "whisper"), default="pocketsphinx")
    parser.add_argument("--model", default="large-v3-turbo", help="Whisper's size, or the path of a .pt file")
    parser.add_argument("--device", default="cpu", help="of Whisper")
    parser.add_argument("--precision", default="", help="of Whisper; the device's own")
    parser.add_argument("--sets", default="an4,digits", help=f"comma-separated, of {', '.join(SETS)}")
    parser.add_argument("--speakers", type=int, default=10, help="AN4 speakers held out (10)")
    parser.add_argument("--count", type=int, default=50, help="strings of digits of each speaker (50)")
    parser.add_argument("--limit", type=int, help="recordings of a set at most")
    parser.add_argument("--seed", type=int, default=7)
    return parser


if __name__ == "__main__":
    sys.exit(main())
