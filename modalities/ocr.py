"""Text and barcodes in photos: RapidOCR (PP-OCR models, in its wheel) and zxing-cpp.

A `TextLine` is one unbroken piece of print. Pieces of one printed row ("TOTAL" at the left, "9.00" at the right)
stay apart, each with its own box, so that what is found can be pointed at; they follow each other in reading order.
Knows nothing of what the words mean.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt

from modalities.errors import InputError, MissingPartError, WeightsError
from modalities.leveling import Corners, is_level, level
from modalities.types import Barcode, Box, Image, TextLine

DETECTION_SIDE = 960  # pixels of the longest side where text is looked for; it is read at full size
_MIN_RECOGNITION_WIDTH = 64  # pixels; the usual 320 spends most of the time on padding behind short pieces
_RECOGNITION_HEIGHT = 48  # pixels, given by the model
_MIN_CONFIDENCE = 0.5
_SURE, _UNSURE = 0.85, 0.78  # mean confidences; print that is the right way up has about 0.95, upside down about 0.7
_MAX_BARCODES = 16
_THINNEST = 8  # pixels; what fewer rows of bars say is not believed
_TILTS = (20.0, -20.0)  # degrees to turn a photo by in which no code shows
_TILTED_SIDE = 1_200  # pixels of its longer side then


@dataclass(frozen=True)
class _Piece:
    """One piece of print as it was found: a quadrilateral in pixels, clockwise from top left."""

    text: str
    corners: npt.NDArray[np.float64]
    confidence: float

    @property
    def height(self) -> float:
        return float(np.linalg.norm(self.corners[3] - self.corners[0]))

    @property
    def width(self) -> float:
        return float(np.linalg.norm(self.corners[1] - self.corners[0]))


class Reader:
    """Reads the print in photos. Loads its models from the installed package; downloads nothing.

    Args:
        threads: CPU threads to use; 0 for one per core.

    Raises:
        MissingPartError: RapidOCR is not installed.
        WeightsError: its models are missing from the package.
    """

    def __init__(self, threads: int = 0) -> None:
        if threads < 0:
            raise InputError(f"threads must be 0 or more, got {threads!r}")
        self._engine = _engine(threads)
        self._lock = threading.Lock()  # RapidOCR keeps what it works on in itself

    def read(self, image: Image) -> tuple[TextLine, ...]:
        """The pieces of print in a photo, in reading order: rows from top to bottom, each from left to right.

        A photo taken sideways or upside down is turned and read again; boxes stay those of the photo as it is given.
        """
        if min(image.width, image.height) < 8:
            return ()
        pieces, turns = self._pieces(image), 0
        if tries := _turns_to_try(pieces):
            turned = {k: self._pieces(Image(np.rot90(image.pixels, k))) for k in tries}
            best = max(turned, key=lambda k: _legibility(turned[k]))
            if _legibility(turned[best]) > _legibility(pieces):
                pieces, turns = turned[best], best
        upright = (image.height, image.width) if turns % 2 else (image.width, image.height)
        ordered, straight = _reading_order(pieces)
        levels = [None] * len(ordered) if is_level([p.corners for p in ordered], straight) else _within(straight)
        return tuple(
            TextLine(piece.text, turn_box(_box(piece.corners, *upright), turns), round(piece.confidence, 4), place)
            for piece, place in zip(ordered, levels, strict=True)
        )

    def _pieces(self, image: Image) -> list[_Piece]:
        """The pieces of print as they are found, in no order that can be relied on."""
        with self._lock:
            found = self._engine(np.ascontiguousarray(image.pixels[:, :, ::-1]))
        if found.txts is None or found.boxes is None:
            return []
        return [
            _Piece(text, np.asarray(corners, dtype=np.float64), float(score))
            for text, corners, score in zip(map(_clean, found.txts), found.boxes, found.scores, strict=True)
            if text
        ]


def read_barcodes(image: Image) -> tuple[Barcode, ...]:
    """The barcodes and QR codes in a photo, whichever way they are turned.

    Raises:
        MissingPartError: zxing-cpp is not installed.
    """
    try:
        import zxingcpp
    except ImportError as error:
        raise MissingPartError("reading barcodes needs the package zxing-cpp: pip install zxing-cpp") from error
    if min(image.width, image.height) < 8:
        return ()
    found = zxingcpp.read_barcodes(np.ascontiguousarray(image.pixels))
    if not found:
        return _read_tilted(image, zxingcpp.read_barcodes)
    found = [code for code in found[:_MAX_BARCODES] if np.ptp(_outline(code), axis=0).min() >= _THINNEST]
    codes = [_as_barcode(code, _outline(code), image) for code in found]
    return tuple(code for code in codes if not any(_stretch_of(other.box, code.box) for other in codes))


def _read_tilted(image: Image, read: Callable[[Any], Any]) -> tuple[Barcode, ...]:
    """The codes that show once a photo is turned by a few degrees: bars are only followed along rows and columns."""
    from PIL import Image as pil

    picture = pil.fromarray(image.pixels)
    picture.thumbnail((_TILTED_SIDE, _TILTED_SIDE), pil.Resampling.BOX)
    scale = image.width / picture.width
    for angle in _TILTS:
        turned = picture.rotate(angle, pil.Resampling.BILINEAR, expand=True, fillcolor="white")
        if codes := [code for code in read(np.asarray(turned)) if np.ptp(_outline(code), axis=0).min() >= _THINNEST]:
            back = np.array([[math.cos(math.radians(angle)), math.sin(math.radians(angle))],
                             [-math.sin(math.radians(angle)), math.cos(math.radians(angle))]])  # fmt: skip
            middles = np.array(turned.size) / 2, np.array(picture.size) / 2
            code = max(codes, key=lambda code: float(np.ptp(_outline(code), axis=0).prod()))
            return (_as_barcode(code, ((_outline(code) - middles[0]) @ back + middles[1]) * scale, image),)
    return ()


def _outline(code: Any) -> Corners:
    place = code.position
    corners = (place.top_left, place.top_right, place.bottom_right, place.bottom_left)
    return np.array([(corner.x, corner.y) for corner in corners], dtype=np.float64)


def _as_barcode(code: Any, outline: Corners, image: Image) -> Barcode:
    return Barcode(_clean(code.text), code.format.name, _box(outline, image.width, image.height))


def _stretch_of(whole: Box, box: Box) -> bool:
    """Whether a code lies at a larger one: stretches of its bars can be read as shorter codes."""
    near = max(whole[2] - whole[0], whole[3] - whole[1]) / 2
    across = min(box[2], whole[2]) - max(box[0], whole[0])
    down = min(box[3], whole[3]) - max(box[1], whole[1])
    smaller = (box[2] - box[0]) * (box[3] - box[1]) < (whole[2] - whole[0]) * (whole[3] - whole[1])
    return smaller and across > -near and down > -near


def rows(lines: Sequence[TextLine]) -> tuple[tuple[int, ...], ...]:
    """Which pieces share a printed row: positions in `lines` (which are in reading order), row by row."""
    grouped: list[list[int]] = []
    turns = quarter_turns(lines)
    boxes = [line.level or turn_box(line.box, turns) for line in lines]
    for index, box in enumerate(boxes):
        if grouped and _follows(boxes[grouped[-1][-1]], box):
            grouped[-1].append(index)
        else:
            grouped.append([index])
    return tuple(tuple(row) for row in grouped)


def turn_box(box: Box, quarters: int) -> Box:
    """Where a box lies after its picture is turned by quarters clockwise."""
    x0, y0, x1, y1 = box
    for _ in range(quarters % 4):
        x0, y0, x1, y1 = 1 - y1, x0, 1 - y0, x1
    return x0, y0, x1, y1


def quarter_turns(lines: Sequence[TextLine]) -> int:
    """Quarters clockwise by which the photo must be turned for its lines to run to the right and downwards."""
    long = [line.box for line in lines if len(line.text) >= 8]
    if len(long) < 2:
        return 0
    sideways = median((x1 - x0) / max(y1 - y0, 1e-6) for x0, y0, x1, y1 in long) < 1
    axis = 0 if sideways else 1
    onwards = sum(b[axis] + b[axis + 2] - a[axis] - a[axis + 2] for a, b in pairwise(long))
    if sideways:
        return 1 if onwards > 0 else 3
    return 0 if onwards >= 0 else 2


def _turns_to_try(pieces: Sequence[_Piece]) -> tuple[int, ...]:
    """Quarter turns (counter-clockwise) that may make print legible that is on its side or upside down."""
    long = [piece for piece in pieces if len(piece.text) >= 3]
    if len(long) < 3:
        return ()
    if sum(piece.height > piece.width for piece in long) > 0.6 * len(long):
        return (1,) if _mean_confidence(long) > _SURE else (3,)
    return (2,) if _mean_confidence(long) < _UNSURE else ()


def _mean_confidence(pieces: Sequence[_Piece]) -> float:
    return sum(piece.confidence for piece in pieces) / max(len(pieces), 1)


def _legibility(pieces: Sequence[_Piece]) -> float:
    """How much was read, and how surely: for comparing two readings of one photo."""
    upright = [piece for piece in pieces if piece.width >= piece.height]
    return sum(len(piece.text) * (piece.confidence - _MIN_CONFIDENCE) for piece in upright)


def _follows(left: Box, right: Box) -> bool:
    """Whether `right` stands in the same row after `left`: further right, and as high to within half its height."""
    height = min(left[3] - left[1], right[3] - right[1])
    apart = abs((left[1] + left[3]) - (right[1] + right[3])) / 2
    return right[0] > (left[0] + left[2]) / 2 and apart <= 0.7 * height


def _engine(threads: int) -> Any:
    """RapidOCR with the models of its wheel, quiet."""
    try:
        import rapidocr
    except ImportError as error:
        raise MissingPartError("reading photos needs the package rapidocr: pip install rapidocr onnxruntime") from error
    models = Path(rapidocr.__file__).parent / "models"
    return rapidocr.RapidOCR(
        params={
            "Global.log_level": "error",
            "Global.use_cls": False,
            "Global.text_score": _MIN_CONFIDENCE,
            "Global.max_side_len": 2_048,
            "Det.model_path": _model(models, "det"),
            "Det.limit_type": "max",
            "Det.limit_side_len": DETECTION_SIDE,
            "Rec.model_path": _model(models, "rec"),
            "Rec.rec_img_shape": [3, _RECOGNITION_HEIGHT, _MIN_RECOGNITION_WIDTH],
            "Rec.rec_batch_num": 1,
            "EngineConfig.onnxruntime.intra_op_num_threads": threads or -1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )


def _model(folder: Path, part: str) -> str:
    """The model file of one part in RapidOCR's wheel, so that it never looks for one to download."""
    found = sorted(folder.glob(f"*_{part}_*.onnx"))
    if not found:
        raise WeightsError(f"rapidocr has no {part} model in {folder}: pip install --force-reinstall rapidocr")
    return str(found[-1])


