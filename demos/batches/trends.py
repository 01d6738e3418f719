"""How the share of each intent and of unhappy customers moves, by hour and day, and when it has risen: alarms.

The detector is Page's test over calls in order of time (river's `PageHinkley`), one for each series. Each call counts
one or nothing; what is summed is how far the count runs ahead of the mean so far by more than `ALLOWED` of it. For
counts of this kind that is the log-likelihood ratio of a share `RISEN` times as high, and Lorden's bound gives the
threshold at which so many series and calls raise a false alarm once in `DAYS` days at most. How often it does is
measured on the same calls in shuffled order.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from demos.batches.measures import wishes
from demos.batches.rows import Row

RISEN = 3.0
ALLOWED = (RISEN - 1) / math.log(RISEN) - 1
DAYS = 90
FEWEST_CALLS, FEWEST_HITS = 60, 15  # from which a usual share is learnt before a series is watched
SLACK = 2.0
"""Nats by which Lorden's bound is known to be too careful for shares of a few percent; see `benchmarks.trends`."""
NEGATIVE = "unhappy customers"
SHUFFLES, MOST_STEPS = 20, 3_000_000


@dataclass(frozen=True)
class Call:
    """What the detector sees of a call: when it was, and which series it counts in."""

    at: dt.datetime
    series: frozenset[str]


@dataclass(frozen=True)
class Alarm:
    """A series that has risen: when this was noticed, and its share before and since it began to rise."""

    series: str
    noticed: dt.datetime
    since: dt.datetime
    before: float
    after: float


@dataclass(frozen=True)
class Share:
    """A series in one hour or day."""

    level: str
    start: dt.datetime
    series: str
    calls: int
    count: int


def calls_of(rows: Iterable[Row]) -> list[Call]:
    """The calls that were understood, in order of time."""
    found = []
    for row in rows:
        if row["turns"] and not row["error"]:
            negative = [NEGATIVE] if row["facts"]["sentiment"] == "negative" else []
            found.append(
                Call(dt.datetime.fromisoformat(row["at"]), frozenset(wishes(row["facts"]["intents"]) + negative))
            )
    return sorted(found, key=lambda call: call.at)


def shares(calls: Sequence[Call], level: str) -> list[Share]:
    """Each series in each hour ("hour") or day ("day") that has calls."""
    held: dict[dt.datetime, list[Call]] = {}
    for call in calls:
        held.setdefault(start_of(call.at, level), []).append(call)
    names = sorted({name for call in calls for name in call.series})
    return [
        Share(level, start, name, len(some), sum(name in call.series for call in some))
        for start, some in sorted(held.items())
        for name in names
    ]


def start_of(at: dt.datetime, level: str) -> dt.datetime:
    """When the hour or day of a moment began."""
    return at.replace(hour=0 if level == "day" else at.hour, minute=0, second=0, microsecond=0)


def alarms(calls: Sequence[Call]) -> list[Alarm]:
    """Every rise, in the order they are noticed.

    Args:
        calls: in order of time.
    """
    watched = _watched(calls)
    if not watched:
        return []
    threshold = _threshold(len(calls) / _days(calls), len(watched))
    return sorted((a for name in watched for a in _rises(calls, name, threshold)), key=lambda a: a.noticed)


def false_alarms(calls: Sequence[Call], seed: int = 7, shuffles: int = SHUFFLES) -> tuple[float, int]:
    """Alarms in `DAYS` days on the same calls in shuffled order, and how many times they were shuffled."""
    rng, order = Random(seed), [call.series for call in calls]
    times = max(1, min(shuffles, MOST_STEPS // max(1, len(calls) * len(_watched(calls)))))
    found = 0
    for _ in range(times):
        rng.shuffle(order)
        found += len(alarms([Call(call.at, series) for call, series in zip(calls, order, strict=True)]))
    return found * DAYS / (times * _days(calls)), times


def _days(calls: Sequence[Call]) -> float:
    if not calls:
        return 1.0
    return max(1.0, (calls[-1].at - calls[0].at).total_seconds() / 86_400)


def _watched(calls: Sequence[Call]) -> list[str]:
    counts = Counter(name for call in calls for name in call.series)
    return sorted(name for name, count in counts.items() if count >= FEWEST_HITS)


def _threshold(per_day: float, series: int) -> float:
    """Of the sum of the log-likelihood ratio: one false alarm at most in `DAYS` days over all series."""
    return max(2.0, math.log(per_day * DAYS * series) - SLACK)


def _rises(calls: Sequence[Call], name: str, threshold: float) -> Iterable[Alarm]:
    """The rises of one series. After each the detector begins anew, with the new share as what is usual."""
    first = 0
    while first < len(calls):
        hits = [name in call.series for call in calls[first:]]
        learnt = _learnt(hits)
        found = _risen(hits, learnt, threshold) if learnt else None
        if found is None:
            return
        low, end = found
        since, before = sum(hits[low:end]) / (end - low), sum(hits[:low]) / max(1, low)
        if since > before:
            yield Alarm(name, calls[first + end - 1].at, calls[first + low].at, before, since)
        first += end


def _learnt(hits: Sequence[bool]) -> int:
    """After how many calls the usual share is known well enough; 0 where it never is."""
    count = 0
    for number, hit in enumerate(hits, start=1):
        count += hit
        if count >= FEWEST_HITS and number >= FEWEST_CALLS:
            return number
    return 0


def _risen(hits: Sequence[bool], learnt: int, threshold: float) -> tuple[int, int] | None:
    """Where a rise began, and one after where it was noticed; None where there is none."""
    from river.drift import PageHinkley

    usual = sum(hits[:learnt]) / learnt
    allowed = usual * ALLOWED
    detector = PageHinkley(
        min_instances=learnt + 1, delta=allowed, threshold=threshold / math.log(RISEN), alpha=1.0, mode="up"
    )
    ahead = low = 0.0
    count = began = 0
    for number, hit in enumerate(hits, start=1):
        detector.update(float(hit))  # type: ignore[no-untyped-call]
        count += hit
        ahead += hit - count / number - allowed
        if ahead < low:
            low, began = ahead, number
        if detector.drift_detected:
            return min(began, number - 1), number
    return None
