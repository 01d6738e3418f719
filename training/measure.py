"""How good a model is on labelled rows: intents, out of scope, entities, calibration."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from agent.checkpoint import Calibration
from agent.decode import decode_intents, decode_tags, sigmoid
from agent.fusion import collate
from agent.heads import UnderstandingModel
from modalities.text import TextEncoder
from modalities.types import Encoding
from training.photo_bank import PhotoBank
from training.rows import Row

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
    figures: dict[str, float | int] = {"rows": len(rows)}
    names = model.labels.intents
    single = [i for i, r in enumerate(rows) if r.intents is not None and len(r.intents) == 1]
    several = [i for i, r in enumerate(rows) if r.intents is not None and len(r.intents) > 1]
    outside = [i for i, r in enumerate(rows) if r.intents == ()]
    decoded = [
        decode_intents(scores.intents[i], float(scores.scope[i]), model.labels, calibration) for i in range(len(rows))
    ]
    if single:
        truth = np.array([names.index(rows[i].intents[0]) for i in single])  # type: ignore[index]
        guess = scores.intents[single].argmax(axis=1)
        figures["intent_accuracy"] = float((truth == guess).mean())
        figures["intent_macro_f1"] = macro_f1(truth, guess)
        figures["accepted_accuracy"] = float(
            np.mean([decoded[i][3] == "ok" and decoded[i][0][0].name == rows[i].intents[0] for i in single])
        )  # type: ignore[index]
        confidence = sigmoid(scores.intents[single] / calibration.intent_temperature).max(axis=1)
        figures["calibration_error"] = calibration_error(confidence, truth == guess)
    if several:
        figures["two_intents_both_right"] = float(
            np.mean([{n.name for n in decoded[i][0][: decoded[i][1]]} == set(rows[i].intents or ()) for i in several])
        )
    if outside and single:
        limit = np.quantile(scores.scope[single], 1 - FALSE_REJECTION)
        figures["out_of_scope_recall_at_3_percent"] = float((scores.scope[outside] > limit).mean())
        figures["out_of_scope_recall"] = float(np.mean([decoded[i][3] == "out_of_scope" for i in outside]))
        figures["falsely_rejected"] = float(np.mean([decoded[i][3] == "out_of_scope" for i in single]))
    if any(row.spans for row in rows):
        figures["entity_f1"] = span_f1(
            [set(r.spans) for r in rows if r.spans is not None],
            [set(s) for r, s in zip(rows, scores.spans, strict=True) if r.spans is not None],
        )
    felt = [i for i, r in enumerate(rows) if r.sentiment is not None]
    if felt:
        guesses = scores.sentiment[felt].argmax(axis=1)
        figures["sentiment_accuracy"] = float(
            np.mean([model.labels.sentiments[g] == rows[i].sentiment for g, i in zip(guesses, felt, strict=True)])
        )
    return figures


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

    `accept` is the confidence that best tells right first guesses from wrong or unwanted ones; `clarify` half of it;
    `out_of_scope` the probability that at most 3% of in-scope rows exceed, and at least a half.
    """
    known = [i for i, r in enumerate(rows) if r.intents is not None]
    truth = np.zeros((len(known), len(model.labels.intents)), np.float32)
    for row, i in enumerate(known):
        for name in rows[i].intents or ():
            truth[row, model.labels.intents.index(name)] = 1
    inside = truth.sum(axis=1) > 0
    t_intent = _temperature(scores.intents[known][inside], truth[inside]) if inside.any() else 1.0
    t_scope = (
        _temperature(scores.scope[known][:, None], (~inside).astype(np.float32)[:, None]) if (~inside).any() else 1.0
    )
    scope = sigmoid(scores.scope[known] / t_scope)
    limit = float(np.quantile(scope[inside], 1 - FALSE_REJECTION)) if inside.any() and (~inside).any() else 0.5
    return Calibration(t_intent, t_scope, 0.5, 0.2, min(0.95, max(0.5, limit)))


def _temperature(scores: np.ndarray, truth: np.ndarray) -> float:
    """The temperature of highest likelihood on a grid from 0.3 to 4."""
    grid = np.exp(np.linspace(np.log(0.3), np.log(4.0), 60))
    chances = [np.clip(sigmoid(scores / t), 1e-6, 1 - 1e-6) for t in grid]
    losses = [-(truth * np.log(p) + (1 - truth) * np.log(1 - p)).mean() for p in chances]
    return float(grid[int(np.argmin(losses))])
