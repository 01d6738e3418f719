"""Live calls over a simulated carrier: how soon the agent answers, how soon it falls quiet, and what it survives.

    python -m benchmarks.calls --data DIR [--turns N] [--calls 1,2,4,8,16] [--picture FILE] [--interruptions N]
                               [--nods N] [--soak N] [--hostile N] [--only PART,...] [--seed S]

The server runs in processes of its own with the embedded stack; the simulator speaks Twilio's, Telnyx's, AudioSocket's
and chan_websocket's protocols over loopback in real time (`benchmarks.carrier`). Customers of the timed parts are
recordings of AN4 (`speech/an4` under DIR) through an 8 kHz mu-law line; those of the whole calls are the samples of the
demo, which are synthetic speech, and keys; acknowledgements are said by eSpeak NG's voices, synthetic too.

All times are differences of samples between what the customer said and heard, on the telephone's one clock;
`benchmarks.call_sounds` says where speech begins and ends. The simulator and the server share one machine, and what
else runs on it counts in: its load is printed.

Parts: whole (a call by each protocol that changes an order), latency (by calls at once), plain (the same turns to
`benchmarks.plain_pipeline`, as many at once as the first of latency), interrupt, nod, soak (calls one after another),
hostile (messages that make no sense). Each call has a longest time, so the command ends by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.call_sounds import Said, audible, figures, nods, recordings, sample
from benchmarks.call_times import Times, measure, picture
from benchmarks.carrier import RATE, Heard, call
from benchmarks.carrier_customers import Line, Scripted
from benchmarks.carrier_hostile import attack
from benchmarks.carrier_server import Running, plain, serving
from benchmarks.carrier_wires import WIRES, TwilioWire

ORDER, ZIP = "877019", "97103"
BREAK = 0.3  # seconds of silence that end the agent's words
INTO = 0.8  # seconds into the agent's words at which the customer speaks
SHORT = 1.0  # seconds of a call of the soak: the greeting begins, the caller hangs up
PARTS = ("whole", "latency", "plain", "interrupt", "nod", "soak", "hostile")


def main() -> None:
    """Measure and print."""
    options = _options()
    print(f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; seed {options.seed}")
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder), "--calls", "32", "--resume", "1") as server:
        for part in PARTS:
            if part in options.only and part != "plain":
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
    """End of speech to the agent's first sample, by calls at once; beside the plain pipeline's."""
    said = recordings(options.data, options.turns, options.seed)
    curve = []
    for count in options.calls:
        curve.append(await measure(server.place, said, count, server.cpu))
        print(curve[-1], flush=True)
    beside = await _beside(said, curve[0]) if "plain" in options.only else None
    if options.picture:
        picture(curve, options.picture, beside)
        print(f"drawn: {options.picture}")


async def _beside(said: Sequence[Said], ours: Times) -> Times:
    """The same turns to the plain pipeline."""
    with tempfile.TemporaryDirectory() as folder, plain(Path(folder)) as server:
        times = await measure(server.place, said, ours.calls, server.cpu)
    print(f"plain Pipecat pipeline, fixed reply: {times}")
    if times.waits and ours.waits:
        more = 1000 * (np.median(ours.waits) - np.median(times.waits))
        print(f"  ours adds {more:+.0f} ms in the median", flush=True)
    return times


async def interrupt(server: Running, options: argparse.Namespace) -> None:
    """The customer breaks in: from the first sound of the first word to the agent's last."""
    said = recordings(options.data, options.interruptions, options.seed + 1)
    stops: list[float] = []
    for number, one in enumerate(said):
        lines = [Line(one.samples, during=INTO)]
        heard = await call(TwilioWire(), Scripted(lines, number), server.place, caller=f"+1777{number}", longest=25)
        stops += [stop for stop in [stop_after(heard, one)] if stop is not None]
    print(f"interruptions: {len(stops)} of {len(said)} fell on the agent's words; agent quiet after {figures(stops)}")


