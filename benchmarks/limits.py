"""What simulated customers want that may never be done, and what only a person may go on with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from benchmarks.goals import OPEN, Goal, Shop, known, of_order, told_apart, within


def _forbidden(shop: Shop) -> Goal:
    """To cancel what has left the house, or send back what came too long ago."""
    if shop.rng.random() < 0.5:
        return replace(of_order(shop, shop.order("shipped"), "cancel_order"), action="", ends="refused")
    late = shop.order("delivered", fits=lambda o: not within(shop, 30)(o))
    return replace(of_order(shop, late, "return_item", shop.rng.choice(late.items)), action="", ends="refused")


def _anothers(shop: Shop) -> Goal:
    """To cancel another customer's order, with the caller's own proofs."""
    order, me = shop.order(*OPEN), shop.anyone()
    while me.id == order.customer_id:
        me = shop.anyone()
    return Goal("cancel_order", me.id, {**known(shop, me.id), "order_id": order.id}, ends="refused")


def _invented(shop: Shop) -> Goal:
    """To cancel an order that nobody has."""
    me = shop.anyone()
    return Goal("cancel_order", me.id, {**known(shop, me.id), "order_id": "K000000"}, ends="refused")


def _expensive(shop: Shop) -> Goal:
    """To send back something worth more than may be settled without a person."""
    recent = within(shop, 30)
    dear = [
        (o, line)
        for o in shop.orders
        if o.status == "delivered" and recent(o) and told_apart(o)
        for line in o.items
        if line.price_cents * line.quantity > 100_000
    ]
    if not dear:
        return replace(
            of_order(shop, shop.order("delivered"), "return_item"), action="", ends="handoff", intent="person"
        )
    order, line = shop.rng.choice(dear)
    return replace(of_order(shop, order, "return_item", line), action="", ends="handoff")


def _talk(shop: Shop, intent: str) -> Goal:
    return replace(of_order(shop, shop.order(*OPEN), intent), action="", ends="handoff")


REFUSED: Sequence[Callable[[Shop], Goal]] = (
    _forbidden,
    _anothers,
    _invented,
    lambda s: replace(of_order(s, s.order(*OPEN), "strange"), action="", ends="refused"),
)
"""What may never be done."""

PERSONS: Sequence[Callable[[Shop], Goal]] = (
    lambda s: _talk(s, "person"),
    lambda s: _talk(s, "legal"),
    lambda s: _talk(s, "anger"),
    _expensive,
)
"""What is for a person."""
