"""How good a model is on labelled rows: intents, out of scope, entities, calibration."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from agent.checkpoint import Calibration
from agent.decode import confidences, decode_intents, decode_tags, sigmoid
from agent.fusion import collate
from agent.heads import Labels, UnderstandingModel
from agent.types import Intent, Verdict
from modalities.text import TextEncoder
from modalities.types import Encoding
from training.photo_bank import PhotoBank
from training.rows import Row

Decoded = tuple[tuple[Intent, ...], int, float, Verdict]

FALSE_REJECTION = 0.03
"""Share of in-scope sentences that may be refused when out-of-scope recall is reported."""


@dataclass(frozen=True, eq=False)
class Scores:
    """Raw scores of rows: intents (n, intents), scope (n,), sentiment (n, 3), spans by row."""

    intents: np.ndarray
    scope: np.ndarray
    sentiment: np.ndarray
    spans: list[list[tuple[str, int, int]]]


@torch.inference_mode()
def scores_of(
    rows: Sequence[Row],
    encoder: TextEncoder,
    model: UnderstandingModel,
    bank: PhotoBank | None,
    encoded: Sequence[Encoding] | None = None,
    batch: int = 64,
) -> Scores:
    """Run the model over rows; photos are drawn from the bank with a fixed seed; `encoded` are the texts' vectors."""
    rng = random.Random(1)
    intents, scope, sentiment = [], [], []
    spans: list[list[tuple[str, int, int]]] = []
    for first in range(0, len(rows), batch):
        part = rows[first : first + batch]
        texts = encoded[first : first + batch] if encoded else encoder.encode([row.text for row in part])
        photos = [bank.draw(row.image, rng) if bank else None for row in part]
        inputs = {
            "text": collate(texts, encoder.device),
            "image": collate([p.encoding if p else None for p in photos], encoder.device),
        }
        logits = model({name: value for name, value in inputs.items() if value is not None})
        intents.append(logits.intents.cpu().numpy())
        scope.append(logits.out_of_scope.cpu().numpy())
        sentiment.append(logits.sentiment.cpu().numpy())
        tags = logits.tags["text"].cpu().numpy() if "text" in logits.tags else np.zeros((len(part), 0, 0))
        for i, (row, text) in enumerate(zip(part, texts, strict=True)):
            found = decode_tags(tags[i, : len(text)], text.spans, model.labels, row.text)
            spans.append([(kind, a, b) for kind, a, b, _ in found])
    return Scores(np.concatenate(intents), np.concatenate(scope), np.concatenate(sentiment), spans)


def report(
    rows: Sequence[Row], scores: Scores, model: UnderstandingModel, calibration: Calibration
) -> dict[str, float | int]:
    """Figures over labelled rows; shares within 0..1. Keys are left out where no row has the label."""
    labels = model.labels
    decoded = [
        decode_intents(ours, float(scope), labels, calibration)
        for ours, scope in zip(scores.intents, scores.scope, strict=True)
    ]
    return {
        "rows": len(rows),
        **_intent_figures(rows, scores, decoded, labels, calibration),
        **_scope_figures(rows, scores, decoded),
        **_entity_figures(rows, scores),
        **_mood_figures(rows, scores, labels),
    }


def _intent_figures(
    rows: Sequence[Row], scores: Scores, decoded: Sequence[Decoded], labels: Labels, calibration: Calibration
) -> dict[str, float]:
    figures = {}
    single = {i: row.intents[0] for i, row in enumerate(rows) if row.intents is not None and len(row.intents) == 1}
    several = {i: set(row.intents) for i, row in enumerate(rows) if row.intents is not None and len(row.intents) > 1}
    if single:
        truth = np.array([labels.intents.index(name) for name in single.values()])
        ours = scores.intents[list(single)]
        right = ours.argmax(axis=1) == truth
        accepted = [decoded[i][3] == "ok" and decoded[i][0][0].name == name for i, name in single.items()]
        figures["intent_accuracy"] = float(right.mean())
        figures["intent_macro_f1"] = macro_f1(truth, ours.argmax(axis=1))
        figures["accepted_accuracy"] = float(np.mean(accepted))
        figures["calibration_error"] = calibration_error(confidences(ours, calibration).max(axis=1), right)
    if several:
        both = [{intent.name for intent in decoded[i][0][: decoded[i][1]]} == names for i, names in several.items()]
        figures["two_intents_both_right"] = float(np.mean(both))
    return figures


def _scope_figures(rows: Sequence[Row], scores: Scores, decoded: Sequence[Decoded]) -> dict[str, float]:
    inside = [i for i, row in enumerate(rows) if row.intents]
    outside = [i for i, row in enumerate(rows) if row.intents == ()]
    if not inside or not outside:
        return {}
    limit = np.quantile(scores.scope[inside], 1 - FALSE_REJECTION)
    return {
        "out_of_scope_recall_at_3_percent": float((scores.scope[outside] > limit).mean()),
        "out_of_scope_recall": float(np.mean([decoded[i][3] == "out_of_scope" for i in outside])),
        "falsely_rejected": float(np.mean([decoded[i][3] == "out_of_scope" for i in inside])),
    }


