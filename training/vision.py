"""Train the compact photo encoder from nothing: a small ResNet on the kind, label and condition of the photos at once.

    python -m training.vision --data DIR --work DIR [--out weights/vision]

The work folder (outside the repository) keeps the prepared pictures and a checkpoint an epoch, so an interrupted run
goes on where it was. The result is an ordinary Hugging Face checkpoint (`AutoModel.from_pretrained(out)`), with the
linear heads beside it. Residual network: He et al. 2016, https://arxiv.org/abs/1512.03385.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image as pil

from training.damage import Rng
from training.photos import KINDS, PRODUCTS, Split, harm, make_receipt, read_photos
from training.scenes import draw_scene

if TYPE_CHECKING:
    import torch

    Tensor = torch.Tensor

SIDE = 112  # pixels the encoder sees; its last feature map is then 4 x 4
_STORED = 144  # pixels kept of each picture, so that there is something to crop
_SEED = 20
_MADE = {"train": {"receipt": 700, "other": 1_800}, "val": {"receipt": 100, "other": 300}}
_BATCH = 32
_WARM_UP = 0.15
_TASKS = ("kind", "clothing", "grocery", "condition")
_CONDITIONS = ("intact", "damaged")
ARCHITECTURE: dict[str, Any] = {
    "embedding_size": 32,
    "hidden_sizes": [48, 96, 192, 384],
    "depths": [1, 1, 1, 1],
    "layer_type": "basic",
}


@dataclass(frozen=True)
class Cycle:
    """One rise and fall of the learning rate.

    Attributes:
        sides: pixels of the pictures, epoch by epoch.
        rate: highest learning rate.
        damaged: share of the products that are damaged.
        condition: weight of telling damage in the loss; the other tasks have weight 1.
    """

    sides: tuple[int, ...]
    rate: float
    damaged: float
    condition: float


CYCLES = (
    Cycle((64,) * 10 + (96,) * 6 + (SIDE,) * 3, 1.5e-3, damaged=0.25, condition=0.5),  # small pictures are quick
    Cycle((SIDE,) * 6, 1e-3, damaged=0.4, condition=1.5),  # damage is too fine for the small pictures
)


@dataclass(frozen=True)
class Pictures:
    """Prepared pictures of a split.

    Attributes:
        pixels: shape (n, 144, 144, 3), uint8.
        kinds: shape (n,), positions in `KINDS`.
        labels: shape (n,), positions in the names of the garments or groceries; -1 for none.
    """

    pixels: np.ndarray[Any, np.dtype[np.uint8]]
    kinds: np.ndarray[Any, np.dtype[np.int64]]
    labels: np.ndarray[Any, np.dtype[np.int64]]

    def __len__(self) -> int:
        return len(self.kinds)


def names_of(data: Path) -> dict[str, list[str]]:
    """The classes of each task, sorted."""
    photos = read_photos(data, "train")
    named = {kind: sorted({photo.label for photo in photos if photo.kind == kind}) for kind in PRODUCTS}
    return {"kind": list(KINDS), **named, "condition": list(_CONDITIONS)}


def prepare(data: Path, work: Path, split: Split) -> Pictures:
    """The pictures of a split, out of the work folder when they were prepared before."""
    store = work / f"pictures-{split}.npz"
    if not store.exists():
        work.mkdir(parents=True, exist_ok=True)
        part = work / f"pictures-{split}.part.npz"
        pictures = _collect(data, split)
        np.savez(part, pixels=pictures.pixels, kinds=pictures.kinds, labels=pictures.labels)
        os.replace(part, store)
    with np.load(store) as arrays:
        return Pictures(arrays["pixels"], arrays["kinds"], arrays["labels"])


def _collect(data: Path, split: Split) -> Pictures:
    names, photos = names_of(data), read_photos(data, split)
    papers = [photo.path for photo in photos if photo.kind == "receipt"]
    rng = np.random.default_rng([_SEED, split == "val"])
    pixels, kinds, labels = [], [], []
    for photo in photos:
        with pil.open(photo.path) as opened:
            pixels.append(_squared(opened))
        kinds.append(KINDS.index(photo.kind))
        known = names.get(photo.kind, [])
        labels.append(known.index(photo.label) if photo.label in known else -1)
    for kind, count in _MADE[split].items():
        for _ in range(count):
            made = make_receipt(rng, papers) if kind == "receipt" else draw_scene(rng, split)
            pixels.append(_squared(made))
            kinds.append(KINDS.index(kind))
            labels.append(-1)
    return Pictures(np.stack(pixels), np.array(kinds), np.array(labels))


def _squared(picture: pil.Image) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.asarray(picture.convert("RGB").resize((_STORED, _STORED), pil.Resampling.BILINEAR, reducing_gap=2.0))


def batches(
    pictures: Pictures, rng: Rng, *, shuffle: bool, damaged: float = 0.5
) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Batches of (pixels in a uint8 array, targets by task; -100 where a task does not apply).

    A share of the products, `damaged`, is damaged anew each time.
    """
    order = rng.permutation(len(pictures)) if shuffle else np.arange(len(pictures))
    products = [KINDS.index(kind) for kind in PRODUCTS]
    for start in range(0, len(order), _BATCH):
        chosen = order[start : start + _BATCH]
        pixels, kinds, labels = pictures.pixels[chosen].copy(), pictures.kinds[chosen], pictures.labels[chosen]
        harmed = np.isin(kinds, products) & (rng.random(len(chosen)) < damaged)
        for i in np.flatnonzero(harmed):
            pixels[i] = np.asarray(harm(pil.fromarray(pixels[i]), KINDS[kinds[i]], rng))
        targets = {"kind": kinds, "condition": np.where(np.isin(kinds, products), harmed.astype(np.int64), -100)}
        for kind, index in zip(PRODUCTS, products, strict=True):
            targets[kind] = np.where((kinds == index) & (labels >= 0), labels, -100)
        yield pixels, targets


