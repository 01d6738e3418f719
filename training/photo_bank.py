"""Photos as encodings, by kind, to go with rows whose words only make sense beside a photo."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modalities.types import Encoding, Image

if TYPE_CHECKING:
    from modalities.vision import VisionEncoder


@dataclass(frozen=True, eq=False)
class Seen:
    """One encoded photo with its labels; condition is None where it does not apply."""

    encoding: Encoding
    kind: str
    condition: str | None


class PhotoBank:
    """Encoded photos, drawn at random by kind."""

    def __init__(self, seen: Sequence[Seen]) -> None:
        if not seen:
            raise ValueError("a photo bank needs at least one photo")
        self.all = list(seen)
        self.width = seen[0].encoding.vectors.shape[1]
        self._by_kind: dict[str, list[Seen]] = defaultdict(list)
        for photo in seen:
            self._by_kind["damaged" if photo.condition == "damaged" else photo.kind].append(photo)

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
        return cls(seen)

    def draw(self, kind: str | None, rng: random.Random) -> Seen | None:
        """A photo of a kind ("damaged" for a damaged product), or None where the bank has none."""
        photos = self._by_kind.get(kind or "")
        return rng.choice(photos) if photos else None
