from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as pil

from agent.errors import PackError
from agent.lookalikes import Lookalikes
from demos import lookalike
from modalities.types import FloatArray, Image

COLOURS = {"red mug": (200, 30, 30), "green mug": (30, 180, 40), "blue mug": (30, 40, 190)}


class MeanColour:
    """The photo's mean colour as its vector."""

    def encode(self, images: Sequence[Image]) -> FloatArray:
        means = np.stack([image.pixels.mean(axis=(0, 1)) - 85 for image in images]).astype(np.float32)
        return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), np.float32)


def shelf(folder: Path, colours: dict[str, tuple[int, int, int]] = COLOURS) -> Path:
    """Three noisy photos of each product."""
    rng = np.random.default_rng(0)
    for name, colour in colours.items():
        (folder / name).mkdir(parents=True)
        for i in range(3):
            pixels = (np.array(colour) + rng.normal(0, 20, (60, 60, 3))).clip(0, 255).astype(np.uint8)
            pil.fromarray(pixels).save(folder / name / f"{i}.png")
    return folder


def test_the_product_most_like_the_photo_comes_first(tmp_path: Path) -> None:
    known = Lookalikes(shelf(tmp_path), MeanColour())
    photo = Image(np.full((40, 40, 3), (40, 170, 60), np.uint8))
    found = known.find(photo, count=2)
    assert found[0].name == "green mug"
    assert len(found) == 2
    assert found[0].likeness > found[1].likeness


def test_a_folder_without_photos_is_named(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="no product photos"):
        Lookalikes(tmp_path, MeanColour())
    (tmp_path / "mug").mkdir()
    (tmp_path / "mug" / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(PackError, match="mug"):
        Lookalikes(tmp_path, MeanColour())


def test_the_shipped_encoder_tells_colours_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo = tmp_path / "photo.png"
    pil.fromarray(np.full((80, 80, 3), (190, 40, 40), np.uint8)).save(photo)
    assert lookalike.main([str(photo), "--products", str(shelf(tmp_path / "shelf"))]) == 0
    assert capsys.readouterr().out.splitlines()[0].endswith("red mug")
    assert lookalike.main([str(tmp_path / "none.png"), "--products", str(tmp_path / "shelf")]) == 2
