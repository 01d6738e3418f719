"""What simulated customers want: goals drawn from the rows of a shop, and the operation that would fulfil each.

A goal's end state is what the shop's own operation, given exactly these facts, makes of a fresh copy of the shop.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from agent.shop import FIRST, LAST, STREETS, TOWNS, Catalogue
from agent.tables import Customer, GiftCard, Order, OrderItem, Promotion, Refund, Variant

PROOFS = ("email", "postcode", "phone")
ANSWERED = ("delivery_options", "delivery_time", "return_policy", "warranty", "payment_methods", "store_hours")
OPEN = ("processing", "paid")
NAMES = ("Nina Kovar", "Tom Ashby", "Leila Haddad", "Oscar Brandt", "Priya Nair", "Grace Liu")


@dataclass(frozen=True)
class Goal:
    """One thing a customer wants.

    Attributes:
        intent: the flow that should be taken.
        facts: slot -> value that the customer knows; those of `needs` are told when asked for.
        action: the operation that fulfils it; empty when nothing may change and nothing must be told.
        arguments: what that operation must be given.
        customer: whose goal it is.
        needs: slots without which nobody could fulfil it, proof of identity aside.
        owner: whether the customer must be proved.
        confirms: whether the change is to be confirmed first.
        declines: flows at whose confirmation this customer says no (who wants the money, no replacement).
        then: a flow that comes of declining.
        ends: "done"; "handoff" when only a person may go on; "refused" when nothing may change.
    """

    intent: str
    customer: int
    facts: Mapping[str, str] = field(default_factory=dict)
    action: str = ""
    arguments: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    owner: bool = True
    confirms: bool = False
    declines: str = ""
    then: str = ""
    ends: str = "done"


@dataclass
class Shop:
    """The rows goals are drawn from.

    Attributes:
        customers: active customers by id.
        orders: every order, with its lines.
        day: the shop's day.
    """

    session: Session
    graph: Catalogue
    day: dt.date
    rng: Random

    def __post_init__(self) -> None:
        self.customers = {c.id: c for c in self.session.scalars(select(Customer)) if c.id != 1}
        lines = selectinload(Order.items).selectinload(OrderItem.variant)
        wanted = select(Order).options(lines).order_by(Order.id)
        self.orders = [o for o in self.session.scalars(wanted) if o.customer_id in self.customers]
        self.variants = list(self.session.scalars(select(Variant).order_by(Variant.sku)))
        self.refunds = {r.order_id for r in self.session.scalars(select(Refund))}
        self.cards = {c.customer_id: c for c in self.session.scalars(select(GiftCard))}
        self.codes = [c.code for c in self.session.scalars(select(Promotion)) if c.ends_on >= self.day]

    def order(self, *states: str, fits: Callable[[Order], bool] = lambda _: True) -> Order:
        """An order in one of these states, of products that are told apart by name."""
        found = [o for o in self.orders if o.status in states and told_apart(o) and fits(o)]
        return self.rng.choice(found)

    def anyone(self) -> Customer:
        """Some customer."""
        return self.rng.choice(list(self.customers.values()))

    def others(self, line: OrderItem) -> list[Variant]:
        """What a line could be changed to: same product, in stock, one option different."""
        old = line.variant
        return [
            v
            for v in self.variants
            if v.product_id == old.product_id
            and v.stock >= line.quantity
            and sum(v.options.get(k) != old.options.get(k) for k in old.options) == 1
        ]


def told_apart(order: Order) -> bool:
    """Whether the products of an order are told apart by name, and none is taken care of yet."""
    names = [line.variant.product_id for line in order.items]
    return len(set(names)) == len(names) and all(line.status in ("ordered", "returned") for line in order.items)


def known(shop: Shop, customer: int) -> dict[str, str]:
    """What a customer can say of themselves."""
    row = shop.customers[customer]
    return {"email": row.email or "", "postcode": row.postcode or "", "phone": row.phone or "", "person": row.name}


def of_order(shop: Shop, order: Order, intent: str, line: OrderItem | None = None, **facts: str) -> Goal:
    """A goal about an order, and one of its lines where it has several."""
    own = {**known(shop, order.customer_id), "order_id": order.id, **facts}
    given = {"order_id": order.id, **facts}
    if line is not None:
        own["item"] = given["item"] = line.variant.product
    needs = ["order_id", *(k for k in facts if k not in ("photo",))]
    needs += ["item"] if line is not None and len(order.items) > 1 else []
    return Goal(intent, order.customer_id, own, intent, given, tuple(needs))


def _changed(goal: Goal, action: str = "", **more: Any) -> Goal:
    return replace(goal, action=action or goal.action, **{"confirms": True, **more})


def within(shop: Shop, days: int) -> Callable[[Order], bool]:
    """Whether an order was delivered at most so many days ago."""
    return lambda o: o.delivered_on is not None and (shop.day - o.delivered_on).days <= days


def _another(shop: Shop, intent: str, *states: str, days: int = 9999) -> Goal:
    """Another size or colour of a line."""
    recent = within(shop, days) if days < 9999 else lambda _: True
    order = shop.order(*states, fits=lambda o: recent(o) and any(shop.others(line) for line in o.items))
    line = shop.rng.choice([line for line in order.items if shop.others(line)])
    new = shop.rng.choice(shop.others(line))
    facts = {k: str(v) for k, v in new.options.items() if v != line.variant.options.get(k)}
    return _changed(of_order(shop, order, intent, line, **facts))


def change_address(shop: Shop) -> Goal:
    """An order to another address."""
    order = shop.order(*OPEN, fits=lambda o: o.delivery_option != "pickup")
    town, code = shop.rng.choice(TOWNS)
    address = f"{shop.rng.randint(2, 399)} {shop.rng.choice(STREETS)} Street, {town}"
    return _changed(of_order(shop, order, "change_address", address=address, new_postcode=code))


def change_payment(shop: Shop) -> Goal:
    """An order paid another way."""
    order = shop.order(*OPEN)
    ways = ("credit_card", "debit_card", "paypal", "bank_transfer")
    way = shop.rng.choice([w for w in ways if w != order.payment_method])
    return _changed(of_order(shop, order, "change_payment", payment_method=way))


def change_delivery(shop: Shop) -> Goal:
    """An order delivered another way."""
    order = shop.order(*OPEN)
    way = shop.rng.choice([w for w in ("standard", "express", "pickup") if w != order.delivery_option])
    return _changed(of_order(shop, order, "change_delivery", delivery_option=way))


def change_quantity(shop: Shop) -> Goal:
    """More or fewer of a line."""
    order = shop.order(*OPEN, fits=lambda o: any(line.variant.stock > 5 for line in o.items))
    line = shop.rng.choice([line for line in order.items if line.variant.stock > 5])
    number = shop.rng.choice([n for n in (1, 2, 3, 4) if n != line.quantity])
    return _changed(of_order(shop, order, "change_quantity", line, quantity=str(number)))


def place_order(shop: Shop) -> Goal:
    """One of something in stock."""
    buyer = shop.rng.choice([c for c in shop.customers.values() if c.payment_method != "gift_card"])
    variant = shop.rng.choice([v for v in shop.variants if v.stock and v.price_cents < 100_000])
    same = [v for v in shop.variants if v.product_id == variant.product_id]
    asked = {k: str(x) for k, x in variant.options.items() if len({v.options.get(k) for v in same}) > 1}
    facts = {"product": variant.product, **{k: v for k, v in asked.items() if k in ("size", "color")}}
    own = {**known(shop, buyer.id), **facts}
    return Goal("place_order", buyer.id, own, "place_order", facts, tuple(facts), confirms=True)


def late_delivery(shop: Shop) -> Goal:
    """An order that is overdue, or said to be delivered."""
    order = shop.order("shipped", "delivered", fits=lambda o: o.status == "delivered" or o.expected_on < shop.day)
    return replace(of_order(shop, order, "late_delivery"), action="report_late")


def _claim(shop: Shop, intent: str, action: str, **facts: str) -> Goal:
    order = shop.order("delivered", fits=within(shop, 60))
    line = shop.rng.choice(order.items)
    return _changed(of_order(shop, order, intent, line, **facts), action)


def return_item(shop: Shop) -> Goal:
    """A delivered line back for its money."""
    cheap = within(shop, 30)
    order = shop.order("delivered", fits=lambda o: cheap(o) and o.total_cents < 90_000)
    return _changed(of_order(shop, order, "return_item", shop.rng.choice(order.items)))


def money_instead(shop: Shop, intent: str, action: str, flow: str, **facts: str) -> Goal:
    """Money for a torn or missing line that could be replaced: the replacement is declined, the offer taken."""
    recent = within(shop, 60)
    order = shop.order("delivered", fits=lambda o: recent(o) and all(i.variant.stock >= i.quantity for i in o.items))
    goal = of_order(shop, order, intent, shop.rng.choice(order.items), **facts)
    return _changed(goal, action, declines=intent, then=flow)


def review(shop: Shop) -> Goal:
    """Stars for something that was delivered."""
    order = shop.order("delivered")
    line = shop.rng.choice(order.items)
    facts = {"product": line.variant.product, "rating": str(shop.rng.randint(1, 5))}
    own = {**known(shop, order.customer_id), "order_id": order.id, **facts}
    return Goal("leave_review", order.customer_id, own, "leave_review", facts, ("product", "rating"))


def product(shop: Shop, intent: str) -> Goal:
    """A question about a product."""
    some = shop.rng.choice([v for v in shop.variants if v.stock])
    own = {**known(shop, shop.anyone().id), "product": some.product}
    if intent == "product_availability" and some.options.get("color"):
        own["color"] = str(some.options["color"])
    return Goal(intent, shop.anyone().id, own, intent, {"product": some.product}, ("product",), owner=False)


def account(shop: Shop, intent: str, confirms: bool = False, owner: bool = True, **facts: str) -> Goal:
    """Something about the customer's own account."""
    row = shop.anyone()
    own = {**known(shop, row.id), **facts}
    used = {"email": own["email"]} if not owner else facts
    return Goal(intent, row.id, own, intent, used, tuple(used), owner=owner, confirms=confirms)


