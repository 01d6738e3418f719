"""What the fused vectors say: intents, out-of-scope, entity tags, sentiment, photo kind and condition.

Intents are independent (a customer may want two things; whether there are several is asked for itself). What fits no
intent well is the likelier to lie outside. Entity tags are read from text and OCR vectors alike,
beginning/inside/outside (Ramshaw & Marcus 1995), a sentence's all together; capitals tell the tagger of names, and
nobody of wishes. Photo kind and condition are read from the photo's own vectors before attention, so that words about
damage are never mistaken for seen damage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from agent.crf import LinearChainCRF
from agent.fusion import Fused, Fusion, FusionConfig, ModalityBatch
from agent.memory import Memory
from modalities.capitals import SMALL, WAYS

SENTIMENTS = ("negative", "neutral", "positive")
PHOTO_KINDS = ("receipt", "clothing", "grocery", "other")
CONDITIONS = ("intact", "damaged")
OUTSIDE = "O"


@dataclass(frozen=True)
class Labels:
    """The label sets a model was trained for; `entities` are types, from which the tags follow."""

    intents: tuple[str, ...]
    entities: tuple[str, ...]
    sentiments: tuple[str, ...] = SENTIMENTS
    photo_kinds: tuple[str, ...] = PHOTO_KINDS
    conditions: tuple[str, ...] = CONDITIONS

    @property
    def tags(self) -> tuple[str, ...]:
        """O, then B- and I- of every entity type."""
        return (OUTSIDE, *(f"{place}-{name}" for name in self.entities for place in "BI"))


@dataclass(frozen=True, eq=False)
class Logits:
    """Raw scores of a batch.

    Attributes:
        intents: (batch, number of intents).
        out_of_scope: (batch,): what its head says less the best intent's score.
        pooled: (batch, width): the fused vector that the scores of intents were read from.
        several: (batch,): whether more than one intent is meant.
        sentiment: (batch, 3).
        tags: by modality ("text", "ocr"), (batch, n, number of tags), each token's own (`agent.crf` goes on).
        kind, condition: (batch, number of kinds / conditions), None where no row has a photo.
    """

    pooled: Tensor
    intents: Tensor
    out_of_scope: Tensor
    several: Tensor
    sentiment: Tensor
    tags: Mapping[str, Tensor]
    kind: Tensor | None
    condition: Tensor | None


class UnderstandingModel(nn.Module):
    """Fusion with its heads: what a checkpoint holds beside the text encoder's adapter."""

    def __init__(self, config: FusionConfig, labels: Labels, photo: int = 0) -> None:
        """Make the layers; `photo` is the width of a photo's vectors, 0 for a model that tells no photos apart."""
        super().__init__()
        self.labels = labels
        self.fusion = Fusion(config)
        width = config.width

        def head(size: int, inputs: int = width) -> nn.Module:
            return nn.Sequential(nn.Dropout(config.dropout), nn.Linear(inputs, size))

        self.intents = head(len(labels.intents))
        self.out_of_scope = head(1)
        self.several = head(1)
        self.sentiment = head(len(labels.sentiments))
        self.capitals = nn.Embedding(WAYS, width, padding_idx=SMALL, _weight=torch.zeros(WAYS, width))
        self.tags = nn.Sequential(nn.Linear(2 * width, width), nn.GELU(), head(len(labels.tags)))
        self.crf = LinearChainCRF(len(labels.tags))
        self.photo = PhotoHead(photo, labels) if photo else None
        self.memory: Memory | None = None

    def see(self, head: PhotoHead) -> None:
        """Tell photos apart by this head."""
        self.photo = head

    def remember(self, memory: Memory | None) -> None:
        """Ask this memory beside the head of intents."""
        self.memory = memory

    def forward(self, inputs: Mapping[str, ModalityBatch]) -> Logits:
        """Scores of a batch; see `Fusion.forward` for the inputs."""
        fused = self.fusion(inputs)
        photo = self.photo(inputs["image"]) if self.photo is not None and "image" in inputs else None
        tags = {
            name: self.tags(torch.cat([fused.tokens[name], self._written(name, fused, inputs)], dim=-1))
            for name in ("text", "ocr")
            if name in fused.tokens
        }
        return self.read(fused.pooled, tags, photo)

    def _written(self, name: str, fused: Fused, inputs: Mapping[str, ModalityBatch]) -> Tensor:
        """Vectors before attention, (batch, n, width), with how each word is written."""
        projected, capitals = fused.projected[name], inputs[name].capitals
        return projected if capitals is None else projected + self.capitals(capitals)

    def read(self, pooled: Tensor, tags: Mapping[str, Tensor], photo: tuple[Tensor, Tensor] | None = None) -> Logits:
        """What the heads make of fused vectors (batch, width), beside scores of tags and of photos."""
        intents = self.intents(pooled)
        best = intents.amax(dim=-1).detach() if intents.shape[-1] else intents.new_zeros(len(intents))
        return Logits(
            pooled=pooled,
            intents=intents if self.memory is None else self.memory(intents, pooled),
            out_of_scope=self.out_of_scope(pooled).squeeze(-1) - best,
            several=self.several(pooled).squeeze(-1),
            sentiment=self.sentiment(pooled),
            tags=tags,
            kind=None if photo is None else photo[0],
            condition=None if photo is None else photo[1],
        )


class PhotoHead(nn.Module):
    """Kind and condition of a photo from its own vectors; it knows nothing of the pack."""

    def __init__(self, inputs: int, labels: Labels, width: int = 256) -> None:
        super().__init__()
        self.inputs = inputs
        self.project = nn.Sequential(nn.LayerNorm(inputs), nn.Linear(inputs, width))
        self.kind = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, len(labels.photo_kinds)))
        self.condition = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, len(labels.conditions)))

    def forward(self, batch: ModalityBatch) -> tuple[Tensor, Tensor]:
        """Scores (batch, kinds) and (batch, conditions); rows without a photo get meaningless ones."""
        vectors, mask = self.project(batch.vectors), batch.mask.unsqueeze(-1)
        mean = (vectors * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)
        peak = vectors.masked_fill(~mask, -1e4).amax(dim=1)
        look = mean + torch.where(mask.any(dim=1), peak, torch.zeros_like(peak))
        return self.kind(look), self.condition(look)
