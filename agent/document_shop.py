"""A backend over a shop of another make: tau2-bench's retail shop, kept as its own documents (users, orders, products).

Barres et al. 2025, "tau2-Bench" (arXiv:2506.07982), MIT licence. What the shop calls a change is what its documents say
afterwards, field by field; its policy is held here. Its items differ in any option (material, capacity, ...), so they
are named by their ids. The store keeps a document a row; each change is a transaction, made once for a call and turn.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select

from agent.actions import ShopBackend
from agent.errors import InputError
from agent.operations.base import Desk, Facts, Operation, Refusal
from agent.shop import NoProducts, cents
from agent.store import Store
from agent.tables import Document

KINDS = ("users", "orders", "products")
REASONS = ("no longer needed", "ordered by mistake")
MODIFIED = "pending (item modified)"
ADDRESS = ("address1", "address2", "city", "state", "country", "zip")

Data = dict[str, Any]


class DocumentShop(ShopBackend):
    """The shop in a store's documents.

    Args:
        store: holds them; `load` fills it.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store, NoProducts())
        self._operations = dict(OPERATIONS)


def load(store: Store, folder: Path) -> None:
    """Fill an empty store with the shop of `folder/db.json`, in one transaction. Customers are numbered as they come.

    Raises:
        InputError: the file is missing or of another form; names it.
    """
    path = folder / "db.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        rows = [
            Document(kind=kind, key=key, number=number if kind == "users" else None, data=dict(document))
            for kind in KINDS
            for number, (key, document) in enumerate(data[kind].items(), 1)
        ]
    except OSError as error:
        raise InputError(f"{path}: cannot be read; give the folder that holds the shop's db.json") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: not a shop of {', '.join(KINDS)} ({type(error).__name__}: {error})") from error
    with store.session(write=True) as session:
        session.add_all(rows)


def documents(store: Store) -> dict[str, dict[str, Data]]:
    """Every document of the shop: kind -> key -> document."""
    found: dict[str, dict[str, Data]] = {kind: {} for kind in KINDS}
    with store.session() as session:
        for row in session.scalars(select(Document)):
            found[row.kind][row.key] = row.data
    return found


class _Papers:
    """The documents one operation works with; one is changed by giving its row another."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def find(self, kind: str, key: str) -> Document | None:
        return self.desk.session.get(Document, (kind, key))

    def user(self) -> Document:
        """The customer of this call, or a refusal."""
        wanted = select(Document).where(Document.kind == "users", Document.number == self.desk.customer_id)
        row = self.desk.session.scalars(wanted).first() if self.desk.customer_id is not None else None
        if row is None:
            raise Refusal("not_identified")
        return row

    def order(self, *states: str) -> tuple[Document, Data]:
        """The customer's order asked for, and a copy to change, if it is in one of these states."""
        number = "#" + self.desk.text("order_id").removeprefix("#").upper()
        row = self.find("orders", number)
        if row is None or row.data["user_id"] != self.user().key:
            raise Refusal("order_not_found", order_id=number)
        if row.data["status"] not in states:
            status = "modified" if row.data["status"] == MODIFIED else row.data["status"].replace(" ", "_")
            raise Refusal(f"order_{status}", order_id=number)
        return row, copy.deepcopy(row.data)

    def items(self, order: Data, name: str = "items") -> list[str]:
        """The ids asked for; no more of each than the order holds."""
        wanted = [str(item) for item in self.desk.args.get(name) or ()]
        if not wanted:
            raise Refusal("which_item", order_id=order["order_id"])
        if Counter(wanted) - Counter(item["item_id"] for item in order["items"]):
            raise Refusal("item_not_in_order", order_id=order["order_id"])
        return wanted

    def swaps(self, order: Data) -> list[tuple[str, Data]]:
        """The items asked for, each with the variant of the same product that takes its place."""
        old, new = self.items(order), [str(item) for item in self.desk.args.get("new_items") or ()]
        if len(old) != len(new):
            raise Refusal("which_variant", order_id=order["order_id"])
        return [(item, self._variant(_line(order, item), other)) for item, other in zip(old, new, strict=True)]

    def _variant(self, line: Data, wanted: str) -> Data:
        product = self.find("products", line["product_id"])
        variant = product.data["variants"].get(wanted) if product else None
        if variant is None:
            raise Refusal("no_such_variant", product=line["name"])
        if wanted == line["item_id"]:
            raise Refusal("same_variant", product=line["name"])
        if not variant["available"]:
            raise Refusal("out_of_stock", product=line["name"])
        return dict(variant)

    def payment(self, due_cents: int) -> str:
        """The customer's own way to pay; a gift card must cover what is due."""
        method = self.desk.text("payment")
        own = self.user().data["payment_methods"].get(method)
        if own is None:
            raise Refusal("payment_unknown")
        if own["source"] == "gift_card" and cents(own["balance"]) < due_cents:
            raise Refusal("gift_card_short", balance=f"{own['balance']} USD")
        return method

    def charge(self, method: str, amount_cents: int) -> None:
        """Take so much off a gift card, or put it back when negative; other ways to pay are settled elsewhere."""
        row = self.user()
        user = copy.deepcopy(row.data)
        card = user["payment_methods"].get(method)
        if card is not None and card["source"] == "gift_card":
            card["balance"] = (cents(card["balance"]) - amount_cents) / 100
            row.data = user
            self.desk.session.flush()

    def address(self) -> Data:
        """The address asked for."""
        address = {name: self.desk.text(name) for name in ADDRESS}
        if not (address["address1"] and address["city"] and address["zip"]):
            raise Refusal("need_address")
        return address


