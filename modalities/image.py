"""Photos from files: upright, RGB, bounded in size.

A photo comes from anybody, so its header is believed only far enough to refuse it: the size is checked before
anything is decoded, only common picture formats are tried, and whatever the decoder trips over becomes an
`InputError`. Knows nothing of what is in the picture.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from io import BytesIO
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from modalities.errors import InputError, MissingPartError
from modalities.types import Image, Source

if TYPE_CHECKING:
    from PIL import Image as pil

MAX_SIDE = 2_048  # pixels; small print on a receipt that fills the frame is still about 20 pixels tall
MAX_PIXELS = 64_000_000  # before downscaling; the largest phone cameras give about 50 million
MAX_BYTES = 64 * 1024 * 1024

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
_EXIF_ORIENTATION = 0x0112
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, OverflowError, IndexError, KeyError, struct.error, zlib.error)
"""What Pillow's decoders raise on damaged files."""


def load(source: Source, *, max_side: int = MAX_SIDE) -> Image:
    """Read a photo: first frame, turned upright by its EXIF data, on white where transparent, 8-bit RGB.

    Args:
        source: a path, the file's bytes, or an open binary file.
        max_side: longest side in pixels; larger photos are scaled down, smaller ones left alone.

    Raises:
        InputError: the photo is missing, empty, damaged, too large, or in a format that is not read.
    """
    name, data = _read(source)
    from PIL import Image as pil
    from PIL import UnidentifiedImageError

    formats: tuple[str, ...] = _FORMATS
    if _is_heif(data):
        _learn_heif()
        formats = ("HEIF",)  # Pillow must know a format by now that it is asked for
    with warnings.catch_warnings():
        warnings.simplefilter("error", pil.DecompressionBombWarning)
        warnings.filterwarnings("ignore", module="PIL")
        try:
            with pil.open(BytesIO(data), formats=formats) as picture:
                _check_size(name, picture.size)
                return Image(_upright(picture, max_side))
        except (pil.DecompressionBombError, pil.DecompressionBombWarning):
            raise _too_large(name, "its header gives more") from None
        except UnidentifiedImageError:
            raise InputError(f"{name} is not a picture that can be read; send a JPEG or PNG") from None
        except MemoryError:
            raise _too_large(name, "it does not fit into memory") from None
        except _DAMAGE as error:
            raise InputError(
                f"{name} is damaged or incomplete ({type(error).__name__}); send the photo again"
            ) from None


def _read(source: Source) -> tuple[str, bytes]:
    """What to call the source in messages, and its bytes."""
    if isinstance(source, bytes):
        name, data = "the photo", source
    elif isinstance(source, (str, PathLike)):
        path = Path(fspath(source))
        name = f"photo {path.name!r}"
        try:
            if path.stat().st_size > MAX_BYTES:
                raise _too_heavy(name)
            data = path.read_bytes()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "not a path"
            raise InputError(f"cannot open {name}: {reason}; give the path of a picture file") from None
    else:
        name, data = "the photo", source.read(MAX_BYTES + 1)
    if not data:
        raise InputError(f"{name} is empty (0 bytes); send the photo again")
    if len(data) > MAX_BYTES:
        raise _too_heavy(name)
    return name, data


def _is_heif(data: bytes) -> bool:
    """Whether the file is one of the kind that iPhones write."""
    return data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS


def _learn_heif() -> None:
    """Teach Pillow the format."""
    try:
        import pillow_heif
    except ImportError as error:
        raise MissingPartError("reading HEIC photos needs the package pillow-heif: pip install pillow-heif") from error
    pillow_heif.register_heif_opener()


def _too_heavy(name: str) -> InputError:
    return InputError(f"{name} has more than {MAX_BYTES // 2**20} MiB; send a JPEG of usual size")


def _too_large(name: str, why: str) -> InputError:
    limit = MAX_PIXELS // 1_000_000
    return InputError(f"{name} is too large: at most {limit} million pixels are taken, {why}; send a smaller one")


def _check_size(name: str, size: tuple[int, int]) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        raise _too_large(name, f"it has {width} x {height}")


def _upright(picture: pil.Image, max_side: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Decode, scale, make RGB, turn. JPEGs are decoded straight to a smaller size, which is quicker."""
    from PIL import Image as pil

    turn = _orientation(picture)
    if picture.format in ("JPEG", "MPO"):
        picture.draft("RGB", (max_side, max_side))
    flat = _rgb(picture)
    flat.thumbnail((max_side, max_side), pil.Resampling.LANCZOS, reducing_gap=2.0)
    if turn is not None:
        flat = flat.transpose(turn)
    return np.array(flat, dtype=np.uint8)


def _orientation(picture: pil.Image) -> pil.Transpose | None:
    """The turn that sets the photo upright, by its EXIF orientation; None for none or damaged EXIF data."""
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    try:
        return turns.get(picture.getexif().get(_EXIF_ORIENTATION, 1))
    except (*_DAMAGE, TypeError):
        return None


def _rgb(picture: pil.Image) -> pil.Image:
    """The picture as RGB: deep grey scaled to 8 bits, transparency on white, everything else converted."""
    from PIL import Image as pil

    if picture.mode.startswith(("I", "F")):
        return _from_deep(picture)
    if picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        return pil.alpha_composite(pil.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return picture.convert("RGB")


def _from_deep(picture: pil.Image) -> pil.Image:
    """Grey of 16 or 32 bits or floats: 16-bit values keep the top byte, others are stretched over their range."""
    from PIL import Image as pil

    values = np.asarray(picture).astype(np.float32)
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = (0.0, 65_535.0) if picture.mode.startswith("I;16") else (float(values.min()), float(values.max()))
    if picture.mode == "I" and low >= 0 and high <= 65_535:
        low, high = 0.0, 65_535.0
    grey = (values - low) * (255.0 / max(high - low, 1e-6))
    return pil.fromarray(grey.clip(0, 255).astype(np.uint8)).convert("RGB")
