"""The far end of a telephone line over loopback: carriers' protocols as the carriers speak them, in real time.

A `FarEnd` keeps one clock of 20 ms ticks for both directions: each tick sends a frame of the customer's sound and plays
a frame of what came back, out of a buffer that runs dry where sound comes late. So what the customer said and heard are
two recordings of one length, and every figure is a difference of samples.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from modalities.audio import decode_pcm16
from modalities.types import Audio

RATE = 8_000
STEP = RATE // 50  # samples of a tick: 20 ms
TICK = STEP / RATE
AUDIBLE = 64  # of 32768: what is louder is sound rather than the line's silence

Samples = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Place:
    """Where the telephone server is and what it must be shown."""

    host: str = "127.0.0.1"
    port: int = 8700
    audiosocket: int = 8701
    twilio: str = "secret"
    token: str = "token"

    @property
    def http(self) -> str:
        """Its address for webhooks."""
        return f"http://{self.host}:{self.port}"


class Busy(Exception):
    """The server takes no more calls."""


class Wire(Protocol):
    """One carrier's protocol as the carrier speaks it."""

    async def open(self, place: Place, caller: str) -> None:
        """Announce a call and open its media connection."""
        ...

    async def send(self, samples: Samples) -> None:
        """Send one tick of the customer's sound."""
        ...

    async def key(self, key: str) -> None:
        """Send a pressed key."""
        ...

    async def hang_up(self) -> None:
        """The customer hangs up."""
        ...

    async def read(self, speaker: Speaker) -> None:
        """Read until the connection closes, and do with the speaker what the server says."""
        ...

    async def reached(self, name: str) -> None:
        """Tell that a mark was reached."""
        ...


class Speaker:
    """What the customer's telephone plays: a buffer with marks in it.

    Attributes:
        dry: ticks at which sound should have been there and was not, with more of the same words still to come.
    """

    def __init__(self) -> None:
        self._buffer: deque[Samples | str] = deque()
        self._empty_ticks = 0
        self._spoken = False
        self.dry = 0
        self.cleared = False
        self.reached: list[str] = []

    def play(self, samples: Samples) -> None:
        """More sound."""
        if self._spoken and 0 < self._empty_ticks <= 10 and not self.cleared:  # words go on after a pause of the line's
            self.dry += self._empty_ticks
        self._empty_ticks, self._spoken, self.cleared = 0, True, False
        self._buffer.append(samples)

    def mark(self, name: str) -> None:
        """To be told when all before was played."""
        self._buffer.append(name)

    def clear(self) -> None:
        """Throw away what was not played; its marks count as reached."""
        self.reached += [item for item in self._buffer if isinstance(item, str)]
        self._buffer.clear()
        self.cleared = True

    def tick(self) -> Samples:
        """The next 20 ms."""
        out, filled = np.zeros(STEP, dtype=np.int16), 0
        while self._buffer and filled < STEP:
            item = self._buffer.popleft()
            if isinstance(item, str):
                self.reached.append(item)
                continue
            part = item[: STEP - filled]
            out[filled : filled + len(part)] = part
            filled += len(part)
            if len(part) < len(item):
                self._buffer.appendleft(item[len(part) :])
        while self._buffer and isinstance(self._buffer[0], str):
            self.reached.append(str(self._buffer.popleft()))
        if not filled and self._spoken:
            self._empty_ticks += 1
        return out


@dataclass
class Heard:
    """One call as the customer's telephone recorded it.

    Attributes:
        said, heard: both sides on one clock, shape (n,).
        turns: samples at which each of the customer's recordings began to be played.
        dry: ticks of missing sound within words.
        played: ticks of the agent's sound.
        late: seconds that the simulator itself was behind its clock at worst.
        closed: the server ended the call.
    """

    said: Samples
    heard: Samples
    turns: list[int] = field(default_factory=list)
    dry: int = 0
    played: int = 0
    late: float = 0.0
    closed: bool = False


class Customer(Protocol):
    """Who is on the telephone: asked each tick what to say."""

    def speak(self, now: int, agent: Samples) -> Samples | str | None:
        """The next tick of sound; None to hang up; a text presses its keys.

        Args:
            now: sample of the call.
            agent: what was just heard, one tick.
        """
        ...

    @property
    def turns(self) -> list[int]:
        """Where its recordings began."""
        ...


async def call(wire: Any, customer: Customer, place: Place, *, caller: str = "", longest: float = 120.0) -> Heard:
    """Hold one call in real time; at most `longest` seconds.

    Raises:
        Busy: the server takes no more calls.
    """
    speaker = Speaker()
    await wire.open(place, caller)
    reading = asyncio.create_task(wire.read(speaker))
    said, heard, late = [], [], 0.0
    begun, now = time.monotonic(), 0
    agent: Samples = np.zeros(STEP, dtype=np.int16)
    while not reading.done() and now < longest * RATE:
        spoken = customer.speak(now, agent)
        if spoken is None:
            break
        if isinstance(spoken, str):
            for key in spoken:
                await wire.key(key)
            spoken = np.zeros(STEP, dtype=np.int16)
        await wire.send(spoken)
        wait = begun + (now + STEP) / RATE - time.monotonic()
        late = max(late, -wait)
        await asyncio.sleep(max(0.0, wait))
        agent = speaker.tick()
        names, speaker.reached = speaker.reached, []
        for name in names:
            await wire.reached(name)
        said.append(spoken)
        heard.append(agent)
        now += STEP
    closed = reading.done()
    if not closed:
        await wire.hang_up()
    try:
        await asyncio.wait_for(reading, 5.0)
    except TimeoutError:
        reading.cancel()
    played = sum(bool(np.abs(tick.astype(np.int32)).max() > AUDIBLE) for tick in heard)
    return Heard(_joined(said), _joined(heard), list(customer.turns), speaker.dry, played, late, closed)


def _joined(ticks: Sequence[Samples]) -> Samples:
    return np.concatenate(ticks) if ticks else np.zeros(0, dtype=np.int16)


def line_audio(samples: Samples) -> Audio:
    """A recording of the line as sound."""
    return decode_pcm16(samples.astype("<i2").tobytes(), RATE)
