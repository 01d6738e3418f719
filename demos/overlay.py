"""What was found in a photo, drawn on it; and what was found in words, marked in them.

A field is drawn where the reader saw the lines that its characters come from, narrowed along the line to its share
of the characters.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

from agent.receipts import boxes_of
from agent.types import Entity, Photo
from modalities.types import Box, Image

PALETTE = ("#0b6e99", "#b3521d", "#2c7a3f", "#7a3e9d", "#a8305f", "#5c6b12", "#1f4fa3", "#8a5a00")
_ON_RECEIPTS = ("company", "address", "date", "total")
"""Often drawn side by side, so each has the colour of its place here; other types share them by their letters."""
LONG_SIDE = 1200  # pixels of the photo as shown
_JPEG_QUALITY = 82


@dataclass(frozen=True)
class Field:
    """A found field: what it is, its value, where it is (fractions of the picture) and its colour."""

    label: str
    value: str
    box: Box
    color: str


@dataclass(frozen=True)
class Mark:
    """A stretch of text; with the type and value of the entity it is, or neither."""

    text: str
    type: str = ""
    value: str = ""
    color: str = ""


def color_of(label: str) -> str:
    """The colour of an entity type: the same one wherever it is shown."""
    place = _ON_RECEIPTS.index(label) if label in _ON_RECEIPTS else sum(label.encode())
    return PALETTE[place % len(PALETTE)]


def fields(photo: Photo, entities: Sequence[Entity]) -> tuple[Field, ...]:
    """The fields found in a photo with their places: entities of its text, then barcodes."""
    found = []
    for entity in entities:
        if not entity.source.startswith("photo.") or entity.source == "photo.barcode":
            continue
        boxes = boxes_of(photo.lines, ((entity.start, entity.end),))
        if boxes:
            found.append(Field(entity.type, entity.value, _around(boxes), color_of(entity.type)))
    codes = (Field(code.format, code.text, code.box, color_of(code.format)) for code in photo.barcodes)
    return (*found, *codes)


def _around(boxes: Sequence[Box]) -> Box:
    left, top, right, bottom = zip(*boxes, strict=True)
    return (min(left), min(top), max(right), max(bottom))


def marks(text: str, entities: Sequence[Entity]) -> tuple[Mark, ...]:
    """The words cut where entities begin and end. Of two that overlap the first, then the longer one, is shown."""
    spoken = [e for e in entities if not e.source.startswith("photo.") and 0 <= e.start < e.end <= len(text)]
    parts, at = [], 0
    for entity in sorted(spoken, key=lambda e: (e.start, -e.end)):
        if entity.start < at:
            continue
        if entity.start > at:
            parts.append(Mark(text[at : entity.start]))
        parts.append(Mark(text[entity.start : entity.end], entity.type, entity.value, color_of(entity.type)))
        at = entity.end
    return (*parts, Mark(text[at:])) if at < len(text) else tuple(parts)


def shown_size(image: Image, long_side: int = LONG_SIDE) -> tuple[int, int]:
    """Width and height in pixels at which a photo is shown."""
    scale = min(1.0, long_side / max(image.width, image.height))
    return max(1, round(image.width * scale)), max(1, round(image.height * scale))


def data_url(image: Image, long_side: int = LONG_SIDE) -> str:
    """The photo as a JPEG `data:` URL, so that a page holds it and loads nothing."""
    from PIL import Image as Pillow

    buffer = io.BytesIO()
    Pillow.fromarray(image.pixels).resize(shown_size(image, long_side)).save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
