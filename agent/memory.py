"""What training sentences meant, asked beside the intent head: a turn means what those most like it mean.

The head generalises, the memory keeps the rare and the particular; together they err less often than either (nearest
neighbours beside a network: Khandelwal et al. 2020, arXiv:1911.00172; weights as in Vinyals et al. 2016,
arXiv:1606.04080). It holds fused vectors, no words.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Memory(nn.Module):
    """Fused vectors of labelled rows, and how much they count.

    Attributes:
        vectors: (rows, width), of length one.
        intents: (rows,), the number of each one's intent.
        share: 0..1, what the memory counts for beside the intent head; 0 leaves the head's scores alone.
        sharpness: how much more the nearest rows count than others (the inverse of a softmax's temperature).
    """

    vectors: Tensor
    intents: Tensor
    share: Tensor
    sharpness: Tensor

    def __init__(self, rows: int, width: int) -> None:
        """An empty one of so many rows; `load_state_dict` or `filled` fill it."""
        super().__init__()
        self.register_buffer("vectors", torch.zeros(rows, width))
        self.register_buffer("intents", torch.zeros(rows, dtype=torch.long))
        self.register_buffer("share", torch.tensor(0.0))
        self.register_buffer("sharpness", torch.tensor(1.0))

    @classmethod
    def filled(cls, pooled: Tensor, intents: Tensor) -> Memory:
        """A memory of fused vectors (rows, width) and the number of each one's intent (rows,), that counts for 0."""
        memory = cls(*pooled.shape)
        memory.vectors, memory.intents = functional.normalize(pooled.float(), dim=-1), intents
        return memory

    def tuned(self, share: float, sharpness: float) -> Memory:
        """The same with other weights."""
        self.share, self.sharpness = torch.tensor(share), torch.tensor(sharpness)
        return self

    def fits(self, intents: int) -> bool:
        """Whether it names none but the first so many intents."""
        return bool(((self.intents >= 0) & (self.intents < intents)).all())

    def chances(self, pooled: Tensor, intents: int) -> Tensor:
        """What the rows most like each turn mean, (batch, intents), adding up to 1.

        Args:
            pooled: fused vectors, (batch, width).
            intents: how many there are.
        """
        asked = functional.normalize(pooled.to(self.vectors.dtype), dim=-1) * self.sharpness
        weights = (self.vectors @ asked.T).softmax(dim=0)
        return weights.new_zeros(intents, len(asked)).index_add_(0, self.intents, weights).T

    def forward(self, scores: Tensor, pooled: Tensor) -> Tensor:
        """Intent scores (batch, intents) with the memory's say: their softmax is the mixture, their sum of
        exponentials what it was.
        """
        if float(self.share) == 0.0 or not scores.shape[-1]:
            return scores
        mixed = (1 - self.share) * scores.softmax(dim=-1) + self.share * self.chances(pooled, scores.shape[-1])
        return mixed.clamp(min=1e-9).log() + scores.logsumexp(dim=-1, keepdim=True)
