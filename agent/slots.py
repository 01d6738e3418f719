"""What one turn says about slots: which fact goes where, by what was asked, what is being done, and how it was put.

Pure: reads an understanding, changes nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from agent.flows import Flow, Flows, Slot
from agent.state import Question
from agent.types import Entity, Photo, Understanding
from modalities.speech.written import to_written

LONGEST_TURN, MOST_FACTS = 4000, 50
"""Characters and facts of one turn kept in its event; nobody says more, and what is pasted need not be stored."""

LONGEST = 500
"""Characters kept of an answer in the customer's own words."""

_SMALL = "zero one two three four five six seven eight nine ten eleven twelve"
NUMBERS = _SMALL.split()

STORY_WORDS = 6
"""A wish put in at least so many words already tells the story a complaint needs."""


class Fact(NamedTuple):
    """One slot's value and where it came from."""

    slot: str
    value: str
    source: str


def heard(understanding: Understanding) -> dict[str, Any]:
    """What is kept of a turn in its event: all that the policy looks at, as plain values."""
    return {
        "text": understanding.text[:LONGEST_TURN],
        "verdict": understanding.verdict,
        "intents": [[i.name, round(i.confidence, 4)] for i in understanding.intents[:5]],
        "wanted": understanding.wanted,
        "strange": round(understanding.out_of_scope, 4),
        "entities": [[e.type, e.value, e.source] for e in understanding.entities[:MOST_FACTS]],
        "sentiment": understanding.sentiment.label,
        "spoken": understanding.transcript is not None and bool(understanding.text),
        "photo": _shown(understanding.image),
    }


def _shown(photo: Photo | None) -> dict[str, Any] | None:
    """What is kept of a photo."""
    if photo is None:
        return None
    shown = {"kind": photo.kind, "condition": photo.condition, "problem": photo.problem}
    return shown | ({"flaw": photo.receipt.flaw} if photo.receipt and photo.receipt.flaw else {})


def facts_of(
    understanding: Understanding,
    flow: Flow | None,
    question: Question,
    flows: Flows,
    share: tuple[int, int] = (0, 1),
) -> list[Fact]:
    """The slots this turn fills.

    Args:
        understanding: the turn.
        flow: the wish it is about, if any.
        question: what the agent had asked.
        flows: the pack's slots.
        share: (i, n): this is the i-th of n wishes in the turn. A kind of fact that came n times is dealt out, one to
            each wish; any other goes to all.
    """
    groups: dict[tuple[str, str], list[Entity]] = defaultdict(list)
    for entity in _as_asked(understanding.entities, question, flows):
        groups[entity.type, "photo" if entity.source.startswith("photo") else "words"].append(entity)
    found: list[Fact] = []
    for (kind, source), entities in groups.items():
        old = [e for e in entities if source == "words" and _is_old(understanding.text, e.start, flows.old_words)]
        new = [e for e in entities if e not in old]
        i, n = share
        if n > 1 and len(new) == n:
            new = [new[i]]
        found += [
            Fact(slot, value[:LONGEST], source)
            for slot, value in _place(
                kind, [e.value for e in new], [e.value for e in old], source, flow, question, flows
            )
        ]
    found += _behind(understanding, found, flow, flows)
    shapeless = {e.value for e in understanding.entities if e.source == "tagger"}
    formed = (_formed(fact, flows, strict=fact.value in shapeless) for fact in found)
    return [fact for fact in formed if fact is not None] + photo_facts(understanding.image)


def _as_asked(entities: Sequence[Entity], question: Question, flows: Flows) -> list[Entity]:
    """Numbers taken as they were said, and alone as what was asked for: "10" is a size where a size was asked."""
    asked = [slot for name in question.slots if (slot := flows.slots.get(name)) and slot.entity]
    found = [replace(e, value=e.text) if e.source == "tagger" and e.text.isdigit() else e for e in entities]
    if len(found) != 1 or not found[0].text.isdigit() or found[0].type in {slot.entity for slot in asked}:
        return found
    fits = next((slot.entity for slot in asked if slot.form and re.fullmatch(slot.form, found[0].text)), "")
    return [replace(found[0], type=fits)] if fits else found


