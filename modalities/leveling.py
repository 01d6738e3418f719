"""Print on paper that lies tilted or was seen from the side, put straight: rows become level, nothing is read anew.

The direction of each piece of print tells how rows run at its place. They are taken to turn evenly over the photo: that
holds for tilted paper, and nearly so for paper seen from the side.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Corners = npt.NDArray[np.float64]
"""A quadrilateral, clockwise from top left: shape (4, 2), pixels or fractions."""

LEVEL = 0.02  # slope up to which print is level already; a row of 600 pixels then sinks by 12
_ENOUGH = 6  # pieces from which on it can be told how rows turn over the photo
_STEEPEST = 0.35  # change of slope over the photo that is believed


def level(pieces: Sequence[Corners]) -> list[Corners]:
    """Pieces of print with their rows level, in a frame of their own; just as they are where they are level already."""
    wide = [piece for piece in pieces if _width(piece) > 2 * _height(piece)]
    if not wide:
        return list(pieces)
    tilt = float(np.median([np.arctan2(*(piece[1] - piece[0])[::-1]) for piece in wide]))
    turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    turned = [piece @ turn for piece in pieces]
    slopes = _slopes([piece @ turn for piece in wide])
    if abs(np.tan(tilt)) < LEVEL and np.abs(slopes[1:]).max() < LEVEL:
        return list(pieces)
    middle, reach = _frame(turned)
    return [_straightened(piece, slopes, middle, reach) for piece in turned]


def is_level(before: Sequence[Corners], after: Sequence[Corners]) -> bool:
    """Whether nothing was put straight."""
    return all(a is b for a, b in zip(before, after, strict=True))


def _slopes(wide: Sequence[Corners]) -> npt.NDArray[np.float64]:
    """How rows run: slope in the middle, and what it gains over half the width and half the height."""
    if len(wide) < _ENOUGH:
        return np.zeros(3)
    middle, reach = _frame(wide)
    seen = np.array([(piece[1] - piece[0] + piece[2] - piece[3]) for piece in wide])
    slope, weight = seen[:, 1] / seen[:, 0], np.sqrt(seen[:, 0])
    places = np.array([(piece.mean(axis=0) - middle) / reach for piece in wide])
    terms = np.column_stack([np.ones(len(wide)), places])
    kept = np.abs(slope - np.median(slope)) < _STEEPEST
    found, *_ = np.linalg.lstsq(terms[kept] * weight[kept, None], slope[kept] * weight[kept], rcond=None)
    return np.asarray(np.clip(found, -_STEEPEST, _STEEPEST), dtype=np.float64)


def _frame(pieces: Sequence[Corners]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The middle of the print, and half its width and height."""
    corners = np.concatenate(pieces)
    low, high = corners.min(axis=0), corners.max(axis=0)
    return (low + high) / 2, np.maximum((high - low) / 2, 1e-6)


def _straightened(
    piece: Corners, slopes: npt.NDArray[np.float64], middle: npt.NDArray[np.float64], reach: npt.NDArray[np.float64]
) -> Corners:
    """A piece moved up or down by how far its row sank on the way from the middle."""
    x, y = (piece - middle).T
    sunk = (slopes[0] + slopes[2] * y / reach[1]) * x + slopes[1] * x * x / (2 * reach[0])
    return np.column_stack([piece[:, 0], piece[:, 1] - sunk])


def _width(piece: Corners) -> float:
    return float(np.linalg.norm(piece[1] - piece[0]))


def _height(piece: Corners) -> float:
    return float(np.linalg.norm(piece[3] - piece[0]))
