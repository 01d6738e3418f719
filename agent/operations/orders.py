"""Operations on orders: look them up, and change what has not left the house yet."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import func, select

from agent.operations.base import Desk, Facts, Refusal, describe, money, name_of, operation, order_facts, proper
from agent.shop import DELIVERY_DAYS, delivery_cents, order_number
from agent.tables import Order, OrderItem, Promotion, Variant

OPEN = ("processing", "paid", "shipped")
MOST = 10
"""The most pieces of one item in an order; more is for a person to agree."""


@operation("order_id", "tracking_number", "item", owner=True)
def track_order(desk: Desk) -> Facts:
    """Where an order is: the one named by its number or tracking number, else the one on its way, else the latest."""
    orders = desk.orders()
    if not orders:
        raise Refusal("no_order")
    if tracking := desk.text("tracking_number").upper():
        found = next((o for o in orders if o.tracking_number == tracking), None)
        if found is None:
            raise Refusal("tracking_not_found", tracking_number=tracking)
        return _whereabouts(desk, found)
    if desk.text("order_id"):
        return _whereabouts(desk, desk.order())
    on_the_way = [order for order in orders if order.status in OPEN]
    if item := desk.text("item"):
        having = [o for o in orders if any(desk.is_product(line.variant, item) for line in o.items)]
        on_the_way = [o for o in having if o.status in OPEN] or having[:1] or on_the_way
    if len(on_the_way) > 1:
        raise Refusal("which_order", orders=[describe(order) for order in on_the_way[:3]])
    return _whereabouts(desk, on_the_way[0] if on_the_way else orders[0])


def _whereabouts(desk: Desk, order: Order) -> Facts:
    overdue = order.status == "shipped" and order.expected_on < desk.today
    return order_facts(order) | ({"status": "late"} if overdue else {})


@operation(owner=True)
def order_history(desk: Desk) -> Facts:
    """The latest orders."""
    orders = desk.orders()
    if not orders:
        raise Refusal("no_order")
    return {"count": str(len(orders)), "orders": [f"{describe(o)}, {o.status}" for o in orders[:3]]}


@operation("order_id", "item", "reason", changes=True, owner=True)
def cancel_order(desk: Desk) -> Facts:
    """Cancel an order that has not been shipped; what was paid goes back the way it came."""
    order = desk.order()
    facts = order_facts(order)
    paid = order.status == "paid"
    order.status = "cancelled"
    for line in order.items:
        line.variant.stock += line.quantity
    return facts | {"status": "cancelled"} | (desk.refund(order, order.total_cents) if paid else {})


@operation("order_id", "item", "size", "color", "from_size", "from_color", changes=True, owner=True)
def change_item(desk: Desk) -> Facts:
    """Another size or colour of an item not yet shipped."""
    order = desk.order()
    line = desk.item(order)
    old = line.variant
    new = desk.variant_like(old)
    _take(new, line.quantity)
    old.stock += line.quantity
    line.sku, line.variant, line.price_cents = new.sku, new, new.price_cents
    return {"old": name_of(old), "item": name_of(new)} | _retotal(desk, order)


@operation("order_id", "item", "quantity", changes=True, owner=True)
def change_quantity(desk: Desk) -> Facts:
    """More or fewer of an item not yet shipped."""
    order = desk.order()
    line = desk.item(order)
    wanted = desk.number("quantity")
    if wanted is None or not 1 <= wanted <= MOST:
        raise Refusal("bad_quantity", most=str(MOST))
    if wanted == line.quantity:
        raise Refusal("same_quantity", quantity=str(wanted), item=name_of(line.variant), order_id=order.id)
    _take(line.variant, wanted - line.quantity)
    line.quantity = wanted
    return {"item": name_of(line.variant), "quantity": str(wanted)} | _retotal(desk, order)


@operation("order_id", "item", "address", "new_postcode", changes=True, owner=True)
def change_address(desk: Desk) -> Facts:
    """Deliver an order not yet shipped to another address."""
    order = desk.order()
    address, postcode = proper(desk.text("address")), desk.text("new_postcode")
    if not address:
        raise Refusal("need_address")
    if not postcode and address[-5:].isdigit():
        address, postcode = address[:-5].rstrip(" ,"), address[-5:]
    if len(postcode) != 5 or not postcode.isdigit():
        raise Refusal("need_postcode", address=address)
    if order.delivery_option == "pickup":
        raise Refusal("is_pickup", order_id=order.id)
    order.address, order.postcode = address, postcode
    return order_facts(order)


@operation("order_id", "item", "payment_method", changes=True, owner=True)
def change_payment(desk: Desk) -> Facts:
    """Pay an order not yet shipped by another method; a gift card must cover all of it."""
    order = desk.order()
    method, old = desk.text("payment_method"), order.payment_method
    if method == old:
        raise Refusal("same_payment", payment_method=method, order_id=order.id)
    if method == "gift_card":
        _charge_card(desk, order)
    back = desk.refund(order, order.total_cents) if order.status == "paid" else {}
    order.payment_method = method
    return order_facts(order) | {"old": old} | back


@operation("order_id", "item", "delivery_option", changes=True, owner=True)
def change_delivery(desk: Desk) -> Facts:
    """Switch an order not yet shipped to express, standard or pickup."""
    order = desk.order()
    option = desk.text("delivery_option")
    if option not in DELIVERY_DAYS:
        raise Refusal("bad_delivery", options=list(DELIVERY_DAYS))
    if option == order.delivery_option:
        raise Refusal("same_delivery", delivery_option=option, order_id=order.id)
    order.delivery_option = option
    order.delivery_cents = delivery_cents(option, _goods(order))
    order.expected_on = desk.today + dt.timedelta(days=DELIVERY_DAYS[option])
    return _retotal(desk, order)


@operation("order_id", "item", "promo_code", changes=True, owner=True)
def apply_promo(desk: Desk) -> Facts:
    """Take a promo code off an order that is not shipped yet; one code an order."""
    code = promotion(desk)
    order = desk.order()
    if order.promo_code:
        raise Refusal("promo_used", order_id=order.id, promo_code=order.promo_code)
    order.promo_code = str(code["promo_code"])
    order.discount_cents = _goods(order) * int(code["percent"]) // 100
    return code | {"discount": money(order.discount_cents)} | _retotal(desk, order)


def promotion(desk: Desk) -> Facts:
    """The promo code named, if it exists and still holds."""
    name = desk.text("promo_code").upper()
    row = desk.session.get(Promotion, name)
    if row is None:
        raise Refusal("promo_unknown", promo_code=name)
    if row.ends_on < desk.today:
        raise Refusal("promo_expired", promo_code=name, ends_on=row.ends_on.isoformat())
    return {"promo_code": name, "percent": str(row.percent), "ends_on": row.ends_on.isoformat()}


@operation("product", "size", "color", "quantity", "payment_method", changes=True, owner=True)
def place_order(desk: Desk) -> Facts:
    """Buy one product, sent to the customer's address and paid the usual way unless another was named."""
    customer = desk.customer()
    variant = _variant(desk)
    quantity = desk.number("quantity") or 1
    if quantity > MOST:
        raise Refusal("bad_quantity", most=str(MOST))
    _take(variant, quantity)
    goods = variant.price_cents * quantity
    fee = delivery_cents("standard", goods)
    order = Order(
        id=_next_order_id(desk),
        customer_id=customer.id,
        status="paid",
        placed_on=desk.today,
        expected_on=desk.today + dt.timedelta(days=DELIVERY_DAYS["standard"]),
        delivery_option="standard",
        delivery_cents=fee,
        payment_method=desk.text("payment_method") or customer.payment_method,
        total_cents=goods + fee,
        address=customer.address or "",
        postcode=customer.postcode or "",
    )
    if order.payment_method == "gift_card":
        _charge_card(desk, order)
    price = variant.price_cents
    order.items = [OrderItem(line=1, variant=variant, quantity=quantity, price_cents=price, status="ordered")]
    desk.session.add(order)
    desk.session.flush()
    bought = {"item": name_of(variant), "quantity": str(quantity), "amount": money(order.total_cents)}
    return order_facts(order) | bought


