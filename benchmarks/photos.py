"""What the shipped photo encoder and its own heads get right on photos kept out of its training.

    python -m benchmarks.photos --data DIR [--model weights/vision] [--device cpu]

Kinds (receipt, clothing, grocery, other), garments of senders not trained on, grocery categories on the shop's own
validation photos, and made damage on products. "Other" and damage are drawn by `training.scenes` and
`training.damage`, so their figures speak of drawn pictures and sample photographs, not of every photo there is.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as pil

from modalities.errors import WeightsError
from modalities.locate import locate
from modalities.types import FloatArray, Image
from modalities.vision import VisionEncoder
from training.photos import KINDS, PRODUCTS, harm, make_receipt, read_photos
from training.scenes import draw_scene

_SEED = 4
_MADE = 300  # pictures drawn of each kind that is drawn
_BATCH = 32


@dataclass(frozen=True)
class Question:
    """A photo and what is right about it, by task."""

    image: Image
    truth: dict[str, str]


class Heads:
    """The linear heads beside the encoder: scores of each task's classes from one vector a photo."""

    def __init__(self, model: str) -> None:
        from safetensors import safe_open

        path = Path(locate(model)) / "heads.safetensors"
        if not path.is_file():
            raise WeightsError(f"no heads.safetensors beside {model!r}; run: python -m training.vision")
        with safe_open(path, "np") as file:
            names = file.metadata()
            self.classes: dict[str, list[str]] = {task: json.loads(names[task]) for task in names if task != "format"}
            self._tensors = {name: file.get_tensor(name).astype(np.float32) for name in file.keys()}  # noqa: SIM118

    def say(self, task: str, pooled: FloatArray) -> list[str]:
        """The likeliest class of each photo; `pooled` has shape (n, width)."""
        scores = pooled @ self._tensors[f"{task}.weight"].T + self._tensors[f"{task}.bias"]
        return [self.classes[task][int(i)] for i in scores.argmax(axis=1)]


def questions(data: Path) -> Iterator[Question]:
    """Every held-out photo, products a second time with damage, then what is drawn."""
    rng = np.random.default_rng(_SEED)
    photos = read_photos(data, "val")
    for photo in photos:
        image = Image.open(photo.path)
        truth = {"kind": photo.kind}
        if photo.kind in PRODUCTS:
            truth |= {photo.kind: photo.label, "condition": "intact"}
            harmed = harm(pil.fromarray(image.pixels), photo.kind, rng)
            yield Question(Image(np.asarray(harmed)), {"condition": "damaged"})
        yield Question(image, truth)
    scans = [photo.path for photo in photos if photo.kind == "receipt"]
    for _ in range(_MADE):
        yield Question(Image(np.asarray(make_receipt(rng, scans))), {"receipt on a table": "receipt"})
        yield Question(Image(np.asarray(draw_scene(rng, "val"))), {"kind": "other"})


def measure(encoder: VisionEncoder, heads: Heads, asked: Iterator[Question]) -> dict[str, Any]:
    """Answers counted: {task or "kind: NAME": (right, of)}, and seconds a photo inside the encoder."""
    tally: dict[str, list[int]] = {}
    seconds, count = 0.0, 0
    for batch in _batches(asked):
        began = time.perf_counter()
        pooled = encoder.pool([question.image for question in batch])
        seconds, count = seconds + time.perf_counter() - began, count + len(batch)
        for task in {task for question in batch for task in question.truth}:
            said = heads.say(task if task in heads.classes else "kind", pooled)
            for answer, question in zip(said, batch, strict=True):
                if task in question.truth:
                    for name in (task, f"  {question.truth[task]}") if task in ("kind", "condition") else (task,):
                        right = tally.setdefault(name, [0, 0])
                        right[0] += answer == question.truth[task]
                        right[1] += 1
    return {"tally": tally, "milliseconds": 1_000 * seconds / max(count, 1), "photos": count}


def _batches(asked: Iterator[Question]) -> Iterator[list[Question]]:
    batch: list[Question] = []
    for question in asked:
        batch.append(question)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.photos", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with images/clothing, grocery and receipts")
    parser.add_argument("--model", default="weights/vision")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args(arguments)
    encoder, heads = VisionEncoder(options.model, options.device), Heads(options.model)
    figures = measure(encoder, heads, questions(options.data))
    print(
        f"{options.model}: {figures['photos']} pictures, {figures['milliseconds']:.1f} ms each in batches of {_BATCH}"
    )
    for name in (
        "kind",
        *(f"  {kind}" for kind in KINDS),
        "receipt on a table",
        *PRODUCTS,
        "condition",
        "  intact",
        "  damaged",
    ):
        right, of = figures["tally"].get(name, (0, 0))
        if of:
            print(f"{name:20} {right / of:6.1%}  of {of}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
