"""What is personal in words, hidden: card, account, phone, e-mail, address, name, id.

Four sources, the union of which is masked: the entities that were understood, numbers and spelled codes whoever's they
are (`masking_numbers`), what the words around announce (`masking_cues`), and Presidio's published forms (`presidio`).
What is masked is told by kind and place only. A find too many hides a word; a find too few shows a customer, so all of
them lean to the former.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from agent import masking_cues as cues
from agent import presidio
from agent.contacts import EMAIL
from agent.domain import EntityType
from agent.masking_numbers import ANNOUNCED, LONG, SURELY, Token, runs, tokens
from agent.private import Private, private_kind
from agent.secrets import MASK
from agent.types import Entity
from modalities.speech.written import to_written
from modalities.types import Transcript

_HIDDEN = re.compile(rf"{MASK}[{MASK}\W]*{MASK}|{MASK}")
UNSURE = 0.35
"""Confidence of a word below which it may be anything."""

_GROWS = {"name": 3, "email": 5, "address": 4}
"""Words heard unsurely by which a mask grows at either end; what else is hidden are figures, which are heard well."""

_GAP = 3
"""Characters between two masks of one kind that are one: "four one" - "one"."""

_OPEN = ("money", "date", "catalogue", "lexicon", "currency", "country", "id")
"""Recognizers whose finds are figures or names of things, not of persons, unless their type is private."""


@dataclass(frozen=True)
class Mask:
    """A stretch of a text that is hidden, and what it was."""

    start: int
    end: int
    kind: Private


class Masker:
    """Finds what is personal in turns, for one pack.

    Args:
        types: the pack's entity types.
        published: look for Presidio's forms too.
    """

    def __init__(self, types: Mapping[str, EntityType], *, published: bool = True) -> None:
        self._types = types
        self._published = published

    def masks(
        self,
        text: str,
        entities: Sequence[Entity] = (),
        question: str = "",
        doubtful: Sequence[tuple[int, int]] = (),
    ) -> tuple[Mask, ...]:
        """What is hidden of a turn, in order of place, none overlapping.

        Args:
            text: the words.
            entities: what was understood of them.
            question: what the other side said last.
            doubtful: characters of words that were heard unsurely (`doubtful`): beside what is personal they are taken
                for the rest of it, misheard.
        """
        words = tokens(text, doubtful)
        open_ = [(e.start, e.end) for e in entities if self._is_open(e)]
        found = [
            *self._known(entities),
            *_hidden(text),
            *_numbers(text, words, open_, cues.asked(question)),
            *_said(text, words, cues.asked(question), heard=bool(doubtful)),
        ]
        if self._published:
            written = to_written(text)
            for start, end, kind in presidio.finds(written.text):
                found.append(Mask(*written.original(start, end), kind))
        return _merged(text, [_grown(mask, words) for mask in found] if doubtful else found)

    def _known(self, entities: Sequence[Entity]) -> Iterator[Mask]:
        for entity in entities:
            if entity.type in self._types and not entity.source.startswith("photo"):
                kind = private_kind(self._types[entity.type])
                if kind is not None and entity.end > entity.start:
                    yield Mask(entity.start, entity.end, kind)

    def _is_open(self, entity: Entity) -> bool:
        kind = self._types.get(entity.type)
        if kind is None or entity.source.startswith("photo") or private_kind(kind) is not None:
            return False
        return kind.recognizer in _OPEN and entity.source != "tagger"


def doubtful(heard: Transcript) -> list[tuple[int, int]]:
    """Where the words of a transcript are that its engine is unsure of."""
    at, found = 0, []
    for word in heard.words:
        start = heard.text.find(word.text, at)
        if start >= 0:
            at = start + len(word.text)
            if word.confidence < UNSURE:
                found.append((start, at))
    return found


def masked(text: str, masks: Iterable[Mask]) -> str:
    """The text with each mask's words replaced by its kind in brackets."""
    for mask in sorted(masks, key=lambda m: m.start, reverse=True):
        text = f"{text[: mask.start]}[{mask.kind}]{text[mask.end :]}"
    return text


