"""Operations that help around an order: invoices, gift cards, complaints, and passing the call to a person."""

from __future__ import annotations

from agent.operations.base import Desk, Facts, Refusal, money, operation, order_facts
from agent.operations.orders import promotion


@operation("order_id", "item", changes=True, owner=True)
def get_invoice(desk: Desk) -> Facts:
    """Mail the invoice of an order to the customer's address on file."""
    order = desk.order()
    mail = desk.mail("invoice", desk.customer().email or "", order)
    return order_facts(order) | {"email": mail.email}


@operation("promo_code")
def check_promo(desk: Desk) -> Facts:
    """Whether a promo code holds, and what it takes off."""
    return promotion(desk)


@operation(owner=True)
def gift_card_balance(desk: Desk) -> Facts:
    """What is left on the customer's gift card."""
    card = desk.gift_card(desk.customer().id)
    if card is None:
        raise Refusal("no_gift_card")
    return {"balance": money(card.balance_cents)}


@operation("story", "order_id", changes=True)
def file_complaint(desk: Desk) -> Facts:
    """Put a complaint before a person."""
    ticket = desk.ticket("complaint", None, story=desk.text("story"), order_id=desk.text("order_id"))
    return {"ticket_id": ticket.id}


@operation("story", "order_id", changes=True, owner=True)
def report_payment(desk: Desk) -> Facts:
    """A payment that failed or was taken twice: a person at the till checks it."""
    order = desk.order() if desk.text("order_id") else None
    ticket = desk.ticket("payment", order, story=desk.text("story"))
    return {"ticket_id": ticket.id} | ({"order_id": order.id} if order else {})


@operation("summary", changes=True)
def handoff(desk: Desk) -> Facts:
    """Queue the call for a person, with everything said and done so far."""
    summary = desk.args.get("summary") or {}
    ticket = desk.ticket("handoff", None, **(summary if isinstance(summary, dict) else {"note": str(summary)}))
    return {"ticket_id": ticket.id}
