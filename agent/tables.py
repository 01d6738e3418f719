"""The rows Callsight keeps: calls and their events, and the shop's customers, orders, money and tickets.

Money is in whole cents, dates are calendar days. Nothing here knows about dialogue or wording.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


def utc_now() -> dt.datetime:
    """The time as rows have it: UTC, without a time zone."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)


class Base(DeclarativeBase):
    """Base of every table."""

    type_annotation_map = {dict[str, Any]: JSON, list[Any]: JSON, str: String}  # noqa: RUF012


class Call(Base):
    """One conversation."""

    __tablename__ = "calls"
    id: Mapped[str] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(default="text")
    opened_at: Mapped[dt.datetime]


class CallEvent(Base):
    """One event of a call; rows are only ever added."""

    __tablename__ = "events"
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    turn: Mapped[int]
    type: Mapped[str]
    data: Mapped[dict[str, Any]]


class Performed(Base):
    """An operation that was carried out, so that the same call, turn and action never does it twice."""

    __tablename__ = "performed"
    call_id: Mapped[str] = mapped_column(primary_key=True)
    turn: Mapped[int] = mapped_column(primary_key=True)
    action: Mapped[str] = mapped_column(primary_key=True)
    result: Mapped[dict[str, Any]]


class Customer(Base):
    """A customer's account."""

    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    email: Mapped[str | None] = mapped_column(unique=True)
    phone: Mapped[str | None] = mapped_column(index=True)
    address: Mapped[str | None]
    postcode: Mapped[str | None]
    payment_method: Mapped[str] = mapped_column(default="credit_card")
    status: Mapped[str] = mapped_column(default="active")


class Erasure(Base):
    """A customer who asked to be forgotten, and when their calls were erased too (UTC)."""

    __tablename__ = "erasures"
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), primary_key=True)
    asked_at: Mapped[dt.datetime]
    done_at: Mapped[dt.datetime | None]


class Subscription(Base):
    """A newsletter subscription, by address: one needs no account to have it."""

    __tablename__ = "subscriptions"
    email: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str] = mapped_column(default="subscribed")


class Variant(Base):
    """A product in one size and colour, and how many are in stock."""

    __tablename__ = "variants"
    sku: Mapped[str] = mapped_column(primary_key=True)
    product_id: Mapped[str] = mapped_column(index=True)
    product: Mapped[str]
    options: Mapped[dict[str, Any]]
    price_cents: Mapped[int]
    stock: Mapped[int]


class Order(Base):
    """An order. `status`: processing, paid, shipped, delivered, cancelled, returned or refunded."""

    __tablename__ = "orders"
    id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    status: Mapped[str]
    placed_on: Mapped[dt.date]
    expected_on: Mapped[dt.date]
    delivered_on: Mapped[dt.date | None]
    tracking_number: Mapped[str | None] = mapped_column(index=True)
    delivery_option: Mapped[str]
    delivery_cents: Mapped[int]
    payment_method: Mapped[str]
    promo_code: Mapped[str | None]
    discount_cents: Mapped[int] = mapped_column(default=0)
    total_cents: Mapped[int]
    address: Mapped[str]
    postcode: Mapped[str]
    items: Mapped[list[OrderItem]] = relationship(order_by="OrderItem.line", back_populates="order")


class OrderItem(Base):
    """One line of an order. `status`: ordered, return_requested, exchange_requested, claimed, returned."""

    __tablename__ = "order_items"
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    sku: Mapped[str] = mapped_column(ForeignKey("variants.sku"))
    quantity: Mapped[int]
    price_cents: Mapped[int]
    status: Mapped[str] = mapped_column(default="ordered")
    order: Mapped[Order] = relationship(back_populates="items")
    variant: Mapped[Variant] = relationship()


class Return(Base):
    """Goods coming back. `kind`: return or exchange; `new_sku` is what an exchange sends out."""

    __tablename__ = "returns"
    id: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), index=True)
    line: Mapped[int]
    kind: Mapped[str]
    new_sku: Mapped[str | None]
    reason: Mapped[str | None]
    status: Mapped[str]
    opened_on: Mapped[dt.date]


class Refund(Base):
    """Money going back, to the payment method it came from. `status`: pending or paid."""

    __tablename__ = "refunds"
    id: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), index=True)
    amount_cents: Mapped[int]
    payment_method: Mapped[str]
    status: Mapped[str]
    requested_on: Mapped[dt.date]
    due_on: Mapped[dt.date]


class Promotion(Base):
    """A promo code: so many percent off, until a day."""

    __tablename__ = "promotions"
    code: Mapped[str] = mapped_column(primary_key=True)
    percent: Mapped[int]
    ends_on: Mapped[dt.date]


class GiftCard(Base):
    """A gift card in a customer's account."""

    __tablename__ = "gift_cards"
    id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), index=True)
    balance_cents: Mapped[int]


class Review(Base):
    """A customer's rating of a product, 1 to 5."""

    __tablename__ = "reviews"
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"), primary_key=True)
    product_id: Mapped[str] = mapped_column(primary_key=True)
    rating: Mapped[int]
    text: Mapped[str | None]


class Ticket(Base):
    """Work for a person. `kind`: damaged, wrong, missing, late, payment, complaint or handoff."""

    __tablename__ = "tickets"
    id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    order_id: Mapped[str | None] = mapped_column(ForeignKey("orders.id"))
    kind: Mapped[str]
    detail: Mapped[dict[str, Any]]
    status: Mapped[str]
    opened_on: Mapped[dt.date]


class Mail(Base):
    """A message for the mailer to send: an invoice, a return label, a password link."""

    __tablename__ = "mails"
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    email: Mapped[str]
    order_id: Mapped[str | None] = mapped_column(ForeignKey("orders.id"))
    created_on: Mapped[dt.date]


class Document(Base):
    """A document of a shop that keeps its own form (`agent.document_shop`); `number` is a customer's."""

    __tablename__ = "documents"
    kind: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int | None] = mapped_column(index=True)
    data: Mapped[dict[str, Any]]
