"""Whisper by path, on tiny checkpoints of the real class."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modalities.device import present
from modalities.errors import DeviceError, InputError, WeightsError
from modalities.speech.base import SpeechEngine
from modalities.speech.guards import Guards
from modalities.speech.whisper import Whisper, find, published
from modalities.speech.whisper_windows import windows
from modalities.types import Audio
from tests.tiny import SPEECH_WIDTH, tiny_whisper

SENTENCE = "Where is my order?"


def noise(seconds: float, rate: int = 16_000) -> Audio:
    samples = np.random.default_rng(0).normal(0, 0.1, round(seconds * rate))
    return Audio(samples.astype(np.float32), rate)


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_whisper(tmp_path_factory.mktemp("whisper"), says=SENTENCE)


@pytest.fixture(scope="module")
def untaught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_whisper(tmp_path_factory.mktemp("whisper"), multilingual=True)


def test_hears_a_batch_of_any_lengths_and_rates(taught: Path) -> None:
    whisper: SpeechEngine = Whisper(str(taught))
    recordings = [noise(2), noise(65), noise(0), noise(1, rate=8_000), noise(3, rate=44_100)]
    heard = whisper.transcribe(recordings)
    assert [transcript.text for transcript in heard] == [SENTENCE, " ".join([SENTENCE] * 3), "", SENTENCE, SENTENCE]
    assert [transcript.rejected for transcript in heard] == ["", "", "silence", "", ""]
    assert all(0.9 < heard[index].confidence <= 1 for index in (0, 1, 3, 4))
    assert heard[2].confidence == 0


def test_each_window_is_encoded_once_whatever_is_made_of_it(untaught: Path) -> None:
    whisper, shapes = Whisper(str(untaught), language="auto"), []
    whisper._model.encoder.register_forward_hook(lambda _module, inputs, _output: shapes.append(inputs[0].shape[0]))
    whisper.transcribe([noise(1), noise(2), noise(3)])
    assert sum(shapes) == 3


@pytest.mark.parametrize(("seconds", "count"), [(0.2, 1), (2, 4), (7.9, 16), (29, 16), (95, 16)])
def test_states_are_few_and_follow_the_sound(taught: Path, seconds: float, count: int) -> None:
    states = Whisper(str(taught)).transcribe([noise(seconds)])[0].states
    assert states is not None
    assert states.kind == "speech"
    assert states.vectors.shape == (count, SPEECH_WIDTH)
    assert np.isfinite(states.vectors).all()


def test_states_are_the_encoders(taught: Path) -> None:
    import torch
    from whisper.audio import log_mel_spectrogram, pad_or_trim

    whisper, sound = Whisper(str(taught)), noise(2)
    mel = log_mel_spectrogram(pad_or_trim(sound.samples))
    with torch.inference_mode():
        full = whisper._model.encoder(mel[None])[0, :100].numpy()
    states = whisper.transcribe([sound])[0].states
    assert states is not None
    np.testing.assert_allclose(states.vectors, full.reshape(4, 25, -1).mean(axis=1), atol=1e-4)


def test_the_prompt_reaches_the_decoder_and_no_window_sees_anothers_words(
    taught: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whisper = Whisper(str(taught), prompt="Harbor Lane, linen shirt")
    given: list[Any] = []
    original = whisper._decoder.decode

    def record(features: Any, prompts: Any, *rest: Any, **options: Any) -> Any:
        given.extend(prompts.tolist())
        return original(features, prompts, *rest, **options)

    monkeypatch.setattr(whisper._decoder, "decode", record)
    heard = whisper.transcribe([noise(1), noise(150)])
    assert heard[0].text == SENTENCE
    tokenizer = whisper._tokenizer
    expected = [tokenizer.sot_prev, *tokenizer.encode(" Harbor Lane, linen shirt"), *tokenizer.sot_sequence]
    assert given == [[*expected, tokenizer.no_timestamps]] * 7


def test_babble_is_rejected_after_every_temperature_and_alone(untaught: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whisper = Whisper(str(untaught))
    temperatures: list[float] = []
    original = whisper._decode

    def record(features: Any, languages: Any, temperature: float) -> Any:
        temperatures.append(temperature)
        return original(features, languages, temperature)

    monkeypatch.setattr(whisper, "_decode", record)
    heard = whisper.transcribe([noise(2)])[0]
    assert heard.text == ""
    assert heard.rejected in ("repetition", "too_fast", "unintelligible")
    assert heard.states is not None
    assert temperatures == list(Guards().temperatures)
    assert whisper.transcribe([noise(2)])[0] == heard


def test_only_doubtful_windows_are_tried_again(taught: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whisper, tried = Whisper(str(taught)), []
    original, judge = whisper._decode, whisper._judge

    def record(features: Any, languages: Any, temperature: float) -> Any:
        tried.append((len(features), temperature))
        return original(features, languages, temperature)

    def doubt_the_long(found: Any, seconds: float, language: str) -> Any:
        guards = Guards(log_probability=1.0) if seconds > 2 and len(tried) == 1 else Guards()
        monkeypatch.setattr(whisper, "_guards", guards)
        return judge(found, seconds, language)

    monkeypatch.setattr(whisper, "_decode", record)
    monkeypatch.setattr(whisper, "_judge", doubt_the_long)
    heard = whisper.transcribe([noise(1), noise(3), noise(1)])
    assert [transcript.text for transcript in heard] == [SENTENCE] * 3
    assert tried == [(3, 0.0), (1, 0.4)]


@pytest.mark.parametrize(
    "bad",
    [
        np.full(32_000, np.nan, np.float32),
        np.full(32_000, np.inf, np.float32),
        np.zeros(1, np.float32),
        np.full(32_000, 0.5, np.float32),  # nothing but a shifted mean
        np.zeros(0, np.float32),
        np.full(32_000, 1e-4, np.float32),
    ],
    ids=["nan", "inf", "one sample", "shifted silence", "empty", "very quiet"],
)
def test_a_bad_recording_is_silence_and_spoils_no_other(taught: Path, bad: Any) -> None:
    heard = Whisper(str(taught)).transcribe([noise(1), Audio(bad, 16_000), noise(2)])
    assert [(t.text, t.rejected) for t in heard] == [(SENTENCE, ""), ("", "silence"), (SENTENCE, "")]


@pytest.mark.parametrize("change", ["clipped", "shifted", "some nan", "8 kHz mu-law"])
def test_poor_sound_is_heard(taught: Path, change: str) -> None:
    from modalities.audio import decode_mulaw, encode_mulaw

    samples = noise(2).samples
    sounds = {
        "clipped": Audio(np.clip(samples * 100, -3, 3), 16_000),
        "shifted": Audio(samples + np.float32(0.4), 16_000),
        "some nan": Audio(np.where(np.arange(len(samples)) % 97, samples, np.float32(np.nan)), 16_000),
        "8 kHz mu-law": decode_mulaw(encode_mulaw(noise(2, rate=8_000))),
    }
    (heard,) = Whisper(str(taught)).transcribe([sounds[change]])
    assert heard.text == SENTENCE
    assert heard.states is not None
    assert np.isfinite(heard.states.vectors).all()


def test_words_have_times_within_their_window(taught: Path) -> None:
    (heard,) = Whisper(str(taught)).transcribe([noise(65)])
    assert " ".join(word.text for word in heard.words) == heard.text
    starts = [word.start for word in heard.words]
    assert starts == sorted(starts)
    assert starts[-1] > 40
    assert heard.words[-1].end <= 65
    assert Whisper(str(taught), word_times=False).transcribe([noise(2)])[0].words == ()


def test_a_batch_hears_what_each_alone_does(untaught: Path) -> None:
    loose = Guards(no_speech=1, log_probability=-99, compression=99, words_per_second=999, loop=99, loop_word=99)
    whisper = Whisper(str(untaught), language="auto", guards=loose)
    sounds = [Audio(noise(seconds).samples * np.float32(seconds), 16_000) for seconds in (1, 2, 5, 3)]
    together = whisper.transcribe(sounds)
    assert [whisper.transcribe([sound])[0].text for sound in sounds] == [heard.text for heard in together]
    assert all(heard.language for heard in together)


def test_precisions(taught: Path) -> None:
    from modalities.speech.whisper_int8 import supported

    heard = Whisper(str(taught), precision="int8")
    assert heard.precision == ("int8" if supported() else "float32")
    assert heard.transcribe([noise(1)])[0].text == SENTENCE
    assert Whisper(str(taught), precision="bfloat16").transcribe([noise(1)])[0].text == SENTENCE
    with pytest.raises(InputError, match="int8"):
        Whisper(str(taught), precision="float16")


def test_languages(untaught: Path, taught: Path) -> None:
    assert Whisper(str(untaught), language="auto").transcribe([noise(1)])[0].text == ""
    with pytest.raises(InputError, match=r"'auto' or one of .*\bde\b"):
        Whisper(str(untaught), language="klingon")
    with pytest.raises(InputError, match="English only"):
        Whisper(str(taught), language="de")


def test_threads_share_one_model(taught: Path) -> None:
    whisper, heard = Whisper(str(taught)), []
    threads = [threading.Thread(target=lambda: heard.append(whisper.transcribe([noise(1)])[0])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [transcript.text for transcript in heard] == [SENTENCE] * 4


def test_a_batch_too_large_for_the_device_is_halved(taught: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    whisper, sizes = Whisper(str(taught)), []
    original = whisper._encode

    def encode(pieces: Any) -> Any:
        sizes.append(len(pieces))
        if len(pieces) > 1:
            raise torch.OutOfMemoryError
        return original(pieces)

    monkeypatch.setattr(whisper, "_encode", encode)
    assert [transcript.text for transcript in whisper.transcribe([noise(1)] * 3)] == [SENTENCE] * 3
    assert sizes == [3, 1, 2, 1, 1]


def test_long_sound_is_cut_where_it_is_quiet() -> None:
    samples = noise(70).samples
    quiet = slice(27 * 16_000, 27 * 16_000 + 4_000)
    samples[quiet] = 0
    pieces = windows(samples)
    assert quiet.start <= len(pieces[0]) <= quiet.stop
    assert max(map(len, pieces)) <= 30 * 16_000
    np.testing.assert_array_equal(np.concatenate(pieces), samples)
    assert windows(samples[:0]) == []


@pytest.mark.parametrize("size", ["large-v3-turbo", "tiny.en", "turbo"])
def test_a_size_not_fetched_names_the_command_and_downloads_nothing(
    size: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import whisper

    def forbidden(*_: Any) -> None:
        raise AssertionError("download")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(whisper, "_download", forbidden)
    with pytest.raises(WeightsError, match=r"python -m modalities\.weights pull gpu"):
        Whisper(size)
    assert list(tmp_path.iterdir()) == []


def test_a_size_is_loaded_from_the_cache(taught: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "whisper").mkdir()
    (tmp_path / "whisper" / "large-v3-turbo.pt").write_bytes(taught.read_bytes())
    for size in ("turbo", "large-v3-turbo"):
        assert Whisper(size).transcribe([noise(1)])[0].text == SENTENCE


def test_published_addresses_hold_their_checksums() -> None:
    assert all(len(address.split("/")[-2]) == 64 for address in published().values())


@pytest.mark.parametrize("damage", ["empty", "text", "truncated", "other", "dims"])
def test_damaged_files_are_refused(damage: str, taught: Path, tmp_path: Path) -> None:
    import torch

    path = tmp_path / "model.pt"
    good = torch.load(taught, weights_only=True)
    contents: dict[str, Any] = {
        "empty": b"",
        "text": b"not a model",
        "truncated": taught.read_bytes()[:100_000],
        "other": {"weights": 1},
        "dims": {**good, "dims": {**good["dims"], "n_text_layer": 2}},
    }
    if isinstance(contents[damage], bytes):
        path.write_bytes(contents[damage])
    else:
        torch.save(contents[damage], path)
    with pytest.raises(WeightsError, match=r"model\.pt"):
        Whisper(str(path))


def test_a_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    import pickle

    class Evil:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "ran",))

    import torch

    torch.save({"dims": {}, "model_state_dict": {}, "x": Evil()}, tmp_path / "evil.pt", pickle_module=pickle)
    with pytest.raises(WeightsError):
        Whisper(str(tmp_path / "evil.pt"))
    assert not (tmp_path / "ran").exists()


def test_unknown_models_and_devices_name_the_choices(taught: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="large-v3-turbo"):
        find("enormous")
    with pytest.raises(WeightsError, match="path"):
        find(str(tmp_path))
    with pytest.raises(DeviceError, match="present: cpu"):
        Whisper(str(taught), device="quantum")


@pytest.mark.gpu
def test_on_cuda(taught: Path) -> None:
    if "cuda:0" not in present():
        pytest.skip("no CUDA device")
    heard = Whisper(str(taught), device="cuda").transcribe([noise(1), noise(40)])
    assert [transcript.text for transcript in heard] == [SENTENCE, f"{SENTENCE} {SENTENCE}"]
