"""Train a pack's understanding model: `python -m training.train --domain DIR --out WEIGHTS [--data DIR]`.

With `--data` the public sets add what a pack's own examples lack: sentences from outside, moods, photos, receipts.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from agent.checkpoint import Calibration, Checkpoint, EncoderId, save
from agent.config import Settings, load_settings
from agent.domain import Pack
from agent.errors import CallsightError, PackError
from agent.fusion import FusionConfig
from agent.heads import Labels, UnderstandingModel
from modalities.text import TextEncoder
from training.measure import calibrate, report, scores_of
from training.rows import Row, emotion_rows, outside_rows, row_of
from training.split import split
from training.tune import Plan, add_adapter, tune


@dataclass(frozen=True)
class Rows:
    """Rows by part; near-duplicates are never in two of them."""

    training: list[Row]
    validation: list[Row]
    test: list[Row]


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Train a pack's understanding model.")
    parser.add_argument("--domain", required=True, help="pack: a name or a folder")
    parser.add_argument("--out", required=True, type=Path, help="folder for the checkpoint")
    parser.add_argument(
        "--data", type=Path, help="public data sets (docs/data.md): out-of-scope, moods, photos, receipts"
    )
    parser.add_argument("--stack", default="embedded", help="names the encoders to train with")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    arguments = parser.parse_args(argv)
    try:
        figures = train(arguments)
    except CallsightError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(json.dumps(figures, indent=1))
    return 0


def train(arguments: argparse.Namespace) -> dict[str, Any]:
    """Train and save a checkpoint; returns the figures on the test rows, which training never saw."""
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    settings = load_settings(arguments.stack)
    pack = Pack.load(arguments.domain)
    encoder = TextEncoder(settings.text.model, settings.device)
    rows = gather(pack, encoder, arguments.data, arguments.seed)
    labels = Labels(tuple(pack.intents), tuple(pack.entities))
    model = UnderstandingModel(FusionConfig({"text": encoder.width}), labels).to(settings.device)
    plan = Plan(epochs=arguments.epochs, batch=arguments.batch, seed=arguments.seed)
    adapted = add_adapter(encoder, plan.rank)
    best = Best(model, encoder)
    tune(model, encoder, rows.training, None, plan, _score(rows.validation, encoder, model), best.keep)
    best.restore()
    calibration = calibrate(rows.validation, scores_of(rows.validation, encoder, model, None), model)
    test = rows.test or rows.validation
    figures = report(test, scores_of(test, encoder, model, None), model, calibration)
    about = {"seed": arguments.seed, "rows": {k: len(v) for k, v in vars(rows).items()}, "epochs": plan.epochs}
    save_adapter(adapted, arguments.out / "adapter", settings)
    encoders = {"text": EncoderId(settings.text.model, encoder.width, encoder.fingerprint)}
    save(Checkpoint(model, encoders, calibration, {**about, "test": figures}), arguments.out)
    return {**about, "test": figures}


def gather(pack: Pack, encoder: TextEncoder, data: Path | None, seed: int) -> Rows:
    """A pack's examples, split without leaks, and what the public sets add.

    Raises:
        PackError: too few examples to learn from.
    """
    own = [row_of(example) for example in pack.examples()]
    if len(own) < 20:
        raise PackError(f"{pack.root / 'examples.jsonl'}: {len(own)} examples; training needs at least 20")
    parts = split([row.text for row in own], [row.intents for row in own], seed=seed)
    training, validation, test = ([own[i] for i in part] for part in parts)
    if data is not None:
        outside = outside_rows(data, encoder, pack, most=max(600, len(own) // 4), seed=seed)
        moods = emotion_rows(data, "train", most=max(600, len(own) // 3), seed=seed)
        tenth = len(outside) // 10
        training = training + outside[2 * tenth :] + moods
        validation = validation + outside[:tenth] + emotion_rows(data, "dev", 300, seed)
        test = test + outside[tenth : 2 * tenth]
    return Rows(training, validation, test)


class Best:
    """The best state so far, of everything that is trained."""

    def __init__(self, model: UnderstandingModel, encoder: TextEncoder) -> None:
        self._parts = (model, encoder.model)
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


def _score(rows: list[Row], encoder: TextEncoder, model: UnderstandingModel) -> Callable[[], float]:
    keys = ("intent_accuracy", "entity_f1", "out_of_scope_recall_at_3_percent", "two_intents_both_right")

    def score() -> float:
        figures = report(rows, scores_of(rows, encoder, model, None), model, Calibration())
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
