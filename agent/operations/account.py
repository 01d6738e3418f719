"""Operations on accounts: opening, closing, passwords, contact details and the newsletter."""

from __future__ import annotations

from sqlalchemy import func, select

from agent.erasure import forget
from agent.operations.base import Desk, Facts, Refusal, operation, proper
from agent.operations.identity import digits
from agent.operations.orders import OPEN
from agent.tables import Customer, Subscription, utc_now


def _by_email(desk: Desk, email: str) -> Customer | None:
    return desk.session.scalars(select(Customer).where(Customer.email == email.lower())).first()


@operation("email", changes=True)
def reset_password(desk: Desk) -> Facts:
    """Send a link to the address of an account. What is said is the same when there is none: it must not tell."""
    email = desk.text("email").lower()
    customer = _by_email(desk, email)
    if customer is not None and customer.status == "active":
        desk.mail("password_link", email)
    return {"email": email}


@operation("email", "person", changes=True)
def create_account(desk: Desk) -> Facts:
    """Open an account and send a link to choose its password."""
    email, name = desk.text("email").lower(), proper(desk.text("person"))
    if _by_email(desk, email) is not None:
        raise Refusal("email_taken", email=email)
    last = desk.session.scalar(select(func.max(Customer.id))) or 0
    desk.session.add(Customer(id=last + 1, name=name, email=email, payment_method="credit_card", status="active"))
    desk.session.flush()
    desk.mail("password_link", email)
    return {"email": email, "name": name}


@operation(changes=True, owner=True)
def delete_account(desk: Desk) -> Facts:
    """Close the account and erase what names the person or holds their words; refused while orders are on their way."""
    customer = desk.customer()
    open_orders = [order.id for order in desk.orders() if order.status in OPEN]
    if open_orders:
        raise Refusal("orders_open", orders=open_orders)
    email = customer.email or ""
    forget(desk.session, customer, utc_now())
    return {"email": email}


@operation("new_email", changes=True, owner=True)
def update_email(desk: Desk) -> Facts:
    """Another e-mail address for the account; the newsletter follows it."""
    customer, new = desk.customer(), desk.text("new_email").lower()
    if new == customer.email:
        raise Refusal("same_email", new_email=new)
    if _by_email(desk, new) is not None:
        raise Refusal("email_taken", email=new)
    old = customer.email
    letter = desk.session.get(Subscription, old) if old else None
    if letter is not None:
        desk.session.add(Subscription(email=new, status=letter.status))
        desk.session.delete(letter)
    customer.email = new
    return {"new_email": new, "old": old or ""}


@operation("new_phone", changes=True, owner=True)
def update_phone(desk: Desk) -> Facts:
    """Another phone number for the account."""
    customer, number = desk.customer(), digits(desk.text("new_phone"))
    if len(number) != 10:
        raise Refusal("bad_phone")
    written = f"{number[:3]}-{number[3:6]}-{number[6:]}"
    if written == customer.phone:
        raise Refusal("same_phone", new_phone=written)
    customer.phone = written
    return {"new_phone": written}


@operation("email", changes=True)
def subscribe(desk: Desk) -> Facts:
    """Put an address on the newsletter's list."""
    return _newsletter(desk, "subscribed")


@operation("email", changes=True)
def unsubscribe(desk: Desk) -> Facts:
    """Take an address off the newsletter's list."""
    return _newsletter(desk, "unsubscribed")


def _newsletter(desk: Desk, status: str) -> Facts:
    email = desk.text("email").lower()
    row = desk.session.get(Subscription, email)
    if row is None and status == "subscribed":
        desk.session.add(Subscription(email=email, status=status))
    elif row is not None:
        row.status = status
    return {"email": email}
