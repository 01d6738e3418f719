import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any, cast

import numpy as np
import pytest

from agent import build
from agent.agent import Agent
from agent.domain import Pack
from agent.errors import InputError
from benchmarks import heard as heard_module
from benchmarks import robustness
from benchmarks.heard import Heard, error_rate, hear, read, speak, words_of
from benchmarks.robustness import Options, chosen, others, right, right_heard, rows_of, speech_lines, typo_lines
from modalities.speech.base import Capabilities
from modalities.types import Audio, Transcript
from tests.fakes import FakeAgent, tone
from training.rows import Row

ROWS = [Row("where is my order", ("track_order",)), Row("it is late", ("late_delivery",)), Row("hello", ())]


class FakeEngine:
    """Hears the same words each time."""

    name = "fake"
    capabilities = Capabilities()
    calls = 0

    def transcribe(self, recordings: Sequence[Audio]) -> list[Transcript]:
        self.calls += len(recordings)
        return [Transcript("where is my odor", alternatives=("where is my order",)) for _ in recordings]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    fake = FakeEngine()
    monkeypatch.setattr(heard_module, "speak", lambda spoken, voice: tone(1.0))
    monkeypatch.setattr(heard_module, "Segmenter", lambda: None)
    monkeypatch.setattr(heard_module, "listen", lambda engine, _, sounds: engine.transcribe(sounds))
    return fake


@pytest.fixture
def agent() -> Iterator[Agent]:
    made = build("embedded", "retail", store_url="sqlite://")
    yield made
    made.close()


def test_sentences_are_heard_once(tmp_path: Path, engine: FakeEngine) -> None:
    cache, texts = tmp_path / "heard.jsonl", ["Order 12, please!", "where is it"]
    first = hear(texts, lambda: engine, cache, 7, telephone=False, intents=["a", "b"])
    assert (engine.calls, first[0].spoken, first[0].heard_8k) == (2, "order twelve please", None)
    assert [row.intent for row in first] == ["a", "b"]
    assert hear(texts, lambda: engine, cache, 7, telephone=False) == first
    assert engine.calls == 2
    hearings = ("where is my odor", "where is my order")
    assert {row.heard_8k for row in hear(texts, lambda: engine, cache, 7)} == {hearings}
    assert hear([*texts, "more"], lambda: engine, cache, 7)[2].text == "more"
    assert engine.calls == 2 + 4 + 2


def test_a_file_of_something_else_is_named(tmp_path: Path) -> None:
    cache = tmp_path / "heard.jsonl"
    older = '{"text": "a", "spoken": "a", "heard": "a", "heard_8k": null, "voice": "slt"}\n'
    for wrong in ('{"text": "a"}\n', older):
        cache.write_text(wrong, encoding="utf-8")
        with pytest.raises(InputError, match=r"heard\.jsonl:1"):
            list(read(cache))


def test_word_errors_are_counted_by_line() -> None:
    rows = [
        Heard("a", "one two", ("one two", "won two"), ("one",), "slt"),
        Heard("b", "three four", ("three",), None, "slt"),
    ]
    assert error_rate(rows) == 0.25
    assert error_rate(rows, telephone=True) == 0.5


def test_numbers_are_said_in_words() -> None:
    assert words_of("Send 2 shirts!", Random(1)) == "send two shirts"
    assert speak("two shirts", "en-us+f2").seconds > 0.3


def test_the_first_intent_counts() -> None:
    agent = cast(Any, FakeAgent())
    assert right(["where is my order", "it is late", ""], ROWS, agent).tolist() == [True, False, False]


def test_what_was_heard_is_understood_with_its_other_hearings(agent: Agent) -> None:
    better = Heard("a", "a", ("where is my odor", "where is my order"), None, "slt", "", (0.4, 0.6))
    plain, nothing = Heard("a", "a", ("where is my order",), None, "slt"), Heard("a", "a", ("",), None, "slt")
    heard = [row.transcript(telephone=False) for row in (better, plain, nothing, better)]
    heard[3] = better.transcript(telephone=True)
    assert (heard[0].alternatives, heard[0].chances) == (("where is my order",), (0.4, 0.6))
    assert right_heard(heard, [ROWS[0]] * 4, agent).tolist()[1:] == [True, False, False]


def test_lines_tell_what_was_lost(tmp_path: Path, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(robustness, "right", lambda texts, rows, agent: np.array([t in KNOWN for t in texts]))
    monkeypatch.setattr(
        robustness, "right_heard", lambda texts, rows, agent: np.array([t.text in KNOWN for t in texts])
    )
    rows = ROWS[:2]
    typed = typo_lines(rows, cast(Any, None), Options("retail", tmp_path, "typos", seed=1))
    assert "100.0% clean" in typed[1]
    assert "2 rows" in typed[1]
    monkeypatch.setattr(robustness, "compile_pack", lambda *_: tmp_path)
    monkeypatch.setattr(robustness, "PocketSphinx", lambda _: engine)
    options = Options("retail", tmp_path, "speech", cache=tmp_path / "heard.jsonl", telephone=True)
    lines = speech_lines(Pack.load("retail", with_examples=False), rows, cast(Any, None), options)
    assert sum("100.0 points lost, 2 rows, word error rate" in line for line in lines) == 2
    assert sum("slt" in line for line in lines) == 2


KNOWN = {row.text for row in ROWS}


def test_rows_with_words_and_an_intent_are_chosen() -> None:
    rows = [*ROWS, Row("", ("track_order",)), Row("this", ("track_order",), image="receipt")]
    assert chosen(rows, None, 7) == ROWS[:2]
    assert len(chosen(rows, 1, 7)) == 1


def test_rows_come_from_the_file_the_pack_or_the_public_set(tmp_path: Path) -> None:
    retail = Pack.load("retail", with_examples=False)
    assert len(rows_of(retail, Options("retail", tmp_path, "typos"))) > 300
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "clinc150.json").write_text(json.dumps({"val": [["hi", "greeting"]]}), encoding="utf-8")
    clinc = Pack("clinc150", tmp_path, {"greeting": "hi"}, {})
    assert rows_of(clinc, Options("x", tmp_path, "typos", data=tmp_path)) == [Row("hi", ("greeting",))]
    with pytest.raises(InputError, match="--rows"):
        rows_of(clinc, Options("x", tmp_path, "typos"))


def test_the_recogniser_never_learns_the_rows_measured_on() -> None:
    retail = Pack.load("retail")
    examples = retail.examples()
    row = Row(examples[5].text.upper(), examples[5].intents, examples[5].entities)
    left = others(retail, [row])
    assert examples[5] not in left
    assert len(examples) * 0.98 < len(left) < len(examples)
