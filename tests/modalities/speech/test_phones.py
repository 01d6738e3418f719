from pathlib import Path

import numpy as np
import pytest
import torch
from rapidfuzz.distance import Levenshtein

from modalities.audio import decode_mulaw, encode_mulaw, resample
from modalities.errors import WeightsError
from modalities.speech.decoders import Language
from modalities.speech.language_model import compile_model
from modalities.speech.phone_listener import PhoneListener
from modalities.speech.phone_model import features, once
from modalities.speech.phones import PhoneHead, Phones, save
from modalities.speech.pocketsphinx import ACOUSTICS, PHONES
from modalities.speech.sound_encoder import PER_SECOND, WIDTH, SoundEncoder
from modalities.types import Audio

pytestmark = pytest.mark.weights
SENTENCES = ("where is my order", "cancel it", "a b c", "four eight two", "eight two four")


def speak(text: str) -> Audio:
    from modalities.voice.espeak import ESpeak

    return resample(ESpeak("en-us", speed=150).speak(text), 16_000)


@pytest.fixture(scope="module")
def listener(tmp_path_factory: pytest.TempPathFactory) -> PhoneListener:
    language = Language(compile_model(SENTENCES * 20, tmp_path_factory.mktemp("model")))
    return PhoneListener(language, ACOUSTICS / PHONES, decoders=1)


@pytest.mark.parametrize("samples", [0, 1, 319, 320, 16_000, 119_999, 120_001, 400_000])
def test_states_are_fifty_a_second_at_any_length(samples: int) -> None:
    noise = np.random.default_rng(7).normal(scale=0.01, size=samples).astype(np.float32)
    states = SoundEncoder().encode(Audio(noise, 16_000))
    assert states.shape[1] == WIDTH
    assert abs(len(states) - samples * PER_SECOND / 16_000) <= 1
    assert np.isfinite(states).all()


def test_phones_are_those_said() -> None:
    phones = Phones(ACOUSTICS / PHONES)
    likeliest = phones.log_probabilities(speak("where is my order")).argmax(axis=1)
    changes = [k for i, k in enumerate(likeliest) if k and (i == 0 or k != likeliest[i - 1])]
    found = " ".join(phones.names[k] for k in changes)
    assert Levenshtein.distance(found.split(), "W EH R IH Z M AY AO R D ER".split()) <= 3, found


@pytest.mark.parametrize("text", ["where is my order", "cancel it", "four eight two"])
def test_words_are_heard_on_a_line_as_well(listener: PhoneListener, text: str) -> None:
    sound = speak(text)
    for audio in (sound, decode_mulaw(encode_mulaw(resample(sound, 8_000)))):
        found = listener.transcribe(listener.log_probabilities(audio))
        assert found.text == text
        assert [word.text for word in found.words] == text.split()
        assert all(0 <= word.start < word.end <= audio.seconds + 0.05 for word in found.words)


def test_what_was_said_is_likelier_than_what_was_not(listener: PhoneListener) -> None:
    phones = listener.log_probabilities(speak("four eight two"))
    said, swapped, unknown, long = listener.likelihoods(
        ["four eight two", "eight four two", "four eight whatever", "four eight two " * 40], phones
    )
    assert swapped < said < 0
    assert unknown == long == -np.inf
    assert listener.likelihoods([], phones) == []


def test_silence_has_no_words(listener: PhoneListener) -> None:
    for audio in (Audio(np.zeros(0, np.float32), 16_000), Audio(np.full(32_000, 1e-5, np.float32), 16_000)):
        assert listener.transcribe(listener.log_probabilities(audio)).text == ""


def test_a_recording_that_fails_spoils_no_other(listener: PhoneListener) -> None:
    def fail() -> None:
        with listener._pool.decoder() as decoder:
            decoder.start_utt()
            raise RuntimeError("by accident")

    with pytest.raises(RuntimeError, match="by accident"):
        fail()
    assert listener.transcribe(listener.log_probabilities(speak("cancel it"))).text == "cancel it"


def test_features_square_to_how_unlikely_a_phone_is() -> None:
    scores = torch.randn(5, 40).log_softmax(-1).numpy()
    found = np.square(features(scores)) / 2
    apart = scores - scores[:, 1:2]
    np.testing.assert_allclose((found[:, 1:2] - found)[:, 2:], apart[:, 2:], atol=1e-4)
    assert (found >= 0).all()
    assert (once("EY EY"), once("EY"), once("K EY")) == ("EY", "EY", "K EY")


def test_weights_of_another_shape_or_for_another_encoder_are_refused(tmp_path: Path) -> None:
    head, names = PhoneHead(3, width=8, hidden=4), ("_", "AA", "B")
    save(head, tmp_path / "good.safetensors", names)
    assert Phones(tmp_path / "good.safetensors").log_probabilities(speak("a")).shape[1] == 3
    save(head, tmp_path / "names.safetensors", ("_", "AA"))
    save(head, tmp_path / "other.safetensors", names, encoder="0")
    (tmp_path / "broken.safetensors").write_bytes(b"no")
    for name in ("names", "broken", "missing"):
        with pytest.raises(WeightsError, match="missing or damaged"):
            Phones(tmp_path / f"{name}.safetensors")
    with pytest.raises(WeightsError, match="pipecat-ai"):
        Phones(tmp_path / "other.safetensors")
