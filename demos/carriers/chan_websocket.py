"""Asterisk's WebSocket channel (https://docs.asterisk.org/Configuration/Channel-Drivers/WebSocket/): sound in binary
messages, control in text, as plain words or (`f(json)`) as JSON. Asterisk paces what it is sent and can throw it away.
"""

from __future__ import annotations

import json

from demos.carriers.events import MAX_MESSAGE, Happening, Message, Played, Sound, Started, Stopped, key_of, short
from demos.carriers.payload import Fields, read
from modalities.audio import decode_alaw, decode_mulaw, decode_pcm16, encode_alaw, encode_mulaw, encode_pcm16

FORMATS = {"ulaw": 8_000, "alaw": 8_000, "slin": 8_000, "slin16": 16_000}
"""The codecs that may be asked for in the dial string (`c(ulaw)`), and their rates."""
TEXT_LIMIT = 1_000


class ChanWebSocket:
    """The `Codec` of chan_websocket; rate and format are those of its first message, `MEDIA_START`."""

    def __init__(self) -> None:
        self.rate = 8_000
        self.refused = 0
        self.full = False  # Asterisk asked to be sent no more for now
        self._format = ""
        self._json = False

    def decode(self, message: Message) -> tuple[Happening, ...]:
        """What one message tells."""
        happened = self._control(message) if isinstance(message, str) else self._sound(message)
        if happened is None:
            self.refused += 1
        return happened or ()

    def _sound(self, message: bytes) -> tuple[Happening, ...] | None:
        usable = self._format and 0 < len(message) <= MAX_MESSAGE
        if not usable or (self._format.startswith("slin") and len(message) % 2):
            return None
        if self._format.startswith("slin"):
            return (Sound(message),)
        decoded = (decode_mulaw if self._format == "ulaw" else decode_alaw)(message, self.rate)
        return (Sound(encode_pcm16(decoded)),)

    def _control(self, message: str) -> tuple[Happening, ...] | None:
        """None where the message cannot be used."""
        fields = read(message) if message.startswith("{") else plain(message)
        event = fields.get("event") if fields else None
        if fields is None or not isinstance(event, str):
            return None
        if event == "MEDIA_START":
            return self._start(fields, message.startswith("{"))
        if not self._format:
            return None
        if event in ("MEDIA_XOFF", "MEDIA_XON"):
            self.full = event == "MEDIA_XOFF"
            return ()
        if event == "DTMF_END":
            return key_of(fields.get("digit")) or None
        if event == "MEDIA_MARK_PROCESSED":
            name = short(fields.get("correlation_id"))
            return (Played(name),) if name else None
        known = ("STATUS", "MEDIA_BUFFERING_COMPLETED", "QUEUE_DRAINED", "ERROR")
        return (Stopped(),) if event == "HANGUP" else () if event in known else None

    def _start(self, fields: Fields, is_json: bool) -> tuple[Happening, ...] | None:
        format_, stream = short(fields.get("format")), short(fields.get("connection_id"))
        if self._format or format_ not in FORMATS or not stream:
            return None
        self._format, self.rate, self._json = format_, FORMATS[format_], is_json
        return (Started(stream, short(fields.get("channel_id")) or stream),)

    def sound(self, pcm: bytes) -> tuple[Message, ...]:
        """A binary message; nothing while Asterisk's queue is full."""
        if self.full or not self._format:
            return ()
        if self._format.startswith("slin"):
            return (pcm,)
        return ((encode_mulaw if self._format == "ulaw" else encode_alaw)(decode_pcm16(pcm, self.rate)),)

    def clear(self) -> tuple[Message, ...]:
        """FLUSH_MEDIA."""
        self.full = False
        return (self._command("FLUSH_MEDIA"),)

    def mark(self, name: str) -> tuple[Message, ...]:
        """MARK_MEDIA."""
        return (self._command("MARK_MEDIA", name),)

    def hang_up(self) -> tuple[Message, ...]:
        """HANGUP; the dialplan of the caller's channel goes on after Dial."""
        return (self._command("HANGUP"),)

    def _command(self, name: str, about: str = "") -> str:
        if not self._json:
            return f"{name} {about}".strip()
        return json.dumps({"command": name} | ({"correlation_id": about} if about else {}))


def plain(message: str) -> Fields | None:
    """The fields of a control message in words: `DTMF_END digit:1 channel_id:...`, `MEDIA_MARK_PROCESSED name`."""
    if len(message) > TEXT_LIMIT:
        return None
    event, *rest = message.split() or [""]
    pairs = dict(word.split(":", 1) for word in rest if ":" in word)
    bare = [word for word in rest if ":" not in word]
    return {"event": event} | ({"correlation_id": bare[0]} if bare else {}) | pairs | {"event": event}
