"""What a call was like, from its turns: who talked how long, who broke in, how it felt, whether it was resolved.

Pure, and taken anew from the rows whenever tables and report are written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from demos.batches.rows import Row

BREAKS_IN = 0.4  # seconds that both speak before the one who came later has interrupted
NOT_UNDERSTOOD = ("unsure", "out_of_scope")
MOOD, ANGRY = 0.2, 0.8  # of a turn's score (-1 to 1): a mean that counts, and a turn that does alone
_BEST_FIRST = ("ok", "unsure", "out_of_scope", "no_speech")
_CONTENT = ("thanks", "goodbye")
_DISCONTENT = ("complaint", "human_agent")
_LAST = 2  # turns of the customer that tell how it ended
_NODS = 4  # words up to which talking over the other is a nod
_MANNERS = frozenset(("greet", "goodbye", "thanks", "affirm", "deny", "repeat", "wait", "inform", "never_mind"))
"""Intents that carry a conversation and are no wish of their own."""


def measures(row: Row) -> dict[str, Any]:
    """What the tables and the report say of a call. Seconds; None where the recording cannot tell."""
    turns: Sequence[Row] = row["turns"]
    mine = [turn for turn in turns if turn["who"] == "customer"]
    talk = {who: sum(t["end"] - t["start"] for t in turns if t["who"] == who) for who in ("customer", "agent")}
    gaps = _gaps(turns, row["seconds"] or 0.0)
    score = _mean([turn["sentiment_score"] for turn in mine])
    return {
        "intents": list(dict.fromkeys(i["name"] for turn in mine for i in turn["intents"])),
        "sentiment": _mood([turn["sentiment_score"] for turn in mine]),
        "sentiment_score": score,
        "verdict": min((t["verdict"] for t in mine), key=_BEST_FIRST.index, default="no_speech" if turns else None),
        "not_understood": sum(turn["verdict"] in NOT_UNDERSTOOD for turn in mine),
        "talk_customer": round(talk["customer"], 2),
        "talk_agent": round(talk["agent"], 2) if row["speakers"] != "one" else None,
        "silence": None if row["seconds"] is None else round(sum(gaps), 2),
        "longest_silence": None if row["seconds"] is None else round(max(gaps, default=0.0), 2),
        "interruptions": interruptions(turns) if row["speakers"] == "sides" else None,
        "resolved": resolved(mine) if row["speakers"] in ("sides", "guessed") else None,
    }


def wishes(intents: Sequence[str]) -> list[str]:
    """Those of a call's intents that are a reason to call."""
    return [name for name in intents if name not in _MANNERS]


def _mood(scores: Sequence[float]) -> str | None:
    """By the mean of the turns' scores; one clearly angry turn is enough, whatever the others are."""
    if not scores:
        return None
    mean = sum(scores) / len(scores)
    if mean <= -MOOD or min(scores) <= -ANGRY:
        return "negative"
    return "positive" if mean >= MOOD else "neutral"


def _mean(values: Sequence[float]) -> float | None:
    return round(sum(values) / len(values), 3) if values else None


def _gaps(turns: Sequence[Row], seconds: float) -> list[float]:
    """Seconds in which nobody speaks, stretch by stretch, the ends included."""
    gaps, until = [], 0.0
    for turn in turns:
        gaps.append(max(0.0, turn["start"] - until))
        until = max(until, turn["end"])
    return [*gaps, max(0.0, seconds - until)]


def interruptions(turns: Sequence[Row]) -> int:
    """How often one side began while the other still spoke, and went on; a nod of a few words is none."""
    count = 0
    for turn in turns:
        for other in turns:
            over = min(turn["end"], other["end"]) - turn["start"]
            if other["who"] != turn["who"] and other["start"] < turn["start"] < other["end"] and over > BREAKS_IN:
                count += len(turn["text"].split()) > _NODS
                break
    return count


def resolved(turns: Sequence[Row]) -> str:
    """Whether the customer got what they called for: "yes", "no" or "unknown". A guess from how the call ended."""
    last = turns[-_LAST:]
    intents = {intent["name"] for turn in last for intent in turn["intents"]}
    if last and (last[-1]["sentiment"] == "negative" or intents & set(_DISCONTENT)):
        return "no"
    if intents & set(_CONTENT) or (last and last[-1]["sentiment"] == "positive"):
        return "yes"
    return "unknown"
