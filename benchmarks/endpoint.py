"""When a turn is over: how soon after the last word, and how many turns are cut short.

    python -m benchmarks.endpoint --data DIR [--count N] [--seed S]
    python -m benchmarks.endpoint --data DIR --while-speaking    interruptions and acknowledgements (apt install flite)

Recorded turns of AN4 (`speech/an4` under DIR: spelled names, numbers, addresses with the pauses people make in them)
between half a second and 2.5 s of their own room's noise are played to a `Listener` in frames of 20 ms, as they are and
through an 8 kHz mu-law line. Every fifth recording was used to choose the timing and is left out.

The true end of speech comes from the clean recording's energy alone, no voice activity model: the end of its last
stretch of at least 40 ms that stands 8 dB above the recording's quietest tenth and within 35 dB of its loudest parts. A
turn is cut short where it was taken to be over before that. The room's noise is made from the spectrum of the
recording's quietest tenth with random phases.

While the agent speaks, AN4's one-word turns ("stop", "no", "help") are interruptions, all of them; acknowledgements are
synthetic, by Flite's four voices, since the data hold none.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from random import Random

import numpy as np

from modalities.audio import decode_mulaw, encode_mulaw, load, resample
from modalities.speech.live import Listener
from modalities.speech.live_aside import Acknowledgements
from modalities.speech.live_events import Acknowledged, Interrupted, LiveEvent, TurnComplete
from modalities.speech.live_turn import SmartTurn
from modalities.types import Audio, FloatArray

RATE = 16_000
BEFORE, AFTER = 0.5, 2.5  # seconds of room noise around a turn
FRAME = 0.02
TUNED_ON = 5  # every so many recordings
INTERRUPTIONS = ("no", "stop", "help", "go", "repeat", "start", "yes")
ACKNOWLEDGED = ("okay.", "right.", "yeah.", "sure.", "alright.", "I see.")
VOICES = ("slt", "rms", "awb", "kal")


@dataclass(frozen=True)
class Played:
    """A turn as it is played, and where its speech ends, in seconds."""

    name: str
    audio: Audio
    end: float


def stretches(samples: FloatArray) -> list[tuple[float, float]]:
    """Where a clean recording at 16 kHz is loud, in seconds; from its energy in 20 ms windows every 10 ms."""
    hop = RATE // 100
    tilted = samples - 0.5 * np.concatenate([samples[:1], samples[:-1]])  # less weight to hum
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(tilted, hop), 2 * hop)[::hop]
    power = np.square(frames - frames.mean(axis=1, keepdims=True)).mean(axis=1)
    level = 10 * np.log10(np.maximum(power, 1e-12))
    loud = level > max(np.percentile(level, 10) + 8, np.percentile(level, 98) - 35)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], loud, [False]]).astype(int)))
    return [(a / 100, b / 100) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= 4]


def room(samples: FloatArray, seconds: float, rng: np.random.Generator) -> FloatArray:
    """Noise with the spectrum of a recording's quietest tenth."""
    size = 512
    frames = np.lib.stride_tricks.sliding_window_view(samples, size)[:: size // 2]
    quiet = frames[np.argsort(np.square(frames).mean(axis=1))[: max(3, len(frames) // 10)]]
    window = np.hanning(size)
    spectrum = np.sqrt(np.square(np.abs(np.fft.rfft(quiet * window, axis=1))).mean(axis=0) / np.square(window).sum())
    white = np.fft.rfft(rng.standard_normal(round(seconds * RATE)))
    lines = np.interp(np.linspace(0, 1, len(white)), np.linspace(0, 1, len(spectrum)), spectrum)
    noise: FloatArray = np.fft.irfft(white * lines, round(seconds * RATE)).astype(np.float32)
    return noise


def turns(data: Path, count: int, seed: int) -> Iterator[Played]:
    """Recordings the timing was not chosen on, drawn at random."""
    folder = data / "speech" / "an4"
    with (folder / "manifest.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    left = [row for i, row in enumerate(rows) if i % TUNED_ON]
    rng = np.random.default_rng(seed)
    for row in Random(seed).sample(left, min(count, len(left))):
        samples = resample(load(folder / row["path"]), RATE).samples
        if loud := stretches(samples):
            sound = np.concatenate([room(samples, BEFORE, rng), samples, room(samples, AFTER, rng)])
            yield Played(row["path"], Audio(sound, RATE), BEFORE + loud[-1][1])


def play(listener: Listener, audio: Audio) -> list[LiveEvent]:
    """The events of a recording played in frames of 20 ms."""
    step = round(FRAME * audio.rate)
    parts = (audio.samples[i : i + step] for i in range(0, len(audio.samples), step))
    events = [event for part in parts for event in listener.feed(Audio(part, audio.rate))]
    return [*events, *listener.finish()]


def measure(line: str, played: Sequence[Played], listener: Listener) -> None:
    """Play all turns down one line and print what came of them."""
    waits, cut, missed, split = [], 0, 0, 0
    used, seconds = time.process_time(), 0.0
    for one in played:
        audio = one.audio if listener.rate == RATE else decode_mulaw(encode_mulaw(resample(one.audio, listener.rate)))
        seconds += audio.seconds
        done = [event for event in play(listener, audio) if isinstance(event, TurnComplete)]
        missed += not done
        split += len(done) > 1
        if done and done[0].at / listener.rate < one.end:
            cut += 1
        elif done:
            waits.append(done[0].at / listener.rate - one.end)
    pace = seconds / (time.process_time() - used)
    late = 1000 * np.percentile(waits, [50, 90, 95])
    print(f"{line}: {len(played)} turns, cut short {cut} ({cut / len(played):.1%}), never heard {missed}")
    print(f"  end of speech to turn complete: median {late[0]:.0f} ms, p90 {late[1]:.0f} ms, p95 {late[2]:.0f} ms")
    print(f"  {split} turns came in several pieces; {pace:.0f} x real time by CPU time, one core")


def while_speaking(data: Path, count: int, seed: int) -> None:
    """Print how many interruptions stop the agent, and how many acknowledgements do not."""
    folder, rng, asides = data / "speech" / "an4", np.random.default_rng(seed), Acknowledgements()
    with (folder / "manifest.tsv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["text"].lower() in INTERRUPTIONS]
    drawn = Random(seed).sample(rows, min(count, len(rows)))
    said = [("interruption", resample(load(folder / row["path"]), RATE)) for row in drawn]
    with tempfile.TemporaryDirectory() as out:
        for voice, words in product(VOICES, ACKNOWLEDGED):
            path = f"{out}/said.wav"
            subprocess.run(["flite", "-voice", voice, "-t", words, "-o", path], check=True, capture_output=True)
            said.append(("acknowledgement", resample(load(path), RATE)))
    told: Counter[tuple[str, str]] = Counter()
    for kind, audio in said:
        around = [0.001 * rng.standard_normal(round(s * RATE)) for s in (BEFORE, 1.5)]
        listener = Listener(RATE, asides=asides)
        listener.agent_speaking = True
        sound = np.concatenate([around[0], audio.samples, around[1]])
        events = play(listener, Audio(sound, RATE))
        told[
            kind, next((type(e).__name__ for e in events if isinstance(e, Acknowledged | Interrupted)), "nothing")
        ] += 1
    for kind, wanted in (("interruption", "Interrupted"), ("acknowledgement", "Acknowledged")):
        total = sum(n for (k, _), n in told.items() if k == kind)
        print(f"{kind}s told as such: {told[kind, wanted]} of {total}; all: {dict(told)}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.endpoint", description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data sets")
    parser.add_argument("--count", type=int, default=250, help="recorded turns")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--without-model", action="store_true", help="pauses alone, as a baseline")
    parser.add_argument("--while-speaking", action="store_true", help="what is said while the agent speaks")
    options = parser.parse_args()
    if options.while_speaking:
        while_speaking(options.data, options.count, options.seed)
        return
    played = list(turns(options.data, options.count, options.seed))
    model = None if options.without_model else SmartTurn()
    print(
        f"AN4 turns in frames of {1000 * FRAME:.0f} ms, seed {options.seed}, {'pauses' if model is None else 'model'}"
    )
    measure("16 kHz", played, Listener(RATE, turns=model))
    measure("8 kHz mu-law", played, Listener(8_000, turns=model))


if __name__ == "__main__":
    main()
