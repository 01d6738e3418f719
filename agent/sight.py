"""What a photo shows on its own: kind, condition, and the ids printed in it; nothing of what was said with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from statistics import mean

import numpy as np
import numpy.typing as npt
import torch

from agent.decode import softmax
from agent.domain import EntityType
from agent.fusion import collate
from agent.heads import UnderstandingModel
from agent.ids import id_finds
from agent.receipts import is_receipt
from agent.types import Entity, Photo
from modalities.types import Barcode, Encoding, Image, TextLine

Pixels = npt.NDArray[np.uint8]

PRODUCTS = ("clothing", "grocery")
"""Kinds of photo that have a condition."""

_LOOK = 112  # pixels of a second look
_SURE = (
    0.9  # from which on a second look is believed; of 150 garments and 150 groceries it then took three for receipts
)


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


def may_be_receipt(
    image: Image, encode: Callable[[Sequence[Image]], Sequence[Encoding]], model: UnderstandingModel
) -> bool:
    """Whether what was taken for a product may be a receipt: turned by quarters or in even light, it looks like one."""
    if model.photo is None or "receipt" not in model.labels.photo_kinds:
        return False
    small = _small(image)
    looks = [*(np.rot90(small, quarters) for quarters in (1, 2, 3)), _evenly_lit(small)]
    device = str(next(model.parameters()).device)
    seen = [kind_of(e, model, device) for e in encode([Image(np.ascontiguousarray(look)) for look in looks])]
    return any(photo.kind == "receipt" and photo.kind_confidence >= _SURE for photo in seen)


def by_print(photo: Photo, lines: Sequence[TextLine]) -> Photo:
    """The photo as what its print shows it to be."""
    if photo.kind == "receipt" or not is_receipt(lines):
        return photo
    return replace(photo, kind="receipt", kind_confidence=mean(line.confidence for line in lines), condition=None)


def _small(image: Image) -> Pixels:
    from PIL import Image as pil

    return np.asarray(pil.fromarray(image.pixels).resize((_LOOK, _LOOK), pil.Resampling.BILINEAR, reducing_gap=2.0))


def _evenly_lit(pixels: Pixels) -> Pixels:
    """A photo without shadows: each place as bright as its surroundings allow (homomorphic, by a wide blur)."""
    from PIL import Image as pil
    from PIL import ImageFilter

    lightest = pil.fromarray(pixels.max(axis=2)).filter(ImageFilter.GaussianBlur(_LOOK / 8))
    light = np.maximum(np.asarray(lightest, dtype=np.float32), 20)
    gain = np.percentile(light, 95) / light
    return np.asarray((pixels * gain[..., None]).clip(0, 255), dtype=np.uint8)


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
