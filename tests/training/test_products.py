from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as pil

from modalities.errors import InputError
from modalities.surfaces import SurfaceEncoder
from modalities.types import Image
from training import products
from training.products import left_out, shelf_photos


def shop(folder: Path, count: int = 24) -> Path:
    """A data folder with noise photos of six products."""
    place = folder / "images" / "grocery"
    (place / "train").mkdir(parents=True)
    rng, rows = np.random.default_rng(2), ["path\tproduct\tcategory"]
    for i in range(count):
        tint = rng.integers(0, 120, 3)
        pil.fromarray((tint + rng.integers(0, 130, (40, 40, 3))).astype(np.uint8)).save(place / "train" / f"{i}.png")
        rows.append(f"train/{i}.png\tproduct {i % 6}\tfruit")
    (place / "train.tsv").write_text("\n".join(rows), encoding="utf-8")
    return folder


def test_the_command_makes_an_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "_KINDS", 4)
    monkeypatch.setattr(products, "_WIDTH", 8)
    assert products.main(["--data", str(shop(tmp_path)), "--out", str(tmp_path / "made")]) == 0
    encoder = SurfaceEncoder(str(tmp_path / "made"))
    assert encoder.encode([Image(np.full((30, 30, 3), 90, np.uint8))]).shape == (1, 8)


def test_products_kept_apart_are_the_same_every_time_and_few() -> None:
    apart = [name for name in (f"product {i}" for i in range(1_000)) if left_out(name)]
    assert 150 < len(apart) < 250
    assert left_out(apart[0])


def test_missing_photos_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--data"):
        shelf_photos(tmp_path, "train")
