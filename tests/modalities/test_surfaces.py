from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from modalities.errors import WeightsError
from modalities.surfaces import SurfaceEncoder, fisher
from modalities.types import Image


def test_points_as_expected_by_the_mixture_leave_no_direction_and_others_do() -> None:
    rng = np.random.default_rng(0)
    parts = {
        "weights": np.array([0.5, 0.5], np.float32),
        "means": np.array([[-3.0, 0.0], [3.0, 0.0]], np.float32),
        "variances": np.ones((2, 2), np.float32),
    }
    spots = parts["means"][rng.integers(0, 2, 40_000)] + rng.normal(0, 1, (40_000, 2))
    moved = fisher((spots + np.array([0, 1])).astype(np.float32), parts)
    up = moved[:4].reshape(2, 2)[:, 1]
    assert np.linalg.norm(moved) == pytest.approx(1)
    assert (up > 0.4).all()
    assert abs(moved[0]) < 0.25


def test_vectors_have_length_one_whatever_the_size_of_the_photo() -> None:
    rng = np.random.default_rng(1)
    encoder = SurfaceEncoder()
    photos = [Image(rng.integers(0, 255, size, dtype=np.uint8)) for size in ((8, 8, 3), (300, 500, 3), (1, 1, 3))]
    vectors = encoder.encode(photos)
    assert vectors.shape == (3, encoder.width)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1, 1], abs=1e-3)
    assert encoder.encode([]).shape == (0, encoder.width)


def test_missing_weights_say_how_they_are_made(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"training\.products"):
        SurfaceEncoder(str(tmp_path))
