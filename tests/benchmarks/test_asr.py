"""The speech benchmarks: one model in every system's form, the same work for each, words counted right."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import asr_models, asr_systems
from benchmarks.asr_accuracy import by_digit, in_room, normalizer, report
from benchmarks.asr_throughput import Pace, agreement, share
from modalities.types import Audio

NANO = (80, 64, 2, 1, 1, 51865)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> asr_systems.Models:
    folder = tmp_path_factory.mktemp("nano")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(asr_models.SIZES, "nano", NANO)
        model = asr_models.random_whisper("nano", 7)
    source = asr_models.save_transformers(model, folder / "transformers")
    return asr_systems.Models(asr_models.save_openai(model, folder / "openai.pt"), source, {})


@pytest.fixture(scope="module")
def options() -> argparse.Namespace:
    return argparse.Namespace(device="cpu", threads=1, batch=2, windows=8, few=2)


def test_transformers_gets_the_same_weights_and_vocabulary(made: asr_systems.Models) -> None:
    import whisper
    from transformers import AutoTokenizer, WhisperForConditionalGeneration

    ours = whisper.load_model(str(made.openai), device="cpu")
    theirs = WhisperForConditionalGeneration.from_pretrained(made.transformers)
    mel, tokens = torch.randn(1, 80, 3000), torch.tensor([[50258, 50259, 50359, 50363, 11]])
    with torch.inference_mode():
        torch.testing.assert_close(
            theirs(input_features=mel, decoder_input_ids=tokens).logits, ours(mel, tokens), atol=1e-4, rtol=1e-4
        )
    tokenizer, known = AutoTokenizer.from_pretrained(made.transformers), asr_systems.tokenizer_of(ours)
    for text in (" Where is my order K-4821?", " Größe ändern", "日本語 🙂"):
        assert tokenizer.encode(text, add_special_tokens=False) == known.encode(text)
    assert tokenizer.convert_tokens_to_ids("<|en|>") == known.to_language_token("en")


@pytest.mark.parametrize("timestamps", [False, True])
def test_our_tokens_are_openai_whispers(
    made: asr_systems.Models, options: argparse.Namespace, timestamps: bool
) -> None:
    pairs = asr_systems.both(made, asr_systems.sounds(4, 12, 7), options, timestamps)
    assert all(ours == theirs for ours, theirs in pairs)
    assert len({theirs for _, theirs in pairs}) > 1


def test_systems_do_the_same_work(made: asr_systems.Models, options: argparse.Namespace) -> None:
    part = asr_systems.sounds(3, 9, 7)
    found = {
        name: asr_systems.System.make(name, made, options).start().run(part)
        for name in ("ours float32", "openai-whisper", "transformers")
    }
    assert [len(row) for row in found["ours float32"]] == [9, 9, 9]
    assert found["ours float32"] == found["openai-whisper"] == found["transformers"]


def test_a_system_measured_on_some_windows_counts_for_all(options: argparse.Namespace) -> None:
    class Sleepless(asr_systems.System):
        def run(self, part: asr_systems.Sounds) -> asr_systems.Tokens:
            sum(range(200_000))
            return [(1, 2)]

    assert (share("ours int8", options), share("openai-whisper", options)) == (1, 0.25)
    whole, part = Pace(1.0), Pace(0.001)
    for pace in (whole, part):
        pace.add(Sleepless("", asr_systems.Models(Path(), Path(), {}), options), asr_systems.sounds(0, 2, 7))
    assert part.wall[0] > 20 * whole.wall[0]
    reference = asr_systems.Sounds((), 2, [(1, 2), (3, 4)])
    assert agreement([(1, 2), (3, 5)], reference, 2) == "2 tokens each, 1 of 2 as openai-whisper's"
    assert "NOT 2 tokens" in agreement([(1,)], reference, 2)


def test_words_are_counted_after_the_normalizer(capsys: pytest.CaptureFixture[str]) -> None:
    normalize = normalizer()
    assert by_digit(normalize("my number is five five five one")) == "my number is 5 5 5 1"
    report("clean", ["Five five five one.", "yes please"], ["5552", "Yes, please!"], normalize, 2.0)
    line = capsys.readouterr().out
    assert "33.3% (1 of 3 words)" in line
    assert "16.7% (1 of 6)" in line
    assert "whole 1 of 2, nothing heard 0" in line


def test_a_room_keeps_the_sound_and_adds_a_tail() -> None:
    rng = np.random.default_rng(0)
    burst = np.zeros(16_000, np.float32)
    burst[4_000:8_000] = rng.normal(0, 0.1, 4_000)
    wet = in_room(Audio(burst, 16_000), rng).samples
    power = [float(np.square(wet[a:b]).sum()) for a, b in ((0, 4_000), (4_000, 8_000), (8_000, 12_000))]
    assert power[0] < 1e-6 < power[2] < power[1]
    assert np.square(wet).sum() == pytest.approx(np.square(burst).sum(), rel=0.3)
