"""Train a pack's understanding model: `python -m training.train --domain DIR --out WEIGHTS [--data DIR]`.

With `--data` the public sets add what a pack's own examples lack: sentences from outside, moods, photos, receipts.
A run that is killed goes on from its last epoch when the same command is given again.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from agent.checkpoint import Calibration, Checkpoint, save
from agent.config import load_settings
from agent.domain import Pack
from agent.errors import CallsightError
from agent.heads import Labels, UnderstandingModel
from agent.parts import Parts
from modalities.text import TextEncoder
from training import gather, recordings
from training.adaptation import RATES, TUNINGS, Adaptation, Tuning
from training.augment import spelled
from training.batches import Batches, Material, Mixture
from training.check import checked
from training.fit import Figures, Plan, Run
from training.fresh import fresh
from training.measure import calibrate, report, scores_of
from training.misheard import Confusions
from training.remember import remember, remember_all
from training.rows import Row, rows_of
from training.scores import Scores
from training.targets import Weights, alone

SHARES = (0.7, 0.15, 0.15)
"""Of a pack's examples: to train on, to choose by, to measure on."""

READ, EPOCHS = 45_000, (5, 20)
"""Rows read in a run unless `epochs` says otherwise, and the least and most epochs it may take."""

DECIDING = ("intent_accuracy", "entity_f1")
"""Figures whose sum on the validation rows says which epoch is best; rows from outside are too few to have a say."""


@dataclass(frozen=True)
class Options:
    """What the command line says; see there."""

    domain: str
    out: Path
    data: Path | None = None
    cache: Path = Path("out/cache")
    stack: str = "embedded"
    tuning: Tuning = "lora"
    epochs: int | None = None
    batch: int = 32
    shares: tuple[float, ...] = SHARES
    class_weights: bool = True
    seed: int = 7
    threads: int = 2
    logs: Path | None = None


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Train a pack's understanding model.")
    add = parser.add_argument
    add("--domain", required=True, help="pack: a name or a folder")
    add("--out", required=True, type=Path, help="folder for the checkpoint")
    add("--data", type=Path, help="public data sets (docs/data.md): out-of-scope, moods, photos, receipts")
    add("--cache", type=Path, default=Options.cache, help="folder for what was read in receipts and recordings")
    add("--stack", default="embedded", help="names the encoders to train with")
    add("--tuning", choices=TUNINGS, default="lora", help="of the text encoder: an adapter, all its blocks, or none")
    add(
        "--epochs",
        type=int,
        help=f"at most; the best is kept (default: what reads {READ:,} rows)",
    )
    add("--batch", type=int, default=Options.batch)
    add("--shares", type=shares_of, default=SHARES, help="training/validation/test, e.g. 70/15/15")
    add("--even", dest="class_weights", action="store_false", help="rare intents count for no more than others")
    add("--seed", type=int, default=Options.seed)
    add("--threads", type=int, default=Options.threads, help="CPU threads")
    add("--logs", type=Path, help="folder for TensorBoard logs")
    arguments = parser.parse_args(argv)
    try:
        about = train(Options(**vars(arguments)))
    except CallsightError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(about, indent=1))
    return 0


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
    """Train and save a checkpoint; returns the figures on the test rows, which training never saw.

    Raises:
        CallsightError: the pack, the data or the stack cannot be used; the message names what and why.
    """
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    settings = load_settings(options.stack)
    checked(Pack.load(options.domain, with_examples=False))
    pack = Pack.load(options.domain)
    rows = rows_of(pack.examples(), pack.root)
    encoder = TextEncoder(settings.text.model, settings.device)
    parts = gather.divide(rows, options.shares, options.seed)
    if options.data is not None:
        parts = gather.with_public(parts, pack, encoder, options.data, options.seed)
    parts = gather.heard(parts, settings, pack, options.cache)
    print(f"rows: {parts.counts}", file=sys.stderr, flush=True)
    bank = gather.photos(parts.rows, options.data, settings, options.seed)
    receipts = gather.receipts(pack, options.data, options.cache, options.threads)
    labels = Labels(tuple(pack.intents), tuple(pack.entities))
    voices = recordings.voices(parts.rows, pack)
    model, encoders = fresh(labels, settings, encoder, bank, printed=bool(receipts), spoken=bool(voices))
    model.crf.alone = alone(parts.training, labels)
    adaptation = Adaptation(encoder, options.tuning)
    mishear = Confusions([row.text for row in parts.training if row.intents], seed=options.seed)
    speller = Parts(settings, pack).speller
    material = Material(parts.training, receipts, bank, voices, mishear, spelled(speller) if speller else None)
    batches = Batches(material, Mixture(size=options.batch), encoder, labels)
    weights = Weights.balanced(parts.training, labels) if options.class_weights else Weights.even(labels)
    plan = Plan(options.epochs or _epochs(len(parts.training)), RATES[options.tuning], seed=options.seed)
    run = Run(model, encoder, adaptation, batches, plan, weights)
    state = options.out / "run.pt"
    run.fit(_scorer(parts.validation, encoder, model, material), state, options.logs)
    adaptation.save(options.out)
    save(Checkpoint(model, encoders), options.out)
    made = Parts(replace(settings, fusion_weights=str(options.out.resolve())), pack)
    about = _finish(made, parts, material, options)
    state.unlink(missing_ok=True)
    return about


def _finish(made: Parts, rows: gather.Rows, material: Material, options: Options) -> dict[str, Any]:
    """Remember the training rows, calibrate on the validation rows and measure on the test rows; then remember all.

    With the model as the stack will run it.
    """
    model, encoder = made.checkpoint.model, made.text

    def scores(part: list[Row]) -> Scores:
        return scores_of(part, encoder, model, material.bank, material.voices)

    remember(model, rows.training, rows.validation, scores)
    calibration = calibrate(rows.validation, scores(rows.validation), model)
    test = rows.test or rows.validation
    about = {
        "seed": options.seed,
        "tuning": options.tuning,
        "rows": rows.counts,
        "test": report(test, scores(test), model, calibration),
    }
    remember_all(model, rows.rows, scores)
    save(Checkpoint(model, made.checkpoint.encoders, calibration, about), options.out)
    return about


def _scorer(
    rows: list[Row], encoder: TextEncoder, model: UnderstandingModel, material: Material
) -> Callable[[], Figures]:
    """Figures on validation rows; their "score" is the sum of what matters, "error" about its standard error."""

    def evaluate() -> Figures:
        scores = scores_of(rows, encoder, model, material.bank, material.voices)
        figures = report(rows, scores, model, Calibration())
        shares = [float(figures.get(name, 0.0)) for name in DECIDING]
        error = math.sqrt(sum(share * (1 - share) for share in shares) / max(1, len(rows)))
        return {**figures, "score": sum(shares), "error": error}

    return evaluate


def _epochs(rows: int) -> int:
    fewest, most = EPOCHS
    return max(fewest, min(most, READ // max(1, rows)))


if __name__ == "__main__":
    sys.exit(main())
