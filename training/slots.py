"""The facts that fill a frame's slots: written with the shop's marks, or said aloud. All of them are made up."""

from __future__ import annotations

import random
from collections.abc import Callable

from agent.checksums import luhn_digit
from agent.domain import Pack
from agent.products import ProductGraph
from training import spoken
from training.frames import Piece

_FIRST = (
    "Ana Ben Carla David Emma Farid Grace Hugo Irene James Karen Liam Maria Noah Olivia Pedro Quinn Rosa Samir Tanya "
    "Umar Vera William Xenia Yusuf Zoe Priya Chen Fatima Kwame Ingrid Mateo Aisha Tom Susan Derek"
).split()
_LAST = (
    "Lopez Smith Nguyen Brown Garcia Müller Johnson Patel Kim Rossi Williams Okafor Silva Cohen Andersson Davis Ali "
    "Martin Kowalski Tanaka Moore Haddad Jensen O'Brien Clark Ramirez Novak Young Wright Mendoza"
).split()
_STREETS = (
    "Oak Street|Maple Avenue|Main Street|Park Road|Cedar Lane|Elm St|Hill Road|Lake Drive|2nd Avenue|Washington Blvd|"
    "River Road|Pine St|Sunset Boulevard|Church Street|Mill Lane|Broadway|Highland Ave|Willow Court|5th Street|"
    "Chestnut Drive|Orchard Way|Harbor View Road|Franklin St|Birch Terrace"
).split("|")
_TOWNS = (
    "Portland|Seattle|Austin|Boston|Denver|Chicago|Springfield|Madison|Oakland|Tampa|Phoenix|Salem|Albany|Columbus|"
    "San Diego|New York|Dallas|Richmond|Burlington|Santa Fe|Omaha|Baton Rouge|Spokane"
).split("|")
_DOMAINS = "mail.com mail.com example.com example.org gmail.com outlook.com yahoo.com icloud.com post.example".split()
_PROMOS = "SPRING SUMMER WINTER AUTUMN WELCOME SAVE HARBOR FRIEND HELLO BDAY LANE EXTRA THANKYOU VIP GIFT FALL".split()
_MONTHS = "January February March April May June July August September October November December".split()
_DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
_RELATIVE = (
    "today|yesterday|tomorrow|the day before yesterday|the day after tomorrow|two days ago|three days ago|last week|"
    "a week ago|two weeks ago|ten days ago|last month|next week|this morning|last night|in two days|a month ago"
).split("|")
_SPOKEN_STREETS = {"St": "street", "Ave": "avenue", "Blvd": "boulevard", "2nd": "second", "5th": "fifth"}
_SIZES = {
    "XS": ("XS", "extra small", "x-small"),
    "S": ("S", "small", "small"),
    "M": ("M", "medium", "medium"),
    "L": ("L", "large", "large"),
    "XL": ("XL", "extra large", "x-large"),
    "XXL": ("XXL", "double extra large", "2XL", "extra extra large"),
}
_COUNTED = ("two", "three", "four", "five", "six", "a couple", "a dozen", "ten", "one", "eight")


def plural(name: str) -> str:
    """The plural of a product's name; names that are plural already stay."""
    if name.endswith("s") and not name.endswith("ss"):
        return name
    if name.endswith("scarf"):
        return name[:-1] + "ves"
    if name.endswith(("sh", "ch", "ss", "x")):
        return name + "es"
    return name + "s"


