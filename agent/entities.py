"""Facts in a customer's words: the tagger's spans and the recognizers' finds, merged by place, each with its source.

A recognizer finds what has a form: ids by pattern and check digit, money, days, e-mail addresses, phone numbers,
words of a list, products of the catalogue. What was said in words ("k four eight two ...") is read in its written
form, and the spans point back into the words as they came.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache

from agent.amounts import Money, money
from agent.contacts import email, emails, phone, phones
from agent.days import Calendar
from agent.decode import Span
from agent.domain import EntityType, Pack
from agent.ids import id_finds
from agent.locales import OTHERWISE, country_names, currency_names, shared, written_codes
from agent.names import Names, Word, words_of
from agent.types import Entity
from agent.values import LISTED, PATTERN, UNSURE, WEAK, Find, number
from modalities.speech.written import Written, readings, to_written

__all__ = ["Names", "Recognizers", "id_finds", "lexicon", "merge"]

_GROUP = re.compile(r"\d+")
_RANK = {"checksum": 3, "catalogue": 2, "pattern": 2, "lexicon": 1, "tagger": 1}
_SIGNS = "$€£¥₹₩+#-−"
LONGER = 3
"""Characters by which a name that is nearly said exceeds one that is said exactly within it to be preferred."""

_IDS = ("id", "card", "iban")
_UNSEARCHED = ("tagger", "number")
"""Recognizers that find nothing in a text on their own."""

MOST_FIGURES, MOST_GROUPS = 600, 150
"""Figures, and groups of them, of one text in which ids, amounts, days and numbers are looked for."""


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
            pack: its entity types say which recognizer each has; its country and currency are those meant where
                nothing else is said.
            catalogue: product names -> product id, for types recognised by "catalogue".
            today: the day that relative days count from.
        """
        self.types = pack.entities
        self._searched = [kind for kind in pack.entities.values() if kind.recognizer not in _UNSEARCHED]
        self._ids = [kind for kind in self._searched if kind.recognizer in _IDS]
        self.country = pack.country
        self.currency = pack.currency
        self.today = today
        self.names = {n: lexicon(t) for n, t in pack.entities.items() if t.recognizer == "lexicon"}
        self.names |= {n: catalogue for n, t in pack.entities.items() if t.recognizer == "catalogue" and catalogue}

    def find(self, text: str) -> list[Entity]:
        """Every find in a text, possibly overlapping; offsets are into the text as it came."""
        written, *others = readings(text)
        words, searched = words_of(written.text), within_figures(written.text)
        found = [
            e
            for kind in self._searched
            for find in self._finds(kind, searched, words)
            if (e := _entity(kind, find, text, written))
        ]
        return doubted(found, self._otherwise(text, others, found)) if others else found

    def _otherwise(self, text: str, others: Sequence[Written], found: Sequence[Entity]) -> list[Entity]:
        """Ids in the other readings of a text: those with a right check digit, and a telling form where none was found.

        A check digit tells which reading of "forty seven" was meant.
        """
        have = {entity.type for entity in found if entity.confidence > WEAK}
        more = []
        for other in others:
            searched = within_figures(other.text)
            for kind in self._ids:
                for find in id_finds(kind, searched):
                    if find.source == "checksum" or (find.confidence >= PATTERN and kind.name not in have):
                        sure = find.confidence if find.source == "checksum" else UNSURE
                        if entity := _entity(kind, replace(find, confidence=sure), text, other):
                            more.append(entity)
        return more

    def _finds(self, kind: EntityType, text: str, words: Sequence[Word]) -> Iterable[Find]:
        """What a type's recognizer finds in a text in written form."""
        match kind.recognizer:
            case "id" | "card" | "iban":
                return id_finds(kind, text)
            case "lexicon" if kind.name in self.names:
                return _listed(self.names[kind.name], words)
            case "catalogue" if kind.name in self.names:
                return _products(self.names[kind.name], words)
            case "money":
                return Money(self.currency).find(text)
            case "date":
                return Calendar(self.today(), self.country).find(text)
            case "email":
                return emails(text)
            case "phone":
                return phones(text, self.country)
            case "country":
                return _countries(text, words)
            case "currency":
                return _currencies(text, words, self.currency)
        return ()

    def value(self, recognizer: str, text: str) -> str | None:
        """The value of words by a recognizer's form, or None where they do not have it."""
        match recognizer:
            case "money":
                return money(text, self.currency)
            case "email":
                return email(text)
            case "phone":
                return phone(text, self.country)
            case "number":
                return number(text)
        finds = self._finds(EntityType("", recognizer=recognizer), text, words_of(text))
        return next((find.value for find in finds), None)

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


def within_figures(text: str) -> str:
    """A text up to where it has more figures, or groups of them, than anybody's message has."""
    if len(text) <= 2 * MOST_GROUPS:
        return text
    figures = 0
    for group, match in enumerate(_GROUP.finditer(text), start=1):
        figures += match.end() - match.start()
        if group > MOST_GROUPS or figures > MOST_FIGURES:
            return text[: match.start()]
    return text


