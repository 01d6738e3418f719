"""Stand-ins for the models, so that most tests need no weights."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from agent.types import (
    Action,
    Change,
    Entity,
    Evidence,
    Intent,
    Photo,
    Receipt,
    Reply,
    Sentiment,
    Turn,
    Understanding,
)
from modalities.errors import InputError, WeightsError
from modalities.types import Audio, TextLine, Transcript, Word

RECEIPT_LINES = (
    TextLine("HARBOR LANE", (0.3, 0.05, 0.7, 0.1), 0.99),
    TextLine("DATE 2026-05-04", (0.1, 0.2, 0.5, 0.24), 0.98),
    TextLine("TOTAL 25.40", (0.1, 0.8, 0.6, 0.84), 0.97),
)
FAKE_WORDS = "where is my order"


def tone(seconds: float, rate: int = 16_000, level: float = 0.3) -> Audio:
    """A sine of 440 Hz."""
    t = np.arange(int(seconds * rate)) / rate
    return Audio((level * np.sin(2 * np.pi * 440 * t)).astype(np.float32), rate)


@dataclass
class FakeAgent:
    """Understands by rule: a recording says `FAKE_WORDS` unless it is silent, a photo is a receipt, "K" words are ids.

    Attributes:
        changes: the rows that the turn with this number (from 0) changes.
        mute: speak replies as silence.
        refuses: texts that raise an InputError.
        turns: every turn seen.
    """

    changes: dict[int, tuple[Change, ...]] = field(default_factory=dict)
    mute: bool = False
    refuses: frozenset[str] = frozenset()
    turns: list[Turn] = field(default_factory=list)

    def understand(self, turns: Sequence[Turn], *, explain: bool = False) -> list[Understanding]:
        self.turns += turns
        found = [self._understanding(turn) for turn in turns]
        return [replace(u, evidence=self._evidence(u)) for u in found] if explain else found

    def warm(self, *, audio: bool = True, image: bool = True, explain: bool = False) -> None:
        pass

    def respond(self, turn: Turn, *, speak: bool = False, explain: bool = False) -> Reply:
        number = len(self.turns)
        understanding = self.understand([turn], explain=explain)[0]
        text = f"You said: {understanding.text or 'nothing'}."
        audio = tone(0.5, 22_050, 0.0 if self.mute else 0.3) if speak else None
        return Reply(
            text=text,
            action=Action("answer", {"topic": "order"}),
            understanding=understanding,
            audio=audio,
            changes=self.changes.get(number, ()),
            reason="the customer asked",
            timings_ms={"understand": 1.5, "decide": 0.25},
        )

    def _understanding(self, turn: Turn) -> Understanding:
        if turn.text in self.refuses:
            raise InputError("the fake refuses this text; send another")
        heard = None if turn.audio is None else self._heard(turn.audio)
        text = turn.text or (heard.text if heard else "")
        return Understanding(
            text=text,
            transcript=heard,
            intents=(Intent("track_order", 0.9), Intent("late_delivery", 0.05)) if text else (),
            wanted=1 if text else 0,
            entities=(*self._ids(text), *(self._receipt_fields() if turn.image is not None else ())),
            verdict="ok" if text or turn.image is not None else "no_speech",
            sentiment=Sentiment("neutral", 0.1),
            image=None if turn.image is None else self._photo(),
            timings_ms={"understand": 1.5},
        )

    @staticmethod
    def _heard(audio: Audio) -> Transcript:
        if float(np.abs(audio.samples).max(initial=0.0)) < 0.01:
            return Transcript("", rejected="silence")
        words = FAKE_WORDS.split()
        step = audio.seconds / len(words)
        return Transcript(
            FAKE_WORDS, tuple(Word(w, i * step, (i + 1) * step, 0.9) for i, w in enumerate(words)), confidence=0.9
        )

    @staticmethod
    def _evidence(understanding: Understanding) -> tuple[Evidence, ...]:
        """The first word for, the last against; of a photo its top left for and its first line against."""
        words = [found.span() for found in re.finditer(r"\S+", understanding.text)]
        ends = dict.fromkeys((*words[:1], *words[-1:]))
        found: list[tuple[Any, ...]] = [("text", understanding.text[a:b], a, b, None) for a, b in ends]
        if understanding.image is not None:
            line = RECEIPT_LINES[0]
            found += [("image", None, None, None, (0.0, 0.0, 0.25, 0.25)), ("ocr", line.text, 0, 11, line.box)]
        signs = [(-1) ** i / len(found) for i in range(len(found))]
        return tuple(Evidence(f[0], "track_order", sign, *f[1:]) for f, sign in zip(found, signs, strict=True))

    @staticmethod
    def _ids(text: str) -> tuple[Entity, ...]:
        starts = (i for i, c in enumerate(text) if c == "K" and text[i + 1 : i + 7].isdigit())
        return tuple(Entity("order_id", text[i : i + 7], text[i : i + 7], i, i + 7, "checksum", 0.99) for i in starts)

    @staticmethod
    def _receipt_fields() -> tuple[Entity, ...]:
        return (
            Entity("company", "HARBOR LANE", "HARBOR LANE", 0, 11, "photo.tagger", 0.9),
            Entity("date", "2026-05-04", "2026-05-04", 17, 27, "photo.pattern", 0.95),
            Entity("total", "25.40", "25.40", 34, 39, "photo.tagger", 0.92),
        )

    @staticmethod
    def _photo() -> Photo:
        receipt = Receipt(company="HARBOR LANE", date="2026-05-04", total="25.40")
        return Photo("receipt", 0.98, lines=RECEIPT_LINES, receipt=receipt)


def builder(agent: FakeAgent | None = None) -> Any:
    """A stand-in for `agent.build` that gives `agent` whatever it is asked for."""
    built = agent or FakeAgent()
    return lambda **_: built


def build_fake(**_: Any) -> FakeAgent:
    """`agent.build` for other processes: a plain `FakeAgent`."""
    return FakeAgent()


def build_blind(**_: Any) -> FakeAgent:
    """An agent that lacks the weights for photos, and sees no photo before the first recording is done."""

    class Blind(FakeAgent):
        def understand(self, turns: Sequence[Turn], *, explain: bool = False) -> list[Understanding]:
            if any(t.image is not None for t in turns):
                time.sleep(0.5)
                raise WeightsError("no eyes; train some")
            return super().understand(turns, explain=explain)

    return Blind()


def build_deadly(**_: Any) -> FakeAgent:
    """An agent whose process dies of recordings whose peak is above .9, and of white photos."""

    class Deadly(FakeAgent):
        def understand(self, turns: Sequence[Turn], *, explain: bool = False) -> list[Understanding]:
            loud = any(t.audio is not None and float(np.abs(t.audio.samples).max()) > 0.9 for t in turns)
            if loud or any(t.image is not None and float(t.image.pixels.mean()) > 250 for t in turns):
                os._exit(9)
            return super().understand(turns, explain=explain)

    return Deadly()
