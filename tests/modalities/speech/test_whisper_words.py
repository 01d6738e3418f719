"""Word times against openai-whisper's own on the same weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from whisper.audio import log_mel_spectrogram
from whisper.timing import find_alignment

from modalities.speech.whisper_words import Aligner, _first_states
from tests.modalities.speech.test_whisper_decoder import random_model, tokenizer_of


def test_times_are_openai_whispers() -> None:
    model = random_model(True)
    tokenizer = tokenizer_of(model)
    rng = np.random.default_rng(0)
    sound = (rng.normal(0, 0.2, 480_000) * np.repeat(rng.random(48), 10_000)).astype(np.float32)
    mel = log_mel_spectrogram(sound)
    text = tokenizer.encode(" Where is my blue linen shirt that I ordered two weeks ago")
    wanted = find_alignment(model, tokenizer, text, mel, 3000)
    with torch.inference_mode():
        features = model.encoder(mel[None])[0]
    words = Aligner(model, tokenizer).words(features, text, 30.0, "en")
    assert [word.text for word in words] == [one.word.strip() for one in wanted]
    assert [word.start for word in words] == pytest.approx([max(one.start, one.end - 3.0) for one in wanted], abs=0.021)
    assert [word.end for word in words] == pytest.approx([one.end for one in wanted], abs=0.021)
    assert [word.confidence for word in words] == pytest.approx([one.probability for one in wanted], abs=1e-4)


def test_marks_go_with_their_words_and_no_words_give_none() -> None:
    model = random_model(True)
    tokenizer, features = tokenizer_of(model), torch.randn(1500, 64)
    aligner = Aligner(model, tokenizer)
    words = aligner.words(features, tokenizer.encode(' He said "no", twice.'), 5.0, "en")
    assert [word.text for word in words] == ["He", "said", '"no",', "twice."]
    assert all(0 <= word.start <= word.end <= 5.0 for word in words)
    assert aligner.words(features, [], 5.0, "en") == ()
    assert len(aligner.words(features, tokenizer.encode(" yes"), 0.02, "en")) == 1


@pytest.mark.parametrize("edges", [(0, 4, 5, 11), (0, 1, 2, 3), (0, 10, 11, 12)])
def test_the_path_begins_each_token_where_it_is_cheap(edges: tuple[int, ...]) -> None:
    cost = np.ones((4, 15), dtype=np.float32)
    for row, (first, last) in enumerate(zip(edges, (*edges[1:], 15), strict=True)):
        cost[row, first:last] = -1
    assert _first_states(cost).tolist() == list(edges)
