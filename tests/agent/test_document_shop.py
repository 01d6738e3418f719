"""The backend over a shop of documents: its policy is held, each change is made once, and only by its owner."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent.document_shop import DocumentShop, documents, load
from agent.errors import InputError
from agent.store import Store
from agent.types import Action, Result
from benchmarks.data_shop import expected, operation, run, to_the_cent

ADDRESS = {"address1": "1 Mill Lane", "address2": "", "city": "Salem", "state": "MA", "country": "USA", "zip": "01970"}


def shirt(item: str, price: float, available: bool = True) -> dict[str, Any]:
    return {"item_id": item, "options": {"fabric": item}, "available": available, "price": price}


def order(number: str, status: str, user: str = "ada_1") -> dict[str, Any]:
    return {
        "order_id": number, "user_id": user, "address": ADDRESS, "status": status,
        "items": [{"name": "Shirt", "product_id": "1", "item_id": "11", "price": 40.5, "options": {"fabric": "11"}}],
        "fulfillments": [],
        "payment_history": [{"transaction_type": "payment", "payment_method_id": "gift_7", "amount": 40.5}],
    }  # fmt: skip


def user(key: str, first: str) -> dict[str, Any]:
    methods = {
        "gift_7": {"source": "gift_card", "id": "gift_7", "balance": 12.0},
        "card_8": {"source": "credit_card", "id": "card_8"},
    }
    return {
        "user_id": key, "name": {"first_name": first, "last_name": "Thorne"}, "address": ADDRESS,
        "email": f"{first}@example.com", "payment_methods": methods, "orders": [],
    }  # fmt: skip


def data() -> dict[str, Any]:
    variants = {
        v["item_id"]: v for v in (shirt("11", 40.5), shirt("12", 45.2), shirt("13", 40.5, False), shirt("14", 60))
    }
    return {
        "users": {"ada_1": user("ada_1", "Ada"), "bea_2": user("bea_2", "Bea")},
        "products": {"1": {"name": "Shirt", "product_id": "1", "variants": variants}},
        "orders": {"#W1": order("#W1", "pending"), "#W2": order("#W2", "delivered"), "#W3": order("#W3", "processed")},
    }


@pytest.fixture
def shop(tmp_path: Path) -> DocumentShop:
    (tmp_path / "db.json").write_text(json.dumps(data()), encoding="utf-8")
    store = Store("sqlite://")
    load(store, tmp_path)
    return DocumentShop(store)


def do(shop: DocumentShop, name: str, customer: int | None = 1, turn: int = 1, **facts: Any) -> Result:
    return shop.run(Action(name, facts), ("c", turn), customer_id=customer, preview=False)


def test_a_customer_is_found_by_mail_or_by_name_and_zip(shop: DocumentShop) -> None:
    assert do(shop, "identify", None, email="BEA@example.com").data["customer_id"] == 2
    assert do(shop, "identify", None, person="ada thorne", postcode="01970").data["customer_id"] == 1
    assert do(shop, "identify", None, person="ada thorne", postcode="01971").error == "not_identified"
    assert do(shop, "identify", None, person="ada thorne").error == "not_identified"


CHANGES = [
    ("cancel_pending_order", {"order_id": "#W1", "reason": "no longer needed"}),
    ("modify_pending_order_address", {"order_id": "#W1", **ADDRESS, "city": "Lynn"}),
    ("modify_user_address", {"user_id": "ada_1", **ADDRESS, "city": "Lynn"}),
    (
        "modify_pending_order_items",
        {"order_id": "#W1", "item_ids": ["11"], "new_item_ids": ["12"], "payment_method_id": "gift_7"},
    ),
    ("modify_pending_order_payment", {"order_id": "#W1", "payment_method_id": "card_8"}),
    ("return_delivered_order_items", {"order_id": "#W2", "item_ids": ["11"], "payment_method_id": "gift_7"}),
    (
        "exchange_delivered_order_items",
        {"order_id": "#W2", "item_ids": ["11"], "new_item_ids": ["14"], "payment_method_id": "card_8"},
    ),
]


@pytest.mark.parametrize(("name", "given"), CHANGES, ids=[name for name, _ in CHANGES])
def test_a_change_leaves_what_the_shop_calls_it_and_is_made_once(
    shop: DocumentShop, name: str, given: dict[str, Any]
) -> None:
    action, wanted, before = {"name": name, "arguments": given}, data(), documents(shop.store)
    expected(wanted, action)
    change = operation(action)
    shown = shop.run(change, ("c", 1), customer_id=1, preview=True)
    assert shown.ok
    assert documents(shop.store) == before
    assert do(shop, change.name, 2 if "order_id" in given else None, **change.arguments).ok is False
    assert documents(shop.store) == before
    for _ in range(2):  # the same call and turn
        assert do(shop, change.name, **change.arguments).ok
        assert to_the_cent(documents(shop.store)) == to_the_cent(wanted)


SWAP: dict[str, Any] = {"order_id": "W1", "items": ["11"], "payment": "card_8"}
BACK: dict[str, Any] = {"order_id": "W2", "items": ["11"], "payment": "gift_7"}


@pytest.mark.parametrize(
    ("name", "facts", "error"),
    [
        ("cancel_order", {"order_id": "W1", "reason": "too dear"}, "bad_reason"),
        ("cancel_order", {"order_id": "W3", "reason": "no longer needed"}, "order_processed"),
        ("cancel_order", {"order_id": "W9", "reason": "no longer needed"}, "order_not_found"),
        ("change_items", SWAP | {"new_items": ["13"]}, "out_of_stock"),
        ("change_items", SWAP | {"new_items": ["99"]}, "no_such_variant"),
        ("change_items", SWAP | {"new_items": ["11"]}, "same_variant"),
        ("change_items", SWAP | {"new_items": []}, "which_variant"),
        ("change_items", SWAP | {"new_items": ["14"], "payment": "gift_7"}, "gift_card_short"),
        ("change_items", SWAP | {"items": ["11", "11"], "new_items": ["12", "12"]}, "item_not_in_order"),
        ("change_payment", {"order_id": "W1", "payment": "gift_7"}, "same_payment"),
        ("change_payment", {"order_id": "W1", "payment": "card_9"}, "payment_unknown"),
        ("change_address", {"order_id": "W1", "city": "Lynn"}, "need_address"),
        ("return_items", BACK | {"payment": "card_8"}, "refund_elsewhere"),
        ("return_items", BACK | {"items": []}, "which_item"),
        ("return_items", BACK | {"order_id": "W1"}, "order_pending"),
    ],
)
def test_what_the_policy_forbids_is_not_done(shop: DocumentShop, name: str, facts: dict[str, Any], error: str) -> None:
    before = documents(shop.store)
    assert do(shop, name, **facts).error == error
    assert documents(shop.store) == before


def test_items_are_changed_once_and_then_the_order_is_not_cancelled(shop: DocumentShop) -> None:
    assert do(shop, "change_items", **SWAP, new_items=["12"]).ok
    assert do(shop, "change_items", turn=2, **SWAP, new_items=["14"]).error == "order_modified"
    assert do(shop, "cancel_order", turn=3, order_id="W1", reason="no longer needed").error == "order_modified"


def test_the_benchmark_counts_what_its_tasks_ask_for(tmp_path: Path) -> None:
    (tmp_path / "db.json").write_text(json.dumps(data()), encoding="utf-8")
    find = {"action_id": "0", "name": "find_user_id_by_email", "arguments": {"email": "ada@example.com"}}
    tasks = [
        {"evaluation_criteria": {"actions": [find, {"action_id": "1", "name": name, "arguments": given}]}}
        for name, given in CHANGES
    ]
    (tmp_path / "tasks.json").write_text(json.dumps(tasks), encoding="utf-8")
    figures = run(tmp_path)
    assert figures["tasks_with_changes"] == "7 of 7"
    assert figures["tried_once_more_and_refused"] == "5 of 5"
    assert figures["tasks_whose_documents_those_left_alone"] == 7


@pytest.mark.parametrize("text", ["", "[]", '{"users": {}}', '{"users": {"a": 1}, "orders": {}, "products": {}}'])
def test_another_form_is_refused_by_name(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"db\.json"):
        load(Store("sqlite://"), tmp_path)
    (tmp_path / "db.json").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"db\.json: not a shop"):
        load(Store("sqlite://"), tmp_path)
