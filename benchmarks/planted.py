"""Turns of customers with something personal planted in them, made: what is said, and where in it the item is.

Names, streets and towns are listed here, apart from every list that masking looks names up in; half of the names are
rare in the United States. Numbers are drawn, with check digits where they have them. All synthetic.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

KINDS = ("card", "account", "phone", "email", "address", "name", "id")

GIVEN = (
    "Harriet Desmond Ottilie Marcus Priyanka Tomasz Ingrid Kwame Yolanda Bertrand Saoirse Emmett Nadia Leopold Fatima "
    "Gareth Xiomara Rupert Anneliese Dmitri Rosalind Hiroshi Beatrix Olumide Clara Stefan Magdalena Walter Noor Alice"
).split()
FAMILY = (
    "Okonkwo Whitfield Lindqvist Marchetti Abernathy Nakamura Delacroix Petrov Castellano Oyelaran Thorne Bergstrom "
    "Villanueva Hargreaves Kowalski Adeyemi Fitzgerald Rasmussen Chaudhry Pemberton Baker Morris Johnson Turner Hughes"
).split()
STREETS = "Maple Cedar Willow Juniper Larkspur Hawthorne Prospect Franklin Harbor Chestnut Meadow Quarry".split()
SORTS = "Street Avenue Road Lane Drive Court".split()
TOWNS = "Portland Salem Dayton Fresno Albany Tulsa Boise Madison Richmond Lincoln".split()
HOSTS = "example.com mailbox.org postbox.net inbox.com".split()


@dataclass(frozen=True)
class Planted:
    """One turn: the words before the item, the item as written and as said, the words after, and what was asked."""

    kind: str
    before: str
    item: str
    said: str
    after: str
    question: str

    @property
    def text(self) -> str:
        """The turn as typed."""
        return f"{self.before}{self.item}{self.after}"

    @property
    def start(self) -> int:
        """Where the item begins in `text`."""
        return len(self.before)


_DIGITS = "zero one two three four five six seven eight nine".split()


def digits(number: str) -> str:
    """A number said figure by figure."""
    return " ".join(_DIGITS[int(c)] if c.isdigit() else c.lower() for c in number if c.isalnum())


def luhn(body: str) -> str:
    """A number with its check digit (ISO/IEC 7812)."""
    total = 0
    for i, c in enumerate(reversed(body)):
        doubled = int(c) * (2 - i % 2)
        total += doubled - 9 * (doubled > 9)
    return f"{body}{-total % 10}"


def _number(rng: Random, count: int) -> str:
    return "".join(str(rng.randrange(10)) for _ in range(count))


def _card(rng: Random) -> tuple[str, str]:
    number = luhn((rng.choice(("4", "51", "54", "6011")) + _number(rng, 14))[:15])
    shown = number if rng.random() < 0.4 else " ".join(number[i : i + 4] for i in range(0, 16, 4))
    return shown, digits(number)


def _account(rng: Random) -> tuple[str, str]:
    number = rng.choice("123456789") + _number(rng, rng.choice((7, 9)))
    return number, digits(number)


def _phone(rng: Random) -> tuple[str, str]:
    area, exchange, line = (
        rng.choice(("503", "212", "415", "617")),
        f"{rng.randrange(2, 10)}{_number(rng, 2)}",
        _number(rng, 4),
    )
    return rng.choice(
        (f"({area}) {exchange}-{line}", f"{area}-{exchange}-{line}", f"{area}.{exchange}.{line}")
    ), digits(area + exchange + line)


def _email(rng: Random) -> tuple[str, str]:
    given, family, host = rng.choice(GIVEN).lower(), rng.choice(FAMILY).lower(), rng.choice(HOSTS)
    number = str(rng.randrange(10, 99)) if rng.random() < 0.4 else ""
    name, top = host.split(".")
    said = f"{given} dot {family} {digits(number)} at {name} dot {top}"
    return f"{given}.{family}{number}@{host}", " ".join(said.split())


def _address(rng: Random) -> tuple[str, str]:
    number, street, sort = str(rng.randrange(2, 9900)), rng.choice(STREETS), rng.choice(SORTS)
    town, code = rng.choice(TOWNS), f"9{_number(rng, 4)}"
    ending = rng.choice(("", f", {town}", f", {town} {code}"))
    return f"{number} {street} {sort}{ending}", f"{digits(number)} {street} {sort}{ending.replace(code, digits(code))}"


def _name(rng: Random) -> tuple[str, str]:
    name = f"{rng.choice(GIVEN)} {rng.choice(FAMILY)}"
    return name, name


def _id(rng: Random) -> tuple[str, str]:
    kind = rng.choice(("order", "tracking", "security"))
    if kind == "security":
        parts = (str(rng.randrange(100, 665)), f"{rng.randrange(10, 99)}", f"{rng.randrange(1000, 9999)}")
        return "-".join(parts), digits("".join(parts))
    number = ("K" if kind == "order" else "TR") + luhn(_number(rng, 5 if kind == "order" else 8))
    return number, digits(" ".join(number[: 1 if kind == "order" else 2]) + number[1 if kind == "order" else 2 :])


ITEMS: dict[str, Callable[[Random], tuple[str, str]]] = {
    "card": _card, "account": _account, "phone": _phone, "email": _email, "address": _address, "name": _name, "id": _id,
}  # fmt: skip

CARRIERS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "card": (
        ("my card number is ", ", can you check what was charged", ""),
        ("i paid with ", " and it was taken twice", ""),
        ("sure, it's ", "", "What is the card number?"),
        ("", " that's the one", "Could you read me the long number on the card?"),
        ("please use ", " for the order", ""),
    ),
    "account": (
        ("my account number is ", " and i never got the refund", ""),
        ("the money should go to account ", " please", ""),
        ("it's ", "", "What is your account number?"),
        ("i sent it from ", " last week", "Which account number did you send it from?"),
    ),
    "phone": (
        ("you can reach me on ", " after five", ""),
        ("my phone number is ", " if you get cut off", ""),
        ("call me back at ", " please", ""),
        ("", "", "What's the best phone number for you?"),
        ("i changed my number, the new one is ", " now", ""),
    ),
    "email": (
        ("my email is ", " please send the receipt there", ""),
        ("please write to ", " when it ships", ""),
        ("", "", "What is your e-mail address?"),
        ("it's ", " thanks", "Which e-mail address is on the account?"),
    ),
    "address": (
        ("please deliver it to ", " instead", ""),
        ("i live at ", " and the parcel never came", ""),
        ("my new address is ", ", could you change that", ""),
        ("", "", "What is your address?"),
        ("it's ", " thanks", "Where should we send it?"),
    ),
    "name": (
        ("hello, my name is ", " and i want to return a jacket", ""),
        ("hi, this is ", ", i am calling about my order", ""),
        ("", "", "May I have your full name, please?"),
        ("it's ", "", "Who am I speaking to?"),
        ("the order is under the name ", " i think", ""),
    ),
    "id": (
        ("where is my order ", ", it should have come by now", ""),
        ("it's ", " and i want my money back", "Could you give me the order number?"),
        ("my reference is ", " can you look it up", ""),
        ("", "", "What is the number, please?"),
        ("i need to cancel ", " before it ships", ""),
    ),
}

PLAIN = (
    "i bought two blue shirts in size ten for fifty nine dollars and one has a hole",
    "the shoes came on may fourth and they are half a size too small",
    "do you have the running jacket in black and how long does delivery take",
    "that's not good enough, i have been waiting for three weeks",
    "yes please go ahead and refund it to the same method i paid with",
    "how much is the wool coat and can i get ten percent off with a promo code",
    "thank you very much, that is all for today",
    "i would like to know when the store in town opens on sunday",
)
"""Turns with nothing personal in them: whatever is masked there is too much."""


def turns(count: int, seed: int) -> list[Planted]:
    """So many turns with an item each, the kinds in turn."""
    rng, found = Random(seed), []
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        before, after, question = rng.choice(CARRIERS[kind])
        item, said = ITEMS[kind](rng)
        found.append(Planted(kind, before, item, said, after, question))
    return found
