"""The changes that tau2-bench's retail tasks ask for, carried out by our backend over its shop.

    python -m benchmarks.data_shop --data DIR

Each task runs in a fresh copy of `DIR/retail/db.json`; its own actions are put to the backend as the customer's (one
operation an item). Told: how many actions were carried out, how many tasks whole, and why the rest was refused. This
tries the backend, not the understanding of the tasks' words.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from agent.actions import ShopBackend
from agent.domain import Pack
from agent.flows import Flows
from agent.imported import import_shop, order_id
from agent.operations import OPERATIONS
from agent.store import Store
from agent.tables import Order, Variant
from agent.types import Action

TODAY = dt.date(2026, 6, 15)
Operation = tuple[str, dict[str, Any]]


def operations(store: Store, action: Mapping[str, Any]) -> Iterator[Operation]:
    """A task's action as operations of the shop; none when it changes nothing."""
    name, given = action["name"], action["arguments"]
    order = {"order_id": order_id(str(given.get("order_id", "")))}
    if name == "cancel_pending_order":
        yield "cancel_order", {**order, "reason": given["reason"]}
    elif name == "modify_pending_order_address":
        address = ", ".join(given[key] for key in ("address1", "address2", "city", "state") if given[key])
        yield "change_address", {**order, "address": address, "new_postcode": given["zip"]}
    elif name in ("return_delivered_order_items", "exchange_delivered_order_items", "modify_pending_order_items"):
        operation = {"r": "return_item", "e": "exchange_item", "m": "change_item"}[name[0]]
        new = given.get("new_item_ids", [None] * len(given["item_ids"]))
        for old, other in zip(given["item_ids"], new, strict=True):
            yield operation, order | _item(store, old, other)


def _item(store: Store, old: str, new: str | None) -> dict[str, Any]:
    with store.session() as session:
        was = session.get_one(Variant, old)
        wanted = session.get_one(Variant, new).options if new else {}
        size_color: dict[str, Any] = {
            k: wanted[k] for k in ("size", "color") if k in wanted and wanted[k] != was.options.get(k)
        }
        other = any(wanted.get(k) != v for k, v in was.options.items() if k not in ("size", "color")) if new else False
    return {"item": was.product, **size_color, **({"unsupported": True} if other else {})}


def _carry_out(backend: ShopBackend, name: str, given: dict[str, Any], key: tuple[str, int]) -> str:
    """The code of the refusal, or nothing."""
    if given.pop("unsupported", False):
        return "another option than size or color"
    with backend.store.session() as session:
        order = session.get(Order, given["order_id"])
    owner = order.customer_id if order else None
    return backend.run(Action(name, given), key, customer_id=owner, preview=False).error


def run(folder: Path) -> dict[str, Any]:
    """All tasks."""
    pack = Pack.load("retail", with_examples=False)
    flows = Flows.load(pack.root / "flows.toml", pack.intents, pack.entities, OPERATIONS)
    tasks = json.loads((folder / "tasks.json").read_text(encoding="utf-8"))
    refused, asked, whole, changing = Counter[str](), 0, 0, 0
    store = Store("sqlite://")
    backend = ShopBackend(store, import_shop(store, folder, TODAY), lambda: TODAY, flows.checks)
    connection: Any = store.engine.raw_connection().driver_connection
    image = connection.serialize()
    for task in tasks:
        connection.deserialize(image)
        results = list[str]()
        for action in (task["evaluation_criteria"] or {}).get("actions") or []:
            for turn, (name, given) in enumerate(operations(store, action)):
                results.append(_carry_out(backend, name, given, (str(action["action_id"]), turn)))
        asked, changing = asked + len(results), changing + bool(results)
        whole += bool(results) and not any(results)
        refused.update(code for code in results if code)
    return {
        "what": "tau2-bench retail tasks' own changes through our backend",
        "tasks": len(tasks),
        "tasks_with_changes": changing,
        "tasks_whole": whole,
        "operations": asked,
        "done": asked - refused.total(),
        "refused": dict(refused.most_common()),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.data_shop", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data sets")
    print(json.dumps(run(parser.parse_args(arguments).data / "retail"), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
