"""What is erased when a customer asks to be forgotten: their rows in the shop, and every call that was proved theirs.

What the books need stays (orders, money, dates, products); whatever names the person or holds their words goes. The
call in which they ask goes on, so calls that may not be over yet are erased later: by `sweep`, which every new call
sets off, and which `python -m demos.forget` runs by itself. Callers who never proved who they are cannot ask for their
words to be found, so calls can also be erased by age: `expire`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from agent.tables import (
    Call,
    CallEvent,
    Customer,
    Erasure,
    Mail,
    Order,
    Performed,
    Return,
    Review,
    Subscription,
    Ticket,
)

LONGEST_CALL = dt.timedelta(hours=4)
"""A call that was opened longer ago than this is over."""

GONE = "erased"
SETTLED = ("closed", "solved")
"""States of tickets that nobody works on any more."""


def forget(session: Session, customer: Customer, now: dt.datetime) -> int:
    """Erase a customer's rows and past calls; calls opened of late follow at a later `sweep`. How many calls.

    Args:
        session: of a writing transaction.
        customer: whose; their id stays, so that orders keep an owner.
        now: UTC, without a time zone.
    """
    mine = select(Order.id).where(Order.customer_id == customer.id)
    if customer.email:
        session.execute(delete(Subscription).where(Subscription.email == customer.email))
        session.execute(update(Mail).where(Mail.email == customer.email).values(email=GONE))
    session.execute(update(Mail).where(Mail.order_id.in_(mine)).values(email=GONE))
    session.execute(update(Order).where(Order.customer_id == customer.id).values(address=GONE, postcode="00000"))
    session.execute(update(Return).where(Return.order_id.in_(mine)).values(reason=None))
    session.execute(update(Review).where(Review.customer_id == customer.id).values(text=None))
    tickets = (Ticket.customer_id == customer.id) | Ticket.order_id.in_(mine)
    session.execute(update(Ticket).where(tickets).values(detail={}))
    customer.name, customer.status = GONE, GONE
    customer.email = customer.phone = customer.address = customer.postcode = None
    session.add(Erasure(customer_id=customer.id, asked_at=now))
    session.flush()
    return sweep(session, now)


def sweep(session: Session, now: dt.datetime) -> int:
    """Erase the calls of everybody who asked to be forgotten, once those are over; how many calls.

    Of a call there remains that it was, and which operations were done in it, so that none is done again.

    Args:
        session: of a writing transaction.
        now: UTC, without a time zone.
    """
    waiting = session.scalars(select(Erasure).where(Erasure.done_at.is_(None))).all()
    calls = _calls_of(session, {row.customer_id for row in waiting}) if waiting else []
    over = [call.id for call in calls if call.opened_at <= now - LONGEST_CALL]
    _silence(session, over)
    for row in waiting:
        if row.asked_at <= now - LONGEST_CALL:  # none of theirs is open any more, and nobody can prove to be them
            row.done_at = now
    return len(over)


def expire(session: Session, now: dt.datetime, keep: dt.timedelta) -> int:
    """Erase the words of all calls older than this, whoever called, and of settled tickets; how many calls.

    Args:
        session: of a writing transaction.
        now: UTC, without a time zone.
        keep: how long calls are kept, counted from their beginning; at least as long as a call may last.
    """
    before = now - max(keep, LONGEST_CALL)
    holding = select(CallEvent.call_id).distinct()
    old = list(session.scalars(select(Call.id).where(Call.opened_at < before, Call.id.in_(holding))))
    _silence(session, old)
    settled = (Ticket.opened_on < before.date()) & Ticket.status.in_(SETTLED)
    session.execute(update(Ticket).where(settled).values(detail={}))
    return len(old)


def _silence(session: Session, calls: Sequence[str]) -> None:
    """Erase what was said in these calls, and what came of it, in words; which operations were done stays."""
    for call_id in calls:
        session.execute(delete(CallEvent).where(CallEvent.call_id == call_id))
        done = {"ok": True, "data": {}, "error": "", "changes": []}
        session.execute(update(Performed).where(Performed.call_id == call_id).values(result=done))


def pending(session: Session) -> int:
    """How many customers have calls that wait to be erased."""
    return session.scalar(select(func.count()).select_from(Erasure).where(Erasure.done_at.is_(None))) or 0


def _calls_of(session: Session, customers: set[int]) -> list[Call]:
    """The calls in which one of these customers was proved to be calling."""
    found = select(CallEvent.call_id).where(
        CallEvent.type == "customer", CallEvent.data["customer_id"].as_integer().in_(customers)
    )
    return list(session.scalars(select(Call).where(Call.id.in_(found))))
