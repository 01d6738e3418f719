"""Pipecat processor that speaks: words in, sound out, sentence by sentence; the voice works off the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor

from pipecat.frames.frames import Frame, TTSAudioRawFrame, TTSStartedFrame, TTSStoppedFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from demos.phone.frames import Say
from demos.phone.playout import Playout
from modalities.audio import encode_pcm16, resample
from modalities.types import Audio
from modalities.voice.base import breaths

log = logging.getLogger(__name__)


class Speaking(FrameProcessor):
    """Turns `Say` into sound at the line's rate.

    Args:
        speak: words to sound.
        pool: where it runs.
        playout: is told what was queued.
        rate: samples per second of the line.
    """

    def __init__(self, speak: Callable[[str], Audio], pool: Executor, playout: Playout, rate: int) -> None:
        super().__init__()
        self._speak, self._pool, self._playout, self._rate = speak, pool, playout, rate

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Words are said, everything else passes."""
        await super().process_frame(frame, direction)
        if isinstance(frame, Say):
            await self._say(frame.text)
        else:
            await self.push_frame(frame, direction)

    async def _say(self, text: str) -> None:
        loop = asyncio.get_running_loop()
        await self.push_frame(TTSStartedFrame())
        for sentence in breaths(text):
            try:
                sound = await loop.run_in_executor(self._pool, self._sound, sentence)
            except Exception as error:  # noqa: BLE001 - a sentence that cannot be said must not end the call
                log.error("a sentence could not be said: %s", type(error).__name__)
                continue
            if sound:
                self._playout.add(sentence, len(sound) / (2 * self._rate))
                await self.push_frame(TTSAudioRawFrame(audio=sound, sample_rate=self._rate, num_channels=1))
        await self.push_frame(TTSStoppedFrame())

    def _sound(self, sentence: str) -> bytes:
        return encode_pcm16(resample(self._speak(sentence), self._rate))