def _clean(text: str) -> str:
    """The text on one line, without control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _box(corners: npt.NDArray[np.float64], width: float, height: float) -> Box:
    """The upright box around corners in pixels, as fractions of a picture's width and height."""
    low = corners.min(axis=0) / (width, height)
    high = corners.max(axis=0) / (width, height)
    x0, y0, x1, y1 = (min(max(float(v), 0.0), 1.0) for v in (*low, *high))
    return round(x0, 5), round(y0, 5), round(x1, 5), round(y1, 5)


def _within(straight: Sequence[Corners]) -> list[Box | None]:
    """Boxes of print put straight, as fractions of the stretch it covers."""
    low = np.concatenate(straight).min(axis=0)
    width, height = np.maximum(np.concatenate(straight).max(axis=0) - low, 1e-6)
    return [_box(corners - low, width, height) for corners in straight]


def _reading_order(pieces: Sequence[_Piece]) -> tuple[list[_Piece], list[Corners]]:
    """Pieces in rows from top to bottom, each from left to right, and the same put straight (`modalities.leveling`)."""
    straight = level([piece.corners for piece in pieces])
    middles = [corners.mean(axis=0) for corners in straight]
    grouped: list[list[int]] = []
    levels: list[float] = []
    for index in sorted(range(len(pieces)), key=lambda i: float(middles[i][1])):
        at = float(middles[index][1])
        lowest = min(pieces[index].height, pieces[grouped[-1][-1]].height) if grouped else 0.0
        if grouped and abs(at - levels[-1]) <= 0.5 * lowest:
            grouped[-1].append(index)
            levels[-1] += (at - levels[-1]) / len(grouped[-1])
        else:
            grouped.append([index])
            levels.append(at)
    order = [i for row in grouped for i in sorted(row, key=lambda i: float(middles[i][0]))]
    return [pieces[i] for i in order], [straight[i] for i in order]