def to_input(pixels: Any, side: int, rng: Rng | None = None) -> Tensor:
    """Pixels as the encoder takes them: shape (n, 3, side, side), -1..1; cropped, turned and recoloured given `rng`."""
    import torch
    import torch.nn.functional as nn

    values = torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float() / 127.5 - 1.0
    if rng is None:
        return nn.interpolate(values, (side, side), mode="bilinear", antialias=True, align_corners=False)
    count = len(values)
    scale = np.sqrt(rng.uniform(0.45, 1.0, (count, 1))) * np.exp(rng.uniform(-0.14, 0.14, (count, 2)))
    scale, angle = scale.clip(0.5, 1.0), rng.normal(0, 0.12, count)
    flip = np.where(rng.random(count) < 0.5, -1.0, 1.0)
    moves = np.zeros((count, 2, 3), dtype=np.float32)
    moves[:, 0, 0], moves[:, 0, 1] = flip * scale[:, 0] * np.cos(angle), -scale[:, 1] * np.sin(angle)
    moves[:, 1, 0], moves[:, 1, 1] = flip * scale[:, 0] * np.sin(angle), scale[:, 1] * np.cos(angle)
    moves[:, :, 2] = rng.uniform(-1, 1, (count, 2)) * (1 - scale)
    small = nn.interpolate(values, (side * 9 // 8, side * 9 // 8), mode="bilinear", antialias=True, align_corners=False)
    grid = nn.affine_grid(torch.from_numpy(moves), [count, 3, side, side], align_corners=False)
    turned = nn.grid_sample(small, grid, padding_mode="reflection", align_corners=False)
    gain = torch.from_numpy(rng.uniform(0.7, 1.3, (count, 1, 1, 1)) * rng.uniform(0.92, 1.08, (count, 3, 1, 1))).float()
    shift = torch.from_numpy(rng.uniform(-0.2, 0.2, (count, 1, 1, 1))).float()
    return (turned * gain + shift).clamp(-1, 1)


def build(names: dict[str, list[str]]) -> tuple[Any, Any]:
    """The untrained encoder and one linear head a task."""
    import torch
    from transformers import ResNetConfig, ResNetModel

    torch.manual_seed(_SEED)
    encoder: Any = ResNetModel(ResNetConfig(**ARCHITECTURE))
    encoder = encoder.to(memory_format=torch.channels_last)
    width = ARCHITECTURE["hidden_sizes"][-1]
    return encoder, torch.nn.ModuleDict({task: torch.nn.Linear(width, len(names[task])) for task in _TASKS})


def train(data: Path, work: Path, out: Path) -> dict[str, float]:
    """Train to the end, going on from the work folder's checkpoint; returns the held-out accuracy by task."""
    import torch

    names = names_of(data)
    training, held_out = prepare(data, work, "train"), prepare(data, work, "val")
    encoder, heads = build(names)
    optimizer = torch.optim.AdamW([*encoder.parameters(), *heads.parameters()], weight_decay=0.05)
    state = {"encoder": encoder, "heads": heads, "optimizer": optimizer}
    done, figures = _resume(work, state), dict[str, float]()
    plan = [(cycle, place) for cycle in CYCLES for place in range(len(cycle.sides))]
    for epoch, (cycle, place) in enumerate(plan[done:], done):
        began, side = time.monotonic(), cycle.sides[place]
        loss = _epoch(state, training, cycle, place, np.random.default_rng([_SEED, epoch]))
        saved = {name: part.state_dict() for name, part in state.items()}
        torch.save({**saved, "epoch": epoch + 1}, work / "checkpoint.part")
        os.replace(work / "checkpoint.part", work / "checkpoint.pt")
        note = {"epoch": epoch + 1, "side": side, "loss": round(loss, 3), "seconds": round(time.monotonic() - began)}
        if place + 1 == len(cycle.sides):
            figures = measure(encoder, heads, held_out, side)
            save(encoder, heads, names, out)
        print(json.dumps(note | figures), file=sys.stderr, flush=True)
    return figures or measure(encoder, heads, held_out, plan[-1][0].sides[-1])


def _resume(work: Path, state: dict[str, Any]) -> int:
    """Load the checkpoint, if there is one, into what is to be trained; returns how many epochs are done."""
    import torch

    if not (work / "checkpoint.pt").exists():
        return 0
    saved = torch.load(work / "checkpoint.pt", weights_only=True)
    for name, part in state.items():
        part.load_state_dict(saved[name])
    return int(saved["epoch"])


def rate_at(cycle: Cycle, share: float) -> float:
    """The learning rate when a share (0..1) of a cycle is done: up over the first 15%, then down along a cosine."""
    if share < _WARM_UP:
        return cycle.rate * (0.04 + 0.96 * share / _WARM_UP)
    return cycle.rate * 0.5 * (1 + math.cos(math.pi * (share - _WARM_UP) / (1 - _WARM_UP)))


def _epoch(state: dict[str, Any], pictures: Pictures, cycle: Cycle, place: int, rng: Rng) -> float:
    """One pass over the training pictures; returns the mean loss."""
    import torch

    encoder, heads, optimizer = state["encoder"], state["heads"], state["optimizer"]
    encoder.train()
    steps, losses = -(-len(pictures) // _BATCH), list[float]()
    for step, (pixels, targets) in enumerate(batches(pictures, rng, shuffle=True, damaged=cycle.damaged)):
        for group in optimizer.param_groups:
            group["lr"] = rate_at(cycle, (place + step / steps) / len(cycle.sides))
        inputs = to_input(pixels, cycle.sides[place], rng).contiguous(memory_format=torch.channels_last)
        pooled = encoder(inputs).pooler_output.flatten(1)
        loss = _loss({task: head(pooled) for task, head in heads.items()}, targets, cycle.condition)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)


def _loss(scores: dict[str, Tensor], targets: dict[str, Any], condition: float) -> Tensor:
    """Cross-entropies of the tasks, each over the pictures it applies to."""
    import torch
    import torch.nn.functional as nn

    total = torch.zeros(())
    for task, score in scores.items():
        target = torch.from_numpy(targets[task])
        if (target >= 0).any():
            weight = condition if task == "condition" else 1.0
            total = total + weight * nn.cross_entropy(score, target, label_smoothing=0.1)
    return total


def measure(encoder: Any, heads: Any, pictures: Pictures, side: int) -> dict[str, float]:
    """Accuracy by task on pictures not trained on."""
    import torch

    encoder.eval()
    right, seen = dict.fromkeys(_TASKS, 0), dict.fromkeys(_TASKS, 0)
    with torch.inference_mode():
        for pixels, targets in batches(pictures, np.random.default_rng(_SEED), shuffle=False):
            pooled = encoder(to_input(pixels, side)).pooler_output.flatten(1)
            for task, head in heads.items():
                applies = targets[task] >= 0
                right[task] += int((head(pooled).argmax(1).numpy() == targets[task])[applies].sum())
                seen[task] += int(applies.sum())
    return {task: round(right[task] / max(seen[task], 1), 4) for task in _TASKS}


def save(encoder: Any, heads: Any, names: dict[str, list[str]], out: Path) -> None:
    """Write the encoder (float16), its picture preprocessing and the heads with the names of their classes."""
    import torch
    from safetensors.torch import save_file
    from transformers import ViTImageProcessorPil

    copy = type(encoder)(encoder.config)
    copy.load_state_dict(encoder.state_dict())
    copy.half().save_pretrained(out)
    half = [0.5, 0.5, 0.5]
    ViTImageProcessorPil(size={"height": SIDE, "width": SIDE}, image_mean=half, image_std=half).save_pretrained(out)
    tensors = {name: value.to(torch.float16).contiguous() for name, value in heads.state_dict().items()}
    save_file(tensors, out / "heads.safetensors", metadata={task: json.dumps(names[task]) for task in _TASKS})


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.vision", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with images/clothing, grocery and receipts")
    parser.add_argument("--work", type=Path, required=True, help="folder for prepared pictures and checkpoints")
    parser.add_argument("--out", type=Path, default=Path("weights/vision"))
    options = parser.parse_args(arguments)
    print(json.dumps(train(options.data, options.work, options.out)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
