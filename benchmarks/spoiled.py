"""Photos spoiled as customers spoil them: turned, tilted, seen from the side, out of focus, in shadow, squeezed.

Each way is given the receipt's name, so that a photo is always spoiled alike.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from io import BytesIO
from zlib import crc32

import numpy as np
import numpy.typing as npt
from PIL import Image as pil
from PIL import ImageFilter

from modalities.types import Image

Spoil = Callable[[pil.Image, np.random.Generator], pil.Image]
_TABLE = (96, 84, 74)  # what lies around a paper that is turned
_TILT = 15.0  # degrees, at most
_BLUR = 1.0  # pixels, standard deviation, on photos of a thousand pixels
_JPEG = 40  # quality


def tilted(photo: pil.Image, rng: np.random.Generator) -> pil.Image:
    """Turned by any angle up to 15 degrees either way."""
    return photo.rotate(float(rng.uniform(-_TILT, _TILT)), pil.Resampling.BICUBIC, expand=True, fillcolor=_TABLE)


def from_the_side(photo: pil.Image, rng: np.random.Generator) -> pil.Image:
    """Seen from the side: each corner moved inwards by up to an eighth of the width or height."""
    width, height = photo.size
    shift = rng.uniform(0, 0.125, (4, 2)) * (width, height)
    inwards = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)])
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], dtype=float)
    return photo.transform(
        photo.size,
        pil.Transform.PERSPECTIVE,
        _coefficients(corners + shift * inwards, corners),
        pil.Resampling.BICUBIC,
        fillcolor=_TABLE,
    )


def _coefficients(seen: npt.NDArray[np.float64], flat: npt.NDArray[np.float64]) -> list[float]:
    """What Pillow needs to draw the flat photo's corners at the seen ones."""
    rows = []
    for (x, y), (u, v) in zip(seen, flat, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
    return [float(value) for value in np.linalg.solve(np.array(rows), flat.reshape(8))]


def blurred(photo: pil.Image, rng: np.random.Generator) -> pil.Image:
    """Slightly out of focus."""
    return photo.filter(ImageFilter.GaussianBlur(_BLUR * max(photo.size) / 1_000))


def shadowed(photo: pil.Image, rng: np.random.Generator) -> pil.Image:
    """A soft-edged shadow over half of it, which leaves a third to half of the light."""
    width, height = photo.size
    angle, left = rng.uniform(0, 2 * math.pi), rng.uniform(0.3, 0.5)
    y, x = np.mgrid[0:height, 0:width]
    side = (x / width - 0.5) * math.cos(angle) + (y / height - 0.5) * math.sin(angle)
    light = left + (1 - left) / (1 + np.exp(-side * 40))
    return pil.fromarray((np.asarray(photo) * light[..., None]).astype(np.uint8))


def squeezed(photo: pil.Image, rng: np.random.Generator) -> pil.Image:
    """Saved as a JPEG of quality 40."""
    file = BytesIO()
    photo.save(file, "JPEG", quality=_JPEG)
    return pil.open(file).convert("RGB")


WAYS: Mapping[str, Spoil] = {
    "turned 90": lambda photo, _: photo.transpose(pil.Transpose.ROTATE_90),
    "turned 180": lambda photo, _: photo.transpose(pil.Transpose.ROTATE_180),
    "turned 270": lambda photo, _: photo.transpose(pil.Transpose.ROTATE_270),
    "tilted": tilted,
    "from the side": from_the_side,
    "blurred": blurred,
    "shadowed": shadowed,
    "JPEG 40": squeezed,
}


def spoil(image: Image, way: str, name: str) -> Image:
    """The photo spoiled in one of `WAYS`, always alike for one name."""
    rng = np.random.default_rng(crc32(f"{way} {name}".encode()))
    return Image(np.asarray(WAYS[way](pil.fromarray(image.pixels), rng)))
