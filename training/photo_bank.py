"""Encoded photos to go with rows: those a row names by file, and any of a kind from the public sets."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from modalities.types import Encoding, Image
from training.rows import Row

if TYPE_CHECKING:
    from modalities.vision import VisionEncoder

COPIES = 3
"""Changed copies of a photo that a row names, beside the photo as it is."""


@dataclass(frozen=True, eq=False)
class Seen:
    """One encoded photo with its labels; both are None where they are not known."""

    encoding: Encoding
    kind: str | None
    condition: str | None


class PhotoBank:
    """Encoded photos.

    Attributes:
        all: the labelled photos, which are drawn by kind.
        width: of their vectors.
    """

    def __init__(self, seen: Sequence[Seen] = (), width: int = 0) -> None:
        self.all = list(seen)
        self.width = seen[0].encoding.vectors.shape[1] if seen else width
        self._files: dict[Path, list[Seen]] = {}
        self._by_kind: dict[str, list[Seen]] = defaultdict(list)
        for photo in seen:
            self._by_kind["damaged" if photo.condition == "damaged" else photo.kind or ""].append(photo)

    @classmethod
    def encode(
        cls, samples: Iterable[tuple[Image, str, str | None]], encoder: VisionEncoder, batch: int = 32
    ) -> PhotoBank:
        """Encode (photo, kind, condition) samples once."""
        seen: list[Seen] = []
        pending: list[tuple[Image, str, str | None]] = []

        def flush() -> None:
            encodings = encoder.encode([image for image, _, _ in pending])
            seen.extend(Seen(e, kind, condition) for e, (_, kind, condition) in zip(encodings, pending, strict=True))
            pending.clear()

        for sample in samples:
            pending.append(sample)
            if len(pending) == batch:
                flush()
        if pending:
            flush()
        return cls(seen, encoder.width)

    def read(self, paths: Iterable[Path], encoder: VisionEncoder, seed: int, copies: int = COPIES) -> None:
        """Encode photos by file, each as it is and in `copies` changed ways (blur, turn, perspective, light).

        Raises:
            InputError: a file is no photo.
        """
        from modalities.image import load
        from training.distort import distort

        rng = np.random.default_rng(seed)
        for path in sorted(set(paths)):
            photo = load(path)
            versions = [photo, *(distort(photo, rng) for _ in range(copies))]
            self._files[path] = [Seen(encoding, None, None) for encoding in encoder.encode(versions)]

    def draw(self, kind: str | None, rng: random.Random) -> Seen | None:
        """A photo of a kind ("damaged" for a damaged product), or None where the bank has none."""
        photos = self._by_kind.get(kind or "")
        return rng.choice(photos) if photos else None

    def beside(self, row: Row, rng: random.Random, changed: bool = True) -> Seen | None:
        """The photo of a row: of its file (one of its changed copies where `changed`), else of its kind."""
        if row.photo is None:
            return self.draw(row.image, rng)
        versions = self._files[row.photo]
        return rng.choice(versions) if changed else versions[0]
