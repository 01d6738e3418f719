"""What a line carries that is no person: a fax that calls, and music while somebody has put the agent on hold.

A fax calls with 1,100 Hz for half a second every three seconds, and answers with 2,100 Hz for three (ITU-T T.30, 2005,
section 4); people's voices, ringing and keys are never one tone for so long.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from pipecat.frames.frames import Frame, InputAudioRawFrame
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from demos.phone.frames import LineSounds, MachineHeard

STEP = 0.04  # seconds of one look
CALLING, ANSWERING = 1_100.0, 2_100.0  # Hz
OFF = 40.0  # Hz by which a fax may be off its tone
PURE = 0.85  # share of the energy that one tone has
QUIET_DB = -45.0  # of full scale; what is less loud is no tone
CALLS, SHORTEST, LONGEST = 2, 0.36, 0.72  # tones of a fax that calls, and their seconds
ANSWERS = 1.2  # seconds of the other tone that are enough
LOUD_DB, LOUD_SHARE, LOUD_SECONDS = -38.0, 0.95, 4.0  # music: so loud for so much of so long


class Tones:
    """Follows the sound of one line. Pure: sound in, what it told out.

    Args:
        rate: samples per second.

    Attributes:
        fax: a fax was heard.
        sounds: the line has been loud throughout the last seconds.
    """

    def __init__(self, rate: int) -> None:
        self._rate, self._step = rate, round(STEP * rate)
        self._waiting = np.zeros(0, dtype=np.float32)
        self._window = np.hanning(self._step).astype(np.float32)
        self._tone, self._lasted, self._calls = 0.0, 0.0, 0
        self._loud: deque[bool] = deque(maxlen=round(LOUD_SECONDS / STEP))
        self.fax = False

    @property
    def sounds(self) -> bool:
        """Whether the line has been loud throughout the last seconds."""
        full = len(self._loud) == self._loud.maxlen
        return full and sum(self._loud) >= LOUD_SHARE * len(self._loud)

    def feed(self, pcm: bytes) -> None:
        """Take the next sound: 16-bit PCM."""
        self._waiting = np.concatenate([self._waiting, np.frombuffer(pcm, "<i2").astype(np.float32) / 32768])
        while len(self._waiting) >= self._step:
            block, self._waiting = self._waiting[: self._step], self._waiting[self._step :]
            self._look(block)

    def _look(self, block: np.ndarray[tuple[int], np.dtype[np.float32]]) -> None:
        level = 10 * np.log10(max(float(np.square(block).mean()), 1e-12))
        self._loud.append(bool(level > LOUD_DB))
        tone = self._tone_of(block) if level > QUIET_DB else 0.0
        if tone and tone == self._tone:
            self._lasted += STEP
            self.fax = self.fax or (tone == ANSWERING and self._lasted >= ANSWERS)
            return
        self._calls += self._tone == CALLING and SHORTEST <= self._lasted <= LONGEST
        self.fax = self.fax or self._calls >= CALLS
        self._tone, self._lasted = tone, STEP

    def _tone_of(self, block: np.ndarray[tuple[int], np.dtype[np.float32]]) -> float:
        """Which of a fax's tones a block is; 0 for none."""
        power = np.square(np.abs(np.fft.rfft(block * self._window)))
        peak = int(power.argmax())
        if power[max(0, peak - 2) : peak + 3].sum() < PURE * power.sum():
            return 0.0
        hertz = peak * self._rate / self._step
        return next((tone for tone in (CALLING, ANSWERING) if abs(hertz - tone) <= OFF), 0.0)


class Screening(FrameProcessor):
    """Tells of a fax once, and of a line that begins or ceases to sound; everything passes."""

    def __init__(self, rate: int) -> None:
        super().__init__()
        self._tones, self._told, self._sounded = Tones(rate), False, False

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Look at sound and pass everything on."""
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)
        if not isinstance(frame, InputAudioRawFrame):
            return
        self._tones.feed(frame.audio)
        if self._tones.fax and not self._told:
            self._told = True
            await self.push_frame(MachineHeard())
        if self._tones.sounds != self._sounded:
            self._sounded = self._tones.sounds
            await self.push_frame(LineSounds(self._sounded))
