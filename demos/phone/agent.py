"""The agent as the telephone needs it: understanding in batches, and what a call says, hears and leaves behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from agent.agent import Agent
from agent.draft import HANDOFF
from agent.state import DialogueState
from agent.types import Action, Event, Turn, Understanding
from modalities.types import Audio
from modalities.voice.base import Voice

HANG_UP, LISTEN = "hang_up", "listen"
PHOTO = "photo"  # the slot that a photo fills


@dataclass(frozen=True)
class Answered:
    """What the agent answers to a turn.

    Attributes:
        text: the words.
        turn: number of the turn they answer.
        ends: the call is over once they are said.
        person: a person takes over once they are said.
        waits: the customer asked for a moment.
        photo: a photo is asked for.
        asks: "yes" may answer it.
    """

    text: str
    turn: int = 0
    ends: bool = False
    person: bool = False
    waits: bool = False
    photo: bool = False
    asks: bool = True


class PhoneAgent(Protocol):
    """Who answers the telephone; all of it synchronous, called in workers."""

    def understand(self, turns: Sequence[Turn]) -> list[Understanding]:
        """What was meant, in one batch."""
        ...

    def answer(self, call_id: str, understood: Understanding) -> Answered:
        """Decide and act."""
        ...

    def greet(self, call_id: str, resumed: bool) -> str:
        """The first words of a call, kept in its history."""
        ...

    def heard(self, call_id: str, turn: int, words: str) -> None:
        """Of the agent's last words the caller heard only these."""
        ...

    def asked(self, call_id: str) -> str:
        """What kind of question is open: "confirm", "slot", ... or empty."""
        ...

    def summary(self, call_id: str) -> Mapping[str, Any]:
        """Everything a person who takes over needs."""
        ...

    def say(self, text: str) -> Audio:
        """Words in the agent's voice."""
        ...


class Answerer:
    """The `PhoneAgent` over `agent.Agent`."""

    def __init__(self, agent: Agent) -> None:
        if agent.manager is None:
            raise ValueError("this pack can understand, but not answer")
        self._agent, self._manager = agent, agent.manager

    @property
    def voice(self) -> Voice:
        """The agent's voice."""
        return self._agent.parts.voice

    def understand(self, turns: Sequence[Turn]) -> list[Understanding]:
        """What was meant, in one batch."""
        return self._agent.understand(turns)

    def answer(self, call_id: str, understood: Understanding) -> Answered:
        """Decide and act."""
        answer = self._manager.turn(call_id, understood, "phone")
        question = self._manager.state(call_id).question
        found = answered(answer.text, answer.action, answer.events)
        return replace(found, photo=PHOTO in question.slots, asks=bool(question.kind))

    def greet(self, call_id: str, resumed: bool) -> str:
        """The first words: the pack's greeting, or what was last said where the call goes on."""
        self._manager.open(call_id, "phone")
        state = self._manager.state(call_id)
        if resumed and state.turn:
            return f"Hello again. We were cut off. {_last(state)}".strip()
        greeting = Action("say", {"key": "greet", "facts": {}})
        text = self._manager.replies.render((), greeting, call_id=call_id, turn=0, channel="phone")
        self._manager.store.append(call_id, [Event("said", {"text": text}, 0)])
        return text

    def heard(self, call_id: str, turn: int, words: str) -> None:
        """Of the agent's last words the caller heard only these; the history says so from here on."""
        self._manager.store.append(call_id, [Event("said", {"text": words, "cut_short": True}, turn)])

    def asked(self, call_id: str) -> str:
        """What kind of question is open."""
        return self._manager.state(call_id).question.kind

    def summary(self, call_id: str) -> Mapping[str, Any]:
        """Wishes and how they ended, facts, who is calling, and all that was said."""
        events = self._manager.store.events(call_id)
        state = self._manager.state(call_id)
        lines = [_line(event) for event in events if event.type in ("heard", "said")]
        return {
            "call_id": call_id,
            "customer": dict(state.customer or {}),
            "doing": state.flow,
            "waiting": [wish.intent for wish in (*state.paused, *state.queue)],
            "done": [list(entry) for entry in state.history],
            "facts": dict(state.facts),
            "said": lines,
        }

    def say(self, text: str) -> Audio:
        """Words in the agent's voice."""
        return self._agent.say(text)


def answered(text: str, action: Action, events: Sequence[Event]) -> Answered:
    """What a turn's words, action and events mean for the line."""
    person = action.name == HANDOFF or any(event.type == "handed_off" for event in events)
    ends = action.name == HANG_UP or any(event.type == "closed" for event in events)
    return Answered(text, events[-1].turn if events else 0, ends, person, action.name == LISTEN)


def _last(state: DialogueState) -> str:
    return state.said or "How can I help?"


def _line(event: Event) -> Mapping[str, str]:
    who = "customer" if event.type == "heard" else "agent"
    return {"who": who, "text": str(event.data.get("text", ""))}
