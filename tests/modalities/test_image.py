from __future__ import annotations

from dataclasses import fields
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as pil

from modalities.errors import InputError
from modalities.image import MAX_SIDE, load
from modalities.types import Image

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def picture(width: int = 40, height: int = 20) -> pil.Image:
    """Left half red, right half blue."""
    made = pil.new("RGB", (width, height), RED)
    made.paste(BLUE, (width // 2, 0, width, height))
    return made


def encoded(made: pil.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = BytesIO()
    made.save(buffer, kind, **options)
    return buffer.getvalue()


def near(pixel: Any, colour: tuple[int, int, int], by: int = 24) -> bool:
    return bool(np.abs(pixel.astype(int) - np.array(colour)).max() <= by)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_common_formats_keep_their_colours(kind: str) -> None:
    image = load(encoded(picture(), kind))
    assert (image.width, image.height) == (40, 20)
    assert near(image.pixels[10, 8], RED)
    assert near(image.pixels[10, 32], BLUE)


def test_heic_keeps_its_colours_and_a_damaged_one_is_named() -> None:
    pillow_heif.register_heif_opener()
    data = encoded(picture(64, 48), "HEIF", quality=95)
    image = load(data)
    assert (image.width, image.height) == (64, 48)
    assert near(image.pixels[24, 8], RED)
    for cut in (16, 60, len(data) // 2, len(data) - 20):
        with pytest.raises(InputError, match="send"):
            load(data[:cut])


def test_what_is_kept_of_a_photo_knows_no_place_and_no_camera() -> None:
    exif = pil.Exif()
    exif[0x010F] = "Camera of Ada"
    exif.get_ifd(0x8825)[2] = (51.0, 30.0, 0.0)
    image = load(encoded(picture(), "JPEG", exif=exif))
    assert [field.name for field in fields(image)] == ["pixels"]
    assert b"Ada" not in image.pixels.tobytes()


@given(st.sampled_from(["JPEG", "PNG", "WEBP", "GIF", "TIFF"]), st.data())
@settings(max_examples=60, deadline=None)
def test_a_file_with_changed_bytes_is_a_picture_or_named(kind: str, drawn: st.DataObject) -> None:
    data = bytearray(encoded(picture(), kind))
    for place in drawn.draw(st.lists(st.integers(0, len(data) - 1), min_size=1, max_size=8)):
        data[place] = drawn.draw(st.integers(0, 255))
    message = "send"
    try:
        assert load(bytes(data) + drawn.draw(st.binary(max_size=20))).pixels.size
    except InputError as error:
        message = str(error)
    assert "send" in message


def test_path_bytes_and_file_give_the_same(tmp_path: Path) -> None:
    data = encoded(picture())
    path = tmp_path / "photo.png"
    path.write_bytes(data)
    with path.open("rb") as file:
        read = [load(path), load(str(path)), load(data), load(file), Image.open(path)]
    assert all((image.pixels == read[0].pixels).all() for image in read)


@pytest.mark.parametrize(
    ("orientation", "place"),
    [(1, (10, 8)), (2, (10, 32)), (3, (10, 32)), (6, (8, 10)), (8, (32, 10)), (5, (8, 10)), (7, (32, 10))],
)
def test_exif_turns_the_photo_upright(orientation: int, place: tuple[int, int]) -> None:
    exif = pil.Exif()
    exif[0x0112] = orientation
    image = load(encoded(picture(), "JPEG", exif=exif))
    assert (image.width, image.height) == ((20, 40) if orientation >= 5 else (40, 20))
    assert near(image.pixels[place], RED)


def test_damaged_exif_is_passed_over() -> None:
    image = load(encoded(picture(), "JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff"))
    assert (image.width, image.height) == (40, 20)


def test_transparency_is_laid_on_white() -> None:
    made = picture().convert("RGBA")
    made.paste((0, 0, 0, 0), (0, 0, 20, 20))
    image = load(encoded(made))
    assert near(image.pixels[10, 8], WHITE)
    assert near(image.pixels[10, 32], BLUE)


def test_transparent_palette_entry_is_laid_on_white() -> None:
    made = picture().convert("P", palette=pil.Palette.ADAPTIVE, colors=2)
    image = load(encoded(made, "GIF", transparency=made.getpixel((5, 5))))
    assert near(image.pixels[10, 8], WHITE)
    assert near(image.pixels[10, 32], BLUE)


def test_of_an_animation_the_first_frame_is_taken() -> None:
    frames = [pil.new("RGB", (30, 30), colour) for colour in (GREEN, RED, BLUE)]
    image = load(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50))
    assert near(image.pixels[15, 15], GREEN)


def test_cmyk_becomes_rgb() -> None:
    image = load(encoded(pil.new("CMYK", (30, 30), (0, 255, 255, 0)), "JPEG", quality=95))
    assert near(image.pixels[15, 15], RED, by=60)


@pytest.mark.parametrize("values", [np.array([[0, 65_535]], np.uint16), np.array([[0.0, 1.0]], np.float32)])
def test_deep_grey_is_scaled_to_eight_bits(values: Any) -> None:
    made = pil.fromarray(np.repeat(np.repeat(values, 20, axis=0), 20, axis=1))
    image = load(encoded(made, "TIFF"))
    assert image.pixels[10, 5].tolist() == [0, 0, 0]
    assert image.pixels[10, 35].tolist() == [255, 255, 255]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "YCbCr"])
def test_every_mode_gives_rgb(mode: str) -> None:
    kind = "JPEG" if mode == "YCbCr" else "PNG"
    image = load(encoded(picture().convert(mode), kind))
    assert image.pixels.shape == (20, 40, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_large_photos_are_scaled_down_whole(kind: str) -> None:
    image = load(encoded(picture(6_000, 3_000), kind))
    assert (image.width, image.height) == (MAX_SIDE, MAX_SIDE // 2)
    assert near(image.pixels[500, 400], RED)
    assert near(image.pixels[500, 1_700], BLUE)


def test_small_photos_are_left_alone() -> None:
    assert load(encoded(picture(3, 1))).pixels.shape == (1, 3, 3)


def _png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""
    data = bytearray(encoded(pil.new("L", (1, 1))))
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    import zlib

    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


BAD = {
    "empty": (b"", "empty"),
    "text": (b"this is no picture at all, only words", "not a picture"),
    "truncated JPEG": (encoded(picture(400, 400), "JPEG", quality=95)[:2_000], "damaged"),
    "truncated PNG": (
        encoded(pil.fromarray(np.random.default_rng(1).integers(0, 255, (90, 90, 3), np.uint8)))[:9_000],
        "damaged",
    ),
    "20,000 x 20,000": (_png_header(20_000, 20_000), "too large"),
    "9,000 x 9,000": (_png_header(9_000, 9_000), "too large"),
    "bomb": (_png_header(60_000, 60_000), "too large"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n", "not a picture"),
}


@pytest.mark.parametrize("name", list(BAD))
def test_bad_input_is_named_with_its_remedy(name: str) -> None:
    data, reason = BAD[name]
    with pytest.raises(InputError, match=reason) as caught:
        load(data)
    assert "send" in str(caught.value)


def test_a_bad_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.jpg"
    path.write_bytes(b"")
    with pytest.raises(InputError, match=r"broken\.jpg"):
        load(path)
    with pytest.raises(InputError, match=r"missing\.jpg"):
        load(tmp_path / "missing.jpg")
    with pytest.raises(InputError, match="cannot open"):
        load(tmp_path)
    with pytest.raises(InputError, match="cannot open"):
        load("\0")
