"""Train a pack's understanding model: `python -m training.train --domain DIR --out WEIGHTS [--data DIR]`.

With `--data` the public sets add what a pack's own examples lack: sentences from outside, moods, photos, receipts.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from agent.checkpoint import Calibration, Checkpoint, EncoderId, save
from agent.config import Settings, load_settings
from agent.domain import Pack
from agent.errors import CallsightError, PackError
from agent.fusion import FusionConfig
from agent.heads import Labels, UnderstandingModel
from agent.understanding import MAX_LINES
from modalities.text import TextEncoder
from training.blend import BlendPlan, Print, blend, encode_rows
from training.compose import compose
from training.measure import calibrate, report, scores_of
from training.photo_bank import PhotoBank
from training.receipts import load_receipts, read_all
from training.rows import Row, emotion_rows, outside_rows, row_of
from training.split import split
from training.tune import Plan, add_adapter, tune

SHARES = (0.7, 0.15, 0.15)
"""Of a pack's examples: to train on, to choose by, to measure on."""

OUTSIDE, MOODS = 1_500, 1_200
"""Sentences from outside and comments with a mood added to a pack's own examples."""

PHOTOS = 3_000
"""Photos encoded to train kind, condition and what goes with words."""


@dataclass(frozen=True)
class Rows:
    """Rows by part; near-duplicates are never in two of them."""

    training: list[Row]
    validation: list[Row]
    test: list[Row]

    @property
    def counts(self) -> dict[str, int]:
        """How many rows each part has."""
        return {"training": len(self.training), "validation": len(self.validation), "test": len(self.test)}


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Train a pack's understanding model.")
    parser.add_argument("--domain", required=True, help="pack: a name or a folder")
    parser.add_argument("--out", required=True, type=Path, help="folder for the checkpoint")
    parser.add_argument(
        "--data", type=Path, help="public data sets (docs/data.md): out-of-scope, moods, photos, receipts"
    )
    parser.add_argument("--cache", type=Path, default=Path("out/cache"), help="folder for what was read in receipts")
    parser.add_argument(
        "--adapter", type=Path, help="keep the text encoder's adapter of this checkpoint; train the rest"
    )
    parser.add_argument("--stack", default="embedded", help="names the encoders to train with")
    parser.add_argument("--epochs", type=int, default=5, help="of the text encoder; the best one is kept")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--shares", type=shares_of, default=SHARES, help="training/validation/test, e.g. 70/15/15")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    arguments = parser.parse_args(argv)
    try:
        figures = train(Options(**vars(arguments)))
    except CallsightError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(figures, indent=1))
    return 0


@dataclass(frozen=True)
class Options:
    """What the command line says; see there."""

    domain: str
    out: Path
    data: Path | None = None
    cache: Path = Path("out/cache")
    adapter: Path | None = None
    stack: str = "embedded"
    epochs: int = 5
    batch: int = 32
    shares: tuple[float, ...] = SHARES
    seed: int = 7
    threads: int = 2


def shares_of(text: str) -> tuple[float, ...]:
    """Three percentages adding up to 100, as shares of 1.

    Raises:
        ValueError: they are not.
    """
    shares = tuple(int(part) / 100 for part in text.split("/"))
    if len(shares) != 3 or min(shares) <= 0 or abs(sum(shares) - 1) > 1e-9:
        raise ValueError(f"shares must be three percentages above 0 that add up to 100, such as 70/15/15, got {text!r}")
    return shares


def train(options: Options) -> dict[str, Any]:
    """Train and save a checkpoint; returns the figures on the test rows, which training never saw."""
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    settings = load_settings(options.stack)
    pack = Pack.load(options.domain)
    encoder = TextEncoder(settings.text.model, settings.device)
    encoders = {"text": EncoderId(settings.text.model, encoder.width, encoder.fingerprint)}
    rows = gather(pack, encoder, options)
    print(f"rows: {rows.counts}", file=sys.stderr, flush=True)
    photos = photo_bank(options.data, settings, encoders, options.seed)
    if options.data is not None and {"company", "total"} <= set(pack.entities):
        encoders["ocr"] = encoders["text"]
    labels = Labels(tuple(pack.intents), tuple(pack.entities))
    config = FusionConfig({name: encoder_id.width for name, encoder_id in encoders.items()})
    model = UnderstandingModel(config, labels).to(settings.device)
    adapt(model, encoder, rows, photos, options, settings)
    if options.data is not None:
        prints = read_prints(options, encoder) if "ocr" in encoders else []
        mix(model, encoder, rows, prints, photos, options)
    calibration = calibrate(rows.validation, scores_of(rows.validation, encoder, model, photos), model)
    test = rows.test or rows.validation
    figures = report(test, scores_of(test, encoder, model, photos), model, calibration)
    about = {"seed": options.seed, "rows": rows.counts, "test": figures}
    save(Checkpoint(model, encoders, calibration, about), options.out)
    return about