def _entity_figures(rows: Sequence[Row], scores: Scores) -> dict[str, float]:
    pairs = [
        (set(row.spans), set(found)) for row, found in zip(rows, scores.spans, strict=True) if row.spans is not None
    ]
    return {"entity_f1": span_f1([t for t, _ in pairs], [f for _, f in pairs])} if any(t for t, _ in pairs) else {}


def _mood_figures(rows: Sequence[Row], scores: Scores, labels: Labels) -> dict[str, float]:
    felt = {i: row.sentiment for i, row in enumerate(rows) if row.sentiment is not None}
    if not felt:
        return {}
    guesses = [labels.sentiments[guess] for guess in scores.sentiment[list(felt)].argmax(axis=1)]
    return {"sentiment_accuracy": float(np.mean([g == t for g, t in zip(guesses, felt.values(), strict=True)]))}


def macro_f1(truth: np.ndarray, guess: np.ndarray) -> float:
    """Mean F1 over the classes that occur in the truth."""
    from sklearn.metrics import f1_score

    return float(f1_score(truth, guess, labels=sorted(set(truth.tolist())), average="macro", zero_division=0))


def span_f1(truth: Sequence[set[tuple[str, int, int]]], found: Sequence[set[tuple[str, int, int]]]) -> float:
    """Exact-match F1 over (type, start, end), as CoNLL counts it."""
    right = sum(len(t & f) for t, f in zip(truth, found, strict=True))
    total = sum(map(len, truth)) + sum(map(len, found))
    return 2 * right / total if total else 1.0


def calibration_error(confidence: np.ndarray, right: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error (Naeini et al. 2015; Guo et al. 2017): bins of equal width."""
    error = 0.0
    for low in np.linspace(0, 1, bins, endpoint=False):
        inside = (confidence >= low) & (confidence < low + 1 / bins) if low < 1 - 1 / bins else confidence >= low
        if inside.any():
            error += float(inside.mean()) * abs(float(confidence[inside].mean()) - float(right[inside].mean()))
    return error


def calibrate(rows: Sequence[Row], scores: Scores, model: UnderstandingModel) -> Calibration:
    """Fit temperatures by likelihood and set thresholds on validation rows.

    `accept` is the confidence at which the intents taken are most often those meant (best micro-F1), `clarify` half of
    it; `out_of_scope` the probability that at most 3% of in-scope rows exceed, and at least a half.
    """
    known = [i for i, row in enumerate(rows) if row.intents is not None]
    truth = np.zeros((len(known), len(model.labels.intents)), np.float32)
    for row, i in enumerate(known):
        for name in rows[i].intents or ():
            truth[row, model.labels.intents.index(name)] = 1
    inside = truth.sum(axis=1) > 0
    if not inside.any():
        return Calibration()
    intents = scores.intents[known]
    temperature, bias = _platt(intents[inside], truth[inside])
    fitted = Calibration(temperature, bias)
    accept = _best_threshold(confidences(intents, fitted), truth)
    if inside.all():
        return replace(fitted, accept=accept, clarify=accept / 2)
    scope = scores.scope[known]
    scope_temperature = _temperature(scope[:, None], (~inside).astype(np.float32)[:, None])
    limit = float(np.quantile(sigmoid(scope[inside] / scope_temperature), 1 - FALSE_REJECTION))
    out_of_scope = min(0.95, max(0.5, limit))
    return Calibration(temperature, bias, scope_temperature, accept, accept / 2, out_of_scope)


def _platt(scores: np.ndarray, truth: np.ndarray, near: int = 3) -> tuple[float, float]:
    """Temperature and bias of highest likelihood over each row's `near` best scores, on a grid."""
    best = np.argsort(-scores, axis=1)[:, :near]
    z, y = np.take_along_axis(scores, best, axis=1), np.take_along_axis(truth, best, axis=1)
    found = (math.inf, 1.0, 0.0)
    for temperature in np.exp(np.linspace(np.log(0.2), np.log(4.0), 40)):
        for bias in np.linspace(-4.0, 4.0, 41):
            p = np.clip(sigmoid((z - bias) / temperature), 1e-6, 1 - 1e-6)
            loss = -float((y * np.log(p) + (1 - y) * np.log(1 - p)).mean())
            found = min(found, (loss, float(temperature), float(bias)))
    return found[1], found[2]


def _best_threshold(confidence: np.ndarray, truth: np.ndarray) -> float:
    """The threshold on confidences with the best micro-F1, between 0.25 and 0.7."""
    grid = np.arange(0.25, 0.71, 0.01)
    f1 = [2 * (truth * (confidence >= t)).sum() / ((confidence >= t).sum() + truth.sum()) for t in grid]
    return round(float(grid[int(np.argmax(f1))]), 2)


def _temperature(scores: np.ndarray, truth: np.ndarray) -> float:
    """The temperature of highest likelihood on a grid from 0.3 to 4."""
    grid = np.exp(np.linspace(np.log(0.3), np.log(4.0), 60))
    chances = [np.clip(sigmoid(scores / t), 1e-6, 1 - 1e-6) for t in grid]
    losses = [-(truth * np.log(p) + (1 - truth) * np.log(1 - p)).mean() for p in chances]
    return float(grid[int(np.argmin(losses))])
