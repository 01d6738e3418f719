"""Facts as customers say them, at random: other order numbers, products, days and addresses of a pack's kinds."""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from random import Random

from agent.checksums import luhn_digit
from agent.domain import EntityType, Pack
from agent.examples import Example
from agent.products import ProductGraph
from modalities.speech.spoken import ONES, say, say_code, say_date, say_email, say_money, say_number, say_phone

FORMED = ("id", "phone", "email")
FIRST_NAMES = (
    "john mary james linda robert susan michael karen david lisa daniel nancy paul anna mark laura kevin emily brian "
    "rachel eric megan adam julia peter amy scott claire ryan nina jose maria ahmed sara wei mei omar leila ivan olga"
).split()
LAST_NAMES = (
    "smith johnson brown jones miller davis wilson anderson taylor thomas moore martin lee thompson white harris clark "
    "lewis walker hall young king wright green baker adams nelson carter mitchell roberts turner phillips campbell "
    "parker evans edwards collins stewart morris garcia martinez lopez nguyen patel kim singh chen"
).split()
MAIL = ("gmail.com", "yahoo.com", "hotmail.com", "outlook.com", "icloud.com", "mail.com", "example.com", "aol.com")
_REPEAT = re.compile(r"(\\d|\[A-Z\]|[A-Z])(?:\{(\d+)(?:,(\d+))?\})?")


class Facts:
    """Draws facts of each entity type of a pack, in the words people say them with.

    Attributes:
        formed: types whose facts have a form that is said alone when asked for (ids, telephone numbers, e-mail).
        names: every name and alias of the catalogue and value of the word lists.
    """

    def __init__(self, pack: Pack, examples: Sequence[Example]) -> None:
        self._types = pack.entities
        self._seen: defaultdict[str, list[str]] = defaultdict(list)
        for example in examples:
            for kind, start, end in example.entities:
                self._seen[kind].append(example.text[start:end])
        catalogue = pack.root / "knowledge" / "products.ttl"
        products = ProductGraph(catalogue).products() if catalogue.is_file() else ()
        self._products = [name for product in products for name in (product.name, *product.aliases)]
        lists = [[value.replace("_", " "), *ways] for t in pack.entities.values() for value, ways in t.values.items()]
        self.names = [*self._products, *(name for ways in lists for name in ways)]
        self.formed = tuple(t.name for t in pack.entities.values() if t.recognizer in FORMED and not _worded(t))
        self._marks = {name: chr(ord("a") + i) for i, name in enumerate(self.formed)}

    def spoken(self, kind: str, count: int, rng: Random) -> Iterator[str]:
        """Some facts of one type."""
        return (self.another(kind, "", rng) for _ in range(count))

    def another(self, kind: str, text: str, rng: Random) -> str:
        """A fact to say in the place of `text`, which is of the same type; at times `text` itself."""
        drawn = self._draw(self._types[kind], text, rng)
        return drawn if drawn is not None else say(rng.choice(self._seen[kind] or [text]), rng)

    def _draw(self, kind: EntityType, text: str, rng: Random) -> str | None:
        match kind.recognizer:
            case "id" if _worded(kind):
                return _word_code(rng.choice(self._seen[kind.name] or [text]), rng)
            case "id":
                code = self._id(kind, rng)
                letters = len(re.match(r"[A-Z]*", code)[0]) if rng.random() < 0.1 else 0  # type: ignore[index]
                return say_code(code[letters:], rng, self._marks[kind.name], letters)
            case "phone":
                return say_phone("".join(rng.choice("0123456789") for _ in range(10)), rng, self._marks[kind.name])
            case "email":
                return say_email(_email(rng), rng)
            case "money":
                cents = rng.choice(["", f".{rng.randrange(100):02d}"])
                return say_money(f"${rng.choice([rng.randrange(1, 100), rng.randrange(100, 400)])}{cents}", rng)
            case "date" if rng.random() < 0.5:
                return say_date(str(dt.date(2026, 1, 1) + dt.timedelta(rng.randrange(365))), rng)
            case "number" if rng.random() < 0.7:
                return rng.choice([*ONES[1:11], *ONES[1:11], say_number(rng.randrange(11, 60))])
            case "catalogue" if rng.random() < 0.6 and self._products:
                return _like(rng.choice(self._products), text)
            case "lexicon" if kind.values:
                value, ways = rng.choice(list(kind.values.items()))
                return say(rng.choice([value.replace("_", " "), *ways]), rng)
        if kind.name == "person" and rng.random() < 0.7:
            return f"{rng.choice(FIRST_NAMES)} {rng.choice(LAST_NAMES)}"
        return None

    def _id(self, kind: EntityType, rng: Random) -> str:
        """An id of the type's pattern, its check digit right."""
        code = ""
        for unit, least, most in _REPEAT.findall(kind.pattern):
            count = rng.randint(int(least or 1), int(most or least or 1))
            pool = {"\\d": "0123456789", "[A-Z]": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}.get(unit, unit)
            code += "".join(rng.choice(pool) for _ in range(count))
        if kind.checksum == "luhn":
            code = code[:-1] + luhn_digit(re.sub(r"\D", "", code)[:-1])
        return code


def _worded(kind: EntityType) -> bool:
    """Whether ids of this type begin with letters of any kind: a word, more often than not ("SPRING20")."""
    return kind.recognizer == "id" and "[A-Z]" in kind.pattern


def _word_code(seen: str, rng: Random) -> str:
    """A code like one that was seen: its word, and another number."""
    word = re.sub(r"[^a-z]+.*", "", seen.lower())
    return f"{word} {rng.choice(['oh five', 'zero five', *map(say_number, range(5, 100, 5))])}"


def _email(rng: Random) -> str:
    first, last, digits = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES), str(rng.randrange(1, 100))
    forms = [f"{first}.{last}", f"{first}_{last}", f"{first}-{last}", f"{first[0]}.{last}", f"{first}{digits}",
             f"{first}.{last}{digits}", first, f"{last}{digits}"]  # fmt: skip
    return f"{rng.choice(forms)}@{rng.choice(MAIL)}"


def _like(name: str, text: str) -> str:
    """A product's name, in the plural where the text was."""
    plural = text.lower().endswith("s") and not name.endswith("s")
    return f"{name}s" if plural else name
