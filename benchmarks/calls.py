"""Live calls over a simulated carrier: how soon the agent answers, how soon it falls quiet, and what it survives.

    python -m benchmarks.calls --data DIR [--turns N] [--calls 1,8] [--interruptions N] [--nods N] [--soak N]
                               [--hostile N] [--only PART,...] [--seed S]

The server runs in a process of its own with the embedded stack; the simulator speaks Twilio's, Telnyx's, AudioSocket's
and chan_websocket's protocols over loopback in real time (`benchmarks.carrier`). Customers of the timed parts are
recordings of AN4 (`speech/an4` under DIR) through an 8 kHz mu-law line; those of the whole calls are the samples of the
demo, which are synthetic speech, and keys; "mhm"s are said by eSpeak NG's voices, synthetic too.

All times are differences of samples between what the customer said and heard, on the telephone's one clock. The end
of speech is the recording's own, by energy (`benchmarks.endpoint`). Both processes share one machine, and what else
runs on it counts in: its load is printed.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np

from benchmarks.carrier import AUDIBLE, RATE, Busy, Heard, Place, Samples, call
from benchmarks.carrier_customers import Line, Scripted
from benchmarks.carrier_hostile import attack
from benchmarks.carrier_server import Running, serving
from benchmarks.carrier_wires import WIRES, TwilioWire
from benchmarks.endpoint import TUNED_ON, stretches
from modalities.audio import encode_pcm16, load, resample
from modalities.types import Audio
from modalities.voice.espeak import ESpeak

SAMPLES = Path(__file__).parent.parent / "demos" / "samples"
ORDER, ZIP = "877019", "97103"
TURNS_A_CALL = 6
NODS = ("mhm", "okay", "yeah", "right", "uh huh")
VOICES = ("en-us", "en-us+m3", "en-us+f3", "en-gb", "en-us+m7")
QUIET_TICKS = 0.3  # seconds of silence that end the agent's words
PARTS = ("whole", "latency", "interrupt", "nod", "soak", "hostile")


@dataclass(frozen=True)
class Said:
    """A recording as the telephone carries it, and where its speech begins and ends, in seconds."""

    samples: Samples
    start: float
    end: float


def main() -> None:
    """Measure and print."""
    options = _options()
    print(f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; seed {options.seed}")
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), "--calls", "32", "--resume", "1") as server:
        for part in PARTS:
            if part in options.only:
                asyncio.run(MEASURES[part](server, options))


async def whole(server: Running, options: argparse.Namespace) -> None:
    """A whole call by each protocol, that must end in a changed order."""
    query = "SELECT status FROM order_items WHERE order_id = ?"
    for name, make in WIRES.items():
        _reset(server)
        heard = await call(make(), Scripted(script(), options.seed), server.place, caller="+15550001", longest=120)
        (status,) = server.ask(query, f"K{ORDER}")[0]
        print(f"whole call by {name}: {len(heard.said) / RATE:.0f} s, the order's item is {status!r}")


def script() -> list[Line]:
    """A jacket goes back: said and keyed in."""
    return [
        Line(sample("return").samples), Line(keys=f"{ORDER}#"), Line(keys=f"{ZIP}#"), Line(sample("yes").samples),
        Line(sample("goodbye").samples),
    ]  # fmt: skip


def _reset(server: Running) -> None:
    import sqlite3

    connection = sqlite3.connect(server.shop)
    with connection:
        connection.execute("UPDATE order_items SET status = 'ordered' WHERE order_id = ?", (f"K{ORDER}",))
        connection.execute("DELETE FROM returns WHERE order_id = ?", (f"K{ORDER}",))
    connection.close()


async def latency(server: Running, options: argparse.Namespace) -> None:
    """End of speech to the agent's first sample, by calls at once."""
    said = recordings(options.data, options.turns, options.seed)
    for count in options.calls:
        before, began = server.usage(), time.monotonic()
        shares = [said[i : i + TURNS_A_CALL] for i in range(0, len(said), TURNS_A_CALL)]
        calls = await _at_once(server.place, shares, count)
        spent, seconds = server.usage()[3] - before[3], time.monotonic() - began
        dropped = sum(heard is None for _, heard in calls)
        found = [wait for share, heard in calls if heard for wait in answers(share, heard)]
        waits = [wait for wait in found if wait is not None and wait >= 0]
        silent = found.count(None)
        early = len(found) - silent - len(waits)
        dry = sum(heard.dry for _, heard in calls if heard)
        played = sum(heard.played for _, heard in calls if heard)
        late = max((heard.late for _, heard in calls if heard), default=0.0)
        print(f"{count} call(s) at once: {len(waits)} turns; {figures(waits)}; spoke before the end {early},")
        print(f"  no answer {silent}, dropped {dropped}; missing ticks {dry} of {played} ({dry / max(1, played):.2%})")
        print(f"  server {spent / seconds:.2f} cores; the simulator's clock late by {1000 * late:.0f} ms at most")


