"""The training loop: text encoder, fusion and heads together, over every modality.

AdamW (Loshchilov & Hutter 2019) with warm-up and cosine decay. What is measured and kept is the moving average of the
weights (Polyak & Juditsky 1992), of the last epoch that does as well on the validation rows as the best, but for a
standard error: on few rows the best is often so by luck, and later epochs are calmer. A run that is killed goes on from
its last epoch and ends at the same weights.
"""

from __future__ import annotations

import hashlib
import logging
import math
import os
import random
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from agent.fusion import ModalityBatch
from agent.heads import UnderstandingModel
from modalities.text import TextEncoder
from training.adaptation import RATES, Adaptation
from training.batches import Batch, Batches
from training.targets import Weights, loss_of

logger = logging.getLogger(__name__)

Figures = dict[str, float | int]


@dataclass(frozen=True)
class Plan:
    """How to train: one epoch reads every row once.

    Attributes:
        epochs: at most; training ends early after `patience` epochs in a row that do worse on the validation rows than
            the best by more than a standard error.
        encoder_rate, head_rate: highest learning rates of the text encoder, and of fusion and heads.
        warmup: share of all steps in which the rates rise.
        average: share of the moving average of the weights that each step leaves as it is.
        seed: of everything.
    """

    epochs: int = 5
    encoder_rate: float = RATES["lora"]
    head_rate: float = 1e-3
    warmup: float = 0.06
    average: float = 0.998
    seed: int = 7
    patience: int = 3


@dataclass
class Progress:
    """Where a run stands: what it takes to go on with it. `best` are the weights to keep so far."""

    epoch: int = 0
    step: int = 0
    best_score: float = -math.inf
    bad: int = 0
    best: dict[str, dict[str, Tensor]] = field(default_factory=dict)


