"""Recordings in training: heard once, kept by content, clean and over the line; broken ones named by line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from agent.config import load_settings
from agent.domain import Pack
from modalities.audio import save
from modalities.errors import InputError
from modalities.speech.base import Capabilities
from modalities.types import Audio, Segment, Transcript
from tests.fakes import tone
from training import recordings
from training.recordings import hear, over_telephone, spoken_rows, voices
from training.rows import Row, row_of

SETTINGS = load_settings("embedded")


class FakeEngine:
    """Says how long a recording is, and whether it came over the line; counts what it was given."""

    name = "fake"
    capabilities = Capabilities()

    def __init__(self) -> None:
        self.batches: list[int] = []

    def transcribe(self, played: Sequence[Audio]) -> list[Transcript]:
        self.batches.append(len(played))
        return [Transcript(self.text(audio)) for audio in played]

    @staticmethod
    def text(audio: Audio) -> str:
        spectrum = np.abs(np.fft.rfft(audio.samples))
        high = spectrum[int(len(spectrum) * 0.55) :].sum() / spectrum.sum()
        return f"{audio.seconds:.0f} seconds{'' if high > 0.01 else ' by phone'}"


class FakeSegmenter:
    """Takes everything for speech but what is silent."""

    def segments(self, audio: Audio) -> tuple[Segment, ...]:
        return (Segment(0.0, audio.seconds),) if np.abs(audio.samples).max() > 0.01 else ()


class FakeParts:
    """The parts that listening needs."""

    engine = FakeEngine()

    def __init__(self, settings: object, pack: Pack) -> None:
        self.settings, self.pack = settings, pack
        self.speech, self.segmenter = self.engine, FakeSegmenter()


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    monkeypatch.setattr(recordings, "Parts", FakeParts)
    FakeParts.engine = FakeEngine()
    return FakeParts.engine


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    root = tmp_path / "pack"
    (root / "calls").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for seconds in (1, 2):
        sound = tone(seconds).samples + 0.1 * rng.standard_normal(seconds * 16_000).astype(np.float32)
        save(Audio(sound, 16_000), root / "calls" / f"{seconds}.wav")
    save(Audio(np.zeros(16_000, np.float32), 16_000), root / "calls" / "silent.wav")
    (root / "calls" / "broken.wav").write_bytes(b"no sound at all, only words")
    (root / "pack.toml").write_text('name = "calls"\n[intents]\nhello = ""\n[entities.number]\n', encoding="utf-8")
    (root / "examples.jsonl").write_text(
        '{"text": "hello", "intents": ["hello"]}\n'
        '{"text": "1 seconds", "intents": ["hello"], "audio": "calls/1.wav",'
        ' "entities": [{"type": "number", "start": 0, "end": 1}]}\n'
        '{"text": "two seconds", "intents": ["hello"], "audio": "calls/2.wav",'
        ' "entities": [{"type": "number", "start": 0, "end": 3}]}\n'
        '{"text": "", "intents": ["hello"], "audio": "calls/silent.wav"}\n'
        '{"text": "", "intents": ["hello"], "audio": "calls/broken.wav"}\n',
        encoding="utf-8",
    )
    return Pack.load(root)


def rows_of(pack: Pack, count: int = 4) -> list[Row]:
    return [row_of(example, pack.root) for example in pack.examples()[:count]]


def test_rows_say_what_was_heard(pack: Pack, engine: FakeEngine, tmp_path: Path) -> None:
    rows = rows_of(pack)
    heard = hear(rows, SETTINGS, pack, tmp_path / "cache")
    assert [row.text for row in heard] == ["hello", "1 seconds", "2 seconds", ""]
    assert heard[0] == rows[0]
    assert heard[1].spans == (("number", 0, 1),), "heard as said: the spans still point at it"
    assert heard[2].spans is None, "heard otherwise: the spans point at nothing"
    assert all(row.intents == ("hello",) and row.audio == old.audio for row, old in zip(heard, rows, strict=True))


def test_over_the_telephone(pack: Pack, engine: FakeEngine, tmp_path: Path) -> None:
    heard = hear(rows_of(pack), SETTINGS, pack, tmp_path, telephone=True)
    assert [row.text for row in heard] == ["hello", "1 seconds by phone", "2 seconds by phone", ""]
    assert over_telephone(tone(0.5, 44_100)).rate == 8_000


def test_nothing_is_listened_to_twice(pack: Pack, engine: FakeEngine, tmp_path: Path) -> None:
    first = hear(rows_of(pack), SETTINGS, pack, tmp_path)
    assert engine.batches == [2]
    assert hear(rows_of(pack), SETTINGS, pack, tmp_path) == first
    assert engine.batches == [2]
    (pack.root / "calls" / "1.wav").write_bytes((pack.root / "calls" / "2.wav").read_bytes())
    assert hear(rows_of(pack), SETTINGS, pack, tmp_path)[1].text == "2 seconds"
    assert engine.batches == [2], "another file of the same content was heard before"


def test_a_torn_cache_entry_is_heard_again(pack: Pack, engine: FakeEngine, tmp_path: Path) -> None:
    first = hear(rows_of(pack), SETTINGS, pack, tmp_path)
    for entry in tmp_path.rglob("*.json"):
        entry.write_text('{"tex', encoding="utf-8")
    assert hear(rows_of(pack), SETTINGS, pack, tmp_path) == first
    assert engine.batches == [2, 2]


def test_training_rows_are_typed_heard_and_heard_by_phone(pack: Pack, engine: FakeEngine, tmp_path: Path) -> None:
    rows = spoken_rows(rows_of(pack), SETTINGS, pack, tmp_path)
    assert [row.text for row in rows] == [
        "hello",
        "1 seconds",
        "1 seconds by phone",
        "two seconds",
        "2 seconds",
        "2 seconds by phone",
    ]
    assert [row.spans for row in rows[1:4]] == [(("number", 0, 1),), None, (("number", 0, 3),)]


@pytest.mark.parametrize("listen", ["hear", "voices"])
def test_a_broken_recording_is_named_by_its_line(pack: Pack, engine: FakeEngine, tmp_path: Path, listen: str) -> None:
    rows = rows_of(pack, count=5)
    with pytest.raises(InputError, match=r"examples\.jsonl:5: audio 'calls/broken\.wav'.*not sound"):
        voices(rows, pack) if listen == "voices" else hear(rows, SETTINGS, pack, tmp_path)


def test_a_vanished_recording_is_named(pack: Pack, engine: FakeEngine, tmp_path: Path) -> None:
    rows = rows_of(pack)
    (pack.root / "calls" / "1.wav").unlink()
    with pytest.raises(InputError, match=r"examples\.jsonl:2: audio 'calls/1\.wav': cannot be opened"):
        hear(rows, SETTINGS, pack, tmp_path)


def test_voices_are_encoded_by_file(pack: Pack) -> None:
    found = voices(rows_of(pack), pack)
    assert [path.name for path in found] == ["1.wav", "2.wav", "silent.wav"]
    assert [len(encoding) for encoding in found.values()] == [10, 20, 0]


@pytest.mark.weights
def test_pocketsphinx_hears_a_made_recording(tmp_path: Path) -> None:
    from modalities.voice.espeak import ESpeak

    pack = Pack.load("retail")
    path = save(ESpeak("en-us").speak("where is my order"), tmp_path / "call.wav")
    row = Row("", ("order_status",), audio=path)
    assert hear([row], SETTINGS, pack, tmp_path)[0].text == "where is my order"
