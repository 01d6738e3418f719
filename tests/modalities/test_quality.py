from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as pil
from PIL import ImageDraw, ImageFilter, ImageFont

from modalities.quality import print_problem, problem
from modalities.types import Image, TextLine


def scene(*, light: float = 1.0, blur: float = 0.0) -> Image:
    """Shapes and print, as dark and as soft as asked."""
    made = pil.new("RGB", (640, 480), (150, 140, 120))
    pen = ImageDraw.Draw(made)
    pen.rectangle((100, 80, 400, 400), fill=(230, 225, 220))
    for y in range(100, 380, 24):
        pen.text((120, y), "TEA AND MILK  4.50", fill=(20, 20, 20), font=ImageFont.load_default(20))
    soft = made.filter(ImageFilter.GaussianBlur(blur))
    return Image((np.asarray(soft, dtype=np.float32) * light).clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize(
    ("image", "wrong"),
    [
        (scene(), ""),
        (scene(light=0.5), ""),
        (scene(blur=0.8), ""),
        (scene(light=0.1), "too dark"),
        (scene(light=25.0), "too bright"),
        (scene(blur=9.0), "blurred"),
        (Image(np.zeros((1, 1, 3), np.uint8)), "too dark"),
        (Image(np.full((2, 2, 3), 120, np.uint8)), ""),
    ],
    ids=["good", "dim", "a little soft", "dark", "bright", "blurred", "one pixel", "four pixels"],
)
def test_what_is_wrong_with_a_photo(image: Image, wrong: str) -> None:
    assert problem(image) == wrong


def rows(left: float = 0.1, right: float = 0.9, top: float = 0.1, bottom: float = 0.9) -> list[TextLine]:
    """Ten rows of print within a frame."""
    step = (bottom - top) / 10
    return [TextLine("TEA 4.50", (left, top + i * step, right, top + (i + 0.6) * step), 0.9) for i in range(10)]


def paper(glare: bool) -> Image:
    """Grey paper, with a lamp in it or without."""
    pixels = np.full((400, 300, 3), 205, np.uint8)
    if glare:
        pixels[120:260, 90:210] = 255
    return Image(pixels)


@pytest.mark.parametrize(
    ("image", "lines", "why"),
    [
        (paper(glare=False), rows(left=0.0), "cut off"),
        (paper(glare=False), rows(right=1.0), "cut off"),
        (paper(glare=False), rows(top=0.0), "cut off"),
        (paper(glare=True), rows(), "glare"),
        (paper(glare=False), rows(), "hard to read"),
        (Image(np.full((400, 300, 3), 255, np.uint8)), rows(), "hard to read"),
        (paper(glare=True), [], "hard to read"),
    ],
    ids=["left", "right", "top", "lamp", "faint", "white scan", "nothing read"],
)
def test_why_print_was_not_read(image: Image, lines: list[TextLine], why: str) -> None:
    assert print_problem(image, lines) == why
