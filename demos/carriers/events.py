"""What a carrier's messages tell, whatever the carrier, and what a codec of one is. No I/O, no Pipecat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

KEYS = frozenset("0123456789*#")
MAX_MESSAGE = 64 * 1024
"""Longest message taken from a carrier, bytes; theirs of 20 ms have under 1,000."""
MAX_NAME = 200
"""Longest id or number taken from a carrier, characters."""

Message = str | bytes


@dataclass(frozen=True)
class Started:
    """The stream of a call begins.

    Attributes:
        stream_id: what the carrier calls the stream; needed in what is sent back.
        call_id: what the carrier calls the call.
        ticket: the one-time pass that was given to the carrier for this call, where it comes in this message.
    """

    stream_id: str
    call_id: str = ""
    ticket: str = ""


@dataclass(frozen=True)
class Sound:
    """The caller's sound: 16-bit little-endian PCM at the codec's rate."""

    pcm: bytes


@dataclass(frozen=True)
class Key:
    """A key the caller pressed, one of `KEYS`."""

    key: str


@dataclass(frozen=True)
class Played:
    """The carrier has played all that was sent before the mark of this name, or thrown it away."""

    name: str


@dataclass(frozen=True)
class Stopped:
    """The caller hung up, or the carrier ended the stream."""


Happening = Started | Sound | Key | Played | Stopped


class Codec(Protocol):
    """One carrier's wire format, for one call.

    Whatever comes in, `decode` never raises: what cannot be used is nothing, and counted in `refused`.

    Attributes:
        rate: samples per second of its sound, both ways.
        refused: how many messages could not be used.
    """

    rate: int
    refused: int

    def decode(self, message: Message) -> tuple[Happening, ...]:
        """What one message, or the next bytes of a stream, tells."""
        ...

    def sound(self, pcm: bytes) -> tuple[Message, ...]:
        """Messages that play 16-bit PCM at `rate` to the caller."""
        ...

    def clear(self) -> tuple[Message, ...]:
        """Messages that throw away what was sent and not played; none where the carrier cannot."""
        ...

    def mark(self, name: str) -> tuple[Message, ...]:
        """Messages that ask to be told (`Played`) when what was sent before has been played; none where it cannot."""
        ...

    def hang_up(self) -> tuple[Message, ...]:
        """Messages that end the call; none where closing the connection does."""
        ...


def short(value: object) -> str:
    """A carrier's id or number as text; empty where it is none, too long, or holds what cannot be printed."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**20:
        return str(value)
    usable = isinstance(value, str) and len(value) <= MAX_NAME and value.isprintable()
    return str(value) if usable else ""


def key_of(value: object) -> tuple[Key, ...]:
    """The key that a carrier names, if it is one."""
    return (Key(value),) if isinstance(value, str) and value in KEYS and len(value) == 1 else ()
