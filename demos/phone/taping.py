"""Pipecat processor that tells a call's recording what goes on: who may be recorded, and what must be silence."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from pipecat.frames.frames import (
    BotStoppedSpeakingFrame,
    Frame,
    InputDTMFFrame,
    InterruptionFrame,
    UserStartedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from agent.secrets import MASK
from agent.types import Understanding
from demos.phone.frames import CallerNodded
from demos.phone.tape import Tape

REFUSES = "*"
"""Key by which a caller has the recording of this call thrown away."""


class Taping(FrameProcessor):
    """Stands behind `Listening`; everything passes.

    The caller is recorded once they heard whole that they are; who breaks in before has not.

    Args:
        tape: the recording.
        discard: throws it away for good.

    Attributes:
        tape: the recording.
    """

    def __init__(self, tape: Tape, discard: Callable[[], Awaitable[None]]) -> None:
        super().__init__()
        self.tape, self._discard, self._told = tape, discard, False

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Take note and pass on."""
        await super().process_frame(frame, direction)
        if isinstance(frame, UserStartedSpeakingFrame):
            self.tape.speaks(time.monotonic())
        elif isinstance(frame, CallerNodded):
            self.tape.understood(secret=False)
        elif isinstance(frame, (BotStoppedSpeakingFrame, InterruptionFrame)) and not self._told:
            self._told, self.tape.muted = True, isinstance(frame, InterruptionFrame)
        elif isinstance(frame, InputDTMFFrame) and frame.button.value == REFUSES:
            await self._discard()
        await self.push_frame(frame, direction)

    def understood(self, understanding: Understanding | None) -> None:
        """What the caller's turn meant; None where nobody knows."""
        heard = understanding.transcript if understanding else None
        words = "" if understanding is None else understanding.text + (heard.text if heard else "")
        self.tape.understood(secret=understanding is None or MASK in words)
