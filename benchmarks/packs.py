"""What the benchmarks on public sets share: a set as a pack, trained as a company would, measured on rows kept apart.

The pack holds the training rows alone. The trainer splits them on its own: it chooses the epoch and calibrates on a
part of the pack. What is measured goes through the path of customers' turns (`Agent.understand`).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agent import Turn, Understanding, build
from agent.errors import CallsightError
from benchmarks.sets import Parts
from training import train
from training.adaptation import TUNINGS
from training.evaluate import understand_all
from training.figures import figures
from training.rows import Row

SHARES = (0.95, 0.04, 0.01)
"""Of the pack: to train on, to choose and calibrate by, and (as training asks for one) to test; the set's own
validation rows are what is measured."""

Understand = Callable[[Sequence[str]], list[Understanding]]


@dataclass(frozen=True)
class Figure:
    """One figure and how many rows it rests on."""

    value: float
    rows: int


Figures = dict[str, Figure]


def parser(doc: str | None) -> argparse.ArgumentParser:
    """The options every benchmark on a public set takes."""
    made = argparse.ArgumentParser(description=(doc or "").split("\n", 1)[0])
    made.add_argument("--data", type=Path, required=True, help="folder of the public data sets (docs/data.md)")
    made.add_argument("--stack", default="embedded", help="names the models")
    made.add_argument("--seed", type=int, default=7, help="of the split, of training and of synthetic input")
    made.add_argument("--epochs", type=int, default=train.Options.epochs, help="at most; default: the trainer's")
    made.add_argument("--threads", type=int, default=train.Options.threads, help="CPU threads of training")
    made.add_argument("--tuning", choices=TUNINGS, default=train.Options.tuning, help="of the text encoder")
    made.add_argument("--limit", type=int, help="make the set smaller: about so many training rows")
    made.add_argument("--weights", type=Path, help="measure this checkpoint instead of training one")
    made.add_argument("--keep", type=Path, help="folder for the checkpoint; a killed run goes on there")
    made.add_argument("--baselines", action="store_true", help="frozen and plainly fine-tuned encoder in the same run")
    made.add_argument("--json", action="store_true", help="print one JSON object")
    return made


def write_pack(folder: Path, name: str, rows: Sequence[Row]) -> None:
    """Write a pack of rows: its intents and entity types, each for the tagger, are those the rows name."""
    intents = sorted({intent for row in rows for intent in row.intents or ()})
    kinds = sorted({kind for row in rows for kind, _, _ in row.spans or ()})
    lines = [f"name = {json.dumps(name)}", "", "[intents]"]
    lines += [f"{json.dumps(intent)} = {json.dumps(intent.replace('_', ' '))}" for intent in intents]
    lines += [line for kind in kinds for line in ("", f"[entities.{json.dumps(kind)}]", 'recognizer = "tagger"')]
    examples = [
        {
            "text": row.text,
            "intents": list(row.intents or ()),
            "entities": [{"type": kind, "start": a, "end": b} for kind, a, b in row.spans or ()],
        }
        for row in rows
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pack.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "examples.jsonl").write_text("".join(json.dumps(e) + "\n" for e in examples), encoding="utf-8")


@contextmanager
def trained(parts: Parts, options: argparse.Namespace) -> Iterator[tuple[Understand, dict[str, Any]]]:
    """A model of a set's training rows: what understands texts, and how it was made."""
    with tempfile.TemporaryDirectory() as name:
        pack = Path(name, "pack")
        write_pack(pack, parts.name, parts.training)
        weights, about = options.weights, dict[str, Any]()
        if weights is None:
            weights = options.keep or Path(name, "weights")
            started = time.perf_counter()
            made = train.train(
                train.Options(
                    str(pack), weights, stack=options.stack, tuning=options.tuning, epochs=options.epochs,
                    shares=SHARES, seed=options.seed, threads=options.threads,
                )
            )  # fmt: skip
            about = {"seconds": round(time.perf_counter() - started, 1), "rows": made["rows"]}
        agent = build(options.stack, str(pack), fusion_weights=str(weights), store_url="sqlite://")
        try:
            yield lambda texts: understand_all(agent, (Turn(text=text) for text in texts)), about
        finally:
            agent.close()


def measured(understand: Understand, rows: Sequence[Row]) -> dict[str, Any]:
    """`training.figures.figures` of rows of words alone."""
    return figures(rows, understand([row.text for row in rows]))


def common(table: Mapping[str, Any]) -> Figures:
    """The figures that every set allows, out of `measured`."""
    intents, calibration = table["intents"], table["calibration"]["one_intent"]
    return {
        "intent accuracy": Figure(intents["accuracy"], intents["rows"]),
        "macro-F1": Figure(intents["macro_f1"], intents["rows"]),
        "accuracy over accepted": Figure(intents["accepted_accuracy"], intents["accepted_rows"]),
        "just the one intent taken": Figure(intents["exact"], intents["rows"]),
        "calibration error": Figure(calibration["error"], calibration["count"]),
    }


def benchmark(
    options: argparse.Namespace, parts: Parts, measure: Callable[[Understand, Parts, int], Figures]
) -> dict[str, Any]:
    """Train, measure, and do the same with the baselines where they are asked for.

    Returns:
        "ran" (what, on how many rows, with which options), "training" (seconds and rows, empty with --weights) and,
        by system ("callsight", "frozen", "fine-tuned"), each figure's value and rows.
    """
    parts = parts.smaller(options.limit, options.seed)
    chosen = {key: str(value) if isinstance(value, Path) else value for key, value in vars(options).items()}
    ran = {"set": parts.about, "rows": parts.counts, "options": chosen}
    print(f"{parts.about}: {parts.counts}", file=sys.stderr, flush=True)
    systems: dict[str, Figures] = {}
    with trained(parts, options) as (understand, about):
        systems["callsight"] = measure(understand, parts, options.seed)
    if options.baselines:
        from benchmarks.baselines import BASELINES

        for name, baseline in BASELINES.items():
            systems[name] = measure(baseline(parts.training, options), parts, options.seed)
    values = {name: {key: asdict(figure) for key, figure in ours.items()} for name, ours in systems.items()}
    return {"ran": ran, "training": about, "systems": values}


def lines_of(result: Mapping[str, Any]) -> list[str]:
    """A benchmark's result as a table, a column a system."""
    ran, systems, about = result["ran"], result["systems"], result["training"]
    lines = [f"{ran['set']}: {', '.join(f'{count} {name}' for name, count in ran['rows'].items())}"]
    lines.append(", ".join(f"{name} {value}" for name, value in ran["options"].items() if value is not None))
    if about:
        lines.append(f"trained in {about['seconds']:.0f} s; the pack's rows {json.dumps(about['rows'])}")
    lines.append(f"{'':52}{'rows':>7}" + "".join(f"{name:>13}" for name in systems))
    for key in systems["callsight"]:
        cells = [ours.get(key) for ours in systems.values()]
        values = "".join(f"{cell['value']:13.4f}" if cell else f"{'-':>13}" for cell in cells)
        lines.append(f"{key:52}{systems['callsight'][key]['rows']:7}{values}")
    return lines


def run(
    doc: str | None,
    read: Callable[[argparse.Namespace], Parts],
    measure: Callable[[Understand, Parts, int], Figures],
    argv: Sequence[str] | None = None,
) -> int:
    """A benchmark's command line; returns the exit code."""
    options = parser(doc).parse_args(argv)
    try:
        result = benchmark(options, read(options), measure)
    except CallsightError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(result) if options.json else "\n".join(lines_of(result)))
    return 0
