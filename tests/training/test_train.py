"""A small pack is trained, saved, loaded and used, with a small random encoder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from agent import Turn, build
from agent.errors import PackError
from agent.fusion import FusionConfig
from agent.heads import Labels, UnderstandingModel
from modalities.types import Encoding
from tests.tiny import tiny_text_encoder
from training.blend import BlendPlan, Print, Read, blend
from training.photo_bank import PhotoBank, Seen
from training.rows import Row
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


def test_words_that_need_a_photo_learn_from_it() -> None:
    torch.manual_seed(0)
    rng = np.random.default_rng(0)

    def seen(kind: str, value: float) -> Seen:
        boxes = ((0.0, 0.0, 1.0, 1.0),) * 2
        vectors = rng.normal(0, 0.3, (2, 6)).astype(np.float32)
        vectors[:, 0] += value
        return Seen(Encoding("image", vectors, (), boxes), kind, None)

    bank = PhotoBank([seen("receipt", 5.0) for _ in range(30)] + [seen("clothing", -5.0) for _ in range(30)])
    words = Encoding("text", rng.standard_normal((3, 5)).astype(np.float32), ((0, 4), (5, 9), (10, 14)))
    reads = [
        Read(Row("look at this", (name,), (), image=kind), words)
        for name, kind in (("pay", "receipt"), ("wear", "clothing"))
    ]
    line = Encoding(
        "ocr", rng.standard_normal((2, 5)).astype(np.float32), ((0, 5), (6, 9)), ((0.0, 0.0, 1.0, 0.1),) * 2
    )
    labels = Labels(("pay", "wear"), ("total",))
    model = UnderstandingModel(
        FusionConfig({"text": 5, "ocr": 5, "image": 6}, width=16, layers=1, heads=2, dropout=0.0), labels
    )
    plan = BlendPlan(epochs=8, batch=16, rate=3e-3)
    blend(model, [reads * 40], [Print(line, (("total", 6, 9),))] * 8, bank, plan, lambda: 0.0, lambda: None)
    from agent.fusion import collate

    with torch.inference_mode():
        for name, kind in (("pay", "receipt"), ("wear", "clothing")):
            photo = next(photo for photo in bank.all if photo.kind == kind)
            inputs = {"text": collate([words]), "image": collate([photo.encoding])}
            logits = model({key: batch for key, batch in inputs.items() if batch is not None})
            assert labels.intents[int(logits.intents[0].argmax())] == name
            assert logits.kind is not None
            assert labels.photo_kinds[int(logits.kind[0].argmax())] == kind