def adapt(
    model: UnderstandingModel,
    encoder: TextEncoder,
    rows: Rows,
    photos: PhotoBank | None,
    options: Options,
    settings: Settings,
) -> None:
    """First stage: the text encoder's adapter together with fusion and heads; leaves the adapter folded in."""
    target = options.out / "adapter"
    if options.adapter is not None:
        encoder.adapt(options.adapter / "adapter")
        if options.adapter.resolve() != options.out.resolve():
            shutil.copytree(options.adapter / "adapter", target, dirs_exist_ok=True)
        return
    plan = Plan(epochs=options.epochs, batch=options.batch, seed=options.seed)
    adapted = add_adapter(encoder, plan.rank)
    best = Best(model, encoder.model)
    tune(model, encoder, rows.training, photos, plan, scorer(rows.validation, encoder, model, photos), best.keep)
    best.restore()
    save_adapter(adapted, target, settings)
    encoder.model = adapted.merge_and_unload().eval()


def mix(
    model: UnderstandingModel,
    encoder: TextEncoder,
    rows: Rows,
    prints: list[Print],
    photos: PhotoBank | None,
    options: Options,
) -> None:
    """Second stage: fusion and heads over every modality, the encoders frozen."""
    plan = BlendPlan(seed=options.seed)
    versions = encode_rows(rows.training, encoder, plan.copies, options.seed)
    best = Best(model)
    score = scorer(rows.validation, encoder, model, photos, frozen=True)
    blend(model, versions, prints, photos, plan, score, best.keep)
    best.restore()


def photo_bank(data: Path | None, settings: Settings, encoders: dict[str, EncoderId], seed: int) -> PhotoBank | None:
    """Photos of the public sets, encoded by the stack's photo encoder, which is then noted in `encoders`."""
    if data is None:
        return None
    from modalities.vision import VisionEncoder
    from training.photos import photo_samples

    encoder = VisionEncoder(settings.vision.model, settings.device)
    encoders["image"] = EncoderId(settings.vision.model, encoder.width, encoder.fingerprint)
    return PhotoBank.encode(photo_samples(data, "train", np.random.default_rng(seed), PHOTOS), encoder)


def read_prints(options: Options, encoder: TextEncoder) -> list[Print]:
    """The training receipts' print, read (and kept in the cache) and encoded."""
    assert options.data is not None
    read_all(options.data, options.cache, options.threads)
    receipts = [receipt for receipt in load_receipts(options.data, options.cache) if not receipt.held_out]
    return [Print(encoder.encode_lines(r.lines[:MAX_LINES]), tuple(r.spans)) for r in tqdm(receipts, desc="receipts")]


def gather(pack: Pack, encoder: TextEncoder, options: Options) -> Rows:
    """A pack's examples, split without leaks, and what the public sets add.

    Raises:
        PackError: too few examples to learn from.
    """
    data, seed = options.data, options.seed
    own = [row_of(example, pack.root) for example in pack.examples()]
    if len(own) < 20:
        raise PackError(f"{pack.root / 'examples.jsonl'}: {len(own)} examples; training needs at least 20")
    parts = split([row.text for row in own], [row.intents for row in own], options.shares, seed)
    training, validation, test = ([own[i] for i in part] for part in parts)
    training = training + compose(training, len(training) // 8, seed)
    if data is not None:
        outside = outside_rows(data, encoder, pack, most=OUTSIDE, seed=seed)
        moods = emotion_rows(data, "train", most=MOODS, seed=seed)
        tenth = len(outside) // 10
        training = training + outside[2 * tenth :] + moods
        validation = validation + outside[:tenth] + emotion_rows(data, "dev", 300, seed)
        test = test + outside[tenth : 2 * tenth]
    return Rows(training, validation, test)


class Best:
    """The best state so far of whatever is being trained."""

    def __init__(self, *parts: Any) -> None:
        self._parts = parts
        self._states: list[dict[str, torch.Tensor]] = []

    def keep(self) -> None:
        """Remember the present state."""
        self._states = [
            {name: p.detach().clone() for name, p in part.named_parameters() if p.requires_grad} for part in self._parts
        ]

    def restore(self) -> None:
        """Go back to the state remembered last."""
        for part, state in zip(self._parts, self._states, strict=False):
            part.load_state_dict(state, strict=False)


def scorer(
    rows: list[Row], encoder: TextEncoder, model: UnderstandingModel, photos: PhotoBank | None, frozen: bool = False
) -> Callable[[], float]:
    """A validation score, the sum of what matters; with a frozen encoder the texts are encoded once."""
    keys = ("intent_accuracy", "entity_f1", "out_of_scope_recall_at_3_percent", "two_intents_both_right")
    encoded = encoder.encode([row.text for row in rows]) if frozen else None

    def score() -> float:
        figures = report(rows, scores_of(rows, encoder, model, photos, encoded), model, Calibration())
        print({name: round(value, 4) for name, value in figures.items()}, file=sys.stderr, flush=True)
        return sum(float(figures.get(key, 0.0)) for key in keys)

    return score


def save_adapter(adapted: Any, folder: Path, settings: Settings) -> None:
    """Write a peft adapter in half precision, naming its base as the stack does instead of a path of this machine."""
    from safetensors.torch import load_file, save_file

    adapted.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    config = json.loads((folder / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = settings.text.model
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    weights = folder / "adapter_model.safetensors"
    save_file({name: tensor.half() for name, tensor in load_file(weights).items()}, weights)


if __name__ == "__main__":
    sys.exit(main())
