"""The agent as the page needs it: as the telephone does, and with all that is shown beside the conversation."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

from agent.domain import Pack
from agent.store import Store
from agent.types import Channel, Reply, Turn, Understanding
from demos.phone.agent import Answerer

Who = Literal["customer", "agent", "person"]


@dataclass(frozen=True)
class Line:
    """A line of the conversation: who said it, the words, and the person's name where it was one."""

    who: Who
    text: str
    name: str = ""


class PageAgent(Answerer):
    """The `PhoneAgent` over `agent.Agent` that also tells what led to its words."""

    @property
    def pack(self) -> Pack:
        """The company's pack."""
        return self._agent.parts.pack

    @property
    def store(self) -> Store:
        """Where the calls are."""
        return self._manager.store

    def reply(self, call_id: str, understood: Understanding, channel: Channel) -> Reply:
        """Decide and act; the whole of what came of it, without sound."""
        started = time.perf_counter()
        answer = self._manager.turn(call_id, understood, channel)
        timings = {**understood.timings_ms, **answer.timings_ms}
        timings["total"] = 1000 * (time.perf_counter() - started) + sum(understood.timings_ms.values())
        return Reply(
            answer.text, answer.action, understood, None, answer.events, answer.changes, answer.reason, timings
        )

    def explained(self, turn: Turn) -> Understanding:
        """A turn with what carried its decision; nothing is decided or stored."""
        return self._agent.understand([turn], explain=True)[0]

    def began(self, call_id: str) -> bool:
        """Whether anything was said in this conversation."""
        return bool(self._manager.store.events(call_id))

    def lines(self, call_id: str) -> list[Line]:
        """The conversation so far."""
        found = []
        for event in self._manager.store.events(call_id):
            text, by = str(event.data.get("text", "")), str(event.data.get("by", ""))
            if event.type == "heard" and text:
                found.append(Line("customer", text))
            elif event.type == "said" and text and not event.data.get("cut_short"):
                found.append(Line("person" if by else "agent", text, by))
        return found
