"""A small pack is trained, saved, loaded and used, with a small random encoder."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from agent import Turn, build
from agent.errors import PackError
from agent.fusion import FusionConfig, collate
from agent.heads import Labels, Logits, UnderstandingModel
from modalities.text import TextEncoder
from modalities.types import Encoding, TextLine
from tests.tiny import TEXT_WIDTH, tiny_text_encoder
from training.adaptation import Adaptation
from training.batches import Batches, Material, Mixture
from training.fit import Figures, Plan, Run
from training.photo_bank import PhotoBank, Seen
from training.receipts import LabelledReceipt
from training.rows import Row
from training.targets import Weights
from training.train import Options, shares_of, train

ANIMALS = "cat dog hen cow fox owl bee ant".split()


def write_pack(folder: Path, count: int) -> None:
    folder.mkdir()
    (folder / "pack.toml").write_text('name = "mini"\n[intents]\nfeed = "feed"\nsell = "sell"\n[entities.animal]\n')
    rows = []
    for i in range(count):
        verb, name = ("feed", "sell")[i % 2], ANIMALS[i % 8]
        text = f"{verb} the {name} number {i} today"
        start = text.index(name)
        rows.append(
            {"text": text, "intents": [verb], "entities": [{"type": "animal", "start": start, "end": start + 3}]}
        )
    (folder / "examples.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")


def write_stack(folder: Path) -> str:
    encoder = tiny_text_encoder(folder / "encoder")
    path = folder / "mini.toml"
    path.write_text(f'name = "mini"\ndevice = "cpu"\n[text]\nmodel = {json.dumps(str(encoder))}\n')
    return str(path)


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")
def test_a_pack_is_trained_and_used(tmp_path: Path) -> None:
    write_pack(tmp_path / "pack", 160)
    stack, pack, out = write_stack(tmp_path), str(tmp_path / "pack"), tmp_path / "weights"
    about = train(Options(pack, out, stack=stack, epochs=6, batch=8, threads=1))
    assert about["test"]["intent_accuracy"] >= 0.9
    assert {path.name for path in out.iterdir()} == {"adapter", "meta.json", "model.safetensors"}
    agent = build(stack, pack, fusion_weights=str(out))
    feed, sell = agent.understand([Turn(text="feed the cow number 7 today"), Turn(text="sell the owl number 3 today")])
    assert (feed.intents[0].name, sell.intents[0].name) == ("feed", "sell")


def test_too_few_examples_are_refused(tmp_path: Path) -> None:
    write_pack(tmp_path / "pack", 6)
    with pytest.raises(PackError, match="at least 20"):
        train(Options(str(tmp_path / "pack"), tmp_path / "weights", stack=write_stack(tmp_path)))


@pytest.mark.parametrize("text", ["70/15", "70/20/20", "100/0/0", "a/b/c"])
def test_shares_that_do_not_add_up_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"shares|int"):
        shares_of(text)


def seen(kind: str, value: float, rng: np.random.Generator) -> Seen:
    boxes = ((0.0, 0.0, 1.0, 1.0),) * 2
    vectors = rng.normal(0, 0.3, (2, 6)).astype(np.float32)
    vectors[:, 0] += value
    return Seen(Encoding("image", vectors, (), boxes), kind, None)


def photo_run(folder: Path, epochs: int) -> Run:
    """A run over words that mean one thing beside a receipt and another beside clothes."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    bank = PhotoBank([seen("receipt", 5.0, rng) for _ in range(32)] + [seen("clothing", -5.0, rng) for _ in range(32)])
    rows = [Row("look at this", (name,), (), image=kind) for name, kind in (("pay", "receipt"), ("wear", "clothing"))]
    receipt = LabelledReceipt("r", (TextLine("sum 12", (0, 0, 1, 0.1), 1.0),), (("total", 4, 6),), {})
    encoder = TextEncoder(str(tiny_text_encoder(folder / "encoder")))
    labels = Labels(("pay", "wear"), ("total",))
    config = FusionConfig({"text": TEXT_WIDTH, "ocr": TEXT_WIDTH, "image": 6}, width=16, layers=1, heads=2)
    model = UnderstandingModel(config, labels, 6)
    batches = Batches(Material(rows * 40, [receipt] * 8, bank), Mixture(size=16), encoder, labels)
    plan = Plan(epochs, head_rate=3e-3, patience=99)
    return Run(model, encoder, Adaptation(encoder, "full"), batches, plan, Weights.even(labels))


