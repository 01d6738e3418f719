"""What is written of a call and of each of its turns: plain values, with nothing personal in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agent.masking import Mask, counted, masked
from agent.types import Photo, Understanding
from demos.batches.inputs import Item
from demos.batches.stretches import Layout, Stretch

Row = dict[str, Any]

CALL_COLUMNS = {
    "path": str, "at": str, "dated": str, "seconds": float, "speakers": str, "turns": int, "intents": str,
    "sentiment": str, "sentiment_score": float, "verdict": str, "not_understood": int, "talk_customer": float,
    "talk_agent": float, "silence": float, "longest_silence": float, "interruptions": int, "resolved": str,
    "score": float, "failed": str, "masked": int, "image": str, "audio": str, "duplicate_of": str, "transcript": str,
    "error": str,
}  # fmt: skip
TURN_COLUMNS = {
    "path": str, "number": int, "who": str, "start": float, "end": float, "text": str, "verdict": str, "intents": str,
    "confidence": float, "sentiment": str, "sentiment_score": float, "entities": str, "masked": int, "evidence": str,
}  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def call_row(item: Item, error: str = "", **more: Any) -> Row:
    """A call's row before anything is known of it but its file."""
    return {
        "path": item.name,
        "at": item.at.isoformat(),
        "dated": item.dated,
        "seconds": None,
        "speakers": None,
        "turns": [],
        "image": None,
        "masked": {},
        "audio": None,
        "duplicate_of": None,
        "error": error or None,
        **more,
    }


def heard_row(item: Item, layout: Layout, turns: Sequence[Row], error: str = "") -> Row:
    """The row of a recording that was heard."""
    masks: dict[str, int] = {}
    for turn in turns:
        for kind, count in turn["masked"].items():
            masks[kind] = masks.get(kind, 0) + count
    return call_row(
        item, error, seconds=round(layout.seconds, 3), speakers=layout.speakers, turns=list(turns),
        masked=dict(sorted(masks.items())),
    )  # fmt: skip


def turn_row(number: int, stretch: Stretch, understood: Understanding, masks: Sequence[Mask]) -> Row:
    """A turn's row. What the agent says has no intents: they are the customer's."""
    customer = stretch.who == "customer"
    return {
        "number": number,
        "who": stretch.who,
        "start": round(stretch.start, 2),
        "end": round(stretch.end, 2),
        "text": masked(understood.text, masks),
        "heard": None if understood.transcript is None else round(understood.transcript.confidence, 3),
        "verdict": understood.verdict,
        "intents": [{"name": i.name, "confidence": round(i.confidence, 3)} for i in understood.meant if customer],
        "likeliest": understood.intents[0].name if customer and understood.intents else None,
        "confidence": round(understood.intents[0].confidence, 3) if customer and understood.intents else None,
        "sentiment": understood.sentiment.label,
        "sentiment_score": round(understood.sentiment.score, 3),
        "entities": _entities(understood, masks),
        "masked": counted(masks),
        "evidence": _evidence(understood, masks),
    }


def _entities(understood: Understanding, masks: Sequence[Mask]) -> list[Row]:
    """The facts that tell of no person: of the others nothing but their type."""
    found = []
    for entity in understood.entities:
        hidden = entity.source.startswith("photo") is False and _touches(entity.start, entity.end, masks)
        found.append({"type": entity.type, "value": None if hidden else entity.value})
    return found


def _evidence(understood: Understanding, masks: Sequence[Mask]) -> list[Row]:
    return [
        {"source": e.source, "text": e.text, "weight": round(e.weight, 3)}
        for e in understood.evidence
        if e.start is None or e.end is None or not _touches(e.start, e.end, masks)
    ]


def _touches(start: int, end: int, masks: Iterable[Mask]) -> bool:
    return any(mask.start < end and start < mask.end for mask in masks)


def photo_row(photo: Photo, hide: Any) -> Row:
    """What was seen in a photo; its print is masked as words are."""
    receipt = photo.receipt
    return {
        "kind": photo.kind,
        "kind_confidence": round(photo.kind_confidence, 3),
        "condition": photo.condition,
        "problem": photo.problem or None,
        "lines": [hide(line.text) for line in photo.lines],
        "receipt": receipt and {"company": receipt.company, "date": receipt.date, "total": receipt.total},
    }


def call_cells(row: Mapping[str, Any]) -> dict[str, Any]:
    """A call flat enough for a table."""
    facts = row["facts"]
    return {
        **{key: row[key] for key in ("path", "at", "dated", "seconds", "speakers", "audio", "duplicate_of", "error")},
        "turns": len(row["turns"]),
        "intents": "; ".join(facts["intents"]),
        **{key: facts[key] for key in (
            "sentiment", "sentiment_score", "verdict", "not_understood", "talk_customer", "talk_agent", "silence",
            "longest_silence", "interruptions", "resolved", "score",
        )},
        "failed": "; ".join(facts["failed"]),
        "masked": sum(row["masked"].values()),
        "image": (row["image"] or {}).get("kind"),
        "transcript": transcript(row),
    }  # fmt: skip


def turn_cells(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The turns of a call flat enough for a table."""
    return [
        {
            "path": row["path"],
            **{k: turn[k] for k in ("number", "who", "start", "end", "text", "verdict", "confidence", "sentiment",
                                    "sentiment_score")},
            "intents": "; ".join(intent["name"] for intent in turn["intents"]),
            "entities": "; ".join(f"{e['type']}={e['value'] or '[hidden]'}" for e in turn["entities"]),
            "masked": sum(turn["masked"].values()),
            "evidence": "; ".join(f"{e['text'] or e['source']} {e['weight']:+.2f}" for e in turn["evidence"]),
        }
        for turn in row["turns"]
    ]  # fmt: skip


def transcript(row: Mapping[str, Any]) -> str:
    """Who said what, a line a turn."""
    return "\n".join(f"{turn['who']}: {turn['text']}" for turn in row["turns"] if turn["text"])


def inert(value: Any) -> Any:
    """Text that a spreadsheet will not take for a formula: what customers say and files are called is not ours."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
