"""Where a call stands: derived from its events alone, so that any call can be replayed and resumed.

Each event type has one small function that says what it makes of the state; no rule of conversation lives here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from agent.types import Action, Event

Values = Mapping[str, Any]

ANSWER_WORDS = 6
"""A yes or a no in no more words than this says nothing about how the customer feels."""


@dataclass(frozen=True)
class Wish:
    """Something the customer wants, with the facts that came with it."""

    intent: str
    facts: Values = field(default_factory=dict)


@dataclass(frozen=True)
class Question:
    """What the agent is waiting for.

    Attributes:
        kind: "slot", "confirm", "offer", "clarify", "more" (anything else?) or empty when nothing is open.
        slots: for "slot": any of these answers it.
        intents: for "offer" and "clarify": the wishes it is about.
        key: the reply key it was put with.
        facts: for "offer": what the wish that failed already knew.
    """

    kind: str = ""
    slots: tuple[str, ...] = ()
    intents: tuple[str, ...] = ()
    key: str = ""
    facts: Values = field(default_factory=dict)


@dataclass(frozen=True)
class DialogueState:
    """Everything the policy knows of a call.

    Attributes:
        turn: number of the customer's turn, from 1.
        text: the customer's words of this turn.
        likely: intents of this turn and their chances.
        strange: the chance that this turn is out of scope.
        facts: slot -> value, for this wish and the call.
        sources: slot -> where its value came from: "words", "photo", "profile", or "carried" over from an earlier wish.
        declined: slots the customer was asked for and could not give.
        flow: the wish being fulfilled, or empty.
        paused: wishes interrupted by another, the last one first to go on with.
        queue: wishes still to come.
        question: what the customer was asked.
        preview: what the action would come to, and the arguments it was worked out for.
        tries: how often each question was asked since it was last answered.
        failures, silences, negatives: turns in a row not understood, without words, unhappy.
        refused: times the customer could not be identified.
        tried: the facts that proved nobody.
        spoken: whether words of this turn, or of one since the wish began, were heard rather than typed.
        unsure: whether the wish was taken up without being sure of it.
        customer: who is calling, once proved: customer_id, name, email.
        pending: an operation that was decided and whose result is not in yet.
        previewing: whether the pending operation is only a preview.
        actions: operations so far in this turn.
        unsaid: the last decision, as long as nothing was said after it.
        said: the agent's previous words.
        parts: reply keys and facts to be said in this turn.
        history: wishes done with, and how each ended.
        handed_off: a person was asked to take over.
        closed: the call is over.
    """

    turn: int = 0
    text: str = ""
    likely: Mapping[str, float] = field(default_factory=dict)
    strange: float = 0.0
    facts: Values = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    declined: frozenset[str] = frozenset()
    flow: str = ""
    paused: tuple[Wish, ...] = ()
    queue: tuple[Wish, ...] = ()
    question: Question = Question()
    preview: Values | None = None
    previewed: Values = field(default_factory=dict)
    tries: Mapping[str, int] = field(default_factory=dict)
    failures: int = 0
    silences: int = 0
    negatives: int = 0
    refused: int = 0
    tried: Values = field(default_factory=dict)
    spoken: bool = False
    unsure: bool = False
    customer: Values | None = None
    pending: Action | None = None
    previewing: bool = False
    actions: int = 0
    unsaid: Action | None = None
    said: str = ""
    parts: tuple[tuple[str, Values], ...] = ()
    history: tuple[tuple[str, str], ...] = ()
    handed_off: bool = False
    closed: bool = False

    @property
    def customer_id(self) -> int | None:
        """The id of the customer, once proved."""
        return None if self.customer is None else int(self.customer["customer_id"])


Change = Callable[[DialogueState, Values], DialogueState]


def _heard(state: DialogueState, data: Values) -> DialogueState:
    silent = data.get("verdict") == "no_speech" and not data.get("photo")
    negatives = state.negatives
    if not (silent or _only_answers(data)):
        negatives = negatives + 1 if data.get("sentiment") == "negative" else 0
    return replace(
        state,
        turn=state.turn + 1,
        text=str(data.get("text", "")),
        likely=dict(data.get("intents", ())),
        strange=float(data.get("strange", 0.0)),
        actions=0,
        parts=(),
        silences=state.silences + 1 if silent else 0,
        negatives=negatives,
        closed=False,
        spoken=bool(data.get("spoken")) or (state.spoken and bool(state.flow)),
    )


def _only_answers(data: Values) -> bool:
    """Whether a turn is but a short answer: "no, I don't have it" sounds unhappy and is not."""
    meant = {name for name, _ in data.get("intents", ())[: data.get("wanted", 0)]}
    if meant and meant <= {"affirm", "deny"}:
        return len(str(data.get("text", "")).split()) <= ANSWER_WORDS
    return bool(meant) and meant <= {"inform", "affirm", "deny"} and bool(data.get("entities"))


def _fact(state: DialogueState, data: Values) -> DialogueState:
    name = data["slot"]
    facts = {**state.facts, name: data["value"]}
    return replace(
        state,
        facts=facts,
        sources={**state.sources, name: data.get("source", "words")},
        declined=state.declined - {name},
    )


def _forgot(state: DialogueState, data: Values) -> DialogueState:
    gone = set(data["slots"])
    return replace(
        state,
        facts={k: v for k, v in state.facts.items() if k not in gone},
        sources={k: v for k, v in state.sources.items() if k not in gone},
        declined=state.declined - gone,
    )


def _declined(state: DialogueState, data: Values) -> DialogueState:
    return replace(state, declined=state.declined | set(data["slots"]))


def _queued(state: DialogueState, data: Values) -> DialogueState:
    return replace(state, queue=(*state.queue, Wish(data["intent"], data.get("facts", {}))))


def _started(state: DialogueState, data: Values) -> DialogueState:
    queue = state.queue[1:] if data.get("queued") else state.queue
    sources = dict.fromkeys(state.sources, "carried")
    unsure = not data.get("sure", True)
    return _fresh(replace(state, flow=data["intent"], queue=queue, sources=sources, unsure=unsure))


def _paused(state: DialogueState, data: Values) -> DialogueState:
    own = {k: v for k, v in state.facts.items() if k in data["slots"]}
    paused = (*state.paused, Wish(state.flow, own))
    return _fresh(replace(_forgot(state, data), flow="", paused=paused))


def _resumed(state: DialogueState, data: Values) -> DialogueState:
    wish = state.paused[-1]
    return _fresh(replace(state, flow=wish.intent, paused=state.paused[:-1], facts={**state.facts, **wish.facts}))


def _ended(state: DialogueState, data: Values) -> DialogueState:
    history = (*state.history, (state.flow, str(data["outcome"])))
    return _fresh(replace(_forgot(state, data), flow="", history=history))


def _fresh(state: DialogueState) -> DialogueState:
    return replace(state, question=Question(), preview=None, previewed={}, tries={}, failures=0)


def _asked(state: DialogueState, data: Values) -> DialogueState:
    asked = Question(
        data["kind"],
        tuple(data.get("slots", ())),
        tuple(data.get("intents", ())),
        data.get("key", ""),
        data.get("facts", {}),
    )
    tries = dict(state.tries)
    if asked.kind == "slot":
        about = "|".join(asked.slots)
        tries[about] = tries.get(about, 0) + 1
    return replace(state, question=asked, tries=tries)


def _answered(state: DialogueState, data: Values) -> DialogueState:
    return replace(state, question=Question(), failures=0)


def _act(state: DialogueState, data: Values) -> DialogueState:
    action = Action(data["name"], data["arguments"])
    return replace(state, pending=action, previewing=bool(data.get("preview")), actions=state.actions + 1)


def _result(state: DialogueState, data: Values) -> DialogueState:
    asked_for = state.pending.arguments if state.pending else {}
    state = replace(state, pending=None, previewing=False)
    if data.get("preview"):
        return replace(state, preview=data["data"] if data["ok"] else None, previewed=asked_for)
    return state


def _said(state: DialogueState, data: Values) -> DialogueState:
    return replace(state, said=str(data["text"]), unsaid=None)


def _decided(state: DialogueState, data: Values) -> DialogueState:
    return replace(state, unsaid=Action(data["action"], data["arguments"]))


def _part(state: DialogueState, data: Values) -> DialogueState:
    return replace(state, parts=(*state.parts, (data["key"], data.get("facts", {}))))


EFFECTS: Mapping[str, Change] = {
    "heard": _heard,
    "fact": _fact,
    "forgot": _forgot,
    "declined": _declined,
    "queued": _queued,
    "started": _started,
    "paused": _paused,
    "resumed": _resumed,
    "ended": _ended,
    "asked": _asked,
    "answered": _answered,
    "upset": lambda state, data: replace(state, negatives=int(data["times"])),
    "failed": lambda state, _: replace(state, failures=state.failures + 1),
    "refused": lambda state, data: replace(state, refused=state.refused + 1, tried=data.get("facts", {})),
    "act": _act,
    "result": _result,
    "customer": lambda state, data: replace(state, customer=dict(data)),
    "part": _part,
    "said": _said,
    "decided": _decided,
    "handed_off": lambda state, _: replace(state, handed_off=True),
    "handed_back": lambda state, _: replace(state, handed_off=False),
    "dropped": lambda state, _: replace(state, queue=(), paused=()),
    "closed": lambda state, _: replace(state, closed=True),
}
"""What each type of event makes of the state. Events of other types are notes and change nothing."""


def apply(state: DialogueState, event: Event) -> DialogueState:
    """The state after one more event."""
    effect = EFFECTS.get(event.type)
    return effect(state, event.data) if effect else state


def replay(events: Iterable[Event], state: DialogueState | None = None) -> DialogueState:
    """The state after these events, from the start of a call or from a state."""
    state = state or DialogueState()
    for event in events:
        state = apply(state, event)
    return state
