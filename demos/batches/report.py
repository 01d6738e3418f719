"""The report of a batch: one HTML file that needs nothing else, for whoever answers for the calls."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demos import view
from demos.batches import charts, trends
from demos.batches.charts import Series
from demos.batches.clusters import Cluster, clusters
from demos.batches.folder import replace
from demos.batches.measures import wishes
from demos.batches.rows import Row
from demos.batches.trends import Call

LAYERS = 6  # intents with a colour of their own; the rest is one
MOST_LISTED = 25
CLUSTERS = 8
LONG_SILENCE = 15.0
_WEIGHTS: tuple[tuple[str, float, Callable[[Row], bool]], ...] = (
    ("unhappy", 3.0, lambda row: row["facts"]["sentiment"] == "negative"),
    ("not resolved", 3.0, lambda row: row["facts"]["resolved"] == "no"),
    ("asked for a person", 2.0, lambda row: "human_agent" in row["facts"]["intents"]),
    ("complaint", 2.0, lambda row: "complaint" in row["facts"]["intents"]),
    ("half of it not understood", 2.0, lambda row: _half_lost(row)),
    ("interruptions", 1.0, lambda row: (row["facts"]["interruptions"] or 0) > 1),
    ("long silence", 1.0, lambda row: (row["facts"]["longest_silence"] or 0.0) > LONG_SILENCE),
    ("low score", 1.0, lambda row: row["facts"]["score"] is not None and row["facts"]["score"] < 50),
)


@dataclass(frozen=True)
class Listed:
    """A call worth a person's ear, and why."""

    row: Row
    reasons: tuple[str, ...]
    weight: float


def write(folder: Path, rows: Sequence[Row], domain: str) -> Path:
    """Writes report.html, and beside it trends.csv with each share by hour and day."""
    calls = trends.calls_of(rows)
    replace(folder / "trends.csv", _trends_csv(calls))
    return replace(folder / "report.html", render(rows, calls, domain).encode("utf-8", "backslashreplace"))


def render(rows: Sequence[Row], calls: Sequence[Call], domain: str) -> str:
    """The page as HTML."""
    heard = [row for row in rows if row["turns"]]
    found = trends.alarms(calls)
    labels, places = _days(calls)
    names, timeline = _timeline(calls, labels, places)
    return view.render(
        "batch.html",
        domain=domain,
        files=len(rows),
        heard=heard,
        tiles=_tiles(heard),
        period=_period(calls),
        dated=Counter(row["dated"] for row in heard),
        speakers=Counter(row["speakers"] for row in heard),
        intents=_intents(heard),
        timeline=charts.stacked(labels, timeline, "Calls by reason and day") if labels else "",
        legend=charts.legend(names),
        mood=_mood(calls, labels, places, found) if labels else "",
        hours=_hours(calls),
        alarms=found,
        false_alarms=trends.false_alarms(calls) if calls else (0.0, 0),
        days=trends.DAYS,
        risen=trends.RISEN,
        clusters=_shown(clusters(rows)),
        talk=_talk(heard),
        card=_card(heard),
        listed=listed(heard)[:MOST_LISTED],
        masked=_summed(heard),
        photos=Counter(row["image"]["kind"] for row in rows if row["image"]),
        failed=[row for row in rows if row["error"]],
        duplicates=[row for row in rows if row["duplicate_of"]],
    )


def listed(rows: Sequence[Row]) -> list[Listed]:
    """The calls worth a person's ear, the most pressing first."""
    found = []
    for row in rows:
        reasons = [(name, weight) for name, weight, applies in _WEIGHTS if applies(row)]
        if reasons:
            found.append(Listed(row, tuple(name for name, _ in reasons), sum(weight for _, weight in reasons)))
    return sorted(found, key=lambda one: (-one.weight, one.row["facts"]["sentiment_score"] or 0.0, one.row["path"]))


def _half_lost(row: Row) -> bool:
    mine = sum(turn["who"] == "customer" for turn in row["turns"])
    return mine > 1 and bool(row["facts"]["not_understood"] * 2 >= mine)


def _tiles(rows: Sequence[Row]) -> list[tuple[str, str, str]]:
    """(figure, what it is, how it is meant)."""
    facts = [row["facts"] for row in rows]
    mine = [turn for row in rows for turn in row["turns"] if turn["who"] == "customer"]
    told = [f["resolved"] for f in facts if f["resolved"] in ("yes", "no")]
    scores = [f["score"] for f in facts if f["score"] is not None]
    hours = sum(row["seconds"] or 0.0 for row in rows) / 3600
    return [
        (f"{len(rows):,}", "calls with speech", f"{hours:.1f} hours"),
        (_share(sum(t["verdict"] == "ok" for t in mine), len(mine)), "of turns understood", f"{len(mine):,} turns"),
        (
            _share(sum(f["sentiment"] == "negative" for f in facts), len(facts)),
            "of customers unhappy",
            "by what they said",
        ),
        (_share(told.count("yes"), len(told)), "resolved", f"a guess; {len(told)} calls tell"),
        (f"{sum(scores) / len(scores):.0f}" if scores else "-", "mean score", f"of 100, {len(scores)} calls"),
    ]


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "-"


def _period(calls: Sequence[Call]) -> str:
    if not calls:
        return "no calls"
    first, last = calls[0].at.date(), calls[-1].at.date()
    return f"{first:%-d %B %Y}" if first == last else f"{first:%-d %B %Y} to {last:%-d %B %Y}"


