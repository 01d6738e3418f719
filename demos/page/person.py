"""A person in a conversation: who has taken it over, what the customer says then, what the person answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from agent.errors import InputError
from agent.handoff import KIND, Package, Queue
from agent.slots import heard
from agent.state import replay
from agent.store import Store
from agent.tables import Ticket
from agent.types import Event, Understanding

MAX_ANSWER = 4_000  # characters of a person's answer


@dataclass(frozen=True)
class Waiting:
    """A call that waits for a person, or that one has taken.

    Attributes:
        ticket_id: its ticket.
        call_id: its call.
        reason: why it was handed over.
        wish: what the customer wants, as far as it was understood.
        holder: who has taken it; empty where nobody has.
    """

    ticket_id: str
    call_id: str
    reason: str
    wish: str
    holder: str


class People:
    """The people who take over, in a store. All of it waits for the database.

    Args:
        store: where calls and tickets are.
    """

    def __init__(self, store: Store) -> None:
        self.store, self._queue = store, Queue(store)

    def calls(self, person: str) -> list[Waiting]:
        """Calls nobody has taken, the longest waiting first, and those that this person has."""
        return [one for one in self._tickets(("open", "claimed")) if one.holder in ("", person)]

    def holder(self, call_id: str) -> str:
        """Who has taken this call; empty where nobody has."""
        taken = (one.holder for one in self._tickets(("claimed",)) if one.call_id == call_id)
        return next(taken, "")

    def claim(self, ticket_id: str, person: str) -> Package:
        """Take a call.

        Raises:
            InputError: somebody else has it, or it is closed.
        """
        return self._queue.claim(ticket_id, person)

    def package(self, ticket_id: str) -> Package:
        """All that is known of a call that waits."""
        return self._queue.package(ticket_id)

    def listen(self, call_id: str, understood: Understanding) -> None:
        """Keep what the customer says while a person has the call: nothing is decided about it."""
        state = replay(self.store.events(call_id))
        self.store.append(call_id, [Event("heard", heard(understood), state.turn + 1)])

    def answer(self, ticket_id: str, person: str, text: str) -> str:
        """Keep a person's answer; gives back the call it was said in.

        Raises:
            InputError: it is empty or too long, or the call is not this person's.
        """
        words = text.strip()
        if not 0 < len(words) <= MAX_ANSWER:
            raise InputError(f"an answer has 1 to {MAX_ANSWER} characters, this one {len(words)}")
        call_id = self._own(ticket_id, person)
        state = replay(self.store.events(call_id))
        self.store.append(call_id, [Event("said", {"text": words, "by": person}, state.turn)])
        return call_id

    def close(self, ticket_id: str, person: str, note: str = "") -> str:
        """Be done with a call: the agent has it again. Gives back the call.

        Raises:
            InputError: the call is not this person's.
        """
        call_id = self._own(ticket_id, person)
        self._queue.close(ticket_id, person, note.strip()[:MAX_ANSWER])
        self.store.append(call_id, [Event("handed_back", {"by": person}, replay(self.store.events(call_id)).turn)])
        return call_id

    def _own(self, ticket_id: str, person: str) -> str:
        for one in self._tickets(("claimed",)):
            if one.ticket_id == ticket_id and one.holder == person:
                return one.call_id
        raise InputError(f"ticket {ticket_id!r} is not {person!r}'s; claim it first")

    def _tickets(self, status: Sequence[str]) -> list[Waiting]:
        wanted = select(Ticket.id, Ticket.detail).where(Ticket.kind == KIND, Ticket.status.in_(status))
        with self.store.session() as session:
            rows = session.execute(wanted.order_by(Ticket.opened_on, Ticket.id)).all()
        return [_waiting(str(ticket_id), detail) for ticket_id, detail in rows]


def _waiting(ticket_id: str, detail: dict[str, object]) -> Waiting:
    call_id, reason, wish, holder = (str(detail.get(name) or "") for name in ("call", "reason", "wish", "claimed_by"))
    return Waiting(ticket_id, call_id, reason, wish, holder)
