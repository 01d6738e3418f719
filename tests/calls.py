"""A small shop and typed turns, for tests of what is decided, done and said."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import sqlite3
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

import agent
from agent.actions import ShopBackend
from agent.domain import Pack
from agent.flows import Flows
from agent.manager import Answer, Manager
from agent.operations import OPERATIONS
from agent.replies import Replies
from agent.shop import seed
from agent.store import Store
from agent.tables import Base, Customer, Order, OrderItem, Variant
from agent.types import Channel, Entity, Intent, Photo, Receipt, Sentiment, Understanding, Verdict

TODAY = dt.date(2026, 5, 1)
RETAIL = Path(agent.__file__).parent / "domains" / "retail"
CALLS = ("calls", "events", "performed")
"""Tables that are about the call, not the shop."""


@dataclass(frozen=True)
class TinyVariant:
    sku: str
    options: Mapping[str, str]
    price: str


@dataclass(frozen=True)
class TinyProduct:
    id: str
    name: str
    aliases: tuple[str, ...]
    category: str
    description: str
    price: str
    variants: tuple[TinyVariant, ...]


def _clothes(id_: str, name: str, price: str, colors: tuple[str, ...], sizes: tuple[str, ...]) -> TinyProduct:
    variants = tuple(TinyVariant(f"{id_}-{c}-{s}", {"size": s, "color": c}, price) for c in colors for s in sizes)
    return TinyProduct(id_, name, (name.split()[-1].lower(),), "clothing", f"A fine {name.lower()}.", price, variants)


class TinyGraph:
    """Three products: two in sizes and colours, one without."""

    def products(self) -> tuple[TinyProduct, ...]:
        mug = TinyVariant("mug", {}, "9.90")
        return (
            _clothes("shirt", "Linen Shirt", "40.00", ("blue", "red"), ("S", "M", "L")),
            _clothes("jacket", "Rain Jacket", "90.00", ("navy", "olive"), ("M", "L")),
            TinyProduct("mug", "Harbor Mug", (), "kitchen", "Holds coffee.", "9.90", (mug,)),
        )


class Library:
    """Two help articles, found by a word."""

    @dataclass(frozen=True)
    class Page:
        article_id: str
        title: str
        text: str
        score: float = 1.0

    def search(
        self, query: str, k: int = 3, about: str = "", likely: Mapping[str, float] | None = None, strange: float = 0.0
    ) -> tuple[Page, ...]:
        pages = (
            self.Page("hours", "Store hours", "Our stores are open from nine to six."),
            self.Page("gift-cards", "Gift cards", "Gift cards come in any amount."),
            self.Page("returns", "Returns", "You can send things back within 30 days."),
        )
        return tuple(page for page in pages if page.title.split()[0].lower().rstrip("s") in query.lower())[:k]


@functools.cache
def retail_flows() -> Flows:
    pack = Pack.load("retail", with_examples=False)
    return Flows.load(RETAIL / "flows.toml", pack.intents, pack.entities, OPERATIONS)


@functools.cache
def retail_replies() -> Replies:
    flows = retail_flows()
    return Replies.load(RETAIL / "replies.toml", flows.keys, flows.flows, lambda: TODAY)


Rows = dict[str, dict[str, Any]]


class Shop:
    """A seeded shop with a few orders of known content for customer 1, and calls over the retail pack."""

    def __init__(self, url: str = "sqlite://", *, seeded: bool = False) -> None:
        self.store = Store(url)
        self.flows = retail_flows()
        if not seeded and url == "sqlite://":
            self.store.engine.raw_connection().driver_connection.deserialize(_template())  # type: ignore[union-attr]
        elif not seeded:
            seed(self.store, TinyGraph(), customers=12, orders=20, today=TODAY)
            self._plain()
        self.backend = ShopBackend(self.store, TinyGraph(), lambda: TODAY, self.flows.checks)
        self.manager = Manager(self.flows, retail_replies(), self.backend, Library(), self.store)

    def _plain(self) -> None:
        """Give customer 1 known contents: plenty of stock, and one known item in the orders tests act on."""
        with self.store.session(write=True) as session:
            for variant in session.scalars(select(Variant)):
                variant.stock = 20
            me = session.get_one(Customer, 1)
            me.name, me.email, me.phone, me.postcode = "Ada Thorne", "ada@example.com", "312-555-0100", "04101"
            me.payment_method = "credit_card"
            for order in session.scalars(select(Order).where(Order.customer_id == 1)).all():
                order.payment_method, order.postcode, order.address = "credit_card", "04101", "1 Mill Lane, Portland"
                order.delivery_option, order.delivery_cents = "standard", 495
                for line in order.items[1:]:
                    session.delete(line)
                first = order.items[0]
                first.variant = session.get_one(Variant, "shirt-blue-M")
                first.quantity, first.price_cents = 1, 4000
                order.total_cents = 4495

    def order(self, status: str, customer: int = 1) -> str:
        """The id of an order in this state."""
        with self.store.session() as session:
            found = select(Order.id).where(Order.status == status, Order.customer_id == customer)
            return str(session.scalars(found.order_by(Order.id)).first())

    def add_item(self, order_id: str, sku: str) -> None:
        """One more line in an order."""
        with self.store.session(write=True) as session:
            order, variant = session.get_one(Order, order_id), session.get_one(Variant, sku)
            line = len(order.items) + 1
            price = variant.price_cents
            order.items.append(OrderItem(line=line, sku=sku, quantity=1, price_cents=price, status="ordered"))
            order.total_cents += price

    def set(self, row: type[Base], key: Any, **values: Any) -> None:
        """Change a row behind the program's back."""
        with self.store.session(write=True) as session:
            found = session.get_one(row, key)
            for name, value in values.items():
                setattr(found, name, value)

    def rows(self) -> Rows:
        """Every row of the shop: "table/key" -> columns."""
        with self.store.session() as session:
            return {
                f"{table.name}/" + "/".join(str(row[c.name]) for c in table.primary_key): dict(row)
                for table in Base.metadata.sorted_tables
                if table.name not in CALLS
                for row in session.execute(select(table)).mappings()
            }

    def call(self, call_id: str = "c", *, known: bool = False, channel: Channel = "text") -> Conversation:
        """A new call; `known` when the line has proved that it is customer 1."""
        return Conversation(self, call_id, known=known, channel=channel)


