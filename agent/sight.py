"""What a photo shows on its own: kind, condition, and the ids printed in it; nothing of what was said with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch

from agent.decode import softmax
from agent.domain import EntityType
from agent.fusion import collate
from agent.heads import UnderstandingModel
from agent.ids import id_finds
from agent.types import Entity, Photo
from modalities.types import Barcode, Encoding

PRODUCTS = ("clothing", "grocery")
"""Kinds of photo that have a condition."""


def kind_of(encoding: Encoding, model: UnderstandingModel, device: str) -> Photo:
    """What kind of photo it is, and in what condition a product is; unsure of "other" where the model tells none apart.

    Args:
        encoding: of the photo.
        model: of the checkpoint.
        device: where the model is.
    """
    batch = collate([encoding], device)
    if model.photo is None or batch is None:
        return Photo("other", 0.0)
    with torch.inference_mode():
        kinds, conditions = (softmax(scores[0].float().cpu().numpy()) for scores in model.photo(batch))
    kind = model.labels.photo_kinds[int(kinds.argmax())]
    condition = model.labels.conditions[int(conditions.argmax())] if kind in PRODUCTS else None
    return Photo(kind, float(kinds.max()), condition)


def codes(text: str, barcodes: Sequence[Barcode], types: Iterable[EntityType]) -> list[Entity]:
    """Ids printed in a photo or held by its barcodes; a wrong check digit is no id."""
    found = []
    for kind in types:
        if kind.recognizer != "id" or not kind.checksum:
            continue
        for find in id_finds(kind, text):
            if find.source == "checksum" and find.confidence > 0.9:
                words = text[find.start : find.end]
                found.append(Entity(kind.name, words, find.value, find.start, find.end, "photo.pattern", 0.95))
        for code in barcodes:
            if any(find.value == code.text for find in id_finds(kind, code.text)):
                found.append(Entity(kind.name, code.text, code.text, 0, 0, "photo.barcode", 0.99))
    return found
