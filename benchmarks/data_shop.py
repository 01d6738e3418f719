"""The changes that tau2-bench's retail tasks ask for, carried out by our backend over its shop.

    python -m benchmarks.data_shop --data DIR

Each task runs in a fresh copy of `DIR/retail/db.json`: its customer is identified as the task says, its changes are put
to the backend, and every document of the shop is compared with what the changes must leave, worked out apart from the
backend from the task's own actions and the shop's policy (`expected`; money to the cent). Then the same is tried once
more, and by somebody else: nothing of it may be done. This tries the backend, not the understanding of words.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from agent.document_shop import DocumentShop, documents, load
from agent.store import Store
from agent.types import Action, Result

Shop = dict[str, dict[str, Any]]

NAMES = {
    "cancel_pending_order": "cancel_order",
    "modify_pending_order_address": "change_address",
    "modify_user_address": "change_default_address",
    "modify_pending_order_items": "change_items",
    "modify_pending_order_payment": "change_payment",
    "return_delivered_order_items": "return_items",
    "exchange_delivered_order_items": "exchange_items",
}
"""The shop's tools that change something, and our operations."""

ARGUMENTS = {"item_ids": "items", "new_item_ids": "new_items", "payment_method_id": "payment"}
REPEATABLE = ("change_address", "change_default_address")
"""Changes that may be made again; every other one only once."""


def operation(action: Mapping[str, Any]) -> Action:
    """A task's action as one of ours."""
    given = {ARGUMENTS.get(name, name): value for name, value in action["arguments"].items() if name != "user_id"}
    return Action(NAMES[action["name"]], given)


def owner(shop: Shop, actions: Sequence[Mapping[str, Any]], backend: DocumentShop) -> int | None:
    """The customer as the task proves them: by e-mail, by name and ZIP code, or by the account it is about."""
    for action in actions:
        given = action["arguments"]
        facts = {"email": given.get("email"), "postcode": given.get("zip")}
        if action["name"] == "find_user_id_by_name_zip":
            facts["person"] = f"{given['first_name']} {given['last_name']}"
        elif action["name"] != "find_user_id_by_email":
            continue
        found = _identified(backend, {k: v for k, v in facts.items() if v})
        if found is not None:
            return found
    for action in actions:
        given = action["arguments"]
        user = given.get("user_id") or shop["orders"].get(given.get("order_id"), {}).get("user_id")
        if user:
            return _identified(backend, {"email": shop["users"][user]["email"]})
    return None


def _identified(backend: DocumentShop, facts: dict[str, Any]) -> int | None:
    result = backend.run(Action("identify", facts), ("task", 0), customer_id=None, preview=False)
    return int(result.data["customer_id"]) if result.ok else None


def expected(shop: Shop, action: Mapping[str, Any]) -> None:
    """Make of a shop what one of a task's actions must leave of it."""
    name, given = action["name"], action["arguments"]
    address = {k: v for k, v in given.items() if k not in ("order_id", "user_id")}
    if name == "modify_user_address":
        shop["users"][given["user_id"]]["address"] = address
        return
    order = shop["orders"][given["order_id"]]
    methods = shop["users"][order["user_id"]]["payment_methods"]
    method, history = given.get("payment_method_id"), order["payment_history"]
    if name == "cancel_pending_order":
        order.update(status="cancelled", cancel_reason=given["reason"])
        for paid in list(history):
            _move(methods, history, "refund", paid["payment_method_id"], paid["amount"])
    elif name == "modify_pending_order_address":
        order["address"] = address
    elif name == "modify_pending_order_payment":
        first = dict(history[0])
        _move(methods, history, "payment", method, first["amount"])
        _move(methods, history, "refund", first["payment_method_id"], first["amount"])
    elif name == "return_delivered_order_items":
        order.update(status="return requested", return_items=sorted(given["item_ids"]), return_payment_method_id=method)
    else:
        _swapped(shop, order, methods, action)


