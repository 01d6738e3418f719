"""A visitor's conversation over its own connection: in writing, in sound, with files, several at once."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import soundfile
from PIL import Image as Pillow
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from agent.types import Reply
from demos.page.frame import examples_of
from demos.page.routes import MAX_UPLOAD
from demos.page.talk import ONE_BY_ONE, panel
from modalities.audio import encode_pcm16
from tests.demos.page_fakes import PageFake, inside
from tests.fakes import FAKE_WORDS, tone


@pytest.fixture
def agent() -> PageFake:
    return PageFake(refuses=frozenset({"refuse me"}))


@pytest.fixture
def client(agent: PageFake) -> Iterator[TestClient]:
    with inside(agent) as one:
        yield one


class Tab:
    """One visitor's end of a connection; use it as a context."""

    def __init__(self, client: TestClient, token: str = "") -> None:
        self._context = client.websocket_connect("/page/talk")
        self._token, self.sounds, self.last_sound = token, 0, b""

    def __enter__(self) -> Tab:
        self.socket = self._context.__enter__()
        self.socket.send_json({"event": "hello", "token": self._token})
        self.welcome = self.until("welcome")
        return self

    def __exit__(self, *error: Any) -> None:
        self._context.__exit__(*error)

    def until(self, event: str) -> Any:
        """The next message of this kind; sound on the way is counted."""
        while True:
            received = self.socket.receive()
            if received["type"] != "websocket.send":
                raise WebSocketDisconnect(received.get("code", 1000))
            if received.get("bytes") is not None:
                self.sounds, self.last_sound = self.sounds + 1, received["bytes"]
                continue
            message = json.loads(received["text"])
            if message["event"] == event:
                return message

    def send(self, text: str, **more: Any) -> None:
        self.socket.send_json({"event": "message", "text": text, **more})

    def said(self, text: str, **more: Any) -> str:
        self.send(text, **more)
        return str(self.until("reply")["text"])

    def attach(self, client: TestClient, name: str, content: bytes) -> Any:
        return client.post(f"/page/files?token={self.welcome['token']}&name={name}", content=content)


def receipt() -> bytes:
    held = io.BytesIO()
    Pillow.new("RGB", (40, 60), "white").save(held, "PNG")
    return held.getvalue()


def recording(seconds: float) -> bytes:
    held = io.BytesIO()
    soundfile.write(held, tone(seconds, 8_000).samples, 8_000, format="WAV")
    return held.getvalue()


def test_words_are_answered_then_spoken_and_explained(client: TestClient, agent: PageFake) -> None:
    with Tab(client) as tab:
        reply = tab.said("Where is K123455?")
        assert "e-mail" in reply
        assert tab.sounds == 0  # the words come before any sound
        shown = tab.until("panel")["html"]
        assert tab.sounds >= 1
        for wanted in ("track order", "K123455", "speak"):
            assert wanted in shown
        tab.until("ready")
        assert " ".join(agent.spoken) == reply
        tab.socket.send_json({"event": "why"})
        assert "Why" in tab.until("why")["html"]


def test_what_was_spoken_is_heard_and_understood(client: TestClient, agent: PageFake) -> None:
    with Tab(client) as tab:
        tab.socket.send_json({"event": "press", "rate": 16000})
        for _ in range(50):
            tab.socket.send_bytes(encode_pcm16(tone(0.02)))
        tab.socket.send_json({"event": "release"})
        assert tab.until("heard")["text"] == FAKE_WORDS
        tab.until("reply")
    (turn,) = agent.turns
    assert turn.audio is not None
    assert turn.audio.seconds == pytest.approx(1.0)
    assert (turn.channel, turn.text) == ("voice", None)


def test_words_sound_and_photo_are_one_turn(client: TestClient, agent: PageFake) -> None:
    with Tab(client) as tab:
        photo = tab.attach(client, "Receipt.PNG", receipt()).json()
        assert photo["kind"] == "photo"
        tab.socket.send_json({"event": "press", "rate": 16000})
        tab.socket.send_bytes(encode_pcm16(tone(0.5)))
        tab.socket.send_json({"event": "release", "text": "hi K123455", "files": [photo["id"]]})
        assert "data:image/jpeg;base64," in tab.until("panel")["html"]
    (turn,) = agent.turns
    assert turn.text == "hi K123455"
    assert turn.audio is not None
    assert turn.image is not None


