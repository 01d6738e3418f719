"""How long it takes to train a pack of 2,000 examples with the trainer's own options.

    python -m benchmarks.pack_time --data DIR [--seed S] [--threads T] [--examples N]

The pack is synthetic: a quarter of its rows are SNIPS sentences with their slots, the rest CLINC150 sentences of 30
intents. Nothing is said about how good it is but the trainer's own test figures; the time runs from the command's
start to the checkpoint on disk, on a machine whose load is printed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from agent.errors import CallsightError
from benchmarks.packs import write_pack
from benchmarks.sets import clinc150, snips
from training import train
from training.rows import Row

INTENTS = 30
"""Of CLINC150; SNIPS adds its seven."""


def sampled(data: Path, count: int, seed: int) -> list[Row]:
    """So many rows for a pack, each intent of a set as often as the others of that set.

    Args:
        data: the data folder.
        count: rows in all.
        seed: of the draw.
    """
    rng = random.Random(seed)
    spoken, slotted = clinc150(data).training, snips(data).training
    names = rng.sample(sorted({name for row in spoken for name in row.intents or ()}), INTENTS)
    return [
        *_even([row for row in spoken if row.intents and row.intents[0] in names], count - count // 4, rng),
        *_even(slotted, count // 4, rng),
    ]


def _even(rows: Sequence[Row], count: int, rng: random.Random) -> list[Row]:
    """So many rows, their intents in turn."""
    by_intent: dict[tuple[str, ...] | None, list[Row]] = {}
    for row in rng.sample(rows, len(rows)):
        by_intent.setdefault(row.intents, []).append(row)
    deepest = max(map(len, by_intent.values()))
    turns = [ours[i] for i in range(deepest) for ours in by_intent.values() if i < len(ours)]
    return turns[:count]


def main(argv: Sequence[str] | None = None) -> int:
    """Write the pack, train, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data sets (docs/data.md)")
    parser.add_argument("--stack", default="embedded")
    parser.add_argument("--examples", type=int, default=2_000)
    parser.add_argument("--epochs", type=int, default=train.Options.epochs, help="at most; default: the trainer's")
    parser.add_argument("--seed", type=int, default=train.Options.seed)
    parser.add_argument("--threads", type=int, default=train.Options.threads)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(argv)
    try:
        result = measure(options)
    except CallsightError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(result) if options.json else _words(result))
    return 0


def measure(options: argparse.Namespace) -> dict[str, object]:
    """Train the pack; returns what was trained, the seconds it took and the machine's load over the last minute."""
    rows = sampled(options.data, options.examples, options.seed)
    with tempfile.TemporaryDirectory() as name:
        pack, weights = Path(name, "pack"), Path(name, "weights")
        write_pack(pack, "synthetic", rows)
        started = time.perf_counter()
        about = train.train(
            train.Options(
                str(pack), weights, stack=options.stack, epochs=options.epochs, seed=options.seed,
                threads=options.threads,
            )
        )  # fmt: skip
        seconds = time.perf_counter() - started
    return {
        "examples": len(rows),
        "intents": len({row.intents for row in rows}),
        "entity_types": len({kind for row in rows for kind, _, _ in row.spans or ()}),
        "rows": about["rows"],
        "seed": options.seed,
        "threads": options.threads,
        "cores": len(os.sched_getaffinity(0)),
        "load": os.getloadavg()[0],
        "seconds": round(seconds, 1),
        "test": about["test"],
    }


def _words(result: dict[str, object]) -> str:
    about = (
        "{examples} examples (synthetic pack: CLINC150 and SNIPS sentences), {intents} intents, {entity_types} types"
    )
    ran = "seed {seed}, {threads} threads on {cores} cores, load {load:.1f}; rows {rows}"
    return "\n".join([about, ran, "trained in {seconds} s", "the trainer's own test: {test}"]).format(**result)


if __name__ == "__main__":
    sys.exit(main())
