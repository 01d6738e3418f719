"""CLINC150: 150 intents, refusal of what is outside, typing errors, and two intents in one sentence.

    python -m benchmarks.clinc150 --data DIR [--seed S] [--epochs N] [--threads T] [--limit N] [--baselines]

The pack is `train` with `oos_train` as rows outside; `val` and `oos_val` are measured and seen by nothing before.
Typing errors and sentences of two intents are synthetic: made of `val` by `benchmarks/typos.py` and
`benchmarks/composed.py`. How many intents a sentence holds is decided by the checkpoint; a line says what telling it
would give.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from dataclasses import replace

from benchmarks.composed import UNSEEN, composed
from benchmarks.packs import Figure, Figures, Understand, common, measured, run
from benchmarks.sets import Parts, clinc150
from benchmarks.typos import with_typos
from training.compose import JOINTS

COMPOSED = 500
"""Sentences of two intents for each sort of joint."""

TYPOS = 0.1
"""Chance of an error at each character."""


def measure(understand: Understand, parts: Parts, seed: int) -> Figures:
    """Every figure of the validation rows."""
    table = measured(understand, parts.validation)
    result = common(table)
    if scope := table.get("out_of_scope"):
        outside, inside = scope["out_of_scope_rows"], scope["in_scope_rows"]
        quantile, threshold = scope["at_quantile"], scope["at_threshold"]
        result |= {
            "out-of-scope recall at 3% false rejection": Figure(quantile["recall"], outside),
            "out-of-scope recall at the checkpoint's thresholds": Figure(threshold["recall"], outside),
            "false rejection at the checkpoint's thresholds": Figure(threshold["false_rejection"], inside),
            "area under the ROC curve of out-of-scope": Figure(scope["auroc"], inside + outside),
        }
    result |= _typos(understand, parts, seed, result["intent accuracy"].value)
    for name, joints in (("joints of training", JOINTS), ("other joints", UNSEEN)):
        result |= _two(understand, parts, name, joints, seed)
    return result


def _typos(understand: Understand, parts: Parts, seed: int, clean: float) -> Figures:
    rng = random.Random(seed)
    rows = [replace(row, text=with_typos(row.text, TYPOS, rng), spans=None) for row in parts.validation if row.intents]
    accuracy = measured(understand, rows)["intents"]["accuracy"]
    return {
        "intent accuracy, 10% of characters mistyped": Figure(accuracy, len(rows)),
        "points lost to typing errors": Figure(100 * (clean - accuracy), len(rows)),
    }


def _two(understand: Understand, parts: Parts, name: str, joints: Sequence[str], seed: int) -> Figures:
    rows = composed(parts.validation, joints, COMPOSED, seed)
    if not rows:
        return {}
    both = measured(understand, rows)["several_intents"]
    return {
        f"two intents both right, {name}": Figure(both["all_right"], len(rows)),
        f"the same, told that there are two, {name}": Figure(both["all_right_told_how_many"], len(rows)),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Train, measure, print."""
    return run(__doc__, lambda options: clinc150(options.data), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