class Run:
    """One run of training; `fit` does it all."""

    def __init__(
        self,
        model: UnderstandingModel,
        encoder: TextEncoder,
        adaptation: Adaptation,
        batches: Batches,
        plan: Plan,
        weights: Weights,
    ) -> None:
        """What is trained (in place), on what, and how; `weights` say what each intent counts for."""
        self.model = model
        self.encoder = encoder
        self.adaptation = adaptation
        self.batches = batches
        self.plan = plan
        self.weights = weights
        self.progress = Progress()
        groups: list[dict[str, Any]] = [
            {"params": adaptation.parameters, "lr": plan.encoder_rate},
            {"params": [p for p in model.parameters() if p.requires_grad], "lr": plan.head_rate},
        ]
        self._all = [parameter for group in groups for parameter in group["params"]]
        self._average = [parameter.detach().clone() for parameter in self._all]
        self._optimizer = torch.optim.AdamW([g for g in groups if g["params"]], weight_decay=0.01, fused=True)
        steps = plan.epochs * len(batches)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(self._optimizer, lambda k: rate_at(k, steps, plan.warmup))

    def fit(self, evaluate: Callable[[], Figures], state: Path, logs: Path | None = None) -> None:
        """Train; leaves the best epoch's weights in place.

        Args:
            evaluate: figures of the present weights on validation rows; "score" decides, and "error" is its standard
                error (0 where it has none).
            state: file that holds the run, and from which a killed one goes on; the caller's to remove once the
                weights are safe.
            logs: folder for TensorBoard, or None.
        """
        self._resume(state)
        with _Log(logs) as log:
            while self.progress.epoch < self.plan.epochs and self.progress.bad < self.plan.patience:
                loss = self._epoch()
                self._swap()
                figures = evaluate()
                log.write(self.progress.epoch, {"loss": loss, **figures})
                self._note(float(figures["score"]), float(figures.get("error", 0.0)))
                self._swap()
                self._save(state)
        self._restore(self.progress.best)

    def _epoch(self) -> float:
        """Read every row once; returns the mean loss."""
        number = self.progress.epoch
        rng = random.Random(f"{self.plan.seed} {number}")
        torch.manual_seed(self.plan.seed * 1_000 + number)
        self.model.train()
        self.encoder.model.train()
        total = 0.0
        bar = tqdm(self.batches.epoch(rng), f"epoch {number + 1}", len(self.batches), unit="batch", mininterval=5)
        for batch in bar:
            loss = self._loss(batch)
            self._optimizer.zero_grad()
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(self._all, 1.0)
            self._optimizer.step()
            self._schedule.step()
            self._follow()
            total += float(loss.detach())
        self.model.eval()
        self.encoder.model.eval()
        self.progress.epoch += 1
        return total / max(1, len(self.batches))

    def _loss(self, batch: Batch) -> Tensor:
        """Loss of a batch; in bfloat16 where there is CUDA (Micikevicius et al. 2018, arXiv:1710.03740)."""
        device = next(self.model.parameters()).device
        inputs = {name: other.to(device) for name, other in batch.others.items()}
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            if batch.tokens is not None:
                inputs["text"] = text_batch(self.encoder, batch.tokens)
            return loss_of(self.model(inputs), batch.targets.to(device), self.model.crf, self.weights)

    def _follow(self) -> None:
        """Move the average towards the weights; faster in the beginning."""
        done = self._schedule.last_epoch
        decay = min(self.plan.average, (1 + done) / (10 + done))
        for mine, now in zip(self._average, self._all, strict=True):
            mine.lerp_(now.detach(), 1 - decay)

    def _swap(self) -> None:
        """Put the average in place of the weights, or back."""
        for i, parameter in enumerate(self._all):
            parameter.data, self._average[i] = self._average[i], parameter.data

    def _note(self, score: float, error: float) -> None:
        progress = self.progress
        progress.best_score = max(progress.best_score, score)
        if score >= progress.best_score - error:
            progress.best, progress.bad = self._weights(), 0
        else:
            progress.bad += 1

    def _weights(self) -> dict[str, dict[str, Tensor]]:
        own = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}
        return {"model": own, "encoder": self.adaptation.state()}

    def _restore(self, weights: dict[str, dict[str, Tensor]]) -> None:
        if weights:
            self.model.load_state_dict(weights["model"])
            self.adaptation.restore(weights["encoder"])

    def _save(self, path: Path) -> None:
        """Write the run's state, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        state = {
            "key": self._key(),
            "progress": vars(self.progress),
            "weights": self._weights(),
            "average": self._average,
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
        }
        partial = path.with_suffix(".part")
        torch.save(state, partial)
        os.replace(partial, path)

    def _resume(self, path: Path) -> None:
        """Go on with a run of the same plan and rows; any other state is left aside."""
        if not path.is_file():
            return
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # torch warns of foreign pickles before it refuses them
                state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
            if state["key"] != self._key():
                logger.warning("%s is of another run (rows, options or encoder differ): starting afresh", path.name)
                return
            self._restore(state["weights"])
            for mine, kept in zip(self._average, state["average"], strict=True):
                mine.copy_(kept)
            self._optimizer.load_state_dict(state["optimizer"])
            self._schedule.load_state_dict(state["schedule"])
            self.progress = Progress(**state["progress"])
        except (OSError, KeyError, TypeError, ValueError, RuntimeError, UnpicklingError, EOFError) as error:
            logger.warning("%s cannot be read (%s): starting afresh", path.name, type(error).__name__)
            return
        logger.warning("going on after epoch %d", self.progress.epoch)

    def _key(self) -> str:
        """Fingerprint of what a run depends on."""
        material, digest = self.batches.material, hashlib.sha256()
        for part in (
            self.plan,
            self.batches.mixture,
            self.model.labels,
            self.adaptation.tuning,
            self.encoder.fingerprint,
        ):
            digest.update(repr(part).encode())
        digest.update(repr(self.weights.intents.tolist()).encode())
        for row in material.rows:
            digest.update(repr(row).encode())
        digest.update(f"{len(material.receipts)} {len(material.bank.all) if material.bank else 0}".encode())
        return digest.hexdigest()


def text_batch(encoder: TextEncoder, tokens: dict[str, Any]) -> ModalityBatch:
    """Encode tokens with gradients; special tokens are masked out, as `TextEncoder.encode` leaves them out."""
    offsets = tokens["offset_mapping"]
    mask = (offsets[..., 1] > offsets[..., 0]).to(encoder.device)
    return ModalityBatch(encoder.forward(tokens), mask, capitals=tokens["capitals"].to(encoder.device))


def rate_at(step: int, steps: int, warmup: float) -> float:
    """Share of the learning rate at a step: linear warm-up, then cosine decay to 2%."""
    first = max(1, int(steps * warmup))
    if step < first:
        return (step + 1) / first
    return 0.02 + 0.49 * (1 + math.cos(math.pi * min(1.0, (step - first) / max(1, steps - first))))


class _Log:
    """Figures of each epoch: to stderr, and to TensorBoard where a folder is given."""

    def __init__(self, folder: Path | None) -> None:
        self._writer: Any = None
        if folder is not None:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError as error:
                from modalities.errors import MissingPartError

                raise MissingPartError("--logs needs TensorBoard: pip install tensorboard") from error
            self._writer = SummaryWriter(str(folder))

    def __enter__(self) -> _Log:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()

    def write(self, epoch: int, figures: Figures) -> None:
        """Note an epoch's figures."""
        words = ", ".join(f"{k} {v:.4f}" if isinstance(v, float) else f"{k} {v}" for k, v in figures.items())
        tqdm.write(f"epoch {epoch}: {words}", file=sys.stderr)
        if self._writer is not None:
            for name, value in figures.items():
                self._writer.add_scalar(name, value, epoch)
