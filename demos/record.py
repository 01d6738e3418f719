"""What a scripted call left behind: every turn with its reply, and the rows that were to change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.types import Change, Reply, Turn, to_json
from demos.recording import Exchange, Placed, audible
from demos.rows import RowCheck
from demos.turn import turn_json


@dataclass(frozen=True, eq=False)
class TurnRecord:
    """One turn of the call.

    Attributes:
        number: from 1.
        turn: what the agent was given.
        script: the words the customer was to say, where they spoke.
        photo_name: the photo's file name, or empty.
        reply: the agent's answer.
        seconds: from the turn given to the reply back, speech included.
    """

    number: int
    turn: Turn
    script: str
    photo_name: str
    reply: Reply
    seconds: float

    @property
    def exchange(self) -> Exchange:
        """The turn's sounds."""
        return Exchange(self.turn.audio, self.reply.audio, self.seconds)


@dataclass(frozen=True, eq=False)
class CallRecord:
    """A whole call.

    Attributes:
        scenario: the file it was played from.
        places: when each turn's two sides begin in the recording.
        checks: the rows promised, with what stood there before and after.
    """

    title: str
    scenario: Path
    customer: str
    domain: str
    stack: str
    turns: tuple[TurnRecord, ...]
    places: tuple[Placed, ...]
    checks: tuple[RowCheck, ...]

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every row changed during the call, in order."""
        return tuple(change for turn in self.turns for change in turn.reply.changes)

    @property
    def unheard(self) -> tuple[int, ...]:
        """Numbers of the turns whose spoken reply cannot be heard."""
        return tuple(t.number for t in self.turns if not audible(t.reply.audio))

    @property
    def ok(self) -> bool:
        """Every promised row is changed and every reply can be heard."""
        return not self.unheard and all(check.ok for check in self.checks)


def record_json(record: CallRecord) -> dict[str, Any]:
    """The call as plain values: each turn as `demos.turn --json` prints it, with what was given and changed."""
    return {
        "title": record.title,
        "scenario": record.scenario.name,
        "domain": record.domain,
        "stack": record.stack,
        "ok": record.ok,
        "turns": [_turn_json(t, at) for t, at in zip(record.turns, to_json(record.places), strict=True)],
        "rows": [{**to_json(c.expected), "before": c.before, "after": c.after, "ok": c.ok} for c in record.checks],
    }


def _turn_json(turn: TurnRecord, at: Mapping[str, float]) -> dict[str, Any]:
    return {
        "number": turn.number,
        "given": {"said": turn.script or None, "text": turn.turn.text, "image": turn.photo_name or None},
        **turn_json(turn.reply),
        "reason": turn.reply.reason,
        "changes": to_json(turn.reply.changes),
        "seconds": round(turn.seconds, 3),
        **at,
    }
