"""The report of a call: one HTML file that needs nothing else, for a reader who was not there.

The photo with the found fields drawn on it, the transcript with its entities marked, intents, decisions, database
rows before and after, each stage's time, and the call itself to listen to.
"""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.types import Change, Intent, Reply
from demos import overlay
from demos.record import CallRecord, TurnRecord
from modalities import audio as sound
from modalities.types import Audio

TEMPLATES = Path(__file__).parent / "templates"
_SHOWN_INTENTS = 4
_STAGE_COLORS = ("#4c78a8", "#f2a541", "#54a24b", "#b279a2", "#9d755d", "#72b7b2", "#e45756", "#bab0ac")


@dataclass(frozen=True)
class Stage:
    """One stage of a turn with its share of the turn's time, for a bar."""

    name: str
    ms: float
    percent: float
    color: str


@dataclass(frozen=True)
class Difference:
    """One column of a changed row."""

    table: str
    key: str
    column: str
    before: str
    after: str


def render(record: CallRecord, channels: Sequence[Audio]) -> str:
    """The page as HTML.

    Args:
        record: the call.
        channels: its sound, customer and agent, to be listened to in the page.
    """
    environment = _environment()
    stages = _stage_names(record)
    page: str = environment.get_template("report.html").render(
        record=record,
        recording=_mp3_url(channels),
        seconds=channels[0].seconds,
        turns=[
            {"record": turn, "place": place, **_turn(turn, stages)}
            for turn, place in zip(record.turns, record.places, strict=True)
        ],
        stages=[(name, _STAGE_COLORS[i % len(_STAGE_COLORS)]) for i, name in enumerate(stages)],
        took_ms=sum(sum(_stage_ms(turn.reply).values()) for turn in record.turns),
    )
    return page


def _environment() -> Any:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["clock"] = lambda seconds: f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
    environment.filters["words"] = lambda name: str(name).replace("_", " ").replace(".", " ")
    return environment


def _turn(turn: TurnRecord, stages: Sequence[str]) -> dict[str, Any]:
    """What the template shows of a turn besides its record."""
    understanding = turn.reply.understanding
    photo = turn.turn.image
    seen = understanding.image
    return {
        "marks": overlay.marks(understanding.text, understanding.entities),
        "intents": _intents(understanding.intents, understanding.wanted),
        "photo": None if photo is None else overlay.data_url(photo),
        "size": (0, 0) if photo is None else overlay.shown_size(photo),
        "fields": () if seen is None else overlay.fields(seen, understanding.entities),
        "lines": () if seen is None else seen.lines,
        "stages": _stages(turn.reply, stages),
        "differences": [d for change in turn.reply.changes for d in _differences(change)],
    }


def _intents(intents: Sequence[Intent], wanted: int) -> list[dict[str, Any]]:
    shown = intents[: max(_SHOWN_INTENTS, wanted)]
    return [{"name": i.name, "confidence": i.confidence, "wanted": n < wanted} for n, i in enumerate(shown)]


def _differences(change: Change) -> list[Difference]:
    columns = dict.fromkeys((*change.before, *change.after))
    before, after = change.before.get, change.after.get
    return [
        Difference(change.table, change.key, column, _cell(before(column)), _cell(after(column)))
        for column in columns
        if before(column) != after(column)
    ]


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


def _stage_ms(reply: Reply) -> Mapping[str, float]:
    return {stage: ms for stage, ms in reply.timings_ms.items() if stage != "total"}


def _stage_names(record: CallRecord) -> list[str]:
    """Every stage of the call, in order of first appearance."""
    return list(dict.fromkeys(stage for turn in record.turns for stage in _stage_ms(turn.reply)))


def _stages(reply: Reply, names: Sequence[str]) -> list[Stage]:
    spent = _stage_ms(reply)
    whole = sum(spent.values()) or 1.0
    colors = {name: _STAGE_COLORS[i % len(_STAGE_COLORS)] for i, name in enumerate(names)}
    return [Stage(name, ms, 100 * ms / whole, colors[name]) for name, ms in spent.items()]


def _mp3_url(channels: Sequence[Audio]) -> str:
    """The recording as an MP3 `data:` URL: what every browser plays, an eighth of the WAV's size."""
    with tempfile.TemporaryDirectory() as folder:
        data = sound.save(channels, Path(folder) / "call.mp3").read_bytes()
    return f"data:audio/mpeg;base64,{base64.b64encode(data).decode()}"
