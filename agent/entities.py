"""Facts in a customer's words: the tagger's spans and the recognizers' finds, merged by place, each with its source.

A recognizer finds what has a form: ids by pattern and check digit, money, days, e-mail addresses, phone numbers,
words of a list, products of the catalogue. What was said in words ("k four eight two ...") is read in its written
form, and the spans point back into the words as they came.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from agent import values
from agent.checksums import CHECKSUMS
from agent.decode import Span
from agent.domain import EntityType, Pack
from agent.types import Entity
from modalities.speech.written import Written, readings, to_written

CHECKED, PATTERN, WEAK, LISTED = 0.99, 0.9, 0.3, 0.8
"""Confidence of a find with a right check digit, by a telling form, by a form that much else has, by a word list."""

_PREFIXED = re.compile(r"([A-Z]+)\\d\{(\d+)\}")
_RANK = {"checksum": 3, "catalogue": 2, "pattern": 2, "lexicon": 1, "tagger": 1}


@dataclass(frozen=True)
class Names:
    """Names to look for: what may be written or said (in lower case) -> value."""

    values: dict[str, str]

    def find(self, text: str) -> Iterable[tuple[int, int, str]]:
        """Every longest name in a text as (start, end, value)."""
        if not self.values:
            return
        lowered = text.lower()
        if len(lowered) != len(text):
            return
        for match in self._pattern.finditer(lowered):
            yield match.start(), match.end(), self.values[re.sub(r"\s+", " ", match[0])]

    def __post_init__(self) -> None:
        names = sorted(self.values, key=len, reverse=True)
        body = "|".join(re.escape(name).replace(r"\ ", r"\s+") for name in names)
        object.__setattr__(self, "_pattern", re.compile(rf"(?<![\w'’-])(?:{body})(?![\w'’])"))

    _pattern: re.Pattern[str] = re.compile("")

    def nearest(self, text: str, least: float = 80.0) -> tuple[str, float] | None:
        """The value of the name most like a text, with a similarity of 0..1, where it is like enough."""
        from rapidfuzz import fuzz, process

        found = process.extractOne(text.lower().strip(), self.values.keys(), scorer=fuzz.WRatio, score_cutoff=least)
        return (self.values[found[0]], found[1] / 100) if found else None


def lexicon(kind: EntityType) -> Names:
    """The words of a "lexicon" entity type."""
    return Names(
        {name.lower(): value for value, names in kind.values.items() for name in (value.replace("_", " "), *names)}
    )


class Recognizers:
    """Everything that finds facts in words without a trained model, for one pack."""

    def __init__(
        self, pack: Pack, catalogue: Names | None = None, today: Callable[[], dt.date] = dt.date.today
    ) -> None:
        """Compile a pack's recognizers.

        Args:
            pack: its entity types say which recognizer each has.
            catalogue: product names -> product id, for types recognised by "catalogue".
            today: the day that relative days count from.
        """
        self.types = pack.entities
        self.currency = pack.currency
        self.today = today
        self.names = {n: lexicon(t) for n, t in pack.entities.items() if t.recognizer == "lexicon"}
        self.names |= {n: catalogue for n, t in pack.entities.items() if t.recognizer == "catalogue" and catalogue}

    def find(self, text: str) -> list[Entity]:
        """Every find in a text, possibly overlapping."""
        written, *others = readings(text)
        found: list[Entity] = []
        for kind in self.types.values():
            found += self._find(kind, text, written)
            if kind.checksum:  # a check digit tells which reading of "forty seven" was meant
                found += [e for other in others for e in self._find(kind, text, other) if e.source == "checksum"]
        return found

    def _find(self, kind: EntityType, text: str, written: Written) -> Iterable[Entity]:
        if kind.recognizer == "id":
            yield from (e for find in id_finds(kind, written.text) if (e := _entity(kind, find, text, written)))
        elif kind.name in self.names:
            source = "catalogue" if kind.recognizer == "catalogue" else "lexicon"
            for start, end, value in self.names[kind.name].find(text):
                confidence = LISTED if end - start > 1 else WEAK
                yield Entity(kind.name, text[start:end], value, start, end, source, confidence)
        elif kind.recognizer in ("money", "date", "email", "phone"):
            for start, end, value in self._formed(kind.recognizer, written.text):
                find = Find(start, end, value, "pattern", PATTERN)
                if entity := _entity(kind, find, text, written):
                    yield entity

    def _formed(self, recognizer: str, text: str) -> Iterable[tuple[int, int, str]]:
        forms = {
            "money": (values.MONEY,), "date": (values.DATE,), "phone": (values.PHONE,),
            "email": (values.EMAIL, values.SAID_EMAIL),
        }  # fmt: skip
        for form in forms[recognizer]:
            for match in form.finditer(text):
                if (value := self.value(recognizer, match[0])) is not None:
                    yield match.start(), match.end(), value

    def value(self, recognizer: str, text: str) -> str | None:
        """The value of words by a recognizer's form, or None where they do not have it."""
        if recognizer == "money":
            return values.money(text, self.currency)
        if recognizer == "date":
            return values.date(text, self.today())
        plain = {"email": values.email, "phone": values.phone, "number": values.number}
        return plain[recognizer](text) if recognizer in plain else None

    def tagged(self, text: str, spans: Sequence[Span]) -> list[Entity]:
        """The tagger's spans with their values; one whose words do not have its type's form counts half."""
        found = []
        for name, start, end, score in spans:
            start, end = _trim(text, start, end)
            if start < end and name in self.types:
                value = self.value_of(self.types[name], text[start:end])
                found.append(
                    Entity(
                        name,
                        text[start:end],
                        value or text[start:end],
                        start,
                        end,
                        "tagger",
                        score if value else score / 2,
                    )
                )
        return found

    def value_of(self, kind: EntityType, words: str) -> str | None:
        """The value of words the tagger took for an entity of this type, or None where they do not fit it."""
        written = to_written(words).text
        if kind.recognizer == "id":
            finds = list(id_finds(kind, written))
            return finds[0].value if finds else None
        if kind.name in self.names:
            nearest = self.names[kind.name].nearest(words)
            return nearest[0] if nearest else None
        if kind.recognizer == "tagger":
            return re.sub(r"\s+", " ", written if kind.name == "address" else words)
        return self.value(kind.recognizer, written)


