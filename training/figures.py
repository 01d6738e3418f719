"""How good understandings are against labelled rows, as one nested table; each part says how many rows it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from agent.types import Understanding
from training.calibration import FALSE_REJECTION, calibration_figures
from training.confusion import confusion_figures
from training.rows import Row
from training.spans import entity_figures

Pair = tuple[Row, Understanding]


def figures(
    rows: Sequence[Row], understandings: Sequence[Understanding], false_rejection: float = FALSE_REJECTION
) -> dict[str, Any]:
    """Every figure that the rows' labels allow; shares within 0..1. Parts without rows are left out.

    Args:
        rows: what is true.
        understandings: what was understood, in the same order.
        false_rejection: share of in-scope rows that may be refused where out-of-scope recall is reported.
    """
    pairs = list(zip(rows, understandings, strict=True))
    parts = {
        "intents": _intents(pairs),
        "several_intents": _several(pairs),
        "out_of_scope": _scope(pairs, false_rejection),
        "entities": entity_figures(rows, understandings),
        "calibration": calibration_figures(rows, understandings),
        "confusion": confusion_figures(rows, understandings),
        "sentiment": _sentiment(pairs),
    }
    return {"rows": len(rows), **{name: part for name, part in parts.items() if part}}


def _intents(pairs: Sequence[Pair]) -> dict[str, float | int]:
    """Rows that mean one intent.

    `accuracy` and `macro_f1` are of the best intent whatever the verdict; `accepted` is the share with verdict "ok",
    `accepted_accuracy` is over those; `exact` the share where just the one intent was taken as meant.
    """
    single = [(row.intents[0], u) for row, u in pairs if row.intents is not None and len(row.intents) == 1]
    if not single:
        return {}
    truth, best = [name for name, _ in single], [best_intent(u) for _, u in single]
    right = [t == b for t, b in zip(truth, best, strict=True)]
    sure = [r for r, (_, u) in zip(right, single, strict=True) if u.verdict == "ok"]
    return {
        "rows": len(single),
        "accuracy": float(np.mean(right)),
        "macro_f1": macro_f1(truth, best),
        "accepted": len(sure) / len(single),
        "accepted_rows": len(sure),
        "accepted_accuracy": float(np.mean(sure)) if sure else 0.0,
        "exact": float(np.mean([{i.name for i in u.meant} == {name} for name, u in single])),
    }


def best_intent(understanding: Understanding) -> str:
    """The likeliest intent's name, empty where there is none."""
    return understanding.intents[0].name if understanding.intents else ""


def macro_f1(truth: Sequence[str], guess: Sequence[str]) -> float:
    """Mean F1 over the classes that occur in the truth."""
    from sklearn.metrics import f1_score

    return float(f1_score(truth, guess, labels=sorted(set(truth)), average="macro", zero_division=0))


def _several(pairs: Sequence[Pair]) -> dict[str, float | int]:
    """Rows that mean several intents: all taken and no other; and, told how many there are, the best so many."""
    several = [(set(row.intents), u) for row, u in pairs if row.intents is not None and len(row.intents) > 1]
    if not several:
        return {}
    return {
        "rows": len(several),
        "all_right": float(np.mean([{i.name for i in u.meant} == meant for meant, u in several])),
        "all_right_told_how_many": float(
            np.mean([{i.name for i in u.intents[: len(meant)]} == meant for meant, u in several])
        ),
    }


def _scope(pairs: Sequence[Pair], false_rejection: float) -> dict[str, Any]:
    """Refusal of what is outside.

    `at_quantile` refuses by the probability of being outside, at these rows' own limit: at most `false_rejection` of
    the in-scope rows are above it. `at_threshold` is the verdict, by the checkpoint's thresholds.
    """
    inside = [u for row, u in pairs if row.intents]
    outside = [u for row, u in pairs if row.intents == ()]
    if not inside or not outside:
        return {}
    scores = np.array([u.out_of_scope for u in inside]), np.array([u.out_of_scope for u in outside])
    limit = float(np.sort(scores[0])[::-1][int(false_rejection * len(inside) + 1e-9)])
    refused = [np.array([u.verdict == "out_of_scope" for u in part]) for part in (inside, outside)]
    return {
        "in_scope_rows": len(inside),
        "out_of_scope_rows": len(outside),
        "allowed_false_rejection": false_rejection,
        "at_quantile": {
            "limit": limit,
            "false_rejection": float((scores[0] > limit).mean()),
            "recall": float((scores[1] > limit).mean()),
        },
        "at_threshold": {"false_rejection": float(refused[0].mean()), "recall": float(refused[1].mean())},
        "auroc": float((scores[1][:, None] > scores[0]).mean() + 0.5 * (scores[1][:, None] == scores[0]).mean()),
    }


def _sentiment(pairs: Sequence[Pair]) -> dict[str, float | int]:
    felt = [(row.sentiment, u.sentiment.label) for row, u in pairs if row.sentiment is not None]
    return {"rows": len(felt), "accuracy": float(np.mean([t == g for t, g in felt]))} if felt else {}
