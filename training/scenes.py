"""Pictures that are no receipt, no clothes and no groceries: what the class "other" is taught with.

No public set of "anything else" comes with the project, so most are drawn: pages, screens, charts, patterns, heaps
of shapes, fractal clouds. A few photographs that installed packages carry as samples are cropped in many ways. Charts
and some of the photographs are kept for measuring, so that "other" is also measured on sources never trained on.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as pil
from PIL import ImageDraw, ImageFilter, ImageFont

Rng = np.random.Generator
Pixels = np.ndarray[Any, np.dtype[np.uint8]]

_PHOTOS = {
    "train": (
        ("sklearn", "datasets/images/china.jpg"),
        ("gradio", "media_assets/images/tower.jpg"),
        ("gradio", "media_assets/images/cheetah.jpg"),
        ("gradio", "media_assets/images/cheetah1.jpg"),
    ),
    "val": (
        ("sklearn", "datasets/images/flower.jpg"),
        ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
        ("gradio", "media_assets/images/lion.jpg"),
        ("gradio", "media_assets/images/groot.jpeg"),
    ),
}
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def draw_scene(rng: Rng, split: str = "train", side: int = 224) -> pil.Image:
    """One picture of the class "other".

    Args:
        rng: decides everything about it.
        split: "train" or "val"; the second also uses kinds and photographs that the first never shows.
        side: width and height in pixels.
    """
    makers: list[Callable[[Rng, int], pil.Image]] = [_page, _screen, _pattern, _heap, clouds, _gradient]
    weights = [2.0, 2.0, 2.0, 2.5, 1.0, 0.5]
    if split == "val":
        makers.append(_chart)
        weights.append(3.0)
    if photos := sample_photos(split):
        makers.append(lambda rng, side: _crop(photos, rng, side))
        weights.append(6.0)
    chosen = rng.choice(len(makers), p=np.array(weights) / sum(weights))
    return makers[int(chosen)](rng, side)


@cache
def sample_photos(split: str) -> tuple[pil.Image, ...]:
    """The photographs that installed packages carry; those whose package is absent are left out."""
    found = []
    for package, name in _PHOTOS[split]:
        spec = importlib.util.find_spec(package)
        path = Path(spec.origin).parent / name if spec and spec.origin else None
        if path and path.exists():
            with pil.open(path) as photo:
                found.append(photo.convert("RGB"))
    return tuple(found)


def _crop(photos: Sequence[pil.Image], rng: Rng, side: int) -> pil.Image:
    photo = photos[int(rng.integers(len(photos)))]
    share = rng.uniform(0.3, 1.0)
    width, height = int(photo.width * share), int(photo.height * share)
    left, top = int(rng.integers(photo.width - width + 1)), int(rng.integers(photo.height - height + 1))
    piece = photo.crop((left, top, left + width, top + height)).resize((side, side), pil.Resampling.BICUBIC)
    return piece.transpose(pil.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else piece


def clouds(rng: Rng, side: int) -> pil.Image:
    """Coloured noise whose detail falls off with scale: carpets, walls, stone, unsharp nothing. Also a background."""
    base = rng.uniform(40, 220, 3)
    total = np.tile(base, (side, side, 1))
    strength = rng.uniform(10, 70)
    for cells in (3, 6, 12, 25, 50, side):
        noise = rng.normal(0, strength, (cells, cells)).astype(np.float32)
        tint = rng.uniform(0.6, 1.2, 3)
        total += np.asarray(pil.fromarray(noise).resize((side, side), pil.Resampling.BICUBIC))[..., None] * tint
        strength *= rng.uniform(0.4, 0.9)
    return pil.fromarray(total.clip(0, 255).astype(np.uint8))


def _gradient(rng: Rng, side: int) -> pil.Image:
    """A plain wall, sky or covered lens."""
    corners = rng.uniform(0, 255, (2, 2, 3)).astype(np.uint8)
    if rng.random() < 0.3:
        corners //= 6
    return pil.fromarray(corners).resize((side, side), pil.Resampling.BILINEAR)


def _pattern(rng: Rng, side: int) -> pil.Image:
    """Waves laid over each other: tiles, blinds, wood, woven things."""
    y, x = np.mgrid[0:side, 0:side] / side
    total = np.zeros((side, side))
    for _ in range(int(rng.integers(1, 4))):
        angle, cycles = rng.uniform(0, np.pi), rng.uniform(2, 30)
        bend = rng.uniform(0, 0.15) * np.sin(2 * np.pi * rng.uniform(0.5, 3) * (x if rng.random() < 0.5 else y))
        wave = np.sin(2 * np.pi * cycles * (x * np.cos(angle) + y * np.sin(angle) + bend))
        total += np.sign(wave) if rng.random() < 0.5 else wave
    share = ((total - total.min()) / (np.ptp(total) + 1e-6))[..., None]
    mixed = rng.uniform(0, 255, 3) * share + rng.uniform(0, 255, 3) * (1 - share)
    return pil.fromarray((mixed + rng.normal(0, 6, mixed.shape)).clip(0, 255).astype(np.uint8))


def _heap(rng: Rng, side: int) -> pil.Image:
    """Overlapping shapes of all sizes, shaded: rooms, streets and desks as far as edges go ("dead leaves")."""
    scene = clouds(rng, side)
    for _ in range(int(rng.integers(6, 70))):
        size = int(min(side * 0.7, side * 0.06 / rng.uniform(0.05, 1.0)))
        x, y = (int(v) for v in rng.integers(-size // 2, side, 2))
        mask = pil.new("L", (size, max(4, int(size * rng.uniform(0.3, 1.6)))))
        box = (0, 0, mask.width - 1, mask.height - 1)
        pen = ImageDraw.Draw(mask)
        shape = rng.integers(3)
        if shape == 0:
            pen.ellipse(box, fill=255)
        elif shape == 1:
            pen.rectangle(box, fill=255)
        else:
            corners = rng.uniform(0, 1, (int(rng.integers(3, 7)), 2)) * mask.size
            pen.polygon([tuple(corner) for corner in corners.tolist()], fill=255)
        fill = _gradient(rng, 8).resize(mask.size)
        scene.paste(fill, (x, y), mask.rotate(float(rng.uniform(0, 360))))
    return scene.filter(ImageFilter.GaussianBlur(float(rng.uniform(0, 1.5))))


def _words(rng: Rng, letters: int) -> str:
    """Made-up words, about as many letters as asked for."""
    text = ""
    while len(text) < letters:
        text += "".join(_LETTERS[i] for i in rng.integers(0, 26, int(rng.integers(2, 10)))) + " "
    return text[:letters]


def _page(rng: Rng, side: int) -> pil.Image:
    """A printed page: a letter or a book, wide paragraphs and no column of amounts."""
    tone = int(rng.integers(215, 256))
    page = pil.new("RGB", (side * 2, side * 2), (tone, tone, max(0, tone - int(rng.integers(0, 25)))))
    pen, size = ImageDraw.Draw(page), int(rng.integers(9, 22))
    font, margin, y = ImageFont.load_default(size), int(rng.integers(10, 60)), int(rng.integers(10, 80))
    letters = int((side * 2 - 2 * margin) / (size * 0.5))
    while y < side * 2 - margin:
        last = rng.random() < 0.15
        pen.text((margin, y), _words(rng, letters // 2 if last else letters), font=font, fill=(40, 40, 45))
        y += int(size * (2.4 if last else 1.3))
    return page.rotate(float(rng.normal(0, 3)), fillcolor=(90, 80, 70)).resize((side, side), pil.Resampling.BILINEAR)


def _screen(rng: Rng, side: int) -> pil.Image:
    """A screen: bars, tiles, buttons and short texts in flat colours."""
    dark = rng.random() < 0.4
    screen = pil.new(
        "RGB", (side * 2, side * 2), tuple(int(v) for v in rng.integers(*((10, 60) if dark else (225, 256)), 3))
    )
    pen = ImageDraw.Draw(screen)
    ink = (230, 230, 235) if dark else (40, 40, 50)
    pen.rectangle((0, 0, side * 2, int(rng.integers(20, 60))), fill=tuple(int(v) for v in rng.integers(0, 256, 3)))
    for _ in range(int(rng.integers(4, 16))):
        x, y = (int(v) for v in rng.integers(0, side * 2 - 40, 2))
        width, height = (int(v) for v in rng.integers(30, side, 2))
        colour = tuple(int(v) for v in rng.integers(0, 256, 3))
        pen.rounded_rectangle((x, y, x + width, y + height // 2), radius=int(rng.integers(0, 16)), fill=colour)
        font = ImageFont.load_default(int(rng.integers(10, 30)))
        pen.text((x + 6, y + 4), _words(rng, int(rng.integers(4, 24))), font=font, fill=ink)
    return screen.resize((side, side), pil.Resampling.BILINEAR)


def _chart(rng: Rng, side: int) -> pil.Image:
    """Bars or lines over axes."""
    chart = pil.new("RGB", (side, side), (255, 255, 255))
    pen, colour = ImageDraw.Draw(chart), tuple(int(v) for v in rng.integers(0, 220, 3))
    count = int(rng.integers(4, 15))
    heights = (rng.uniform(0.1, 0.9, count) * (side - 40)).astype(int)
    step = (side - 40) // count
    pen.line((20, 10, 20, side - 20, side - 10, side - 20), fill=(0, 0, 0), width=2)
    tops = [(24 + i * step, side - 22 - int(h)) for i, h in enumerate(heights)]
    if rng.random() < 0.5:
        for x, y in tops:
            pen.rectangle((x, y, x + step * 2 // 3, side - 22), fill=colour)
    else:
        pen.line(tops, fill=colour, width=3)
    return chart
