"""Each modality's worth, measured on an agent that answers by a known rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image as pil

from agent.types import Entity, Intent, Photo, Turn, Understanding
from modalities.errors import InputError
from modalities.types import Image, Transcript
from training import cases as cases_module
from training.cases import Case, cases_of
from training.evaluate import measure
from training.rows import Row


class Rule:
    """ "pay" for a bright photo, "wear" for a dark one; without one "pay" if the words say so, else "wear".

    A recording is heard as "pay 42" whatever is in it.
    """

    def __init__(self) -> None:
        self.turns: list[Turn] = []

    def understand(self, turns: Sequence[Turn]) -> list[Understanding]:
        self.turns += turns
        return [self._one(turn) for turn in turns]

    def _one(self, turn: Turn) -> Understanding:
        text = "pay 42" if turn.audio is not None else turn.text or ""
        bright = turn.image is not None and turn.image.pixels.mean() > 100
        name = ("pay" if bright else "wear") if turn.image is not None else "pay" if "pay" in text else "wear"
        entities = (Entity("number", "42", "42", text.find("42"), text.find("42") + 2, "tagger", 0.9),)
        return Understanding(
            text=text,
            transcript=Transcript(text) if turn.audio is not None else None,
            intents=(Intent(name, 0.9), Intent("other", 0.1)),
            wanted=1,
            entities=entities if "42" in text else (),
            verdict="ok",
            image=Photo("receipt" if bright else "clothing", 0.9, None if bright else "intact") if turn.image else None,
        )


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    paths = {"bright": tmp_path / "bright.png", "dark": tmp_path / "dark.png", "sound": tmp_path / "sound.wav"}
    pil.new("RGB", (40, 30), (250, 250, 250)).save(paths["bright"])
    pil.new("RGB", (40, 30), (10, 10, 10)).save(paths["dark"])
    soundfile.write(paths["sound"], np.zeros(8_000, np.float32), 16_000)
    return paths


def test_photos_alone_left_out_and_together(files: dict[str, Path]) -> None:
    rows = [
        Row("look", ("pay",), photo=files["bright"]),
        Row("look", ("wear",), photo=files["dark"], image="clothing"),
        Row("pay it", ("pay",), (("number", 4, 6),), photo=files["dark"], image="damaged"),
        Row("wear it", ("wear",)),
    ]
    agent: Any = Rule()
    table, understandings = measure(cases_of(rows, None, 1), agent)
    assert len(understandings) == 4
    assert table["counts"] == {"one_intent": 4, "spans": 1, "text": 4, "image": 3}
    assert table["intents"]["accuracy"] == 0.75
    several = table["modalities"]["several"]
    assert (several["all"]["rows"], several["all"]["intent_accuracy"]) == (3, pytest.approx(2 / 3))
    assert several["alone"]["text"]["intent_accuracy"] == pytest.approx(2 / 3)
    assert several["alone"]["image"]["intent_accuracy"] == pytest.approx(2 / 3)
    assert several["alone"]["text"]["entity_f1"] == 0.0
    assert "entity_f1" not in several["alone"]["image"]  # no words, no entities in them to find
    assert several["without"] == {"text": several["alone"]["image"], "image": several["alone"]["text"]}
    assert table["photo"] == {"kind": {"rows": 1, "accuracy": 1.0}, "condition": {"rows": 2, "accuracy": 0.5}}
    assert len(agent.turns) == 4 + 2 * 3
    assert "heard" not in table["modalities"]


def test_recordings_against_their_words_typed(files: dict[str, Path]) -> None:
    rows = [
        Row("pay 42", ("pay",), (("number", 4, 6),), audio=files["sound"]),
        Row("wear it", ("wear",), (), audio=files["sound"]),
        Row("", ("pay",), audio=files["sound"]),
    ]
    agent: Any = Rule()
    table, _ = measure(cases_of(rows, None, 1), agent)
    assert table["counts"]["audio"] == 3
    assert table["intents"]["accuracy"] == pytest.approx(2 / 3)
    heard = table["modalities"]["heard"]
    assert (heard["heard"]["rows"], heard["heard"]["intent_accuracy"]) == (2, 0.5)
    assert (heard["typed"]["rows"], heard["typed"]["intent_accuracy"]) == (2, 1.0)
    assert heard["typed"]["entity_f1"] == 1.0
    assert heard["heard"]["heard_entity_f1"] == pytest.approx(2 / 3)  # "42" is heard in "wear it" too
    assert "several" not in table["modalities"]


def test_photos_are_drawn_by_kind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def samples(*_: object) -> Iterable[tuple[Image, str, str | None]]:
        for i in range(50):
            kind, condition = [("clothing", "intact"), ("grocery", "damaged"), ("receipt", None)][i % 3]
            yield Image(np.full((4, 4, 3), i, np.uint8)), kind, condition

    monkeypatch.setattr("training.photos.photo_samples", samples)
    rows = [Row("x", image="damaged"), Row("x"), Row("x", image="damaged"), Row("x", image="receipt")]
    made = cases_of(rows, tmp_path, 1)
    assert [(case.kind, case.condition) for case in made] == [
        ("grocery", "damaged"), (None, None), ("grocery", "damaged"), ("receipt", None)
    ]  # fmt: skip
    drawn = [case.drawn for case in made if case.drawn is not None]
    assert len({float(photo.pixels.mean()) for photo in drawn}) == 3
    monkeypatch.setattr(cases_module, "DRAWN_FROM", 1)
    with pytest.raises(InputError, match="'other'"):
        cases_of([Row("x", image="other")], tmp_path, 1)


def test_what_a_case_has() -> None:
    assert Case(Row("x")).modalities == {"text"}
    assert Case(Row("x", audio=Path("a.wav"))).modalities == {"audio"}
    assert Case(Row(" ", photo=Path("a.jpg"))).modalities == {"image"}
    with pytest.raises(InputError):
        Case(Row("", photo=Path("no/such.jpg"))).turn()
