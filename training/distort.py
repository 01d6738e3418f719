"""The same photo as another hand would have taken it: turned, nearer, from the side, darker, out of focus."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image as pil
from PIL import ImageEnhance, ImageFilter

from modalities.types import Image

Rng = np.random.Generator


def distort(photo: Image, rng: Rng) -> Image:
    """One changed copy of a photo, of the same size; what it shows stays recognisable."""
    picture = pil.fromarray(photo.pixels)
    for change in (_turned, _from_the_side, _mirrored, _lit, _blurred, _compressed):
        if rng.random() < 0.5:
            picture = change(picture, rng)
    return Image(np.asarray(picture, dtype=np.uint8))


def _turned(picture: pil.Image, rng: Rng) -> pil.Image:
    return picture.rotate(float(rng.uniform(-15, 15)), pil.Resampling.BILINEAR, fillcolor=_background(picture))


def _from_the_side(picture: pil.Image, rng: Rng) -> pil.Image:
    """Perspective and nearness at once: the corners come from anywhere within a sixth of the sides."""
    inset = rng.uniform(0, 1 / 6, 8) * np.array([*picture.size] * 4)
    (x0, y0, x1, y1, x2, y2, x3, y3), (w, h) = inset, picture.size
    quad = (x0, y0, x1, h - y1, w - x2, h - y2, w - x3, y3)
    return picture.transform(picture.size, pil.Transform.QUAD, quad, pil.Resampling.BILINEAR)


def _mirrored(picture: pil.Image, rng: Rng) -> pil.Image:
    """Taken into a mirror; half as often as the other changes, because print is never mirrored."""
    return picture.transpose(pil.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else picture


def _lit(picture: pil.Image, rng: Rng) -> pil.Image:
    for enhancer in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        picture = enhancer(picture).enhance(float(rng.uniform(0.65, 1.35)))
    return picture


def _blurred(picture: pil.Image, rng: Rng) -> pil.Image:
    return picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.3, 1.0)) * max(picture.size) / 224))


def _compressed(picture: pil.Image, rng: Rng) -> pil.Image:
    file = BytesIO()
    picture.save(file, "JPEG", quality=int(rng.integers(30, 80)))
    with pil.open(file) as read:
        return read.convert("RGB")


def _background(picture: pil.Image) -> Any:
    """The mean colour, to fill what turning leaves empty."""
    return tuple(int(value) for value in np.asarray(picture).mean(axis=(0, 1)))
