"""The carriers whose serializers Pipecat has: how each begins a stream, and its serializer made for that stream.

Telnyx, Plivo, Exotel, Vonage and Genesys. Each of their connections shows its ticket (Genesys: its key) before any
message is read, so the first messages only name the stream.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from demos.carriers.events import MAX_NAME, Message, Started, short
from demos.carriers.payload import Fields, read, table
from demos.carriers.serializers import Guarded

CARRIERS = ("telnyx", "plivo", "exotel", "vonage", "genesys")
ENCODINGS = ("PCMU", "PCMA")


@dataclass(frozen=True)
class Line:
    """A stream that began.

    Attributes:
        started: its names.
        serializer: reads and writes its messages.
        rate: samples per second.
    """

    started: Started
    serializer: Guarded
    rate: int = 8_000


def begin(carrier: str, message: Message) -> Line | None:
    """The stream that a carrier's message begins; None where it begins none.

    Genesys waits for an answer to its message, so its serializer must read that message too.
    """
    fields = read(message)
    if fields is None:
        return None
    return _MAKERS[carrier](fields)


def _telnyx(fields: Fields) -> Line | None:
    from pipecat.serializers.telnyx import TelnyxFrameSerializer

    start, stream = table(fields, "start"), short(fields.get("stream_id"))
    encoding = str(table(start, "media_format").get("encoding", "PCMU"))
    if fields.get("event") != "start" or not stream or encoding not in ENCODINGS:
        return None
    params = TelnyxFrameSerializer.InputParams(auto_hang_up=False)
    inner = TelnyxFrameSerializer(stream, outbound_encoding=encoding, inbound_encoding="PCMU", params=params)
    return Line(Started(stream, short(start.get("call_control_id"))), Guarded(inner))


def _plivo(fields: Fields) -> Line | None:
    from pipecat.serializers.plivo import PlivoFrameSerializer

    start = table(fields, "start")
    stream = short(start.get("streamId"))
    if fields.get("event") != "start" or not stream:
        return None
    params = PlivoFrameSerializer.InputParams(auto_hang_up=False)
    return Line(Started(stream, short(start.get("callId"))), Guarded(PlivoFrameSerializer(stream, params=params)))


def _exotel(fields: Fields) -> Line | None:
    from pipecat.serializers.exotel import ExotelFrameSerializer

    start = table(fields, "start")
    stream = short(start.get("stream_sid")) or short(fields.get("stream_sid"))
    if fields.get("event") != "start" or not stream:
        return None
    return Line(Started(stream, short(start.get("call_sid"))), Guarded(ExotelFrameSerializer(stream)))


def _vonage(fields: Fields) -> Line | None:
    from pipecat.serializers.vonage import VonageFrameSerializer

    if fields.get("event") != "websocket:connected":
        return None
    return Line(Started("vonage"), Guarded(VonageFrameSerializer(), binary=True), rate=16_000)


def _genesys(fields: Fields) -> Line | None:
    from pipecat.serializers.genesys import GenesysAudioHookSerializer

    session = short(fields.get("id"))
    if fields.get("type") != "open" or not session or len(session) > MAX_NAME:
        return None
    conversation = short(table(fields, "parameters").get("conversationId"))
    return Line(Started(session, conversation or session), Guarded(GenesysAudioHookSerializer(), binary=True))


_MAKERS: Mapping[str, Callable[[Fields], Line | None]] = {
    "telnyx": _telnyx,
    "plivo": _plivo,
    "exotel": _exotel,
    "vonage": _vonage,
    "genesys": _genesys,
}
