"""Which product of a catalogue a photo shows: by a few photos of each, with nothing to train.

A folder of the catalogue holds a folder for each product, named as the product is, with some photos in it. A new
product is a new folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from agent.errors import PackError
from modalities.errors import InputError
from modalities.types import FloatArray, Image

_SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".webp"))
_MOST = 20  # photos of a product that are looked at


class PhotoVectors(Protocol):
    """What turns photos into vectors of length 1 (`modalities.surfaces.SurfaceEncoder`)."""

    def encode(self, images: Sequence[Image]) -> FloatArray:
        """Shape (len(images), width)."""
        ...


@dataclass(frozen=True)
class Lookalike:
    """A product that a photo may show, and how alike they are (at most 1)."""

    name: str
    likeness: float


class Lookalikes:
    """The products of a folder, each by the mean of its photos.

    Args:
        folder: one folder a product.
        encoder: see `PhotoVectors`.

    Raises:
        PackError: the folder holds no product with a photo, or a photo that cannot be read.
    """

    def __init__(self, folder: Path, encoder: PhotoVectors) -> None:
        self._encoder = encoder
        shown = {place.name: _photos(place) for place in sorted(folder.iterdir())} if folder.is_dir() else {}
        self.names = tuple(name for name, photos in shown.items() if photos)
        if not self.names:
            raise PackError(f"no product photos in {str(folder)!r}; give each product a folder with some photos in it")
        self._means = np.stack([_mean(encoder.encode(shown[name])) for name in self.names])

    def find(self, image: Image, count: int = 3) -> tuple[Lookalike, ...]:
        """The products most like a photo, likest first."""
        scores = self._means @ self._encoder.encode([image])[0]
        best = np.argsort(-scores)[:count]
        return tuple(Lookalike(self.names[int(i)], round(float(scores[i]), 4)) for i in best)


def _photos(folder: Path) -> list[Image]:
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES) if folder.is_dir() else []
    try:
        return [Image.open(path) for path in paths[:_MOST]]
    except InputError as error:
        raise PackError(f"in {str(folder)!r}: {error}") from error


def _mean(vectors: FloatArray) -> FloatArray:
    mean = vectors.mean(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-6), dtype=np.float32)
