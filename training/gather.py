"""What a run learns from, chooses by and is measured on: the pack's examples, and what the public sets add."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.config import Settings
from agent.domain import Pack
from modalities.text import TextEncoder
from training import recordings
from training.compose import compose
from training.photo_bank import PhotoBank
from training.receipts import LabelledReceipt, load_receipts, read_all
from training.rows import Row, emotion_rows, outside_rows
from training.split import split_rows

OUTSIDE, MOODS = 1_500, 1_200
"""Sentences from outside and comments with a mood added to a pack's own examples."""

PHOTOS = 3_000
"""Photos encoded to train kind, condition and what goes with words."""


@dataclass(frozen=True)
class Rows:
    """Rows by part; what is alike or from one person is never in two of them."""

    training: list[Row]
    validation: list[Row]
    test: list[Row]

    @property
    def counts(self) -> dict[str, int]:
        """How many rows each part has."""
        return {"training": len(self.training), "validation": len(self.validation), "test": len(self.test)}

    @property
    def rows(self) -> list[Row]:
        """All of them."""
        return [*self.training, *self.validation, *self.test]


def divide(rows: list[Row], shares: tuple[float, ...], seed: int) -> Rows:
    """Split without leaks; one row in eight of what is chosen by and measured on is a composed one.

    Training composes anew in each epoch (`training.batches`).
    """
    training, validation, test = split_rows(rows, shares, seed)
    validation += compose(validation, len(validation) // 8, seed)
    test += compose(test, len(test) // 8, seed)
    return Rows(training, validation, test)


def with_public(parts: Rows, pack: Pack, encoder: TextEncoder, data: Path, seed: int) -> Rows:
    """Add sentences from outside and moods; a tenth of the former to validation and to test each."""
    outside = outside_rows(data, encoder, pack, most=OUTSIDE, seed=seed)
    tenth = len(outside) // 10
    return Rows(
        parts.training + outside[2 * tenth :] + emotion_rows(data, "train", MOODS, seed),
        parts.validation + outside[:tenth] + emotion_rows(data, "dev", MOODS // 4, seed),
        parts.test + outside[tenth : 2 * tenth],
    )


def heard(parts: Rows, settings: Settings, pack: Pack, cache: Path) -> Rows:
    """What the stack's speech engine hears in recordings, in place of their words; training has both."""
    return Rows(
        recordings.spoken_rows(parts.training, settings, pack, cache),
        recordings.hear(parts.validation, settings, pack, cache),
        recordings.hear(parts.test, settings, pack, cache),
    )


def photos(rows: list[Row], data: Path | None, settings: Settings, seed: int) -> PhotoBank | None:
    """Photos that rows name, and with `data` those of the public sets, encoded by the stack's photo encoder.

    None where there is neither.
    """
    files = [row.photo for row in rows if row.photo is not None]
    if data is None and not files:
        return None
    from modalities.vision import VisionEncoder

    encoder = VisionEncoder(settings.vision.model, settings.device)
    bank = PhotoBank(width=encoder.width)
    if data is not None:
        from training.photos import photo_samples

        bank = PhotoBank.encode(photo_samples(data, "train", np.random.default_rng(seed), PHOTOS), encoder)
    bank.read(files, encoder, seed)
    return bank


def receipts(pack: Pack, data: Path | None, cache: Path, threads: int) -> list[LabelledReceipt]:
    """The training receipts of the public set, read once and kept in `cache`; none for packs without a use."""
    if data is None or not {"company", "total"} <= set(pack.entities):
        return []
    read_all(data, cache, threads)
    return [receipt for receipt in load_receipts(data, cache) if not receipt.held_out]
