"""Twilio Media Streams (https://www.twilio.com/docs/voice/media-streams/websocket-messages): JSON over a WebSocket,
mu-law at 8 kHz in base64 both ways.
"""

from __future__ import annotations

import json
from base64 import b64encode

from demos.carriers.events import Happening, Key, Message, Played, Sound, Started, Stopped, key_of, short
from demos.carriers.order import InOrder
from demos.carriers.payload import Fields, bytes_of, number, read, table
from modalities.audio import decode_mulaw, decode_pcm16, encode_mulaw, encode_pcm16

TICKET = "ticket"
"""The `<Parameter>` of the `<Stream>` that carries the call's ticket."""


class Twilio:
    """The `Codec` of Twilio's bidirectional streams."""

    rate = 8_000

    def __init__(self) -> None:
        self.refused = 0
        self._stream = ""
        self._order = InOrder[bytes]()

    def decode(self, message: Message) -> tuple[Happening, ...]:
        """What one message tells."""
        fields = read(message)
        happened = self._take(fields) if fields is not None else None
        if happened is None:
            self.refused += 1
        return happened or ()

    def _take(self, fields: Fields) -> tuple[Happening, ...] | None:
        """None where the message cannot be used."""
        event = fields.get("event")
        if event == "connected":
            return ()
        if event == "start":
            return self._start(table(fields, "start"))
        if not self._stream or fields.get("streamSid", self._stream) != self._stream:
            return None
        if event == "media":
            return self._media(table(fields, "media"))
        if event == "dtmf":
            keys: tuple[Key, ...] = key_of(table(fields, "dtmf").get("digit"))
            return keys or None
        if event == "mark":
            name = short(table(fields, "mark").get("name"))
            return (Played(name),) if name else None
        return (Stopped(),) if event == "stop" else None

    def _start(self, start: Fields) -> tuple[Happening, ...] | None:
        stream = short(start.get("streamSid"))
        if self._stream or not stream:
            return None
        self._stream = stream
        return (Started(stream, short(start.get("callSid")), short(table(start, "customParameters").get(TICKET))),)

    def _media(self, media: Fields) -> tuple[Happening, ...] | None:
        payload = bytes_of(media.get("payload"))
        if payload is None or media.get("track", "inbound") != "inbound":
            return None
        ready = self._order.push(number(media.get("chunk")), payload)
        return tuple(Sound(encode_pcm16(decode_mulaw(part, self.rate))) for part in ready)

    def sound(self, pcm: bytes) -> tuple[Message, ...]:
        """One media message."""
        payload = b64encode(encode_mulaw(decode_pcm16(pcm, self.rate))).decode()
        return (self._message("media", media={"payload": payload}),)

    def clear(self) -> tuple[Message, ...]:
        """The clear message; Twilio answers with the marks that were still to come."""
        return (self._message("clear"),)

    def mark(self, name: str) -> tuple[Message, ...]:
        """A mark message; Twilio sends it back once played."""
        return (self._message("mark", mark={"name": name}),)

    def hang_up(self) -> tuple[Message, ...]:
        """Nothing: once the connection closes, Twilio goes on in the TwiML."""
        return ()

    def _message(self, event: str, **more: object) -> str:
        return json.dumps({"event": event, "streamSid": self._stream, **more}, separators=(",", ":"))
