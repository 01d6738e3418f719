"""Numbers that nobody but the customer's bank should keep, masked before an understanding goes anywhere.

Whatever is stored, printed or shown is made from `Understanding`, so this is where card numbers and a pack's secret
types end: the words keep their length, so every offset stays right, and a value keeps its last four characters (what
PCI DSS 4.0, requirement 3.4.1, lets be displayed). Card numbers are masked in every pack, also where a digit is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from agent.domain import EntityType
from agent.types import Entity, Evidence, Photo, Understanding
from modalities.speech.numerals import DIGITS, TEENS, TIES, tokenize
from modalities.speech.written import to_written
from modalities.types import Transcript

MASK, KEPT = "•", 4
_LONG = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)")
_LEAST = 6
"""Figures or number words below which no card number is said: "forty one eleven ..." says 16 digits in 8 words."""
_NUMBERS = frozenset((*DIGITS, *TIES, *TEENS))
_SPLIT = re.compile(r"[^a-z]+")

Span = tuple[int, int]


def is_secret(kind: EntityType) -> bool:
    """Whether values of a type are masked: cards always, others where the pack says so."""
    return kind.secret or kind.recognizer == "card"


def concealed(understanding: Understanding, types: Mapping[str, EntityType]) -> Understanding:
    """An understanding whose secret values and card numbers are masked, in words, transcript, photo and evidence.

    Args:
        understanding: of one turn.
        types: the pack's entity types.
    """
    secret = [e for e in understanding.entities if e.type in types and is_secret(types[e.type])]
    open_ = [e for e in understanding.entities if e not in secret and not e.source.startswith("photo")]
    mine = [(e.start, e.end) for e in secret if not e.source.startswith("photo")]
    spans = [*mine, *long_numbers(understanding.text, [(e.start, e.end) for e in open_ if e.source == "checksum"])]
    photo = understanding.image and _photo(understanding.image, secret)
    if not spans and not secret and photo is understanding.image:
        return understanding
    words = [understanding.text[start:end] for start, end in spans]
    masked = masked_at(understanding.text, spans)
    heard = understanding.transcript
    return replace(
        understanding,
        text=masked,
        entities=tuple(_masked(e, masked) if e in secret else e for e in understanding.entities),
        transcript=heard and _transcript(heard, words),
        image=photo,
        evidence=tuple(_evidence(e, masked) for e in understanding.evidence),
    )


def long_numbers(text: str, known: Sequence[Span] = ()) -> list[Span]:
    """Where a text has as many digits in a row as a card, written or said, that are no known number."""
    if not _may_hold(text):
        return []
    written = to_written(text)
    found = [written.original(*match.span()) for match in _LONG.finditer(written.text)]
    return [(a, b) for a, b in found if not any(start <= a and b <= end for start, end in known)]


def _may_hold(text: str) -> bool:
    if sum(map(str.isdigit, text)) > 2 * _LEAST:
        return True
    if _NUMBERS.isdisjoint(_SPLIT.split(text.lower())):
        return False
    return sum(token.word in _NUMBERS for token in tokenize(text)) >= _LEAST


def masked_at(text: str, spans: Iterable[Span]) -> str:
    """A text of the same length whose letters and digits in some places are masked."""
    characters = list(text)
    for start, end in spans:
        characters[start:end] = [MASK if c.isalnum() else c for c in characters[start:end]]
    return "".join(characters)


def _evidence(evidence: Evidence, text: str) -> Evidence:
    """Evidence whose words are masked as the turn's are; print, where it holds a card number."""
    if evidence.text is None:
        return evidence
    if evidence.source == "text" and evidence.start is not None and evidence.end is not None:
        return replace(evidence, text=text[evidence.start : evidence.end])
    return replace(evidence, text=masked_at(evidence.text, long_numbers(evidence.text)))


def _masked(entity: Entity, text: str) -> Entity:
    """A secret find: its words masked, the end of its value kept."""
    words = text[entity.start : entity.end] if not entity.source.startswith("photo") else ""
    value = MASK * 4 + entity.value[-KEPT:] if len(entity.value) > 2 * KEPT else MASK * 4
    return replace(entity, text=words or MASK * len(entity.text), value=value, alternatives=())


def _transcript(heard: Transcript, words: Sequence[str]) -> Transcript:
    """What was heard, without what was masked in the turn's words and what other hearings have in its place."""
    spans = [(at, at + len(w)) for w in words if (at := heard.text.find(w)) >= 0] + long_numbers(heard.text)
    text, at, shown = masked_at(heard.text, spans), 0, []
    for word in heard.words:
        start = heard.text.find(word.text, at)
        at = start + len(word.text) if start >= 0 else at
        shown.append(replace(word, text=text[start:at] if start >= 0 else MASK * len(word.text)))
    if spans:
        heard = replace(heard, alternatives=(), chances=())
    return replace(heard, text=text, words=tuple(shown))


def _photo(photo: Photo, secret: Sequence[Entity]) -> Photo:
    """A photo whose lines hold no card numbers and no secret finds."""
    words = {e.text for e in secret if e.source.startswith("photo") and e.text}

    def hidden(text: str) -> str:
        spans = [(at, at + len(w)) for w in words if (at := text.find(w)) >= 0]
        return masked_at(text, [*spans, *long_numbers(text)])

    lines = tuple(replace(line, text=hidden(line.text)) for line in photo.lines)
    return photo if lines == photo.lines else replace(photo, lines=lines)
