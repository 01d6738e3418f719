from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from agent import sight
from agent.fusion import FusionConfig
from agent.heads import Labels, UnderstandingModel
from agent.sight import by_print, may_be_receipt
from agent.types import Photo
from modalities.types import Encoding, Image, TextLine

TILL = (
    "QUAY SIDE TRADING",
    "NO. 12, PIER ROAD",
    "Rope 12.50",
    "Lamp 30.00",
    "Sub Total 42.50",
    "Tax 2.55",
    "TOTAL 45.05",
    "CASH 50.00",
)
PACK = ("OAT MILK", "1 litre", "best before", "keep cool", "shake well", "no sugar", "vitamin D", "1.99")


def lines(*texts: str) -> list[TextLine]:
    return [TextLine(text, (0.1, i / 20, 0.9, i / 20 + 0.03), 0.9) for i, text in enumerate(texts)]


def test_print_makes_a_receipt_of_a_photo_that_did_not_look_like_one() -> None:
    photo = by_print(Photo("clothing", 0.95, condition="damaged"), lines(*TILL))
    assert (photo.kind, photo.condition) == ("receipt", None)
    assert photo.kind_confidence == pytest.approx(0.9)


def test_print_on_a_pack_does_not() -> None:
    photo = Photo("grocery", 0.95, condition="intact")
    assert by_print(photo, lines(*PACK)) == photo
    assert by_print(photo, []) == photo


def told_by_its_top(encoding: Encoding, model: UnderstandingModel, device: str) -> Photo:
    """A receipt where the top is bright."""
    return Photo("receipt", 0.95) if encoding.vectors[0, 0] > 200 else Photo("clothing", 0.95)


def tops(images: Sequence[Image]) -> list[Encoding]:
    return [Encoding("image", np.full((1, 4), image.pixels[:20].mean(), np.float32)) for image in images]


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_receipt_is_looked_at_again(quarters: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sight, "kind_of", told_by_its_top)
    model = UnderstandingModel(FusionConfig({"image": 4}), Labels(("a",), ("total",)), photo=4)
    pixels = np.zeros((112, 112, 3), np.uint8)
    assert not may_be_receipt(Image(pixels), tops, model)
    pixels[:40] = 255
    assert may_be_receipt(Image(np.ascontiguousarray(np.rot90(pixels, quarters))), tops, model)


def test_a_receipt_in_the_shade_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sight, "kind_of", told_by_its_top)
    model = UnderstandingModel(FusionConfig({"image": 4}), Labels(("a",), ("total",)), photo=4)
    light = np.linspace(70, 240, 112)[:, None, None]
    shaded = np.repeat(np.repeat(light, 112, axis=1), 3, axis=2).astype(np.uint8)
    shaded[:, ::3] //= 4
    assert shaded[:20].mean() < 80
    seen: list[Image] = []

    def watched(images: Sequence[Image]) -> list[Encoding]:
        seen.extend(images)
        return tops(images)

    may_be_receipt(Image(shaded), watched, model)
    even = seen[-1].pixels
    assert even[:20].mean() / even[-20:].mean() > 2 * shaded[:20].mean() / shaded[-20:].mean()
