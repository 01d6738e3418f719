"""What a person needs who takes over a call: the package made of its events, and the queue it waits in.

A ticket of the kind "handoff" names its call; everything said and done is read from the call's events when somebody
looks, so nothing of it is kept twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from agent.errors import InputError
from agent.state import replay
from agent.store import Store
from agent.tables import Ticket
from agent.types import Event

KIND = "handoff"
NEXT = {
    "asked_for": "Greet the customer by name and go on with what they wanted.",
    "legal": "Do not discuss the claim; pass it to whoever answers for legal matters.",
    "unhappy": "Apologise, say what was tried, and finish what they wanted.",
    "not_understood": "Ask in your own words what is wanted; the last turns were not understood.",
    "not_identified": "Prove who is calling before anything is told or changed.",
    "no_answer": "Ask for the missing fact in another way, or look it up.",
    "large_amount": "Check the amount and approve or refuse it.",
    "failed": "Carry it out by hand; the system could not.",
    "follow_up": "Follow up on what was done.",
}
"""What to do first, by the reason of the handoff."""


@dataclass(frozen=True)
class Package:
    """A call as a person takes it over.

    Attributes:
        summary: two or three sentences.
        reason: why it was handed over.
        next_step: what to do first.
        proved: what is proved of who is calling; empty when nobody is.
        facts: slot -> value, as understood.
        tried: operations and what came of each, previews left out.
        still_to_do: wishes not met.
        transcript: who said what, in order.
        photos: what each photo showed.
    """

    ticket_id: str
    call_id: str
    reason: str
    summary: str
    next_step: str
    proved: dict[str, Any]
    facts: dict[str, Any]
    tried: tuple[tuple[str, str], ...]
    still_to_do: tuple[str, ...]
    transcript: tuple[tuple[str, str], ...]
    photos: tuple[dict[str, Any], ...]


class Queue:
    """Calls that wait for a person, in a store.

    Args:
        store: where calls and tickets are.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    def waiting(self) -> tuple[str, ...]:
        """Tickets nobody has claimed, the longest waiting first."""
        wanted = select(Ticket.id).where(Ticket.kind == KIND, Ticket.status == "open")
        with self.store.session() as session:
            return tuple(session.scalars(wanted.order_by(Ticket.opened_on, Ticket.id)))

    def claim(self, ticket_id: str, person: str) -> Package:
        """Take a ticket: it is one person's from now on.

        Raises:
            InputError: no such ticket waits, somebody else has it, or no name was given.
        """
        self._move(ticket_id, person, ("open", "claimed"), "claimed")
        return self.package(ticket_id)

    def close(self, ticket_id: str, person: str, note: str = "") -> None:
        """Be done with a ticket one has claimed.

        Raises:
            InputError: it is not this person's.
        """
        self._move(ticket_id, person, ("claimed",), "closed", note)

    def _move(self, ticket_id: str, person: str, before: Sequence[str], after: str, note: str = "") -> None:
        if not person.strip():
            raise InputError("a ticket is claimed and closed under a person's name; give one")

        def work(session: Any) -> None:
            row = session.get(Ticket, ticket_id)
            if row is None or row.kind != KIND or row.status not in before:
                raise InputError(f"ticket {ticket_id!r} is not {' or '.join(before)}; list shows those that wait")
            holder = row.detail.get("claimed_by", person)
            if row.status == "claimed" and holder != person:
                raise InputError(f"ticket {ticket_id!r} is claimed by {holder!r}")
            row.status = after
            row.detail = {**row.detail, "claimed_by": person} | ({"note": note} if note else {})

        self.store.write(work)

    def package(self, ticket_id: str) -> Package:
        """Everything known of the call behind a ticket.

        Raises:
            InputError: there is no such ticket.
        """
        with self.store.session() as session:
            row = session.get(Ticket, ticket_id)
            if row is None or row.kind != KIND:
                raise InputError(f"no handoff ticket {ticket_id!r}")
            detail = dict(row.detail)
        return package(ticket_id, detail, self.store.events(str(detail.get("call", ""))))


def package(ticket_id: str, detail: dict[str, Any], events: Sequence[Event]) -> Package:
    """The package of a call.

    Args:
        ticket_id: its ticket.
        detail: what the policy wrote into it.
        events: the call so far.
    """
    state = replay(events)
    reason, wish = str(detail.get("reason", "")), str(detail.get("wish", ""))
    tried = tuple(_tried(events))
    photos = tuple(e.data["photo"] for e in events if e.type == "heard" and e.data.get("photo"))
    said = tuple((_who(e), str(e.data["text"])) for e in events if e.type in ("heard", "said"))
    return Package(
        ticket_id,
        str(detail.get("call", "")),
        reason,
        _summary(detail, tried, state.customer),
        NEXT.get(reason, NEXT["asked_for"]),
        dict(state.customer or {}),
        dict(detail.get("facts", {})),
        tried,
        tuple(w for w in (wish, *detail.get("still_to_do", ())) if w),
        said,
        photos,
    )


def _tried(events: Sequence[Event]) -> list[tuple[str, str]]:
    results = [e.data for e in events if e.type == "result" and not e.data.get("preview") and e.data["name"] != KIND]
    return [(str(d["name"]), "done" if d["ok"] else str(d["error"])) for d in results]


def _who(event: Event) -> str:
    if event.type == "heard":
        return "customer"
    return "heard of that" if event.data.get("cut_short") else str(event.data.get("by") or "agent")


def _summary(detail: dict[str, Any], tried: Sequence[tuple[str, str]], customer: Any) -> str:
    who = str(customer["person"]) if customer else "A caller who is not proved"
    wish = str(detail.get("wish", "")).replace("_", " ")
    parts = [f"{who} " + (f"wants: {wish}." if wish else "called without a wish that was understood.")]
    done = [name.replace("_", " ") for name, what in tried if what == "done"]
    failed = [f"{name.replace('_', ' ')} ({what.replace('_', ' ')})" for name, what in tried if what != "done"]
    parts += [f"Done: {', '.join(done)}."] if done else []
    parts += [f"Failed: {', '.join(failed)}."] if failed else []
    return " ".join((*parts, f"Handed over after {detail.get('turns', 0)} turns: {detail.get('reason', '')}."))
