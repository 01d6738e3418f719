"""A shop in the form of tau2-bench's retail data (`db.json`: users, orders, products), read into a `Store`.

Barres et al. 2025, "tau2-Bench" (arXiv:2506.07982), MIT licence. Its shop has no dates, so orders are dated back from a
day given; "pending" is paid and not sent, "processed" is on its way. Sizes and colours can be asked for by name; of
other options (material, capacity, ...) a variant is only told.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from agent.errors import InputError
from agent.shop import DELIVERY_DAYS, cents
from agent.store import Store
from agent.tables import Customer, GiftCard, Order, OrderItem, Variant

STATUS = {"pending": "paid", "processed": "shipped", "delivered": "delivered", "cancelled": "cancelled"}
DAYS_AGO = {"paid": 1, "shipped": 3, "delivered": 9, "cancelled": 9}
"""Days since an order in each state was placed; the data has none."""

STOCK = 20
"""Pieces of a variant that is said to be available."""


@dataclass(frozen=True)
class ImportedVariant:
    """A product's variant, as the catalogue of a shop gives it."""

    sku: str
    options: Mapping[str, str]
    price: float


@dataclass(frozen=True)
class ImportedProduct:
    """A product, as the catalogue of a shop gives it."""

    id: str
    name: str
    variants: tuple[ImportedVariant, ...]
    aliases: tuple[str, ...] = ()
    category: str = ""
    description: str = ""

    @property
    def price(self) -> float:
        """Of the cheapest variant."""
        return min((variant.price for variant in self.variants), default=0.0)


class ImportedCatalogue:
    """The products of a `db.json`."""

    def __init__(self, products: Sequence[ImportedProduct]) -> None:
        self._products = tuple(products)

    def products(self) -> tuple[ImportedProduct, ...]:
        """All products, in the order of their names."""
        return self._products


def import_shop(store: Store, folder: Path, today: dt.date | None = None) -> ImportedCatalogue:
    """Fill an empty store, in one transaction.

    Args:
        store: where the rows go.
        folder: holds `db.json`.
        today: the day dates are counted back from; the real one when left out.

    Raises:
        InputError: the file is missing or of another form; names it.
    """
    path = folder / "db.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        catalogue = ImportedCatalogue(
            sorted((_product(row) for row in data["products"].values()), key=lambda p: p.name)
        )
        with store.session(write=True) as session:
            _fill(session, data, catalogue, today or dt.date.today())
    except OSError as error:
        raise InputError(f"{path}: cannot be read; give the folder that holds the shop's db.json") from error
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise InputError(
            f"{path}: not a shop of users, orders and products ({type(error).__name__}: {error})"
        ) from error
    return catalogue


def _product(row: Mapping[str, Any]) -> ImportedProduct:
    variants = (
        ImportedVariant(v["item_id"], _options(v["options"]), float(v["price"])) for v in row["variants"].values()
    )
    return ImportedProduct(row["product_id"], row["name"], tuple(variants))


def _options(options: Mapping[str, Any]) -> dict[str, str]:
    return {str(name): str(value) for name, value in options.items()}


def _fill(session: Session, data: Mapping[str, Any], catalogue: ImportedCatalogue, today: dt.date) -> None:
    free = {v["item_id"]: bool(v["available"]) for p in data["products"].values() for v in p["variants"].values()}
    for product in catalogue.products():
        session.add_all(
            Variant(
                sku=v.sku, product_id=product.id, product=product.name, options=dict(v.options),
                price_cents=cents(v.price), stock=STOCK if free[v.sku] else 0,
            )
            for v in product.variants
        )  # fmt: skip
    numbers = {user_id: number for number, user_id in enumerate(data["users"], 1)}
    sources: dict[str, str] = {}
    for user_id, user in data["users"].items():
        _customer(session, numbers[user_id], user, sources)
    session.flush()
    for order in data["orders"].values():
        _order(session, order, numbers[order["user_id"]], sources, today)


def _customer(session: Session, number: int, user: Mapping[str, Any], sources: dict[str, str]) -> None:
    methods = list(user["payment_methods"].values())
    sources |= {method["id"]: method["source"] for method in methods}
    address, name = user["address"], user["name"]
    session.add(
        Customer(
            id=number, name=f"{name['first_name']} {name['last_name']}", email=user["email"].lower(), phone=None,
            address=_street(address), postcode=address["zip"],
            payment_method=methods[0]["source"] if methods else "credit_card", status="active",
        )
    )  # fmt: skip
    session.add_all(
        GiftCard(id=method["id"], customer_id=number, balance_cents=cents(method["balance"]))
        for method in methods
        if method["source"] == "gift_card"
    )


def _street(address: Mapping[str, str]) -> str:
    return ", ".join(
        part for part in (address["address1"], address["address2"], address["city"], address["state"]) if part
    )


def order_id(written: str) -> str:
    """An order's number as this shop writes it ("#W2611340") without the mark."""
    return written.removeprefix("#")


def _order(session: Session, row: Mapping[str, Any], owner: int, sources: Mapping[str, str], today: dt.date) -> None:
    status = STATUS[row["status"]]
    placed = today - dt.timedelta(days=DAYS_AGO[status])
    expected = placed + dt.timedelta(days=DELIVERY_DAYS["standard"])
    tracking = [number for sent in row["fulfillments"] for number in sent["tracking_id"]]
    paid = row["payment_history"][0]
    lines = [
        OrderItem(line=i, sku=item["item_id"], quantity=1, price_cents=cents(item["price"]), status="ordered")
        for i, item in enumerate(row["items"], 1)
    ]
    session.add(
        Order(
            id=order_id(row["order_id"]), customer_id=owner, status=status, placed_on=placed, expected_on=expected,
            delivered_on=expected if status == "delivered" else None, tracking_number=tracking[0] if tracking else None,
            delivery_option="standard", delivery_cents=0, payment_method=sources[paid["payment_method_id"]],
            promo_code=None, discount_cents=0, total_cents=sum(line.price_cents for line in lines),
            address=_street(row["address"]), postcode=row["address"]["zip"], items=lines,
        )
    )  # fmt: skip
