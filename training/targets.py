"""Rows to tensors, and the loss over whichever labels each row has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

from agent.crf import LinearChainCRF
from agent.heads import OUTSIDE, Labels, Logits
from training.augment import Spans
from training.rows import Row

IGNORED = -100
SHARES = {"intents": 1.0, "independent": 4.0, "scope": 1.0, "several": 1.0, "tags": 3.0, "sentiment": 0.4, "photo": 0.5}
"""What each loss counts for in the sum."""

TELLING = 100
"""Spans of a type from which on it is believed what never happens to it."""

MOST = 5.0
"""How many times more than another an intent may count for being rare."""


@dataclass(frozen=True, eq=False)
class Weights:
    """What each intent counts for in the loss: (intents,), 1 in the mean."""

    intents: Tensor

    @classmethod
    def balanced(cls, rows: Sequence[Row], labels: Labels) -> Weights:
        """Rare intents count for more: by the inverse square root of their number of rows (Mahajan et al. 2018)."""
        counts = Counter(name for row in rows for name in row.intents or ())
        roots = torch.tensor([max(1, counts[name]) ** -0.5 for name in labels.intents])
        roots = roots.clamp(max=float(roots.min()) * MOST)
        return cls(roots / roots.mean())

    @classmethod
    def even(cls, labels: Labels) -> Weights:
        """Every intent counts for the same."""
        return cls(torch.ones(len(labels.intents)))


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
        intents, labelled, sentiment, kind, condition = (tensor.to(device) for tensor in plain)
        tags = {name: ids.to(device) for name, ids in self.tags.items()}
        return Targets(intents, labelled, sentiment, kind, condition, tags)


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


def alone(rows: Sequence[Row], labels: Labels) -> Tensor:
    """Entity types (types,) of which no two follow each other directly, as far as the rows tell.

    A name is cut in two more often than two names of a type stand side by side. Types with few spans are left open.
    """
    count, beside = Counter[str](), set()
    for row in rows:
        spans = sorted(row.spans or (), key=lambda span: span[1])
        count.update(kind for kind, _, _ in spans)
        beside |= {a for (a, _, end), (b, start, _) in pairwise(spans) if a == b and not row.text[end:start].strip()}
    return torch.tensor([count[kind] >= TELLING and kind not in beside for kind in labels.entities], dtype=torch.bool)


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


def loss_of(logits: Logits, targets: Targets, crf: LinearChainCRF, weights: Weights | None = None) -> Tensor:
    """Weighted sum of the losses of all heads that have labels in this batch; `weights` are even where None.

    Tags are learnt as whole sequences, through the model's `crf`.

    Intents are learnt twice from one score: softmax over those meant (which ranks well) and each on its own
    (which tells one from two and some from none).
    """
    losses: list[Tensor] = []
    known = targets.labelled
    if known.any():
        scores, truth = logits.intents[known], targets.intents[known]
        meant = truth.sum(dim=1)
        inside = meant > 0
        each = torch.ones_like(scores[0]) if weights is None else weights.intents.to(scores.device)
        if inside.any():
            shares = truth[inside] / meant[inside].unsqueeze(1)
            softmax = functional.cross_entropy(scores[inside], shares, label_smoothing=0.05, reduction="none")
            losses.append(SHARES["intents"] * (softmax * (shares @ each)).mean())
            several = (meant[inside] > 1).float()
            losses.append(
                SHARES["several"] * functional.binary_cross_entropy_with_logits(logits.several[known][inside], several)
            )
        alone = functional.binary_cross_entropy_with_logits(scores, truth, weight=1 + truth * (each - 1))
        losses.append(SHARES["independent"] * alone)
        scope = functional.binary_cross_entropy_with_logits(logits.out_of_scope[known], (~inside).float())
        losses.append(SHARES["scope"] * scope)
    for name, ids in targets.tags.items():
        losses.append(SHARES["tags"] * crf.loss(logits.tags[name], ids, IGNORED))
    losses.append(SHARES["sentiment"] * _cross_entropy(logits.sentiment, targets.sentiment))
    if logits.kind is not None and logits.condition is not None:
        losses.append(SHARES["photo"] * _cross_entropy(logits.kind, targets.kind))
        losses.append(SHARES["photo"] * _cross_entropy(logits.condition, targets.condition))
    return torch.stack(losses).sum()


def _cross_entropy(scores: Tensor, ids: Tensor) -> Tensor:
    """Mean over the labelled, zero (with a gradient) where there are none."""
    if not (ids != IGNORED).any():
        return scores.sum() * 0.0
    return functional.cross_entropy(scores, ids, ignore_index=IGNORED)
