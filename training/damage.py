"""Made damage on product photos: stains, tears, holes, cracks. There is no public set of damaged parcels to learn from.

Each kind draws only inside the middle of the picture, where the product is, and large enough to be seen at the
photo encoder's resolution.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image as pil
from PIL import ImageDraw, ImageFilter

Rng = np.random.Generator
KINDS = ("stain", "tear", "hole", "crack")


def damage(image: pil.Image, rng: Rng, kind: str | None = None) -> pil.Image:
    """The picture with one or two pieces of damage of one kind (drawn at random when None)."""
    draw = {"stain": _stain, "tear": _tear, "hole": _hole, "crack": _crack}
    chosen = kind or KINDS[int(rng.integers(len(KINDS)))]
    damaged = image.convert("RGB")
    for _ in range(1 if rng.random() < 0.6 else 2):
        damaged = draw[chosen](damaged, rng)
    return damaged


def _centre(image: pil.Image, rng: Rng) -> np.ndarray[Any, Any]:
    """A place in the middle of the picture, in pixels."""
    return rng.uniform(0.28, 0.72, 2) * image.size


def _blob(rng: Rng, centre: np.ndarray[Any, Any], radius: float, rough: float) -> list[tuple[float, float]]:
    """The outline of an irregular round shape."""
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    wobble = np.convolve(np.tile(rng.normal(0, rough, 24), 3), np.ones(3) / 3, "same")[24:48]
    radii = radius * (1 + wobble).clip(0.3, 2.0) * np.array([1.0])
    stretch = rng.uniform(0.5, 1.0)
    points = np.stack([np.cos(angles) * radii, np.sin(angles) * radii * stretch], axis=1) + centre
    return [(float(x), float(y)) for x, y in points]


def _mask(image: pil.Image, outline: list[tuple[float, float]], blur: float) -> pil.Image:
    mask = pil.new("L", image.size)
    ImageDraw.Draw(mask).polygon(outline, fill=255)
    return mask.filter(ImageFilter.GaussianBlur(blur)) if blur else mask


def _stain(image: pil.Image, rng: Rng) -> pil.Image:
    """Coffee, wine, mould or mud, let through like a dye, with splashes around."""
    colours = np.array([(96, 60, 30), (110, 20, 45), (70, 80, 50), (60, 50, 40), (40, 45, 90)])
    dye = colours[int(rng.integers(len(colours)))] + rng.integers(-15, 16, 3)
    radius = min(image.size) * rng.uniform(0.08, 0.2)
    centre = _centre(image, rng)
    mask = np.asarray(_mask(image, _blob(rng, centre, radius, 0.3), radius * 0.06), dtype=np.float32)
    for _ in range(int(rng.integers(2, 9))):
        place = centre + rng.normal(0, radius * 1.1, 2)
        drop = _mask(image, _blob(rng, place, radius * rng.uniform(0.05, 0.2), 0.3), 0.5)
        mask = np.maximum(mask, np.asarray(drop, dtype=np.float32))
    share = (mask / 255.0 * rng.uniform(0.55, 0.9))[..., None]
    pixels = np.asarray(image, dtype=np.float32)
    soaked = pixels * (dye / 255.0) * 0.5 + dye * 0.5
    return pil.fromarray((pixels * (1 - share) + soaked * share).clip(0, 255).astype(np.uint8))


def _hole(image: pil.Image, rng: Rng) -> pil.Image:
    """A dark opening with a frayed, lighter rim."""
    radius = min(image.size) * rng.uniform(0.04, 0.11)
    centre = _centre(image, rng)
    rim = _mask(image, _blob(rng, centre, radius * 1.25, 0.35), 0.6)
    inside = _mask(image, _blob(rng, centre, radius, 0.35), 0.6)
    frayed = pil.blend(image, pil.new("RGB", image.size, (235, 230, 220)), 0.55)
    dark = pil.new("RGB", image.size, tuple(int(v) for v in rng.integers(5, 45, 3)))
    return pil.composite(dark, pil.composite(frayed, image, rim), inside)


def _walk(rng: Rng, start: np.ndarray[Any, Any], length: float, bend: float) -> np.ndarray[Any, Any]:
    """A jagged path: its points, about twelve."""
    heading = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, bend, 12))
    steps = np.stack([np.cos(heading), np.sin(heading)], axis=1) * length / 12
    return np.asarray(start + np.cumsum(steps, axis=0))


def _tear(image: pil.Image, rng: Rng) -> pil.Image:
    """A long rip that gapes in its middle, one edge bright with loose threads."""
    size = min(image.size)
    path = _walk(rng, _centre(image, rng), size * rng.uniform(0.25, 0.5), 0.25)
    along = np.gradient(path, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) / (np.linalg.norm(along, axis=1, keepdims=True) + 1e-6)
    gape = np.sin(np.linspace(0, np.pi, len(path)))[:, None] * size * rng.uniform(0.02, 0.05)
    gape = gape * rng.uniform(0.6, 1.4, gape.shape)
    torn, pen = image.copy(), None
    pen = ImageDraw.Draw(torn)
    outline = np.concatenate([path + across * gape, (path - across * gape)[::-1]])
    pen.polygon([tuple(p) for p in outline.tolist()], fill=tuple(int(v) for v in rng.integers(5, 60, 3)))
    edge = [tuple(p) for p in (path + across * gape).tolist()]
    pen.line(edge, fill=(230, 225, 215), width=max(1, size // 110))
    return torn


def _crack(image: pil.Image, rng: Rng) -> pil.Image:
    """Thin dark branching lines with a light edge, as in glass, plastic or crockery."""
    size, start = min(image.size), _centre(image, rng)
    cracked = image.copy()
    pen = ImageDraw.Draw(cracked)
    width = max(1, size // 90)
    for _ in range(int(rng.integers(3, 7))):
        path = _walk(rng, start, size * rng.uniform(0.2, 0.5), 0.3)
        light = [(x + width, y + width) for x, y in path.tolist()]
        pen.line(light, fill=(235, 235, 235), width=width)
        pen.line([tuple(p) for p in path.tolist()], fill=(20, 20, 20), width=width)
    return cracked
