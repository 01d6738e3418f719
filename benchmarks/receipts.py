"""How many held-out receipts are read right, from the photo with our own OCR to the four fields.

    python -m benchmarks.receipts --data DIR [--rules-only] [--cache DIR] [--split held-out|train] [--spoiled]

Totals are compared as amounts, dates as days; names and addresses after everything but letters and digits is taken
away, exactly and at a likeness of 0.9 (F1: every receipt has each field, so what is not read counts against both
precision and recall). With --cache the lines come from an earlier OCR pass and no time is measured. With --spoiled the
same photos are read again turned, tilted, from the side, blurred, in shadow and as poor JPEGs (`benchmarks.spoiled`).
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from agent.printed import find_dates, parse_amount
from agent.receipts import read_receipt
from agent.types import Receipt, Turn
from benchmarks.spoiled import WAYS, spoil
from modalities.types import Image, TextLine
from training.align import likeness, normal
from training.receipts import FOLDER, is_held_out, load_receipts

FIELDS = ("total", "date", "company", "address")
_ALIKE = 0.9


@dataclass(frozen=True)
class Case:
    """One receipt: how to get at it (not timed), how to read it, and its key."""

    name: str
    fetch: Callable[[], Any]
    read: Callable[[Any], Receipt]
    key: dict[str, str]


def right(field: str, said: str | None, key: str) -> tuple[bool, bool]:
    """Whether a value is right, and whether it is nearly so."""
    if not said:
        return False, False
    if field == "total":
        exact = parse_amount(said) == parse_amount(key)
        return exact, exact
    if field == "date":
        exact = said in {printed.value.isoformat() for printed in find_dates(key, us=False)}
        return exact, exact
    return normal(said) == normal(key), likeness(said, key) >= _ALIKE


def by_lines(lines: Sequence[TextLine]) -> Receipt:
    """The written rules alone."""
    return read_receipt(lines).receipt


def cases_from_cache(data: Path, cache: Path, held_out: bool) -> list[Case]:
    """Cases from lines that were read before; rules only."""
    return [
        Case(receipt.name, partial(tuple, receipt.lines), by_lines, dict(receipt.key))
        for receipt in load_receipts(data, cache)
        if receipt.held_out == held_out
    ]


def cases_from_photos(data: Path, understand: Callable[[Image], Receipt], held_out: bool, way: str = "") -> list[Case]:
    """Cases that begin with the photo, spoiled in one way of `benchmarks.spoiled.WAYS` if one is named."""

    def reader(path: Path) -> Callable[[], Image]:
        return lambda: spoil(Image.open(path), way, path.stem) if way else Image.open(path)

    photos = sorted((data / FOLDER / "img").glob("*.jpg"))
    return [
        Case(
            path.stem,
            reader(path),
            understand,
            json.loads((data / FOLDER / "key" / f"{path.stem}.json").read_text("utf-8")),
        )
        for path in photos
        if is_held_out(path.stem) == held_out
    ]


def by_rules(threads: int) -> Callable[[Image], Receipt]:
    """Our OCR and the written rules."""
    from modalities.ocr import Reader

    reader = Reader(threads)
    return lambda image: read_receipt(reader.read(image)).receipt


def by_agent(stack: str) -> Callable[[Image], Receipt]:
    """The whole agent: OCR, fusion, tagger and rules."""
    from agent import build

    agent = build(stack=stack, domain="retail")

    def understand(image: Image) -> Receipt:
        photo = agent.understand([Turn(image=image)])[0].image
        return (photo.receipt if photo else None) or Receipt()

    return understand


def f1(right: int, said: int, asked: int) -> float:
    """Of `said` values, `right` of the `asked` ones are: the harmonic mean of precision and recall."""
    return 2 * right / max(said + asked, 1)


def measure(cases: Sequence[Case], *, show: bool = False) -> dict[str, Any]:
    """Read every case and count; a field that the key lacks is not counted."""
    tally = {field: [0, 0, 0, 0] for field in FIELDS}
    seconds = []
    for case in cases:
        given = case.fetch()
        began = time.perf_counter()
        said = case.read(given)
        seconds.append(time.perf_counter() - began)
        for field in FIELDS:
            key = case.key.get(field) or ""
            if not key.strip():
                continue
            value = getattr(said, field)
            exact, near = right(field, value, key)
            tally[field] = [a + b for a, b in zip(tally[field], (1, value is not None, exact, near), strict=True)]
            if show and not near:
                print(f"{case.name} {field}: {getattr(said, field)!r}, should be {key!r}")
    figures = {
        field: {"receipts": count, "right": exact / count, "f1": f1(exact, said, count), "alike": f1(near, said, count)}
        for field, (count, said, exact, near) in tally.items()
        if count
    }
    return {"receipts": len(cases), "fields": figures, "median_seconds": round(median(seconds), 3)}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.receipts", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with images/receipts")
    parser.add_argument("--rules-only", action="store_true", help="without the fusion model")
    parser.add_argument("--cache", type=Path, help="lines read before (python -m training.receipts ocr); rules only")
    parser.add_argument("--split", choices=("held-out", "train"), default="held-out")
    parser.add_argument("--stack", default="embedded")
    parser.add_argument("--limit", type=int, default=None, help="only the first N receipts")
    parser.add_argument("--threads", type=int, default=0, help="for the OCR with --rules-only; 0 for all cores")
    parser.add_argument("--spoiled", action="store_true", help="again with the photos spoiled in eight ways")
    parser.add_argument("--show", action="store_true", help="print what was wrong")
    options = parser.parse_args(arguments)
    source, how = _source(options)
    cases = source("")[: options.limit]
    print(f"{how}, {options.split}")
    plain = report("as they are", measure(cases, show=options.show))
    known = companies(options.data, held_out=False)
    apart = [case for case in cases if normal(case.key.get("company", "")) not in known]
    if options.split == "held-out" and len(apart) < len(cases):
        report("of companies not in the other split", measure(apart))
    for way in WAYS if options.spoiled and not options.cache else ():
        mean = report(way, measure(source(way)[: options.limit], show=options.show))
        print(f"{'':12} {100 * (mean - plain):+.1f} points of the fuzzy mean")
    return 0


def _source(options: argparse.Namespace) -> tuple[Callable[[str], list[Case]], str]:
    """Where the cases come from for each way of spoiling, and in words."""
    data, held_out = options.data, options.split == "held-out"
    if options.cache:
        return lambda way: cases_from_cache(data, options.cache, held_out), "rules on lines read before"
    understand = by_rules(options.threads) if options.rules_only else by_agent(options.stack)
    how = "rules, from the photo" if options.rules_only else f"the whole agent ({options.stack}), from the photo"
    return lambda way: cases_from_photos(data, understand, held_out, way), how


def companies(data: Path, held_out: bool) -> set[str]:
    """The companies of one split."""
    keys = (data / FOLDER / "key").glob("*.json")
    found = [json.loads(path.read_text("utf-8")) for path in keys if is_held_out(path.stem) == held_out]
    return {normal(key.get("company", "")) for key in found}


def report(what: str, figures: dict[str, Any]) -> float:
    """Print one set of figures; returns the fuzzy mean."""
    print(f"{what}: {figures['receipts']} receipts, median {figures['median_seconds']} s each")
    rows = figures["fields"]
    for field, row in rows.items():
        print(
            f"  {field:10} right {row['right']:.1%}  F1 exact {row['f1']:.3f}  fuzzy (>= {_ALIKE}) {row['alike']:.3f}"
            f"  of {row['receipts']}"
        )
    exact, fuzzy = (float(sum(row[name] for row in rows.values())) / len(rows) for name in ("f1", "alike"))
    print(f"  {'mean':10} F1 exact {exact:.3f}  fuzzy {fuzzy:.3f}", flush=True)
    return fuzzy


if __name__ == "__main__":
    raise SystemExit(main())
