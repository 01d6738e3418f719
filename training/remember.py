"""The memory of a trained model: which training rows it holds, and what they count for, chosen on validation rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from agent.heads import UnderstandingModel
from agent.memory import Memory
from training.rows import Row
from training.scores import Scores

SHARES = (0.3, 0.5, 0.7)
SHARPNESS = (20.0, 40.0, 80.0, 160.0)
MOST = 50_000
"""Rows that are held; of more, so many at even distances (a row is half a kilobyte)."""


def remember(
    model: UnderstandingModel, training: Sequence[Row], validation: Sequence[Row], scored: Callable[[list[Row]], Scores]
) -> None:
    """Give the model a memory of the training rows of one intent, or none where that helps no validation row.

    Args:
        model: trained; without a memory when `scored` is called.
        training, validation: rows; those of one intent count.
        scored: the model's scores of rows.
    """
    model.remember(None)
    held = [row for row in training if row.intents and len(row.intents) == 1]
    held = held[:: -(-len(held) // MOST)] if held else held
    asked = [row for row in validation if row.intents and len(row.intents) == 1]
    if not held or not asked:
        return
    numbers = {name: i for i, name in enumerate(model.labels.intents)}
    known, truth = (torch.tensor([numbers[(row.intents or ("",))[0]] for row in rows]) for rows in (held, asked))
    memory = Memory.filled(torch.from_numpy(scored(held).pooled), known)
    ours = scored(asked)
    scores, pooled = torch.from_numpy(ours.intents), torch.from_numpy(ours.pooled)
    plain = (_worth(scores, truth), 0.0, 1.0)
    tried = [
        (_worth(memory.tuned(share, sharpness)(scores, pooled), truth), share, sharpness)
        for share in SHARES
        for sharpness in SHARPNESS
    ]
    _, share, sharpness = max([plain, *tried], key=lambda found: found[0])
    if share:
        model.remember(memory.tuned(share, sharpness).to(next(model.parameters()).device))


def _worth(scores: torch.Tensor, truth: torch.Tensor) -> tuple[int, float]:
    """How many rows are right, then how likely the truth is."""
    right = int((scores.argmax(dim=-1) == truth).sum())
    likelihood = scores.log_softmax(dim=-1).gather(1, truth[:, None]).mean()
    return right, float(np.round(float(likelihood), 6))