def create_account(shop: Shop) -> Goal:
    """An account for somebody new."""
    name = shop.rng.choice(NAMES)
    facts = {"email": f"{name.split()[0]}.{shop.rng.randint(10, 99)}@example.com".lower(), "person": name}
    return Goal("create_account", 0, facts, "create_account", facts, ("email", "person"), owner=False, confirms=True)


def delete_account(shop: Shop) -> Goal:
    """An account without open orders, erased."""
    busy = {o.customer_id for o in shop.orders if o.status in (*OPEN, "shipped")}
    row = shop.rng.choice([c for c in shop.customers.values() if c.id not in busy])
    return Goal("delete_account", row.id, known(shop, row.id), "delete_account", confirms=True)


def gift_card(shop: Shop) -> Goal:
    """What is left on a card."""
    owner = shop.rng.choice([c for c in shop.cards if c in shop.customers])
    return Goal("gift_card", owner, known(shop, owner), "gift_card_balance")


def promo_code(shop: Shop) -> Goal:
    """A code that holds, on an open order."""
    goal = of_order(shop, shop.order(*OPEN), "promo_code", promo_code=shop.rng.choice(shop.codes))
    return _changed(goal, "apply_promo")


def story(shop: Shop, intent: str, action: str, owner: bool) -> Goal:
    """Something to tell, in the customer's own words."""
    row = shop.anyone()
    own = {**known(shop, row.id), "story": "told"}
    return Goal(intent, row.id, own, action, {}, ("story",), owner=owner, confirms=not owner)


