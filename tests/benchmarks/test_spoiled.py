from __future__ import annotations

import numpy as np
import pytest

from benchmarks.spoiled import WAYS, spoil
from modalities.types import Image


@pytest.mark.parametrize("way", WAYS)
def test_every_way_changes_the_photo_and_always_alike(way: str) -> None:
    photo = Image(np.random.default_rng(0).integers(0, 255, (600, 400, 3), dtype=np.uint8))
    once, again = spoil(photo, way, "a"), spoil(photo, way, "a")
    assert np.array_equal(once.pixels, again.pixels)
    assert once.pixels.shape != photo.pixels.shape or not np.array_equal(once.pixels, photo.pixels)


def test_seen_from_the_side_the_table_shows_in_the_corners() -> None:
    white = Image(np.full((200, 160, 3), 255, dtype=np.uint8))
    seen = spoil(white, "from the side", "paper").pixels
    assert seen[100, 80].min() == 255
    assert (seen[:4, :4] < 255).any() or (seen[-4:, -4:] < 255).any()
