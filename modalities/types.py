"""What crosses module borders: sound, pictures, vectors and what was heard or read in them.

Frozen, validated, and free of torch, so that importing them is quick. Nothing here knows about models,
dialogue or customers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import IO, Literal

import numpy as np
import numpy.typing as npt

from modalities.errors import InputError

FloatArray = npt.NDArray[np.float32]
Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 as fractions of the picture's width and height, origin top left."""

Source = str | PathLike[str] | bytes | IO[bytes]
"""A file by path, its bytes, or an open binary file."""

EncodingKind = Literal["text", "ocr", "image", "speech"]


@dataclass(frozen=True, eq=False)
class Audio:
    """One channel of sound.

    Attributes:
        samples: shape (n,), float32, nominally within -1..1.
        rate: samples per second.
    """

    samples: FloatArray
    rate: int

    def __post_init__(self) -> None:
        samples = np.asarray(self.samples, dtype=np.float32)
        if samples.ndim != 1:
            raise InputError(f"audio samples must have shape (n,), got {samples.shape!r}; pass one channel")
        if not 1_000 <= self.rate <= 384_000:
            raise InputError(f"audio rate must be 1000 to 384000 samples per second, got {self.rate!r}")
        object.__setattr__(self, "samples", samples)

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate

    @classmethod
    def open(cls, source: Source, *, channel: int | None = None) -> Audio:
        """Read a recording (see `modalities.audio.load`); several channels are averaged unless one is named.

        Raises:
            InputError: the recording is empty, damaged, too long or not sound.
        """
        from modalities.audio import load

        return load(source, channel=channel)


@dataclass(frozen=True, eq=False)
class Image:
    """One picture, upright.

    Attributes:
        pixels: shape (height, width, 3), uint8, RGB.
    """

    pixels: npt.NDArray[np.uint8]

    def __post_init__(self) -> None:
        pixels = np.asarray(self.pixels)
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
            raise InputError(
                f"image pixels must be uint8 of shape (height, width, 3), got {pixels.dtype} {pixels.shape!r}"
            )
        object.__setattr__(self, "pixels", pixels)

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])

    @classmethod
    def open(cls, source: Source) -> Image:
        """Read a photo (see `modalities.image.load`): turned upright, made RGB, bounded in size.

        Raises:
            InputError: the photo is empty, damaged, too large or not a picture.
        """
        from modalities.image import load

        return load(source)


@dataclass(frozen=True, eq=False)
class Encoding:
    """One modality as a sequence of vectors.

    Attributes:
        kind: which modality the vectors come from.
        vectors: shape (n, width), float32.
        spans: for text and ocr, (start, end) character offsets of each vector in its text; else empty.
        boxes: for ocr and image, the place of each vector in the picture; else empty.
        capitals: for text, how the word of each vector is written (`modalities.capitals`); empty where that tells
            nothing.
    """

    kind: EncodingKind
    vectors: FloatArray
    spans: tuple[tuple[int, int], ...] = ()
    boxes: tuple[Box, ...] = ()
    capitals: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2:
            raise ValueError(f"vectors must have shape (n, width), got {self.vectors.shape!r}")
        for name, rows in (("spans", self.spans), ("boxes", self.boxes), ("capitals", self.capitals)):
            if rows and len(rows) != len(self.vectors):
                raise ValueError(f"{name} must match the {len(self.vectors)} vectors, got {len(rows)}")

    def __len__(self) -> int:
        return len(self.vectors)


@dataclass(frozen=True)
class Word:
    """One recognised word: times in seconds from the start of the audio, confidence within 0..1."""

    text: str
    start: float
    end: float
    confidence: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.start) and math.isfinite(self.end) and self.start <= self.end):
            raise ValueError(f"word times must be finite and ordered, got {self.start!r}..{self.end!r}")


@dataclass(frozen=True)
class Transcript:
    """What was heard.

    Attributes:
        text: the words; empty when nothing was said.
        words: each word with its times; empty when the engine gives none.
        confidence: 0..1 over the whole.
        alternatives: other hearings, likeliest first, `text` not among them.
        chances: of the text and of each alternative, adding up to 1; empty where the engine does not tell.
        rejected: why sound was not taken for speech ("silence", "noise", ...); empty when it was.
        states: the engine's encoder states for the fusion, where it gives them.
        language: code of the language spoken, where the engine tells it.
    """

    text: str
    words: tuple[Word, ...] = ()
    confidence: float = 0.0
    alternatives: tuple[str, ...] = ()
    chances: tuple[float, ...] = ()
    rejected: str = ""
    states: Encoding | None = field(default=None, compare=False, repr=False)
    language: str = ""


@dataclass(frozen=True)
class Segment:
    """A stretch of speech, in seconds from the start of the recording."""

    start: float
    end: float


@dataclass(frozen=True)
class TextLine:
    """One line of text read in a photo.

    Attributes:
        text: its words.
        box: where it is in the photo.
        confidence: the reader's, 0..1.
        level: where it is once the paper is put upright and straight; None where the photo shows it so already.
    """

    text: str
    box: Box
    confidence: float
    level: Box | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Barcode:
    """One barcode or QR code: its content, symbology ("EAN13", "QRCode", ...) and place."""

    text: str
    format: str
    box: Box


def join_lines(lines: Sequence[TextLine]) -> str:
    """The text of a photo: its lines joined by newlines. Offsets of photo entities point into this."""
    return "\n".join(line.text for line in lines)
