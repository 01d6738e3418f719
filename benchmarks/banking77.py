"""BANKING77: 77 intents of one domain, on a tenth of the sentences kept apart without near-duplicates.

python -m benchmarks.banking77 --data DIR [--seed S] [--epochs N] [--threads T] [--limit N] [--baselines]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from benchmarks.packs import Figures, Understand, common, measured, run
from benchmarks.sets import Parts, banking77


def measure(understand: Understand, parts: Parts, seed: int) -> Figures:
    """The figures of the validation rows."""
    return common(measured(understand, parts.validation))


def main(argv: Sequence[str] | None = None) -> int:
    """Train, measure, print."""
    return run(__doc__, lambda options: banking77(options.data, options.seed), measure, argv)


if __name__ == "__main__":
    sys.exit(main())