def _days(calls: Sequence[Call]) -> tuple[list[str], dict[dt.date, int]]:
    """The days from the first call to the last, at most a year of them, as labels and places."""
    if not calls:
        return [], {}
    last = calls[-1].at.date()
    first = max(calls[0].at.date(), last - dt.timedelta(days=365))
    days = [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
    return [f"{day:%-d %b}" for day in days], {day: n for n, day in enumerate(days)}


def _timeline(
    calls: Sequence[Call], labels: Sequence[str], places: dict[dt.date, int]
) -> tuple[list[str], list[Series]]:
    counts: dict[str, list[float]] = {}
    for call in calls:
        if (place := places.get(call.at.date())) is not None:
            for name in call.series - {trends.NEGATIVE}:
                counts.setdefault(name, [0.0] * len(labels))[place] += 1
    order = sorted(counts, key=lambda name: -sum(counts[name]))
    series = [Series(_words(name), tuple(counts[name])) for name in order[:LAYERS]]
    if rest := order[LAYERS:]:
        series.append(Series("all others", tuple(sum(counts[n][i] for n in rest) for i in range(len(labels)))))
    return [one.name for one in series], series


def _mood(calls: Sequence[Call], labels: Sequence[str], places: dict[dt.date, int], found: Sequence[Any]) -> str:
    total, bad = [0] * len(labels), [0] * len(labels)
    for call in calls:
        if (place := places.get(call.at.date())) is not None:
            total[place] += 1
            bad[place] += trends.NEGATIVE in call.series
    values = tuple(b / t if t else None for b, t in zip(bad, total, strict=True))
    marks = [places[a.noticed.date()] for a in found if a.series == trends.NEGATIVE and a.noticed.date() in places]
    return charts.line(labels, Series("unhappy", values), "Share of unhappy customers by day", marks)


def _hours(calls: Sequence[Call]) -> str:
    """Calls by the hour of the day; empty where only days are known."""
    if not any(call.at.hour or call.at.minute for call in calls):
        return ""
    count, bad = Counter(call.at.hour for call in calls), Counter(
        call.at.hour for call in calls if trends.NEGATIVE in call.series
    )  # fmt: skip
    hours = range(min(count), max(count) + 1)
    series = [
        Series("content or neutral", tuple(float(count[h] - bad[h]) for h in hours)),
        Series("unhappy", tuple(float(bad[h]) for h in hours)),
    ]
    return charts.stacked([f"{h}:00" for h in hours], series, "Calls by hour of the day")


def _intents(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Each reason to call: in how many calls, how many of them unhappy, and in percent of the commonest."""
    count: Counter[str] = Counter()
    bad: Counter[str] = Counter()
    for row in rows:
        named = wishes(row["facts"]["intents"])
        count.update(named)
        bad.update(named if row["facts"]["sentiment"] == "negative" else [])
    most = max(count.values(), default=1)
    return [
        {"name": name, "count": n, "percent": 100 * n / most, "unhappy": bad[name] / n, "share": n / len(rows)}
        for name, n in count.most_common(12)
    ]


def _talk(rows: Sequence[Row]) -> dict[str, Any] | None:
    """Who talked how long, over the calls with two speakers."""
    two = [row for row in rows if row["speakers"] in ("sides", "guessed")]
    if not two:
        return None
    sums = {k: sum(row["facts"][k] or 0.0 for row in two) for k in ("talk_customer", "talk_agent", "silence")}
    whole = sum(sums.values()) or 1.0
    broken = [row["facts"]["interruptions"] for row in two if row["facts"]["interruptions"] is not None]
    longest = sorted((row["facts"]["longest_silence"] for row in two), reverse=True)
    return {
        "calls": len(two),
        "parts": [(name, 100 * sums[key] / whole, sums[key] / len(two)) for name, key in (
            ("customer talks", "talk_customer"), ("agent talks", "talk_agent"), ("silence", "silence"))],
        "interruptions": sum(broken) / len(broken) if broken else None,
        "longest": longest[0],
        "long": sum(seconds > LONG_SILENCE for seconds in longest),
    }  # fmt: skip


def _card(rows: Sequence[Row]) -> list[tuple[str, float]]:
    """The rules that calls fail, with the share of calls that do, the worst first."""
    scored = [row for row in rows if row["facts"]["score"] is not None]
    failed = Counter(name for row in scored for name in row["facts"]["failed"])
    return [(name, count / len(scored)) for name, count in failed.most_common()]


def _shown(found: Sequence[Cluster]) -> list[Cluster]:
    """The largest groups, and what is like nothing else."""
    alike = [cluster for cluster in found if cluster.about]
    return [*alike[:CLUSTERS], *(cluster for cluster in found if not cluster.about)]


def _summed(rows: Sequence[Row]) -> list[tuple[str, int]]:
    total: Counter[str] = Counter()
    for row in rows:
        total.update(row["masked"])
    return total.most_common()


def _words(name: str) -> str:
    return name.replace("_", " ")


def _trends_csv(calls: Sequence[Call]) -> bytes:
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(("level", "start", "series", "calls", "count", "share"))
    for level in ("day", "hour"):
        for one in trends.shares(calls, level):
            if one.count:
                writer.writerow(
                    (level, one.start.isoformat(), one.series, one.calls, one.count, f"{one.count / one.calls:.4f}")
                )
    return table.getvalue().encode()
