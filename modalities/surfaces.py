"""Photos of products to vectors, by the colours and patterns of their surfaces: Fisher vectors of local colour.

Learnt from photos of other products, a product never seen before is told from others by a few photos. Around points of
a grid, means and deviations of colour in 3 x 3 cells are gathered at three sizes; how a photo's differ from those of
all photos is its vector (Perronnin et al. 2010, https://doi.org/10.1007/978-3-642-15561-1_11). Knows no products.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from modalities.errors import WeightsError
from modalities.locate import locate
from modalities.types import FloatArray, Image

SIDE = 192  # pixels that a photo is squeezed to
STEP = 6  # pixels from point to point
CELLS = (5, 9, 15)  # pixels of a cell, by size
_GREY_LEVELS = 64.0  # of 255, so that colours are of the order of one
_PARTS = ("mean", "axes", "place", "weights", "means", "variances", "center", "projection")


class SurfaceEncoder:
    """One vector of length 1 a photo; photos of one product have a high dot product.

    Attributes:
        width: size of each vector.
    """

    def __init__(self, model: str = "weights/products") -> None:
        """Load what `python -m training.products` made.

        Raises:
            WeightsError: it is missing or damaged.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        path = Path(locate(model)) / "model.safetensors"
        try:
            parts = load_file(path)
            self._parts = {name: parts[name].astype(np.float32) for name in _PARTS}
        except (OSError, KeyError, SafetensorError) as error:
            raise WeightsError(
                f"product encoder {model!r} is missing or damaged ({type(error).__name__}); run: "
                "python -m training.products --data DIR"
            ) from error
        self.width = int(self._parts["projection"].shape[1])

    def encode(self, images: Sequence[Image]) -> FloatArray:
        """The vectors of photos: shape (len(images), width)."""
        parts = self._parts
        rows = [fisher(described(image, parts), parts) for image in images]
        if not rows:
            return np.zeros((0, self.width), np.float32)
        vectors = (np.stack(rows) - parts["center"]) @ parts["projection"]
        return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6), dtype=np.float32)


def local_colours(image: Image) -> FloatArray:
    """Colour around each point of a grid, at each size, and where the point is: shape (points x sizes, 56)."""
    import cv2

    pixels = cv2.resize(image.pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB).astype(np.float32) / _GREY_LEVELS
    at = np.arange(STEP, SIDE - STEP // 2, STEP)
    y, x = (grid.ravel() for grid in np.meshgrid(at, at, indexing="ij"))
    rows = []
    for cell in CELLS:
        mean = cv2.blur(lab, (cell, cell))
        spread = np.sqrt(np.maximum(cv2.blur(lab * lab, (cell, cell)) - mean * mean, 0))
        parts = []
        for down in (-cell, 0, cell):
            for right in (-cell, 0, cell):
                spot = np.clip(y + down, 0, SIDE - 1), np.clip(x + right, 0, SIDE - 1)
                parts += [mean[spot], spread[spot]]
        rows.append(np.concatenate([*parts, np.stack([x, y], axis=1) / SIDE - 0.5], axis=1))
    return np.concatenate(rows).astype(np.float32)


def described(image: Image, parts: Mapping[str, Any]) -> FloatArray:
    """The local colours in few numbers: shape (points x sizes, number of axes + 2)."""
    found = local_colours(image)
    colours = (found[:, :-2] - parts["mean"]) @ parts["axes"].T
    return np.concatenate([colours, found[:, -2:] * parts["place"]], axis=1).astype(np.float32)


def fisher(points: FloatArray, parts: Mapping[str, Any]) -> FloatArray:
    """How points differ from a mixture of Gaussians: its gradient in means and variances, rooted, of length 1."""
    weights, means, variances = parts["weights"], parts["means"], parts["variances"]
    fixed = np.log(weights) - 0.5 * (np.log(variances) + means * means / variances).sum(axis=1)
    chances = (points * points) @ (-0.5 / variances).T + points @ (means / variances).T + fixed
    chances = np.exp(chances - chances.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    count, first, second = chances.sum(axis=0)[:, None], chances.T @ points, chances.T @ (points * points)
    scale = len(points) * np.sqrt(weights)[:, None]
    by_mean = (first - count * means) / np.sqrt(variances) / scale
    by_spread = (second - 2 * means * first + (means * means - variances) * count) / variances / (scale * np.sqrt(2))
    vector = np.concatenate([by_mean.ravel(), by_spread.ravel()])
    vector = np.sign(vector) * np.sqrt(np.abs(vector))
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-6), dtype=np.float32)
