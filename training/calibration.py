"""Whether confidence means what it says: fitting it on validation rows, and measuring how far off it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from agent.checkpoint import Calibration
from agent.decode import confidences, sigmoid, softmax
from agent.heads import UnderstandingModel
from agent.types import Understanding
from training.rows import Row
from training.scores import FloatArray, Scores

FALSE_REJECTION = 0.03
"""Share of in-scope sentences that may be refused."""

FALSE_SEVERAL = 0.005
"""Share of sentences of one intent that may be looked at for two; few of them are then taken for two."""

BINS = 15
NEAR = 3
"""A row's best intents that count for calibration: the rest are near 0 and would make any confidence look right."""


def reliability(confidence: npt.ArrayLike, right: npt.ArrayLike, bins: int = BINS) -> dict[str, Any]:
    """Expected calibration error with its table (Naeini et al. 2015; Guo et al. 2017, arXiv:1706.04599).

    Args:
        confidence: (n,), 0..1.
        right: (n,), whether each was right.
        bins: of equal width.

    Returns:
        "error": the mean distance of confidence and accuracy, each bin weighing as much as it holds; "count": n;
        "bins": from, to, count, confidence and accuracy (means) of the bins that hold any.
    """
    sure, hit = np.asarray(confidence, float), np.asarray(right, float)
    places = np.minimum((sure * bins).astype(int), bins - 1)
    table = []
    for place in sorted(set(places.tolist())):
        inside = places == place
        table.append(
            {
                "from": place / bins,
                "to": (place + 1) / bins,
                "count": int(inside.sum()),
                "confidence": float(sure[inside].mean()),
                "accuracy": float(hit[inside].mean()),
            }
        )
    gaps = [bin_["count"] * abs(bin_["confidence"] - bin_["accuracy"]) for bin_ in table]
    return {"error": sum(gaps) / len(sure) if len(sure) else 0.0, "count": len(sure), "bins": table}


def calibration_figures(rows: Sequence[Row], understandings: Sequence[Understanding]) -> dict[str, Any]:
    """Reliability of each confidence; a part without rows is left out.

    "one_intent": the best intent of rows that mean one; "several_intents": each of the three best intents of rows
    that mean several; "out_of_scope": the probability of being outside, of every row labelled with intents or none.
    """
    pairs = [(row.intents, u) for row, u in zip(rows, understandings, strict=True) if row.intents is not None]
    parts = {
        "one_intent": [(i.confidence, i.name in meant) for meant, u in pairs if len(meant) == 1 for i in u.intents[:1]],
        "several_intents": [
            (i.confidence, i.name in meant) for meant, u in pairs if len(meant) > 1 for i in u.intents[:NEAR]
        ],
        "out_of_scope": [(u.out_of_scope, not meant) for meant, u in pairs if u.intents],
    }
    if len({outside for _, outside in parts["out_of_scope"]}) < 2:
        del parts["out_of_scope"]
    return {name: reliability([c for c, _ in part], [r for _, r in part]) for name, part in parts.items() if part}


def calibrate(rows: Sequence[Row], scores: Scores, model: UnderstandingModel) -> Calibration:
    """Fit temperatures by likelihood and set thresholds on validation rows; for `several` see `FALSE_SEVERAL`.

    `accept` is the confidence at which the intents taken are most often those meant (best micro-F1). `clarify` is half
    of it, lower where that alone would refuse more in-scope rows than half of the 3% that may be. `out_of_scope` is
    the probability that best tells outside from inside (recall less false rejection, Youden 1950) among those that
    leave in-scope rows refused by either threshold at 3% or fewer.
    """
    known = [i for i, row in enumerate(rows) if row.intents is not None]
    truth = np.zeros((len(known), len(model.labels.intents)), np.float32)
    for row, i in enumerate(known):
        for name in rows[i].intents or ():
            truth[row, model.labels.intents.index(name)] = 1
    meant = truth.sum(axis=1)
    inside = meant > 0
    if not inside.any():
        return Calibration()
    intents, several = scores.intents[known], scores.several[known]
    fitted = replace(_confidence(intents, truth, meant), several=_several(several, meant))
    chances = confidences(intents, several, fitted)
    accept = _best_threshold(chances, truth)
    top = chances[inside].max(axis=1)
    clarify = min(accept / 2, float(np.sort(top)[int(FALSE_REJECTION / 2 * len(top))]))
    fitted = replace(fitted, accept=accept, clarify=clarify)
    if inside.all():
        return fitted
    scope = scores.scope[known]
    scope_temperature = _temperature(scope[:, None], (~inside).astype(np.float32)[:, None])
    outside = sigmoid(scope / scope_temperature)
    left = int(FALSE_REJECTION * len(top)) - int((top < clarify).sum())
    limit = scope_threshold(outside[inside][top >= clarify], outside[~inside], left)
    return replace(fitted, scope_temperature=scope_temperature, out_of_scope=limit)


