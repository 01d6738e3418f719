"""The page's own connections, beside Gradio's:

WS   /page/talk            a visitor's conversation: JSON both ways, sound of the pressed button in, of the answers out
WS   /page/call?token=     a hands-free call
POST /page/files?token=&name=   a photo or a recording; answered with its id
GET  /page/assets/NAME     scripts
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from agent.errors import InputError
from demos import message
from demos.page_call import call
from demos.page_house import House
from demos.page_talk import Talk
from demos.page_visitors import Visitor
from demos.phone_media import FULL, REFUSED
from modalities.audio import decode_pcm16
from modalities.types import Audio, Image

log = logging.getLogger(__name__)

ASSETS = Path(__file__).parent / "assets"
MAX_UPLOAD = 20 * 1024 * 1024
MAX_MESSAGE = 1024 * 1024  # bytes of one message of a WebSocket; the longest text in the longest encoding
HELLO_SECONDS = 10.0
RATES = range(8_000, 96_001)
BUSY = "Too many people are here right now. Please try again in a few minutes."
GONE = "This page was opened a while ago. Please load it again."


def routes() -> list[BaseRoute]:
    """The routes; `app.state.house` is a `House`."""
    return [
        WebSocketRoute("/page/talk", talk),
        WebSocketRoute("/page/call", hands_free),
        Route("/page/files", files, methods=["POST"]),
        Mount("/page/assets", StaticFiles(directory=ASSETS)),
    ]


def _user(scope: Mapping[str, Any]) -> str:
    """Who logged in, as the guard found."""
    return str(scope.get("state", {}).get("user", ""))


async def talk(socket: WebSocket) -> None:
    """A visitor's conversation."""
    house: House = socket.app.state.house
    await socket.accept()
    try:
        hello = _fields(await asyncio.wait_for(socket.receive_text(), HELLO_SECONDS))
    except (TimeoutError, WebSocketDisconnect, KeyError):
        await _close(socket, REFUSED)
        return
    visitor = house.visitors.enter(str(hello.get("token", "")), _user(socket.scope))
    if visitor is None:
        await socket.send_text(json.dumps({"event": "problem", "text": BUSY}))
        await _close(socket, FULL)
        return
    await _Connection(house, visitor, socket).run()


class _Connection:
    """One connection of a visitor."""

    def __init__(self, house: House, visitor: Visitor, socket: WebSocket) -> None:
        self._house, self._visitor, self._socket = house, visitor, socket
        self._talk = Talk(house, visitor)
        self._pressed: bytearray | None = None
        self._rate = 16_000

    async def run(self) -> None:
        """Until the far end is gone, or connects anew."""
        outbox = self._visitor.connect()
        writer = asyncio.ensure_future(self._write(outbox))
        try:
            await self._welcome()
            await self._read()
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            self._talk.leave()
            self._visitor.disconnect(outbox)
            await writer

    async def _write(self, outbox: asyncio.Queue[Any]) -> None:
        """Send what is told, until told that no more follows."""
        try:
            while (one := await outbox.get()) is not None:
                await (self._socket.send_bytes(one) if isinstance(one, bytes) else self._socket.send_json(one))
        except (WebSocketDisconnect, RuntimeError, OSError):
            pass
        await _close(self._socket)

    async def _welcome(self) -> None:
        visitor, house = self._visitor, self._house
        lines = await house.models.run(lambda: house.agent.lines(visitor.call_id))
        shown = [{"who": one.who, "text": one.text, "name": one.name} for one in lines]
        visitor.tell("welcome", token=visitor.token, lines=shown)

    async def _read(self) -> None:
        while True:
            received = await self._socket.receive()
            if received["type"] != "websocket.receive":
                return
            if received.get("bytes") is not None:
                self._sound(received["bytes"])
            else:
                try:
                    await self._take(_fields(received.get("text") or ""))
                except InputError as error:
                    self._visitor.tell("problem", text=str(error))
                    self._visitor.tell("ready")

    def _sound(self, pcm: bytes) -> None:
        """Sound while the button is pressed; what comes after the longest time is too late."""
        longest = 2 * round((message.MAX_SPOKEN_SECONDS + 1) * self._rate)
        if self._pressed is not None and len(self._pressed) + len(pcm) <= longest:
            self._pressed += pcm

    async def _take(self, told: Mapping[str, Any]) -> None:
        """One message of the page's script; one that makes no sense is nothing."""
        event = told.get("event")
        if event == "press":
            self._talk.stop(_number(told.get("heard")))
            rate = int(_number(told.get("rate")))
            self._pressed, self._rate = bytearray(), rate if rate in RATES else 16_000
        elif event == "release" and self._pressed is not None:
            pcm, self._pressed = bytes(self._pressed), None
            await self._send(told, decode_pcm16(pcm[: len(pcm) & ~1], self._rate))
        elif event == "cancel":
            self._pressed = None
        elif event == "message":
            self._talk.stop(_number(told.get("heard")))
            await self._send(told, None)
        elif event == "stop":
            self._talk.stop(_number(told.get("heard")))
        elif event == "why":
            self._house.keep(self._talk.why())
        elif event == "anew":
            await self._talk.anew()
            self._visitor.tell("begun")

    async def _send(self, told: Mapping[str, Any], spoken: Audio | None) -> None:
        """Words, what was said and what was attached, as one turn."""
        visitor = self._visitor
        given = [visitor.files.pop(name, None) for name in _names(told.get("files"))]
        images = [one for one in given if isinstance(one, Image)]
        sounds = [one for one in (spoken, *given) if isinstance(one, Audio)]
        if len(images) > 1 or len(sounds) > 1:
            raise InputError("the message has more than one photo or recording; send them one after another")
        turn = message.turn_of(_text(told), next(iter(sounds), None), next(iter(images), None), visitor.call_id)
        if visitor.live is None:
            self._talk.send(turn)
            return
        visitor.asked = turn
        await visitor.live.give(turn)
        visitor.tell("ready")


