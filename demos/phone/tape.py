"""The recording of one call: a WAV file with the caller on the left and the agent on the right, each at the time it was
heard. What holds a card number is silence on it.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from pathlib import Path

import numpy as np
import numpy.typing as npt

log = logging.getLogger(__name__)

KEPT = 1.0  # seconds that may still change: sound is sent ahead, and thrown away again
LONGEST_OPEN = 90.0  # seconds of a turn that is held back until it was understood; one that takes longer is silence
SLACK = 0.06  # seconds by which frames may come unevenly without a hole

Samples = npt.NDArray[np.int16]


class Tape:
    """Writes one call's file as it goes on; a crash loses the last turn at most. Times are seconds of one clock.

    Args:
        path: of the file, which must not exist; only its owner may read it.
        rate: samples per second of both sides.
        now: the time at which the recording begins.

    Raises:
        OSError: the file cannot be made.
    """

    def __init__(self, path: Path, rate: int, now: float) -> None:
        import soundfile

        self.path, self.rate, self._began = path, rate, now
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        self._file = soundfile.SoundFile(path, "w", rate, 2, "PCM_16", format="WAV")
        self._sides = (_Side(), _Side())
        self._written = 0  # samples
        self._open: deque[int] = deque()  # samples at which turns begin that were not understood yet
        self._over = False
        self.paused = False
        self.muted = True  # the caller's side, until the caller knows of the recording

    def caller(self, pcm: bytes, now: float) -> None:
        """The caller's sound, as it came."""
        self._put(0, pcm, now - len(pcm) / (2 * self.rate), silent=self.muted)

    def agent(self, pcm: bytes, begins: float) -> None:
        """The agent's sound, and when the caller hears it begin."""
        self._put(1, pcm, begins)

    def cleared(self, now: float) -> None:
        """The agent's sound from here on was thrown away unheard."""
        self._sides[1].cut(max(self._written, self._at(now)) - self._written)

    def speaks(self, now: float) -> None:
        """A turn begins: it is held back until `understood`."""
        self._open.append(max(self._written, self._at(now) - round(KEPT * self.rate)))

    def understood(self, secret: bool) -> None:
        """What the oldest open turn holds is known: one with a card number, or that nobody understood, is silence."""
        if not self._open:
            return
        first = self._open.popleft()
        until = self._open[0] if self._open else self._written + len(self._sides[0].samples)
        if secret:
            self._sides[0].silence(first - self._written, until - self._written)

    def close(self) -> None:
        """The call is over: write what is left; turns that nobody understood are silence."""
        while self._open:
            self.understood(secret=True)
        if not self._over:
            self._write(max(len(side.samples) for side in self._sides))
            self._end()

    def discard(self) -> None:
        """There is to be no recording: nothing of it stays."""
        if not self._over:
            self._end()
        self.path.unlink(missing_ok=True)

    def _end(self) -> None:
        self._over = True
        self._file.close()

    def _at(self, now: float) -> int:
        return round((now - self._began) * self.rate)

    def _put(self, side: int, pcm: bytes, begins: float, silent: bool = False) -> None:
        if self._over:
            return
        samples = np.frombuffer(pcm, "<i2")
        if silent or self.paused:
            samples = np.zeros_like(samples)
        self._sides[side].put(self._at(begins) - self._written, samples, round(SLACK * self.rate))
        longest = max(len(one.samples) for one in self._sides)
        self._close_long(longest)
        ready = longest - round(KEPT * self.rate)
        if self._open:
            ready = min(ready, self._open[0] - self._written)
        if ready >= KEPT * self.rate:
            self._write(ready)

    def _close_long(self, longest: int) -> None:
        if self._open and self._written + longest - self._open[0] > LONGEST_OPEN * self.rate:
            self.understood(secret=True)

    def _write(self, count: int) -> None:
        taken = np.stack([side.take(count) for side in self._sides], axis=1)
        self._written += count
        try:
            self._file.write(taken)
            self._file.flush()
        except (OSError, RuntimeError) as error:  # a full disk must not end the call
            log.error("a recording broke off: %s", type(error).__name__)
            self._end()


class _Side:
    """The samples of one side that were not written yet."""

    def __init__(self) -> None:
        self.samples: Samples = np.zeros(0, dtype=np.int16)

    def put(self, at: int, samples: Samples, slack: int) -> None:
        """Put sound at a place, or right behind what is there where that is nearly the same or taken."""
        hole = at - len(self.samples)
        gap = np.zeros(hole if hole > slack else 0, dtype=np.int16)
        self.samples = np.concatenate([self.samples, gap, samples])

    def cut(self, at: int) -> None:
        self.samples = self.samples[:at]

    def silence(self, start: int, stop: int) -> None:
        self.samples = self.samples.copy()
        self.samples[max(0, start) : stop] = 0

    def take(self, count: int) -> Samples:
        taken, self.samples = self.samples[:count], self.samples[count:]
        return np.pad(taken, (0, count - len(taken)))
