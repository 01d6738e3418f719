"""What a turn carries, what was understood, what to do and what was said.

Frozen dataclasses, free of torch. `to_json` turns any of them into the plain values the command lines print: the
fields here are the keys there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from modalities.types import Audio, Barcode, Box, Image, TextLine, Transcript

Verdict = Literal["ok", "unsure", "out_of_scope", "no_speech"]
Channel = Literal["text", "voice", "phone"]
EvidenceSource = Literal["text", "ocr", "image"]

Span = tuple[str, int, int, float]
"""What a tagger marked: entity type, start, end, score."""


@dataclass(frozen=True, eq=False)
class Turn:
    """What a customer gives at once: words, sound, a photo, or any of them together.

    Attributes:
        text: typed words.
        audio: a recording of what was said.
        transcript: what is said in it, where it was heard already.
        image: a photo.
        call_id: ties the turns of one conversation together; None for a turn on its own.
        channel: where it came in; replies are worded for it.
    """

    text: str | None = None
    audio: Audio | None = None
    image: Image | None = None
    call_id: str | None = None
    channel: Channel = "text"
    transcript: Transcript | None = None


@dataclass(frozen=True)
class Intent:
    """One thing the customer wants, with a calibrated confidence (0..1)."""

    name: str
    confidence: float


@dataclass(frozen=True)
class Entity:
    """One fact found in the words or in the photo.

    Attributes:
        type: an entity type of the pack.
        text: the characters found.
        value: the normalised value: an id in its written form, a date as YYYY-MM-DD, money as "12.50 USD".
        start, end: character offsets. Into the turn's words; for `photo.*` sources into the photo's text, which is
            its lines joined by newlines.
        source: who found it: "tagger", "pattern", "checksum", "lexicon", "catalogue", "photo.tagger",
            "photo.pattern", "photo.barcode".
        confidence: 0..1.
        alternatives: other values the same words may mean, likeliest first ("03/04/2026", two products alike).
    """

    type: str
    text: str
    value: str
    start: int
    end: int
    source: str
    confidence: float
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sentiment:
    """How the customer feels: "negative", "neutral" or "positive", and a score from -1 to 1."""

    label: str
    score: float


@dataclass(frozen=True)
class Bought:
    """One item of a receipt: its words, how many, and the price of all of them as a decimal."""

    name: str
    count: int
    price: str


@dataclass(frozen=True)
class Receipt:
    """The fields of a receipt as written values. None where not found.

    Attributes:
        company, address: on one line.
        date: YYYY-MM-DD.
        total, tax: decimals.
        number: the receipt's own.
        items: what was bought.
        flaw: "sums" where its amounts contradict its total, as on a receipt that was edited or misread; else empty.
    """

    company: str | None = None
    date: str | None = None
    address: str | None = None
    total: str | None = None
    tax: str | None = None
    number: str | None = None
    items: tuple[Bought, ...] = ()
    flaw: str = ""


@dataclass(frozen=True)
class Photo:
    """What was seen in a photo.

    Attributes:
        kind: "receipt", "clothing", "grocery" or "other".
        kind_confidence: 0..1.
        condition: "intact" or "damaged" for products, None where it does not apply or cannot be told.
        lines: the text read, in reading order.
        barcodes: barcodes and QR codes.
        receipt: the receipt's fields, or None when it is no receipt.
        problem: why the photo cannot be used ("too dark", "blurred"), or empty.
    """

    kind: str
    kind_confidence: float
    condition: str | None = None
    lines: tuple[TextLine, ...] = ()
    barcodes: tuple[Barcode, ...] = ()
    receipt: Receipt | None = None
    problem: str = ""


@dataclass(frozen=True)
class Evidence:
    """Something of a turn that spoke for or against its likeliest intent; see `agent.evidence`.

    Attributes:
        source: "text" (words said or typed), "ocr" (print in the photo) or "image" (a part of the photo).
        intent: the intent it speaks of: the first of the understanding's, whatever the verdict.
        weight: its share, above 0 for, below 0 against; the absolute weights of a turn add to 1.
        text: the words or the print; None for a part of the photo.
        start, end: character offsets of `text`: in `Understanding.text`, or in the photo's lines joined by newlines.
        box: where the print or the part is in the photo; None for words.
    """

    source: EvidenceSource
    intent: str
    weight: float
    text: str | None = None
    start: int | None = None
    end: int | None = None
    box: Box | None = None


@dataclass(frozen=True)
class Understanding:
    """One turn understood.

    Attributes:
        text: the words that were understood: typed, else heard.
        transcript: what was heard, or None when there was no sound.
        intents: likeliest first; those the customer is taken to mean come before the rest and number `wanted`.
        wanted: how many of `intents` are taken as meant (0 when the verdict is not "ok").
        entities: in order of place.
        verdict: "ok", "unsure" (one of the first two intents?), "out_of_scope", or "no_speech".
        out_of_scope: probability (0..1) that the pack has no intent for this.
        sentiment: how it was said.
        image: what was seen, or None.
        timings_ms: milliseconds by stage.
        evidence: what carried the first intent, weightiest first; empty unless asked for.
    """

    text: str = ""
    transcript: Transcript | None = None
    intents: tuple[Intent, ...] = ()
    wanted: int = 0
    entities: tuple[Entity, ...] = ()
    verdict: Verdict = "no_speech"
    out_of_scope: float = 0.0
    sentiment: Sentiment = Sentiment("neutral", 0.0)
    image: Photo | None = None
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    evidence: tuple[Evidence, ...] = ()

    @property
    def meant(self) -> tuple[Intent, ...]:
        """The intents the customer is taken to mean."""
        return self.intents[: self.wanted]


@dataclass(frozen=True)
class Event:
    """One thing that happened in a call. The list of events is the call: everything else is derived from it."""

    type: str
    data: Mapping[str, Any] = field(default_factory=dict)
    turn: int = 0


@dataclass(frozen=True)
class Action:
    """What the policy decided: a name out of a closed set, and its arguments."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """One database row that an action changed: the columns that differ, before and after."""

    table: str
    key: str
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """What came of an action.

    Attributes:
        ok: it was done, or the look-up found something.
        data: facts for the reply.
        error: a short code when not ok ("not_found", "not_allowed", "backend_down", ...).
        changes: the rows it changed.
    """

    ok: bool
    data: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    changes: tuple[Change, ...] = ()


@dataclass(frozen=True, eq=False)
class Reply:
    """The agent's answer to one turn.

    Attributes:
        text: the words.
        action: the last action taken.
        understanding: what was understood of the turn.
        audio: the words spoken, or None when no voice was asked for.
        events: what this turn added to the call.
        changes: database rows changed by this turn.
        reason: why the policy decided so, in one line.
        timings_ms: milliseconds by stage.
    """

    text: str
    action: Action
    understanding: Understanding
    audio: Audio | None = None
    events: tuple[Event, ...] = ()
    changes: tuple[Change, ...] = ()
    reason: str = ""
    timings_ms: Mapping[str, float] = field(default_factory=dict)


def to_json(value: Any) -> Any:
    """Plain values (dict, list, str, float, None) for any of the types here; sound, pixels and vectors are left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        if isinstance(value, (Audio, Image)):
            return None
        fields = {f.name: to_json(getattr(value, f.name)) for f in dataclasses.fields(value)}
        fields.pop("states", None)
        return fields
    if isinstance(value, Mapping):
        return {str(k): to_json(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [to_json(v) for v in value]
    if isinstance(value, float):
        return round(value, 4)
    return value
