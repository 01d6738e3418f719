"""What an operation on the shop works with: a desk of its own, the rules it must hold, and the ways it can refuse."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agent.checksums import luhn_digit
from agent.shop import REFUND_DAYS, Catalogue, CatalogueProduct
from agent.tables import Customer, GiftCard, Mail, Order, OrderItem, Refund, Return, Ticket, Variant

Facts = dict[str, Any]
Work = Callable[["Desk"], Facts]

CHOICES = 3
"""How many things to name when the customer must choose: more cannot be kept in mind when heard."""


class Refusal(Exception):
    """The shop's rules or rows do not allow it.

    Attributes:
        code: what the flows and replies look up.
        facts: what may be said about it.
    """

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


@dataclass(frozen=True)
class Operation:
    """One thing the shop's systems can do.

    Attributes:
        name: what flows call it.
        work: does it.
        arguments: the arguments it reads.
        changes: whether it changes rows; only such operations are previewed and kept from happening twice.
        owner: whether it needs to know whose call this is.
    """

    name: str
    work: Work
    arguments: frozenset[str]
    changes: bool
    owner: bool


OPERATIONS: dict[str, Operation] = {}
"""Every operation of the shop by name; the modules of this package fill it."""

F = TypeVar("F", bound=Work)


def operation(*arguments: str, changes: bool = False, owner: bool = False) -> Callable[[F], F]:
    """Register a function as the operation of its name."""

    def register(work: F) -> F:
        OPERATIONS[work.__name__] = Operation(work.__name__, work, frozenset(arguments), changes, owner)
        return work

    return register


@dataclass
class Desk:
    """One operation's view of the shop.

    Attributes:
        session: the transaction it works in.
        graph: the products.
        today: the shop's day.
        args: what it was asked to do; untrusted text.
        checks: the rules the flows set for it: `status`, `within_days`, ...
        customer_id: whose call this is, once proved.
    """

    session: Session
    graph: Catalogue
    today: dt.date
    args: Mapping[str, Any]
    checks: Mapping[str, Any] = field(default_factory=dict)
    customer_id: int | None = None

    def text(self, name: str) -> str:
        """An argument as text; empty when it was not given."""
        value = self.args.get(name)
        return "" if value is None else str(value).strip()

    def number(self, name: str) -> int | None:
        """An argument as a whole number, or None."""
        text = self.text(name)
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None

    def customer(self) -> Customer:
        """The customer of this call, or a refusal."""
        row = self.session.get(Customer, self.customer_id) if self.customer_id is not None else None
        if row is None or row.status != "active":
            raise Refusal("not_identified")
        return row

    def orders(self) -> Sequence[Order]:
        """The customer's orders, newest first."""
        wanted = select(Order).where(Order.customer_id == self.customer().id)
        return self.session.scalars(wanted.order_by(Order.placed_on.desc(), Order.id)).all()

    def order(self) -> Order:
        """The order asked for, held against the rules; the only one that fits when none was named."""
        if order_id := self.text("order_id").upper():
            order = self.session.get(Order, order_id)
            if order is None or order.customer_id != self.customer().id:
                raise Refusal("order_not_found", order_id=order_id)
            if problem := self.problem(order):
                raise problem
            return order
        fitting = [order for order in self.orders() if self.problem(order) is None]
        if item := self.text("item"):
            having = [o for o in fitting if any(self.is_product(line.variant, item) for line in o.items)]
            fitting = having or fitting
        if not fitting:
            raise Refusal("no_order")
        if len(fitting) > 1:
            raise Refusal("which_order", orders=[describe(order) for order in fitting[:CHOICES]])
        return fitting[0]

    def problem(self, order: Order) -> Refusal | None:
        """Why the rules keep this operation from this order, or None."""
        facts = order_facts(order)
        allowed = self.checks.get("status")
        if allowed is not None and order.status not in allowed:
            return Refusal(f"order_{order.status}", **facts)
        days = self.checks.get("within_days")
        if days is not None and order.delivered_on and (self.today - order.delivered_on).days > days:
            return Refusal("too_late", **facts, days=str(days))
        return None

    def item(self, order: Order) -> OrderItem:
        """The line of the order that was meant; the only open one when none was named."""
        lines = [line for line in order.items if line.status == "ordered"]
        if not lines:
            raise Refusal("nothing_left", **order_facts(order))
        name = self.text("item")
        fitting = [line for line in lines if not name or self.is_product(line.variant, name)]
        if not fitting:
            raise Refusal("item_not_in_order", order_id=order.id, items=[name_of(line.variant) for line in lines])
        for option in ("size", "color"):
            if old := self.text(f"from_{option}"):
                fitting = [line for line in fitting if line.variant.options.get(option) == old] or fitting
        if len(fitting) > 1:
            raise Refusal("which_item", order_id=order.id, items=[name_of(line.variant) for line in fitting])
        return fitting[0]

    def is_product(self, variant: Variant, name: str) -> bool:
        """Whether this variant is of the product called so."""
        product = self.product(name)
        return variant.product_id == product.id if product else variant.product.lower() == name.lower()

    def product(self, name: str) -> CatalogueProduct | None:
        """The product by id, name or alias."""
        wanted = name.lower().strip()
        for product in self.graph.products():
            if wanted in (product.id.lower(), product.name.lower(), *(alias.lower() for alias in product.aliases)):
                return product
        return None

    def variant_like(self, old: Variant) -> Variant:
        """The same product in the size and colour asked for, in stock."""
        asked = {k: self.text(k) for k in ("size", "color") if self.text(k)}
        wanted = {**old.options, **asked}
        rows = self.session.scalars(select(Variant).where(Variant.product_id == old.product_id)).all()
        match = next((row for row in rows if row.options == wanted), None)
        if match is None:
            facts = {"product": old.product, "wanted": options_of(wanted)}
            raise Refusal("no_such_variant", **facts, options=in_stock(rows, old, asked))
        if match.sku == old.sku:
            raise Refusal("same_variant", item=name_of(old), options=in_stock(rows, old, asked))
        if match.stock < 1:
            raise Refusal("out_of_stock", item=name_of(match), options=in_stock(rows, old, asked))
        return match

    def new_id(self, table: type[Any], prefix: str) -> str:
        """The next free id of a table: prefix, six digits, check digit."""
        last = self.session.scalar(select(func.count()).select_from(table)) or 0
        while True:
            last += 1
            body = f"{100_000 + last}"
            made = f"{prefix}{body}{luhn_digit(body)}"
            if self.session.get(table, made) is None:
                return made

    def refund(self, order: Order, amount_cents: int) -> Facts:
        """Give money back the way it came: a gift card at once, anything else within `REFUND_DAYS`."""
        if amount_cents <= 0:
            return {}
        card = self.gift_card(order.customer_id) if order.payment_method == "gift_card" else None
        if card is not None:
            card.balance_cents += amount_cents
        refund = Refund(
            id=self.new_id(Refund, "RF"),
            order_id=order.id,
            amount_cents=amount_cents,
            payment_method=order.payment_method,
            status="paid" if card else "pending",
            requested_on=self.today,
            due_on=self.today if card else self.today + dt.timedelta(days=REFUND_DAYS),
        )
        self.session.add(refund)
        self.session.flush()
        return {
            "refund": money(amount_cents),
            "refund_method": order.payment_method,
            "refund_due": refund.due_on.isoformat(),
        }

    def gift_card(self, customer_id: int) -> GiftCard | None:
        """The customer's gift card with the most on it."""
        wanted = select(GiftCard).where(GiftCard.customer_id == customer_id)
        return self.session.scalars(wanted.order_by(GiftCard.balance_cents.desc(), GiftCard.id)).first()

    def ticket(self, kind: str, order: Order | None, status: str = "open", **detail: Any) -> Ticket:
        """Open a ticket."""
        row = Ticket(
            id=self.new_id(Ticket, "T"),
            customer_id=self.customer_id,
            order_id=order.id if order else None,
            kind=kind,
            detail={k: v for k, v in detail.items() if v},
            status=status,
            opened_on=self.today,
        )
        self.session.add(row)
        self.session.flush()
        return row

    def mail(self, kind: str, email: str, order: Order | None = None) -> Mail:
        """Hand a message to the mailer."""
        order_id = order.id if order else None
        row = Mail(id=self.new_id(Mail, "M"), kind=kind, email=email, order_id=order_id, created_on=self.today)
        self.session.add(row)
        self.session.flush()
        return row

    def send_back(self, line: OrderItem, kind: str, new_sku: str | None = None) -> Return:
        """Open a return, exchange or replacement of one line."""
        row = Return(
            id=self.new_id(Return, "RT"),
            order_id=line.order_id,
            line=line.line,
            kind=kind,
            new_sku=new_sku,
            reason=self.text("reason") or None,
            status="requested",
            opened_on=self.today,
        )
        self.session.add(row)
        self.session.flush()
        return row