def _swapped(shop: Shop, order: dict[str, Any], methods: dict[str, Any], action: Mapping[str, Any]) -> None:
    """An exchange, which is only noted, or another variant before sending, which is done."""
    given, method = action["arguments"], action["arguments"]["payment_method_id"]
    pairs = list(zip(given["item_ids"], given["new_item_ids"], strict=True))
    swaps = []
    for old, new in pairs:
        line = next(line for line in order["items"] if line["item_id"] == old)
        swaps.append((line, shop["products"][line["product_id"]]["variants"][new]))
    more = sum(variant["price"] - line["price"] for line, variant in swaps)
    if methods[method].get("balance", more) < more:
        return  # by the policy a gift card must cover the difference, so nothing is left of it
    for line, variant in swaps if action["name"] == "modify_pending_order_items" else ():
        line.update(item_id=variant["item_id"], price=variant["price"], options=variant["options"])
    if action["name"] == "modify_pending_order_items":
        order["status"] = "pending (item modified)"
        _move(methods, order["payment_history"], "payment" if more > 0 else "refund", method, abs(more))
        return
    order.update(
        status="exchange requested", exchange_items=sorted(old for old, _ in pairs),
        exchange_new_items=sorted(new for _, new in pairs), exchange_payment_method_id=method,
        exchange_price_difference=more,
    )  # fmt: skip


def _move(methods: dict[str, Any], history: list[Any], kind: str, method: str, amount: float) -> None:
    history.append({"transaction_type": kind, "amount": amount, "payment_method_id": method})
    if methods[method]["source"] == "gift_card":
        methods[method]["balance"] += amount if kind == "refund" else -amount


def to_the_cent(value: Any) -> Any:
    """A document with its money rounded to cents."""
    if isinstance(value, dict):
        return {key: to_the_cent(one) for key, one in value.items()}
    if isinstance(value, list):
        return [to_the_cent(one) for one in value]
    return round(value, 2) + 0.0 if isinstance(value, float) else value


def run(folder: Path) -> dict[str, Any]:
    """All tasks."""
    tasks = json.loads((folder / "tasks.json").read_text(encoding="utf-8"))
    store = Store("sqlite://")
    load(store, folder)
    backend, shop = DocumentShop(store), documents(store)
    connection: Any = store.engine.raw_connection().driver_connection
    image = connection.serialize()
    count, refused = Counter[str](), Counter[str]()
    for task in tasks:
        connection.deserialize(image)
        actions = (task["evaluation_criteria"] or {}).get("actions") or []
        changes = [action for action in actions if action["name"] in NAMES]
        customer = owner(shop, actions, backend)
        results = [_done(backend, change, customer, turn) for turn, change in enumerate(changes, 1)]
        wanted = copy.deepcopy(shop)
        for change in changes:
            expected(wanted, change)
        count["identified"] += customer is not None
        count["operations"] += len(results)
        count["done"] += sum(result.ok for result in results)
        refused.update(result.error for result in results if not result.ok)
        exact = to_the_cent(documents(store)) == to_the_cent(wanted)
        count["exact"] += exact
        count["changing"] += bool(changes)
        count["changing_exact"] += exact and bool(changes)
        _tried_again(backend, changes, customer, count)
        count["untouched_by_that"] += to_the_cent(documents(store)) == to_the_cent(wanted)
    return _told(len(tasks), count, refused)


def _done(backend: DocumentShop, change: Mapping[str, Any], customer: int | None, turn: int) -> Result:
    return backend.run(operation(change), ("task", turn), customer_id=customer, preview=False)


def _tried_again(
    backend: DocumentShop, changes: Sequence[Mapping[str, Any]], customer: int | None, count: Counter[str]
) -> None:
    """The same changes once more by the customer, and by another one."""
    for turn, change in enumerate(changes, 100):
        once = operation(change).name not in REPEATABLE
        again = _done(backend, change, customer, turn) if once else None
        owned, stranger = "order_id" in change["arguments"], (customer or 0) % 500 + 1
        other = _done(backend, change, stranger, turn + 100) if owned else None
        for name, result in (("again", again), ("by_others", other)):
            count[name] += result is not None
            count[f"{name}_refused"] += result is not None and not result.ok


def _told(tasks: int, count: Counter[str], refused: Counter[str]) -> dict[str, Any]:
    return {
        "what": "tau2-bench retail tasks' own changes through our backend",
        "tasks": tasks,
        "customers_identified": count["identified"],
        "tasks_that_end_in_exactly_the_expected_documents": count["exact"],
        "tasks_with_changes": f"{count['changing_exact']} of {count['changing']}",
        "changes_done": f"{count['done']} of {count['operations']}",
        "refused": dict(refused.most_common()),
        "tried_once_more_and_refused": f"{count['again_refused']} of {count['again']}",
        "tried_by_another_customer_and_refused": f"{count['by_others_refused']} of {count['by_others']}",
        "tasks_whose_documents_those_left_alone": count["untouched_by_that"],
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.data_shop", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data sets")
    print(json.dumps(run(parser.parse_args(arguments).data / "retail"), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
