from pathlib import Path
from typing import Any

import pytest
import soundfile
from PIL import Image

from agent.errors import InputError
from agent.types import Turn
from demos import page
from demos.message import MAX_CHARACTERS
from demos.page import Page
from tests.fakes import FAKE_WORDS, FakeAgent, tone


@pytest.fixture
def files(tmp_path: Path) -> Any:
    soundfile.write(tmp_path / "said.wav", tone(1.0).samples, 16_000)
    soundfile.write(tmp_path / "long.wav", tone(121.0, rate=8_000).samples, 8_000)
    Image.new("RGB", (40, 60), "white").save(tmp_path / "photo.PNG")
    (tmp_path / "zero.wav").touch()
    (tmp_path / "fake.png").write_bytes(b"MZ not a picture")
    return tmp_path


def test_words_sound_and_photo_are_one_turn(files: Path) -> None:
    agent = FakeAgent()
    message = {"text": "hi K123455", "files": [str(files / "said.wav"), str(files / "photo.PNG")]}
    history, panel, player, _, call_id = Page(agent).send(message, [{"role": "user", "content": "before"}], "")
    (turn,) = agent.turns
    assert (turn.text, turn.channel, turn.call_id) == ("hi K123455", "voice", call_id)
    assert turn.audio is not None
    assert turn.image is not None
    assert [m["role"] for m in history] == ["user"] * 5 + ["assistant"]
    assert history[-1]["content"] == "You said: hi K123455."
    for shown in (
        "track order",
        "K123455",
        "the customer asked",
        "data:image/jpeg;base64,",
        ">total</text>",
    ):
        assert shown in panel
    assert "data:audio/mpeg;base64," in player


def test_visitors_are_kept_apart() -> None:
    agent = FakeAgent()
    door = Page(agent)
    *_, first = door.send({"text": "a"}, [], "")
    *_, second = door.send({"text": "b"}, [], "")
    *_, again = door.send({"text": "c"}, [], first)
    assert first != second
    assert again == first
    assert [t.call_id for t in agent.turns] == [first, second, first]


def test_what_a_customer_writes_is_never_markup() -> None:
    history, panel, *_ = Page(FakeAgent()).send({"text": "<img src=x onerror=alert(1)>"}, [], "")
    for shown in (history[0]["content"], history[1]["content"], panel):
        assert "<img" not in shown
        assert "&lt;img" in shown


def test_a_recording_shows_what_was_heard(files: Path) -> None:
    _, panel, *_ = Page(FakeAgent()).send({"text": "", "files": [{"path": str(files / "said.wav")}]}, [], "")
    assert "Heard" in panel
    assert FAKE_WORDS in panel


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ({"text": "  ", "files": []}, "empty"),
        ({"text": "x" * (MAX_CHARACTERS + 1)}, "at most"),
        ({"text": "", "files": ["zero.wav"]}, "empty"),
        ({"text": "", "files": ["fake.png"]}, "fake.png"),
        ({"text": "", "files": ["long.wav"]}, "121 s"),
        ({"text": "", "files": ["said.wav", "said.wav"]}, "more than one recording"),
        ({"text": "", "files": ["photo.PNG", "photo.PNG"]}, "more than one photo"),
    ],
)
def test_a_message_that_cannot_be_used_says_why(files: Path, message: Any, problem: Any) -> None:
    message["files"] = [str(files / name) for name in message.get("files", [])]
    agent = FakeAgent()
    with pytest.raises(InputError, match=problem):
        Page(agent).send(message, [], "")
    assert agent.turns == []


def test_why_is_measured_only_when_asked_for_and_hears_nothing_twice(files: Path) -> None:
    agent = FakeAgent()
    door = Page(agent)
    message = {"text": "", "files": [str(files / "said.wav"), str(files / "photo.PNG")]}
    _, panel, _, asked, _ = door.send(message, [], "")
    assert "%</small>" not in panel
    explained = door.why(asked)
    again = agent.turns[-1]
    assert (again.text, again.audio) == (FAKE_WORDS, None)
    assert again.image is agent.turns[0].image
    for shown in ("&ldquo;track order&rdquo;", ">where<small>+25%", ">order<small>−25%", "<b>HARBOR LANE</b> −25%"):
        assert shown in explained


def test_why_before_the_first_message_and_of_silence() -> None:
    class Clueless(FakeAgent):
        @staticmethod
        def _evidence(understanding: Any) -> Any:
            return ()

    assert "open this" in Page(FakeAgent()).why(None)
    assert "Nothing in this message" in Page(Clueless()).why(Turn(text="hm"))


def test_evidence_is_never_markup() -> None:
    assert "&lt;img" in (html := Page(FakeAgent()).why(Turn(text="<img src=x> hi")))
    assert "<img" not in html


def test_the_page_begins_with_a_hint_and_silence() -> None:
    assert "Send a message" in page.panel()
    assert page.player() == ""


def test_a_silent_agent_leaves_no_player() -> None:
    class Mute(FakeAgent):
        def respond(self, turn: Any, *, speak: bool = False, explain: bool = False) -> Any:
            return super().respond(turn, speak=False)

    assert Page(Mute()).send({"text": "a"}, [], "")[2] == ""


def test_nothing_is_shared_or_counted() -> None:
    options = page.launch_options()
    assert options["share"] is False
    assert options["enable_monitoring"] is False
    assert options["max_file_size"] == page.MAX_UPLOAD
    assert "http" not in options["head"].replace("http-equiv", "")