def doubted(found: Sequence[Entity], otherwise: Sequence[Entity]) -> list[Entity]:
    """Finds of the likeliest reading and of others, less sure where check digits cannot tell which id was said.

    "Twenty two twenty one eight" may be 20 2 21 8 or 22 20 1 8. What the likeliest reading says is believed where its
    check digit is right; of others that are right as well, each has its share of the confidence. All keep the rest as
    alternatives.
    """
    checked = [entity for entity in found if entity.source == "checksum"]
    rivals = [entity for entity in otherwise if entity.source == "checksum"]
    first = [_among(entity, rivals) if entity in checked else entity for entity in found]
    return [*first, *(_doubted(entity, checked, rivals) if entity in rivals else entity for entity in otherwise)]


def _doubted(entity: Entity, checked: Sequence[Entity], rivals: Sequence[Entity]) -> Entity:
    """A checked id of another reading: less sure beside the likeliest reading's, or where others are right as well."""
    sooner = {other.value for other in checked if _same_words(entity, other)}
    if sooner:
        return entity if entity.value in sooner else replace(entity, confidence=min(entity.confidence, UNSURE))
    entity = _among(entity, rivals)
    return replace(entity, confidence=entity.confidence / (1 + len(entity.alternatives)))


def _among(entity: Entity, others: Sequence[Entity]) -> Entity:
    """An id with the values that other readings of the same words give it."""
    values = dict.fromkeys(o.value for o in others if _same_words(entity, o) and o.value != entity.value)
    return replace(entity, alternatives=tuple(values)) if values else entity


def _same_words(one: Entity, other: Entity) -> bool:
    return one.type == other.type and one.start < other.end and other.start < one.end


def _listed(names: Names, words: Sequence[Word]) -> Iterable[Find]:
    """Words of a list; a single letter is much else as well."""
    for start, end, value in names.exact(words):
        yield Find(start, end, value, "lexicon", LISTED if end - start > 1 else WEAK)


def _products(names: Names, words: Sequence[Word]) -> Iterable[Find]:
    """Products by name; by likeness in the words that are left, or where a longer name is nearly said."""
    exact = [Find(*find, "catalogue", LISTED) for find in names.exact(words, plurals=True)]
    longest = {(find.start, find.end) for find in exact}
    for like in names.like(words):
        inside = [find for find in exact if like.start < find.end and find.start < like.end]
        if all(like.end - like.start > find.end - find.start + LONGER and not like.alternatives for find in inside):
            longest -= {(find.start, find.end) for find in inside}
            yield like
    yield from (find for find in exact if (find.start, find.end) in longest)


@cache
def _country_names() -> Names:
    return Names(country_names())


@cache
def _currency_names() -> Names:
    return Names(currency_names())


def _countries(text: str, words: Sequence[Word]) -> Iterable[Find]:
    """Countries by name, and US and UK in capitals; names that are as often something else are unsure."""
    for start, end, value in _country_names().exact(words):
        yield Find(start, end, value, "lexicon", 0.5 if text[start:end].lower() in OTHERWISE else LISTED)
    if not text.isupper():
        for match in re.finditer(r"\b(US|UK)\b", text):
            yield Find(*match.span(), {"UK": "GB"}.get(match[0], match[0]), "lexicon", LISTED)


def _currencies(text: str, words: Sequence[Word], own: str) -> Iterable[Find]:
    """Currencies by name, sign or code; a name that several share is the pack's own where it is one of them."""
    for start, end, value in _currency_names().exact(words):
        yield Find(start, end, shared(text[start:end], own) or value, "lexicon", LISTED)
    for start, end, value in written_codes(text):
        yield Find(start, end, value, "lexicon", LISTED)


def _entity(kind: EntityType, find: Find, text: str, written: Written) -> Entity | None:
    start, end = _trim(text, *written.original(find.start, find.end))
    if start >= end:
        return None
    return Entity(kind.name, text[start:end], find.value, start, end, find.source, find.confidence, find.alternatives)


def _trim(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and not (text[start].isalnum() or text[start] in _SIGNS):
        start += 1
    while end > start and not (text[end - 1].isalnum() or text[end - 1] in "$€£¥₹₩¢"):
        end -= 1
    return start, end


def merge(found: Iterable[Entity]) -> tuple[Entity, ...]:
    """One entity a place, in order of place.

    Finds of one type that overlap support each other: the better source's value and span stay, with the higher
    confidence. Where types disagree over a place, a check digit wins, then the better source and confidence.
    """
    kept: list[Entity] = []
    order = sorted(found, key=lambda e: (_RANK[e.source], e.confidence, e.end - e.start), reverse=True)
    for entity in order:
        rivals = [other for other in kept if other.start < entity.end and entity.start < other.end]
        if not rivals:
            kept.append(entity)
        for other in rivals:
            if other.type == entity.type and (entity.source == "tagger" or other.value == entity.value):
                kept[kept.index(other)] = replace(other, confidence=_together(other, entity))
    return tuple(sorted((e for e in kept if e.confidence > WEAK), key=lambda e: e.start))


def _together(one: Entity, other: Entity) -> float:
    """Confidence of two finds that agree on type and place."""
    best = max(one.confidence, other.confidence)
    return min(0.995, best + 0.5 * (1 - best) * min(one.confidence, other.confidence))
