"""The seeded shop: the same for the same seed, whole, and true to its dates."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from sqlalchemy import select, text

from agent.checksums import luhn
from agent.errors import InputError
from agent.shop import STATES, cents, delivery_cents, order_number, seed
from agent.store import Store
from agent.tables import Base, Customer, GiftCard, Order, Promotion, Refund, Return, Variant
from tests.calls import TODAY, TinyGraph


def fill(**options: Any) -> Store:
    store = Store("sqlite://")
    seed(store, TinyGraph(), **{"customers": 30, "orders": 200, "today": TODAY, **options})
    return store


@pytest.fixture(scope="module")
def store() -> Store:
    return fill()


def dump(store: Store) -> list[Any]:
    with store.session() as session:
        return [sorted(map(str, session.execute(select(table)))) for table in Base.metadata.sorted_tables]


def test_the_same_seed_and_day_give_the_same_rows(store: Store) -> None:
    assert dump(fill()) == dump(store)
    assert dump(fill(seed=8)) != dump(store)


def test_another_day_moves_only_the_dates(store: Store) -> None:
    later = fill(today=TODAY + dt.timedelta(days=7))
    with store.session() as one, later.session() as two:
        wanted = select(Order).order_by(Order.id)
        for old, new in zip(one.scalars(wanted), two.scalars(wanted), strict=True):
            assert (old.id, old.status, old.total_cents) == (new.id, new.status, new.total_cents)
            assert new.placed_on - old.placed_on == dt.timedelta(days=7)


def test_as_many_rows_as_asked_for(store: Store) -> None:
    with store.session() as session:
        assert session.query(Customer).count() == 30
        assert session.query(Order).count() == 200
        assert session.query(Variant).count() == 11
        assert session.execute(text("PRAGMA foreign_key_check")).all() == []


def test_the_first_customer_has_an_order_in_every_state(store: Store) -> None:
    with store.session() as session:
        own = session.scalars(select(Order).where(Order.customer_id == 1)).all()
        assert sorted(order.status for order in own) == sorted(STATES)
        delivered = next(order for order in own if order.status == "delivered")
        assert delivered.delivered_on
        assert (TODAY - delivered.delivered_on).days < 30


def test_every_id_has_its_check_digit(store: Store) -> None:
    with store.session() as session:
        for order in session.scalars(select(Order)):
            assert order.id[0] == "K"
            assert len(order.id) == 7
            assert luhn(order.id[1:])
            if order.tracking_number:
                assert order.tracking_number[:2] == "TR"
                assert len(order.tracking_number) == 11
                assert luhn(order.tracking_number[2:])
        assert all(luhn(card.id[2:]) for card in session.scalars(select(GiftCard)))


def test_totals_add_up(store: Store) -> None:
    with store.session() as session:
        for order in session.scalars(select(Order)):
            goods = sum(line.price_cents * line.quantity for line in order.items)
            assert order.items
            assert order.delivery_cents == delivery_cents(order.delivery_option, goods)
            assert order.total_cents == goods + order.delivery_cents


def test_dates_agree_with_the_state(store: Store) -> None:
    with store.session() as session:
        for order in session.scalars(select(Order)):
            assert order.placed_on <= TODAY
            assert order.placed_on <= order.expected_on
            got = order.status in ("delivered", "returned", "refunded")
            assert (order.delivered_on is not None) == got
            assert not got or order.placed_on <= (order.delivered_on or TODAY) <= TODAY
            assert (order.tracking_number is not None) == (
                order.status in ("shipped", "delivered", "returned", "refunded")
            )


def test_what_came_back_has_its_return_and_refund(store: Store) -> None:
    with store.session() as session:
        refunds = {refund.order_id: refund for refund in session.scalars(select(Refund))}
        returned = {row.order_id for row in session.scalars(select(Return))}
        for order in session.scalars(select(Order)):
            assert (order.id in refunds) == (order.status in ("cancelled", "returned", "refunded"))
            assert (order.id in returned) == (order.status in ("returned", "refunded"))
            if order.id in refunds:
                assert refunds[order.id].status == ("pending" if order.status == "returned" else "paid")
                assert refunds[order.id].amount_cents == order.total_cents


def test_promo_codes_are_running_and_over(store: Store) -> None:
    with store.session() as session:
        running = {row.code: row.ends_on >= TODAY for row in session.scalars(select(Promotion))}
    assert running["SPRING20"]
    assert not all(running.values())


@pytest.mark.parametrize("options", [{"customers": 0}, {"orders": -1}, {"orders": 90_000}, {"customers": 10**6}])
def test_sizes_that_cannot_be_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(InputError):
        fill(**options)


def test_a_shop_with_nothing_to_sell_is_refused() -> None:
    class Empty:
        def products(self) -> tuple[Any, ...]:
            return ()

    with pytest.raises(InputError):
        seed(Store("sqlite://"), Empty())


@pytest.mark.parametrize(("price", "expected"), [("12.50 USD", 1250), (12.5, 1250), ("0.07", 7), (20, 2000)])
def test_prices_become_cents(price: object, expected: int) -> None:
    assert cents(price) == expected


def test_an_order_number_is_checked() -> None:
    assert order_number(12345) == "K123455"