def proper(words: str) -> str:
    """A name or address as it is written, where it came as it is heard: all in small letters."""
    return words.title() if words.islower() else words


def money(amount_cents: int) -> str:
    """Cents as the written value "12.50 USD"."""
    return f"{amount_cents / 100:.2f} USD"


def options_of(options: Mapping[str, Any]) -> str:
    """A size and colour as written: "blue, size M"."""
    parts = [str(options["color"])] if options.get("color") else []
    parts += [f"size {options['size']}"] if options.get("size") else []
    parts += [str(v) for k, v in options.items() if k not in ("size", "color")]
    return ", ".join(parts)


def name_of(variant: Variant) -> str:
    """A variant by name: "Linen Shirt in blue, size M"."""
    options = options_of(variant.options)
    return f"{variant.product} in {options}" if options else variant.product


def in_stock(
    rows: Sequence[Variant], besides: Variant | None = None, near: Mapping[str, str] | None = None
) -> list[str]:
    """The variants one could have instead, by their options; first those that share most of what was asked for."""
    others = [v for v in rows if v.stock > 0 and (besides is None or v.sku != besides.sku)]
    others.sort(key=lambda v: -sum(v.options.get(k) == wanted for k, wanted in (near or {}).items()))
    return [options_of(v.options) for v in others][:CHOICES]


def describe(order: Order) -> str:
    """An order in a few words: its number and what is in it."""
    first = order.items[0].variant.product if order.items else ""
    more = len(order.items) - 1
    return f"{order.id} with the {first}" + (f" and {more} more" if more > 0 else "")


def order_facts(order: Order) -> Facts:
    """What may be said of an order to its owner."""
    facts: Facts = {
        "order_id": order.id,
        "status": order.status,
        "placed_on": order.placed_on.isoformat(),
        "expected_on": order.expected_on.isoformat(),
        "total": money(order.total_cents),
        "items": [name_of(line.variant) for line in order.items],
        "delivery_option": order.delivery_option,
        "payment_method": order.payment_method,
        "address": f"{order.address} {order.postcode}",
    }
    if order.delivered_on:
        facts["delivered_on"] = order.delivered_on.isoformat()
    if order.tracking_number:
        facts["tracking_number"] = order.tracking_number
    return facts