def test_stopping_ends_the_words_and_the_history_holds_what_was_heard(client: TestClient, agent: PageFake) -> None:
    with Tab(client) as tab:
        tab.said("Where is K123455?")
        tab.until("ready")
        tab.socket.send_json({"event": "stop", "heard": 0.1})
        tab.said("bye")
        tab.until("ready")
        (call,) = agent.manager.store.calls()
        cut = [e.data for e in agent.manager.store.events(call[0]) if e.data.get("cut_short")]
    assert len(cut) == 1
    assert len(cut[0]["text"].split()) < 5


def test_a_new_message_stops_the_words_of_the_last_one() -> None:
    class Slow(PageFake):
        def say(self, text: str) -> Any:
            begun.set()
            assert go.wait(10)
            return super().say(text)

    begun, go = threading.Event(), threading.Event()
    with inside(Slow()) as client, Tab(client) as tab:
        tab.said("Where is K123455?")
        assert begun.wait(10)
        tab.socket.send_json({"event": "stop", "heard": 0})
        tab.socket.send_json({"event": "why"})
        tab.until("why")
        go.set()
        tab.until("ready")
        assert tab.sounds == 0


def test_visitors_are_kept_apart(client: TestClient, agent: PageFake) -> None:
    with Tab(client) as one, Tab(client) as other:
        one.said("mine")
        other.said("theirs")
        one.said("mine again")
        first, second, third = (turn.call_id for turn in agent.turns)
    assert first == third != second
    with Tab(client, one.welcome["token"]) as back, Tab(client, "guessed") as stranger:
        assert [line["text"] for line in back.welcome["lines"] if line["who"] == "customer"] == ["mine", "mine again"]
        assert stranger.welcome["lines"] == []
        assert stranger.welcome["token"] not in ("guessed", one.welcome["token"])


def test_files_of_one_visitor_are_nothing_to_another(client: TestClient, agent: PageFake) -> None:
    with Tab(client) as one, Tab(client) as other:
        photo = one.attach(client, "a.png", receipt()).json()["id"]
        other.said("here", files=[photo])
    assert agent.turns[0].image is None


def test_those_who_wait_are_told_their_place() -> None:
    with inside(PageFake(pause=0.3), turns=1) as client, Tab(client) as one, Tab(client) as two, Tab(client) as three:
        one.send("hello")
        two.send("hello")
        assert two.until("place")["ahead"] == 1
        three.send("hello")
        assert [three.until("place")["ahead"] for _ in range(3)] == [2, 1, 0]
        for tab in (one, two, three):
            tab.until("reply")


def test_a_hundred_messages_at_once_are_not_a_hundred_turns(client: TestClient) -> None:
    slow = PageFake(pause=0.05)
    with inside(slow) as client, Tab(client) as tab:
        for _ in range(100):
            tab.send("hello")
        assert tab.until("problem")["text"] == ONE_BY_ONE
        while "e-mail" not in tab.said("Where is K123455?"):
            pass
    assert len(slow.turns) < 20


def test_a_new_conversation_begins_empty(client: TestClient, agent: PageFake) -> None:
    with Tab(client) as tab:
        tab.said("first")
        tab.until("ready")
        tab.socket.send_json({"event": "anew"})
        tab.until("begun")
        tab.said("second")
        token = tab.welcome["token"]
    assert agent.turns[0].call_id != agent.turns[1].call_id
    with Tab(client, token) as back:
        assert "first" not in str(back.welcome["lines"])