def scores_beside(run: Run, kind: str, words: str = "look at this") -> Logits:
    bank = run.batches.material.bank
    assert bank is not None
    photo = next(photo for photo in bank.all if photo.kind == kind)
    inputs = {"text": collate(run.encoder.encode([words])), "image": collate([photo.encoding])}
    with torch.inference_mode():
        logits: Logits = run.model({name: batch for name, batch in inputs.items() if batch is not None})
    return logits


def rising() -> Callable[[], Figures]:
    """A validation score that is better after every epoch."""
    count = iter(range(1_000))
    return lambda: {"score": float(next(count))}


def test_words_that_need_a_photo_learn_from_it(tmp_path: Path) -> None:
    run = photo_run(tmp_path, epochs=12)
    run.fit(rising(), tmp_path / "run.pt")
    labels = run.model.labels
    for name, kind in (("pay", "receipt"), ("wear", "clothing")):
        for words in ("look at this", ""):
            logits = scores_beside(run, kind, words)
            assert labels.intents[int(logits.intents[0].argmax())] == name, (kind, words)
            assert logits.kind is not None
            assert labels.photo_kinds[int(logits.kind[0].argmax())] == kind


def test_a_killed_run_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    whole = photo_run(tmp_path / "whole", epochs=3)
    whole.fit(rising(), tmp_path / "whole.pt")
    broken, score = photo_run(tmp_path / "broken", epochs=3), rising()

    def dies() -> Figures:
        if broken.progress.epoch == 2:
            raise Killed
        return score()

    with pytest.raises(Killed):
        broken.fit(dies, tmp_path / "run.pt")
    again = photo_run(tmp_path / "again", epochs=3)
    assert again.progress.epoch == 0
    again.fit(rising(), tmp_path / "run.pt")
    for name, tensor in whole.model.state_dict().items():
        assert torch.equal(tensor, again.model.state_dict()[name]), name
    for name, tensor in whole.adaptation.state().items():
        assert torch.equal(tensor, again.adaptation.state()[name]), name
    done = photo_run(tmp_path / "done", epochs=3)
    done.fit(rising(), tmp_path / "run.pt")
    assert all(torch.equal(tensor, done.model.state_dict()[name]) for name, tensor in whole.model.state_dict().items())


@pytest.mark.parametrize("content", [b"", b"not a run", b"\x80\x04cos\nsystem\n."])
def test_a_state_that_is_no_run_is_left_aside(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run.pt").write_bytes(content)
    run = photo_run(tmp_path, epochs=1)
    run.fit(rising(), tmp_path / "run.pt")
    assert run.progress.epoch == 1


def test_the_last_epoch_within_a_standard_error_is_kept_and_worse_ones_end_training(tmp_path: Path) -> None:
    run, gates = photo_run(tmp_path, epochs=9), list[torch.Tensor]()
    run.plan = replace(run.plan, patience=2)
    scores = iter([0.7, 0.9, 0.85, 0.5, 0.6])

    def evaluate() -> Figures:
        gates.append(run.model.fusion.gate.detach().clone())
        return {"score": next(scores), "error": 0.1}

    run.fit(evaluate, tmp_path / "run.pt")
    assert run.progress.epoch == 5
    assert torch.equal(run.model.fusion.gate, gates[2])


def test_rare_intents_count_for_more() -> None:
    labels = Labels(("often", "seldom"), ())
    weights = Weights.balanced([Row("a", ("often",))] * 64 + [Row("b", ("seldom",))] * 4, labels).intents
    assert weights[1] / weights[0] == pytest.approx(4.0)
    assert weights.mean() == pytest.approx(1.0)
