"""The memory of a trained model: which training rows it holds, and whether it has one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from agent.heads import UnderstandingModel
from agent.memory import Memory
from training.rows import Row
from training.scores import Scores

SHARE, SHARPNESS = 0.4, 50.0
"""What a memory counts for and how near a row must be, the same for every pack: chosen anew on a few hundred validation
rows they did worse on others (docs/experiments.md)."""
MOST = 50_000
"""Rows that are held; of more, so many at even distances (a row is half a kilobyte)."""


def remember(
    model: UnderstandingModel, training: Sequence[Row], validation: Sequence[Row], scored: Callable[[list[Row]], Scores]
) -> None:
    """Give the model a memory of the training rows of one intent, or none where that makes fewer validation rows right.

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
    memory.tuned(SHARE, SHARPNESS)
    if _right(memory(scores, pooled), truth) >= _right(scores, truth):
        model.remember(memory.to(next(model.parameters()).device))


def _right(scores: torch.Tensor, truth: torch.Tensor) -> int:
    return int((scores.argmax(dim=-1) == truth).sum())