Work = Callable[[_Papers], Facts]


def _line(order: Data, item: str) -> Data:
    return next(dict(line) for line in order["items"] if line["item_id"] == item)


def _difference(order: Data, swaps: Sequence[tuple[str, Data]]) -> int:
    """What the new items cost more, in cents."""
    return sum(cents(new["price"]) - cents(_line(order, old)["price"]) for old, new in swaps)


def _facts(order: Data) -> Facts:
    names = [item["name"] for item in order["items"]]
    return {"order_id": order["order_id"], "status": order["status"], "items": names}


def _transfer(kind: str, method: str, amount_cents: int) -> Data:
    return {"transaction_type": kind, "amount": amount_cents / 100, "payment_method_id": method}


def _identify(papers: _Papers) -> Facts:
    """By e-mail, or by name and ZIP code."""
    email, person, postcode = (papers.desk.text(k).casefold() for k in ("email", "person", "postcode"))
    for row in papers.desk.session.scalars(select(Document).where(Document.kind == "users").order_by(Document.number)):
        name = f"{row.data['name']['first_name']} {row.data['name']['last_name']}"
        by_name = bool(person and postcode) and (name.casefold(), row.data["address"]["zip"]) == (person, postcode)
        if by_name or (email and row.data["email"].casefold() == email):
            return {"customer_id": row.number, "person": name, "email": row.data["email"]}
    raise Refusal("not_identified")


def _track(papers: _Papers) -> Facts:
    """Where an order is."""
    row = papers.find("orders", "#" + papers.desk.text("order_id").removeprefix("#").upper())
    if row is None or row.data["user_id"] != papers.user().key:
        raise Refusal("order_not_found", order_id=papers.desk.text("order_id"))
    return _facts(row.data)


def _cancel(papers: _Papers) -> Facts:
    """Cancel what is pending; everything paid goes back the way it came."""
    row, order = papers.order("pending")
    reason = papers.desk.text("reason")
    if reason not in REASONS:
        raise Refusal("bad_reason", reasons=list(REASONS))
    for paid in list(order["payment_history"]):
        amount = cents(paid["amount"])
        papers.charge(paid["payment_method_id"], -amount)
        order["payment_history"].append(_transfer("refund", paid["payment_method_id"], amount))
    row.data = {**order, "status": "cancelled", "cancel_reason": reason}
    return _facts(row.data)


