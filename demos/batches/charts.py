"""Charts as SVG inside the page: bars over time, and lines. No script, no file from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 960, 220, 44, 26, 10
COLORS = ("#0b6e99", "#e08e2b", "#54a24b", "#b279a2", "#9d755d", "#72b7b2", "#c4ccd4")


@dataclass(frozen=True)
class Series:
    """One line or layer: a value for each place on the axis; None where there is none."""

    name: str
    values: tuple[float | None, ...]


def stacked(labels: Sequence[str], series: Sequence[Series], title: str) -> str:
    """Bars over time, the series on top of each other."""
    totals = [sum(s.values[i] or 0.0 for s in series) for i in range(len(labels))]
    top = _nice(max(totals, default=0.0))
    step = (WIDTH - LEFT) / max(1, len(labels))
    shapes = []
    for i, label in enumerate(labels):
        base = 0.0
        for color, one in zip(COLORS, series, strict=False):
            if not (value := one.values[i]):
                continue
            y, height = _y(base + value, top), _y(base, top) - _y(base + value, top)
            shapes.append(
                f'<rect x="{LEFT + i * step + step * 0.12:.1f}" y="{y:.1f}" width="{step * 0.76:.1f}" '
                f'height="{height:.1f}" fill="{color}"><title>{escape(f"{label}: {one.name} {value:g}")}</title></rect>'
            )
            base += value
    return _frame(labels, top, "".join(shapes), title, "")


def line(labels: Sequence[str], one: Series, title: str, marks: Sequence[int] = ()) -> str:
    """Shares over time, 0 to 1; `marks` are places to be pointed at."""
    top = max(0.1, _nice(max((v for v in one.values if v is not None), default=0.0)))
    step = (WIDTH - LEFT) / max(1, len(labels))
    points = [(LEFT + (i + 0.5) * step, _y(v, top), v, i) for i, v in enumerate(one.values) if v is not None]
    path = " ".join(f"{'L' if n else 'M'}{x:.1f} {y:.1f}" for n, (x, y, _, _) in enumerate(points))
    looks = {True: (6, "#b3261e"), False: (3, COLORS[0])}
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{looks[i in marks][0]}" fill="{looks[i in marks][1]}">'
        f"<title>{escape(labels[i])}: {v:.0%}</title></circle>"
        for x, y, v, i in points
    )
    shapes = f'<path d="{path}" fill="none" stroke="{COLORS[0]}" stroke-width="2"/>{dots}'
    return _frame(labels, top, shapes, title, "%")


def legend(names: Sequence[str]) -> list[tuple[str, str]]:
    """Each name with its colour."""
    return list(zip(names, COLORS, strict=False))


def _frame(labels: Sequence[str], top: float, shapes: str, title: str, unit: str) -> str:
    lines = []
    for part in (0.0, 0.5, 1.0):
        y, value = _y(top * part, top), top * part
        shown = f"{value:.0%}" if unit else f"{value:g}"
        lines.append(f'<line x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
        lines.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{shown}</text>')
    step = (WIDTH - LEFT) / max(1, len(labels))
    every = max(1, -(-len(labels) // 12))
    lines += [
        f'<text x="{LEFT + (i + 0.5) * step:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{escape(label)}</text>'
        for i, label in enumerate(labels)
        if i % every == 0
    ]
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{''.join(lines)}{shapes}</svg>"
    )


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * value / top


def _nice(value: float) -> float:
    """A round number at or above a value."""
    if value <= 0:
        return 1.0
    size = 10.0 ** (len(str(int(value))) - 1) if value >= 1 else 0.1
    return next(size * k for k in (1, 2, 4, 5, 6, 8, 10, 20) if size * k >= value)