def stop_after(heard: Heard, said: Said) -> float | None:
    """Seconds from the first sound of the first word to the last of the agent's words; None where it was silent."""
    if not heard.turns:
        return None
    onset = heard.turns[0] + round(said.word * RATE)
    sounds = np.flatnonzero(audible(heard.heard))
    before, after = sounds[sounds < onset], sounds[sounds >= onset]
    if not len(before) or onset - before[-1] > 0.2 * RATE:
        return None
    if not len(after) or after[0] - onset > BREAK * RATE:
        return 0.0
    breaks = np.flatnonzero(np.diff(after) > BREAK * RATE)
    return float(after[breaks[0]] if len(breaks) else after[-1]) / RATE - onset / RATE


async def nod(server: Running, options: argparse.Namespace) -> None:
    """Acknowledgements while the agent speaks: how often its words end wrongly, and how long it is quiet else.

    That they ended is told by the call's own history.
    """
    query = "SELECT count(*) FROM events WHERE type = 'said' AND data LIKE '%cut_short%'"
    before, rests = server.ask(query)[0][0], list[float]()
    for number, one in enumerate(nods(options.nods)):
        lines = [Line(one.samples, during=INTO)]
        heard = await call(
            TwilioWire(), Scripted(lines, number, 3.0), server.place, caller=f"+1888{number}", longest=25
        )
        rests += [rest for rest in [rest_after(heard, one)] if rest is not None]
    cut = int(str(server.ask(query)[0][0])) - int(str(before))
    print(f"acknowledgements (synthetic): {options.nods}; the agent's words ended wrongly {cut} times;")
    print(f"  {len(rests)} times it fell quiet and went on, after {figures(rests)}")


def rest_after(heard: Heard, said: Said) -> float | None:
    """Seconds that the agent was quiet from an acknowledgement on, where its words went on; None where it never was."""
    if not heard.turns:
        return None
    onset = heard.turns[0] + round(said.word * RATE)
    sounds = np.flatnonzero(audible(heard.heard))
    gaps = [(int(a), int(b)) for a, b in pairwise(sounds) if b - a > BREAK * RATE and b > onset]
    within = [(b - a) / RATE for a, b in gaps if a < onset + RATE]
    return within[0] if within and within[0] < 2.5 else None


async def soak(server: Running, options: argparse.Namespace) -> None:
    """Calls one after another: what grows."""
    for number in range(10):
        await call(TwilioWire(), Scripted([], number), server.place, longest=SHORT)
    before, tasks = server.usage(), server.tasks()
    for number in range(options.soak):
        await call(TwilioWire(), Scripted([], number), server.place, caller=f"+1999{number}", longest=SHORT)
    await asyncio.sleep(2.0)
    after = server.usage()
    grown = [b - a for a, b in zip(before[:3], after[:3], strict=True)]
    left = f"memory {grown[0]:+.1f} MB, threads {grown[1]:+}, sockets {grown[2]:+}, tasks {server.tasks() - tasks:+}"
    print(f"{options.soak} calls of {SHORT:g} s one after another: {left}")


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


MEASURES = {
    "whole": whole, "latency": latency, "interrupt": interrupt, "nod": nod, "soak": soak, "hostile": hostile,
}  # fmt: skip


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calls", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data sets")
    parser.add_argument("--turns", type=int, default=100, help="recorded turns of each latency figure")
    parser.add_argument("--calls", type=lambda text: [int(n) for n in text.split(",")], default=[1, 8], metavar="N,N")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw the times by calls at once")
    parser.add_argument("--interruptions", type=int, default=40)
    parser.add_argument("--nods", type=int, default=50)
    parser.add_argument("--soak", type=int, default=500)
    parser.add_argument("--hostile", type=int, default=10_000)
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(PARTS), metavar="PART,PART")
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args()


if __name__ == "__main__":
    main()
