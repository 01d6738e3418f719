"""Who is calling: two facts that meet in one customer, and orders found from a receipt."""

from __future__ import annotations

import datetime as dt
import re

from sqlalchemy import select

from agent.operations.base import Desk, Facts, Refusal, operation, order_facts
from agent.shop import cents
from agent.tables import Customer, Order

DAYS_OFF = 1
"""A receipt's day may differ from the order's by this much: printed at night, or read as the next day's."""


@operation("order_id", "email", "phone", "postcode")
def identify(desk: Desk) -> Facts:
    """Find the one customer whom at least two of the facts given fit."""
    order_id, email, phone, postcode = (desk.text(k) for k in ("order_id", "email", "phone", "postcode"))
    order = desk.session.get(Order, order_id.upper()) if order_id else None
    rows = _candidates(desk, order, email, phone)
    for row in rows:
        own = order is not None and order.customer_id == row.id
        fits = (
            own,
            bool(email) and row.email == email.lower(),
            bool(phone) and digits(row.phone or "") == digits(phone),
            bool(postcode) and postcode in (row.postcode, order.postcode if order and own else None),
        )
        if sum(fits) >= 2:
            return {"customer_id": row.id, "person": row.name, "email": row.email or ""}
    raise Refusal("not_identified")


def _candidates(desk: Desk, order: Order | None, email: str, phone: str) -> list[Customer]:
    """Active customers whom an order number, an e-mail address or a phone number points to."""
    found: dict[int, Customer] = {}
    if order is not None and (owner := desk.session.get(Customer, order.customer_id)):
        found[owner.id] = owner
    if email:
        found |= {c.id: c for c in desk.session.scalars(select(Customer).where(Customer.email == email.lower()))}
    if len(number := digits(phone)) == 10:
        written = f"{number[:3]}-{number[3:6]}-{number[6:]}"
        found |= {c.id: c for c in desk.session.scalars(select(Customer).where(Customer.phone == written))}
    return [customer for customer in found.values() if customer.status == "active"]


def digits(phone: str) -> str:
    """The ten digits of a US phone number, the country code left off."""
    return re.sub(r"\D", "", phone)[-10:]


@operation()
def recognise(desk: Desk) -> Facts:
    """The customer whom the line or the login has already proved."""
    row = desk.customer()
    return {"customer_id": row.id, "person": row.name, "email": row.email or ""}


@operation("receipt_date", "receipt_total")
def match_receipt(desk: Desk) -> Facts:
    """The one order that a receipt's total and day fit: among the customer's own once proved, else among all.

    Among a proved customer's few orders the total alone is enough when the day is missing or was misread.
    """
    total, day = desk.text("receipt_total"), desk.text("receipt_date")
    if not total or (desk.customer_id is None and not day):
        raise Refusal("receipt_unreadable")
    try:
        same = select(Order).where(Order.total_cents == cents(total))
        placed = dt.date.fromisoformat(day) if day else None
    except (ArithmeticError, ValueError) as error:
        raise Refusal("receipt_unreadable") from error
    if desk.customer_id is not None:
        same = same.where(Order.customer_id == desk.customer_id)
    orders = desk.session.scalars(same.order_by(Order.id)).all()
    on_the_day = [order for order in orders if placed and abs((order.placed_on - placed).days) <= DAYS_OFF]
    fitting = on_the_day or (orders if desk.customer_id is not None else [])
    if len(fitting) != 1:
        raise Refusal("receipt_unmatched")
    return order_facts(fitting[0]) if desk.customer_id is not None else {"order_id": fitting[0].id}
