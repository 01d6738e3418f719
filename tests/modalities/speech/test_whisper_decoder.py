"""Our decoding loop against openai-whisper's on the same weights and windows: the same tokens."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from whisper.decoding import DecodingOptions, DecodingTask, decode
from whisper.model import ModelDimensions, Whisper
from whisper.tokenizer import get_tokenizer

from modalities.speech import whisper_int8
from modalities.speech.whisper_decoder import Decoder
from modalities.speech.whisper_model import encode, log_mel
from modalities.speech.whisper_rules import Rules

WINDOWS, STEPS = 12, 30
EOT_OFTEN = 2.4  # times the end mark's row, so that windows end at different steps


def random_model(multilingual: bool, seed: int = 0) -> Any:
    """A small model whose tokens differ between windows, with sharp attention as benchmarks.asr_models makes it."""
    torch.manual_seed(seed)
    model = Whisper(ModelDimensions(80, 1500, 64, 2, 1, 51865 if multilingual else 51864, 96, 64, 2, 2))
    torch.nn.init.normal_(model.decoder.token_embedding.weight, std=0.125)
    torch.nn.init.normal_(model.decoder.positional_embedding, std=0.125)
    for name, weight in model.named_parameters():
        if weight.ndim == 2 and "embedding" not in name:
            torch.nn.init.normal_(
                weight, std=(2.0 if ".query" in name or ".key" in name else 1.0) / weight.shape[1] ** 0.5
            )
    with torch.no_grad():
        tokenizer = tokenizer_of(model)
        model.decoder.token_embedding.weight[tokenizer.eot] *= EOT_OFTEN
    return model.eval()


def tokenizer_of(model: Any) -> Any:
    return get_tokenizer(model.is_multilingual, num_languages=model.num_languages, language="en", task="transcribe")


def features_of(count: int, seed: int = 1) -> torch.Tensor:
    """Stand-ins for encoder states, each window its own."""
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.randn(count, 1500, 64, generator=generator)


def ours(model: Any, features: torch.Tensor, options: DecodingOptions, **settings: Any) -> list[Any]:
    task = DecodingTask(model, options)
    rules = Rules(
        task.tokenizer,
        model.dims.n_vocab,
        "cpu",
        timestamps=not options.without_timestamps,
        suppress=None if options.suppress_tokens == "-1" else [t for t in options.suppress_tokens or () if t >= 0],
        initial=None if options.max_initial_timestamp is None else round(options.max_initial_timestamp * 50),
    )
    prompts = torch.tensor([task.initial_tokens] * len(features))
    return Decoder(model, rules, **settings).decode(features, prompts, task.sample_len, start=task.sot_index)


@pytest.fixture(scope="module", params=[True, False], ids=["multilingual", "english"])
def model(request: pytest.FixtureRequest) -> Any:
    return random_model(request.param)


@pytest.mark.parametrize(
    "options",
    [
        {"without_timestamps": True},
        {"without_timestamps": False},
        {"without_timestamps": False, "max_initial_timestamp": None},
        {"without_timestamps": False, "prompt": "Harbor Lane, linen shirt"},
        {"without_timestamps": True, "prompt": "order K-4821, " * 40},
        {"without_timestamps": True, "suppress_tokens": [50256, 50257, 11, 13]},
        {"without_timestamps": True, "sample_len": 1},
        {"without_timestamps": False, "sample_len": 200},  # more than the context holds
    ],
    ids=str,
)
def test_the_same_tokens_as_openai_whisper(model: Any, options: dict[str, Any]) -> None:
    given = DecodingOptions(**{"language": "en", "fp16": False, "sample_len": STEPS, **options})
    features = features_of(WINDOWS)
    wanted = decode(model, features, given)
    found = ours(model, features, given)
    assert [list(one.tokens) for one in found] == [one.tokens for one in wanted]
    for one, other in zip(found, wanted, strict=True):
        assert one.log_probability == pytest.approx(other.avg_logprob, abs=1e-4)
        assert one.no_speech == pytest.approx(other.no_speech_prob, abs=1e-5)


@pytest.mark.parametrize("timestamps", [False, True])
def test_steps_of_one_shape_give_the_same_tokens(timestamps: bool) -> None:
    model, features = random_model(True), features_of(WINDOWS - 1)
    given = DecodingOptions(language="en", fp16=False, sample_len=90, without_timestamps=not timestamps)
    wanted = [one.tokens for one in decode(model, features, given)]
    assert [list(one.tokens) for one in ours(model, features, given, static=True)] == wanted


def test_the_windows_of_the_comparison_differ_and_end_at_different_steps() -> None:
    model = random_model(True)
    lengths, texts = set(), set()
    for timestamps in (True, False):
        options = DecodingOptions(language="en", fp16=False, sample_len=STEPS, without_timestamps=not timestamps)
        results = decode(model, features_of(WINDOWS), options)
        lengths |= {len(one.tokens) for one in results}
        texts |= {tuple(one.tokens) for one in results}
    assert len(lengths) > 5
    assert len(texts) > WINDOWS


def test_one_decoder_serves_batches_of_any_size() -> None:
    model = random_model(True)
    tokenizer, features = tokenizer_of(model), features_of(9)
    decoder = Decoder(model, Rules(tokenizer, model.dims.n_vocab, "cpu"))
    prompt = list(tokenizer.sot_sequence_including_notimestamps)

    def decoded(rows: slice) -> list[tuple[int, ...]]:
        part = features[rows]
        return [one.tokens for one in decoder.decode(part, torch.tensor([prompt] * len(part)), STEPS)]

    whole = decoded(slice(0, 9))
    assert decoded(slice(0, 2)) + decoded(slice(2, 9)) == whole
    assert decoded(slice(0, 9)) == whole


def test_sampling_is_repeatable_and_rows_do_not_depend_on_each_other() -> None:
    model = random_model(True)
    tokenizer, features = tokenizer_of(model), features_of(4)
    decoder = Decoder(model, Rules(tokenizer, model.dims.n_vocab, "cpu"))
    prompts = torch.tensor([tokenizer.sot_sequence_including_notimestamps] * 4)
    greedy = [one.tokens for one in decoder.decode(features, prompts, STEPS)]
    drawn = [one.tokens for one in decoder.decode(features, prompts, STEPS, 0.8)]
    assert drawn != greedy
    assert [one.tokens for one in decoder.decode(features, prompts, STEPS, 1e-6)] == greedy
    assert [one.tokens for one in decoder.decode(features[2:], prompts[2:], STEPS, 0.8)] == drawn[2:]


def test_languages_are_those_openai_whisper_detects() -> None:
    model = random_model(True)
    tokenizer, features = tokenizer_of(model), features_of(6)
    decoder = Decoder(model, Rules(tokenizer, model.dims.n_vocab, "cpu"))
    likely = decoder.languages(features, tokenizer.sot, tokenizer.all_language_tokens)
    with torch.inference_mode():
        _, wanted = model.detect_language(features)
    codes = tokenizer.all_language_codes
    assert [codes[int(row.argmax())] for row in likely] == [max(one, key=one.get) for one in wanted]


def test_the_spectrogram_of_many_windows_is_that_of_each() -> None:
    from whisper.audio import log_mel_spectrogram

    sounds = torch.randn(3, 480_000, generator=torch.Generator().manual_seed(0)) * torch.tensor([[0.5], [0.01], [1e-5]])
    together = log_mel(sounds, 80)
    for row, sound in zip(together, sounds, strict=True):
        torch.testing.assert_close(row, log_mel_spectrogram(sound), atol=1e-5, rtol=0)


@pytest.mark.skipif(not whisper_int8.supported(), reason="no quick int8 on this processor")
def test_int8_scores_are_close_and_rows_do_not_depend_on_each_other() -> None:
    torch.manual_seed(0)
    weight, bias = torch.randn(96, 64), torch.randn(96)
    layer, x = whisper_int8.Int8Linear(weight, bias), torch.randn(5, 7, 64)
    exact = torch.nn.functional.linear(x, weight, bias)
    assert ((layer(x) - exact).norm() / exact.norm()).item() < 0.015
    loud = torch.cat([x, 1000 * torch.randn(1, 7, 64)])
    torch.testing.assert_close(layer(loud)[:5], layer(x))
    model = random_model(True)
    kept = {"token_embedding.weight"}
    whisper_int8.to_int8(model)
    assert {name for name, value in model.decoder.named_parameters() if value.ndim == 2} - kept == {
        "positional_embedding"
    }


def test_encoding_one_by_one_is_encoding_together() -> None:
    import numpy as np

    model, rng = random_model(True), np.random.default_rng(0)
    pieces = [rng.normal(0, 0.1, length).astype(np.float32) for length in (1, 8_000, 480_000)]
    states = encode(model, pieces)
    assert states.shape == (3, 1500, 64)
    torch.testing.assert_close(encode(model, pieces[1:2])[0], states[1])
    assert dataclasses.asdict(model.dims)["n_audio_ctx"] == 1500
