"""Labelled rows as turns: what is typed, played and shown for each, whole or with modalities left out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.errors import InputError
from agent.types import Turn
from modalities.types import Audio, Image
from training.rows import Row

DRAWN_FROM = 400
"""Photos looked through for each one wanted before a kind is given up."""


@dataclass(frozen=True, eq=False)
class Case:
    """A row with its photo, where it names one by kind alone.

    A recording stands in place of the words typed: the row's text is then what is said in it.

    Attributes:
        row: what is true.
        drawn: a photo drawn for it, or None: the row has a file or no photo.
        kind, condition: of the photo, None where not known.
    """

    row: Row
    drawn: Image | None = None
    kind: str | None = None
    condition: str | None = None

    @property
    def modalities(self) -> frozenset[str]:
        """Which of "text", "audio" and "image" it has."""
        row = self.row
        words = {"audio"} if row.audio else {"text"} if row.text.strip() else set[str]()
        return frozenset(words | ({"image"} if row.photo or self.drawn else set()))

    def turn(self, kept: frozenset[str] | None = None) -> Turn:
        """The turn with only these modalities, or with all it has; "text" of a recording types what is said in it.

        Raises:
            InputError: a file is missing or cannot be read.
        """
        kept = self.modalities if kept is None else kept
        return Turn(
            text=self.row.text if "text" in kept else None,
            audio=Audio.open(self.row.audio) if "audio" in kept and self.row.audio else None,
            image=self._photo() if "image" in kept else None,
        )

    def _photo(self) -> Image | None:
        return Image.open(self.row.photo) if self.row.photo else self.drawn


def cases_of(rows: Sequence[Row], photos: Path | None, seed: int) -> list[Case]:
    """Rows as cases; rows that name a photo by kind alone get one drawn.

    Args:
        rows: labelled rows.
        photos: the data folder whose held-out photos are drawn from; None leaves those rows without a photo.
        seed: of the draw.

    Raises:
        InputError: the folder has no photos, or none of a kind.
    """
    if photos is None:
        return [Case(row, kind=_kind(row), condition=_condition(row)) if row.photo else Case(row) for row in rows]
    wanted = Counter(row.image for row in rows if row.image and not row.photo)
    pool = _draw({kind: count for kind, count in wanted.items() if kind}, photos, seed)
    cases = []
    for row in rows:
        if row.image and not row.photo:
            cases.append(Case(row, *pool[row.image].pop()))
        else:
            cases.append(Case(row, kind=_kind(row), condition=_condition(row)))
    return cases


def _kind(row: Row) -> str | None:
    return None if row.image == "damaged" else row.image


def _condition(row: Row) -> str | None:
    return "damaged" if row.image == "damaged" else "intact" if row.image in ("clothing", "grocery") else None


def _draw(wanted: dict[str, int], photos: Path, seed: int) -> dict[str, list[tuple[Image, str, str | None]]]:
    """So many held-out photos of each kind; a product is intact unless "damaged" is asked for."""
    from training.photos import photo_samples

    pool: dict[str, list[tuple[Image, str, str | None]]] = defaultdict(list)
    if not wanted:
        return pool
    most = DRAWN_FROM * sum(wanted.values())
    for photo in photo_samples(photos, "val", np.random.default_rng(seed), most):
        key = "damaged" if photo[2] == "damaged" else photo[1]
        if len(pool[key]) < wanted.get(key, 0):
            pool[key].append(photo)
        if all(len(pool[kind]) == count for kind, count in wanted.items()):
            return pool
    short = sorted(kind for kind, count in wanted.items() if len(pool[kind]) < count)
    raise InputError(f"no photos of the kinds {short!r} under {str(photos)!r}; mend the rows or the folder")
