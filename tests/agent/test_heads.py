"""What the heads make of fused vectors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from agent.fusion import FusionConfig, collate
from agent.heads import Labels, Logits, UnderstandingModel
from modalities.capitals import CAPITALISED, SMALL, WAYS
from modalities.types import Encoding


@pytest.fixture
def model() -> UnderstandingModel:
    torch.manual_seed(0)
    config = FusionConfig({"text": 12}, width=16, layers=1, heads=2, dropout=0.0)
    return UnderstandingModel(config, Labels(("a", "b"), ("name",))).eval()


def words(n: int, seed: int, capitals: tuple[int, ...] = ()) -> Encoding:
    vectors = np.random.default_rng(seed).standard_normal((n, 12)).astype(np.float32)
    return Encoding("text", vectors, capitals=capitals)


def read(model: UnderstandingModel, *rows: Encoding) -> Logits:
    batch = collate(rows)
    assert batch is not None
    logits: Logits = model({"text": batch})
    return logits


def test_capitals_tell_the_tagger_once_learnt_and_small_letters_and_wishes_never(model: UnderstandingModel) -> None:
    plain, written, other = words(3, 1), words(3, 1, (SMALL, CAPITALISED, SMALL)), words(5, 2)
    torch.testing.assert_close(read(model, plain).tags["text"], read(model, written).tags["text"])
    with torch.no_grad():
        model.capitals.weight[CAPITALISED:] = torch.randn(WAYS - 1, 16)
    before, after = read(model, plain, other), read(model, written, other)
    changed = (before.tags["text"] != after.tags["text"]).any(dim=-1)
    assert changed.tolist() == [[False, True, False, False, False], [False] * 5]
    for name in ("intents", "out_of_scope", "several", "sentiment"):
        assert torch.equal(getattr(before, name), getattr(after, name))


def test_learning_capitals_leaves_small_letters_at_zero(model: UnderstandingModel) -> None:
    model.train()
    read(model, words(3, 1, (SMALL, CAPITALISED, SMALL))).tags["text"].square().sum().backward()  # type: ignore[no-untyped-call]
    gradient = model.capitals.weight.grad
    assert gradient is not None
    assert float(gradient[SMALL].abs().sum()) == 0.0
    assert float(gradient[CAPITALISED].abs().sum()) > 0.0