def test_a_second_tab_with_the_same_token_takes_the_conversation_over(client: TestClient) -> None:
    with Tab(client) as first, Tab(client, first.welcome["token"]) as second:
        with pytest.raises(WebSocketDisconnect):
            first.until("nothing")
        second.said("hello")


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.wav", b"", "empty"),
        ("a.png", b"MZ not a picture", "picture"),
        ("a.wav", b"MZ not a sound", "photo or recording"),
        ("long.wav", recording(121.0), "121 s"),
        ("<script>.png", b"<svg onload=alert(1)>", "picture"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(client: TestClient, name: str, content: bytes, problem: str) -> None:
    with Tab(client) as tab:
        answer = tab.attach(client, name, content)
        assert answer.status_code == 400
        assert problem in answer.json()["problem"]
        tab.said("and the conversation goes on")


def test_a_200_mb_upload_is_refused_before_it_is_read(client: TestClient) -> None:
    asked = []

    def body() -> Iterator[bytes]:
        for _ in range(200):
            asked.append(1)
            yield bytes(1 << 20)

    with Tab(client) as tab:
        where = f"/page/files?token={tab.welcome['token']}&name=a.png"
        announced = client.post(where, content=b"x", headers={"Content-Length": str(200 << 20)})
        unannounced = client.post(where, content=body(), headers={"Transfer-Encoding": "chunked"})
    for answer in (announced, unannounced):
        assert answer.status_code == 413
        assert f"{MAX_UPLOAD >> 20} MB" in answer.json()["problem"]


def test_files_need_a_token(client: TestClient) -> None:
    assert client.post("/page/files?token=guess&name=a.png", content=receipt()).status_code == 403


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ({"event": "message", "text": "  "}, "empty"),
        ({"event": "message", "text": "x" * 100_001}, "at most"),
        ({"event": "message", "text": "refuse me"}, "refuses"),
        ({"event": "message", "text": 3, "files": ["guess", 4]}, "empty"),
    ],
)
def test_a_message_that_cannot_be_used_says_why(client: TestClient, told: Any, problem: str) -> None:
    with Tab(client) as tab:
        tab.socket.send_json(told)
        assert problem in tab.until("problem")["text"]
        tab.said("better")


def test_a_press_too_short_to_hold_a_word_says_so(client: TestClient) -> None:
    with Tab(client) as tab:
        tab.socket.send_json({"event": "press", "rate": 16000})
        tab.socket.send_json({"event": "release"})
        assert "too short" in tab.until("problem")["text"]


def test_nonsense_is_nothing(client: TestClient) -> None:
    with Tab(client) as tab:
        for text in (
            "",
            "[",
            "[1]",
            '{"event": 3}',
            '{"event": "release"}',
            "9" * 5000,
            '{"event": "press", "rate": -1}',
        ):
            tab.socket.send_text(text)
        tab.socket.send_bytes(b"\x00" * 7)
        tab.said("still there")


def test_a_visitor_who_leaves_mid_sentence_leaves_a_whole_call(client: TestClient, agent: PageFake) -> None:
    with Tab(client) as tab:
        tab.send("Where is K123455?")
        tab.until("reply")
        token = tab.welcome["token"]
    with Tab(client, token) as back:
        assert [line["who"] for line in back.welcome["lines"]] == ["customer", "agent"]


def test_a_model_that_fails_is_told_without_its_words(client: TestClient, agent: PageFake) -> None:
    def broken(turn: Any) -> Any:
        raise RuntimeError("secret")

    agent._understanding = broken  # type: ignore[method-assign]
    with Tab(client) as tab:
        tab.send("hello")
        told = tab.until("problem")["text"]
        assert "secret" not in told
        assert "again" in told


def test_what_a_customer_writes_is_never_markup(client: TestClient) -> None:
    with Tab(client) as tab:
        tab.said("<img src=x onerror=alert(1)>")
        shown = tab.until("panel")["html"]
    assert "<img" not in shown
    assert "&lt;img" in shown


def test_the_panel_begins_with_a_hint() -> None:
    assert "Send a message" in panel()


def test_a_panel_shows_evidence_only_when_asked_for() -> None:
    from agent.types import Turn
    from tests.fakes import FakeAgent

    reply: Reply = FakeAgent().respond(Turn(text="where is K123455"))
    assert "%</small>" not in panel(reply)


def test_examples_are_the_packs_own() -> None:
    from agent.domain import Pack

    assert "order" in examples_of(Pack.load("retail", with_examples=False))[0]
    assert "card" in examples_of(Pack.load("banking", with_examples=False))[0]
