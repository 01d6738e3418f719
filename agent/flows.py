"""A pack's flows: for each wish, what must be known, whether to confirm, what to do, and what may go wrong.

    [limits]            tries, failures, silences, negatives, actions, switch, sure, margin
    [identify]          action, facts, ask: how a customer proves who they are
    [photos]            match, slot, suggests: what a photo alone can do
    [words]             old: what stands before a value that no longer holds ("not", "instead of");
                        join: what ties a second wish to the first ("and", "also");
                        first, second: what chooses between two; handoff: what is for a person ("my lawyer");
                        lack: what says that a fact asked for is not at hand ("I don't have it")
    [help]              done: what an article is read out with that answers what no flow does
    [slots.NAME]        entity, from, carry, free, form, after
    [operations.NAME]   ticket, arguments, customer: what the pack asks of systems that work off tickets
    [errors]            CODE = {say, ask, offer, then, handoff}, for every flow
    [flows.INTENT]      customer, needs, once, takes, action, query, confirm, unsure, done, next, denied,
                        handoff_above, checks, sorry, alone, errors

Checked as a whole when read: every name must exist, every step must be reachable, and no flow may lead back to
itself by itself. What flows are about is not known here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, Protocol

MOVES = frozenset(
    {
        "affirm",
        "capabilities",
        "deny",
        "goodbye",
        "greet",
        "human_agent",
        "inform",
        "never_mind",
        "repeat",
        "thanks",
        "wait",
    }
)
"""The intents the policy answers by itself; every other intent of a pack needs a flow."""

SOURCES = ("words", "photo", "profile", "backend", "keypad")
ANSWER = "answer"
"""The action of a flow that is answered from the help articles."""


class OperationLike(Protocol):
    """What flows need to know of a backend's operation."""

    @property
    def arguments(self) -> frozenset[str]: ...  # noqa: D102
    @property
    def changes(self) -> bool: ...  # noqa: D102


@dataclass(frozen=True)
class Request:
    """An operation that a pack declares, so that it needs no code: it opens a ticket with the facts given.

    The company's systems, or its people, work the ticket off.

    Attributes:
        name: what flows call it.
        ticket: the kind of ticket.
        arguments: the slots written into it.
        customer: whether it must be known whose call this is.
        changes: always; so it is previewed before a confirmation, and done once.
    """

    name: str
    ticket: str
    arguments: frozenset[str]
    customer: bool = True
    changes: bool = True


@dataclass(frozen=True)
class Limits:
    """How often before a person is asked to help.

    Attributes:
        tries: times one question is asked.
        failures: turns in a row that were not understood.
        silences: turns in a row without words before hanging up.
        negatives: unhappy turns in a row.
        actions: operations in one turn.
        switch: confidence from which a second wish is taken for one, and an answer that fits the question for a wish.
        sure: confidence of a wish from which a change that needs no confirmation is made without one.
        margin: by how much "yes" must be surer than "no" before anything is changed.
    """

    tries: int = 3
    failures: int = 3
    silences: int = 3
    negatives: int = 3
    actions: int = 8
    switch: float = 0.8
    sure: float = 0.9
    margin: float = 0.2


@dataclass(frozen=True)
class Slot:
    """A fact a flow works with.

    Attributes:
        name: what operations call it.
        entity: the entity type that fills it; empty when words alone never do.
        sources: where it may come from; "backend" means the shop can find it once the customer is known, "keypad" that
            it is digits, which can be typed on a telephone when words fail.
        carry: kept for the rest of the call, not only for this flow.
        free: an answer to its question fills it, whatever the words.
        form: a regular expression; what has this form in an answer fills it when the tagger found nothing.
        after: a slot right behind whose value this form is also looked for: a ZIP code behind an address.
    """

    name: str
    entity: str = ""
    sources: tuple[str, ...] = ("words",)
    carry: bool = False
    free: bool = False
    form: str = ""
    after: str = ""


@dataclass(frozen=True)
class Outcome:
    """What follows an error: words, then one of asking a slot again, offering or starting a flow, or a person."""

    say: str = ""
    ask: str = ""
    offer: str = ""
    then: str = ""
    handoff: bool = False


@dataclass(frozen=True)
class Identify:
    """How a customer proves who they are.

    Attributes:
        action: the operation that finds the customer.
        facts: the slots that count.
        ask: what to ask for, in order; each a group of slots any of which will do.
        needs: how many facts before it is tried.
    """

    action: str = ""
    facts: tuple[str, ...] = ()
    ask: tuple[tuple[str, ...], ...] = ()
    needs: int = 2


