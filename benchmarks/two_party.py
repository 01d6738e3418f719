"""Two-party stereo calls, made: simulated customers talk to the agent, said by Flite's and eSpeak NG's voices.

    python -m benchmarks.two_party --out DIR [--calls N] [--seed S]        (apt install flite)

The words are those of `benchmarks.customers` with every turn understood as meant. The customer (Flite) is on the left,
the agent (eSpeak NG) on the right; every second call is 8 kHz mu-law as from a telephone exchange, the others 16 kHz
FLAC. One turn in twelve of a customer begins before the agent has ended. Beside the recordings lies manifest.csv with a
time for each, and truth.jsonl with what was said when. All synthetic.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import numpy as np
import soundfile

from benchmarks.callers import wordings
from benchmarks.customers import TOGETHER, call, draw
from benchmarks.judge import World
from benchmarks.listeners import given
from demos.customer import FLITE_VOICES, speak
from modalities.audio import PHONE_RATE, resample
from modalities.speech.spoken import say
from modalities.types import Audio
from modalities.voice.espeak import ESpeak

RATE = 16_000
GREETING = "Welcome to Harbor Lane. How can I help you?"
FIRST = dt.datetime(2026, 9, 1, 9)
BREAKS_IN = 1 / 12
AGENTS = ("en-us", "en-us+f3", "en-gb", "en-us+m3")


@dataclass(frozen=True)
class Line:
    """One turn of a call: who says what, from when to when in seconds."""

    who: str
    text: str
    start: float = 0.0
    end: float = 0.0


def scripts(count: int, seed: int) -> list[list[Line]]:
    """What is said in so many calls."""
    world, words, listen = World(seed, voice=False), wordings(), given()
    shop = world.shop()
    found: list[list[Line]] = []
    for start in range(0, count, TOGETHER):
        numbers = range(start, min(start + TOGETHER, count))
        verdicts = call(world, [draw(n, shop, seed, words, voice=False) for n in numbers], listen)
        found += [[Line("agent", GREETING), *_lines(verdict.lines)] for verdict in verdicts]
    return found


def _lines(lines: Sequence[str]) -> list[Line]:
    found = []
    for line in lines:
        if line.startswith("  C: "):
            found.append(Line("customer", line[5:].split("  [heard:")[0]))
        elif line.startswith("  A: "):
            found.append(Line("agent", re.sub(r"   \(.*\)$", "", line[5:], flags=re.DOTALL)))
    return [line for line in found if re.search(r"\w", line.text)]


def voiced(script: Sequence[Line], number: int, rng: Random) -> tuple[Audio, Audio, list[Line]]:
    """A call's sound, customer and agent, and when each turn was."""
    voice, agent = FLITE_VOICES[number % len(FLITE_VOICES)], ESpeak(AGENTS[number % len(AGENTS)])
    placed: list[Line] = []
    sounds, end = [], 0.5
    for line in script:
        said = speak(say(line.text, rng), voice) if line.who == "customer" else agent.speak(line.text)
        sound = resample(said, RATE)
        early = line.who == "customer" and len(placed) > 1 and rng.random() < BREAKS_IN
        start = max(0.0, end - 1.2) if early else end + rng.uniform(0.3, 1.2)
        end = start + sound.seconds
        placed.append(Line(line.who, line.text, round(start, 3), round(end, 3)))
        sounds.append(sound.samples)
    sides = {who: np.zeros(round((end + 0.8) * RATE), np.float32) for who in ("customer", "agent")}
    for line, samples in zip(placed, sounds, strict=True):
        at = round(line.start * RATE)
        sides[line.who][at : at + len(samples)] += 0.7 * samples
    return Audio(sides["customer"], RATE), Audio(sides["agent"], RATE), placed


def make(folder: Path, count: int = 60, seed: int = 7) -> list[Path]:
    """Writes the calls, their manifest and their truth; returns the recordings."""
    folder.mkdir(parents=True, exist_ok=True)
    rng, paths, told = Random(seed), [], []
    for number, script in enumerate(scripts(count, seed)):
        customer, agent, lines = voiced(script, number, rng)
        telephone = number % 2 == 0
        path = folder / f"call-{number:03d}.{'wav' if telephone else 'flac'}"
        rate = PHONE_RATE if telephone else RATE
        noise = np.random.default_rng([seed, number]).normal(0, 1e-3, (2, len(customer.samples))).astype(np.float32)
        sides = [
            resample(Audio(side.samples + hiss, RATE), rate).samples
            for side, hiss in zip((customer, agent), noise, strict=True)
        ]
        soundfile.write(path, np.stack(sides, axis=1).clip(-1, 1), rate, subtype="ULAW" if telephone else "PCM_16")
        paths.append(path)
        told.append({"path": path.name, "lines": [asdict(line) for line in lines]})
    (folder / "truth.jsonl").write_text("".join(json.dumps(one) + "\n" for one in told), encoding="utf-8")
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "at", "customer"))
        times = sorted(FIRST + dt.timedelta(days=rng.randrange(14), minutes=rng.randrange(600)) for _ in paths)
        writer.writerows((path.name, at.isoformat(), "left") for path, at in zip(paths, times, strict=True))
    return paths


def main() -> None:
    """Makes the calls and says how many there are."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.two_party", description=(__doc__ or "").split("\n", 1)[0]
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--calls", type=int, default=60)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    paths = make(options.out, options.calls, options.seed)
    seconds = sum(soundfile.info(path).duration for path in paths)
    print(f"{len(paths)} synthetic calls, {seconds / 60:.1f} min, in {options.out}")


if __name__ == "__main__":
    main()