def _variant(desk: Desk) -> Variant:
    """The one variant that the product, size and colour asked for name."""
    product = desk.product(desk.text("product"))
    if product is None:
        raise Refusal("product_unknown", product=desk.text("product"))
    rows = list(desk.session.scalars(select(Variant).where(Variant.product_id == product.id).order_by(Variant.sku)))
    for option in ("color", "size"):
        values = list(dict.fromkeys(str(r.options[option]) for r in rows if r.options.get(option)))
        wanted = desk.text(option)
        if wanted and values:
            rows = [r for r in rows if r.options.get(option) == wanted]
            if not rows:
                raise Refusal("no_such_variant", product=product.name, wanted=wanted, options=values)
        elif len(values) > 1:
            raise Refusal(f"which_{option}", product=product.name, options=values)
    if not rows:
        raise Refusal("product_unknown", product=product.name)
    return rows[0]


def _next_order_id(desk: Desk) -> str:
    last = desk.session.scalar(select(func.max(Order.id)))
    five = int(str(last)[1:6]) if last else 9_999
    taken = (n for n in range(10_000, 100_000) if desk.session.get(Order, order_number(n)) is None)
    return order_number(five + 1 if five + 1 < 100_000 else next(taken))


def _take(variant: Variant, quantity: int) -> None:
    """Take pieces out of stock; a negative number puts them back."""
    if variant.stock < quantity:
        raise Refusal("out_of_stock", item=name_of(variant), left=str(variant.stock))
    variant.stock -= quantity


def _charge_card(desk: Desk, order: Order) -> None:
    """Take all of an order's total off the customer's gift card."""
    card = desk.gift_card(order.customer_id)
    if card is None or card.balance_cents < order.total_cents:
        balance = money(card.balance_cents if card else 0)
        raise Refusal("gift_card_short", total=money(order.total_cents), balance=balance)
    card.balance_cents -= order.total_cents


def _goods(order: Order) -> int:
    return sum(line.price_cents * line.quantity for line in order.items)


def _retotal(desk: Desk, order: Order) -> Facts:
    """Bring the total up to date; what was paid too much goes back, what is missing is charged the same way."""
    old = order.total_cents
    order.total_cents = _goods(order) + order.delivery_cents - order.discount_cents
    facts = order_facts(order)
    difference = order.total_cents - old
    if difference < 0 and order.status == "paid":
        return facts | desk.refund(order, -difference)
    return facts | ({"extra": money(difference)} if difference > 0 else {})