class Slots:
    """Fills slots by name for one sentence.

    Args:
        pack: for the values of its lexicons.
        graph: for the names of products.
        rng: every draw comes from it.
        said: give facts as they are said, not as they are written.
    """

    def __init__(self, pack: Pack, graph: ProductGraph | None, rng: random.Random, said: bool) -> None:
        self._pack = pack
        self._names = [name for p in (graph.products() if graph else ()) for name in (p.name, *p.aliases)]
        self._rng = rng
        self._said = said

    def __call__(self, name: str) -> list[Piece]:
        """The pieces of the slot `name`.

        Raises:
            ValueError: no slot has this name.
        """
        if name == "a_product":
            return self._a_product()
        entity = {"products": "product", "shoe_size": "size", "waist": "size", "month_day": "date"}.get(name, name)
        make: Callable[[], str] | None = getattr(self, f"_{name}", None)
        if make is None and name in self._pack.entities and self._pack.entities[name].values:
            return [Piece(self._lexicon(name), entity)]
        if make is None:
            raise ValueError(f"no slot {name!r}")
        return [Piece(make(), entity)]

    def _lexicon(self, name: str) -> str:
        value, words = self._rng.choice(list(self._pack.entities[name].values.items()))
        return self._rng.choice((value.replace("_", " "), *words))

    def _order_id(self) -> str:
        body = f"{self._rng.randrange(10_000, 100_000)}"
        digits = body + luhn_digit(body)
        if self._said:
            return spoken.identifier("K" + digits, self._rng) if self._rng.random() < 0.85 else spoken.pairs(digits)
        forms = (f"K{digits}",) * 6 + (f"k{digits}", f"K {digits}", f"K-{digits}", f"K{digits[:3]} {digits[3:]}")
        return self._rng.choice(forms)

    def _tracking_number(self) -> str:
        body = "".join(str(self._rng.randrange(10)) for _ in range(8))
        digits = body + luhn_digit(body)
        if self._said:
            return spoken.identifier("TR" + digits, self._rng)
        return self._rng.choice((f"TR{digits}",) * 4 + (f"tr{digits}", f"TR {digits}"))

    def _promo_code(self) -> str:
        word, n = self._rng.choice(_PROMOS), self._rng.choice((5, 10, 15, 20, 25, 30, 40, 50))
        if self._said:
            return f"{word.lower()} {spoken.number(n)}"
        return f"{word}{n:02d}" if self._rng.random() < 0.85 else f"{word.lower()}{n:02d}"

    def _product(self) -> str:
        single = [name for name in self._names if plural(name) != name]
        return self._catalogue(self._rng.choice(single))

    def _products(self) -> str:
        return self._catalogue(plural(self._rng.choice(self._names)))

    def _catalogue(self, name: str) -> str:
        name = name if self._rng.random() < 0.3 else name.lower().replace("lbd", "LBD")
        return name.replace("-", " ").lower() if self._said else name

    def _a_product(self) -> list[Piece]:
        if self._rng.random() < 0.3:
            piece = Piece(self._products(), "product")
            return [
                Piece(self._rng.choice(("some ", "a pair of ", "") if piece.text.endswith("s") else ("some ",))),
                piece,
            ]
        name, color = self._product(), self._rng.choice(("", "", self._lexicon("color")))
        words = [Piece(color, "color"), Piece(" "), Piece(name, "product")] if color else [Piece(name, "product")]
        return [Piece("an " if words[0].text[0].lower() in "aeiou" else "a "), *words]

    def _size(self) -> str:
        if self._rng.random() < 0.25:
            return self._shoe_size()
        written, *words = _SIZES[self._rng.choice(list(_SIZES))]
        return self._rng.choice(words).replace("-", " ") if self._said else self._rng.choice((written, *words))

    def _shoe_size(self) -> str:
        n = self._rng.choice((5, 6, 7, 8, 9, 10, 11, 12))
        return self._figure(n)

    def _waist(self) -> str:
        return self._figure(self._rng.choice((28, 30, 32, 34, 36, 38)))

    def _figure(self, n: int) -> str:
        return spoken.number(n) if self._said else str(n)

    def _quantity(self) -> str:
        if self._said or self._rng.random() < 0.5:
            return self._rng.choice(_COUNTED)
        return str(self._rng.choice((2, 3, 4, 5, 6, 8, 10, 12, 20)))

    def _money(self) -> str:
        cents = self._rng.choice((self._rng.randrange(5, 300) * 100, self._rng.randrange(500, 25_000)))
        if self._said:
            return spoken.money(cents, self._rng)
        plain = f"{cents // 100}" if cents % 100 == 0 else f"{cents / 100:.2f}"
        return self._rng.choice(
            (f"${plain}",) * 4 + (f"{plain} dollars", f"{plain} USD", f"${cents / 100:.2f}", f"{plain}$")
        )

    def _total(self) -> str:
        return self._money()

    def _date(self) -> str:
        roll = self._rng.random()
        if roll < 0.35:
            return self._rng.choice(_RELATIVE)
        if roll < 0.55:
            return self._rng.choice(("last ", "next ", "on ", "this ", "")).replace("on ", "") + self._rng.choice(_DAYS)
        return self._month_day()

    def _month_day(self) -> str:
        month, day, year = self._rng.randrange(1, 13), self._rng.randrange(1, 29), self._rng.choice((2025, 2026))
        name = _MONTHS[month - 1]
        if self._said:
            said = spoken.ordinal(day)
            month_day = f"{name} {said}"
            return self._rng.choice(
                (
                    month_day,
                    f"the {said} of {name}",
                    f"the {said}",
                    f"{month_day} {spoken.year(year)}",
                    f"{name} {spoken.number(day)}",
                )
            )
        suffix = "th" if 4 <= day <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
        return self._rng.choice(
            (
                f"{name} {day}",
                f"{name} {day}{suffix}",
                f"{name[:3]} {day}",
                f"{day} {name}",
                f"the {day}{suffix}",
                f"the {day}{suffix} of {name}",
                f"{month}/{day}",
                f"{month:02d}/{day:02d}/{year}",
                f"{year}-{month:02d}-{day:02d}",
                f"{name} {day}, {year}",
            )
        )

    def _email(self) -> str:
        first, last = (
            self._rng.choice(_FIRST).lower(),
            self._rng.choice(_LAST).lower().replace("'", "").replace("ü", "u"),
        )
        local = self._rng.choice(
            (
                f"{first}.{last}",
                f"{first}{last}",
                f"{first[0]}.{last}",
                f"{first}_{last}",
                f"{first}{self._rng.randrange(10, 100)}",
                f"{last}.{first[0]}",
            )
        )
        address = f"{local}@{self._rng.choice(_DOMAINS)}"
        return spoken.email(address, self._rng) if self._said else address

    def _phone(self) -> str:
        area, line = (
            f"{self._rng.choice((206, 212, 303, 415, 503, 512, 617, 702, 813))}",
            f"01{self._rng.randrange(100):02d}",
        )
        if self._said:
            return " ".join(spoken.digits(part, self._rng) for part in (area, "555", line))
        return self._rng.choice(
            (
                f"({area}) 555-{line}",
                f"{area}-555-{line}",
                f"{area}555{line}",
                f"+1 {area} 555 {line}",
                f"{area} 555 {line}",
            )
        )

    def _postcode(self) -> str:
        digits = f"{self._rng.randrange(1001, 99_950):05d}"
        return spoken.digits(digits, self._rng) if self._said else digits

    def _address(self) -> str:
        number, street = self._rng.randrange(1, 2_000), self._rng.choice(_STREETS)
        town = self._rng.choice(("", *_TOWNS))
        if self._said:
            street = " ".join(_SPOKEN_STREETS.get(word, word) for word in street.split())
            said = spoken.pairs(str(number)) if number > 99 else spoken.number(number)
            return f"{said} {street} {town}".lower().strip()
        flat = self._rng.choice(("", "", "", f", Apt {self._rng.randrange(1, 40)}", f" #{self._rng.randrange(1, 40)}"))
        return f"{number} {street}{flat}" + (f", {town}" if town else "")

    def _person(self) -> str:
        return self._rng.choice(
            (f"{self._rng.choice(_FIRST)} {self._rng.choice(_LAST)}",) * 3 + (self._rng.choice(_FIRST),)
        )

    def _company(self) -> str:
        return self._rng.choice(
            ("Harbor Lane",) * 3 + ("Harbor Lane Outlet", "Harbor Lane Portland", "Harbor Lane Home")
        )
