"""How many held-out receipts are read right, from the photo with our own OCR to the four fields.

    python -m benchmarks.receipts --data DIR [--rules-only] [--cache DIR] [--split held-out|train] [--limit N]

Totals are compared as amounts, dates as days; names and addresses after everything but letters and digits is taken
away, exactly and at a likeness of 0.9. With --cache the lines come from an earlier OCR pass and no time is measured.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from agent.printed import find_dates, parse_amount
from agent.receipts import read_receipt
from agent.types import Receipt, Turn
from modalities.types import Image, TextLine
from training.align import likeness, normal
from training.receipts import FOLDER, is_held_out, load_receipts

FIELDS = ("total", "date", "company", "address")
_ALIKE = 0.9


@dataclass(frozen=True)
class Case:
    """One receipt: how to read it, and its key."""

    name: str
    read: Callable[[], Receipt]
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


def cases_from_cache(data: Path, cache: Path, held_out: bool) -> list[Case]:
    """Cases from lines that were read before; rules only."""

    def reader(lines: Sequence[TextLine]) -> Callable[[], Receipt]:
        return lambda: read_receipt(lines).receipt

    receipts = [receipt for receipt in load_receipts(data, cache) if receipt.held_out == held_out]
    return [Case(receipt.name, reader(receipt.lines), dict(receipt.key)) for receipt in receipts]


def cases_from_photos(data: Path, understand: Callable[[Image], Receipt], held_out: bool) -> list[Case]:
    """Cases that begin with the photo."""

    def reader(path: Path) -> Callable[[], Receipt]:
        return lambda: understand(Image.open(path))

    photos = sorted((data / FOLDER / "img").glob("*.jpg"))
    return [
        Case(path.stem, reader(path), json.loads((data / FOLDER / "key" / f"{path.stem}.json").read_text("utf-8")))
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


def measure(cases: Sequence[Case], *, show: bool = False) -> dict[str, Any]:
    """Read every case and count; a field that the key lacks is not counted."""
    tally = {field: [0, 0, 0] for field in FIELDS}
    seconds = []
    for case in cases:
        began = time.perf_counter()
        said = case.read()
        seconds.append(time.perf_counter() - began)
        for field in FIELDS:
            key = case.key.get(field) or ""
            if not key.strip():
                continue
            exact, near = right(field, getattr(said, field), key)
            tally[field] = [a + b for a, b in zip(tally[field], (1, exact, near), strict=True)]
            if show and not near:
                print(f"{case.name} {field}: {getattr(said, field)!r}, should be {key!r}")
    figures = {
        field: {"receipts": count, "right": round(exact / count, 3), "alike": round(near / count, 3)}
        for field, (count, exact, near) in tally.items()
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
    parser.add_argument("--show", action="store_true", help="print what was wrong")
    options = parser.parse_args(arguments)
    held_out = options.split == "held-out"
    if options.cache:
        how, cases = "rules on lines read before", cases_from_cache(options.data, options.cache, held_out)
    elif options.rules_only:
        how = "rules, from the photo"
        cases = cases_from_photos(options.data, by_rules(options.threads), held_out)
    else:
        how = f"the whole agent ({options.stack}), from the photo"
        cases = cases_from_photos(options.data, by_agent(options.stack), held_out)
    figures = measure(cases[: options.limit], show=options.show)
    print(f"{how}: {figures['receipts']} receipts, {options.split}; median {figures['median_seconds']} s each")
    for field, row in figures["fields"].items():
        print(f"{field:8} right {row['right']:.1%}  alike (>= {_ALIKE}) {row['alike']:.1%}  of {row['receipts']}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
