"""Second stage: fusion and heads over every modality, with the encoders frozen and their vectors computed once.

Batches of three sorts take turns: words (with photos beside those rows that go with one, and now and then an
unrelated photo beside the others), photos alone (kind and condition), and receipts (entity tags over the print).
Modalities are dropped at random, so that one checkpoint serves whatever is present.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from tqdm import tqdm

from agent.fusion import ModalityBatch, collate
from agent.heads import Labels, UnderstandingModel
from modalities.text import TextEncoder
from modalities.types import Encoding
from training.augment import Rates, Spans, augment
from training.photo_bank import PhotoBank, Seen
from training.rows import Row
from training.targets import IGNORED, Targets, loss_of, tag_ids, targets_of

NO_ROW = Row("")


@dataclass(frozen=True, eq=False)
class Read:
    """A row with its text encoded."""

    row: Row
    text: Encoding


@dataclass(frozen=True, eq=False)
class Print:
    """A receipt's print encoded, with its entity spans."""

    encoding: Encoding
    spans: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class BlendPlan:
    """How to train: `drop` is the chance of leaving a modality out, `stray` of showing an unrelated photo."""

    epochs: int = 9
    batch: int = 48
    receipts: int = 4
    rate: float = 5e-4
    drop: float = 0.1
    stray: float = 0.1
    copies: int = 3
    seed: int = 7


def encode_rows(rows: Sequence[Row], encoder: TextEncoder, copies: int, seed: int) -> list[list[Read]]:
    """Rows encoded: as they are, then `copies - 1` augmented versions; one list a version."""
    rng = random.Random(seed)
    versions = []
    for copy in range(copies):
        changed = [row if copy == 0 else _augmented(row, rng) for row in rows]
        encodings = encoder.encode([row.text for row in changed])
        versions.append([Read(row, text) for row, text in zip(changed, encodings, strict=True)])
    return versions


def _augmented(row: Row, rng: random.Random) -> Row:
    text, spans = augment(row.text, row.spans or (), rng, Rates(typo=0.3, drop=0.3))
    return replace(row, text=text, spans=None if row.spans is None else spans)


def blend(
    model: UnderstandingModel,
    versions: Sequence[Sequence[Read]],
    prints: Sequence[Print],
    bank: PhotoBank | None,
    plan: BlendPlan,
    score: Callable[[], float],
    keep: Callable[[], None],
) -> None:
    """Train fusion and heads; `score` and `keep` as in `training.tune.tune`."""
    rng = random.Random(plan.seed)
    device = next(model.parameters()).device
    optimizer = torch.optim.AdamW(model.parameters(), lr=plan.rate, weight_decay=0.01)
    best = -math.inf
    for epoch in range(plan.epochs):
        model.train()
        jobs = _jobs(versions[epoch % len(versions)], prints, bank, plan, model.labels, rng)
        share = 0.5 * (1 + math.cos(math.pi * epoch / plan.epochs))
        for group in optimizer.param_groups:
            group["lr"] = plan.rate * max(0.05, share)
        for inputs, targets in tqdm(jobs, desc=f"blend {epoch + 1}", unit="batch", mininterval=10):
            present = {name: batch.to(device) for name, batch in inputs.items()}
            loss = loss_of(model(present), targets.to(device))
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        model.eval()
        now = score()
        if now > best:
            best = now
            keep()


Job = Callable[[], tuple[dict[str, ModalityBatch], Targets]]


def _jobs(
    reads: Sequence[Read],
    prints: Sequence[Print],
    bank: PhotoBank | None,
    plan: BlendPlan,
    labels: Labels,
    rng: random.Random,
) -> Iterator[tuple[dict[str, ModalityBatch], Targets]]:
    """One epoch's batches in random order, each made only when its turn comes."""
    order = sorted(reads, key=lambda r: len(r.text) + 8 * rng.random())
    jobs: list[Job] = [
        partial(_words, order[i : i + plan.batch], bank, plan, labels, rng) for i in range(0, len(order), plan.batch)
    ]
    if bank is not None:
        jobs += [partial(_photos, bank, plan, labels, rng) for _ in range(len(bank.all) // plan.batch)]
    shuffled = rng.sample(list(prints), len(prints))
    jobs += [
        partial(_prints, shuffled[i : i + plan.receipts], bank, labels, rng)
        for i in range(0, len(shuffled), plan.receipts)
    ]
    rng.shuffle(jobs)
    return (job() for job in jobs)


def _words(
    reads: Sequence[Read], bank: PhotoBank | None, plan: BlendPlan, labels: Labels, rng: random.Random
) -> tuple[dict[str, ModalityBatch], Targets]:
    photos = [_beside(read.row, bank, plan, rng) for read in reads]
    texts = [
        None if photo and rng.random() < plan.drop else read.text for read, photo in zip(reads, photos, strict=True)
    ]
    rows = [read.row if text is not None else NO_ROW for read, text in zip(reads, texts, strict=True)]
    inputs = _inputs(text=texts, image=[photo.encoding if photo else None for photo in photos])
    tags = {
        "text": _tags([(t.spans, row.spans) if t else ((), None) for t, row in zip(texts, rows, strict=True)], labels)
    }
    kinds, conditions = [p.kind if p else None for p in photos], [p.condition if p else None for p in photos]
    return inputs, targets_of(rows, tags if "text" in inputs else {}, kinds, conditions, labels)


def _beside(row: Row, bank: PhotoBank | None, plan: BlendPlan, rng: random.Random) -> Seen | None:
    """The photo that goes with a row, sometimes dropped; now and then any photo beside a row that needs none."""
    if bank is None or (row.image and rng.random() < plan.drop):
        return None
    if row.image:
        return bank.draw(row.image, rng)
    return rng.choice(bank.all) if rng.random() < plan.stray else None


def _photos(
    bank: PhotoBank, plan: BlendPlan, labels: Labels, rng: random.Random
) -> tuple[dict[str, ModalityBatch], Targets]:
    photos = rng.sample(bank.all, min(plan.batch, len(bank.all)))
    targets = targets_of(
        [NO_ROW] * len(photos), {}, [photo.kind for photo in photos], [photo.condition for photo in photos], labels
    )
    return _inputs(image=[photo.encoding for photo in photos]), targets


def _prints(
    prints: Sequence[Print], bank: PhotoBank | None, labels: Labels, rng: random.Random
) -> tuple[dict[str, ModalityBatch], Targets]:
    photos = [bank.draw("receipt", rng) if bank else None for _ in prints]
    inputs = _inputs(ocr=[p.encoding for p in prints], image=[photo.encoding if photo else None for photo in photos])
    tags = {"ocr": _tags([(p.encoding.spans, p.spans) for p in prints], labels)}
    return inputs, targets_of([NO_ROW] * len(prints), tags, [None] * len(prints), [None] * len(prints), labels)


def _inputs(**encodings: Sequence[Encoding | None]) -> dict[str, ModalityBatch]:
    batches = {name: collate(rows) for name, rows in encodings.items()}
    return {name: batch for name, batch in batches.items() if batch is not None}


def _tags(rows: Sequence[tuple[Sequence[tuple[int, int]], Spans | None]], labels: Labels) -> torch.Tensor:
    """Tag ids of encoded rows, padded to the longest: (batch, n)."""
    ids = [tag_ids(spans, places, labels) for places, spans in rows]
    longest = max(map(len, ids))
    return torch.tensor([row + [IGNORED] * (longest - len(row)) for row in ids])
