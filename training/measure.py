"""The trainer's view of how good a model is: raw scores of rows, calibration, and a flat table of figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent.checkpoint import Calibration
from agent.heads import UnderstandingModel
from training.calibration import FALSE_REJECTION, calibrate
from training.figures import figures
from training.rows import Row
from training.scores import Scores, scores_of, understood

FLAT = {
    "rows": "rows",
    "intent_accuracy": "intents.accuracy",
    "intent_macro_f1": "intents.macro_f1",
    "accepted": "intents.accepted",
    "accepted_accuracy": "intents.accepted_accuracy",
    "exact": "intents.exact",
    "calibration_error": "calibration.one_intent.error",
    "two_intents_both_right": "several_intents.all_right",
    "out_of_scope_recall_at_3_percent": "out_of_scope.at_quantile.recall",
    "out_of_scope_recall": "out_of_scope.at_threshold.recall",
    "falsely_rejected": "out_of_scope.at_threshold.false_rejection",
    "entity_f1": "entities.typed.micro.f1",
    "heard_entity_f1": "entities.heard.micro.f1",
    "sentiment_accuracy": "sentiment.accuracy",
}
"""Names of the flat figures, and where each stands among `training.figures.figures`."""


def report(
    rows: Sequence[Row], scores: Scores, model: UnderstandingModel, calibration: Calibration
) -> dict[str, float | int]:
    """Figures over labelled rows, by the names of `FLAT`; left out where no row has the label."""
    return flat(figures(rows, understood(rows, scores, model.labels, calibration)))


def flat(nested: Mapping[str, Any]) -> dict[str, float | int]:
    """The figures that fit on a few lines, by the names of `FLAT`."""
    result = {}
    for name, path in FLAT.items():
        value: Any = nested
        for key in path.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is not None:
            result[name] = value
    return result


__all__ = ["FALSE_REJECTION", "FLAT", "Scores", "calibrate", "flat", "report", "scores_of"]