async def _at_once(
    place: Place, shares: Sequence[Sequence[Said]], count: int
) -> list[tuple[Sequence[Said], Heard | None]]:
    """Calls of these shares of recordings, so many at a time."""
    places = asyncio.Semaphore(count)

    async def one(number: int, share: Sequence[Said]) -> tuple[Sequence[Said], Heard | None]:
        async with places:
            customer = Scripted([Line(said.samples) for said in share], number)
            try:
                return share, await call(TwilioWire(), customer, place, caller=f"+1666{number}", longest=150)
            except (Busy, OSError):
                return share, None

    return list(await asyncio.gather(*(one(number, share) for number, share in enumerate(shares))))


def answers(share: Sequence[Said], heard: Heard) -> list[float | None]:
    """Seconds from the end of each recording's speech to the agent's first sound; None where there was none."""
    found: list[float | None] = []
    edges = [*heard.turns[1:], len(heard.heard)]
    for said, begun, until in zip(share, heard.turns, edges, strict=False):
        end = begun + round(said.end * RATE)
        within = np.flatnonzero(audible(heard.heard[begun + round(said.start * RATE) : until]))
        if not len(within):
            found.append(None)
            continue
        found.append((begun + round(said.start * RATE) + int(within[0]) - end) / RATE)
    return found


async def interrupt(server: Running, options: argparse.Namespace) -> None:
    """The customer breaks in: from the first sound of the word to the agent's last."""
    said = recordings(options.data, options.interruptions, options.seed + 1)
    stops: list[float] = []
    for number, one in enumerate(said):
        lines = [Line(one.samples, during=0.8)]
        heard = await call(TwilioWire(), Scripted(lines, number), server.place, caller=f"+1777{number}", longest=25)
        stops += [stop for stop in [stop_after(heard, one)] if stop is not None]
    print(f"interruptions: {len(stops)} of {len(said)} fell on the agent's words; agent quiet after {figures(stops)}")


def stop_after(heard: Heard, said: Said) -> float | None:
    """Seconds from the first sound of the interruption to the last of the agent's words; None where it was silent."""
    if not heard.turns:
        return None
    onset = heard.turns[0] + round(said.start * RATE)
    sounds = np.flatnonzero(audible(heard.heard))
    if not len(sounds[sounds < onset]) or onset - sounds[sounds < onset][-1] > 0.2 * RATE:
        return None
    after = sounds[sounds >= onset]
    if not len(after) or after[0] - onset > QUIET_TICKS * RATE:
        return 0.0
    breaks = np.flatnonzero(np.diff(after) > QUIET_TICKS * RATE)
    return float(after[breaks[0]] if len(breaks) else after[-1]) / RATE - onset / RATE


async def nod(server: Running, options: argparse.Namespace) -> None:
    """An "mhm" while the agent speaks: its words must not be cut short, by the call's own history."""
    query = "SELECT count(*) FROM events WHERE type = 'said' AND data LIKE '%cut_short%'"
    before = server.ask(query)[0][0]
    for number in range(options.nods):
        voice = ESpeak(VOICES[number % len(VOICES)])
        one = telephone(voice.speak(NODS[number % len(NODS)]))
        lines = [Line(one.samples, during=0.8)]
        await call(TwilioWire(), Scripted(lines, number, 3.0), server.place, caller=f"+1888{number}", longest=25)
    cut = int(str(server.ask(query)[0][0])) - int(str(before))
    print(f"nods (synthetic): {options.nods}; the agent's words were cut short {cut} times")


