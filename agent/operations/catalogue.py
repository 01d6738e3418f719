"""Operations on products: what they cost, what they are, what is in stock, and what customers think of them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import distinct, func, select
from sqlalchemy.orm import aliased

from agent.operations.base import Desk, Facts, Refusal, in_stock, money, operation, options_of
from agent.shop import CatalogueProduct, cents
from agent.tables import Order, OrderItem, Review, Variant

SUGGESTIONS = 3

CROWD = 3
"""Customers who must have bought two products before a third is told so: fewer could be recognised."""


def _product(desk: Desk) -> CatalogueProduct:
    product = desk.product(desk.text("product"))
    if product is None:
        raise Refusal("product_unknown", product=desk.text("product"))
    return product


def _variants(desk: Desk, product: CatalogueProduct) -> list[Variant]:
    return list(desk.session.scalars(select(Variant).where(Variant.product_id == product.id).order_by(Variant.sku)))


@operation("product", "size", "color")
def product_price(desk: Desk) -> Facts:
    """The price: of the size and colour named, else the span over all of them."""
    product = _product(desk)
    rows = _variants(desk, product)
    wanted = {k: desk.text(k) for k in ("size", "color") if desk.text(k)}
    prices = [r.price_cents for r in rows if all(r.options.get(k) == v for k, v in wanted.items())]
    prices = prices or [r.price_cents for r in rows] or [cents(product.price)]
    facts: Facts = {"product": product.name, "price": money(min(prices))}
    return facts | ({"price_to": money(max(prices))} if max(prices) > min(prices) else {})


@operation("product")
def product_info(desk: Desk) -> Facts:
    """What the product graph says of a product."""
    product = _product(desk)
    return {"product": product.name, "description": product.description, "category": product.category}


@operation("product", "size", "color")
def product_availability(desk: Desk) -> Facts:
    """Whether a product is in stock in the size and colour named."""
    product = _product(desk)
    rows = _variants(desk, product)
    wanted = {k: desk.text(k) for k in ("size", "color") if desk.text(k)}
    fitting = [r for r in rows if all(r.options.get(k) == v for k, v in wanted.items())]
    facts: Facts = {"product": product.name} | ({"wanted": options_of(wanted)} if wanted else {})
    if not fitting:
        raise Refusal("not_made", **facts, options=in_stock(rows, near=wanted))
    if not any(r.stock > 0 for r in fitting):
        raise Refusal("not_in_stock", **facts, options=in_stock(rows, near=wanted))
    return facts | {"options": in_stock(fitting), "price": money(min(r.price_cents for r in fitting))}


@operation("product", "color", "size", "money")
def recommend_product(desk: Desk) -> Facts:
    """Products in stock within the money named, with the reason: like the one named or the last one bought (`like`,
    `products`), and what others who bought that one bought too (`also`).
    """
    like, reason = _taste(desk)
    others = [p for p in desk.graph.products() if like is None or p.id != like.id]
    offers = {product.id: text for product in others if (text := _offer(desk, product))}
    taken = _bought_beside(desk, like.id) if like else ()
    beside = [other for other in taken if other in offers][:SUGGESTIONS]
    also = [offers.pop(other) for other in beside]
    alike = [offers[p.id] for p in others if p.id in offers and (like is None or p.category == like.category)]
    if not also and not alike:
        raise Refusal("nothing_to_recommend")
    facts: Facts = {"like": reason} if reason else {}
    facts |= {"products": alike[:SUGGESTIONS]} if alike else {}
    return facts | ({"also": also} if also else {})


def _offer(desk: Desk, product: CatalogueProduct) -> str:
    """A product and its price, where something of it fits what was asked for; else nothing."""
    limit = cents(desk.text("money")) if desk.text("money") else None
    prices = [
        row.price_cents
        for row in _variants(desk, product)
        if row.stock > 0
        and (limit is None or row.price_cents <= limit)
        and all(not desk.text(k) or row.options.get(k) == desk.text(k) for k in ("color", "size"))
    ]
    return f"{product.name} at {money(min(prices))}" if prices else ""


def _bought_beside(desk: Desk, product_id: str) -> Sequence[str]:
    """Products bought by at least `CROWD` other customers who bought this one, by how many did."""
    own, others = aliased(Order), aliased(Order)
    buyers = select(own.customer_id).join(own.items).join(OrderItem.variant).where(Variant.product_id == product_id)
    count = func.count(distinct(others.customer_id))
    beside = (
        select(Variant.product_id)
        .select_from(others)
        .join(others.items)
        .join(OrderItem.variant)
        .where(others.customer_id.in_(buyers), Variant.product_id != product_id)
        .group_by(Variant.product_id)
        .having(count >= CROWD)
        .order_by(count.desc(), Variant.product_id)
    )
    if desk.customer_id is not None:
        beside = beside.where(others.customer_id != desk.customer_id)
    return desk.session.scalars(beside).all()


def _taste(desk: Desk) -> tuple[CatalogueProduct | None, str]:
    """The product suggestions should be like, and its name."""
    if named := desk.text("product"):
        product = desk.product(named)
        return product, product.name if product else ""
    if desk.customer_id is None:
        return None, ""
    bought = select(OrderItem).join(Order).where(Order.customer_id == desk.customer_id)
    last = desk.session.scalars(bought.order_by(Order.placed_on.desc(), Order.id)).first()
    product = desk.product(last.variant.product_id) if last else None
    return product, product.name if product else ""


@operation("product", "rating", "reason", changes=True, owner=True)
def leave_review(desk: Desk) -> Facts:
    """Rate a product one has bought, 1 to 5; a second review takes the place of the first."""
    customer, product = desk.customer(), _product(desk)
    rating = desk.number("rating")
    if rating is None or not 1 <= rating <= 5:
        raise Refusal("bad_rating", product=product.name)
    bought = select(OrderItem).join(Order).join(Variant)
    own = bought.where(Order.customer_id == customer.id, Variant.product_id == product.id)
    if desk.session.scalars(own.where(Order.delivered_on.is_not(None))).first() is None:
        raise Refusal("not_bought", product=product.name)
    row = desk.session.get(Review, (customer.id, product.id))
    if row is None:
        row = Review(customer_id=customer.id, product_id=product.id, rating=rating)
        desk.session.add(row)
    row.rating, row.text = rating, desk.text("reason") or None
    return {"product": product.name, "rating": str(rating)}
