"""A telephone line in memory and an agent by rule, for tests of whole calls without models."""

from __future__ import annotations

import asyncio
import json
import threading
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from starlette.datastructures import Headers
from starlette.websockets import WebSocketState

from agent.store import Store
from agent.types import Turn, Understanding
from demos.carriers.serializers import CodecSerializer
from demos.carriers.tickets import Ticket
from demos.carriers.twilio import Twilio
from demos.phone.agent import Answered
from demos.phone.desk import Desk
from demos.phone.ledger import Ledger
from demos.phone.manners import Manners
from demos.phone.pipeline import Line, Models
from modalities.audio import decode_mulaw, encode_mulaw
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
from modalities.types import Audio, Transcript
from tests.fakes import tone

RATE = 8_000
BEGIN, BREAK_IN, NOD, FINISH, NOISE, PAUSE, STIR, CALM = 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8
"""Levels of a frame that stand for what the caller does."""


class Ears:
    """Tells events by the level of the sound: no model."""

    def __init__(self, rate: int) -> None:
        self.rate, self.agent_speaking, self.state, self.ended = rate, False, State.QUIET, 0
        self.agent_asks = True
        self._now = self._start = 0
        self._noise = False

    def so_far(self) -> Audio:
        return tone(0.5, self.rate)

    def feed(self, frame: Audio | bytes) -> tuple[LiveEvent, ...]:
        assert isinstance(frame, bytes)
        events: list[LiveEvent] = []
        samples = np.frombuffer(frame, "<i2").astype(float) / 32768
        for at in range(0, len(samples), 160):
            self._now += 160
            level = round(float(np.abs(samples[at : at + 160]).max()), 1)
            events += self._tell(level)
        return tuple(events)

    def _tell(self, level: float) -> list[LiveEvent]:
        if level in (BEGIN, NOISE):
            self._start, self.state, self._noise = self._now, State.TALKING, level == NOISE
            return [SpeechStarted(self._now, self._now)]
        if level in (STIR, CALM):
            return [Stirred(self._now) if level == STIR else Calmed(self._now)]
        if level == BREAK_IN:
            return [Interrupted(self._start, self._now)]
        if level == NOD:
            self.state = State.QUIET
            return [Acknowledged(self._start, self._now, self._now)]
        if level == PAUSE:
            self.state, self.ended = State.PAUSING, self._now
        if level == FINISH:
            end = self.ended if self.state is State.PAUSING else self._now
            self.state = State.QUIET
            sound = Audio(np.zeros(800, dtype=np.float32), self.rate) if self._noise else tone(0.5, self.rate)
            return [TurnComplete(sound, self._start, end, self._now, "finished", 1.0)]
        return []


@dataclass
class RuleAgent:
    """Answers "You said N." to the Nth turn; `script` puts other answers, or errors, in their place.

    Attributes:
        script: turn -> what is answered, or raised.
        seconds: how long its words take to say, a sentence.
        log: what it was asked, in order.
    """

    script: dict[int, Answered | Exception] = field(default_factory=dict)
    seconds: float = 0.3
    question: str = ""
    bad_turns: set[int] = field(default_factory=set)
    log: list[tuple[str, ...]] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)
    turns: int = 0
    understood: int = 0

    def understand(self, turns: Sequence[Turn]) -> list[Understanding]:
        self.threads.add(threading.current_thread().name)
        return [self._understand(turn) for turn in turns]

    def _understand(self, turn: Turn) -> Understanding:
        self.understood += 1
        if self.turns + 1 in self.bad_turns:
            self.bad_turns.discard(self.turns + 1)
            raise RuntimeError("a model broke")
        if turn.audio is not None and float(np.abs(turn.audio.samples).max()) < 0.01:
            return Understanding(transcript=Transcript("", rejected="noise"))
        words = turn.text or "spoken"
        return Understanding(text=words, verdict="ok", transcript=None if turn.text else Transcript(words))

    def answer(self, call_id: str, understood: Understanding) -> Answered:
        self.threads.add(threading.current_thread().name)
        self.turns += 1
        self.log.append(("answer", understood.text or understood.verdict))
        found = self.script.get(self.turns, Answered(f"You said {self.turns}."))
        if isinstance(found, Exception):
            raise found
        return replace(found, turn=self.turns)

    def greet(self, call_id: str, resumed: bool) -> str:
        self.log.append(("greet", "again" if resumed else "new"))
        return "Hello."

    def heard(self, call_id: str, turn: int, words: str) -> None:
        self.log.append(("heard", words))

    def asked(self, call_id: str) -> str:
        return self.question

    def summary(self, call_id: str) -> Mapping[str, Any]:
        return {"call_id": call_id, "doing": "return_item", "customer": {"name": "Ann"}}

    def say(self, text: str) -> Audio:
        self.threads.add(threading.current_thread().name)
        self.log.append(("say", text))
        return tone(self.seconds, RATE)


