"""A turn in words for a terminal: what was heard, seen, understood, decided, changed and how long it took.

Everything that came from outside is shown without control characters, so that no photo or message can steer the
terminal.
"""

from __future__ import annotations

from collections.abc import Mapping

from agent.types import Change, Evidence, Photo, Reply, Understanding
from modalities.types import Box

_SHOWN_INTENTS = 3
_SHOWN_CHARACTERS = 400


def shown(text: str) -> str:
    """The text on one line, without control characters, cut where a terminal would drown in it."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _SHOWN_CHARACTERS else f"{line[:_SHOWN_CHARACTERS]}... ({len(text)} characters)"


def understanding_lines(understanding: Understanding) -> list[str]:
    """What was heard, seen and understood, one labelled line each."""
    lines = []
    if understanding.transcript is not None:
        heard = understanding.transcript
        why = f" ({heard.rejected})" if heard.rejected else ""
        lines.append(f"heard       {shown(heard.text) or 'nothing'}{why}, confidence {heard.confidence:.2f}")
    elif understanding.text:
        lines.append(f"read        {shown(understanding.text)}")
    if understanding.image is not None:
        lines += [f"seen        {line}" for line in _photo_lines(understanding.image)]
    lines.append(f"understood  {_intents(understanding)}")
    lines += [f"            {_entity(e.type, e.value, e.source, e.confidence)}" for e in understanding.entities]
    lines += [f"because     {evidence_line(piece)}" for piece in understanding.evidence]
    mood = understanding.sentiment
    lines.append(f"mood        {mood.label} ({mood.score:+.2f})")
    return lines


def evidence_line(piece: Evidence) -> str:
    """One piece of evidence: its share, what it is and what it speaks of."""
    named = {"text": "said", "ocr": "printed"}.get(piece.source)
    what = f"{named} {shown(piece.text or '')!r}" if named else f"photo, {place(piece.box)}"
    return f"{piece.weight:+.0%} {what}, {'for' if piece.weight > 0 else 'against'} {piece.intent}"


def place(box: Box | None) -> str:
    """Where a part of a photo is, in words."""
    x0, y0, x1, y1 = box or (0.0, 0.0, 1.0, 1.0)
    row, column = (min(2, int(3 * (a + b) / 2)) for a, b in ((y0, y1), (x0, x1)))
    if (row, column) == (1, 1):
        return "the middle"
    return " ".join(word for word in (("top", "", "bottom")[row], ("left", "", "right")[column]) if word)


def _photo_lines(photo: Photo) -> list[str]:
    condition = f", {photo.condition}" if photo.condition else ""
    problem = f", cannot be used: {photo.problem}" if photo.problem else ""
    lines = [f"{photo.kind} ({photo.kind_confidence:.2f}){condition}, {len(photo.lines)} lines of text{problem}"]
    if photo.receipt is not None:
        receipt = photo.receipt
        found = {"company": receipt.company, "date": receipt.date, "address": receipt.address, "total": receipt.total}
        found |= {"number": receipt.number, "tax": receipt.tax}
        lines += [f"receipt {name}: {shown(value)}" for name, value in found.items() if value is not None]
        lines += [f"receipt item: {item.count} x {shown(item.name)}, {item.price}" for item in receipt.items]
        lines += ["receipt: its sums contradict its total"] * bool(receipt.flaw)
    return lines + [f"{code.format}: {shown(code.text)}" for code in photo.barcodes]


def _intents(understanding: Understanding) -> str:
    if understanding.verdict == "ok" and understanding.meant:
        return ", ".join(f"{i.name} {i.confidence:.2f}" for i in understanding.meant)
    best = ", ".join(f"{i.name} {i.confidence:.2f}" for i in understanding.intents[:_SHOWN_INTENTS])
    return f"{understanding.verdict.replace('_', ' ')}{f' (nearest: {best})' if best else ''}"


def _entity(kind: str, value: str, source: str, confidence: float) -> str:
    return f"{kind} = {shown(value)} ({source}, {confidence:.2f})"


def action_line(reply: Reply) -> str:
    """The action with its plain arguments and the policy's reason."""
    plain = {k: v for k, v in reply.action.arguments.items() if v is not None and not isinstance(v, (Mapping, list))}
    arguments = ", ".join(f"{k}={shown(str(v))}" for k, v in plain.items())
    because = f": {shown(reply.reason)}" if reply.reason else ""
    return f"{reply.action.name}{f' ({arguments})' if arguments else ''}{because}"


def change_line(change: Change) -> str:
    """A changed row: table, key and every column that differs; for a new row, what stands in it."""
    if not change.before:
        values = ", ".join(f"{c} {_value(change.after, c)}" for c, v in change.after.items() if v is not None)
        return f"{change.table} {shown(change.key)}: new, {values}"
    columns = {**dict.fromkeys(change.before), **dict.fromkeys(change.after)}
    differences = (
        f"{c} {_value(change.before, c)} -> {_value(change.after, c)}"
        for c in columns
        if change.before.get(c) != change.after.get(c)
    )
    return f"{change.table} {shown(change.key)}: {', '.join(differences)}"


def _value(row: Mapping[str, object], column: str) -> str:
    return shown(str(row[column])) if row.get(column) is not None else "nothing"


def timing_line(timings_ms: Mapping[str, float]) -> str:
    """Each stage's time in milliseconds."""
    return ", ".join(f"{stage} {ms:.0f} ms" for stage, ms in timings_ms.items())


def reply_lines(reply: Reply) -> list[str]:
    """The whole turn: what was understood, decided, changed, said, and the times."""
    return [
        *understanding_lines(reply.understanding),
        f"decided     {action_line(reply)}",
        *(f"changed     {change_line(change)}" for change in reply.changes),
        f"said        {shown(reply.text)}",
        f"took        {timing_line(reply.timings_ms)}",
    ]
