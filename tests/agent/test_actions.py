"""Operations on the shop: what they refuse, that they happen once, and what is done when systems are down."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

import pytest
from sqlalchemy import delete, select

from agent.actions import Key, ShopBackend, excerpt, fingerprint, perform
from agent.errors import BackendError, ConfigError
from agent.operations import OPERATIONS
from agent.tables import Customer, GiftCard, Order, OrderItem, Variant
from agent.types import Action, Result
from tests.calls import Library, Shop, difference


@pytest.fixture
def shop() -> Shop:
    return Shop()


def do(shop: Shop, name: str, customer: int | None = 1, turn: int = 1, preview: bool = False, **facts: Any) -> Result:
    action = Action(name, facts)
    return perform(action, shop.backend, Library(), ("c", turn), customer_id=customer, preview=preview)


REFUSALS = [
    ("track_order", {"order_id": "K999997"}, "order_not_found"),
    ("track_order", {"tracking_number": "TR000000000"}, "tracking_not_found"),
    ("cancel_order", {"order_id": "shipped"}, "order_shipped"),
    ("cancel_order", {"order_id": "delivered"}, "order_delivered"),
    ("cancel_order", {"order_id": "cancelled"}, "order_cancelled"),
    ("cancel_order", {"order_id": "returned"}, "order_returned"),
    ("cancel_order", {"order_id": "refunded"}, "order_refunded"),
    ("cancel_order", {}, "which_order"),
    ("cancel_order", {"order_id": "'; DROP TABLE orders; --"}, "order_not_found"),
    ("change_item", {"order_id": "paid", "size": "M", "color": "blue"}, "same_variant"),
    ("change_item", {"order_id": "paid", "size": "XXL"}, "no_such_variant"),
    ("change_item", {"order_id": "paid", "size": "L", "item": "Rain Jacket"}, "item_not_in_order"),
    ("change_item", {"order_id": "shipped", "size": "L"}, "order_shipped"),
    ("change_quantity", {"order_id": "paid", "quantity": "1"}, "same_quantity"),
    ("change_quantity", {"order_id": "paid", "quantity": "0"}, "bad_quantity"),
    ("change_quantity", {"order_id": "paid", "quantity": "11"}, "bad_quantity"),
    ("change_quantity", {"order_id": "paid", "quantity": "-3"}, "bad_quantity"),
    ("change_quantity", {"order_id": "paid", "quantity": "many"}, "bad_quantity"),
    ("change_quantity", {"order_id": "delivered", "quantity": "2"}, "order_delivered"),
    ("change_address", {"order_id": "paid"}, "need_address"),
    ("change_address", {"order_id": "paid", "address": "9 Elm Street"}, "need_postcode"),
    ("change_address", {"order_id": "paid", "address": "9 Elm Street", "new_postcode": "12"}, "need_postcode"),
    ("change_address", {"order_id": "shipped", "address": "9 Elm Street 01970"}, "order_shipped"),
    ("change_payment", {"order_id": "paid", "payment_method": "credit_card"}, "same_payment"),
    ("change_payment", {"order_id": "paid", "payment_method": "gift_card"}, "gift_card_short"),
    ("change_delivery", {"order_id": "paid", "delivery_option": "standard"}, "same_delivery"),
    ("change_delivery", {"order_id": "paid", "delivery_option": "balloon"}, "bad_delivery"),
    ("place_order", {"product": "Moon Boots"}, "product_unknown"),
    ("place_order", {"product": "Linen Shirt"}, "which_color"),
    ("place_order", {"product": "Linen Shirt", "color": "blue"}, "which_size"),
    ("place_order", {"product": "Linen Shirt", "color": "green"}, "no_such_variant"),
    ("place_order", {"product": "Harbor Mug", "quantity": "21"}, "bad_quantity"),
    ("place_order", {"product": "Harbor Mug", "payment_method": "gift_card"}, "gift_card_short"),
    ("return_item", {"order_id": "paid"}, "order_paid"),
    ("return_item", {"order_id": "shipped"}, "order_shipped"),
    ("exchange_item", {"order_id": "delivered", "size": "M"}, "same_variant"),
    ("report_damaged", {"order_id": "shipped", "photo": "damaged"}, "order_shipped"),
    ("report_late", {"order_id": "paid"}, "order_paid"),
    ("apply_promo", {"promo_code": "NOPE10"}, "promo_unknown"),
    ("apply_promo", {"promo_code": "SUMMER25"}, "promo_expired"),
    ("refund_status", {"order_id": "paid"}, "no_refund"),
    ("leave_review", {"product": "Harbor Mug", "rating": "5"}, "not_bought"),
    ("leave_review", {"product": "Linen Shirt", "rating": "6"}, "bad_rating"),
    ("update_email", {"new_email": "ada@example.com"}, "same_email"),
    ("update_phone", {"new_phone": "12"}, "bad_phone"),
    ("update_phone", {"new_phone": "(312) 555-0100"}, "same_phone"),
    ("create_account", {"email": "ADA@example.com", "person": "Ada"}, "email_taken"),
    ("delete_account", {}, "orders_open"),
    ("product_price", {"product": "Moon Boots"}, "product_unknown"),
    ("identify", {"email": "ada@example.com"}, "not_identified"),
    ("identify", {"email": "ada@example.com", "postcode": "99999"}, "not_identified"),
    ("match_receipt", {"receipt_total": "9999.99"}, "receipt_unmatched"),
    ("match_receipt", {"receipt_total": "abc"}, "receipt_unreadable"),
    ("match_receipt", {"receipt_total": "1.00", "receipt_date": "2026-13-45"}, "receipt_unreadable"),
]


@pytest.mark.parametrize(
    ("name", "facts", "code"), REFUSALS, ids=[f"{r[0]}-{r[2]}-{i}" for i, r in enumerate(REFUSALS)]
)
def test_the_shop_refuses_by_code_and_changes_nothing(shop: Shop, name: str, facts: dict[str, Any], code: str) -> None:
    with shop.store.session(write=True) as session:
        session.query(GiftCard).filter_by(customer_id=1).delete()
    if facts.get("order_id", "").islower():
        facts = {**facts, "order_id": shop.order(facts["order_id"])}
    before = shop.rows()
    assert do(shop, name, **facts).error == code
    assert difference(before, shop.rows()) == {}


OWNED = [
    "track_order",
    "cancel_order",
    "return_item",
    "order_history",
    "gift_card_balance",
    "update_email",
    "get_invoice",
]


@pytest.mark.parametrize("name", OWNED)
@pytest.mark.parametrize("customer", [None, 9999])
def test_nothing_of_anybodys_without_proof(shop: Shop, name: str, customer: int | None) -> None:
    before = shop.rows()
    result = do(shop, name, customer=customer, order_id=shop.order("paid"), new_email="x@example.com")
    assert (result.ok, result.error, result.data) == (False, "not_identified", {})
    assert difference(before, shop.rows()) == {}


def test_an_erased_customer_is_nobody(shop: Shop) -> None:
    shop.set(Customer, 1, status="erased")
    assert do(shop, "order_history").error == "not_identified"
    facts: dict[str, Any] = {"order_id": shop.order("paid"), "postcode": "04101"}
    assert do(shop, "identify", customer=None, **facts).error == "not_identified"


@pytest.mark.parametrize(
    "facts",
    [
        {"order_id": "paid", "postcode": "04101"},
        {"order_id": "paid", "email": "Ada@Example.com"},
        {"order_id": "paid", "phone": "+1 (312) 555 0100"},
        {"email": "ada@example.com", "postcode": "04101"},
        {"email": "ada@example.com", "phone": "3125550100"},
    ],
)
def test_any_two_facts_that_meet_prove_a_customer(shop: Shop, facts: dict[str, Any]) -> None:
    if "order_id" in facts:
        facts = {**facts, "order_id": shop.order("paid")}
    assert do(shop, "identify", customer=None, **facts).data["customer_id"] == 1


def test_two_facts_of_two_people_prove_nobody(shop: Shop) -> None:
    with shop.store.session() as session:
        other = session.get_one(Customer, 2).email
    result = do(shop, "identify", customer=None, order_id=shop.order("paid"), email=other)
    assert result.error == "not_identified"


def test_a_change_happens_once_for_its_call_turn_and_arguments(shop: Shop) -> None:
    before = shop.rows()
    first = do(shop, "place_order", product="Harbor Mug")
    again = do(shop, "place_order", product="Harbor Mug")
    assert first == again
    assert len([k for k in difference(before, shop.rows()) if k.startswith("orders/")]) == 1
    do(shop, "place_order", turn=2, product="Harbor Mug")
    do(shop, "place_order", turn=2, product="Harbor Mug", quantity="2")
    assert len([k for k in difference(before, shop.rows()) if k.startswith("orders/")]) == 3


def test_a_preview_tells_what_the_change_then_is(shop: Shop) -> None:
    before, order = shop.rows(), shop.order("paid")
    preview = do(shop, "cancel_order", preview=True, order_id=order)
    assert difference(before, shop.rows()) == {}
    assert do(shop, "cancel_order", order_id=order) == preview


def test_stock_sold_out_between_preview_and_change_is_refused(shop: Shop) -> None:
    facts: dict[str, Any] = {"order_id": shop.order("delivered"), "size": "L"}
    assert do(shop, "exchange_item", preview=True, **facts).ok
    shop.set(Variant, "shirt-blue-L", stock=0)
    before = shop.rows()
    refused = do(shop, "exchange_item", **facts)
    assert refused.error == "out_of_stock"
    assert "blue, size S" in refused.data["options"]
    assert difference(before, shop.rows()) == {}


def test_one_of_several_items_is_asked_for_and_told_apart(shop: Shop) -> None:
    order = shop.order("delivered")
    shop.add_item(order, "shirt-red-S")
    shop.add_item(order, "mug")
    asked = do(shop, "return_item", order_id=order)
    assert asked.error == "which_item"
    assert asked.data["items"] == ["Linen Shirt in blue, size M", "Linen Shirt in red, size S", "Harbor Mug"]
    assert do(shop, "return_item", order_id=order, item="shirt").error == "which_item"
    red = do(shop, "return_item", order_id=order, item="shirt", from_color="red")
    assert red.data["item"] == "Linen Shirt in red, size S"
    again = do(shop, "return_item", turn=2, order_id=order, item="shirt", from_color="red")
    assert again.data["item"] == "Linen Shirt in blue, size M"


def test_the_last_item_sent_back_brings_what_delivery_cost(shop: Shop) -> None:
    order = shop.order("delivered")
    shop.add_item(order, "mug")
    assert do(shop, "return_item", order_id=order, item="Harbor Mug").data["refund"] == "9.90 USD"
    assert do(shop, "return_item", turn=2, order_id=order).data["refund"] == "44.95 USD"


def test_a_discount_is_not_paid_back(shop: Shop) -> None:
    order = shop.order("delivered")
    shop.set(Order, order, discount_cents=800, total_cents=3695)
    assert do(shop, "return_item", order_id=order).data["refund"] == "36.95 USD"


def test_a_gift_card_pays_and_is_paid_back_at_once(shop: Shop) -> None:
    with shop.store.session(write=True) as session:
        session.query(GiftCard).filter_by(customer_id=1).delete()
        session.add(GiftCard(id="GC1", customer_id=1, balance_cents=5000))
    order = shop.order("paid")
    do(shop, "change_payment", order_id=order, payment_method="gift_card")
    assert shop.rows()["gift_cards/GC1"]["balance_cents"] == 505
    refund = do(shop, "cancel_order", turn=2, order_id=order)
    assert shop.rows()["gift_cards/GC1"]["balance_cents"] == 5000
    assert refund.data["refund_due"] == "2026-05-01"


def test_a_damaged_item_without_proof_waits_for_a_person(shop: Shop) -> None:
    result = do(shop, "report_damaged", order_id=shop.order("delivered"), photo="intact")
    assert result.data["remedy"] == "review"
    assert {c.table for c in result.changes} == {"order_items", "tickets"}


def test_an_overdue_order_is_told_as_late(shop: Shop) -> None:
    order = shop.order("shipped")
    shop.set(Order, order, expected_on=dt.date(2026, 4, 29))
    assert do(shop, "track_order", order_id=order).data["status"] == "late"
    assert do(shop, "report_late", order_id=order).data["days"] == "2"


def only_bought_by(shop: Shop, bought: dict[int, tuple[str, ...]]) -> None:
    """Nobody has bought anything but these customers these variants."""
    with shop.store.session(write=True) as session:
        session.execute(delete(OrderItem))
        for order in session.scalars(select(Order)).all():
            wanted = bought.pop(order.customer_id, ())
            lines = [
                OrderItem(order_id=order.id, line=i, sku=s, quantity=1, price_cents=1) for i, s in enumerate(wanted)
            ]
            session.add_all(lines)
    assert not bought


def test_suggestions_are_in_stock_and_within_the_money(shop: Shop) -> None:
    only_bought_by(shop, {})
    assert do(shop, "recommend_product", product="Linen Shirt").data == {
        "like": "Linen Shirt",
        "products": ["Rain Jacket at 90.00 USD"],
    }
    assert do(shop, "recommend_product", product="Linen Shirt", money="50.00 USD").error == "nothing_to_recommend"


def test_what_a_crowd_bought_beside_a_product_is_suggested(shop: Shop) -> None:
    with shop.store.session() as session:
        mug = session.scalars(select(Variant.sku).where(Variant.product == "Harbor Mug")).first()
        others = sorted({c for c in session.scalars(select(Order.customer_id)) if c != 1})[:3]
    pair = ("shirt-blue-M", str(mug))
    only_bought_by(shop, {1: pair, **dict.fromkeys(others[:2], pair), others[2]: pair[:1]})
    assert "also" not in do(shop, "recommend_product", product="Linen Shirt").data  # oneself and two others: no crowd
    only_bought_by(shop, {1: pair, **dict.fromkeys(others, pair)})
    found = do(shop, "recommend_product", product="Linen Shirt").data
    assert [name.partition(" at ")[0] for name in found["also"]] == ["Harbor Mug"]
    with shop.store.session(write=True) as session:
        for variant in session.scalars(select(Variant).where(Variant.product == "Harbor Mug")):
            variant.stock = 0
    assert "also" not in do(shop, "recommend_product", product="Linen Shirt").data


def test_a_receipt_needs_the_day_from_a_stranger_but_not_from_the_customer(shop: Shop) -> None:
    order = shop.order("delivered")
    shop.set(Order, order, total_cents=123456)
    assert do(shop, "match_receipt", receipt_total="1234.56").data["order_id"] == order
    assert do(shop, "match_receipt", customer=None, receipt_total="1234.56").error == "receipt_unreadable"
    with shop.store.session() as session:
        day = session.get_one(Order, order).placed_on
    near = do(
        shop, "match_receipt", customer=None, receipt_total="1234.56", receipt_date=str(day + dt.timedelta(days=1))
    )
    assert near.data == {"order_id": order}
    far = do(
        shop, "match_receipt", customer=None, receipt_total="1234.56", receipt_date=str(day + dt.timedelta(days=2))
    )
    assert far.error == "receipt_unmatched"


class Flaky:
    """A backend that fails some times before it works."""

    def __init__(self, inner: ShopBackend, failures: int) -> None:
        self.inner, self.failures, self.calls = inner, failures, 0
        self.operations = inner.operations

    def run(self, action: Action, key: Key, *, customer_id: int | None, preview: bool) -> Result:
        self.calls += 1
        if self.calls <= self.failures:
            raise BackendError("down")
        return self.inner.run(action, key, customer_id=customer_id, preview=preview)


@pytest.mark.parametrize(("failures", "error", "calls"), [(0, "", 1), (2, "", 3), (9, "backend_down", 3)])
def test_a_backend_that_is_down_is_tried_again_and_then_told(shop: Shop, failures: int, error: str, calls: int) -> None:
    pauses: list[float] = []
    backend = Flaky(shop.backend, failures)
    result = perform(Action("order_history"), backend, None, ("c", 1), customer_id=1, sleep=pauses.append)
    assert (result.error, backend.calls) == (error, calls)
    assert all(later > earlier for earlier, later in itertools.pairwise(pauses))


Made: Any = Result


@pytest.mark.parametrize(
    "nonsense", [None, {"ok": True}, Made("yes", {}), Made(True, None), ValueError("x"), KeyError()]
)
def test_nonsense_from_the_backend_is_said_and_not_asked_for_again(nonsense: Any) -> None:
    calls = []

    class Confused:
        operations = OPERATIONS

        def run(self, *_: Any, **__: Any) -> Any:
            calls.append(1)
            if isinstance(nonsense, Exception):
                raise nonsense
            return nonsense

    assert perform(Action("track_order"), Confused(), None, ("c", 1)).error == "backend_down"
    assert len(calls) == 1


def test_a_slow_backend_is_not_asked_again() -> None:
    times = iter((0.0, 31.0))

    class Slow:
        operations = OPERATIONS

        def run(self, *_: Any, **__: Any) -> Result:
            raise BackendError("busy")

    result = perform(Action("track_order"), Slow(), None, ("c", 1), sleep=lambda _: None, clock=lambda: next(times))
    assert result.error == "backend_down"


def test_an_operation_nobody_has_is_named(shop: Shop) -> None:
    with pytest.raises(ConfigError, match="launch_rocket"):
        do(shop, "launch_rocket")


def test_arguments_an_operation_does_not_read_never_reach_it(shop: Shop) -> None:
    order = shop.order("paid")
    result = do(shop, "cancel_order", order_id=order, customer_id=2, checks={"status": ["delivered"]}, total_cents=0)
    assert result.data["total"] == "44.95 USD"


def test_a_fingerprint_knows_actions_apart() -> None:
    one = Action("a", {"x": 1, "y": 2})
    assert fingerprint(one) == fingerprint(Action("a", {"y": 2, "x": 1}))
    assert len({fingerprint(a) for a in (one, Action("b", one.arguments), Action("a", {"x": 1}))}) == 3


def test_answers_come_from_the_articles_by_words_then_by_topic(shop: Shop) -> None:
    by_words = do(shop, "answer", query="gift cards?", topic="store hours")
    assert by_words.data["source"] == "gift-cards"
    assert do(shop, "answer", query="when are you open", topic="store hours").data["source"] == "hours"
    assert do(shop, "answer", query="moon", topic="").error == "no_article"
    assert perform(Action("answer", {"query": "hours"}), shop.backend, None, ("c", 1)).error == "no_article"


def test_an_excerpt_is_the_stretch_that_fits_the_question() -> None:
    text = "One is first. Two is here. Three is here. We ship to Canada. Canadian parcels take long. Six ends."
    assert excerpt(text, "do you ship to canada") == "We ship to Canada. Canadian parcels take long. Six ends."
    assert excerpt(text, "") == "One is first. Two is here. Three is here."
    assert excerpt("Only this.", "what") == "Only this."
