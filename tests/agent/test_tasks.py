"""Whole calls by hand-made understandings, judged by exactly the rows they leave."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from typing import Any

import pytest

from agent.tables import Order, Subscription, Variant
from tests.calls import Conversation, Shop, difference, product_photo


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture(autouse=True)
def everything_has_words(caplog: pytest.LogCaptureFixture) -> Any:
    """No turn of any test may leave a reply without a fitting wording."""
    yield
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR] == []


Script = Callable[[Conversation, Shop], None]
TASKS: list[tuple[str, Script, Callable[[Shop], dict[str, dict[str, Any]]]]] = []


def task(expected: Callable[[Shop], dict[str, dict[str, Any]]]) -> Callable[[Script], Script]:
    """A whole call of a known customer, and every row that must differ afterwards, with the columns that matter."""

    def register(script: Script) -> Script:
        TASKS.append((script.__name__, script, expected))
        return script

    return register


@task(
    lambda shop: {
        f"orders/{shop.order('paid')}": {"status": "cancelled"},
        "variants/shirt-blue-M": {"stock": 21},
        "refunds/*": {"amount_cents": 4495, "payment_method": "credit_card", "status": "pending"},
    }
)
def cancel_order(call: Conversation, shop: Shop) -> None:
    order = shop.order("paid")
    call.say(f"cancel {order}", "cancel_order", order_id=order)
    call.say("yes", "affirm")


@task(
    lambda shop: {
        f"order_items/{shop.order('paid')}/1": {"sku": "shirt-red-L"},
        "variants/shirt-blue-M": {"stock": 21},
        "variants/shirt-red-L": {"stock": 19},
    }
)
def change_item(call: Conversation, shop: Shop) -> None:
    order = shop.order("paid")
    call.say(f"change {order} to red", "change_item", order_id=order, color="red")
    call.say("and size L", "inform", size="L")
    call.say("yes", "affirm")


@task(
    lambda shop: {
        f"order_items/{shop.order('paid')}/1": {"quantity": 3},
        f"orders/{shop.order('paid')}": {"total_cents": 12495},
        "variants/shirt-blue-M": {"stock": 18},
    }
)
def change_quantity(call: Conversation, shop: Shop) -> None:
    order = shop.order("paid")
    call.say(f"I want more in {order}", "change_quantity", order_id=order)
    call.say("3 of them", "inform", quantity="3")
    call.say("yes", "affirm")


@task(lambda shop: {f"orders/{shop.order('processing')}": {"address": "9 Elm Street, Salem", "postcode": "01970"}})
def change_address(call: Conversation, shop: Shop) -> None:
    order = shop.order("processing")
    call.say(f"send {order} elsewhere", "change_address", order_id=order)
    call.say("9 Elm Street, Salem", "inform", address="9 Elm Street, Salem")
    call.say("01970", "inform", postcode="01970")
    call.say("yes", "affirm")


@task(
    lambda shop: {
        f"orders/{shop.order('paid')}": {"payment_method": "paypal"},
        "refunds/*": {"amount_cents": 4495, "payment_method": "credit_card"},
    }
)
def change_payment(call: Conversation, shop: Shop) -> None:
    order = shop.order("paid")
    call.say(f"pay {order} with paypal", "change_payment", order_id=order, payment_method="paypal")
    call.say("yes", "affirm")


@task(
    lambda shop: {
        f"orders/{shop.order('paid')}": {
            "delivery_option": "express",
            "delivery_cents": 1295,
            "total_cents": 5295,
        }
    }
)
def change_delivery(call: Conversation, shop: Shop) -> None:
    order = shop.order("paid")
    call.say(f"express for {order}", "change_delivery", order_id=order, delivery_option="express")
    call.say("yes", "affirm")


@task(
    lambda shop: {
        "orders/*": {"customer_id": 1, "status": "paid", "total_cents": 18000, "payment_method": "credit_card"},
        "order_items/*": {"sku": "jacket-olive-L", "quantity": 2, "price_cents": 9000},
        "variants/jacket-olive-L": {"stock": 18},
    }
)
def place_order(call: Conversation, shop: Shop) -> None:
    call.say("two Rain Jacket please", "place_order", product="Rain Jacket", quantity="2")
    call.say("olive", "inform", color="olive")
    call.say("L", "inform", size="L")
    call.say("yes", "affirm")


@task(
    lambda shop: {
        f"order_items/{shop.order('delivered')}/1": {"status": "return_requested"},
        "returns/*": {"order_id": shop.order("delivered"), "kind": "return", "reason": "too small"},
        "refunds/*": {"amount_cents": 4495, "status": "pending"},
        "mails/*": {"kind": "return_label", "email": "ada@example.com"},
    }
)
def return_item(call: Conversation, shop: Shop) -> None:
    call.say("it is too small, I want to return it", "return_item", reason="too small")
    call.say("yes", "affirm")


@task(
    lambda shop: {
        f"order_items/{shop.order('delivered')}/1": {"status": "exchange_requested"},
        "returns/*": {"kind": "exchange", "new_sku": "shirt-blue-L"},
        "mails/*": {"kind": "return_label"},
        "variants/shirt-blue-L": {"stock": 19},
    }
)
def exchange_item(call: Conversation, shop: Shop) -> None:
    call.say("exchange it from M to L", "exchange_item", size=("M", "L"))
    call.say("yes", "affirm")


@task(
    lambda shop: {
        f"order_items/{shop.order('delivered')}/1": {"status": "claimed"},
        "returns/*": {"kind": "replacement", "new_sku": "shirt-blue-M"},
        "tickets/*": {"kind": "damaged", "status": "solved"},
        "variants/shirt-blue-M": {"stock": 19},
    }
)
def damaged_with_photo(call: Conversation, shop: Shop) -> None:
    call.say("look at this", "damaged_item", photo=product_photo("damaged"))
    call.say("yes", "affirm")


@task(
    lambda shop: {
        f"order_items/{shop.order('delivered')}/1": {"status": "claimed"},
        "refunds/*": {"amount_cents": 4000, "payment_method": "credit_card"},
        "tickets/*": {"kind": "damaged", "status": "solved"},
    }
)
def damaged_money_back_instead(call: Conversation, shop: Shop) -> None:
    call.say("look at this", "damaged_item", photo=product_photo("damaged"))
    assert "money back" in call.say("no", "deny").text
    call.say("yes", "affirm")


@task(
    lambda shop: {
        f"order_items/{shop.order('delivered')}/1": {"status": "claimed"},
        "tickets/*": {"kind": "damaged", "status": "open"},
    }
)
def damaged_without_photo(call: Conversation, shop: Shop) -> None:
    assert "photo" in call.say("it arrived torn", "damaged_item", reason="torn").text
    call.say("no", "deny")
    call.say("yes", "affirm")


@task(
    lambda shop: {
        f"order_items/{shop.order('delivered')}/1": {"status": "claimed"},
        "returns/*": {"kind": "replacement"},
        "tickets/*": {"kind": "wrong", "status": "solved"},
        "mails/*": {"kind": "return_label"},
        "variants/shirt-blue-M": {"stock": 19},
    }
)
def wrong_item(call: Conversation, shop: Shop) -> None:
    call.say("I got the wrong thing", "wrong_item")
    call.say("yes", "affirm")


@task(
    lambda shop: {
        f"order_items/{shop.order('delivered')}/1": {"status": "claimed"},
        "refunds/*": {"amount_cents": 4000},
        "tickets/*": {"kind": "missing", "status": "solved"},
    }
)
def missing_item_sold_out(call: Conversation, shop: Shop) -> None:
    shop.set(Variant, "shirt-blue-M", stock=0)
    assert "$40.00" in call.say("it was not in the parcel", "missing_item").text
    call.say("yes", "affirm")


@task(lambda shop: {"mails/*": {"kind": "invoice", "order_id": shop.order("paid")}})
def get_invoice(call: Conversation, shop: Shop) -> None:
    call.say(f"invoice for {shop.order('paid')}", "get_invoice", order_id=shop.order("paid"))


@task(
    lambda shop: {
        f"orders/{shop.order('paid')}": {"promo_code": "SPRING20", "discount_cents": 800, "total_cents": 3695},
        "refunds/*": {"amount_cents": 800},
    }
)
def promo_code(call: Conversation, shop: Shop) -> None:
    order = shop.order("paid")
    call.say(f"use SPRING20 on {order}", "promo_code", promo_code="SPRING20", order_id=order)
    call.say("yes", "affirm")


@task(lambda shop: {"customers/1": {"email": "new@example.com"}})
def update_email(call: Conversation, shop: Shop) -> None:
    shop_letter(shop, None)
    call.say("my e-mail is new@example.com now", "update_email", email="new@example.com")
    call.say("yes", "affirm")


@task(lambda shop: {"customers/1": {"phone": "503-555-0199"}})
def update_phone(call: Conversation, shop: Shop) -> None:
    call.say("new number", "update_phone")
    call.say("503-555-0199", "inform", phone="503-555-0199")
    call.say("yes", "affirm")


@task(lambda shop: {"subscriptions/ada@example.com": {"status": "subscribed"}})
def subscribe(call: Conversation, shop: Shop) -> None:
    shop_letter(shop, None)
    call.say("send me the newsletter", "subscribe")


@task(lambda shop: {"subscriptions/ada@example.com": {"status": "unsubscribed"}})
def unsubscribe(call: Conversation, shop: Shop) -> None:
    shop_letter(shop, "subscribed")
    call.say("no more newsletter", "unsubscribe")


@task(lambda shop: {"reviews/1/shirt": {"rating": 4}})
def leave_review(call: Conversation, shop: Shop) -> None:
    call.say("I want to rate the Linen Shirt", "leave_review", product="Linen Shirt")
    call.say("4", "inform", quantity="4")


@task(lambda shop: {"tickets/*": {"kind": "complaint", "status": "open"}})
def complaint(call: Conversation, shop: Shop) -> None:
    call.say("I want to complain", "complaint")
    call.say("the driver threw my parcel over the fence", "inform")
    call.say("yes", "affirm")


@task(lambda shop: {"tickets/*": {"kind": "payment"}})
def payment_problem(call: Conversation, shop: Shop) -> None:
    call.say("my card was charged twice for the same thing", "payment_problem")


@task(lambda shop: {"mails/*": {"kind": "password_link", "email": "ada@example.com"}})
def reset_password(call: Conversation, shop: Shop) -> None:
    call.say("I forgot my password", "reset_password")


@task(lambda shop: {"tickets/*": {"kind": "late", "order_id": shop.order("shipped")}})
def late_delivery(call: Conversation, shop: Shop) -> None:
    shop.set(Order, shop.order("shipped"), expected_on=dt.date(2026, 4, 20))
    call.say("it is late", "late_delivery", order_id=shop.order("shipped"))


def shop_letter(shop: Shop, status: str | None) -> None:
    """Set or remove the newsletter subscription of customer 1."""
    with shop.store.session(write=True) as session:
        row = session.get(Subscription, "ada@example.com")
        if row is not None:
            session.delete(row)
            session.flush()
        if status:
            session.add(Subscription(email="ada@example.com", status=status))


@pytest.mark.parametrize(("script", "expected"), [t[1:] for t in TASKS], ids=[t[0] for t in TASKS])
def test_a_whole_task_leaves_exactly_the_right_rows(shop: Shop, script: Script, expected: Any) -> None:
    wanted = expected(shop)
    set_up: list[dict[str, dict[str, Any]]] = []

    class Watched(Conversation):
        def say(self, text: str, *intents: str, **facts: Any) -> Any:
            if not set_up:
                set_up.append(shop.rows())
            return super().say(text, *intents, **facts)

    script(Watched(shop, "c", known=True), shop)
    changed = difference(set_up[0], shop.rows())
    assert {match_key(key, wanted) for key in changed} == set(wanted)
    assert len(changed) == len(wanted)
    for key, columns in changed.items():
        for name, value in wanted[match_key(key, wanted)].items():
            assert columns.get(name) == value, f"{key}.{name}"
    assert shop.manager.state("c").history[-1][1] == "done"


def match_key(key: str, wanted: dict[str, Any]) -> str:
    """The expected key for a row: itself, or its table's wildcard for rows whose id is made on the way."""
    return key if key in wanted else f"{key.split('/')[0]}/*"


def test_changes_told_are_the_changes_made(shop: Shop) -> None:
    call, before = shop.call(known=True), shop.rows()
    call.say("cancel it", "cancel_order", order_id=shop.order("paid"))
    answer = call.say("yes", "affirm")
    made = difference(before, shop.rows())
    assert {f"{c.table}/{c.key}" for c in answer.changes} == set(made)
    told = {f"{c.table}/{c.key}": c for c in answer.changes}
    for key, columns in made.items():
        for name in columns.keys() & before.get(key, {}).keys():
            assert told[key].before[name] == before[key][name]
            assert told[key].after[name] == columns[name]
    assert answer.action.name == "cancel_order"
