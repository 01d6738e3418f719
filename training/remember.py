"""The memory of a trained model: which training rows it holds, and whether it has one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from agent.heads import UnderstandingModel
from agent.memory import Memory
from training.batches import shown
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
    asked = _of_one_intent(validation)
    if not _of_one_intent(training) or not asked:
        return
    memory = _filled(model, training, scored)
    ours, truth = scored(asked), _numbers(model, asked)
    scores, pooled = torch.from_numpy(ours.intents), torch.from_numpy(ours.pooled)
    if _right(memory(scores, pooled), truth) >= _right(scores, truth):
        model.remember(memory.to(next(model.parameters()).device))


def remember_all(model: UnderstandingModel, rows: Sequence[Row], scored: Callable[[list[Row]], Scores]) -> None:
    """Give a model that has a memory one of all these rows: those it was chosen and measured by are lost to it no more.

    For after the figures are taken.
    """
    if model.memory is not None:
        model.remember(_filled(model, rows, scored).to(next(model.parameters()).device))


def _filled(model: UnderstandingModel, rows: Sequence[Row], scored: Callable[[list[Row]], Scores]) -> Memory:
    """A memory of the rows of one intent; of those that came with a photo also as if it had come without words."""
    held = _of_one_intent(rows)
    held += [replace(row, text="", spans=None) for row in held if row.text and shown(row)]
    held = held[:: -(-len(held) // MOST)]
    return Memory.filled(torch.from_numpy(scored(held).pooled), _numbers(model, held)).tuned(SHARE, SHARPNESS)


def _of_one_intent(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.intents and len(row.intents) == 1]


def _numbers(model: UnderstandingModel, rows: Sequence[Row]) -> torch.Tensor:
    """Which intent each row of one intent means."""
    numbers = {name: i for i, name in enumerate(model.labels.intents)}
    return torch.tensor([numbers[(row.intents or ("",))[0]] for row in rows])


def _right(scores: torch.Tensor, truth: torch.Tensor) -> int:
    return int((scores.argmax(dim=-1) == truth).sum())
