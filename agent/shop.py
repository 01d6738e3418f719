"""Fill a shop to work with: customers, stock, and orders in every state, the same for the same seed and day.

Ids carry real check digits, every order belongs to a customer and every line to a variant of the product graph, and
dates agree with the state: what was delivered was ordered before. All names and addresses are invented; mail goes to
example.com and phone numbers are from the range kept for fiction.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from sqlalchemy.orm import Session

from agent.checksums import luhn_digit
from agent.errors import InputError
from agent.store import Store
from agent.tables import Customer, GiftCard, Order, OrderItem, Promotion, Refund, Return, Subscription, Variant

STATES = ("processing", "paid", "shipped", "delivered", "cancelled", "returned", "refunded")
"""Every state of an order. The first customer gets one order in each."""

WEIGHTS = (8, 12, 18, 44, 6, 6, 6)
"""How often each state comes, out of 100."""

DELIVERY_CENTS = {"standard": 495, "express": 1295, "pickup": 0}
DELIVERY_DAYS = {"standard": 5, "express": 2, "pickup": 3}
FREE_DELIVERY_CENTS = 5000
"""Standard delivery costs nothing from here on."""

REFUND_DAYS = 7
"""Days until money is back on a card; a gift card has it at once."""

_FIRST = (
    "Ada Alma Amir Anders Anya Bea Bruno Carla Cedric Chiara Dalia Dario Edith Elio Esme Farah Felix Greta Hugo Ida "
    "Ines Ivo Jasper Jonas June Kaya Kofi Lena Leo Lucia Malik Mara Milo Mina Nadia Nils Noor Olga Omar Petra Quinn "
    "Rafael Rhea Rosa Samir Selma Tara Theo Uma Vera Viktor Wanda Xenia Yara Yusuf Zoe"
)
_LAST = (
    "Abbot Adler Baptiste Becker Calloway Castell Dorsey Duarte Ellery Engel Farrow Ferreira Garland Grady Hadley "
    "Holm Ingram Iyer Jensen Joyner Kessler Kowal Lachance Lindqvist Marlowe Mendes Navarro Nystrom Okafor Oriel "
    "Pashley Petrov Quigley Rask Renner Sandoval Stroud Tanaka Thorne Underhill Vance Voss "
    "Wexler Whitlock Yilmaz Zimmer"
)
_STREETS = "Alder Birch Canal Chapel Cliff Dock Elm Ferry Garden Harbor Juniper Lake Maple Mill Orchard Pine Quarry"
FIRST, LAST, STREETS = _FIRST.split(), _LAST.split(), _STREETS.split()
KINDS = ("Street", "Avenue", "Lane", "Road", "Court")
TOWNS = (
    ("Portland", "04101"),
    ("Salem", "01970"),
    ("Newport", "02840"),
    ("Mystic", "06355"),
    ("Astoria", "97103"),
    ("Duluth", "55802"),
    ("Galena", "61036"),
    ("Savannah", "31401"),
    ("Boulder", "80302"),
    ("Eureka", "95501"),
)
AREAS = ("207", "312", "415", "503", "617", "720", "808", "912")
PAYMENTS = ("credit_card", "credit_card", "debit_card", "paypal", "gift_card", "bank_transfer")
PROMOTIONS = (("SPRING20", 20, 40), ("WELCOME10", 10, 400), ("HARBOR15", 15, 15), ("SUMMER25", 25, -30))
"""Code, percent off, and the days from today until it ends."""

RECENT = 12
"""What the first customer got, came within so many days, so that all of it can still go back."""

BOUGHT, BACK_SENT = "ordered", "returned"
ORDERS = 600
"""Orders of a seeded shop."""


class CatalogueVariant(Protocol):
    """A product in one size and colour, as the product graph gives it."""

    @property
    def sku(self) -> str: ...  # noqa: D102
    @property
    def options(self) -> Mapping[str, str]: ...  # noqa: D102
    @property
    def price(self) -> object: ...  # noqa: D102


class CatalogueProduct(Protocol):
    """A product, as the product graph gives it."""

    @property
    def id(self) -> str: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def aliases(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def category(self) -> str: ...  # noqa: D102
    @property
    def description(self) -> str: ...  # noqa: D102
    @property
    def price(self) -> object: ...  # noqa: D102
    @property
    def variants(self) -> Sequence[CatalogueVariant]: ...  # noqa: D102


class Catalogue(Protocol):
    """Where products come from."""

    def products(self) -> Sequence[CatalogueProduct]:
        """All products."""
        ...


class NoProducts:
    """The catalogue of a company that sells no goods."""

    def products(self) -> Sequence[CatalogueProduct]:
        """None."""
        return ()


def cents(price: object) -> int:
    """Whole cents of a price given as a number or as text such as "12.50 USD"."""
    return int((Decimal(str(price).split()[0]) * 100).to_integral_value())


def order_number(five: int) -> str:
    """The order id made of five digits: K, the digits, their check digit."""
    return f"K{five}{luhn_digit(str(five))}"


def delivery_cents(option: str, goods_cents: int) -> int:
    """What delivery of goods of this worth costs."""
    return 0 if option == "standard" and goods_cents >= FREE_DELIVERY_CENTS else DELIVERY_CENTS[option]


def seed(
    store: Store,
    graph: Catalogue,
    seed: int = 7,
    customers: int = 200,
    orders: int = ORDERS,
    today: dt.date | None = None,
) -> None:
    """Fill an empty shop.

    Args:
        store: where the rows go, in one transaction.
        graph: the products to stock and sell.
        seed: the same seed, sizes, products and day give the same rows.
        customers: how many customers.
        orders: how many orders among them.
        today: the day all dates are counted from; the real one when left out.

    Raises:
        InputError: there are orders and nothing to sell, or more is asked for than there are ids.
    """
    products = graph.products()
    if not (products or orders == 0) or not 1 <= customers <= 50_000 or not 0 <= orders <= 50_000:
        raise InputError("seeding needs 1 to 50000 customers, 0 to 50000 orders, and products if there are orders")
    rng = random.Random(seed)
    day = today or dt.date.today()
    with store.session(write=True) as session:
        variants = _stock(session, products, rng)
        people = [_customer(session, i + 1, rng) for i in range(customers)]
        session.add_all(Promotion(code=c, percent=p, ends_on=day + dt.timedelta(days=d)) for c, p, d in PROMOTIONS)
        session.flush()
        numbers = rng.sample(range(10_000, 100_000), orders)
        for i, number in enumerate(numbers):
            first = i < len(STATES)
            state = STATES[i] if first else rng.choices(STATES, WEIGHTS)[0]
            owner = people[0] if first or customers == 1 else rng.choice(people[1:])
            _order(session, order_number(number), owner, state, variants, rng, day)


def _stock(session: Session, products: Sequence[CatalogueProduct], rng: random.Random) -> list[Variant]:
    """A row for every variant; about one in twelve is sold out."""
    rows = [
        Variant(
            sku=variant.sku,
            product_id=product.id,
            product=product.name,
            options=dict(variant.options),
            price_cents=cents(variant.price),
            stock=0 if rng.random() < 1 / 12 else rng.randint(3, 60),
        )
        for product in products
        for variant in product.variants
    ]
    session.add_all(rows)
    return rows


def _customer(session: Session, number: int, rng: random.Random) -> Customer:
    first, last = rng.choice(FIRST), rng.choice(LAST)
    town, postcode = rng.choice(TOWNS)
    email = f"{first}.{last}{number}@example.com".lower()
    customer = Customer(
        id=number,
        name=f"{first} {last}",
        email=email,
        # 100 numbers an area code are kept for fiction; beyond 800 customers households share one.
        phone=f"{AREAS[number % len(AREAS)]}-555-01{number // len(AREAS) % 100:02d}",
        address=f"{rng.randint(1, 400)} {rng.choice(STREETS)} {rng.choice(KINDS)}, {town}",
        postcode=postcode,
        payment_method=rng.choice(PAYMENTS),
        status="active",
    )
    session.add(customer)
    if rng.random() < 0.4:
        session.add(Subscription(email=email, status="subscribed"))
    if customer.payment_method == "gift_card" or rng.random() < 0.15:
        card = f"{rng.randint(10**9, 10**10 - 1)}"
        session.add(
            GiftCard(id=f"GC{card}{luhn_digit(card)}", customer_id=number, balance_cents=rng.randint(5, 400) * 50)
        )
    return customer


def _dates(
    state: str, option: str, rng: random.Random, day: dt.date, recent: int
) -> tuple[dt.date, dt.date, dt.date | None]:
    """Days an order in this state was placed, is expected and was delivered, at best `recent` days ago."""
    takes = dt.timedelta(days=DELIVERY_DAYS[option])
    if state in ("processing", "paid"):
        placed = day - dt.timedelta(days=rng.randint(0, 1))
        return placed, placed + takes + dt.timedelta(days=1), None
    if state == "shipped":
        placed = day - dt.timedelta(days=rng.randint(1, 9))
        return placed, placed + takes, None
    ago = rng.choice((rng.randint(1, 28), rng.randint(1, 28), rng.randint(31, 120)))
    delivered = day - dt.timedelta(days=min(ago, recent))
    placed = delivered - takes + dt.timedelta(days=rng.choice((0, 0, 0, -1)))
    return placed, placed + takes, None if state == "cancelled" else delivered


def _order(
    session: Session,
    order_id: str,
    owner: Customer,
    state: str,
    variants: Sequence[Variant],
    rng: random.Random,
    day: dt.date,
) -> None:
    option = rng.choices(tuple(DELIVERY_CENTS), (70, 20, 10))[0]
    placed, expected, delivered = _dates(state, option, rng, day, RECENT if owner.id == 1 else 120)
    chosen = rng.sample(variants, min(len(variants), rng.choices((1, 2, 3), (55, 30, 15))[0]))
    back = state in ("returned", "refunded")
    lines = [
        OrderItem(
            order_id=order_id,
            line=i + 1,
            sku=variant.sku,
            quantity=rng.choices((1, 2, 3), (80, 15, 5))[0],
            price_cents=variant.price_cents,
            status=BACK_SENT if back else BOUGHT,
        )
        for i, variant in enumerate(chosen)
    ]
    goods = sum(line.price_cents * line.quantity for line in lines)
    fee = delivery_cents(option, goods)
    digits = f"{rng.randint(10**7, 10**8 - 1)}"
    order = Order(
        id=order_id,
        customer_id=owner.id,
        status=state,
        placed_on=placed,
        expected_on=expected,
        delivered_on=delivered,
        tracking_number=None if state in ("processing", "paid", "cancelled") else f"TR{digits}{luhn_digit(digits)}",
        delivery_option=option,
        delivery_cents=fee,
        payment_method=owner.payment_method,
        promo_code=None,
        discount_cents=0,
        total_cents=goods + fee,
        address=owner.address or "",
        postcode=owner.postcode or "",
        items=lines,
    )
    session.add(order)
    if state in ("cancelled", "returned", "refunded"):
        session.flush()
        _money_back(session, order, rng, day)


def _money_back(session: Session, order: Order, rng: random.Random, day: dt.date) -> None:
    """The return and refund rows of an order that was cancelled or came back."""
    number = f"{rng.randint(10**6, 10**7 - 1)}"
    start = order.delivered_on or order.placed_on
    asked = min(start + dt.timedelta(days=rng.randint(0, 3)), day)
    if order.status != "cancelled":
        session.add_all(
            Return(
                id=f"RT{number}{luhn_digit(number)}-{line.line}",
                order_id=order.id,
                line=line.line,
                kind="return",
                new_sku=None,
                reason=None,
                status="received",
                opened_on=asked,
            )
            for line in order.items
        )
    session.add(
        Refund(
            id=f"RF{number}{luhn_digit(number)}",
            order_id=order.id,
            amount_cents=order.total_cents,
            payment_method=order.payment_method,
            status="pending" if order.status == "returned" else "paid",
            requested_on=asked,
            due_on=max(asked, day - dt.timedelta(days=1)) + dt.timedelta(days=REFUND_DAYS)
            if order.status == "returned"
            else asked + dt.timedelta(days=REFUND_DAYS),
        )
    )
