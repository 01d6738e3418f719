"""Products told by the colours of their surfaces: groceries of another shop, and new products from three photos.

    python -m benchmarks.products --data DIR [--model weights/products]

Groceries: a ridge classifier over the encoder's vectors, fitted on the training photos, asked about the set's own
validation photos (81 products, 43 categories). New products: those that were kept from the encoder. Each is shown
by three training photos, among 80 other groceries shown alike and 120 garments shown by one photo each, and looked
for in its validation photos, which come from another shop, and in its other training photos.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from modalities.surfaces import SurfaceEncoder
from modalities.types import FloatArray, Image
from training.products import ShelfPhoto, left_out, shelf_photos

_GARMENTS = 120  # others beside the other groceries: 200 together
_SHOWN = 3  # photos by which a new product is shown
_DRAWS = 10  # choices of those photos
_RIDGE = 0.05
_SEED = 3


def ridge(vectors: FloatArray, names: Sequence[str], asked: FloatArray) -> list[str]:
    """The likeliest name of each asked vector: least squares on the names, rare ones weighted up."""
    classes, place, count = np.unique(names, return_inverse=True, return_counts=True)
    weight = 1 / np.sqrt(count[place])
    targets = np.eye(len(classes))[place]
    gram = (vectors * weight[:, None]).T @ vectors
    fitted = np.linalg.solve(
        gram + _RIDGE * weight.mean() * np.trace(gram) / len(gram) * np.eye(len(gram)),
        (vectors * weight[:, None]).T @ (targets - targets.mean(axis=0)),
    )
    return [str(classes[i]) for i in (asked @ fitted).argmax(axis=1)]


def ranks(catalogue: FloatArray, asked: FloatArray, wanted: int) -> npt.NDArray[np.int64]:
    """At which place (0 is the first) the wanted entry comes for each asked vector."""
    scores = asked @ catalogue.T
    return np.asarray((scores > scores[:, [wanted]]).sum(axis=1))


def new_products(
    shown: FloatArray, shown_names: Sequence[str], asked: FloatArray, asked_names: Sequence[str], others: FloatArray
) -> list[npt.NDArray[np.int64]]:
    """The places of new products, for photos of another shop and for other photos of the same shops."""
    rng, names, far = np.random.default_rng(_SEED), np.array(shown_names), np.array(asked_names)
    found: list[list[Any]] = [[], []]
    for _ in range(_DRAWS):
        products = [p for p in np.unique(names) if (names == p).sum() > _SHOWN]
        picked = {p: rng.choice(np.flatnonzero(names == p), _SHOWN, replace=False) for p in products}
        means = np.stack([shown[picked[p]].mean(axis=0) for p in products])
        catalogue = np.concatenate([means / np.linalg.norm(means, axis=1, keepdims=True), others]).astype(np.float32)
        for place, product in enumerate(products):
            if left_out(str(product)):
                rest = np.setdiff1d(np.flatnonzero(names == product), picked[product])
                found[0].append(ranks(catalogue, asked[far == product], place))
                found[1].append(ranks(catalogue, shown[rest], place))
    return [np.concatenate(part) for part in found]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.products", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with images/grocery and images/clothing")
    parser.add_argument("--model", default="weights/products")
    options = parser.parse_args(arguments)
    encoder = SurfaceEncoder(options.model)
    train, val = (shelf_photos(options.data, split) for split in ("train", "val"))
    began = time.perf_counter()
    shown, asked = (_encoded(encoder, [photo.path for photo in photos]) for photos in (train, val))
    each = 1_000 * (time.perf_counter() - began) / (len(train) + len(val))
    print(f"{options.model}: {len(train)} photos shown, {len(val)} asked about; {each:.0f} ms a photo")
    for task in ("product", "category"):
        known, truth = (np.array([getattr(photo, task) for photo in photos]) for photos in (train, val))
        said = np.array(ridge(shown, list(known), asked))
        print(f"{task} ({len(set(known))}): {np.mean(said == truth):.1%} of {len(truth)}")
    others = _encoded(encoder, _garments(options.data))
    _report(train, val, new_products(shown, _products(train), asked, _products(val), others), len(others))
    return 0


def _products(photos: Sequence[ShelfPhoto]) -> list[str]:
    return [photo.product for photo in photos]


def _report(
    train: Sequence[ShelfPhoto], val: Sequence[ShelfPhoto], found: Sequence[npt.NDArray[np.int64]], garments: int
) -> None:
    new = {photo.product for photo in train if left_out(photo.product)}
    others = len(set(_products(train))) - 1 + garments
    print(f"new products ({len(new)}), {_SHOWN} photos each, {_DRAWS} draws, among about {others} others:")
    for name, places in zip(("photos of another shop", "other photos of the same shops"), found, strict=True):
        print(f"  {name}: first {np.mean(places == 0):.1%}, in first three {np.mean(places < 3):.1%} of {len(places)}")


def _encoded(encoder: SurfaceEncoder, paths: Sequence[Path]) -> FloatArray:
    return np.concatenate([encoder.encode([Image.open(path)]) for path in paths])


def _garments(data: Path) -> list[Path]:
    """Garments of as many senders, one photo each, as far as there are so many."""
    folder = data / "images" / "clothing"
    with (folder / "labels.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    chosen = np.random.default_rng(_SEED).permutation(len(rows))[:_GARMENTS]
    return [folder / rows[int(i)]["path"] for i in chosen]


if __name__ == "__main__":
    raise SystemExit(main())