def _confidence(intents: FloatArray, truth: FloatArray, meant: FloatArray) -> Calibration:
    """Temperatures of rows that mean one intent, and of those that mean several; as published where there are none."""
    one, more = meant == 1, meant > 1
    fitted = Calibration()
    if one.any():
        fitted = replace(fitted, intent_temperature=_softmax_temperature(intents[one], truth[one].argmax(axis=1)))
    if more.any():
        temperature, bias = _platt(intents[more], truth[more])
        fitted = replace(fitted, pair_temperature=temperature, pair_bias=bias)
    return fitted


def _several(scores: FloatArray, meant: FloatArray) -> float:
    """The score from which on a row is taken to mean several.

    Training has far fewer rows that mean several than one, so its own threshold, 0, misses many: the lowest is taken
    that few rows of one intent reach, and no lower than nearly all that mean several reach.
    """
    one, more = scores[meant == 1], scores[meant > 1]
    if not len(one) or not len(more):
        return 0.0
    return min(0.0, max(float(np.quantile(one, 1 - FALSE_SEVERAL)), float(np.quantile(more, FALSE_SEVERAL))))


def scope_threshold(inside: FloatArray, outside: FloatArray, allowed: int) -> float:
    """The probability of being outside from which rows are refused.

    Args:
        inside, outside: probabilities of in-scope rows and of those outside.
        allowed: in-scope rows that may be refused.

    Returns:
        Of the thresholds (0.02 to 0.95) that refuse no more than `allowed`, the one of the highest recall less false
        rejection; of equals the one nearest a half. 0.95 where none refuses so few.
    """
    grid = np.arange(0.02, 0.951, 0.01)
    refused = np.array([(inside >= t).sum() for t in grid])
    fit = refused <= allowed
    if not fit.any():
        return 0.95
    worth = np.array([(outside >= t).mean() for t in grid]) - refused / max(1, len(inside))
    best = grid[fit & (worth >= worth[fit].max() - 1e-9)]
    return round(float(best[np.argmin(np.abs(best - 0.5))]), 2)


def _platt(scores: FloatArray, truth: FloatArray, near: int = NEAR) -> tuple[float, float]:
    """Temperature and bias of highest likelihood over each row's `near` best scores, on a grid (Platt 1999)."""
    best = np.argsort(-scores, axis=1)[:, :near]
    z, y = np.take_along_axis(scores, best, axis=1), np.take_along_axis(truth, best, axis=1)
    found = (math.inf, 1.0, 0.0)
    for temperature in np.exp(np.linspace(np.log(0.2), np.log(4.0), 40)):
        for bias in np.linspace(-6.0, 6.0, 61):
            p = np.clip(sigmoid((z - bias) / temperature), 1e-6, 1 - 1e-6)
            loss = -float((y * np.log(p) + (1 - y) * np.log(1 - p)).mean())
            found = min(found, (loss, float(temperature), float(bias)))
    return found[1], found[2]


def _softmax_temperature(scores: FloatArray, truth: npt.NDArray[np.int_]) -> float:
    """The temperature of highest likelihood on a grid from 0.2 to 4."""
    grid = np.exp(np.linspace(np.log(0.2), np.log(4.0), 80))
    right = (np.arange(len(truth)), truth)
    losses = [-float(np.log(np.clip(softmax(scores / t)[right], 1e-9, 1)).mean()) for t in grid]
    return float(grid[int(np.argmin(losses))])


def _best_threshold(confidence: FloatArray, truth: FloatArray) -> float:
    """The threshold on confidences with the best micro-F1, between 0.25 and 0.5.

    What is likelier meant than not is taken: where that is wrong, the caller says so; asking costs every caller.
    """
    grid = np.arange(0.25, 0.501, 0.01)
    f1 = [2 * (truth * (confidence >= t)).sum() / ((confidence >= t).sum() + truth.sum()) for t in grid]
    return round(float(grid[int(np.argmax(f1))]), 2)


def _temperature(scores: FloatArray, truth: FloatArray) -> float:
    """The temperature of highest likelihood on a grid from 0.3 to 4."""
    grid = np.exp(np.linspace(np.log(0.3), np.log(4.0), 60))
    chances = [np.clip(sigmoid(scores / t), 1e-6, 1 - 1e-6) for t in grid]
    losses = [-(truth * np.log(p) + (1 - truth) * np.log(1 - p)).mean() for p in chances]
    return float(grid[int(np.argmin(losses))])
