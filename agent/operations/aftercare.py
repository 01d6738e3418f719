"""Operations on what was delivered: returns, exchanges, refunds, and parcels that were wrong, torn or late."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import select

from agent.operations.base import Desk, Facts, Refusal, money, name_of, operation, order_facts
from agent.tables import Order, OrderItem, Refund


@operation("order_id", "item", "from_size", "from_color", "reason", changes=True, owner=True)
def return_item(desk: Desk) -> Facts:
    """Open a return: a label goes out by mail, the money goes back the way it came once the item is here.

    What delivery cost goes back too when nothing of the order is kept.
    """
    order = desk.order()
    line = desk.item(order)
    line.status = "return_requested"
    returned = desk.send_back(line, "return")
    everything = all(other.status in ("return_requested", "returned") for other in order.items)
    refund = _pending_refund(desk, order, _worth(order, line) + (order.delivery_cents if everything else 0))
    label = desk.mail("return_label", desk.customer().email or "", order)
    return order_facts(order) | refund | {"item": name_of(line.variant), "return_id": returned.id, "email": label.email}


@operation("order_id", "item", "size", "color", "from_size", "from_color", "reason", changes=True, owner=True)
def exchange_item(desk: Desk) -> Facts:
    """Swap a delivered item for another size or colour; the new one is set aside at once."""
    order = desk.order()
    line = desk.item(order)
    new = desk.variant_like(line.variant)
    if new.stock < line.quantity:
        raise Refusal("out_of_stock", item=name_of(new), left=str(new.stock))
    new.stock -= line.quantity
    line.status = "exchange_requested"
    returned = desk.send_back(line, "exchange", new.sku)
    label = desk.mail("return_label", desk.customer().email or "", order)
    difference = (new.price_cents - line.price_cents) * line.quantity
    facts = order_facts(order) | {"old": name_of(line.variant), "item": name_of(new), "return_id": returned.id}
    if difference < 0:
        facts |= _pending_refund(desk, order, -difference)
    return facts | {"email": label.email} | ({"extra": money(difference)} if difference > 0 else {})


@operation("order_id", "item", owner=True)
def refund_status(desk: Desk) -> Facts:
    """The refund of the order named, else the customer's latest."""
    orders = [desk.order()] if desk.text("order_id") else desk.orders()
    wanted = select(Refund).where(Refund.order_id.in_([order.id for order in orders]))
    refund = desk.session.scalars(wanted.order_by(Refund.requested_on.desc(), Refund.id.desc())).first()
    if refund is None:
        raise Refusal("no_refund", **({"order_id": orders[0].id} if desk.text("order_id") else {}))
    return {
        "order_id": refund.order_id,
        "refund": money(refund.amount_cents),
        "refund_method": refund.payment_method,
        "refund_due": refund.due_on.isoformat(),
        "state": refund.status,
    }


@operation("order_id", "item", "from_size", "from_color", "reason", "photo", changes=True, owner=True)
def report_damaged(desk: Desk) -> Facts:
    """A damaged item: replaced at once (or refunded when sold out) if a photo shows it, else a person looks at it."""
    return _claim(desk, "damaged", proven=desk.text("photo") == "damaged")


@operation("order_id", "item", "from_size", "from_color", "reason", "photo", changes=True, owner=True)
def refund_damaged(desk: Desk) -> Facts:
    """Money back for a damaged item if a photo shows it, else a person looks at it."""
    return _claim(desk, "damaged", proven=desk.text("photo") == "damaged", wants="refund")


@operation("order_id", "item", "reason", changes=True, owner=True)
def refund_missing(desk: Desk) -> Facts:
    """Money back for an item that was not in the parcel."""
    return _claim(desk, "missing", proven=True, wants="refund")


@operation("order_id", "item", "reason", changes=True, owner=True)
def report_wrong(desk: Desk) -> Facts:
    """Another item than ordered came: the right one goes out, with a label for the wrong one."""
    order = desk.order()
    facts = _claim(desk, "wrong", proven=True)
    label = desk.mail("return_label", desk.customer().email or "", order)
    return facts | {"email": label.email}


@operation("order_id", "item", "reason", changes=True, owner=True)
def report_missing(desk: Desk) -> Facts:
    """An item was not in the parcel: it is sent again (or refunded when sold out)."""
    return _claim(desk, "missing", proven=True)


@operation("order_id", "item", changes=True, owner=True)
def report_late(desk: Desk) -> Facts:
    """An order that is overdue, or marked delivered and never seen, is traced with the carrier by a person."""
    order = desk.order()
    if order.status != "delivered" and order.expected_on >= desk.today:
        raise Refusal("not_late_yet", **order_facts(order))
    days = 0 if order.delivered_on else (desk.today - order.expected_on).days
    ticket = desk.ticket("late", order, days_late=days, tracking_number=order.tracking_number)
    return order_facts(order) | {"ticket_id": ticket.id} | ({"days": str(days)} if days else {})


def _claim(desk: Desk, kind: str, *, proven: bool, wants: str = "replacement") -> Facts:
    """A claim about one delivered item, settled here when it is proven."""
    order = desk.order()
    line = desk.item(order)
    line.status = "claimed"
    facts = order_facts(order) | {"item": name_of(line.variant)}
    note = {"item": line.sku, "reason": desk.text("reason"), "photo": desk.text("photo"), "wants": wants}
    if not proven:
        ticket = desk.ticket(kind, order, **note)
        return facts | {"ticket_id": ticket.id, "remedy": "review"}
    if wants == "replacement" and line.variant.stock >= line.quantity:
        line.variant.stock -= line.quantity
        sent = desk.send_back(line, "replacement", line.sku)
        ticket = desk.ticket(kind, order, "solved", **note, remedy=sent.id)
        return facts | {"ticket_id": ticket.id, "return_id": sent.id, "remedy": "replacement"}
    refund = desk.refund(order, _worth(order, line))
    ticket = desk.ticket(kind, order, "solved", **note, remedy="refund")
    return facts | refund | {"ticket_id": ticket.id, "remedy": "refund"}


def _worth(order: Order, line: OrderItem) -> int:
    """What was paid for a line: its price less its share of the order's discount."""
    goods = sum(other.price_cents * other.quantity for other in order.items)
    price = line.price_cents * line.quantity
    return price - (order.discount_cents * price // goods if goods else 0)


def _pending_refund(desk: Desk, order: Order, amount_cents: int) -> Facts:
    """Money that goes back when the goods are here, so even a gift card waits for it."""
    due = desk.today + dt.timedelta(days=int(desk.checks.get("refund_days", 14)))
    refund = Refund(
        id=desk.new_id(Refund, "RF"),
        order_id=order.id,
        amount_cents=amount_cents,
        payment_method=order.payment_method,
        status="pending",
        requested_on=desk.today,
        due_on=due,
    )
    desk.session.add(refund)
    desk.session.flush()
    return {
        "refund": money(amount_cents),
        "amount": money(amount_cents),
        "refund_method": order.payment_method,
        "refund_due": due.isoformat(),
    }
