"""What photos do, and questions answered from what the shop knows."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from agent.tables import Customer, GiftCard, Order, Promotion
from tests.calls import Shop, difference, product_photo, receipt


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture(autouse=True)
def everything_has_words(caplog: pytest.LogCaptureFixture) -> Any:
    """No turn of any test may leave a reply without a fitting wording."""
    yield
    assert [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR] == []


# ---- photos


def test_a_receipt_finds_the_order(shop: Shop) -> None:
    order = shop.order("delivered")
    shop.add_item(order, "mug")
    with shop.store.session() as session:
        row = session.get_one(Order, order)
        photo = receipt(f"{row.total_cents / 100:.2f}", row.placed_on.isoformat())
    call = shop.call(known=True)
    answer = call.say("I want to return the Harbor Mug", "return_item", photo=photo, product="Harbor Mug")
    assert order in answer.text
    assert "Harbor Mug" in answer.text
    assert shop.manager.state("c").sources["order_id"] == "photo"


def test_a_receipt_alone_asks_what_to_do_with_it(shop: Shop) -> None:
    order = shop.order("delivered")
    with shop.store.session() as session:
        placed = session.get_one(Order, order).placed_on.isoformat()
    call = shop.call(known=True)
    answer = call.say("", photo=receipt("44.95", placed), verdict="no_speech")
    assert answer.action.name == "clarify"
    assert order in call.say("yes", "affirm").text


def test_a_receipt_of_nobodys_order_matches_nothing(shop: Shop) -> None:
    call = shop.call(known=True)
    answer = call.say("track this", "track_order", photo=receipt("1234.56", "2026-04-30"))
    assert "couldn't find an order for that receipt" in answer.text


def test_a_receipt_that_does_not_tell_a_strangers_order_is_not_passed_over(shop: Shop) -> None:
    call = shop.call()
    call.say("track my order", "track_order")
    answer = call.say("this is the receipt", "inform", photo=receipt("1234.56", "2026-04-30"))
    assert "doesn't tell me yet which order" in answer.text
    assert "order number" in answer.text
    assert "receipt" not in call.say("I see", "inform").text


def test_a_photo_without_words_leads_to_the_claim(shop: Shop) -> None:
    call = shop.call(known=True)
    assert call.say("", verdict="no_speech", photo=product_photo("damaged")).action.name == "clarify"
    assert "see the damage" in call.say("yes", "affirm").text


# ---- answers


@pytest.mark.parametrize(
    ("intent", "facts", "words"),
    [
        ("product_price", {"product": "Linen Shirt"}, "$40.00"),
        ("product_info", {"product": "Harbor Mug"}, "Holds coffee"),
        ("product_availability", {"product": "Rain Jacket", "color": "olive"}, "in stock in olive"),
        ("product_availability", {"product": "Rain Jacket", "color": "pink"}, "doesn't come in pink"),
        ("recommend_product", {"product": "Linen Shirt"}, "Rain Jacket at $90.00"),
        ("order_history", {}, "7 orders"),
        ("return_policy", {}, "within 30 days"),
        ("gift_card", {}, "Gift cards come in any amount"),
    ],
)
def test_questions_are_answered_from_what_the_shop_knows(
    shop: Shop, intent: str, facts: dict[str, str], words: str
) -> None:
    with shop.store.session(write=True) as session:
        for card in session.query(GiftCard).filter_by(customer_id=1):
            session.delete(card)
    assert words in shop.call(known=True).say(" ".join(facts.values()) or "tell me", intent, **facts).text


def test_a_code_without_an_order_is_checked_instead(shop: Shop) -> None:
    for status in ("processing", "paid"):
        shop.set(Order, shop.order(status), status="delivered")
    answer = shop.call(known=True).say("does SPRING20 work", "promo_code", promo_code="SPRING20")
    assert "20 percent" in answer.text
    assert answer.action.name == "check_promo"


def test_an_expired_code_takes_nothing_off(shop: Shop) -> None:
    with shop.store.session() as session:
        assert session.get_one(Promotion, "SUMMER25").percent == 25
    before = shop.rows()
    answer = shop.call(known=True).say("use SUMMER25", "promo_code", promo_code="SUMMER25", order_id=shop.order("paid"))
    assert "ended" in answer.text
    assert difference(before, shop.rows()) == {}


def test_an_account_can_be_opened_by_anyone(shop: Shop) -> None:
    call = shop.call()
    call.say("I want an account", "create_account")
    call.say("zoe@example.com", "inform", email="zoe@example.com")
    call.say("Zoe Frost", "inform", person="Zoe Frost")
    answer = call.say("yes", "affirm")
    assert answer.changes[0].table == "customers"
    with shop.store.session() as session:
        assert session.query(Customer).filter_by(email="zoe@example.com").one().name == "Zoe Frost"


def test_a_reset_says_the_same_for_an_address_nobody_has(shop: Shop) -> None:
    mine = shop.call("a").say("reset ada@example.com", "reset_password", email="ada@example.com")
    nobodys = shop.call("a2").say("reset no@example.com", "reset_password", email="no@example.com")
    assert mine.text.replace("ada@", "no@").split(".")[0] == nobodys.text.split(".")[0]
    assert (len(mine.changes), len(nobodys.changes)) == (1, 0)
