"""Carriers under Pipecat's serializer interface: our codecs, and Pipecat's own serializers behind a guard.

Pipecat's serializers expect well-formed messages and log those that are not, words and all; here nothing a far end
sends is logged or raises.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from pipecat.audio.dtmf.types import KeypadEntry
from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    Frame,
    InputAudioRawFrame,
    InputDTMFFrame,
    InterruptionFrame,
    OutputAudioRawFrame,
)
from pipecat.processors.frame_processor import FrameProcessorSetup
from pipecat.serializers.base_serializer import FrameSerializer

from demos.carriers.events import Codec, Happening, Key, Message, Played, Sound, Stopped
from demos.carriers.order import InOrder
from demos.carriers.payload import bytes_of, number, read, table

log = logging.getLogger(__name__)


class CodecSerializer(FrameSerializer):
    """One of our codecs. `deserialize` is for plain Pipecat transports; ours reads `frames` and `played`.

    Attributes:
        codec: the carrier's.
        stopped: the far end said that the call is over.
        played: called with the name of each mark that was reached.
    """

    def __init__(self, codec: Codec) -> None:
        super().__init__()
        self.codec = codec
        self.stopped = False
        self.played: Callable[[str], None] = lambda name: None

    @property
    def refused(self) -> int:
        """Messages that could not be used so far."""
        return self.codec.refused

    async def serialize(self, frame: Frame) -> Message | None:
        """The message of a frame; None where the carrier has none for it."""
        messages = self.messages(frame)
        return messages[0] if messages else None

    def messages(self, frame: Frame) -> tuple[Message, ...]:
        """The messages of a frame: sound, an interruption, the end."""
        if isinstance(frame, OutputAudioRawFrame):
            return self.codec.sound(frame.audio)
        if isinstance(frame, InterruptionFrame):
            return self.codec.clear()
        return self.codec.hang_up() if isinstance(frame, (EndFrame, CancelFrame)) else ()

    def mark(self, name: str) -> tuple[Message, ...]:
        """The messages that ask for `played`."""
        return self.codec.mark(name)

    async def deserialize(self, data: Message) -> Frame | None:
        """The first frame of a message."""
        frames = await self.frames(data)
        return frames[0] if frames else None

    async def frames(self, message: Message) -> list[Frame]:
        """The frames of a message."""
        return self.of(self.codec.decode(message))

    def of(self, happened: tuple[Happening, ...]) -> list[Frame]:
        """The frames of what a codec told."""
        frames: list[Frame] = []
        sound = b"".join(one.pcm for one in happened if isinstance(one, Sound))
        if sound:
            frames.append(InputAudioRawFrame(audio=sound, sample_rate=self.codec.rate, num_channels=1))
        for one in happened:
            if isinstance(one, Key):
                frames.append(InputDTMFFrame(KeypadEntry(one.key)))
            elif isinstance(one, Played):
                self.played(one.name)
            elif isinstance(one, Stopped):
                self.stopped = True
        return frames


class Guarded(FrameSerializer):
    """One of Pipecat's serializers, shown only messages it can read.

    Args:
        inner: Pipecat's.
        binary: its sound comes in binary messages; else as base64 in `media.payload`.

    Attributes:
        stopped, refused, played: as of `CodecSerializer`.
    """

    def __init__(self, inner: FrameSerializer, *, binary: bool = False) -> None:
        super().__init__()
        self._inner, self._binary = inner, binary
        self._order = InOrder[str]()
        self.stopped = False
        self.refused = 0
        self.played: Callable[[str], None] = lambda name: None

    async def setup(self, setup: FrameProcessorSetup) -> None:  # type: ignore[override]  # as Pipecat itself does
        """Tell it the pipeline's rates."""
        await self._inner.setup(setup)

    async def serialize(self, frame: Frame) -> Message | None:
        """Its message of a frame."""
        message: Any = await self._inner.serialize(frame)
        return bytes(message) if isinstance(message, (bytes, bytearray, memoryview)) else message

    def mark(self, name: str) -> tuple[Message, ...]:
        """Nothing: Pipecat's serializers have no marks."""
        return ()

    async def deserialize(self, data: Message) -> Frame | None:
        """The first frame of a message."""
        frames = await self.frames(data)
        return frames[0] if frames else None

    async def frames(self, message: Message) -> list[Frame]:
        """The frames of a message; none of one that it cannot read."""
        found: list[Frame] = []
        for part in self._usable(message):
            try:
                frame = await self._inner.deserialize(part)
            except Exception as error:  # noqa: BLE001 - whatever a hostile message makes a library raise
                log.debug("a carrier's message could not be read: %s", type(error).__name__)
                self.refused += 1
                continue
            if frame is not None:
                found.append(frame)
        return found

    def _usable(self, message: Message) -> list[Message]:
        """The messages that are whole, in order; the sound's own order where they are numbered."""
        if isinstance(message, bytes):
            usable = self._binary and len(message) % 2 == 0 and 0 < len(message) <= 64_000
            self.refused += not usable
            return [message] if usable else []
        fields = read(message)
        if fields is None:
            self.refused += 1
            return []
        if fields.get("event") != "media":
            self.stopped = self.stopped or fields.get("event") in ("stop", "closed") or fields.get("type") == "close"
            return [message]
        media = table(fields, "media")
        if bytes_of(media.get("payload")) is None:
            self.refused += 1
            return []
        return list(self._order.push(number(media.get("chunk")), message))


Serializer = CodecSerializer | Guarded
