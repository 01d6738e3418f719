"""A shop in the form of tau2-bench's retail data becomes rows that the operations work on."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from agent.actions import ShopBackend
from agent.errors import InputError
from agent.imported import import_shop
from agent.store import Store
from agent.tables import GiftCard, Order
from agent.types import Action
from tests.calls import retail_flows

TODAY = dt.date(2026, 5, 1)
ADDRESS = {"address1": "1 Mill Lane", "address2": "", "city": "Salem", "state": "MA", "zip": "01970", "country": "USA"}


def shirt(item: str, color: str, available: bool = True) -> dict[str, Any]:
    return {"item_id": item, "options": {"color": color, "fabric": "linen"}, "available": available, "price": 40.5}


def order(number: str, status: str, item: str = "11") -> dict[str, Any]:
    return {
        "order_id": number, "user_id": "ada_1", "address": ADDRESS, "status": status,
        "items": [{"name": "Shirt", "product_id": "1", "item_id": item, "price": 40.5, "options": {}}],
        "fulfillments": [], "payment_history": [{"payment_method_id": "gift_card_7", "amount": 40.5}],
    }  # fmt: skip


def data() -> dict[str, Any]:
    methods = {"gift_card_7": {"source": "gift_card", "id": "gift_card_7", "balance": 12.0}}
    user = {
        "user_id": "ada_1", "name": {"first_name": "Ada", "last_name": "Thorne"}, "address": ADDRESS,
        "email": "Ada@example.com", "payment_methods": methods, "orders": ["#W1", "#W2"],
    }  # fmt: skip
    variants = {"11": shirt("11", "blue"), "12": shirt("12", "red"), "13": shirt("13", "green", False)}
    return {
        "users": {"ada_1": user},
        "products": {"1": {"name": "Shirt", "product_id": "1", "variants": variants}},
        "orders": {"#W1": order("#W1", "pending"), "#W2": order("#W2", "delivered")},
    }


@pytest.fixture
def desk(tmp_path: Path) -> ShopBackend:
    (tmp_path / "db.json").write_text(json.dumps(data()), encoding="utf-8")
    store = Store("sqlite://")
    return ShopBackend(store, import_shop(store, tmp_path, TODAY), lambda: TODAY, retail_flows().checks)


def do(desk: ShopBackend, name: str, customer: int | None = 1, **facts: str) -> Any:
    return desk.run(Action(name, facts), ("c", 1), customer_id=customer, preview=False)


def test_its_customers_are_proved_as_ours_are(desk: ShopBackend) -> None:
    assert do(desk, "identify", None, email="ada@example.com", postcode="01970").data["person"] == "Ada Thorne"
    assert do(desk, "identify", None, email="ada@example.com", postcode="01971").error == "not_identified"


def test_its_orders_are_worked_on_by_the_same_rules(desk: ShopBackend) -> None:
    assert do(desk, "cancel_order", order_id="W2").error == "order_delivered"
    assert do(desk, "cancel_order", order_id="W1").ok
    with desk.store.session() as session:
        assert session.get_one(Order, "W1").status == "cancelled"
        assert session.get_one(GiftCard, "gift_card_7").balance_cents == 1200 + 4050
    assert do(desk, "exchange_item", order_id="W2", item="Shirt", color="green").error == "out_of_stock"
    assert do(desk, "exchange_item", order_id="W2", item="Shirt", color="red").ok


@pytest.mark.parametrize("source", [None, "[]", "{", '{"products": {}, "users": {}}', '{"products": [1]}'])
def test_a_file_of_another_form_is_named(tmp_path: Path, source: str | None) -> None:
    if source is not None:
        (tmp_path / "db.json").write_text(source, encoding="utf-8")
    with pytest.raises(InputError, match=r"db\.json"):
        import_shop(Store("sqlite://"), tmp_path)
