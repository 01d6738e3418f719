"""Batches of every sort, in random order: words (beside photos and voices), photos alone, the print of receipts.

What is absent from a row is absent from the model's input. Modalities of rows that have several are dropped at
random (Neverova et al. 2016, "ModDrop"), so that one checkpoint serves whatever is present.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from agent.fusion import ModalityBatch, collate
from agent.heads import Labels
from agent.understanding import MAX_LINES
from modalities.text import TextEncoder
from modalities.types import Encoding
from training.augment import Mishear, Rates, Spell, augment
from training.compose import composable, join, tellable
from training.photo_bank import PhotoBank, Seen
from training.receipts import LabelledReceipt
from training.rows import Row
from training.targets import IGNORED, Targets, tag_ids, targets_of

NO_ROW = Row("")


@dataclass(frozen=True, eq=False)
class Material:
    """What there is to learn from.

    Attributes:
        rows: labelled words, photos and recordings.
        receipts: their print with the spans of its entities.
        bank: photos by kind and by file.
        voices: prosody of the recordings by file.
        mishear: what a recogniser may hear, or None to learn from words as typed alone.
        spell: what puts typing errors right before the model reads them, or None.
    """

    rows: Sequence[Row]
    receipts: Sequence[LabelledReceipt] = ()
    bank: PhotoBank | None = None
    voices: Mapping[Path, Encoding] = field(default_factory=dict)
    mishear: Mishear | None = None
    spell: Spell | None = None


@dataclass(frozen=True)
class Mixture:
    """How batches are made; shares and chances lie within 0..1.

    Attributes:
        size: rows of a batch of words or photos.
        receipts: read in an epoch, drawn anew each time; `print_size` of them make a batch.
        compose: share of rows that are joined with a row of another intent.
        twice, story: shares of those joined with one of the same intent, and with a sentence that is no wish.
        drop: chance of leaving out the words of a row with a photo, and of leaving out its photo.
        stray: chance of an unrelated photo beside a row that has none.
        rates: of changes to the words.
        untouched: share of the rows with entities whose words stay as they are: where a name ends is learnt from
            sentences as people write them.
    """

    size: int = 32
    receipts: int = 128
    print_size: int = 4
    compose: float = 0.12
    twice: float = 0.03
    story: float = 0.04
    drop: float = 0.15
    stray: float = 0.1
    rates: Rates = Rates(typo=0.35, misheard=0.15, reword=0.15, frame=0.1, drop=0.1)
    untouched: float = 0.8


@dataclass(frozen=True, eq=False)
class Batch:
    """One batch: `tokens` are for the text encoder (None where no row has words), `others` are encoded already."""

    tokens: dict[str, Any] | None
    others: dict[str, ModalityBatch]
    targets: Targets


class Batches:
    """Makes an epoch's batches."""

    def __init__(self, material: Material, mixture: Mixture, encoder: TextEncoder, labels: Labels) -> None:
        self.material = material
        self.mixture = mixture
        self.encoder = encoder
        self.labels = labels
        self._partners = [row for row in material.rows if composable(row)]
        self._stories = [row for row in material.rows if tellable(row)]
        self._alike_in: dict[tuple[str, ...] | None, list[Row]] = defaultdict(list)
        for row in self._partners:
            self._alike_in[row.intents].append(row)

    def __len__(self) -> int:
        """Batches of an epoch."""
        mixture, bank = self.mixture, self.material.bank
        photos = len(bank.all) // mixture.size if bank else 0
        prints = min(mixture.receipts, len(self.material.receipts))
        return -(-len(self.material.rows) // mixture.size) + photos + -(-prints // mixture.print_size)

    def epoch(self, rng: random.Random) -> Iterator[Batch]:
        """Every row once, in random order, in batches of one sort and of like length."""
        mixture, bank, receipts = self.mixture, self.material.bank, self.material.receipts
        jobs: list[Callable[[], Batch]] = [partial(self._words, rows, rng) for rows in self._alike(rng)]
        if bank is not None:
            jobs += [partial(self._photos, bank, rng) for _ in range(len(bank.all) // mixture.size)]
        chosen, step = rng.sample(receipts, min(mixture.receipts, len(receipts))), mixture.print_size
        jobs += [partial(self._prints, chosen[i : i + step], rng) for i in range(0, len(chosen), step)]
        rng.shuffle(jobs)
        return (job() for job in jobs)

    def _alike(self, rng: random.Random) -> list[list[Row]]:
        """Shuffled rows in batches of like length."""
        size, order = self.mixture.size, list(self.material.rows)
        rng.shuffle(order)
        pools = [sorted(order[i : i + 50 * size], key=lambda r: len(r.text)) for i in range(0, len(order), 50 * size)]
        return [pool[i : i + size] for pool in pools for i in range(0, len(pool), size)]

    def _words(self, rows: Sequence[Row], rng: random.Random) -> Batch:
        rows = [self._changed(row, rng) for row in rows]
        photos = [self._beside(row, rng) for row in rows]
        rows = [
            replace(row, text="", spans=None) if photo and shown(row) and rng.random() < self.mixture.drop else row
            for row, photo in zip(rows, photos, strict=True)
        ]
        tokens = self.encoder.tokens([row.text for row in rows])
        places = [[(int(a), int(b)) for a, b in row] for row in tokens["offset_mapping"]]
        tags = [tag_ids(row.spans, spots, self.labels) for row, spots in zip(rows, places, strict=True)]
        voices = [self.material.voices.get(row.audio) if row.audio else None for row in rows]
        return Batch(
            tokens,
            _inputs(image=[photo.encoding if photo else None for photo in photos], speech=voices),
            targets_of(
                rows, {"text": torch.tensor(tags)}, [p.kind if p else None for p in photos],
                [p.condition if p else None for p in photos], self.labels,
            ),
        )  # fmt: skip

    def _changed(self, row: Row, rng: random.Random) -> Row:
        """A row as somebody else would have typed or been heard to say it; now and then with a second wish."""
        if composable(row):
            row = self._joined(row, rng)
        if row.spans and rng.random() < self.mixture.untouched:
            return row
        material = self.material
        text, spans = augment(row.text, row.spans or (), rng, self.mixture.rates, material.mishear, material.spell)
        return replace(row, text=text, spans=None if row.spans is None else spans)

    def _joined(self, row: Row, rng: random.Random) -> Row:
        """A row as it is or, by the shares of the mixture, joined with another."""
        mixture, draw = self.mixture, rng.random()
        if draw < mixture.compose:
            return join(row, rng.choice(self._partners), rng)
        if draw < mixture.compose + mixture.twice:
            return join(row, rng.choice(self._alike_in[row.intents]), rng)
        if draw < mixture.compose + mixture.twice + mixture.story and self._stories:
            story = rng.choice(self._stories)
            return join(story, row, rng) if rng.random() < 0.7 else join(row, story, rng)
        return row

    def _beside(self, row: Row, rng: random.Random) -> Seen | None:
        """The photo of a row, sometimes dropped where there are words; now and then any photo beside other rows."""
        bank = self.material.bank
        if bank is None:
            return None
        if shown(row):
            return None if row.text and rng.random() < self.mixture.drop else bank.beside(row, rng)
        return rng.choice(bank.all) if bank.all and rng.random() < self.mixture.stray else None

    def _photos(self, bank: PhotoBank, rng: random.Random) -> Batch:
        photos = rng.sample(bank.all, min(self.mixture.size, len(bank.all)))
        kinds, conditions = [p.kind for p in photos], [p.condition for p in photos]
        targets = targets_of([NO_ROW] * len(photos), {}, kinds, conditions, self.labels)
        return Batch(None, _inputs(image=[photo.encoding for photo in photos]), targets)

    def _prints(self, receipts: Sequence[LabelledReceipt], rng: random.Random) -> Batch:
        """Entity tags over print; read with the text encoder as it stands, without gradients (print is long)."""
        bank = self.material.bank
        prints = [self.encoder.encode_lines(receipt.lines[:MAX_LINES]) for receipt in receipts]
        photos = [bank.draw("receipt", rng) if bank else None for _ in receipts]
        ids = [tag_ids(tuple(r.spans), p.spans, self.labels) for r, p in zip(receipts, prints, strict=True)]
        longest = max(map(len, ids))
        tags = torch.tensor([row + [IGNORED] * (longest - len(row)) for row in ids])
        inputs = _inputs(ocr=prints, image=[photo.encoding if photo else None for photo in photos])
        return Batch(
            None,
            inputs,
            targets_of([NO_ROW] * len(ids), {"ocr": tags}, [None] * len(ids), [None] * len(ids), self.labels),
        )


def shown(row: Row) -> bool:
    """Whether a photo goes with a row."""
    return row.image is not None or row.photo is not None


def _inputs(**encodings: Sequence[Encoding | None]) -> dict[str, ModalityBatch]:
    batches = {name: collate(rows) for name, rows in encodings.items()}
    return {name: batch for name, batch in batches.items() if batch is not None}
