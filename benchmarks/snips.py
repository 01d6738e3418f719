"""SNIPS: 7 intents and 39 slots, on its own validation files.

    python -m benchmarks.snips --data DIR [--seed S] [--epochs N] [--threads T] [--limit N] [--baselines]

Slots are exact spans, counted as `seqeval` counts them (training/spans.py).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from benchmarks.packs import Figure, Figures, Understand, common, measured, run
from benchmarks.sets import Parts, snips


def measure(understand: Understand, parts: Parts, seed: int) -> Figures:
    """The figures of the validation rows; slots rest on as many spans as are meant."""
    table = measured(understand, parts.validation)
    slots = table["entities"]["typed"]
    micro = slots["micro"]
    return common(table) | {
        "slot F1": Figure(micro["f1"], micro["support"]),
        "slot precision": Figure(micro["precision"], micro["found"]),
        "slot recall": Figure(micro["recall"], micro["support"]),
        "slot F1, mean of the types": Figure(slots["macro_f1"], micro["support"]),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Train, measure, print."""
    return run(__doc__, lambda options: snips(options.data), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