def _change_address(papers: _Papers) -> Facts:
    row, order = papers.order("pending", MODIFIED)
    row.data = {**order, "address": papers.address()}
    return _facts(row.data)


def _change_default_address(papers: _Papers) -> Facts:
    row = papers.user()
    row.data = {**row.data, "address": papers.address()}
    return {"address": " ".join(filter(None, row.data["address"].values()))}


def _change_items(papers: _Papers) -> Facts:
    """Other variants for items of a pending order: once, all of them together."""
    row, order = papers.order("pending")
    swaps = papers.swaps(order)
    due = _difference(order, swaps)
    method = papers.payment(due)
    papers.charge(method, due)
    for old, new in swaps:
        line = next(line for line in order["items"] if line["item_id"] == old)
        line.update(item_id=new["item_id"], price=new["price"], options=new["options"])
    order["payment_history"].append(_transfer("payment" if due > 0 else "refund", method, abs(due)))
    row.data = {**order, "status": MODIFIED}
    return _facts(row.data)


def _change_payment(papers: _Papers) -> Facts:
    """Another single way to pay for a pending order; what was paid goes back."""
    row, order = papers.order("pending", MODIFIED)
    paid = order["payment_history"][0]
    amount, before = cents(paid["amount"]), paid["payment_method_id"]
    if len(order["payment_history"]) != 1 or papers.desk.text("payment") == before:
        raise Refusal("same_payment", order_id=order["order_id"])
    method = papers.payment(amount)
    papers.charge(method, amount)
    papers.charge(before, -amount)
    order["payment_history"] += [_transfer("payment", method, amount), _transfer("refund", before, amount)]
    row.data = order
    return _facts(row.data)


def _return(papers: _Papers) -> Facts:
    """Send back items of a delivered order, once; money goes to where it came from, or to a gift card."""
    row, order = papers.order("delivered")
    items, method = papers.items(order), papers.payment(0)
    card = papers.user().data["payment_methods"][method]["source"] == "gift_card"
    if not card and method != order["payment_history"][0]["payment_method_id"]:
        raise Refusal("refund_elsewhere")
    row.data = {
        **order, "status": "return requested", "return_items": sorted(items), "return_payment_method_id": method,
    }  # fmt: skip
    return _facts(row.data)


def _exchange(papers: _Papers) -> Facts:
    """Swap items of a delivered order for other variants, once, all of them together."""
    row, order = papers.order("delivered")
    swaps = papers.swaps(order)
    due = _difference(order, swaps)
    row.data = {
        **order,
        "status": "exchange requested",
        "exchange_items": sorted(old for old, _ in swaps),
        "exchange_new_items": sorted(new["item_id"] for _, new in swaps),
        "exchange_payment_method_id": papers.payment(due),
        "exchange_price_difference": due / 100,
    }
    return _facts(row.data)


def _operation(name: str, work: Work, *arguments: str, changes: bool = True) -> tuple[str, Operation]:
    # Whose order it is, is checked in the documents: the shop has no rows of customers.
    return name, Operation(name, lambda desk: work(_Papers(desk)), frozenset(arguments), changes, owner=False)


OPERATIONS: Mapping[str, Operation] = dict(
    (
        _operation("identify", _identify, "email", "person", "postcode", changes=False),
        _operation("track_order", _track, "order_id", changes=False),
        _operation("cancel_order", _cancel, "order_id", "reason"),
        _operation("change_address", _change_address, "order_id", *ADDRESS),
        _operation("change_default_address", _change_default_address, *ADDRESS),
        _operation("change_items", _change_items, "order_id", "items", "new_items", "payment"),
        _operation("change_payment", _change_payment, "order_id", "payment"),
        _operation("return_items", _return, "order_id", "items", "payment"),
        _operation("exchange_items", _exchange, "order_id", "items", "new_items", "payment"),
    )
)
"""What this shop can do, by name."""
