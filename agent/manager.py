"""One call, turn by turn, without models: decide, perform, decide again, and put it into words.

Every decision is in the store before it is performed, and every result before the next decision. So when the
program dies at any moment, the next turn finishes what was left open, and nothing is done twice.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from agent.actions import Articles, Backend, perform
from agent.dialogue import HANDOFF, SPEECH, Policy, Step
from agent.errors import InputError
from agent.flows import Flows
from agent.replies import Replies
from agent.state import DialogueState, replay
from agent.store import Store
from agent.types import Action, Change, Channel, Event, Understanding

LOCKS = 64
"""Turns of one call wait for each other; calls share this many locks."""


@dataclass(frozen=True)
class Answer:
    """What came of one turn.

    Attributes:
        text: the words.
        action: the last action taken: an operation when words only told of its result, else the words' own.
        events: what the turn added to the call.
        changes: the rows it changed.
        reason: why, in one line.
        timings_ms: milliseconds by stage.
    """

    text: str
    action: Action
    events: tuple[Event, ...] = ()
    changes: tuple[Change, ...] = ()
    reason: str = ""
    timings_ms: Mapping[str, float] = field(default_factory=dict)


class Manager:
    """Runs calls over a pack's flows.

    Args:
        flows: the pack's flows.
        replies: the pack's words.
        backend: the company's systems.
        articles: the help articles, if there are any.
        store: keeps the calls.
        clock: seconds, for timings.
        rephrase: may put a reply in other words, with the same facts.
    """

    def __init__(
        self,
        flows: Flows,
        replies: Replies,
        backend: Backend,
        articles: Articles | None,
        store: Store,
        clock: Callable[[], float] = time.perf_counter,
        rephrase: Callable[[str], str] | None = None,
    ) -> None:
        self.rephrase = rephrase
        self.policy = Policy(flows)
        self.replies, self.backend, self.articles, self.store = replies, backend, articles, store
        self._clock = clock
        self._locks = [threading.Lock() for _ in range(LOCKS)]

    def open(self, call_id: str, channel: Channel = "text", customer_id: int | None = None) -> None:
        """Begin a call; `customer_id` tells who it is when the line or a login has proved it.

        Raises:
            InputError: the shop has no such customer.
        """
        _check(call_id)
        self.store.open_call(call_id, channel)
        if customer_id is None:
            return
        result = perform(Action("recognise"), self.backend, None, (call_id, 0), customer_id=customer_id)
        if not result.ok:
            raise InputError("the shop knows no active customer of this id; leave customer_id out")
        self.store.append(call_id, [Event("customer", result.data)])

    def state(self, call_id: str) -> DialogueState:
        """Where a call stands."""
        return replay(self.store.events(call_id))

    def turn(self, call_id: str, understanding: Understanding, channel: Channel = "text") -> Answer:
        """Answer one turn of a call; a call not opened yet is.

        Raises:
            InputError: the call id is empty or too long.
            BackendError: the store did not answer; the turn may be sent again.
        """
        _check(call_id)
        with self._locks[hash(call_id) % LOCKS]:
            run = _Run(self, call_id, channel)
            run.load()
            late = run.finish() if run.state.unsaid else ""
            run.take(understanding)
            text = run.finish()
            return run.answer(f"{late} {text}".strip())


class _Run:
    """One turn being worked on."""

    def __init__(self, manager: Manager, call_id: str, channel: Channel) -> None:
        self.manager, self.call_id, self.channel = manager, call_id, channel
        self.state = DialogueState()
        self.events: list[Event] = []
        self.fresh: list[Event] = []
        self.changes: list[Change] = []
        self.step = Step((), Action("listen"), "")
        self.done: Action | None = None
        self.timings: dict[str, float] = {}

    def load(self) -> None:
        """Where the call stands."""
        start = self.manager._clock()
        stored = self.manager.store.events(self.call_id)
        if not stored:
            self.manager.store.open_call(self.call_id, self.channel)
        self.state = replay(stored)
        if self.state.unsaid is not None:
            self.step = Step((), self.state.unsaid, "")
        self.spent("store", start)

    def spent(self, stage: str, start: float) -> None:
        """Add to a stage's time."""
        self.timings[stage] = self.timings.get(stage, 0.0) + (self.manager._clock() - start) * 1000

    def follow(self, step: Step) -> None:
        """Take a decision into the state."""
        self.step = step
        self.state = replay(step.events, self.state)
        self.fresh += step.events

    def save(self) -> None:
        """Put what is new into the store, if anything is."""
        start = self.manager._clock()
        self.manager.store.append(self.call_id, self.fresh)
        self.events += self.fresh
        self.fresh = []
        self.spent("store", start)

    def take(self, understanding: Understanding) -> None:
        """Decide about the customer's turn."""
        start = self.manager._clock()
        self.follow(self.manager.policy.take(self.state, understanding))
        self.spent("policy", start)

    def finish(self) -> str:
        """Perform and decide until there are only words left; gives back the words."""
        self.save()
        while self.state.pending is not None:
            self.perform(self.state.pending)
            self.save()
        start = self.manager._clock()
        text = self.manager.replies.render(
            self.state.parts, self.step.action, call_id=self.call_id, turn=self.state.turn, channel=self.channel,
            upset=self.state.negatives > 0,
        )  # fmt: skip
        if self.manager.rephrase is not None:
            text = self.manager.rephrase(text)
        self.spent("replies", start)
        said = Event("said", {"text": text}, self.state.turn)
        self.state = replay([said], self.state)
        self.fresh.append(said)
        self.save()
        return text

    def perform(self, action: Action) -> None:
        """Carry out what is pending, and decide what follows."""
        start = self.manager._clock()
        if action.name == HANDOFF:  # whoever takes over finds the call by its id
            action = Action(HANDOFF, {"summary": {**action.arguments.get("summary", {}), "call": self.call_id}})
        result = perform(
            action,
            self.manager.backend,
            self.manager.articles,
            (self.call_id, self.state.turn),
            customer_id=self.state.customer_id,
            preview=self.state.previewing,
        )
        self.spent("backend", start)
        if not self.state.previewing:
            self.done = None if action.name in self.manager.policy.look_ups else action
            self.changes += result.changes
        start = self.manager._clock()
        self.follow(self.manager.policy.after(self.state, result))
        self.spent("policy", start)

    def answer(self, text: str) -> Answer:
        """The turn as told to the caller."""
        told = self.step.action.name in ("say", "listen") and self.done is not None
        action = self.done if told and self.done else self.step.action
        assert action.name in SPEECH or told
        return Answer(text, action, tuple(self.events), tuple(self.changes), self.step.reason, dict(self.timings))


def _check(call_id: str) -> None:
    if not call_id or len(call_id) > 200:
        raise InputError(f"a call id needs 1 to 200 characters, this one has {len(call_id)}")
