"""A loss that draws fused vectors of one intent together and those of others apart.

Supervised contrast (Khosla et al. 2020, arXiv:2004.11362) with the vectors of recent batches beside those of the batch
(Wang et al. 2020, "Cross-Batch Memory", arXiv:1912.06798): a batch of 32 rows rarely holds two of one intent.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

RECENT = 2_048
"""Vectors of earlier batches that are compared with."""
TEMPERATURE = 0.1
"""What cosines are divided by."""


class Contrast:
    """Compares a batch's fused vectors with each other and with recent ones."""

    def __init__(self) -> None:
        """Nothing is recent yet."""
        self._vectors: Tensor | None = None
        self._intents: Tensor | None = None

    def forget(self) -> None:
        """Leave out what was compared so far."""
        self._vectors = self._intents = None

    def loss(self, pooled: Tensor, intents: Tensor) -> Tensor:
        """Mean over the rows that have another of their intent beside them; 0 where none has.

        Args:
            pooled: fused vectors, (batch, width).
            intents: (batch, intents), 1 for those meant; rows that do not mean exactly one are left out.
        """
        one = intents.sum(dim=1) == 1
        vectors, meant = functional.normalize(pooled[one].float(), dim=-1), intents[one].argmax(dim=1)
        count = len(vectors)
        others, theirs = vectors, meant
        if self._vectors is not None and self._intents is not None:
            others, theirs = torch.cat([vectors, self._vectors]), torch.cat([meant, self._intents])
        itself = torch.zeros(count, len(others), dtype=torch.bool, device=vectors.device)
        itself.fill_diagonal_(True)
        near = (vectors @ others.T / TEMPERATURE).masked_fill(itself, -1e4).log_softmax(dim=1)
        same = ((meant[:, None] == theirs) & ~itself).float()
        found = same.sum(dim=1)
        self._vectors, self._intents = others.detach()[:RECENT], theirs[:RECENT]
        if not (found > 0).any():
            return pooled.sum() * 0.0
        return -((near * same).sum(dim=1)[found > 0] / found[found > 0]).mean()