async def soak(server: Running, options: argparse.Namespace) -> None:
    """Calls one after another: what grows."""
    for number in range(10):
        await call(TwilioWire(), Scripted([], number), server.place, longest=1.0)
    before = server.usage()
    for number in range(options.soak):
        await call(TwilioWire(), Scripted([], number), server.place, caller=f"+1999{number}", longest=1.0)
    await asyncio.sleep(2.0)
    after = server.usage()
    grown = [b - a for a, b in zip(before[:3], after[:3], strict=True)]
    print(
        f"{options.soak} calls one after another: memory {grown[0]:+.1f} MB, threads {grown[1]:+}, sockets {grown[2]:+}"
    )


async def hostile(server: Running, options: argparse.Namespace) -> None:
    """Messages that make no sense on each protocol, beside an ordinary call."""
    for name in WIRES:
        lines = [Line(sample("return").samples)]
        ordinary = asyncio.create_task(call(TwilioWire(), Scripted(lines), server.place, longest=90))
        sent, seconds = await attack(name, server.place, options.hostile, options.seed)
        heard = await ordinary
        answered = bool(np.any(audible(heard.heard[heard.turns[0] + 3 * RATE :]))) if heard.turns else False
        print(f"hostile on {name}: {sent} messages in {seconds:.1f} s; the call beside it was answered: {answered}")
    rss, threads, sockets, _ = server.usage()
    print(f"  the server lives: {rss:.0f} MB, {threads} threads, {sockets} open files")


def recordings(data: Path, count: int, seed: int) -> list[Said]:
    """Recordings of AN4 that no timing was chosen on, drawn at random."""
    folder = data / "speech" / "an4"
    with (folder / "manifest.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    left = [row for i, row in enumerate(rows) if i % TUNED_ON]
    picked = Random(seed).sample(left, min(count, len(left)))
    return [telephone(load(folder / row["path"])) for row in picked]


def sample(name: str) -> Said:
    """A recording of the demo."""
    return telephone(load(SAMPLES / f"{name}.flac"))


def telephone(audio: Audio) -> Said:
    """A recording at the line's rate, with the bounds of its speech."""
    wide = resample(audio, 16_000).samples
    loud = stretches(wide) or [(0.0, len(wide) / 16_000)]
    samples = np.frombuffer(encode_pcm16(resample(audio, RATE)), dtype=np.int16)
    return Said(samples, loud[0][0], loud[-1][1])


def audible(samples: Samples) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which samples are sound."""
    found: np.ndarray[tuple[int], np.dtype[np.bool_]] = np.abs(samples.astype(np.int32)) > AUDIBLE
    return found


def figures(seconds: Sequence[float]) -> str:
    """Median and 95th percentile in milliseconds."""
    if not seconds:
        return "nothing to measure"
    median, high = 1000 * np.percentile(seconds, [50, 95])
    return f"median {median:.0f} ms, p95 {high:.0f} ms"


MEASURES = {
    "whole": whole, "latency": latency, "interrupt": interrupt, "nod": nod, "soak": soak, "hostile": hostile,
}  # fmt: skip


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calls", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data sets")
    parser.add_argument("--turns", type=int, default=100, help="recorded turns of each latency figure")
    parser.add_argument("--calls", type=lambda text: [int(n) for n in text.split(",")], default=[1, 8], metavar="N,N")
    parser.add_argument("--interruptions", type=int, default=40)
    parser.add_argument("--nods", type=int, default=50)
    parser.add_argument("--soak", type=int, default=500)
    parser.add_argument("--hostile", type=int, default=10_000)
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(PARTS), metavar="PART,PART")
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args()


if __name__ == "__main__":
    main()
