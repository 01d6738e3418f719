"""One turn as reports and the page show it, and the templates they are made of.

Templates escape everything: what customers say, photos show and files are called is text, never markup.
"""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from agent.types import Change, Intent, Reply
from demos import overlay, why
from demos.overlay import Field, Mark
from demos.why import Why
from modalities import audio as sound
from modalities.types import Audio, Image, TextLine

TEMPLATES = Path(__file__).parent / "templates"
_SHOWN_INTENTS = 4
_LEAST_CONFIDENCE = 0.01  # intents below it are not shown
_LEAST_MS = 0.5  # stages that took less are not shown
_STAGE_COLORS = (
    "#4c78a8",
    "#f2a541",
    "#54a24b",
    "#b279a2",
    "#9d755d",
    "#72b7b2",
    "#e45756",
    "#5b8f3c",
    "#d4a6c8",
    "#8d7b68",
)


@dataclass(frozen=True)
class ShownIntent:
    """An intent with its confidence (0..1), and whether it is taken as meant."""

    name: str
    confidence: float
    wanted: bool


@dataclass(frozen=True)
class Stage:
    """One stage of a turn with its share of the turn's time, for a bar."""

    name: str
    ms: float
    percent: float
    color: str


@dataclass(frozen=True)
class Difference:
    """One column of a changed row; empty where nothing stood or stands."""

    column: str
    before: str
    after: str


@dataclass(frozen=True)
class ShownChange:
    """A changed row: new, or with the columns that differ."""

    table: str
    key: str
    new: bool
    differences: tuple[Difference, ...]


@dataclass(frozen=True, eq=False)
class View:
    """A turn, ready to be shown.

    Attributes:
        marks: the words, cut at their entities.
        photo: the photo as a `data:` URL, or empty; shown at `size` (width, height) pixels.
        fields: what was found in the photo; `lines`: all that was read in it.
        why: what carried the decision, where that was asked for.
    """

    reply: Reply
    marks: tuple[Mark, ...]
    intents: tuple[ShownIntent, ...]
    changes: tuple[ShownChange, ...]
    stages: tuple[Stage, ...]
    photo: str = ""
    size: tuple[int, int] = (0, 0)
    fields: tuple[Field, ...] = ()
    lines: tuple[TextLine, ...] = ()
    why: Why | None = None


def view(reply: Reply, image: Image | None = None, stages: Sequence[str] | None = None) -> View:
    """A reply as it is shown.

    Args:
        reply: what `Agent.respond` gave.
        image: the turn's photo, if it had one.
        stages: names of stages in an order that gives each its colour; the reply's own when left out.
    """
    understood = reply.understanding
    seen = understood.image
    return View(
        reply=reply,
        marks=overlay.marks(understood.text, understood.entities),
        intents=_intents(understood.intents, understood.wanted),
        changes=tuple(_change(change) for change in reply.changes),
        stages=_stages(reply, stages if stages is not None else list(stage_ms(reply))),
        photo="" if image is None else overlay.data_url(image),
        size=(0, 0) if image is None else overlay.shown_size(image),
        fields=() if seen is None else overlay.fields(seen, understood.entities),
        lines=() if seen is None else seen.lines,
        why=why.why(understood, image),
    )


def mp3_url(channels: Sequence[Audio]) -> str:
    """The recording as an MP3 `data:` URL: what every browser plays, an eighth of the WAV's size."""
    with tempfile.TemporaryDirectory() as folder:
        data = sound.save(channels, Path(folder) / "call.mp3").read_bytes()
    return f"data:audio/mpeg;base64,{base64.b64encode(data).decode()}"


def stage_ms(reply: Reply) -> Mapping[str, float]:
    """Milliseconds by stage, without their sum."""
    return {stage: ms for stage, ms in reply.timings_ms.items() if stage != "total"}


def stage_colors(names: Sequence[str]) -> dict[str, str]:
    """A colour for each stage, by its place."""
    return {name: _STAGE_COLORS[i % len(_STAGE_COLORS)] for i, name in enumerate(names)}


def _intents(intents: Sequence[Intent], wanted: int) -> tuple[ShownIntent, ...]:
    """Those meant, and beside them the few that come near; never none."""
    ranked = [ShownIntent(i.name, i.confidence, n < wanted) for n, i in enumerate(intents)]
    shown = [i for n, i in enumerate(ranked) if n == 0 or i.wanted or i.confidence >= _LEAST_CONFIDENCE]
    return tuple(shown[: max(_SHOWN_INTENTS, wanted)])


def _change(change: Change) -> ShownChange:
    before, after = change.before.get, change.after.get
    differences = (
        Difference(column, _cell(before(column)), _cell(after(column)))
        for column in dict.fromkeys((*change.before, *change.after))
        if before(column) != after(column)
    )
    return ShownChange(change.table, change.key, not change.before, tuple(differences))


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


def _stages(reply: Reply, names: Sequence[str]) -> tuple[Stage, ...]:
    colors = stage_colors(names)
    spent = {name: ms for name, ms in stage_ms(reply).items() if ms >= _LEAST_MS}
    whole = sum(spent.values()) or 1.0
    return tuple(Stage(name, ms, 100 * ms / whole, colors.get(name, "#bab0ac")) for name, ms in spent.items())


@cache
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


def render(template: str, **values: Any) -> str:
    """A template of `TEMPLATES` filled in."""
    page: str = _environment().get_template(template).render(**values)
    return page
