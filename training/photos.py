"""The photo data sets: what they hold, how they are split, and samples of every kind to learn from.

Splits never share a sender of clothes, a receipt or a shelf photo: clothing is split by a hash of its sender, grocery
comes with its own validation list, receipts by a hash of their name. DIR is the data folder with `images/clothing`,
`images/grocery` and `images/receipts`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image as pil

from modalities.errors import InputError
from modalities.types import Image
from training.damage import Rng, damage
from training.draw import photograph, render_receipt
from training.receipts import is_held_out
from training.scenes import clouds, draw_scene

__all__ = ["KINDS", "LabelledPhoto", "damage", "make_receipt", "photo_samples", "read_photos"]

Split = Literal["train", "val"]
KINDS = ("receipt", "clothing", "grocery", "other")
PRODUCTS = ("clothing", "grocery")
_SHARES = {"receipt": 0.2, "clothing": 0.33, "grocery": 0.25, "other": 0.22}
_HARM = {"clothing": ("stain", "tear", "hole"), "grocery": ("stain", "tear", "hole", "crack")}
_SIDE = 224  # pixels; the public photos have this size


@dataclass(frozen=True)
class LabelledPhoto:
    """One photo of the data sets.

    Attributes:
        path: its file.
        kind: "receipt", "clothing" or "grocery".
        label: the kind of garment or the category of groceries; empty for receipts.
    """

    path: Path
    kind: str
    label: str = ""


def read_photos(data: Path, split: Split) -> list[LabelledPhoto]:
    """The photos of one split, sorted by path.

    Raises:
        InputError: a data set is missing from the folder.
    """
    root = data / "images"
    photos = [*_clothing(root / "clothing", split), *_grocery(root / "grocery", split)]
    receipts = sorted((root / "receipts" / "img").glob("*.jpg"))
    photos += [LabelledPhoto(path, "receipt") for path in receipts if is_held_out(path.stem) == (split == "val")]
    missing = {"clothing", "grocery", "receipt"} - {photo.kind for photo in photos}
    if missing:
        raise InputError(f"no photos of {', '.join(sorted(missing))} under {root}; give the data folder with --data")
    return sorted(photos, key=lambda photo: str(photo.path))


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def _clothing(folder: Path, split: Split) -> Iterator[LabelledPhoto]:
    for row in _rows(folder / "labels.tsv"):
        if sender_held_out(row["sender"]) == (split == "val"):
            yield LabelledPhoto(folder / row["path"], "clothing", row["label"])


def sender_held_out(sender: str) -> bool:
    """The fixed split of clothing: one sender in four, by a hash."""
    return int(sha256(f"sender {sender}".encode()).hexdigest()[:8], 16) / 2**32 < 0.25


def _grocery(folder: Path, split: Split) -> Iterator[LabelledPhoto]:
    for row in _rows(folder / f"{split}.tsv"):
        yield LabelledPhoto(folder / row["path"], "grocery", row["category"])


def make_receipt(rng: Rng, papers: Sequence[Path] = (), side: int = _SIDE) -> pil.Image:
    """A receipt as photographed on a table: one of ours, or a scan out of `papers`."""
    if papers and rng.random() < 0.5:
        with pil.open(papers[int(rng.integers(len(papers)))]) as scan:
            paper = scan.convert("RGB")
    else:
        paper, _ = render_receipt(rng)
    paper.thumbnail((side * 2, side * 2))
    background = draw_scene(rng, "train", side) if rng.random() < 0.5 else clouds(rng, side)
    return photograph(paper, background, rng)


def photo_samples(data: Path, split: Split, rng: Rng, count: int = 4_000) -> Iterator[tuple[Image, str, str | None]]:
    """Photos of all kinds, in random order: (photo, kind, condition).

    The condition is "intact" or "damaged" for products, half of them damaged by us, and None for the rest. A third
    of the receipts are scans as they are, the rest lie on a table; "other" is drawn (see `training.scenes`).

    Args:
        data: the data folder.
        split: "train" or "val"; nothing of one appears in the other.
        rng: decides everything.
        count: how many to give.
    """
    photos = read_photos(data, split)
    by_kind = {kind: [photo.path for photo in photos if photo.kind == kind] for kind in KINDS}
    chances = [_SHARES[kind] for kind in KINDS]
    for _ in range(count):
        kind = KINDS[int(rng.choice(len(KINDS), p=chances))]
        picture, condition = _sample(kind, by_kind[kind], split, rng)
        yield Image(np.asarray(picture, dtype=np.uint8)), kind, condition


def _sample(kind: str, paths: Sequence[Path], split: Split, rng: Rng) -> tuple[pil.Image, str | None]:
    """One picture of a kind, and its condition."""
    if kind == "other":
        return draw_scene(rng, split), None
    if kind == "receipt" and rng.random() < 0.67:
        return make_receipt(rng, paths), None
    with pil.open(paths[int(rng.integers(len(paths)))]) as photo:
        picture = photo.convert("RGB")
    if kind == "receipt":
        return picture, None
    if rng.random() < 0.5:
        return picture, "intact"
    return harm(picture, kind, rng), "damaged"


def harm(picture: pil.Image, kind: str, rng: Rng) -> pil.Image:
    """The product photo with damage that its kind of product can have."""
    ways = _HARM[kind]
    return damage(picture, rng, ways[int(rng.integers(len(ways)))])
