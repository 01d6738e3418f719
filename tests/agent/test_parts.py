"""A stack's text encoder: the precision it names, tuned as the checkpoint says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from agent.agent import build
from agent.checkpoint import Calibration, Checkpoint, EncoderId, save
from agent.config import load_settings
from agent.domain import Pack
from agent.errors import WeightsError
from agent.fusion import FusionConfig
from agent.heads import Labels, UnderstandingModel
from agent.parts import TUNED, Parts
from agent.types import Turn
from agent.understanding import Understander
from modalities.text import TextEncoder
from modalities.text_int8 import Int8TextEncoder
from tests.tiny import TEXT_WIDTH, tiny_text_encoder

TEXTS = ("where is my order", "cancel it", "a red coat please, size 9", "hi")
VALUE = "encoder.layer.0.attention.self.value.weight"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_text_encoder(tmp_path_factory.mktemp("text"))


@pytest.fixture
def weights(model: Path, tmp_path: Path) -> Path:
    """A checkpoint that knows nothing, for the tiny text encoder."""
    torch.manual_seed(0)
    pack, encoder = Pack.load("retail"), TextEncoder(str(model))
    labels = Labels(tuple(pack.intents), tuple(pack.entities))
    config = FusionConfig({"text": TEXT_WIDTH}, width=16, layers=1, heads=2)
    ids = {"text": EncoderId("tiny", TEXT_WIDTH, encoder.fingerprint)}
    save(Checkpoint(UnderstandingModel(config, labels), ids, Calibration(out_of_scope=1.1)), tmp_path / "weights")
    return tmp_path / "weights"


def parts(model: Path, weights: Path, precision: str, device: str = "cpu") -> Parts:
    settings = load_settings("embedded", fusion_weights=str(weights))
    settings = replace(settings, text=replace(settings.text, model=str(model), precision=precision))
    made = Parts(settings, Pack.load("retail"))
    made.device = device
    return made


@pytest.mark.parametrize(
    ("precision", "device", "kind", "runs"),
    [
        ("float32", "cpu", TextEncoder, "float32"),
        ("bfloat16", "cpu", TextEncoder, "bfloat16"),
        ("int8", "cpu", Int8TextEncoder, "int8"),
        ("int8", "meta", TextEncoder, "float32"),
    ],
)
def test_the_stack_chooses(model: Path, weights: Path, precision: str, device: str, kind: Any, runs: str) -> None:
    ours = parts(model, weights, precision, device)
    assert ours.precision == runs
    assert type(ours.search_text) is kind


@pytest.mark.parametrize("precision", ["int8", "bfloat16"])
def test_turns_are_understood_nearly_alike(model: Path, weights: Path, precision: str) -> None:
    turns = [Turn(text=text) for text in (*TEXTS, "")]
    full = Understander(parts(model, weights, "float32")).understand(turns)
    ours = Understander(parts(model, weights, precision)).understand(turns)
    assert [u.verdict for u in ours] == [u.verdict for u in full]
    for one, other in zip(full, ours, strict=True):
        chances = {intent.name: intent.confidence for intent in one.intents}
        assert all(abs(chances[intent.name] - intent.confidence) < 0.02 for intent in other.intents)


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_fully_tuned_weights_are_taken(model: Path, weights: Path, precision: str) -> None:
    before = parts(model, weights, precision).text.encode(TEXTS)[0].vectors
    new = np.random.default_rng(0).standard_normal((TEXT_WIDTH, TEXT_WIDTH)).astype(np.float16)
    save_file({VALUE: new}, weights / TUNED)
    ours = parts(model, weights, precision)
    assert float(np.abs(ours.text.encode(TEXTS)[0].vectors - before).max()) > 0.05
    published = ours.search_text.encode(TEXTS)[0].vectors
    np.testing.assert_allclose(published, before, atol=1e-5)


def test_two_tunings_are_refused(model: Path, weights: Path) -> None:
    save_file({VALUE: np.zeros((TEXT_WIDTH, TEXT_WIDTH), np.float32)}, weights / TUNED)
    (weights / "adapter").mkdir()
    with pytest.raises(WeightsError, match="adapter/ and encoder"):
        _ = parts(model, weights, "int8").text


def test_another_encoder_is_refused_in_int8_too(tmp_path: Path, weights: Path) -> None:
    other = tiny_text_encoder(tmp_path / "other")
    (other / "config.json").write_text((other / "config.json").read_text() + " ")
    with pytest.raises(WeightsError, match="trained with the text encoder 'tiny'"):
        _ = parts(other, weights, "int8").text


@pytest.mark.weights
def test_the_embedded_stack_understands_in_int8() -> None:
    agent = build("embedded", "retail", store_url="sqlite://")
    assert isinstance(agent.parts.text, Int8TextEncoder)
    (found,) = agent.understand([Turn(text="Where is my order K877019?")])
    assert (found.verdict, found.intents[0].name) == ("ok", "track_order")
    agent.close()
