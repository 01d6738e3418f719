"""Webhooks and media connections: who is let in, what they are answered, and that nobody else reaches a model."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from starlette.websockets import WebSocketDisconnect

from demos.carriers.audiosocket import packet
from demos.carriers.tickets import twilio_signature
from demos.phone import __main__ as phone
from demos.phone.desk import Desk
from demos.phone.web import Secrets, Web, briefing
from tests.demos.phone_line import Office, until
from tests.fakes import builder

HOME = "https://phone.example.com"
SECRETS = Secrets(twilio="auth", token="secret", public=HOME)
Ask = Callable[[httpx.AsyncClient, Web, Desk], Awaitable[Any]]


def asked(ask: Ask, secrets: Secrets = SECRETS, office: Office | None = None) -> Any:
    """What a web server with this desk gives."""
    office = office or Office()

    async def run() -> Any:
        desk = office.desk()
        web = Web(desk, secrets)
        transport = httpx.ASGITransport(app=web.app())
        async with httpx.AsyncClient(transport=transport, base_url="http://inside") as client:
            try:
                return await ask(client, web, desk)
            finally:
                await desk.models.close()

    return asyncio.run(run())


async def post(client: httpx.AsyncClient, path: str, token: str = "auth", **fields: str) -> httpx.Response:
    signature = twilio_signature(token, f"{HOME}{path}", fields)
    body = urlencode(fields)
    kind = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
    return await client.post(path, content=body, headers=kind)


def test_a_signed_call_is_connected_with_a_ticket() -> None:
    async def ask(client: httpx.AsyncClient, web: Web, desk: Desk) -> tuple[httpx.Response, int]:
        return await post(client, "/twilio", CallSid="CA1", From="+1555"), len(desk.tickets)

    answer, tickets = asked(ask)
    assert answer.status_code == 200
    assert f'<Connect action="{HOME}/twilio/after">' in answer.text
    assert '<Stream url="wss://phone.example.com/twilio/media">' in answer.text
    assert tickets == 1


@pytest.mark.parametrize(
    ("path", "secrets"),
    [
        ("/twilio", SECRETS),
        ("/twilio/after", SECRETS),
        ("/twilio/summary", SECRETS),
        ("/telnyx?token=wrong", SECRETS),
        ("/plivo", SECRETS),
        ("/asterisk/call?token=wrong", SECRETS),
        ("/asterisk/after?line=1", SECRETS),
        ("/calls/1?token=", SECRETS),
        ("/telnyx?token=", Secrets()),
        ("/twilio", Secrets()),
        ("/nobody?token=secret", SECRETS),
    ],
)
def test_who_does_not_know_the_secret_is_refused(path: str, secrets: Secrets) -> None:
    async def ask(client: httpx.AsyncClient, web: Web, desk: Desk) -> tuple[list[int], int]:
        if path.startswith(("/asterisk", "/calls")):
            answers = [await client.get(path)]
        else:
            answers = [await client.post(path), await post(client, path, "forged", CallSid="CA1")]
        return [answer.status_code for answer in answers], len(desk.tickets)

    codes, tickets = asked(ask, secrets)
    assert set(codes) == {403}
    assert tickets == 0


@pytest.mark.parametrize(
    ("carrier", "within"),
    [
        ("telnyx", '<Stream url="wss://phone.example.com/telnyx/media?ticket='),
        ("plivo", 'bidirectional="true"'),
        ("vonage", '"uri": "wss://phone.example.com/vonage/media?ticket='),
        ("exotel", '"url": "wss://phone.example.com/exotel/media?ticket='),
    ],
)
def test_carriers_with_a_token_are_connected(carrier: str, within: str) -> None:
    async def ask(client: httpx.AsyncClient, web: Web, desk: Desk) -> httpx.Response:
        return await client.get(f"/{carrier}?token=secret&CallSid=1")

    assert within in asked(ask).text


def test_a_full_desk_answers_that_it_is_busy() -> None:
    async def ask(client: httpx.AsyncClient, web: Web, desk: Desk) -> list[str]:
        desk.draining = True
        signed = await post(client, "/twilio", CallSid="CA1")
        switch = await client.get("/asterisk/call?token=secret")
        return [signed.text, switch.text, (await client.get("/health")).text]

    signed, switch, health = asked(ask)
    assert '<Reject reason="busy"/>' in signed
    assert switch == "busy"
    told = json.loads(health)
    assert told.pop("tasks") >= 1
    assert told == {"calls": 0, "limit": 8, "draining": True}


def test_after_a_handoff_twilio_and_switches_are_told_whom_to_call() -> None:
    office = Office()
    object.__setattr__(office.manners, "person", "+1999")

    async def ask(client: httpx.AsyncClient, web: Web, desk: Desk) -> list[str]:
        desk._remember("CA1", "person", "phone-1")
        desk._remember("CA2", "done", "phone-2")
        paths = ("CA1", "CA2")
        signed = [(await post(client, "/twilio/after", CallSid=line)).text for line in paths]
        switch = [(await client.get(f"/asterisk/after?token=secret&line={line}")).text for line in paths]
        whisper = (await post(client, "/twilio/summary?line=CA1")).text
        return [*signed, *switch, whisper, (await client.get("/calls/phone-1?token=secret")).text]

    first, second, one, two, whisper, summary = asked(ask, office=office)
    assert "<Number" in first
    assert "+1999" in first
    assert "<Hangup/>" in second
    assert (one, two) == ("+1999", "")
    assert "Call from Ann. It is about: return item." in whisper
    assert json.loads(summary)["call_id"] == "phone-1"


class Far:
    """The ASGI side of a WebSocket that sends what it is given."""

    def __init__(self, path: str, messages: list[dict[str, Any]], headers: dict[str, str] | None = None) -> None:
        where, _, query = path.partition("?")
        pairs = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
        self.scope = {
            "type": "websocket", "path": where, "raw_path": where.encode(), "query_string": query.encode(),
            "headers": pairs, "subprotocols": [], "scheme": "ws", "server": ("inside", 80), "root_path": "",
        }  # fmt: skip
        self.messages = [{"type": "websocket.connect"}, *messages]
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> Any:
        if self.messages:
            return self.messages.pop(0)
        await asyncio.sleep(0.05)
        return {"type": "websocket.disconnect", "code": 1006}

    async def send(self, message: Any) -> None:
        self.sent.append(message)


def spoken(**fields: Any) -> dict[str, Any]:
    return {"type": "websocket.receive", "text": json.dumps(fields)}


STRANGERS = [
    ("/twilio/media", [spoken(event="start", start={"streamSid": "MZ", "customParameters": {"ticket": "guess"}})]),
    ("/twilio/media", [spoken(event="start", start={"streamSid": "MZ"})]),
    ("/twilio/media", [spoken(event="media", media={"payload": "////"})] * 30),
    ("/twilio/media", []),
    ("/telnyx/media?ticket=guess", [spoken(event="start", stream_id="s", start={})]),
    ("/telnyx/media", [spoken(event="start", stream_id="s", start={})]),
    ("/asterisk/media?ticket=", [spoken(event="MEDIA_START", connection_id="c", format="ulaw")]),
    ("/genesys/media", [spoken(type="open", id="1")]),
    ("/nobody/media?ticket=guess", []),
]


@pytest.mark.parametrize(("path", "messages"), STRANGERS)
def test_a_stranger_never_reaches_a_model(path: str, messages: list[dict[str, Any]]) -> None:
    office = Office()

    async def ask(client: httpx.AsyncClient, web: Web, desk: Desk) -> tuple[list[str], int]:
        far = Far(path, list(messages))
        with contextlib.suppress(WebSocketDisconnect):
            await asyncio.wait_for(web.app()(far.scope, far.receive, far.send), 10)  # type: ignore[arg-type]
        return [message["type"] for message in far.sent], web.media.turned_away

    sent, turned_away = asked(ask, office=office)
    assert sent[-1] in ("websocket.close", "websocket.accept")
    assert turned_away == 1
    assert office.agent.log == []


def test_a_ticket_of_one_carrier_is_none_of_another() -> None:
    office = Office()

    async def ask(client: httpx.AsyncClient, web: Web, desk: Desk) -> None:
        ticket = desk.tickets.issue("plivo", "1")
        far = Far(f"/telnyx/media?ticket={ticket}", [spoken(event="start", stream_id="s", start={})])
        await web.app()(far.scope, far.receive, far.send)  # type: ignore[arg-type]

    asked(ask, office=office)
    assert office.agent.log == []


@pytest.mark.parametrize("known", [True, False])
def test_audiosocket_needs_a_ticket_for_a_name(known: bool) -> None:
    office = Office()

    async def ask(client: httpx.AsyncClient, web: Web, desk: Desk) -> tuple[bytes, int]:
        server = await asyncio.start_server(web.media.audiosocket, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        ticket = (await client.get("/audiosocket/call?token=secret&caller=+1555")).text if known else str(uuid.uuid4())
        writer.write(packet(1, uuid.UUID(ticket).bytes))
        heard = await asyncio.wait_for(reader.read(323), 10)
        writer.close()
        await writer.wait_closed()
        await until(lambda: desk.calls == 0)
        server.close()
        return heard, web.media.turned_away

    heard, turned_away = asked(ask, office=office)
    assert heard[:3] == (b"\x10\x01\x40" if known else b"")
    assert turned_away == (not known)
    assert bool(office.agent.log) is known


def test_a_briefing_without_facts_is_a_sentence_all_the_same() -> None:
    assert briefing({}) == "Call from a customer who was not identified."


def test_ports_that_are_taken_or_none_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    from agent.errors import InputError

    with pytest.raises(InputError, match="ports"):
        phone.main(["--port", "0"], builder())
