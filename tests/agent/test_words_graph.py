"""The graph for words alone scores as the model does."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from agent.fusion import FusionConfig, ModalityBatch
from agent.heads import Labels, UnderstandingModel
from agent.words_graph import WordsModel
from modalities.bert_graph import Graph
from modalities.capitals import SMALL

INTENTS = ("order", "refund", "hours")


def model_of(entities: tuple[str, ...], inputs: dict[str, int], layers: int = 2, width: int = 16) -> UnderstandingModel:
    """A model whose every weight, the gate's too, is drawn at random."""
    torch.manual_seed(3)
    config = FusionConfig(inputs, width=width, layers=layers, heads=2)
    model = UnderstandingModel(config, Labels(INTENTS, entities)).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn_like(weight) / max(1, weight.shape[-1] / 16) ** 0.5)
        model.capitals.weight[SMALL] = 0.0
    return model


def batch_of(lengths: list[int], seed: int = 0) -> ModalityBatch:
    mask = torch.arange(max(lengths))[None] < torch.tensor(lengths)[:, None]
    vectors = np.random.default_rng(seed).standard_normal((*mask.shape, 12)).astype(np.float32)
    capitals = torch.from_numpy(np.random.default_rng(seed).integers(0, 4, mask.shape)) if seed else None
    return ModalityBatch(torch.from_numpy(vectors), mask, capitals=capitals)


def exactly(graph: Graph, x: str, weight: Any, bias: Any = None) -> str:
    """`Graph.linear` in full precision."""
    product = graph.add("MatMul", [x, graph.constant(weight.T)])
    return str(product if bias is None else graph.add("Add", [product, graph.constant(bias)]))


@pytest.mark.parametrize("entities", [(), ("order_id", "date")])
@pytest.mark.parametrize("inputs", [{"text": 12}, {"text": 12, "ocr": 12, "image": 8}])
@pytest.mark.parametrize(("lengths", "seed"), [([5], 0), ([5], 1), ([1, 4, 9], 2), ([3, 0, 2], 3)])
def test_scores_are_the_models_in_full_precision(
    entities: tuple[str, ...], inputs: dict[str, int], lengths: list[int], seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Graph, "linear", exactly)
    model, batch = model_of(entities, inputs), batch_of(lengths, seed)
    quick = WordsModel(model)(batch)
    with torch.inference_mode():
        full = model({"text": batch})
    for name in ("pooled", "intents", "out_of_scope", "several", "sentiment"):
        torch.testing.assert_close(getattr(quick, name), getattr(full, name), rtol=1e-4, atol=1e-4)
    if entities:
        torch.testing.assert_close(quick.tags["text"][batch.mask], full.tags["text"][batch.mask], rtol=1e-4, atol=1e-3)
    assert quick.kind is None
    assert quick.condition is None


@pytest.mark.parametrize("seed", range(4))
def test_int8_is_near_the_models_scores(seed: int) -> None:
    model, batch = model_of(("order_id", "date"), {"text": 12}, width=64), batch_of([4, 9, 1], seed)
    quick = WordsModel(model)(batch)
    with torch.inference_mode():
        full = model({"text": batch})
    pairs = [(quick.pooled, full.pooled), (quick.intents, full.intents)]
    pairs.append((quick.tags["text"][batch.mask], full.tags["text"][batch.mask]))
    for mine, theirs in pairs:
        assert float((mine - theirs).detach().norm() / theirs.norm()) < 0.1


def test_words_masked_anywhere_are_not_seen() -> None:
    model, batch = model_of((), {"text": 12}), batch_of([6, 6])
    batch.mask[1, [0, 3]] = False
    changed = dataclasses.replace(batch, vectors=batch.vectors.clone())
    changed.vectors[1, [0, 3]] = 7.0
    quick = WordsModel(model)
    torch.testing.assert_close(quick(batch).intents, quick(changed).intents)
    assert not torch.allclose(quick(batch).intents, quick(batch_of([6, 6])).intents)


def test_a_models_memory_has_its_say() -> None:
    class Doubled(torch.nn.Module):
        def forward(self, scores: torch.Tensor, pooled: torch.Tensor) -> torch.Tensor:
            return 2 * scores + pooled.sum(dim=-1, keepdim=True)

    model, batch = model_of((), {"text": 12}), batch_of([4, 2])
    plain = WordsModel(model)(batch)
    model.remember(Doubled())  # type: ignore[arg-type]
    torch.testing.assert_close(
        WordsModel(model)(batch).intents, 2 * plain.intents + plain.pooled.sum(dim=-1, keepdim=True)
    )
