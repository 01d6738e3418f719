"""Which intents are taken for which: the pairs, and the part of them worth a picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from agent.types import Understanding
from training.rows import Row

MOST_PAIRS = 20
MOST_SHOWN = 32
"""Intents whose names are still read on one picture; the rest are put together."""

REST = "(all others)"
NONE = "(nothing)"


def confusion_figures(rows: Sequence[Row], understandings: Sequence[Understanding]) -> dict[str, Any]:
    """The pairs of intents confused most, of rows that mean one: what was meant, what was taken, how often of how many.

    "taken" is the likeliest intent whatever the verdict.
    """
    counts = confusions(rows, understandings)
    if not counts:
        return {}
    meant = Counter[str]()
    for (truth, _), count in counts.items():
        meant[truth] += count
    wrong = sorted(((n, t, g) for (t, g), n in counts.items() if t != g), key=lambda item: (-item[0], *item[1:]))
    pairs = [{"meant": t, "taken": g, "rows": n, "of": meant[t]} for n, t, g in wrong[:MOST_PAIRS]]
    return {"wrong": sum(n for n, _, _ in wrong), "pairs_in_all": len(wrong), "pairs": pairs}


def confusions(rows: Sequence[Row], understandings: Sequence[Understanding]) -> Counter[tuple[str, str]]:
    """How often (meant, taken) occurs among the rows that mean one intent."""
    return Counter(
        (row.intents[0], u.intents[0].name if u.intents else NONE)
        for row, u in zip(rows, understandings, strict=True)
        if row.intents is not None and len(row.intents) == 1
    )


def shown_part(
    counts: Counter[tuple[str, str]], most: int = MOST_SHOWN
) -> tuple[list[str], npt.NDArray[np.integer[Any]]]:
    """Intents worth showing, confused ones side by side, and their counts (meant, taken).

    Up to `most` intents all are shown; of more, those that take part in most confusions, with the rest as one last
    intent. Neighbours come from average-linkage clustering by how often two are taken for each other.
    """
    trouble = Counter[str]()
    for (truth, guess), count in counts.items():
        for name in (truth, guess):
            trouble[name] += count if truth != guess else 0
    ranked = sorted(trouble, key=lambda name: (-trouble[name], name))
    kept = ranked if len(ranked) <= most else [name for name in ranked[:most] if trouble[name]]
    rest = [] if len(kept) == len(ranked) else [REST]
    order = {name: i for i, name in enumerate([*_side_by_side(kept, counts), *rest])}
    matrix = np.zeros((len(order), len(order)), int)
    for (truth, guess), count in counts.items():
        matrix[order.get(truth, len(kept)), order.get(guess, len(kept))] += count
    return list(order), matrix


def _side_by_side(names: Sequence[str], counts: Counter[tuple[str, str]]) -> list[str]:
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    if len(names) < 3:
        return list(names)
    alike = np.array([[counts[a, b] + counts[b, a] if a != b else 0 for b in names] for a in names], float)
    distance = 1.0 / (1.0 + alike)
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance), method="average", optimal_ordering=True)
    return [names[i] for i in leaves_list(tree)]
