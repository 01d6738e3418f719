"""How soon a reply is heard, how fast it is made, and whether it can be understood.

    python -m benchmarks.voice [--engine espeak|coqui] [--model M] [--device D] [--replies N] [--seed S]

Replies are the retail pack's wordings with random order ids, amounts and dates. Understood means: PocketSphinx writes
down what was said. Its language model is compiled from the same wordings with other ids, amounts and dates, so it can
be surprised by those only; the word error rate is of the words the text is normalised to.
"""

from __future__ import annotations

import argparse
import datetime
import random
import re
import statistics
import tempfile
import time
import tomllib
from collections.abc import Sequence

from agent.checksums import luhn_digit
from modalities.errors import MissingPartError
from modalities.locate import ROOT
from modalities.speech.language_model import tidy
from modalities.types import Audio
from modalities.voice.base import Voice
from modalities.voice.normalize import normalize

TWELVE_WORDS = "Your order is on its way and should be with you tomorrow."
WORDINGS = ROOT / "agent" / "domains" / "retail" / "replies.toml"
TODAY = datetime.date(2026, 11, 22)


def build(engine: str, model: str, device: str) -> Voice:
    """The voice to measure."""
    if engine == "coqui":
        from modalities.voice.coqui import VITS, Coqui

        return Coqui(model or VITS, device)
    from modalities.voice.espeak import ESpeak

    return ESpeak(model or "en-us")


def wordings() -> list[str]:
    """The pack's wordings that hold nothing but order ids, tracking numbers, amounts and dates to fill in."""
    table = tomllib.loads(WORDINGS.read_text(encoding="utf-8"))["say"]
    every = [text for texts in table.values() for text in texts]
    return [text for text in every if not re.search(r"\{", fill(text, random.Random(0)))]


def fill(text: str, chance: random.Random) -> str:
    """A wording with random facts; placeholders of other kinds stay."""
    five = f"{chance.randrange(100_000):05}"
    eight = f"{chance.randrange(100_000_000):08}"
    text = text.replace("{order_id}", f"K{five}{luhn_digit(five)}")
    text = text.replace("{tracking_number}", f"TR{eight}{luhn_digit(eight)}")
    text = re.sub(r"\{\w+:money\}", lambda _: f"${chance.randrange(100, 30_000) / 100:.2f}", text)
    return re.sub(r"\{\w+:date\}", lambda _: str(TODAY + datetime.timedelta(chance.randrange(30))), text)


def report_speed(voice: Voice, texts: Sequence[str], times: int) -> list[Audio]:
    """Print the first-audio time and the real-time factor. Returns the replies' sound."""
    voice.speak(TWELVE_WORDS)
    first, whole = [], []
    for _ in range(times):
        started = time.perf_counter()
        next(iter(voice.stream(TWELVE_WORDS)))
        first.append(time.perf_counter() - started)
        voice.speak(TWELVE_WORDS + " " + TWELVE_WORDS)
        whole.append(time.perf_counter() - started - first[-1])
    print(
        f"first audio of a 12-word reply: median {1000 * statistics.median(first):.1f} ms, "
        f"slowest {1000 * max(first):.1f} ms; two such sentences whole: {1000 * statistics.median(whole):.1f} ms "
        f"({times} times, warm)"
    )
    started = time.perf_counter()
    sounds = [voice.speak(text) for text in texts]
    spent, seconds = time.perf_counter() - started, sum(sound.seconds for sound in sounds)
    print(f"{len(texts)} replies, {seconds:.0f} s of speech, made in {spent:.2f} s: {spent / seconds:.4f} of real time")
    return sounds


def report_intelligibility(texts: Sequence[str], sounds: Sequence[Audio], seed: int) -> None:
    """Print the word error rate of PocketSphinx on the replies, and how many order ids it got whole."""
    from benchmarks.speech import word_errors
    from modalities.speech.language_model import compile_model
    from modalities.speech.pocketsphinx import PocketSphinx

    others = random.Random(seed + 1)
    known = [normalize(fill(text, others), TODAY) for text in wordings() for _ in range(10)]
    expected = [" ".join(tidy(normalize(text, TODAY))) for text in texts]
    with tempfile.TemporaryDirectory() as folder:
        engine = PocketSphinx(compile_model(known, folder))
        heard = [transcript.text for transcript in engine.transcribe(sounds)]
    pairs = list(zip(expected, heard, strict=True))
    words = sum(len(wanted.split()) for wanted, _ in pairs)
    errors = sum(word_errors(wanted, got) for wanted, got in pairs)
    digits = re.compile(r"\bk (?:(?:zero|one|two|three|four|five|six|seven|eight|nine) ?){6}")
    ids = [(match[0].strip(), got) for wanted, got in pairs for match in digits.finditer(wanted)]
    right = sum(wanted in got for wanted, got in ids)
    print(f"heard by PocketSphinx: {errors} errors in {words} words, {errors / words:.1%}")
    print(f"order ids heard whole: {right} of {len(ids)}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=("espeak", "coqui"), default="espeak")
    parser.add_argument("--model", default="", help="voice or model; the engine's default unless given")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--replies", type=int, default=100)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    started = time.perf_counter()
    voice = build(given.engine, given.model, given.device)
    print(f"{voice.name} at {voice.rate} Hz on {given.device}, loaded in {time.perf_counter() - started:.2f} s")
    chance = random.Random(given.seed)
    choices = wordings()
    texts = [fill(text, chance) for text in chance.choices(choices, k=given.replies)]
    print(f"replies from {len(choices)} wordings of the retail pack, seed {given.seed}")
    sounds = report_speed(voice, texts, given.times)
    try:
        report_intelligibility(texts, sounds, given.seed)
    except MissingPartError as error:
        print(f"intelligibility not measured: {error}")


if __name__ == "__main__":
    main()
