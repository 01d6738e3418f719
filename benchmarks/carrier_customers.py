"""Customers for the carrier simulator: they wait for the agent to finish, say recordings, press keys, break in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.carrier import AUDIBLE, RATE, STEP, Samples

ROOM = 3e-4 * 32768  # level of a quiet room's noise on the line
QUIET = round(0.7 * RATE)  # samples without a sound from the agent that mean it has finished
PATIENCE = 14 * RATE  # samples after which the customer goes on although nothing was answered


@dataclass(frozen=True)
class Line:
    """What the customer does next.

    Attributes:
        sound: what is said, 16-bit at 8 kHz; nothing where keys are pressed.
        keys: keys to press instead.
        during: seconds into the agent's words at which it is said; None to wait for their end.
    """

    sound: Samples | None = None
    keys: str = ""
    during: float | None = None


class Scripted:
    """Says its lines in turn and hangs up after the last answer.

    Args:
        lines: what to do.
        seed: of the room's noise.
        think: seconds between the agent's last word and the customer's first.
    """

    def __init__(self, lines: Sequence[Line], seed: int = 7, think: float = 0.0) -> None:
        self._lines, self._think = list(lines), round(think * RATE)
        self._rng = np.random.default_rng(seed)
        self._saying: Samples | None = None
        self._at = 0  # samples of what is being said
        self._answered = False  # the agent spoke since the last line
        self._first = self._last = self._mine = 0  # samples: the agent's first and last sound; the end of the own line
        self._turns: list[int] = []
        self.unanswered = 0

    @property
    def turns(self) -> list[int]:
        """Where its recordings began."""
        return self._turns

    def speak(self, now: int, agent: Samples) -> Samples | str | None:
        """The next tick."""
        if np.abs(agent.astype(np.int32)).max() > AUDIBLE:
            self._first = self._first if self._answered else now
            self._answered, self._last = True, now
        if self._saying is not None:
            return self._go_on(now)
        due = self._due(now)
        if due and not self._lines:
            return None
        if due:
            return self._begin(self._lines.pop(0), now)
        return self._room(STEP)

    def _due(self, now: int) -> bool:
        """Whether it is the customer's turn."""
        if self._lines and (during := self._lines[0].during) is not None:
            spoken = self._answered and now - self._first >= during * RATE and now - self._last < QUIET // 4
            return spoken or now - self._mine > PATIENCE
        finished = self._answered and now - self._last >= QUIET + self._think
        self.unanswered += not finished and now - self._mine > PATIENCE
        return finished or now - self._mine > PATIENCE

    def _begin(self, line: Line, now: int) -> Samples | str:
        self._answered, self._mine = False, now
        if line.sound is None:
            return line.keys
        self._turns.append(now)
        self._saying, self._at = line.sound, 0
        return self._go_on(now)

    def _go_on(self, now: int) -> Samples:
        assert self._saying is not None
        part = self._saying[self._at : self._at + STEP]
        self._at += STEP
        if self._at >= len(self._saying):
            self._saying, self._mine = None, now
        self._answered = False  # only what follows the words answers them
        padded = np.concatenate([part.astype(np.float64), np.zeros(STEP - len(part))])
        return _clipped(padded + self._rng.standard_normal(STEP) * ROOM)

    def _room(self, count: int) -> Samples:
        return _clipped(self._rng.standard_normal(count) * ROOM)


def _clipped(samples: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Samples:
    return np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