def answered(shop: Shop, intent: str) -> Goal:
    """A question for the help articles."""
    row = shop.anyone()
    return Goal(intent, row.id, known(shop, row.id), "answer", {}, (), owner=False)


def _new_email(shop: Shop) -> str:
    return f"{shop.rng.choice(FIRST)}.{shop.rng.choice(LAST)}@example.com".lower()


def _new_phone(shop: Shop) -> str:
    return f"{shop.rng.choice(('207', '415', '617'))}-555-{shop.rng.randint(200, 999):04d}"


TASKS: Mapping[str, Callable[[Shop], Goal]] = {
    "track_order": lambda s: of_order(s, s.order("paid", "shipped", "delivered", "processing"), "track_order"),
    "cancel_order": lambda s: _changed(of_order(s, s.order(*OPEN), "cancel_order")),
    "change_item": lambda s: _another(s, "change_item", *OPEN),
    "change_quantity": change_quantity,
    "change_address": change_address,
    "change_payment": change_payment,
    "change_delivery": change_delivery,
    "place_order": place_order,
    "order_history": lambda s: replace(of_order(s, s.order("delivered"), "order_history"), arguments={}, needs=()),
    "late_delivery": late_delivery,
    "return_item": return_item,
    "exchange_item": lambda s: _another(s, "exchange_item", "delivered", days=30),
    "refund_status": lambda s: of_order(s, s.order("returned", "refunded", "cancelled"), "refund_status"),
    "damaged_item": lambda s: _claim(s, "damaged_item", "report_damaged", photo="damaged"),
    "damaged_refund": lambda s: money_instead(s, "damaged_item", "refund_damaged", "damaged_refund", photo="damaged"),
    "wrong_item": lambda s: _claim(s, "wrong_item", "report_wrong"),
    "missing_item": lambda s: _claim(s, "missing_item", "report_missing"),
    "missing_refund": lambda s: money_instead(s, "missing_item", "refund_missing", "missing_refund"),
    "product_price": lambda s: product(s, "product_price"),
    "product_info": lambda s: product(s, "product_info"),
    "product_availability": lambda s: product(s, "product_availability"),
    "recommend_product": lambda s: replace(product(s, "recommend_product"), needs=()),
    "leave_review": review,
    "payment_problem": lambda s: story(s, "payment_problem", "report_payment", True),
    "get_invoice": lambda s: of_order(s, s.order("paid", "shipped", "delivered"), "get_invoice"),
    "promo_code": promo_code,
    "gift_card": gift_card,
    "reset_password": lambda s: account(s, "reset_password", owner=False),
    "create_account": create_account,
    "delete_account": delete_account,
    "update_email": lambda s: account(s, "update_email", True, new_email=_new_email(s)),
    "update_phone": lambda s: account(s, "update_phone", True, new_phone=_new_phone(s)),
    "subscribe": lambda s: account(s, "subscribe", owner=False),
    "unsubscribe": lambda s: account(s, "unsubscribe", owner=False),
    "complaint": lambda s: story(s, "complaint", "file_complaint", False),
    **{intent: (lambda s, intent=intent: answered(s, intent)) for intent in ANSWERED},  # type: ignore[misc]
}
"""Every flow that a customer's words can lead to; those behind an offer are told as the wish and its refusal."""
