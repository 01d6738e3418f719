"""Media connections: each must show its ticket and begin its stream before it becomes a call."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.websockets import WebSocket, WebSocketDisconnect

from demos.carriers import hosted
from demos.carriers.audiosocket import AudioSocket
from demos.carriers.chan_websocket import ChanWebSocket
from demos.carriers.events import Codec, Happening, Message, Started
from demos.carriers.freeswitch import FreeSwitch
from demos.carriers.serializers import CodecSerializer, Serializer
from demos.carriers.tcp import TcpSocket
from demos.carriers.tickets import Ticket, same
from demos.carriers.twilio import Twilio
from demos.phone.desk import Desk
from demos.phone.pipeline import Line

log = logging.getLogger(__name__)

BEGIN_SECONDS = 5.0  # a connection that has not begun its stream by then is closed
BEGIN_MESSAGES = 10
REFUSED, FULL = 1008, 1013  # WebSocket close codes: policy violation, try again later (RFC 6455, IANA)


@dataclass(frozen=True)
class Protocol:
    """One carrier's way over a WebSocket.

    Attributes:
        codec: makes its codec, where it is ours; else Pipecat's serializer is used.
        tells, transfers: see `Line`.
        subprotocol: WebSocket subprotocol it asks for.
        ticket: where its ticket is: "query" of the address, or the "start" message.
    """

    codec: Callable[[], Codec] | None = None
    tells: bool = True
    transfers: bool = False
    subprotocol: str | None = None
    ticket: str = "query"


PROTOCOLS: Mapping[str, Protocol] = {
    "twilio": Protocol(Twilio, transfers=True, ticket="start"),
    "asterisk": Protocol(ChanWebSocket, tells=False, transfers=True, subprotocol="media"),
    "freeswitch": Protocol(FreeSwitch, tells=False, transfers=True, subprotocol="audio.drachtio.org"),
    "vonage": Protocol(tells=False),
    "telnyx": Protocol(transfers=True),
    **dict.fromkeys(("plivo", "exotel", "genesys"), Protocol()),
}


class Media:
    """Takes media connections for the desk.

    Args:
        desk: holds the calls.
        token: the secret shared with whatever cannot sign; Genesys shows it as X-API-KEY.
    """

    def __init__(self, desk: Desk, token: str) -> None:
        self._desk, self._token = desk, token
        self.turned_away = 0

    async def websocket(self, socket: WebSocket) -> None:
        """One WebSocket, at /CARRIER/media."""
        carrier = socket.path_params["carrier"]
        protocol = PROTOCOLS.get(carrier)
        ticket = self._early(carrier, protocol, socket) if protocol else None
        if protocol is None or (ticket is None and protocol.ticket == "query"):
            await self._turn_away(socket)
            return
        asked = protocol.subprotocol in socket.scope.get("subprotocols", ())
        await socket.accept(subprotocol=protocol.subprotocol if asked else None)
        try:
            begun = await asyncio.wait_for(self._begin(carrier, protocol, socket), BEGIN_SECONDS)
        except (TimeoutError, WebSocketDisconnect, KeyError, RuntimeError):
            begun = None
        if begun is not None and ticket is None:
            ticket = self._desk.tickets.redeem(begun[1].ticket, carrier)
        if begun is None or ticket is None:
            await self._turn_away(socket)
        elif await self._desk.take(begun[0], ticket) is None:
            await socket.close(FULL)

    def _early(self, carrier: str, protocol: Protocol, socket: WebSocket) -> Ticket | None:
        """The ticket that comes before any message."""
        if carrier == "genesys":
            ours = same(socket.headers.get("x-api-key", ""), self._token)
            name = socket.headers.get("audiohook-session-id", "")[:200]
            return Ticket("genesys", name, "") if ours else None
        if protocol.ticket != "query":
            return None
        return self._desk.tickets.redeem(socket.query_params.get("ticket", ""), carrier)

    async def _turn_away(self, socket: WebSocket) -> None:
        self.turned_away += 1
        try:
            await socket.close(REFUSED)
        except RuntimeError:  # gone already
            return

    async def _begin(self, carrier: str, protocol: Protocol, socket: WebSocket) -> tuple[Line, Started] | None:
        """Read up to the message that begins the stream; None where none does."""
        codec = protocol.codec() if protocol.codec else None
        for _ in range(BEGIN_MESSAGES):
            message = _content(await socket.receive())
            if message is None:
                return None
            if codec is None:
                line = hosted.begin(carrier, message)
                if line is not None:
                    if carrier == "genesys":  # waits for its answer
                        for frame in await line.serializer.frames(message):
                            answer = await line.serializer.serialize(frame)
                            if isinstance(answer, str):
                                await socket.send_text(answer)
                    return _line(protocol, socket, line.serializer, line.rate), line.started
            elif started := _started(codec.decode(message)):
                return _line(protocol, socket, CodecSerializer(codec), codec.rate), started
        return None

    async def audiosocket(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One AudioSocket connection."""
        socket, codec = TcpSocket(reader, writer), AudioSocket()
        try:
            started = await asyncio.wait_for(self._named(socket, codec), BEGIN_SECONDS)
            ticket = self._desk.tickets.redeem(started.ticket, "audiosocket") if started else None
            if ticket is None:
                self.turned_away += 1
                return
            line = Line(socket, CodecSerializer(codec), codec.rate, clears=False, tells=False)
            if await self._desk.take(line, ticket) is None:
                await socket.send_bytes(bytes(codec.hang_up()[0]))  # type: ignore[arg-type]
        except (TimeoutError, OSError):
            self.turned_away += 1
        finally:
            await socket.close()

    async def _named(self, socket: TcpSocket, codec: AudioSocket) -> Started | None:
        for _ in range(BEGIN_MESSAGES):
            message = _content(await socket.receive())
            happened = codec.decode(message) if message is not None else ()
            if message is None or happened:
                return _started(happened)
        return None


def _line(protocol: Protocol, socket: WebSocket, serializer: Serializer, rate: int) -> Line:
    return Line(socket, serializer, rate, tells=protocol.tells, transfers=protocol.transfers)


def _started(happened: tuple[Happening, ...]) -> Started | None:
    return next((one for one in happened if isinstance(one, Started)), None)


def _content(received: Mapping[str, object]) -> Message | None:
    """What a message of a WebSocket holds; None where it says that the far end is gone."""
    if received.get("type") != "websocket.receive":
        return None
    for kind in ("bytes", "text"):
        content = received.get(kind)
        if isinstance(content, (bytes, str)):
            return content
    return None