def counted(masks: Iterable[Mask]) -> dict[str, int]:
    """How many were hidden, by kind."""
    return dict(sorted(Counter(mask.kind for mask in masks).items()))


def _hidden(text: str) -> Iterator[Mask]:
    """What the understanding already hid: card numbers and a pack's secrets."""
    for match in _HIDDEN.finditer(text):
        yield Mask(*match.span(), "card")


def _numbers(
    text: str, words: Sequence[Token], open_: Sequence[tuple[int, int]], asked: Private | None
) -> Iterator[Mask]:
    """Numbers and codes: long ones, and short ones that are announced."""
    left = [w if not _within(w, open_) else Token(w.word, w.start, w.end, 0, False) for w in words]
    surely = [(first, last) for first, last in runs(words) if last - first >= SURELY]
    for first, last in (*runs(left), *surely):
        start, end = words[first].start, words[last - 1].end
        yield Mask(start, end, cues.announced(text, start) or asked or "id")
    for first, last in runs(left, ANNOUNCED):
        start, end = left[first].start, left[last - 1].end
        near = text[max(0, start - 24) : start]
        kind = cues.announced(near, len(near)) or (asked if len(words) <= 2 * LONG else None)
        if kind is not None:
            yield Mask(start, end, kind)


def _said(text: str, words: Sequence[Token], asked: Private | None, *, heard: bool) -> Iterator[Mask]:
    """Names, addresses and e-mail addresses, by the words around them."""
    for match in EMAIL.finditer(text):
        yield Mask(*match.span(), "email")
    for start, end in cues.emails(text, words, heard=heard):
        yield Mask(start, end, "email")
    for start, end in cues.addresses(text, words):
        yield Mask(start, end, "address")
    for start, end in cues.names(text, words, heard=heard):
        yield Mask(start, end, "name")
    if asked is not None:
        for start, end in cues.answers(asked, words):
            yield Mask(start, end, asked)


def _grown(mask: Mask, words: Sequence[Token]) -> Mask:
    """A mask with the words heard unsurely beside it, and one heard surely between two of them."""
    inside = [i for i, word in enumerate(words) if word.start < mask.end and mask.start < word.end]
    most = _GROWS.get(mask.kind, 0)
    if not inside or not most:
        return mask
    first, last = _reach(words, inside[0], -1, most), _reach(words, inside[-1], 1, most)
    return Mask(min(mask.start, words[first].start), max(mask.end, words[last].end), mask.kind)


def _reach(words: Sequence[Token], at: int, step: int, most: int) -> int:
    """How far from a word on everything was heard unsurely, up to the last word that nobody says all day."""
    end = at
    for i in range(at + step, at + step * (most + 1), step):
        if not 0 <= i < len(words) or (not words[i].unsure and i != end + step):
            break
        if words[i].unsure and words[i].word not in cues.common():
            end = i
    return end


def _within(word: Token, spans: Sequence[tuple[int, int]]) -> bool:
    return any(start < word.end and word.start < end for start, end in spans)


def _merged(text: str, found: Iterable[Mask]) -> tuple[Mask, ...]:
    """Masks that overlap, or of one kind with next to nothing between them, as one; marks at the ends left out."""
    merged: list[Mask] = []
    for mask in sorted(found, key=lambda m: (m.start, -m.end)):
        mask = _trimmed(text, mask)
        if mask.start >= mask.end:
            continue
        last = merged[-1] if merged else None
        if last and (mask.start < last.end or (mask.kind == last.kind and mask.start - last.end < _GAP)):
            longer = last if last.end - last.start >= mask.end - mask.start else mask
            kind = "card" if "card" in (last.kind, mask.kind) else longer.kind
            merged[-1] = Mask(last.start, max(last.end, mask.end), kind)
        else:
            merged.append(mask)
    return tuple(merged)


def _trimmed(text: str, mask: Mask) -> Mask:
    start, end = max(0, mask.start), min(len(text), mask.end)
    while start < end and not (text[start].isalnum() or text[start] in f"+#{MASK}"):
        start += 1
    while end > start and not (text[end - 1].isalnum() or text[end - 1] == MASK):
        end -= 1
    return Mask(start, end, mask.kind)
