"""Asterisk's AudioSocket (https://docs.asterisk.org/Configuration/Channel-Drivers/AudioSocket/): messages of a kind, a
length and a payload over TCP; 16-bit PCM at 8 kHz. Asterisk neither paces nor throws away what it is sent.
"""

from __future__ import annotations

import struct
import uuid

from demos.carriers.events import MAX_MESSAGE, Happening, Message, Sound, Started, Stopped, key_of

HANG_UP, ID, KEY, SOUND, ERROR = 0x00, 0x01, 0x03, 0x10, 0xFF
HEADER = struct.Struct(">BH")  # kind, bytes that follow


class AudioSocket:
    """The `Codec` of AudioSocket; `decode` takes the stream's bytes in any pieces."""

    rate = 8_000

    def __init__(self) -> None:
        self.refused = 0
        self._waiting = bytearray()
        self._state = "unnamed"

    def decode(self, message: Message) -> tuple[Happening, ...]:
        """What the next bytes of the stream tell. A stream that does not begin with the call's id is over."""
        if isinstance(message, str) or self._state == "over":
            self.refused += 1
            return ()
        self._waiting += message
        happened: list[Happening] = []
        at = 0
        while self._state != "over" and len(self._waiting) - at >= HEADER.size:
            kind, length = HEADER.unpack_from(self._waiting, at)
            if len(self._waiting) - at - HEADER.size < length:
                break
            at += HEADER.size
            happened += self._take(kind, bytes(self._waiting[at : at + length]))
            at += length
        del self._waiting[:at]
        return tuple(happened)

    def _take(self, kind: int, payload: bytes) -> tuple[Happening, ...]:
        if self._state == "unnamed":
            return self._begin(kind, payload)
        if kind in (HANG_UP, ERROR):
            self._state = "over"
            return (Stopped(),)
        if kind == SOUND and payload and len(payload) % 2 == 0:
            return (Sound(payload),)
        keys = key_of(payload.decode("latin-1")) if kind == KEY else ()
        self.refused += not keys
        return keys

    def _begin(self, kind: int, payload: bytes) -> tuple[Happening, ...]:
        if kind == ID and len(payload) == 16:
            self._state = "open"
            name = str(uuid.UUID(bytes=payload))
            return (Started(name, name, name),)
        self._state = "over"
        self.refused += 1
        return (Stopped(),)

    def sound(self, pcm: bytes) -> tuple[Message, ...]:
        """Sound messages; the sender must keep to real time."""
        step = MAX_MESSAGE // 2
        return tuple(packet(SOUND, pcm[at : at + step]) for at in range(0, len(pcm), step))

    def clear(self) -> tuple[Message, ...]:
        """Nothing: what was sent will be played."""
        return ()

    def mark(self, name: str) -> tuple[Message, ...]:
        """Nothing: Asterisk does not tell what it has played."""
        return ()

    def hang_up(self) -> tuple[Message, ...]:
        """The message that ends the application; the dialplan goes on."""
        return (packet(HANG_UP),)


def packet(kind: int, payload: bytes = b"") -> bytes:
    """One message of the stream."""
    return HEADER.pack(kind, len(payload)) + payload
