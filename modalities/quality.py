"""Whether a photo can be used: light, sharpness, glare on paper, paper that leaves the frame. Knows no models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from modalities.types import FloatArray, Image, TextLine

_LOOK_SIDE = 224  # pixels at which light and sharpness are judged
_DARK, _BRIGHT = 45, 235  # of 255: even the lightest, or the darkest, hundredth of the photo
_SOFT = 18  # strongest edges, as second differences; 500 photos had 41 to 540, and 4 to 25 with two pixels of blur
_BLOWN = 250  # of 255 in every channel
_PATCH = 9  # pixels at that size; a smaller white patch is a gap between words
_GLARE, _SCAN = (
    0.04,
    0.5,
)  # shares of the print's frame that is blown out: from here on glare, from here on a white scan
_EDGE = 0.004  # of the width or height
_AT_SIDE = 3  # lines that end at one side edge; one or two may be a logo or a stamp


def problem(image: Image) -> str:
    """Why a photo cannot be used: "too dark", "too bright" or "blurred"; empty when it can."""
    grey = _small(image).mean(axis=2)
    if np.percentile(grey, 99) < _DARK:
        return "too dark"
    if np.percentile(grey, 1) > _BRIGHT:
        return "too bright"
    if min(grey.shape) < 3:
        return ""
    middle = 4 * grey[1:-1, 1:-1]
    edges = np.abs(middle - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:])
    return "blurred" if np.percentile(edges, 99.8) < _SOFT else ""


def print_problem(image: Image, lines: Sequence[TextLine]) -> str:
    """Why print that should be there was not read: "cut off", "glare" or "hard to read"."""
    if _cut_off(lines):
        return "cut off"
    return "glare" if lines and _glares(image, lines) else "hard to read"


def _cut_off(lines: Sequence[TextLine]) -> bool:
    """Whether print runs into an edge of the photo."""
    low, high = _EDGE, 1 - _EDGE
    left, right = sum(line.box[0] <= low for line in lines), sum(line.box[2] >= high for line in lines)
    return max(left, right) >= _AT_SIDE or any(line.box[1] <= low or line.box[3] >= high for line in lines)


def _glares(image: Image, lines: Sequence[TextLine]) -> bool:
    """Whether a patch amid the print is blown out while the rest of the paper is not."""
    blown = _small(image).min(axis=2) >= _BLOWN
    height, width = blown.shape
    x0, y0 = (min(line.box[i] for line in lines) for i in (0, 1))
    x1, y1 = (max(line.box[i] for line in lines) for i in (2, 3))
    frame = blown[int(y0 * height) : int(np.ceil(y1 * height)), int(x0 * width) : int(np.ceil(x1 * width))]
    if min(frame.shape) < _PATCH or frame.mean() > _SCAN:
        return False
    windows = np.lib.stride_tricks.sliding_window_view(frame, (_PATCH, _PATCH))
    return bool(windows.all(axis=(2, 3)).mean() >= _GLARE)


def _small(image: Image) -> FloatArray:
    """The photo at the size it is judged at: shape (height, width, 3), 0..255."""
    from PIL import Image as pil

    picture = pil.fromarray(image.pixels)
    picture.thumbnail((_LOOK_SIDE, _LOOK_SIDE), pil.Resampling.BOX)
    return np.asarray(picture, dtype=np.float32)
