"""Pipecat's WebSocket transport for telephone lines: kept to the line's own time, and safe from floods.

Pipecat sends sound twice as fast as it plays. On a line that cannot throw away what it was sent, the caller who breaks
in would hear all of it; on one that can, nobody would know what the caller heard. So sound is sent only a little ahead
of when it is played, and `Playout` knows at each moment what the caller has heard.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Any

from pipecat.frames.frames import (
    EndFrame,
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    OutputAudioRawFrame,
    OutputTransportMessageUrgentFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.transports.websocket.fastapi import (
    FastAPIWebsocketInputTransport,
    FastAPIWebsocketOutputTransport,
    FastAPIWebsocketParams,
    FastAPIWebsocketTransport,
)

from demos.carriers.serializers import CodecSerializer, Serializer
from demos.phone.frames import GoOn, Hold
from demos.phone.playout import Playout
from demos.phone.tape import Tape

BURST = 3.0  # seconds of sound that may come faster than it was spoken
MOST_REFUSED = 20_000  # messages that make no sense, after which the line is closed
CHUNKS = 2  # of 10 ms in one message
END = "end"  # mark after the last words
SPARE = 0.1  # seconds kept of what was sent, beyond the lead
LONGEST_HOLD = 90.0  # seconds: a caller who speaks while the agent holds its words back
LAST_WAIT = 1.0  # seconds after the last words until the line is closed whatever it tells


class Allowance:
    """How much sound a far end may send: as much as time has passed, and a burst."""

    def __init__(self, now: float) -> None:
        self._since, self._taken = now, 0.0

    def take(self, seconds: float, now: float) -> bool:
        """Whether so much more is within what time has passed."""
        if self._taken + seconds > now - self._since + BURST:
            return False
        self._taken = max(self._taken + seconds, now - self._since - BURST)
        return True


class PhoneInput(FastAPIWebsocketInputTransport):
    """Reads a line's messages; ends when the line does."""

    def bind(self, serializer: Serializer, tape: Tape | None) -> None:
        """Name what reads the messages, and what records."""
        self._line, self._tape = serializer, tape
        self._allowance = Allowance(time.monotonic())

    async def stop(self, frame: EndFrame) -> None:
        """Go on reading: the far end still tells when the last words were played. `cleanup` closes the line."""

    async def _receive_messages(self) -> None:
        async for message in self._client.receive():
            for frame in await self._line.frames(message):
                await self._take(frame)
            if self._line.stopped or self._line.refused > MOST_REFUSED:
                break
        if not self._client.is_closing:
            await self._client.trigger_client_disconnected()  # type: ignore[no-untyped-call]

    async def _take(self, frame: Frame) -> None:
        if isinstance(frame, InputAudioRawFrame):
            seconds = len(frame.audio) / (2 * frame.sample_rate)
            now = time.monotonic()
            if not self._allowance.take(seconds, now):
                return
            if self._tape is not None:
                self._tape.caller(frame.audio, now)
        elif isinstance(frame, OutputTransportMessageUrgentFrame):  # what the protocol wants answered
            await self.push_frame(frame)
            return
        await self.push_frame(frame)