@dataclass(frozen=True)
class Photos:
    """What photos do: the operation that finds the slot a receipt stands for, and the wishes a photo alone suggests."""

    match: str = ""
    slot: str = ""
    suggests: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Flow:
    """How one wish is fulfilled.

    Attributes:
        name: the intent, or a name of its own when another flow leads here.
        action: the operation, or "answer".
        customer: whether the customer must be known.
        needs: groups of slots; one of each group must be known.
        once: slots asked for once, and done without.
        takes: slots used when given.
        query: for "answer": what to look for when the customer's words find nothing.
        confirm: reply key of the question before anything is changed; empty to do it at once.
        unsure: the same, asked only when the words were spoken, or the wish was not sure.
        done: reply key of the good end.
        next: what follows the good end: an offer, another flow, or a person.
        denied: what follows a "no" to the confirmation.
        handoff_above: a refund or price above this many units of money is for a person; 0 for no limit.
        checks: the rules the operation holds.
        errors: what follows each error code.
        sorry: the wish tells of something that went wrong, so it begins with an apology.
        alone: what sounds like it beside another wish, or in the middle of one, is only said in anger.
        changes: whether the action changes rows.
    """

    name: str
    action: str
    customer: bool = False
    needs: tuple[tuple[str, ...], ...] = ()
    once: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    query: str = ""
    confirm: str = ""
    unsure: str = ""
    done: str = ""
    next: Outcome | None = None
    denied: Outcome = Outcome("not_done")
    handoff_above: float = 0.0
    checks: Mapping[str, Any] = field(default_factory=dict)
    errors: Mapping[str, Outcome] = field(default_factory=dict)
    sorry: bool = False
    alone: bool = False
    changes: bool = False

    @property
    def slots(self) -> tuple[str, ...]:
        """Every slot it uses, those asked for first."""
        asked = [name for group in self.needs for name in group]
        return (*asked, *self.once, *self.takes)

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """Everything that may follow it."""
        return (*self.errors.values(), self.denied, *([self.next] if self.next else []))


@dataclass(frozen=True)
class Flows:
    """All flows of a pack, checked."""

    flows: Mapping[str, Flow]
    slots: Mapping[str, Slot]
    errors: Mapping[str, Outcome]
    limits: Limits = Limits()
    identify: Identify = Identify()
    photos: Photos = Photos()
    requests: Mapping[str, Request] = field(default_factory=dict)
    old_words: tuple[str, ...] = ()
    join_words: tuple[str, ...] = ()
    place_words: tuple[tuple[str, ...], ...] = ()
    handoff_words: tuple[str, ...] = ()
    lack_words: tuple[str, ...] = ()
    help: str = ""

    @classmethod
    def load(
        cls,
        path: str | PathLike[str],
        intents: Collection[str],
        entities: Collection[str],
        operations: Mapping[str, OperationLike],
    ) -> Flows:
        """Read and check a flows.toml.

        Args:
            path: the file.
            intents: the pack's intents.
            entities: the pack's entity types.
            operations: what the backend can do.

        Raises:
            PackError: something is missing or wrong; names the file and the line.
        """
        from agent.flow_reader import read_flows

        return read_flows(Path(path), frozenset(intents), frozenset(entities), operations)

    @property
    def checks(self) -> dict[str, Mapping[str, Any]]:
        """The rules of each operation, for the backend."""
        return {flow.action: flow.checks for flow in self.flows.values() if flow.checks}

    @property
    def keys(self) -> frozenset[str]:
        """Every reply key the flows can come to."""
        every = [*self.errors.values(), *(o for f in self.flows.values() for o in f.outcomes)]
        said = {o.say for o in every} | {k for f in self.flows.values() for k in (f.confirm, f.unsure, f.done)}
        offers = {f"offer_{o.offer}" for o in every if o.offer}
        groups = {g for f in self.flows.values() for g in (*f.needs, *((s,) for s in f.once))}
        groups |= {(o.ask,) for o in every if o.ask} | set(self.identify.ask)
        return frozenset(said | offers | {self.help} | {question(group) for group in groups}) - {""}


def question(group: Iterable[str]) -> str:
    """The reply key that asks for any of these slots."""
    return "ask_" + "_or_".join(group)