class Wire:
    """Twilio's end of a WebSocket, in memory."""

    def __init__(self) -> None:
        self.client_state = self.application_state = WebSocketState.CONNECTED
        self.headers = Headers()
        self.sent: list[dict[str, Any]] = []
        self.broken = False
        self._waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def receive(self) -> dict[str, Any]:
        message = await self._waiting.get()
        if message["type"] == "websocket.disconnect":
            self.client_state = WebSocketState.DISCONNECTED
        return message

    async def send_text(self, data: str) -> None:
        fields = json.loads(data)
        self.sent.append(fields)
        if fields["event"] == "mark":
            self.put(event="mark", streamSid="MZ", mark=fields["mark"])

    async def close(self, code: int = 1000, reason: str | None = None) -> None:
        self.application_state = WebSocketState.DISCONNECTED
        self.put_raw({"type": "websocket.disconnect", "code": code})

    def put_raw(self, message: dict[str, Any]) -> None:
        self._waiting.put_nowait(message)

    def put(self, **fields: Any) -> None:
        self.put_raw({"type": "websocket.receive", "text": json.dumps(fields)})

    def level(self, level: float, count: int = 2) -> None:
        """A frame that stands for what the caller does, and silence after it to fill the listener's step."""
        for one in (level, *([0.0] * (count - 1))):
            sound = Audio(np.full(160, one, dtype=np.float32), RATE)
            payload = b64encode(encode_mulaw(sound)).decode()
            self.put(event="media", streamSid="MZ", media={"payload": payload})

    def turn(self) -> None:
        self.level(BEGIN)
        self.level(FINISH)

    def key(self, key: str) -> None:
        self.put(event="dtmf", streamSid="MZ", dtmf={"digit": key})

    def hang_up(self) -> None:
        self.put(event="stop", streamSid="MZ")

    def vanish(self) -> None:
        self.put_raw({"type": "websocket.disconnect", "code": 1006})

    @property
    def seconds(self) -> float:
        """Sound that came back."""
        return len(self.sound) / RATE

    @property
    def sound(self) -> np.ndarray[Any, np.dtype[np.float32]]:
        parts = [b64decode(one["media"]["payload"]) for one in self.sent if one["event"] == "media"]
        return decode_mulaw(b"".join(parts), RATE).samples

    def events(self, name: str) -> int:
        return sum(one["event"] == name for one in self.sent)


@dataclass
class Office:
    """A desk whose agent goes by rule, in one event loop.

    Attributes:
        agent: who answers.
        manners: short times, so that tests are quick.
    """

    agent: RuleAgent = field(default_factory=RuleAgent)
    manners: Manners = field(default_factory=lambda: Manners(silence=60.0, keys=0.1, lead=0.05, drain=0.2))

    def __post_init__(self) -> None:
        self.store = Store("sqlite://")

    def desk(self) -> Desk:
        return Desk(Models(self.agent, Ears, self.manners), Ledger(self.store))

    def call(self, desk: Desk, wire: Wire, caller: str = "+1555") -> asyncio.Task[Any]:
        codec = Twilio()
        codec.decode(json.dumps({"event": "start", "start": {"streamSid": "MZ", "callSid": "CA"}}))
        line = Line(wire, CodecSerializer(codec), RATE)
        return asyncio.ensure_future(desk.take(line, Ticket("twilio", "CA", caller)))


async def until(true: Any, seconds: float = 20.0) -> None:
    """Wait until something holds; fail where it does not in time."""
    for _ in range(int(seconds / 0.01)):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come about")