class PhoneOutput(FastAPIWebsocketOutputTransport):
    """Sends sound as it is to be played, `lead` seconds ahead; falls quiet on `Hold` and goes on there on `GoOn`."""

    def bind(self, serializer: Serializer, playout: Playout, lead: float, clears: bool, tape: Tape | None) -> None:
        """Name what writes the messages, who is told what was sent, how far ahead to send, and what records."""
        self._line, self._playout, self._lead, self._clears, self._tape = serializer, playout, lead, clears, tape
        self._ended = asyncio.Event()
        self._free = asyncio.Event()
        self._free.set()
        self._writing = False
        self._turn = 0  # counts interruptions: what was to be sent before one is not sent after it
        self._sent: deque[OutputAudioRawFrame] = deque()  # about the last `lead` seconds
        self._again: list[OutputAudioRawFrame] = []  # thrown away on `Hold`
        serializer.played = self._reached

    def _reached(self, name: str) -> None:
        if name == END:
            self._ended.set()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Fall quiet and go on at once, whatever waits to be sent."""
        if isinstance(frame, Hold):
            await self._hold()
        elif isinstance(frame, GoOn):
            self._free.set()
            while self._again and not self._writing:  # it was the end of the words: nothing follows that sends them
                await self._send(self._again.pop(0))
        elif isinstance(frame, InterruptionFrame):
            self._turn += 1
            self._again, self._sent = [], deque()
            self._free.set()
        await super().process_frame(frame, direction)

    async def _hold(self) -> None:
        """Be quiet: nothing is sent, and what was sent is thrown away where the far end can."""
        self._free.clear()
        self._playout.rest()
        if self._clears:
            thrown = self._clear(time.monotonic())
            count = round(thrown / self._seconds)
            self._again = [*list(self._sent)[-count:], *self._again] if count else self._again
            self._sent.clear()
            await self._write_frame(InterruptionFrame())

    def _clear(self, now: float) -> float:
        if self._tape is not None and self._clears:
            self._tape.cleared(now)
        return self._playout.cleared(now)

    @property
    def _seconds(self) -> float:
        """Length of a message's sound."""
        return self.audio_chunk_size / (2 * self.sample_rate)

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        """Send sound when it is time to; nothing once the agent was interrupted."""
        self._writing = True
        try:
            return await self._in_turn(frame, self._turn)
        finally:
            self._writing = False

    async def _in_turn(self, frame: OutputAudioRawFrame, turn: int) -> bool:
        while True:
            await self._free.wait()
            if turn != self._turn:
                return True
            if not self._again:
                break
            await self._send(self._again.pop(0))
        return await self._send(frame)

    async def _send(self, frame: OutputAudioRawFrame) -> bool:
        """Send one message of sound and wait until the next one is due."""
        now = time.monotonic()
        self._playout.wrote(self._seconds, now)
        if self._tape is not None:
            self._tape.agent(frame.audio, self._playout.until - self._seconds)
        self._sent.append(frame)
        while len(self._sent) * self._seconds > self._lead + SPARE:
            self._sent.popleft()
        sent = await self._write_frame(frame)
        ahead = self._playout.until - time.monotonic() - self._lead
        if ahead > 0:
            await asyncio.sleep(ahead)
        return sent

    async def _write_frame(self, frame: Frame) -> bool:
        if isinstance(frame, EndFrame) and self._client.is_connected:
            await self._play_out()
        if isinstance(frame, InterruptionFrame):
            self._clear(time.monotonic())
        if not isinstance(self._line, CodecSerializer):
            sent: bool = await super()._write_frame(frame)
            return sent
        if self._client.is_closing or not self._client.is_connected:
            return False
        for message in self._line.messages(frame):
            await self._client.send(message)
        return True

    async def _play_out(self) -> None:
        """Wait until the caller has heard the last words."""
        marks = self._line.mark(END)
        for message in marks:
            await self._client.send(message)
        left = max(0.0, self._playout.until - time.monotonic())
        try:
            await asyncio.wait_for(self._ended.wait(), left + (LAST_WAIT if marks else 0.1))
        except TimeoutError:
            return


class PhoneTransport(FastAPIWebsocketTransport):
    """One call's line.

    Args:
        websocket: the connection, accepted; or a `TcpSocket`.
        serializer: the carrier's messages.
        playout: is told what was sent.
        rate: samples per second of the line.
        lead: seconds of sound that are sent before they are played.
        clears: the far end can throw away what it has not played.
        tape: records both sides.
    """

    def __init__(
        self,
        websocket: Any,
        serializer: Serializer,
        playout: Playout,
        *,
        rate: int,
        lead: float,
        clears: bool,
        tape: Tape | None = None,
    ) -> None:
        params = FastAPIWebsocketParams(
            serializer=serializer,
            audio_in_enabled=True,
            audio_out_enabled=True,
            audio_in_sample_rate=rate,
            audio_out_sample_rate=rate,
            audio_out_10ms_chunks=CHUNKS,
            audio_out_end_silence_secs=0,
            audio_out_write_timeout_secs=LONGEST_HOLD,
            allowed_origins=[],
        )
        super().__init__(websocket, params)
        self._input = PhoneInput(self, self._client, params)
        self._output = PhoneOutput(self, self._client, params)
        self._input.bind(serializer, tape)
        self._output.bind(serializer, playout, lead, clears, tape)
