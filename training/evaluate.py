"""How good a checkpoint is on labelled rows, through the same path as customers' turns.

python -m training.evaluate --domain DIR --weights WEIGHTS --data FILE.jsonl [--json] [--report FOLDER]

Typed rows are read, recordings heard by the stack's speech engine, photos seen and their print read. Rows that name a
photo by kind alone ("kind:receipt") get one of the held-out photos of `--photos DIR`, else none.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from agent import Turn, Understanding, build
from agent.errors import CallsightError, InputError
from training.ablation import ablate
from training.calibration import FALSE_REJECTION
from training.cases import Case, cases_of
from training.confusion import confusions
from training.figures import figures
from training.measure import flat
from training.rows import Row, read_rows

if TYPE_CHECKING:
    from agent.agent import Agent

logger = logging.getLogger(__name__)

BATCH = 32


@dataclass(frozen=True)
class Options:
    """What the command line says; see there."""

    domain: str
    weights: Path
    data: Path
    stack: str = "embedded"
    photos: Path | None = None
    limit: int | None = None
    seed: int = 7
    false_rejection: float = FALSE_REJECTION


@dataclass(frozen=True)
class Measured:
    """Figures, and what they come from."""

    figures: dict[str, Any]
    rows: list[Row]
    understandings: list[Understanding]


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = vars(_parser().parse_args(argv))
    as_json, folder = arguments.pop("json"), arguments.pop("report")
    options = Options(**arguments)
    try:
        measured = evaluate(options)
        if folder is not None:
            write_report(measured, folder)
    except CallsightError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if as_json:
        print(json.dumps(measured.figures))
    else:
        print("\n".join(lines_of(measured.figures)))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate", description="Measure a checkpoint on labelled rows."
    )
    parser.add_argument("--domain", required=True, help="pack: a name or a folder")
    parser.add_argument("--weights", required=True, type=Path, help="checkpoint folder")
    parser.add_argument("--data", required=True, type=Path, help="JSONL shaped like a pack's examples (docs/data.md)")
    parser.add_argument("--stack", default="embedded", help="names the models")
    parser.add_argument("--photos", type=Path, help="folder of the public data sets, for photos named by kind")
    parser.add_argument("--limit", type=int, help="measure only so many rows, drawn by the seed")
    parser.add_argument("--seed", type=int, default=7, help="of the rows and photos drawn")
    parser.add_argument(
        "--false-rejection",
        type=float,
        default=FALSE_REJECTION,
        help="share of in-scope rows that may be refused where out-of-scope recall is reported",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--report", type=Path, help="folder for figures.json and pictures (PNG)")
    return parser


def evaluate(options: Options) -> Measured:
    """Measure a checkpoint on a file of labelled rows; see `measure` for the figures.

    Raises:
        CallsightError: the pack, weights or file cannot be used; the message names which and why.
    """
    if not options.data.is_file():
        raise InputError(f"no file {str(options.data)!r}; give a JSONL file of labelled rows")
    if not 0 <= options.false_rejection < 1:
        raise InputError(f"--false-rejection must be within 0 and 1, got {options.false_rejection!r}")
    agent = build(options.stack, options.domain, fusion_weights=str(options.weights), store_url="sqlite://")
    rows = read_rows(options.data, agent.parts.pack.intents, agent.parts.pack.entities)
    if not rows:
        raise InputError(f"{str(options.data)!r} holds no rows")
    if options.limit is not None and options.limit < len(rows):
        rows = [rows[i] for i in sorted(random.Random(options.seed).sample(range(len(rows)), options.limit))]
    cases = cases_of(rows, options.photos, options.seed)
    if blind := sum(bool(case.row.image and not case.row.photo and not case.drawn) for case in cases):
        logger.warning("%d rows go with a photo of some kind and are measured without; give --photos DIR", blind)
    try:
        table, understandings = measure(cases, agent, options.false_rejection)
    finally:
        agent.close()
    ran = {key: str(value) if isinstance(value, Path) else value for key, value in asdict(options).items()}
    calibration = asdict(agent.parts.checkpoint.calibration)
    return Measured({"ran": ran, "checkpoint": calibration, **table}, rows, understandings)


def measure(
    cases: Sequence[Case], agent: Agent, false_rejection: float = FALSE_REJECTION
) -> tuple[dict[str, Any], list[Understanding]]:
    """Figures of an agent on cases, and what it understood.

    Returns:
        "counts" (rows by what they have), the keys of `training.figures.figures`, "photo" (kind and condition), and
        "modalities" (`training.ablation.ablate`); parts without rows are left out.
    """

    def understand(turns: Iterable[Turn]) -> list[Understanding]:
        return understand_all(agent, turns)

    rows = [case.row for case in cases]
    understandings = understand(case.turn() for case in cases)
    parts = {"photo": photo_figures(cases, understandings), "modalities": ablate(cases, understandings, understand)}
    table = {
        "counts": _counts(cases),
        **figures(rows, understandings, false_rejection),
        **{name: part for name, part in parts.items() if part},
    }
    return table, understandings


def understand_all(agent: Agent, turns: Iterable[Turn]) -> list[Understanding]:
    """Understand any number of turns, a batch at a time; each turn is made only when its batch comes."""
    results: list[Understanding] = []
    with tqdm(desc="understand", unit="turn", mininterval=10) as bar:
        waiting = iter(turns)
        while batch := list(islice(waiting, BATCH)):
            results += agent.understand(batch)
            bar.update(len(batch))
    return results


def photo_figures(cases: Sequence[Case], understandings: Sequence[Understanding]) -> dict[str, Any]:
    """Accuracy of kind and condition over the photos whose kind or condition is known."""
    result: dict[str, Any] = {}
    for name in ("kind", "condition"):
        known = [
            getattr(u.image, name) == getattr(case, name)
            for case, u in zip(cases, understandings, strict=True)
            if getattr(case, name) is not None and u.image is not None
        ]
        if known:
            result[name] = {"rows": len(known), "accuracy": float(np.mean(known))}
    return result


def _counts(cases: Sequence[Case]) -> dict[str, int]:
    """Rows by what they have: a row counts for each."""
    rows = [case.row for case in cases]
    counts = {
        "one_intent": sum(row.intents is not None and len(row.intents) == 1 for row in rows),
        "several_intents": sum(row.intents is not None and len(row.intents) > 1 for row in rows),
        "out_of_scope": sum(row.intents == () for row in rows),
        "spans": sum(len(row.spans or ()) for row in rows),
        "sentiment": sum(row.sentiment is not None for row in rows),
        **{name: sum(name in case.modalities for case in cases) for name in ("text", "audio", "image")},
    }
    return {name: count for name, count in counts.items() if count}


def lines_of(table: dict[str, Any]) -> list[str]:
    """The figures in words for a terminal."""
    ran = table["ran"]
    lines = [f"{ran['data']} with {ran['weights']}, stack {ran['stack']}, seed {ran['seed']}"]
    lines += ["  " + ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in table["counts"].items())]
    lines += [_line(name, value) for name, value in flat(table).items()]
    for name, part in table.get("photo", {}).items():
        lines.append(_line(f"photo_{name}_accuracy", part["accuracy"]) + f" ({part['rows']} photos)")
    for kind, part in table.get("entities", {}).get("typed", {}).get("by_type", {}).items():
        lines.append(_line(f"entity_f1 {kind}", part["f1"]) + f" ({part['support']} spans)")
    for part, conditions in table.get("modalities", {}).items():
        for condition, ours in conditions.items():
            for name, values in (ours if condition in ("alone", "without") else {"": ours}).items():
                shown = f"{part}: {condition} {name}".rstrip()
                lines.append(_line(shown, values.get("intent_accuracy", 0.0)) + f" ({values['rows']} rows)")
    for pair in table.get("confusion", {}).get("pairs", [])[:5]:
        lines.append(f"  {pair['meant']} taken for {pair['taken']}: {pair['rows']} of {pair['of']}")
    return lines


def _line(name: str, value: float | int) -> str:
    return f"  {name:38} {value:.4f}" if isinstance(value, float) else f"  {name:38} {value}"


def write_report(measured: Measured, folder: Path) -> None:
    """Write figures.json, confusion.png and reliability.png (where there is something to draw) to a folder.

    Raises:
        InputError: the folder cannot be written.
        MissingPartError: matplotlib is not installed.
    """
    from training.pictures import draw_confusions, draw_reliability

    try:
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(measured.figures, indent=1) + "\n"
        (folder / "figures.json").write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"the report folder {str(folder)!r} cannot be written: {error.strerror}") from error
    if counts := confusions(measured.rows, measured.understandings):
        draw_confusions(counts, folder / "confusion.png")
    if parts := measured.figures.get("calibration"):
        draw_reliability(parts, folder / "reliability.png")


if __name__ == "__main__":
    sys.exit(main())