@dataclass(frozen=True)
class Find:
    """A recognizer's find in written form."""

    start: int
    end: int
    value: str
    source: str
    confidence: float


def id_finds(kind: EntityType, text: str) -> Iterable[Find]:
    """Ids of a pattern in a written text, however they are spaced.

    A pattern of letters and then digits is also found by its digits alone or after a misheard letter, where a check
    digit confirms it. A pattern of digits alone without a check digit is a weak find, and so is one whose letters and
    digits stand apart ("meant 14" has the form of a promo code): those need the tagger's word.
    """
    prefixed = _PREFIXED.fullmatch(kind.pattern)
    check = CHECKSUMS.get(kind.checksum)
    if prefixed is None:
        telling = any(c.isalpha() for c in re.sub(r"\\.|\[.*?\]", "", kind.pattern)) or "[A-Z]" in kind.pattern
        for match in re.finditer(rf"(?<![\w$.-]){_loose(kind.pattern)}(?![\w-])", text.upper()):
            value = re.sub(r"[ -]", "", match[0])
            if any(c.isdigit() for c in value):
                sure = telling and value == match[0]
                yield Find(match.start(), match.end(), value, "pattern", PATTERN if sure else WEAK)
        return
    prefix, count = prefixed[1], int(prefixed[2])
    digits = r"[ -]?".join([r"\d"] * count)
    for match in re.finditer(
        rf"(?<![A-Za-z0-9$.])(?:#? ?([A-Za-z]{{1,{len(prefix) + 1}}})[ -]?)?({digits})(?![\w]|[.,]\d)", text
    ):
        number = re.sub(r"\D", "", match[2])
        named = (match[1] or "").upper() == prefix
        start = match.start() if named else match.start(2)
        if check is None or check(number):
            source, confidence = ("checksum", CHECKED) if check else ("pattern", PATTERN)
            yield Find(start, match.end(), prefix + number, source, confidence if named else confidence - 0.15)
        elif named:
            yield Find(start, match.end(), prefix + number, "pattern", WEAK)


def _loose(pattern: str) -> str:
    """A pattern of whole tokens whose digits may stand apart from its letters ("SPRING 20")."""
    return re.sub(r"(?<=\})(?=\\d)", "[ -]?", pattern)


def _entity(kind: EntityType, find: Find, text: str, written: Written) -> Entity | None:
    start, end = _trim(text, *written.original(find.start, find.end))
    if start >= end:
        return None
    return Entity(kind.name, text[start:end], find.value, start, end, find.source, find.confidence)


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and not (text[start].isalnum() or text[start] in "$€£+#"):
        start += 1
    while end > start and not text[end - 1].isalnum():
        end -= 1
    return start, end


def merge(found: Iterable[Entity]) -> tuple[Entity, ...]:
    """One entity a place, in order of place.

    Finds of one type that overlap support each other: the better source's value and span stay, with the higher
    confidence. Where types disagree over a place, a check digit wins, then the better source and confidence.
    """
    kept: list[Entity] = []
    for entity in sorted(found, key=lambda e: (_RANK[e.source], e.confidence), reverse=True):
        rivals = [other for other in kept if other.start < entity.end and entity.start < other.end]
        if not rivals:
            kept.append(entity)
        for other in rivals:
            if other.type == entity.type:
                kept[kept.index(other)] = replace(other, confidence=_together(other, entity))
    return tuple(sorted((e for e in kept if e.confidence > WEAK), key=lambda e: e.start))


def _together(one: Entity, other: Entity) -> float:
    """Confidence of two finds that agree on type and place."""
    best = max(one.confidence, other.confidence)
    return min(0.995, best + 0.5 * (1 - best) * min(one.confidence, other.confidence))