def _fields(text: str) -> Mapping[str, Any]:
    """The object that a message is; an empty one where it is none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _names(named: object) -> list[str]:
    return [name for name in named[:8] if isinstance(name, str)] if isinstance(named, list) else []


def _text(told: Mapping[str, Any]) -> str:
    text = told.get("text")
    return text if isinstance(text, str) else ""


def _number(value: object) -> float:
    usable = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e6
    return float(value) if usable else 0.0  # type: ignore[arg-type]


async def hands_free(socket: WebSocket) -> None:
    """A hands-free call; it begins once there is a free line, and the page is told its place until then."""
    house: House = socket.app.state.house
    visitor = house.visitors.find(socket.query_params.get("token", ""), _user(socket.scope))
    if visitor is None or visitor.live is not None:
        await _close(socket, REFUSED)
        return
    await socket.accept()
    if not await _let_in(house, visitor, socket):
        return
    try:
        await call(house, visitor, socket)
    except (WebSocketDisconnect, RuntimeError) as error:
        log.info("a call's page was closed: %s", type(error).__name__)
    finally:
        house.calls.leave()
        await _close(socket)


async def _let_in(house: House, visitor: Visitor, socket: WebSocket) -> bool:
    """Wait for a free line; False where the page was closed before."""
    entering = asyncio.ensure_future(
        house.calls.enter(lambda ahead: visitor.tell("call", state="waiting", ahead=ahead))
    )
    going = asyncio.ensure_future(socket.receive())  # the page says nothing before the call is open, but that it goes
    await asyncio.wait({entering, going}, return_when=asyncio.FIRST_COMPLETED)
    gone = going.done()
    going.cancel()
    if entering.done() and gone:
        house.calls.leave()
    entering.cancel()
    return not gone


async def files(request: Request) -> Response:
    """A file to be sent with the next message; refused before it is read where it is too large."""
    house: House = request.app.state.house
    visitor = house.visitors.find(request.query_params.get("token", ""), _user(request.scope))
    if visitor is None:
        return _problem(GONE, 403)
    try:
        content = await _content(request)
        file = await house.models.run(lambda: message.opened(request.query_params.get("name", ""), content))
    except InputError as error:
        return _problem(str(error), 413 if isinstance(error, _TooLargeError) else 400)
    except ClientDisconnect:
        return _problem(GONE, 400)
    return JSONResponse({"id": visitor.attach(file), "kind": "photo" if isinstance(file, Image) else "recording"})


class _TooLargeError(InputError):
    pass


async def _content(request: Request) -> bytes:
    """The body, if it is small enough."""
    too_large = _TooLargeError(f"the file is larger than {MAX_UPLOAD >> 20} MB; send a smaller one")
    announced = request.headers.get("content-length", "0")
    if not announced.isdigit() or int(announced) > MAX_UPLOAD:
        raise too_large
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_UPLOAD:
            raise too_large
    return bytes(body)


def _problem(text: str, status: int) -> Response:
    return JSONResponse({"problem": text}, status)


async def _close(socket: WebSocket, code: int = 1000) -> None:
    try:
        await socket.close(code)
    except (RuntimeError, WebSocketDisconnect):  # gone already
        return
