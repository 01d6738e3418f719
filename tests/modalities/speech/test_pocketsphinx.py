import threading
from pathlib import Path

import numpy as np
import pytest

from modalities.audio import decode_mulaw, encode_mulaw, resample
from modalities.errors import InputError, WeightsError
from modalities.segmenter import Segmenter
from modalities.speech.base import listen
from modalities.speech.language_model import ARPA, compile_model
from modalities.speech.pocketsphinx import ACOUSTICS, PHONES, PocketSphinx, kind_of, narrow
from modalities.types import Audio

pytestmark = pytest.mark.weights

SENTENCES = (
    "where is my order",
    "i want to cancel my order",
    "the blue jacket arrived broken",
    "can i speak to a person",
    "order k~a1 four~a2 eight~a3 two~a4",
    "order k~a1 two~a2 four~a3 eight~a4",
    "order k~a1 eight~a2 two~a3 four~a4",
)


def speak(text: str) -> Audio:
    from modalities.voice.espeak import ESpeak

    said = resample(ESpeak("en-us", speed=150).speak(text), 16_000)
    return Audio(np.pad(said.samples, 8_000), 16_000)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_model(SENTENCES * 50, tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def engine(model: Path) -> PocketSphinx:
    return PocketSphinx(model)


@pytest.mark.parametrize("text", [s for s in SENTENCES if "~" not in s])
def test_sentences_are_heard(engine: PocketSphinx, text: str) -> None:
    assert engine.transcribe([speak(text)])[0].text == text


def test_words_have_times_and_confidence_and_no_marks(engine: PocketSphinx) -> None:
    audio = speak("order K 4 8 2")
    (transcript,) = listen(engine, Segmenter(), [audio])
    assert transcript.text == "order k four eight two"
    assert [word.text for word in transcript.words] == transcript.text.split()
    times = [time for word in transcript.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert 0.3 < times[0] < 0.9
    assert times[-1] < audio.seconds
    assert 0 < transcript.confidence <= 1
    assert all(0 <= word.confidence <= 1 for word in transcript.words)
    assert transcript.text not in transcript.alternatives
    assert not any("~" in other or "<" in other for other in transcript.alternatives)


def test_telephone_sound_is_heard(engine: PocketSphinx) -> None:
    line = decode_mulaw(encode_mulaw(resample(speak("i want to cancel my order"), 8_000)))
    assert listen(engine, Segmenter(), [line])[0].text == "i want to cancel my order"


def test_nothing_is_carried_from_one_recording_to_the_next(engine: PocketSphinx) -> None:
    quiet, loud = speak("where is my order"), speak("the blue jacket arrived broken")
    alone = engine.transcribe([quiet])[0]
    shout = Audio(np.clip(loud.samples * 8, -1, 1), loud.rate)
    again = engine.transcribe([shout, shout, quiet])[2]
    assert again == alone


def test_threads_take_turns(engine: PocketSphinx) -> None:
    wanted = ["where is my order", "can i speak to a person"]
    sounds, results = [speak(text) for text in wanted], {}

    def work(i: int) -> None:
        results[i] = engine.transcribe([sounds[i % 2]])[0].text

    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {i: wanted[i % 2] for i in range(6)}


@pytest.mark.parametrize(
    ("samples", "reasons"),
    [
        (np.zeros(16_000), {"silence"}),
        (np.zeros(0), {"silence"}),
        (np.zeros(1), {"silence"}),
        (np.random.default_rng(5).normal(size=32_000) * 0.1, {"noise", "unclear"}),
    ],
)
def test_no_words_are_invented(engine: PocketSphinx, samples: np.ndarray, reasons: set[str]) -> None:
    sound = Audio(samples.astype(np.float32), 16_000)
    (alone,) = engine.transcribe([sound])
    assert alone.text == ""
    assert alone.rejected in reasons
    (gated,) = listen(engine, Segmenter(), [sound])
    assert gated.text == ""
    assert gated.rejected in ("silence", "noise")


def test_a_damaged_model_is_named(model: Path, tmp_path: Path) -> None:
    for path in model.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / ARPA).write_bytes(b"not a model")
    with pytest.raises(WeightsError, match="damaged"):
        PocketSphinx(tmp_path)
    with pytest.raises(WeightsError, match="missing"):
        PocketSphinx(tmp_path / "nowhere")
    with pytest.raises(InputError, match="at least 1"):
        PocketSphinx(model, decoders=0)


def test_telephone_sound_is_told_by_its_band() -> None:
    wide = speak("where is my order")
    line = resample(decode_mulaw(encode_mulaw(resample(wide, 8_000))), 16_000)
    hiss = np.random.default_rng(5).normal(size=16_000).astype(np.float32) * 0.001
    assert narrow(line)
    assert not narrow(wide)
    assert not narrow(Audio(hiss, 16_000))
    assert not narrow(Audio(np.zeros(0, np.float32), 16_000))
    assert not narrow(Audio(np.zeros(16_000, np.float32), 16_000))
    noise = np.random.default_rng(5).normal(size=len(wide.samples)).astype(np.float32) * 0.03
    assert [kind_of(one) for one in (wide, line, Audio(wide.samples + noise, 16_000))] == [
        "quiet",
        "telephone",
        "noisy",
    ]
    assert kind_of(Audio(np.zeros(1, np.float32), 16_000)) == "quiet"


def test_each_band_has_its_own_acoustic_model(model: Path, tmp_path: Path) -> None:
    sound = speak("i want to cancel my order")
    line = decode_mulaw(encode_mulaw(resample(sound, 8_000)))
    (tmp_path / PHONES).write_bytes((ACOUSTICS / PHONES).read_bytes())
    bare = PocketSphinx(model, acoustics=tmp_path)  # a folder without adapted models
    assert bare.transcribe([sound])[0].text == "i want to cancel my order"
    with pytest.raises(WeightsError, match="missing"):
        bare.transcribe([line])
    mixed = PocketSphinx(model).transcribe([line, sound, line])
    assert [heard.text for heard in mixed] == ["i want to cancel my order"] * 3
    assert mixed[0] == mixed[2]
    assert PocketSphinx(model, acoustics=None).transcribe([line])[0].text == "i want to cancel my order"


def test_the_model_folder_may_go_once_it_is_read(model: Path, tmp_path: Path) -> None:
    for path in model.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    engine = PocketSphinx(tmp_path, streams=1)
    for path in tmp_path.iterdir():
        path.unlink()
    line = decode_mulaw(encode_mulaw(resample(speak("where is my order"), 8_000)))
    assert engine.transcribe([line])[0].text == "where is my order"
    stream = engine.stream(8_000)
    assert stream is not None
    stream.close()
