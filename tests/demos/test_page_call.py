"""Hands-free calls of the page: their codec, their queue, and what the page is told of them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from demos.carriers.events import Played, Sound, Stopped
from demos.page.call import GO_ON, BrowserCodec
from modalities.audio import encode_pcm16
from modalities.types import Audio
from tests.demos.page_fakes import PageFake, inside
from tests.demos.phone_line import BEGIN, FINISH
from tests.demos.test_page import Tab


def level(value: float) -> bytes:
    """Sound whose level stands for what the customer does."""
    return encode_pcm16(Audio(np.concatenate([np.full(160, value), np.zeros(480)]).astype(np.float32), 16_000))


def test_a_call_is_answered_and_told_to_the_page() -> None:
    agent = PageFake()
    with inside(agent) as client, Tab(client) as tab:
        with client.websocket_connect(f"/page/call?token={tab.welcome['token']}") as call:
            assert tab.until("call")["state"] == "open"
            greeting = tab.until("reply")["text"]
            call.send_bytes(level(BEGIN))
            call.send_bytes(level(FINISH))
            assert tab.until("heard")["text"] == "where is my order"
            assert "?" in tab.until("reply")["text"]
            assert "track order" in tab.until("panel")["html"]
            assert isinstance(call.receive_bytes(), bytes)
            call.send_json({"event": "stop"})
            assert tab.until("call")["state"] == "over"
        assert greeting != GO_ON
        with client.websocket_connect(f"/page/call?token={tab.welcome['token']}"):
            assert tab.until("reply")["text"] == GO_ON  # the same conversation goes on
        assert tab.until("call")["state"] == "over"
    assert len({turn.call_id for turn in agent.turns}) == 1


def test_callers_beyond_the_lines_wait_and_see_their_place() -> None:
    with inside(PageFake(), calls=1) as client, Tab(client) as one, Tab(client) as two, Tab(client) as three:
        with client.websocket_connect(f"/page/call?token={one.welcome['token']}"):
            assert one.until("call")["state"] == "open"
            with client.websocket_connect(f"/page/call?token={two.welcome['token']}"):
                assert two.until("call") == {"event": "call", "state": "waiting", "ahead": 1}
                with client.websocket_connect(f"/page/call?token={three.welcome['token']}"):
                    assert three.until("call")["ahead"] == 2
            assert three.socket is not None
        with client.websocket_connect(f"/page/call?token={three.welcome['token']}"):
            while three.until("call")["state"] != "open":
                pass


@pytest.mark.parametrize("token", ["", "guess"])
def test_a_call_needs_a_token(token: str) -> None:
    from starlette.websockets import WebSocketDisconnect

    with inside(PageFake()) as client:
        call = client.websocket_connect(f"/page/call?token={token}")
        with pytest.raises(WebSocketDisconnect):
            call.__enter__()


def test_the_codec_reads_and_writes() -> None:
    codec = BrowserCodec()
    assert codec.decode(b"\x01\x02") == (Sound(b"\x01\x02"),)
    assert codec.decode('{"event": "played", "name": "end"}') == (Played("end"),)
    assert codec.decode('{"event": "stop"}') == (Stopped(),)
    assert codec.sound(b"\x00\x00") == (b"\x00\x00",)
    sent = [json.loads(str(message)) for message in (*codec.clear(), *codec.mark("end"), *codec.hang_up())]
    assert sent == [{"event": "clear"}, {"event": "mark", "name": "end"}, {"event": "over"}]


@pytest.mark.parametrize(
    "message", ["", "[", "{}", '{"event": "played"}', '{"event": 3}', b"", b"\x00", b"\x00" * 65_538]
)
def test_nonsense_is_nothing_and_counted(message: str | bytes) -> None:
    codec = BrowserCodec()
    assert codec.decode(message) == ()
    assert codec.refused == 1
