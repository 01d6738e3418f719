"""The common representation: what was read, heard and seen as one sequence of vectors and one pooled vector.

Each modality is projected to one width and marked with a modality embedding; a few pre-norm transformer layers
attend over all that are present (Vaswani et al. 2017; pre-norm: Xiong et al. 2020, arXiv:2002.04745). A modality
that is absent is absent: it adds no vectors, not zeros. The pooled vector is the sum of each modality's mean and of
what attention adds, through a gate that starts closed (ReZero: Bachlechner et al. 2021, arXiv:2003.04887): what a
pretrained encoder tells already is not drowned by layers that know nothing yet. This file knows no intents and no
labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from modalities.types import Encoding

MODALITIES = ("text", "ocr", "image", "speech", "previous")
"""In the order they stand in the sequence. No checkpoint that ships was trained with `speech` (frames of the voice)
or `previous` (the agent's last words) yet."""

PLACED = ("ocr", "image")
"""Modalities whose vectors carry a box."""


@dataclass(frozen=True)
class FusionConfig:
    """Shape of a fusion model: `inputs` names the modalities it was made for and the width of each one's vectors."""

    inputs: Mapping[str, int]
    width: int = 256
    layers: int = 2
    heads: int = 4
    dropout: float = 0.1


@dataclass(frozen=True, eq=False)
class ModalityBatch:
    """One modality of a batch, padded.

    Attributes:
        vectors: (batch, n, width of the modality).
        mask: (batch, n), True where a vector is real.
        boxes: (batch, n, 4), or None for modalities without a place.
        capitals: (batch, n), how words are written (`modalities.capitals`), or None where that tells nothing.
    """

    vectors: Tensor
    mask: Tensor
    boxes: Tensor | None = None
    capitals: Tensor | None = None

    def to(self, device: torch.device) -> ModalityBatch:
        """The same on another device."""
        boxes, capitals = (None if t is None else t.to(device) for t in (self.boxes, self.capitals))
        return ModalityBatch(self.vectors.to(device), self.mask.to(device), boxes, capitals)


@dataclass(frozen=True, eq=False)
class Fused:
    """What fusion returns: by modality (batch, n, width) before and after attention, and pooled (batch, width)."""

    projected: Mapping[str, Tensor]
    tokens: Mapping[str, Tensor]
    masks: Mapping[str, Tensor]
    pooled: Tensor


def collate(encodings: Sequence[Encoding | None], device: str = "cpu") -> ModalityBatch | None:
    """Pad one modality of a batch; None where every row lacks it."""
    sizes = [0 if e is None else len(e) for e in encodings]
    if not any(sizes):
        return None
    present = next(e for e in encodings if e is not None and len(e))
    vectors = np.zeros((len(sizes), max(sizes), present.vectors.shape[1]), np.float32)
    mask = np.zeros(vectors.shape[:2], bool)
    boxes = np.zeros((*vectors.shape[:2], 4), np.float32) if present.boxes else None
    capitals = np.zeros(mask.shape, np.int64) if any(e is not None and e.capitals for e in encodings) else None
    for row, encoding in enumerate(encodings):
        if encoding is None or not len(encoding):
            continue
        vectors[row, : sizes[row]] = encoding.vectors
        mask[row, : sizes[row]] = True
        if boxes is not None:
            boxes[row, : sizes[row]] = encoding.boxes
        if capitals is not None and encoding.capitals:
            capitals[row, : sizes[row]] = encoding.capitals
    return ModalityBatch(
        torch.from_numpy(vectors).to(device),
        torch.from_numpy(mask).to(device),
        None if boxes is None else torch.from_numpy(boxes).to(device),
        None if capitals is None else torch.from_numpy(capitals).to(device),
    )


def box_features(boxes: Tensor) -> Tensor:
    """Places as sines and cosines of four frequencies (Tancik et al. 2020): (..., 4) to (..., 32)."""
    frequencies = torch.tensor([1.0, 2.0, 4.0, 8.0], device=boxes.device) * torch.pi
    angles = boxes.unsqueeze(-1) * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=-1).flatten(-2)


class Fusion(nn.Module):
    """Encodings of any modalities to one sequence of fused vectors and a pooled vector."""

    def __init__(self, config: FusionConfig) -> None:
        """Make the layers for the modalities `config.inputs` names.

        Raises:
            ValueError: a modality that fusion does not know.
        """
        super().__init__()
        unknown = set(config.inputs) - set(MODALITIES)
        if unknown:
            raise ValueError(f"unknown modalities {sorted(unknown)!r}; fusion knows {MODALITIES}")
        self.config = config
        width = config.width
        self.project = nn.ModuleDict(
            {name: nn.Sequential(nn.LayerNorm(size), nn.Linear(size, width)) for name, size in config.inputs.items()}
        )
        self.shortcut = nn.ModuleDict(
            {name: nn.Sequential(nn.LayerNorm(size), nn.Linear(size, width)) for name, size in config.inputs.items()}
        )
        self.gate = nn.Parameter(torch.zeros(width))
        self.kind = nn.Embedding(len(MODALITIES), width)
        self.place = nn.Linear(32, width)
        self.summary = nn.Parameter(torch.randn(width) * 0.02)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, config.heads, 2 * width, config.dropout, activation="gelu", batch_first=True, norm_first=True
            )
            for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(width)

    def forward(self, inputs: Mapping[str, ModalityBatch]) -> Fused:
        """Fuse a batch.

        Args:
            inputs: by modality; at least one, all of the same batch size.
        """
        names = [name for name in MODALITIES if name in inputs and name in self.project]
        if not names:
            raise ValueError("nothing to fuse: no modality of this batch is known to the model")
        projected = {name: self._project(name, inputs[name]) for name in names}
        masks = {name: inputs[name].mask for name in names}
        batch = projected[names[0]].shape[0]
        sequence = torch.cat([self.summary.expand(batch, 1, -1), *(projected[name] for name in names)], dim=1)
        present = torch.cat([masks[names[0]].new_ones(batch, 1), *(masks[name] for name in names)], dim=1)
        for layer in self.layers:
            sequence = layer(sequence, src_key_padding_mask=~present)
        weights = present.unsqueeze(-1).to(sequence.dtype)
        mean = (sequence * weights).sum(dim=1) / weights.sum(dim=1)
        pieces = torch.split(sequence[:, 1:], [masks[name].shape[1] for name in names], dim=1)
        pooled = self.gate * self.norm(sequence[:, 0] + mean)
        for name in names:
            pooled = pooled + self._mean(name, inputs[name])
        return Fused(projected, dict(zip(names, pieces, strict=True)), masks, pooled)

    def _mean(self, name: str, batch: ModalityBatch) -> Tensor:
        """A modality's mean vector, projected, (batch, width); zeros in rows that lack it."""
        mask = batch.mask.unsqueeze(-1).to(batch.vectors.dtype)
        count = mask.sum(dim=1)
        mean: Tensor = self.shortcut[name]((batch.vectors * mask).sum(dim=1) / count.clamp(min=1))
        return mean * count.clamp(max=1)

    def _project(self, name: str, batch: ModalityBatch) -> Tensor:
        vectors: Tensor = self.project[name](batch.vectors) + self.kind.weight[MODALITIES.index(name)]
        if name in PLACED and batch.boxes is not None:
            vectors = vectors + self.place(box_features(batch.boxes))
        return vectors
