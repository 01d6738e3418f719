"""A decision in the making: the events it adds to the call, and the state they lead to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent.flows import Flow, Flows
from agent.state import DialogueState, apply
from agent.types import Action, Event

SPEECH = frozenset({"ask", "confirm", "clarify", "say", "hang_up", "listen"})
"""The actions that end a turn with words; every other one is performed first."""

HANDOFF = "handoff"


@dataclass(frozen=True)
class Step:
    """What the policy decided.

    Attributes:
        events: what this adds to the call.
        action: what to do: perform it when it is no `SPEECH`, else say it and listen.
        reason: why, in one line, for people.
    """

    events: tuple[Event, ...]
    action: Action
    reason: str


class Draft:
    """A step in the making: events so far, and the state they lead to."""

    def __init__(self, state: DialogueState, flows: Flows) -> None:
        self.state, self.flows = state, flows
        self.events: list[Event] = []

    def add(self, type_: str, **data: Any) -> None:
        """One more event, and the state after it."""
        event = Event(type_, data, self.state.turn + (type_ == "heard"))
        self.events.append(event)
        self.state = apply(self.state, event)

    @property
    def flow(self) -> Flow | None:
        """The wish being fulfilled."""
        return self.flows.flows.get(self.state.flow)

    def own_slots(self) -> list[str]:
        """The slots that end with the wish being fulfilled."""
        return [name for name in (self.flow.slots if self.flow else ()) if not self.flows.slots[name].carry]

    def say(self, key: str, **facts: Any) -> None:
        """Words to come before whatever ends the turn."""
        if key:
            self.add("part", key=key, facts=facts)

    def end(self, outcome: str) -> None:
        """Be done with the wish being fulfilled."""
        if self.state.flow:
            self.add("ended", outcome=outcome, slots=self.own_slots())

    def step(self, action: Action, reason: str) -> Step:
        """The finished step."""
        self.add("decided", action=action.name, arguments=dict(action.arguments), reason=reason)
        return Step(tuple(self.events), action, reason)

    def perform(self, name: str, arguments: Mapping[str, Any], reason: str, *, preview: bool = False) -> Step:
        """A step whose action must be performed."""
        action = Action(name, dict(arguments))
        self.add("act", name=name, arguments=action.arguments, preview=preview)
        return self.step(action, reason)

    def speak(self, name: str, reason: str, key: str = "", facts: Mapping[str, Any] | None = None) -> Step:
        """A step that ends the turn with words."""
        arguments = {"key": key, "facts": dict(facts or {})} if key else {}
        return self.step(Action(name, arguments), reason)
