"""A hands-free call in the browser, on the telephone's own pipeline: 16-bit sound at 16 kHz both ways, JSON beside it.

What is understood and answered is told to the page.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from starlette.websockets import WebSocket

from agent.types import Reply, Turn, Understanding
from demos.carriers.events import MAX_MESSAGE, Happening, Message, Played, Sound, Stopped, short
from demos.carriers.payload import read
from demos.carriers.serializers import CodecSerializer
from demos.page.house import House
from demos.page.talk import asked, listened, panel
from demos.page.visitors import Visitor
from demos.phone.agent import Answered, answered
from demos.phone.answering import Answering
from demos.phone.ledger import Entry
from demos.phone.pipeline import Line, hold
from modalities.types import Audio

RATE = 16_000
GO_ON = "I'm listening."


class BrowserCodec:
    """The `Codec` of the page's own call connection."""

    def __init__(self) -> None:
        self.rate, self.refused = RATE, 0

    def decode(self, message: Message) -> tuple[Happening, ...]:
        """What one message tells."""
        happened = self._sound(message) if isinstance(message, bytes) else self._control(message)
        self.refused += not happened
        return happened

    def _sound(self, message: bytes) -> tuple[Happening, ...]:
        usable = 0 < len(message) <= MAX_MESSAGE and len(message) % 2 == 0
        return (Sound(message),) if usable else ()

    def _control(self, message: str) -> tuple[Happening, ...]:
        fields = read(message) or {}
        if fields.get("event") == "played":
            return (Played(name),) if (name := short(fields.get("name"))) else ()
        return (Stopped(),) if fields.get("event") == "stop" else ()

    def sound(self, pcm: bytes) -> tuple[Message, ...]:
        """A binary message."""
        return (pcm,)

    def clear(self) -> tuple[Message, ...]:
        """Throw away what was not played."""
        return (json.dumps({"event": "clear"}),)

    def mark(self, name: str) -> tuple[Message, ...]:
        """Ask to be told when all that was sent has been played."""
        return (json.dumps({"event": "mark", "name": name}),)

    def hang_up(self) -> tuple[Message, ...]:
        """The call is over."""
        return (json.dumps({"event": "over"}),)


class CallAgent:
    """The `PhoneAgent` of one hands-free call: as all are answered, and told to the visitor's page. In workers.

    Args:
        house: what all visitors share.
        visitor: whose call it is.
    """

    def __init__(self, house: House, visitor: Visitor) -> None:
        self._house, self._visitor, self._agent = house, visitor, house.agent

    def understand(self, turns: Sequence[Turn]) -> list[Understanding]:
        """What was meant, in one batch."""
        return self._agent.understand(turns)

    def answer(self, call_id: str, understood: Understanding) -> Answered:
        """Decide and act, unless a person has the call; the page is told either way."""
        if understood.transcript is not None:
            self._tell("heard", text=understood.text)
        if listened(self._house, call_id, understood):
            return Answered("")
        reply = self._agent.reply(call_id, understood, "voice")
        self._tell("reply", text=reply.text)
        self._house.soon(self._show, reply)
        return answered(reply.text, reply.action, reply.events)

    def _show(self, reply: Reply) -> None:
        """Tell the page what led to the words; on the event loop."""
        image = self._visitor.asked.image if self._visitor.asked is not None else None
        if reply.understanding.image is None:
            image = None
        self._visitor.asked = asked(Turn(image=image), reply.understanding)
        self._house.keep(self._panel(reply, image))

    async def _panel(self, reply: Reply, image: Any) -> None:
        self._visitor.tell("panel", html=await self._house.models.run(lambda: panel(reply, image)))

    def greet(self, call_id: str, resumed: bool) -> str:
        """The pack's greeting, or a few words where the conversation has begun in writing."""
        text = GO_ON if self._agent.began(call_id) else self._agent.greet(call_id, resumed)
        self._tell("reply", text=text)
        return text

    def heard(self, call_id: str, turn: int, words: str) -> None:
        """Of the agent's last words the customer heard only these."""
        self._agent.heard(call_id, turn, words)

    def asked(self, call_id: str) -> str:
        """What kind of question is open."""
        return self._agent.asked(call_id)

    def summary(self, call_id: str) -> Mapping[str, Any]:
        """Everything a person who takes over needs."""
        return self._agent.summary(call_id)

    def say(self, text: str) -> Audio:
        """Words in the agent's voice."""
        return self._agent.say(text)

    def _tell(self, event: str, **fields: Any) -> None:
        self._house.soon(self._visitor.tell, event, **fields)


async def call(house: House, visitor: Visitor, socket: WebSocket) -> str:
    """Hold a visitor's hands-free call to its end, once there is a free line; how it ended.

    Args:
        house: what all visitors share.
        visitor: whose call it is.
        socket: its connection, accepted.
    """
    line = Line(socket, CodecSerializer(BrowserCodec()), RATE, transfers=False)
    entry = Entry(0, visitor.call_id)

    def begun(answering: Answering) -> None:
        visitor.live = answering
        visitor.tell("call", state="open")

    try:
        held = await hold(
            line, entry, house.models, _ignore, lambda ending: None, agent=CallAgent(house, visitor), begun=begun
        )
        return held.ending
    finally:
        if visitor.call_id == entry.call_id:
            visitor.live = None
        visitor.tell("call", state="over")


def _ignore(close: Callable[[], Awaitable[None]]) -> None:
    """The page's calls end when their pages are told; nobody waits for them."""
