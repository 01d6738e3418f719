"""Tune the text encoder's adapter, the fusion and the heads together on a pack's rows.

Low-rank adaptation (Hu et al. 2021, arXiv:2106.09685) through `peft`; AdamW with warm-up and cosine decay; rows of
like length share a batch; the epoch that does best on the validation rows is kept.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from tqdm import tqdm

from agent.fusion import ModalityBatch, collate
from agent.heads import UnderstandingModel
from modalities.text import TextEncoder
from training.augment import Rates, augment
from training.photo_bank import PhotoBank
from training.rows import Row
from training.targets import Targets, loss_of, tag_ids, targets_of


@dataclass(frozen=True)
class Plan:
    """How to train: one epoch reads every row once."""

    epochs: int = 5
    batch: int = 32
    adapter_rate: float = 8e-4
    head_rate: float = 1e-3
    warmup: float = 0.06
    rank: int = 16
    seed: int = 7
    patience: int = 2
    rates: Rates = Rates()


@dataclass(frozen=True, eq=False)
class Batch:
    """A padded batch ready for the encoder and the model."""

    tokens: dict[str, Any]
    others: dict[str, ModalityBatch]
    targets: Targets


def add_adapter(encoder: TextEncoder, rank: int, untouched: float = 1 / 3) -> Any:
    """Put a trainable LoRA adapter into the linear layers of the encoder's upper blocks; returns peft's model.

    The lowest third stays as published: no gradient has to reach it, which saves a third of the time, and its
    features are general (see docs/experiments.md).
    """
    from peft import LoraConfig, get_peft_model

    blocks = int(encoder.model.config.num_hidden_layers)
    linear = {name.rsplit(".", 1)[-1] for name, m in encoder.model.named_modules() if isinstance(m, torch.nn.Linear)}
    config = LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        lora_dropout=0.0,
        target_modules=sorted(linear),
        exclude_modules=["pooler.dense"],
        layers_to_transform=list(range(int(blocks * untouched), blocks)),
    )
    return get_peft_model(encoder.model, config)


def batches(rows: Sequence[Row], size: int, rng: random.Random) -> Iterator[list[Row]]:
    """Shuffled batches of rows of like length."""
    order = list(rows)
    rng.shuffle(order)
    pools = [sorted(order[i : i + 50 * size], key=lambda r: len(r.text)) for i in range(0, len(order), 50 * size)]
    result = [pool[i : i + size] for pool in pools for i in range(0, len(pool), size)]
    rng.shuffle(result)
    return iter(result)


def prepare(
    rows: Sequence[Row],
    encoder: TextEncoder,
    model: UnderstandingModel,
    bank: PhotoBank | None,
    rng: random.Random,
    rates: Rates | None,
) -> Batch:
    """Augment, tokenise and label a batch; photos are drawn for rows that go with one."""
    if rates is not None:
        rows = [_augmented(row, rng, rates) for row in rows]
    tokens = encoder.tokens([row.text for row in rows])
    offsets = [[(int(a), int(b)) for a, b in row] for row in tokens["offset_mapping"]]
    tags = torch.tensor([tag_ids(row.spans, places, model.labels) for row, places in zip(rows, offsets, strict=True)])
    photos = [bank.draw(row.image, rng) if bank else None for row in rows]
    others = {}
    if (images := collate([photo.encoding if photo else None for photo in photos])) is not None:
        others["image"] = images
    targets = targets_of(
        rows,
        {"text": tags},
        [photo.kind if photo else None for photo in photos],
        [photo.condition if photo else None for photo in photos],
        model.labels,
    )
    return Batch(tokens, others, targets)


def _augmented(row: Row, rng: random.Random, rates: Rates) -> Row:
    text, spans = augment(row.text, row.spans or (), rng, rates)
    return replace(row, text=text, spans=None if row.spans is None else spans)


def text_batch(encoder: TextEncoder, tokens: dict[str, Any]) -> ModalityBatch:
    """Encode tokens with gradients; special tokens are masked out, as `TextEncoder.encode` leaves them out."""
    offsets = tokens["offset_mapping"]
    mask = (offsets[..., 1] > offsets[..., 0]).to(encoder.device)
    return ModalityBatch(encoder.forward(tokens), mask)


def tune(
    model: UnderstandingModel,
    encoder: TextEncoder,
    rows: Sequence[Row],
    bank: PhotoBank | None,
    plan: Plan,
    score: Callable[[], float],
    keep: Callable[[], None],
) -> float:
    """Train the adapter, fusion and heads.

    Args:
        model, encoder: trained in place; the encoder already has its adapter.
        rows: what to learn from.
        bank: photos for rows that go with one.
        plan: how.
        score: validation score of the current state, higher is better.
        keep: called whenever the score is the best so far.

    Returns:
        The best validation score.
    """
    rng = random.Random(plan.seed)
    device = next(model.parameters()).device
    adapter = [p for p in encoder.model.parameters() if p.requires_grad]
    groups = [
        {"params": adapter, "lr": plan.adapter_rate},
        {"params": list(model.parameters()), "lr": plan.head_rate},
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
    steps = plan.epochs * math.ceil(len(rows) / plan.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps, plan.warmup))
    best, bad = -math.inf, 0
    for epoch in range(plan.epochs):
        model.train()
        encoder.model.train()
        for group in tqdm(
            list(batches(rows, plan.batch, rng)), desc=f"epoch {epoch + 1}", unit="batch", mininterval=10
        ):
            batch = prepare(group, encoder, model, bank, rng, plan.rates)
            others = {name: other.to(device) for name, other in batch.others.items()}
            logits = model({"text": text_batch(encoder, batch.tokens), **others})
            loss = loss_of(logits, batch.targets.to(device))
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_([*adapter, *model.parameters()], 1.0)
            optimizer.step()
            schedule.step()
        model.eval()
        encoder.model.eval()
        now = score()
        tqdm.write(f"epoch {epoch + 1}: validation score {now:.4f}")
        best, bad = (now, 0) if now > best else (best, bad + 1)
        if bad == 0:
            keep()
        elif bad >= plan.patience:
            break
    return best


def _rate(step: int, steps: int, warmup: float) -> float:
    """Share of the learning rate at a step: linear warm-up, then cosine decay to 2%."""
    first = max(1, int(steps * warmup))
    if step < first:
        return (step + 1) / first
    return 0.02 + 0.49 * (1 + math.cos(math.pi * (step - first) / max(1, steps - first)))
