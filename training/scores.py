"""A model's raw scores of rows with their texts and photos encoded, for the trainer's own loop, and what they mean."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from agent.checkpoint import Calibration
from agent.decode import Span, Tagged, decode_intents, decode_tags, softmax
from agent.fusion import collate
from agent.heads import Labels, UnderstandingModel
from agent.types import Entity, Sentiment, Understanding
from modalities.text import BaseTextEncoder
from modalities.types import Encoding
from training.photo_bank import PhotoBank
from training.rows import Row

FloatArray = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Scores:
    """Raw scores of rows: fused vectors (n, width), intents (n, intents), scope and several (n,), sentiment (n, 3), the
    tagger's spans by row.
    """

    pooled: FloatArray
    intents: FloatArray
    scope: FloatArray
    several: FloatArray
    sentiment: FloatArray
    spans: list[list[Span]]


@torch.inference_mode()
def scores_of(
    rows: Sequence[Row],
    encoder: BaseTextEncoder,
    model: UnderstandingModel,
    bank: PhotoBank | None,
    voices: Mapping[Path, Encoding] | None = None,
    batch: int = 64,
) -> Scores:
    """Run the model over rows, each with words or a photo.

    Args:
        rows: photos they name by kind alone are drawn from the bank with a fixed seed.
        encoder, model: of the stack.
        bank: photos, or None to leave them out.
        voices: prosody of the recordings that rows name.
        batch: rows at once.
    """
    rng, device = random.Random(1), str(next(model.parameters()).device)
    pooled, intents, scope, several, sentiment = [], [], [], [], []
    transitions = model.crf.transitions()
    spans: list[list[Span]] = []
    for first in range(0, len(rows), batch):
        part = rows[first : first + batch]
        texts = encoder.encode([row.text for row in part])
        photos = [bank.beside(row, rng, changed=False) if bank else None for row in part]
        said = [voices.get(row.audio) if voices and row.audio else None for row in part]
        inputs = {
            "text": collate(texts, device),
            "image": collate([p.encoding if p else None for p in photos], device),
            "speech": collate(said, device),
        }
        logits = model({name: value for name, value in inputs.items() if value is not None})
        pooled.append(logits.pooled.float().cpu().numpy())
        intents.append(logits.intents.float().cpu().numpy())
        scope.append(logits.out_of_scope.float().cpu().numpy())
        several.append(logits.several.float().cpu().numpy())
        sentiment.append(logits.sentiment.float().cpu().numpy())
        tags = logits.tags["text"].float().cpu().numpy() if "text" in logits.tags else np.zeros((len(part), 0, 0))
        tagged = [
            Tagged(tags[i, : len(text)], text.spans, row.text)
            for i, (row, text) in enumerate(zip(part, texts, strict=True))
        ]
        spans += decode_tags(tagged, model.labels, transitions)
    raw = [np.concatenate(parts) for parts in (pooled, intents, scope, several, sentiment)]
    return Scores(raw[0], raw[1], raw[2], raw[3], raw[4], spans)


def understood(rows: Sequence[Row], scores: Scores, labels: Labels, calibration: Calibration) -> list[Understanding]:
    """What the scores of rows mean: understandings without recognizers and photos."""
    results = []
    for i, row in enumerate(rows):
        intents, wanted, outside, verdict = decode_intents(
            scores.intents[i], float(scores.scope[i]), float(scores.several[i]), labels, calibration
        )
        mood = softmax(scores.sentiment[i])
        sentiment = Sentiment(labels.sentiments[int(mood.argmax())], float(mood[2] - mood[0]))
        entities = tuple(
            Entity(kind, row.text[a:b], row.text[a:b], a, b, "tagger", score) for kind, a, b, score in scores.spans[i]
        )
        results.append(
            Understanding(
                text=row.text,
                intents=intents,
                wanted=wanted,
                entities=entities,
                verdict=verdict,
                out_of_scope=outside,
                sentiment=sentiment,
            )
        )
    return results
