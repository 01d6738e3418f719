"""Pipecat processor that listens: the caller's sound in, whole turns and interruptions out. Nothing is heard on the
event loop: a worker feeds the call's `Listener` with what came since it last looked.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import Executor
from typing import Protocol

import numpy as np
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    CancelFrame,
    EndFrame,
    Frame,
    InputAudioRawFrame,
    StartFrame,
    UserStartedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from demos.phone.frames import AgentAsks, CallerNodded, CallerPaused, CallerTurn, GoOn, Hold
from modalities.speech.live import State
from modalities.speech.live_events import (
    Acknowledged,
    Calmed,
    Interrupted,
    LiveEvent,
    SpeechStarted,
    Stirred,
    TurnComplete,
)
from modalities.types import Audio

log = logging.getLogger(__name__)

AT_LEAST = 0.032  # seconds of sound before a worker is called: the listener's own step
AHEAD = 0.1  # seconds of pause after which the turn so far is passed on, in case that was all
ROOM = 0.2  # seconds of the room before the speech that are put after it: recognisers want quiet behind the last word
MOST_WAITING = 10.0  # seconds of sound that may wait when the machine falls behind; what is older is lost


class Ears(Protocol):
    """What follows one stream: `modalities.speech.live.Listener`."""

    rate: int
    agent_speaking: bool
    agent_asks: bool

    @property
    def state(self) -> State:
        """What the caller is doing."""
        ...

    @property
    def ended(self) -> int:
        """Sample at which the speech ended, in a pause."""
        ...

    def so_far(self) -> Audio:
        """The open turn's sound."""
        ...

    def feed(self, frame: Audio | bytes) -> tuple[LiveEvent, ...]:
        """Take sound; what it settled."""
        ...


class Listening(FrameProcessor):
    """Keeps the caller's sound to itself and passes on what it tells.

    Args:
        ears: follows this call's stream.
        pool: where it is fed.
    """

    def __init__(self, ears: Ears, pool: Executor) -> None:
        super().__init__()
        self._ears, self._pool = ears, pool
        self._waiting = bytearray()
        self._more = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._step = 2 * round(AT_LEAST * ears.rate)
        self._fed = 0  # samples of the stream
        self._ahead = -1  # end of the speech that was last passed on in a pause
        self._holding = False  # the agent was quietened, and nothing settled yet whether it goes on
        self.lost = 0.0  # seconds of sound never listened to

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Sound is kept, everything else passes."""
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            self._take(frame.audio)
            return
        if isinstance(frame, StartFrame):
            self._task = self.create_task(self._follow())
        elif isinstance(frame, BotStartedSpeakingFrame):
            self._ears.agent_speaking = True
        elif isinstance(frame, BotStoppedSpeakingFrame):
            self._ears.agent_speaking = False
        elif isinstance(frame, AgentAsks):
            self._ears.agent_asks = frame.on
            return
        elif isinstance(frame, (EndFrame, CancelFrame)):
            await self._stop()
        await self.push_frame(frame, direction)

    async def cleanup(self) -> None:
        """Hear no more."""
        await self._stop()
        await super().cleanup()  # type: ignore[no-untyped-call]

    def _take(self, sound: bytes) -> None:
        self._waiting += sound
        over = len(self._waiting) - 2 * round(MOST_WAITING * self._ears.rate)
        if over > 0:
            del self._waiting[:over]
            self.lost += over / (2 * self._ears.rate)
        if len(self._waiting) >= self._step:
            self._more.set()

    async def _stop(self) -> None:
        if self._task is not None:
            task, self._task = self._task, None
            await self.cancel_task(task)

    async def _follow(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._more.wait()
            self._more.clear()
            sound, self._waiting = bytes(self._waiting[: len(self._waiting) & ~1]), bytearray()
            try:
                events, paused = await loop.run_in_executor(self._pool, self._hear, sound)
            except Exception as error:  # noqa: BLE001 - one bad moment must not leave the caller unheard
                log.error("listening failed for a moment: %s", type(error).__name__)
                continue
            for event in events:
                await self._tell(event)
            if paused is not None:
                await self.push_frame(paused)

    def _hear(self, sound: bytes) -> tuple[tuple[LiveEvent, ...], CallerPaused | None]:
        """Feed the listener; also what was said so far, once in each pause. In a worker."""
        events = self._ears.feed(sound)
        self._fed += len(sound) // 2
        ended = self._ears.ended
        pausing = self._ears.state is State.PAUSING and self._fed - ended >= AHEAD * self._ears.rate
        if not pausing or ended == self._ahead:
            return events, None
        self._ahead = ended
        audio = self._ears.so_far()
        room = audio.samples[: round(ROOM * audio.rate)][::-1]
        return events, CallerPaused(Audio(np.concatenate([audio.samples, room]), audio.rate), ended)

    async def _tell(self, event: LiveEvent) -> None:
        if isinstance(event, Stirred):
            await self._hold()
        elif isinstance(event, Calmed):
            await self._go_on()
        elif isinstance(event, SpeechStarted):
            if self._ears.agent_speaking:
                await self._hold()
            await self.push_frame(UserStartedSpeakingFrame())
        elif isinstance(event, Interrupted):
            await self._interrupt()
        elif isinstance(event, Acknowledged):
            await self._go_on()
            await self.push_frame(CallerNodded())
        elif isinstance(event, TurnComplete):
            if self._holding:  # the agent's last words were sent, but not heard
                await self._interrupt()
            waited = (event.at - event.end) / self._ears.rate
            await self.push_frame(CallerTurn(event.audio, event.end, waited))

    async def _hold(self) -> None:
        if not self._holding:
            self._holding = True
            await self.push_frame(Hold())

    async def _go_on(self) -> None:
        if self._holding:
            self._holding = False
            await self.push_frame(GoOn())

    async def _interrupt(self) -> None:
        self._holding = False
        await self.broadcast_interruption()  # type: ignore[no-untyped-call]
