"""One connection of a visitor's page: JSON both ways, sound of the pressed button in, of the answers out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from agent.errors import InputError
from demos import message
from demos.page.house import House
from demos.page.talk import Talk
from demos.page.visitors import Visitor
from modalities.audio import decode_pcm16
from modalities.types import Audio, Image

RATES = range(8_000, 96_001)


class Connection:
    """One connection of a visitor.

    Args:
        house: what all visitors share.
        visitor: whose it is.
        socket: the connection, accepted.
    """

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
        await close(self._socket)

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
                    await self._take(fields(received.get("text") or ""))
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


def fields(text: str) -> Mapping[str, Any]:
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


async def close(socket: WebSocket, code: int = 1000) -> None:
    """End a connection that may be gone already."""
    try:
        await socket.close(code)
    except (RuntimeError, WebSocketDisconnect):
        return