def difference(before: Rows, after: Rows) -> Rows:
    """What changed: for new rows all columns, for others those that differ, for removed ones nothing."""
    changed = {}
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key, {}), after.get(key, {})
        if old != new:
            changed[key] = {k: v for k, v in new.items() if k not in old or old[k] != v}
    return changed


@functools.cache
def _template() -> bytes:
    """The database of a fresh shop, made once for all tests."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shop.sqlite"
        Shop(f"sqlite:///{path}").store.close()
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE").close()
            return connection.serialize()


class Conversation:
    """One call by typed turns whose meaning is given by hand."""

    def __init__(self, shop: Shop, call_id: str, *, known: bool = False, channel: Channel = "text") -> None:
        self.shop, self.id, self.channel = shop, call_id, channel
        if known:
            shop.manager.open(call_id, channel, customer_id=1)

    def say(self, text: str, *intents: str, **facts: Any) -> Answer:
        """One turn; see `heard` for the arguments."""
        return self.shop.manager.turn(self.id, heard(text, *intents, **facts), self.channel)


def heard(
    text: str,
    *intents: str,
    confidence: float = 0.95,
    verdict: Verdict = "ok",
    sentiment: str = "neutral",
    photo: Photo | None = None,
    source: str = "pattern",
    **facts: str | tuple[str, ...],
) -> Understanding:
    """An understanding as the models would give it.

    Args:
        text: the words; facts are looked for in them.
        intents: what was meant, or for other verdicts than "ok" the likeliest candidates.
        confidence: of each intent.
        verdict: as in `Understanding`.
        sentiment: the label.
        photo: what was seen.
        source: who found the facts.
        facts: entity type = value, or several values in the order they were said.
    """
    entities = []
    for kind, values in facts.items():
        at = 0
        for value in (values,) if isinstance(values, str) else values:
            start = max(text.find(value, at), 0)
            at = start + len(value)
            entities.append(Entity(kind, value, value, start, at, source, 0.9))
    return Understanding(
        text=text,
        intents=tuple(Intent(name, confidence) for name in intents),
        wanted=len(intents) if verdict == "ok" else 0,
        entities=tuple(sorted(entities, key=lambda e: e.start)),
        verdict=verdict,
        sentiment=Sentiment(sentiment, 0.0),
        image=photo,
    )


def receipt(total: str | None, date: str | None) -> Photo:
    """A photo of a receipt."""
    return Photo("receipt", 0.97, receipt=Receipt(company="Harbor Lane", date=date, total=total))


def product_photo(condition: str | None) -> Photo:
    """A photo of a product."""
    return Photo("clothing", 0.93, condition=condition)
