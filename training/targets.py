"""Rows to tensors, and the loss over whichever labels each row has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from agent.heads import OUTSIDE, Labels, Logits
from training.augment import Spans
from training.rows import Row

IGNORED = -100
WEIGHTS = {"intents": 1.0, "independent": 4.0, "scope": 1.0, "tags": 1.0, "sentiment": 0.4, "photo": 0.5}
"""What each loss counts for in the sum."""


@dataclass(frozen=True, eq=False)
class Targets:
    """Labels of a batch; IGNORED (or a False mask) where a row has none.

    Attributes:
        intents: (batch, intents) 0 or 1; `labelled`: (batch,) bool.
        sentiment, kind, condition: (batch,).
        tags: by modality, (batch, n).
    """

    intents: Tensor
    labelled: Tensor
    sentiment: Tensor
    kind: Tensor
    condition: Tensor
    tags: dict[str, Tensor]

    def to(self, device: torch.device) -> Targets:
        """The same on another device."""
        plain = (self.intents, self.labelled, self.sentiment, self.kind, self.condition)
        tags = {name: ids.to(device) for name, ids in self.tags.items()}
        return Targets(*(tensor.to(device) for tensor in plain), tags)


def tag_ids(spans: Spans | None, offsets: Sequence[tuple[int, int]], labels: Labels) -> list[int]:
    """A tag for each token by its character offsets; tokens of no characters are ignored."""
    if spans is None:
        return [IGNORED] * len(offsets)
    index = {tag: i for i, tag in enumerate(labels.tags)}
    result = [index[OUTSIDE] if b > a else IGNORED for a, b in offsets]
    for kind, start, end in spans:
        place = "B"
        for i, (a, b) in enumerate(offsets):
            if b > a and a < end and b > start:
                result[i] = index[f"{place}-{kind}"]
                place = "I"
    return result


def targets_of(
    rows: Sequence[Row],
    tags: dict[str, Tensor],
    kinds: Sequence[str | None],
    conditions: Sequence[str | None],
    labels: Labels,
) -> Targets:
    """Targets of a batch; `tags` come from `tag_ids`, kinds and conditions from the photos drawn for the rows."""
    intents = torch.zeros(len(rows), len(labels.intents))
    for i, row in enumerate(rows):
        for name in row.intents or ():
            intents[i, labels.intents.index(name)] = 1.0
    return Targets(
        intents,
        torch.tensor([row.intents is not None for row in rows]),
        _ids([row.sentiment for row in rows], labels.sentiments),
        _ids(kinds, labels.photo_kinds),
        _ids(conditions, labels.conditions),
        tags,
    )


def _ids(values: Sequence[str | None], names: Sequence[str]) -> Tensor:
    return torch.tensor([names.index(value) if value in names else IGNORED for value in values])


def loss_of(logits: Logits, targets: Targets) -> Tensor:
    """Weighted sum of the losses of all heads that have labels in this batch.

    Intents are learnt twice from one score: softmax over those meant (which ranks well) and each on its own
    (which tells one from two and some from none).
    """
    losses = []
    known = targets.labelled
    if known.any():
        scores, truth = logits.intents[known], targets.intents[known]
        meant = truth.sum(dim=1)
        inside = meant > 0
        if inside.any():
            shares = truth[inside] / meant[inside].unsqueeze(1)
            losses.append(WEIGHTS["intents"] * functional.cross_entropy(scores[inside], shares, label_smoothing=0.05))
        losses.append(WEIGHTS["independent"] * functional.binary_cross_entropy_with_logits(scores, truth))
        scope = functional.binary_cross_entropy_with_logits(logits.out_of_scope[known], (~inside).float())
        losses.append(WEIGHTS["scope"] * scope)
    for name, ids in targets.tags.items():
        losses.append(WEIGHTS["tags"] * _cross_entropy(logits.tags[name].flatten(0, 1), ids.flatten()))
    losses.append(WEIGHTS["sentiment"] * _cross_entropy(logits.sentiment, targets.sentiment))
    if logits.kind is not None and logits.condition is not None:
        losses.append(WEIGHTS["photo"] * _cross_entropy(logits.kind, targets.kind))
        losses.append(WEIGHTS["photo"] * _cross_entropy(logits.condition, targets.condition))
    return torch.stack(losses).sum()


def _cross_entropy(scores: Tensor, ids: Tensor) -> Tensor:
    """Mean over the labelled, zero (with a gradient) where there are none."""
    if not (ids != IGNORED).any():
        return scores.sum() * 0.0
    return functional.cross_entropy(scores, ids, ignore_index=IGNORED)
