"""How soon a surge is noticed, and how often there is none: `demos.batches.trends` on made-up call logs.

    python -m benchmarks.trends [--runs N] [--calls-a-day 250,500,1000] [--seed S]

Each run is 90 days of calls at the times of day that callers keep, with 40 intents whose shares are Zipf's (the
commonest 20%), fewer calls at weekends, and a tenth of the customers unhappy. Before day 60 nothing changes; then one
intent, of at least 2% of the calls, comes three times as often. It is noticed in time when an alarm of that intent is
raised within two days. Alarms before day 60, or of other intents, are false; so are all alarms of as many runs in which
nothing surges. All calls are synthetic.
"""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Sequence

import numpy as np

from demos.batches.trends import DAYS, NEGATIVE, Alarm, Call, alarms

FIRST = dt.datetime(2026, 8, 3)
SURGE_DAY, TIMES, INTENTS, LEAST = 60, 3.0, 40, 0.02
UNHAPPY = 0.1
WEEK = np.array([1.2, 1.1, 1.0, 1.0, 1.1, 0.9, 0.7])
HOURS = np.array([0] * 7 + [1, 3, 6, 8, 8, 7, 6, 6, 7, 7, 6, 4, 3, 2, 1, 0, 0], dtype=float)


def main() -> None:
    """Prints, for each volume of calls, how many surges are noticed in time and how many alarms are false."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trends", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--calls-a-day", default="250,500,1000")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    print(f"synthetic; {options.runs} runs of {DAYS} days, {TIMES:g} times from day {SURGE_DAY}, seed {options.seed}")
    for volume in map(int, options.calls_a_day.split(",")):
        measure(volume, options.runs, options.seed)


def measure(volume: int, runs: int, seed: int) -> None:
    """One volume of calls."""
    waits, false, quiet, missed = [], 0, 0, 0
    for run in range(runs):
        rng = np.random.default_rng([seed, volume, run])
        shares = zipf(rng)
        surging = int(rng.choice(np.flatnonzero(shares >= LEAST)))
        found = alarms(log(rng, shares, volume, surging))
        wait = noticed(found, f"intent {surging}")
        waits += [] if wait is None else [wait]
        missed += wait is None or wait > 2.0
        false += sum(a.series != f"intent {surging}" or a.noticed < FIRST + dt.timedelta(SURGE_DAY) for a in found)
        quiet += len(alarms(log(rng, shares, volume, None)))
    print(
        f"{volume} calls a day: noticed within 2 days {1 - missed / runs:.1%} of {runs} surges, median after "
        f"{np.median(waits) if waits else float('nan'):.2f} days; false alarms in {DAYS} days beside a surge "
        f"{false / runs:.2f}, without any {quiet / runs:.2f}"
    )


def zipf(rng: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Shares of the intents, in random order."""
    shares = 1 / np.arange(1, INTENTS + 1)
    return np.asarray(rng.permutation(0.2 * shares / shares[0] / max(1.0, 0.2 * shares.sum())))


def log(rng: np.random.Generator, shares: np.ndarray, volume: int, surging: int | None) -> list[Call]:  # type: ignore[type-arg]
    """The calls of 90 days; the rest of what the shares leave is calls without an intent."""
    found = []
    for day in range(DAYS):
        now = shares.copy()
        if surging is not None and day >= SURGE_DAY:
            now[surging] *= TIMES
        count = rng.poisson(volume * WEEK[day % 7])
        kinds = rng.choice(INTENTS + 1, count, p=np.append(now, max(0.0, 1 - now.sum())) / max(1.0, now.sum()))
        hours = np.sort(rng.choice(24, count, p=HOURS / HOURS.sum()) + rng.random(count))
        for kind, hour, upset in zip(kinds, hours, rng.random(count) < UNHAPPY, strict=True):
            series = {f"intent {kind}"} if kind < INTENTS else set()
            at = FIRST + dt.timedelta(days=day, hours=float(hour))
            found.append(Call(at, frozenset(series | ({NEGATIVE} if upset else set()))))
    return found


def noticed(found: Sequence[Alarm], series: str) -> float | None:
    """Days from the surge to the first alarm of it; None where there was none."""
    begun = FIRST + dt.timedelta(SURGE_DAY)
    after = [alarm.noticed for alarm in found if alarm.series == series and alarm.noticed >= begun]
    return (min(after) - begun).total_seconds() / 86_400 if after else None


if __name__ == "__main__":
    main()
