"""How soon calls are answered, by how many there are at once, and beside a plain Pipecat pipeline; and the picture."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.call_sounds import Said, audible, figures
from benchmarks.carrier import RATE, Busy, Heard, Place, call
from benchmarks.carrier_customers import Line, Scripted
from benchmarks.carrier_wires import TwilioWire

TURNS_A_CALL = 6
LONGEST_CALL = 150.0  # seconds
ASKED_MEDIAN, ASKED_P95 = 0.6, 0.9  # seconds, with one call


@dataclass(frozen=True)
class Times:
    """What calls of so many at once came to.

    Attributes:
        calls: at once.
        waits: seconds from the end of speech to the agent's first sound, of each turn that was answered.
        early: turns in whose middle the agent spoke: they were taken to be over too soon.
        silent: turns that were not answered.
        dropped: calls that were turned away or broke.
        dry, played: ticks of 20 ms of the agent's sound that were missing, and that there were.
        late: seconds by which the simulator itself was behind its clock at worst.
        cores: CPU time of the server over the time it took.
    """

    calls: int
    waits: Sequence[float]
    early: int
    silent: int
    dropped: int
    dry: int
    played: int
    late: float
    cores: float

    def __str__(self) -> str:
        missing = f"missing ticks {self.dry} of {self.played} ({self.dry / max(1, self.played):.2%})"
        return (
            f"{self.calls} call(s) at once: {len(self.waits)} turns; {figures(self.waits)}; "
            f"spoke before the end {self.early},\n  no answer {self.silent}, dropped {self.dropped}; {missing};\n"
            f"  server {self.cores:.2f} cores; the simulator's clock late by {1000 * self.late:.0f} ms at most"
        )


async def measure(
    place: Place, said: Sequence[Said], count: int, cpu: Callable[[], float], wire: Callable[[], Any] = TwilioWire
) -> Times:
    """Play all turns, so many calls at once.

    Args:
        place: the server.
        said: the turns.
        count: calls at once.
        cpu: CPU seconds of the server so far.
        wire: makes a carrier's far end.
    """
    before, began = cpu(), time.monotonic()
    calls = await _at_once(place, said, count, wire)
    cores = (cpu() - before) / (time.monotonic() - began)
    heard = [one for _, one in calls if one]
    found = [wait for share, one in calls if one for wait in answers(share, one)]
    waits = [wait for wait in found if wait is not None and wait >= 0]
    silent = found.count(None)
    return Times(
        count, waits, len(found) - silent - len(waits), silent, len(calls) - len(heard),
        sum(one.dry for one in heard), sum(one.played for one in heard),
        max((one.late for one in heard), default=0.0), cores,
    )  # fmt: skip


async def _at_once(
    place: Place, said: Sequence[Said], count: int, wire: Callable[[], Any]
) -> list[tuple[Sequence[Said], Heard | None]]:
    """Calls of some turns each, so many at a time."""
    shares = [said[i : i + TURNS_A_CALL] for i in range(0, len(said), TURNS_A_CALL)]
    places = asyncio.Semaphore(count)

    async def one(number: int, share: Sequence[Said]) -> tuple[Sequence[Said], Heard | None]:
        async with places:
            customer = Scripted([Line(said.samples) for said in share], number)
            try:
                return share, await call(wire(), customer, place, caller=f"+1666{number}", longest=LONGEST_CALL)
            except (Busy, OSError):
                return share, None

    return list(await asyncio.gather(*(one(number, share) for number, share in enumerate(shares))))


def answers(share: Sequence[Said], heard: Heard) -> list[float | None]:
    """Seconds from the end of each recording's speech to the agent's first sound; None where there was none."""
    found: list[float | None] = []
    edges = [*heard.turns[1:], len(heard.heard)]
    for said, begun, until in zip(share, heard.turns, edges, strict=False):
        first = begun + round(said.start * RATE)
        within = np.flatnonzero(audible(heard.heard[first:until]))
        found.append((first + int(within[0]) - begun) / RATE - said.end if len(within) else None)
    return found


def picture(curve: Sequence[Times], path: Path, plain: Times | None = None) -> None:
    """Draw the times by calls at once."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    counts = [times.calls for times in curve]
    figure, axes = plt.subplots(figsize=(7, 3.6), dpi=110)
    for share, name in ((95, "p95"), (50, "median")):
        axes.plot(counts, [float(np.percentile(times.waits or [np.nan], share)) for times in curve], "o-", label=name)
    if plain is not None and plain.waits:
        middle = float(np.median(plain.waits))
        axes.plot([plain.calls], [middle], "s", color="gray", label="plain Pipecat pipeline, median")
    axes.axhline(ASKED_MEDIAN, color="gray", lw=0.8, ls=":")
    axes.axhline(ASKED_P95, color="gray", lw=0.8, ls=":")
    axes.set_xscale("log", base=2)
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.set_ylim(0)
    axes.set_xlabel("calls at once, one server, 2 cores")
    axes.set_ylabel("seconds from the end of speech\nto the agent's first sound")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    plt.close(figure)
