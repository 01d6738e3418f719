"""Make the product encoder (`modalities.surfaces`): which colours there are, and along which axes photos differ.

    python -m training.products --data DIR [--out weights/products]

Learnt from the grocery photos for training; which product each shows only tells how photos of one product differ. One
product in five, by a hash of its name, is kept from it, so that products new to the encoder can be measured
(`benchmarks.products`). Minutes on one core.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from modalities.errors import InputError
from modalities.surfaces import described, fisher, local_colours
from modalities.types import FloatArray, Image

FOLDER = Path("images/grocery")
_SEED = 31
_LEFT_OUT = 0.2
_AXES = 32  # of local colour that are kept
_KINDS = 64  # Gaussians: kinds of surface
_WIDTH = 512  # of a photo's vector
_EVEN = 0.3  # of the mean spread within products, added in all directions
_PHOTOS, _POINTS = 600, 100  # from which the kinds of surface are learnt: photos, and points of each


@dataclass(frozen=True)
class ShelfPhoto:
    """A grocery photo: its file, product and category."""

    path: Path
    product: str
    category: str


def shelf_photos(data: Path, split: str) -> list[ShelfPhoto]:
    """The photos of "train" or "val".

    Raises:
        InputError: they are missing.
    """
    folder = data / FOLDER
    try:
        with (folder / f"{split}.tsv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
    except OSError as error:
        raise InputError(f"no {split}.tsv in {str(folder)!r}; give the data folder with --data") from error
    return [ShelfPhoto(folder / row["path"], row["product"], row["category"]) for row in rows]


def left_out(product: str) -> bool:
    """Whether a product is kept from the encoder: one in five, by a hash of its name."""
    return int(sha256(f"product {product}".encode()).hexdigest()[:8], 16) / 2**32 < _LEFT_OUT


def train(data: Path) -> dict[str, Any]:
    """The encoder's arrays, by name."""
    photos = [photo for photo in shelf_photos(data, "train") if not left_out(photo.product)]
    parts = _surfaces([photo.path for photo in photos], np.random.default_rng(_SEED))
    vectors = np.stack([fisher(described(Image.open(photo.path), parts), parts) for photo in photos])
    return {**parts, **_axes(vectors, [photo.product for photo in photos])}


def _surfaces(paths: Sequence[Path], rng: np.random.Generator) -> dict[str, Any]:
    """The axes of local colour, and the mixture of kinds of surface."""
    from sklearn.decomposition import PCA
    from sklearn.mixture import GaussianMixture

    points = []
    for index in rng.choice(len(paths), min(_PHOTOS, len(paths)), replace=False):
        found = local_colours(Image.open(paths[int(index)]))
        points.append(found[rng.choice(len(found), _POINTS, replace=False)])
    sample = np.concatenate(points)
    colours = PCA(_AXES, random_state=_SEED).fit(sample[:, :-2])
    place = float(np.sqrt(colours.explained_variance_[_AXES // 4]))
    parts = {"mean": colours.mean_, "axes": colours.components_, "place": np.array([place])}
    reduced = np.concatenate([colours.transform(sample[:, :-2]), sample[:, -2:] * place], axis=1)
    mixture = GaussianMixture(
        _KINDS,
        covariance_type="diag",
        max_iter=20,
        reg_covar=1e-4,
        init_params="k-means++",
        random_state=_SEED,
        tol=1e-2,
    ).fit(reduced)
    return {**parts, "weights": mixture.weights_, "means": mixture.means_, "variances": mixture.covariances_}


def _axes(vectors: FloatArray, products: Sequence[str]) -> dict[str, Any]:
    """The axes along which photos differ, those made weak along which photos of one product do."""
    center = vectors.mean(axis=0)
    _, strength, axes = np.linalg.svd(vectors - center, full_matrices=False)
    projection = axes[:_WIDTH].T / np.sqrt(strength[:_WIDTH])
    return {"center": center, "projection": projection @ _within((vectors - center) @ projection, products)}


def _within(vectors: FloatArray, products: Sequence[str]) -> FloatArray:
    """What makes photos of one product differ alike in all directions (Hatch et al. 2006): a square matrix."""
    names, spread = np.array(products), np.zeros((vectors.shape[1],) * 2)
    for product in np.unique(names):
        apart = vectors[names == product] - vectors[names == product].mean(axis=0)
        spread += apart.T @ apart
    spread /= len(vectors)
    strength, axes = np.linalg.eigh(spread + _EVEN * np.trace(spread) / len(spread) * np.eye(len(spread)))
    return np.asarray(axes / np.sqrt(strength), dtype=np.float32)


def save(parts: Mapping[str, Any], out: Path) -> None:
    """Write the arrays: the projection, which is large, in half precision."""
    from safetensors.numpy import save_file

    out.mkdir(parents=True, exist_ok=True)
    kept = {name: np.float16 if name == "projection" else np.float32 for name in parts}
    save_file({name: np.ascontiguousarray(parts[name], kept[name]) for name in parts}, out / "model.safetensors")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.products", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with images/grocery")
    parser.add_argument("--out", type=Path, default=Path("weights/products"))
    options = parser.parse_args(arguments)
    save(train(options.data), options.out)
    print(f"written: {options.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
