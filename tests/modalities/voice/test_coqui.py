"""Coqui's voices by path, on tiny VITS models of the real class."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modalities.device import present
from modalities.errors import DeviceError, InputError, WeightsError
from modalities.voice import coqui
from modalities.voice.base import Voice
from modalities.voice.coqui import VITS, XTTS, Coqui, license_of
from tests.tiny import VOICE_RATE, tiny_vits

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:TTS"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:trainer"),
]


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_vits(tmp_path_factory.mktemp("vits"))


@pytest.fixture(scope="module")
def phonemes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_vits(tmp_path_factory.mktemp("vits"), phonemes=True)


@pytest.mark.parametrize("kind", ["letters", "phonemes"])
def test_speaks(kind: str, request: pytest.FixtureRequest) -> None:
    voice: Voice = Coqui(str(request.getfixturevalue(kind)))
    said = voice.speak("Your order K123456 costs $12.50. Anything else?")
    assert said.rate == voice.rate == VOICE_RATE
    assert said.seconds > 0.5
    assert 0 < np.abs(said.samples).max() <= 1


def test_takes_the_model_file_itself(letters: Path) -> None:
    assert Coqui(str(letters / "model.pth")).speak("Hello.").seconds > 0.2


@pytest.mark.parametrize("text", ["", "...", "😀", "你好"])
def test_nothing_to_say_is_empty_sound(letters: Path, text: str) -> None:
    assert Coqui(str(letters)).speak(text).seconds == 0


@pytest.mark.parametrize("text", ["a", "I", "x" * 2_000, "hello " * 500, "<b>x</b> é ñ ß", "No!"])
def test_odd_text_is_spoken(letters: Path, text: str) -> None:
    assert Coqui(str(letters)).speak(text).seconds > 0.2


def test_streams_the_first_sentence_before_the_rest_and_cancels(letters: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    voice, spoken = Coqui(str(letters)), []
    original = voice._tts.tts

    def record(text: str, **arguments: Any) -> Any:
        spoken.append(text)
        return original(text, **arguments)

    monkeypatch.setattr(voice._tts, "tts", record)
    pieces = voice.stream("The first one. The second one. The third one")
    next(pieces)
    assert spoken == ["The first one."]
    next(pieces)
    voice.cancel()
    assert list(pieces) == []
    assert spoken == ["The first one.", "The second one."]


def test_nothing_on_stdout(letters: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Coqui(str(letters)).speak("Hello there. How are you?")
    assert capfd.readouterr().out == ""


def test_phonemes_are_those_of_the_espeak_program() -> None:
    from TTS.tts.utils.text.phonemizers import ESpeak, get_phonemizer_by_name

    from modalities.voice.phonemizer import install_phonemizer

    install_phonemizer()
    # The start of the example in Coqui's own documentation, made with the espeak-ng program.
    turkish = get_phonemizer_by_name("espeak", language="tr")
    assert turkish.phonemize("Bu Türkçe,", separator="|") == "b|ʊ t|ˈø|r|k|tʃ|ɛ,"
    english = get_phonemizer_by_name("espeak", language="en")
    assert english.phonemize("Hello, there! Bye", separator="") == "həlˈoʊ, ðˈɛɹ! bˈaɪ"
    assert isinstance(english, ESpeak) == ESpeak.is_available()


@pytest.mark.parametrize("model", [VITS, XTTS, "tts_models/en/ljspeech/fast_pitch"])
def test_a_model_not_fetched_names_the_command_and_downloads_nothing(
    model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import requests

    def forbidden(*_: Any, **__: Any) -> None:
        raise AssertionError("download")

    monkeypatch.setattr(requests.Session, "request", forbidden)
    monkeypatch.setenv("TTS_HOME", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(WeightsError, match=r"python -m modalities\.weights pull gpu"):
        Coqui(model)
    assert list(tmp_path.iterdir()) == []


def test_a_published_name_is_loaded_from_where_coqui_keeps_it(
    letters: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTS_HOME", str(tmp_path))
    folder = tmp_path / "tts" / VITS.replace("/", "--")
    folder.mkdir(parents=True)
    (folder / "model_file.pth").write_bytes((letters / "model.pth").read_bytes())
    (folder / "config.json").write_bytes((letters / "config.json").read_bytes())
    voice = Coqui(VITS)
    assert voice.speak("Hello.").seconds > 0.2
    assert voice.license == "apache 2.0"


def test_licences_are_named(letters: Path) -> None:
    assert license_of(XTTS) == "CPML"
    assert license_of(str(letters)) == ""


def _evil(path: Path) -> None:
    import torch

    class Evil:
        def __reduce__(self) -> Any:
            return (Path.touch, (path.parent / "ran",))

    torch.save({"model": Evil()}, path)


@pytest.mark.parametrize("damage", ["empty", "text", "truncated", "weights", "evil", "config", "no config", "no model"])
def test_damaged_models_are_refused(damage: str, letters: Path, tmp_path: Path) -> None:
    import torch

    model, config = tmp_path / "model.pth", tmp_path / "config.json"
    whole = (letters / "model.pth").read_bytes()
    model.write_bytes({"empty": b"", "text": b"no model", "truncated": whole[:10_000]}.get(damage, whole))
    config.write_bytes((letters / "config.json").read_bytes())
    if damage == "weights":
        torch.save({"model": {"text_encoder.emb.weight": torch.zeros(2, 2)}}, model)
    if damage == "evil":
        _evil(model)
    if damage == "config":
        config.write_text(json.dumps({"model": "nonsense"}))
    if damage.startswith("no "):
        {"no config": config, "no model": model}[damage].unlink()
    with pytest.raises(WeightsError, match="voice model"):
        Coqui(str(tmp_path))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("model", ["nobody", "tts_models/en/ljspeech/nobody", "vocoder_models/x", "./nowhere"])
def test_unknown_models_name_the_choices(model: str) -> None:
    with pytest.raises(WeightsError, match=VITS):
        coqui.find(model)


def test_unknown_speakers_and_devices(letters: Path) -> None:
    with pytest.raises(InputError, match="one speaker"):
        Coqui(str(letters), speaker="Bob")
    with pytest.raises(DeviceError, match="present: cpu"):
        Coqui(str(letters), device="quantum")


@pytest.mark.gpu
def test_on_cuda(letters: Path) -> None:
    if "cuda:0" not in present():
        pytest.skip("no CUDA device")
    assert Coqui(str(letters), device="cuda").speak("Hello there.").seconds > 0.2
