"""Pictures of a report: which intents are confused, and how far confidence is from accuracy. Drawn by matplotlib."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from agent.errors import MissingPartError
from training.confusion import shown_part


def _figure(width: float, height: float) -> Any:
    """An empty figure of a size in inches, drawn without a screen."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingPartError("drawing needs matplotlib; pip install matplotlib") from error
    return Figure(figsize=(width, height), layout="constrained", dpi=110)


def draw_confusions(counts: Counter[tuple[str, str]], path: Path) -> None:
    """The confused part as PNG: a row is what was meant, a column what was taken; colour is its share of the row.

    Args:
        counts: by (meant, taken); see `training.confusion.confusions`.
        path: where the picture goes.

    Raises:
        MissingPartError: matplotlib is not installed.
    """
    names, matrix = shown_part(counts)
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    side = 4.0 + 0.3 * len(names)
    figure = _figure(side + 1, side)
    axes = figure.add_subplot()
    image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=9)
    axes.set_yticks(range(len(names)), names, fontsize=9)
    for truth, guess in zip(*np.nonzero(matrix), strict=True):
        colour = "#b00020" if truth != guess else "white" if share[truth, guess] > 0.5 else "black"
        weight = "bold" if truth != guess else "normal"
        place = {"ha": "center", "va": "center", "fontsize": 8, "color": colour, "weight": weight}
        axes.text(guess, truth, str(matrix[truth, guess]), **place)
    wrong = sum(count for (truth, guess), count in counts.items() if truth != guess)
    axes.set(xlabel="taken", ylabel="meant")
    axes.set_title(f"{wrong} of {counts.total()} rows taken for another intent (red)", fontsize=11)
    figure.colorbar(image, shrink=0.5, label="share of the row")
    figure.savefig(path, format="png")


def draw_reliability(parts: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Confidence against accuracy as PNG, one panel a part; a dot's area is how many it rests on.

    Args:
        parts: by name, what `training.calibration.reliability` returns.
        path: where the picture goes.

    Raises:
        MissingPartError: matplotlib is not installed.
    """
    figure = _figure(4.2 * len(parts), 4.4)
    for place, (name, part) in enumerate(parts.items(), start=1):
        axes = figure.add_subplot(1, len(parts), place)
        axes.plot([0, 1], [0, 1], color="grey", linewidth=1)
        count = np.array([bin_["count"] for bin_ in part["bins"]])
        confidence = [bin_["confidence"] for bin_ in part["bins"]]
        axes.scatter(confidence, [b["accuracy"] for b in part["bins"]], s=12 + 300 * count / count.sum(), alpha=0.7)
        axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(-0.02, 1.02), aspect="equal")
        axes.set_title(f"{name.replace('_', ' ')}: error {part['error']:.3f}, {part['count']} confidences", fontsize=10)
    figure.savefig(path, format="png")