def _behind(understanding: Understanding, found: Sequence[Fact], flow: Flow | None, flows: Flows) -> list[Fact]:
    """What stands right behind another slot's value, for the flow's slots that are found so."""
    have = {fact.slot: fact.value for fact in found}
    more = []
    for slot in (flows.slots[name] for name in (flow.slots if flow else ())):
        if slot.after not in have or slot.name in have:
            continue
        end = next((e.end for e in understanding.entities if e.value == have[slot.after]), len(understanding.text))
        if match := re.match(rf"\W*({slot.form})", understanding.text[end:]):
            more.append(Fact(slot.name, match[1], "words"))
    return more


def _place(
    kind: str, new: list[str], old: list[str], source: str, flow: Flow | None, question: Question, flows: Flows
) -> list[tuple[str, str]]:
    """Which slots the values of one entity type fill: the one asked for, else the flow's own, else the call's."""
    takes = [s for s in flows.slots.values() if s.entity == kind and source in s.sources]
    if not takes:
        return []
    asked = _first(takes, question.slots)
    if asked and (new or old):
        return [(asked, (new or old)[-1])]
    own = _first(takes, [s for s in flow.slots if not s.startswith("from_")] if flow else [])
    before = _first(takes, [s for s in flow.slots if s.startswith("from_")] if flow else [])
    call = next((s.name for s in takes if s.carry and s.name != own), None)
    aside = before or call
    if own is None:
        place = before or call
        return [(place, (new or old)[-1])] if place else []
    if not old and len(new) > 1 and aside:
        old, new = new[:1], new[1:]
    if aside is None and not new:
        new = old
    placed = [(own, new[-1])] if new else []
    return placed + ([(aside, old[-1])] if aside and old else [])


def _first(takes: Sequence[Slot], names: Sequence[str]) -> str | None:
    """The first of these slots that takes the entity."""
    fitting = {slot.name for slot in takes}
    return next((name for name in names if name in fitting), None)


def _is_old(text: str, start: int, old_words: Sequence[str]) -> bool:
    """Whether the words before a value say that it no longer holds: "not the blue", "from S to L"."""
    if not old_words:
        return False
    phrases = "|".join(re.escape(phrase) for phrase in sorted(old_words, key=len, reverse=True))
    return re.search(rf"(?:^|\W)(?:{phrases})\s+(?:a |an |my |size |colou?r )*$", text[:start].lower()) is not None


def photo_facts(photo: Photo | None) -> list[Fact]:
    """What a photo says: that an item is damaged, or the day and total of a receipt."""
    if photo is None or photo.problem:
        return []
    found: list[Fact] = []
    if photo.kind != "receipt":
        found.append(Fact("photo", photo.condition or "unclear", "photo"))
    elif photo.receipt is not None:
        pairs = (("receipt_date", photo.receipt.date), ("receipt_total", photo.receipt.total))
        found += [Fact(slot, value, "photo") for slot, value in pairs if value]
    return found


def free_fact(text: str, question: Question, flow: Flow | None, flows: Flows, *, fresh: bool) -> Fact | None:
    """The customer's own words as the answer to an open question, or as the story a new wish already tells."""
    words = " ".join(text.split())[:LONGEST]
    names = question.slots if question.kind == "slot" else ()
    if fresh and flow and len(words.split()) >= STORY_WORDS:
        # Only slots without an entity type: a reason is found by the tagger, a story is the whole of what was said.
        names = tuple(n for group in flow.needs for n in group if not flows.slots[n].entity)
    for name in names:
        slot = flows.slots.get(name)
        if slot and slot.free and words:
            return Fact(name, words, "words")
        if slot and (value := shaped(words, slot.form)):
            return Fact(name, value, "words")
    return None


def shaped(words: str, form: str) -> str:
    """What has the form in some words, as typed or as said ("three", "oh six three five five"); empty without."""
    if not form:
        return ""
    digits = " ".join(str(NUMBERS.index(w)) if w in NUMBERS else w for w in words.lower().split())
    for text in (words, to_written(words).text, digits):
        if match := re.search(form, text):
            return match[0]
    return ""


def _formed(fact: Fact, flows: Flows, *, strict: bool) -> Fact | None:
    """A fact whose value has its slot's form, where it can be brought to it; `strict`: else it is none."""
    form = flows.slots[fact.slot].form
    value = shaped(fact.value, form)
    return fact._replace(value=value) if value else None if strict and form else fact


def known(facts: Mapping[str, Any], group: Sequence[str]) -> bool:
    """Whether one of these slots has a value."""
    return any(name in facts for name in group)
