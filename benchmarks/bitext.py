"""Bitext's customer-service intents, measured on rows kept apart without near-duplicates.

    python -m benchmarks.bitext --data DIR [--seed S] [--epochs N] [--threads T] [--limit N] [--baselines]

The split ties sentences of cosine 0.9 or more over character n-grams together (training/split.py).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from benchmarks.banking77 import measure
from benchmarks.packs import run
from benchmarks.sets import bitext


def main(argv: Sequence[str] | None = None) -> int:
    """Train, measure, print."""
    return run(__doc__, lambda options: bitext(options.data, options.seed), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
