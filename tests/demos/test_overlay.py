import base64
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from agent.types import Entity, Photo
from demos import overlay
from modalities.types import Barcode, Image, TextLine, join_lines

LINES = (TextLine("ABCD", (0.0, 0.0, 0.4, 0.1), 1.0), TextLine("EFGH IJ", (0.0, 0.2, 0.7, 0.3), 1.0))


def entity(start: int, end: int, source: Any = "photo.tagger", type_: Any = "total") -> Any:
    return Entity(type_, join_lines(LINES)[start:end], "v", start, end, source, 0.9)


@pytest.mark.parametrize(
    ("start", "end", "box"),
    [
        (0, 4, (0.0, 0.0, 0.4, 0.1)),
        (1, 3, (0.1, 0.0, 0.3, 0.1)),
        (10, 12, (0.5, 0.2, 0.7, 0.3)),
        (2, 7, (0.0, 0.0, 0.4, 0.3)),
    ],
)
def test_a_field_is_where_its_characters_were_read(start: int, end: int, box: Any) -> None:
    (field,) = overlay.fields(Photo("receipt", 1.0, lines=LINES), [entity(start, end)])
    assert field.box == pytest.approx(box)
    assert field.label == "total"


def test_only_what_the_photo_shows_is_drawn() -> None:
    photo = Photo("receipt", 1.0, lines=LINES, barcodes=(Barcode("123", "EAN13", (0.1, 0.1, 0.2, 0.2)),))
    drawn = overlay.fields(photo, [entity(0, 2, "pattern"), entity(90, 95), entity(0, 3, "photo.barcode")])
    assert [(f.label, f.value) for f in drawn] == [("EAN13", "123")]


def test_marks_put_together_are_the_text() -> None:
    text = "send K1 to 12 Elm Street"
    found = [
        Entity("order_id", "K1", "K1", 5, 7, "checksum", 1.0),
        Entity("address", "12 Elm Street", "12 Elm Street", 11, 24, "tagger", 0.8),
        Entity("quantity", "12", "12", 11, 13, "pattern", 0.5),
        Entity("total", "send", "9", 0, 4, "photo.tagger", 0.5),
        Entity("date", "?", "?", 20, 99, "tagger", 0.5),
    ]
    marks = overlay.marks(text, found)
    assert "".join(m.text for m in marks) == text
    assert [(m.text, m.type) for m in marks if m.type] == [("K1", "order_id"), ("12 Elm Street", "address")]


@pytest.mark.parametrize(("size", "shown"), [((3000, 1500), (1200, 600)), ((50, 20), (50, 20)), ((9000, 2), (1200, 1))])
def test_the_photo_is_inside_the_page(size: Any, shown: Any) -> None:
    image = Image(np.zeros((size[1], size[0], 3), np.uint8))
    head, data = overlay.data_url(image).split(",")
    assert head == "data:image/jpeg;base64"
    assert Pillow.open(io.BytesIO(base64.b64decode(data))).size == shown == overlay.shown_size(image)


def test_receipt_fields_have_colours_of_their_own() -> None:
    assert len({overlay.color_of(label) for label in ("company", "date", "address", "total")}) == 4
