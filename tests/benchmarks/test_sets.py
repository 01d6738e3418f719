"""Public sets as rows, out of small files of their shape; noise and joints made by the benchmarks."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from agent.domain import Pack
from agent.errors import InputError
from benchmarks.composed import UNSEEN, composed
from benchmarks.packs import write_pack
from benchmarks.sets import Parts, banking77, clinc150, snips
from benchmarks.typos import with_typos
from training.compose import JOINTS
from training.rows import Row


def write_clinc(data: Path, intents: int = 4, each: int = 8) -> None:
    (data / "text").mkdir(parents=True, exist_ok=True)
    verbs = ["freeze", "open", "close", "rename", "copy", "print"][:intents]

    def some(first: int, count: int) -> list[list[str]]:
        return [[f"{verb} the folder called {i} please", verb] for verb in verbs for i in range(first, first + count)]

    outside = [[f"how tall is mountain {i}", "oos"] for i in range(12)]
    parts = {"train": some(0, each), "val": some(100, 4), "oos_train": outside[:6], "oos_val": outside[6:]}
    (data / "text" / "clinc150.json").write_text(json.dumps(parts))


def write_snips(data: Path, each: int = 12) -> None:
    for intent, verb in (("PlayMusic", "play"), ("RateBook", "rate")):
        folder = data / "text" / "snips" / intent
        folder.mkdir(parents=True)
        for form, first in (("train_{}_full.json", 0), ("validate_{}.json", 100)):
            rows = [
                {"data": [{"text": f" {verb} the "}, {"text": f"caf\u00e9 {i} ", "entity": "title"}, {"text": "now"}]}
                for i in range(first, first + each)
            ]
            text = json.dumps({intent: rows}, ensure_ascii=False)
            encoding = "latin-1" if form.startswith("train") else "utf-8"
            (folder / form.format(intent)).write_text(text, encoding=encoding)


def test_clinc_keeps_its_own_parts(tmp_path: Path) -> None:
    write_clinc(tmp_path)
    parts = clinc150(tmp_path)
    assert parts.counts == {
        "training": 32, "training_outside": 6, "validation": 16, "validation_outside": 6, "intents": 4,
        "entity_types": 0,
    }  # fmt: skip
    assert not {row.text for row in parts.training} & {row.text for row in parts.validation}


def test_snips_slots_stand_on_their_words(tmp_path: Path) -> None:
    write_snips(tmp_path)
    parts = snips(tmp_path)
    for row in [*parts.training, *parts.validation]:
        assert row.text == row.text.strip()
        (kind, start, end) = (row.spans or ())[0]
        assert kind == "title"
        assert row.text[start:end] == row.text.removesuffix(" now").split(" the ")[1]
        assert row.text[start:end].startswith("caf\u00e9 ")
    assert (len(parts.training), len(parts.validation)) == (24, 24)


def test_banking_is_divided_without_near_duplicates(tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    words = "card money bank code limit branch cheque salary loan phone".split()
    rows = [[f"please {a} my {b} {c}", f"about_{a}?"] for a in words for b in words for c in words if a < b < c]
    rows += [[f"{text}!", label] for text, label in rows]
    (tmp_path / "text" / "banking77.json").write_text(json.dumps(rows))
    parts = banking77(tmp_path, 7)
    assert len(parts.training) + len(parts.validation) == len(rows)
    assert 0.02 < len(parts.validation) / len(rows) < 0.2
    assert not {r.text.strip("!") for r in parts.training} & {r.text.strip("!") for r in parts.validation}
    assert all(name.isidentifier() for row in parts.training for name in row.intents or ())


def test_a_smaller_set_has_fewer_intents_and_the_same_on_both_sides(tmp_path: Path) -> None:
    write_clinc(tmp_path, intents=6, each=30)
    parts = clinc150(tmp_path).smaller(60, 7)
    names = {name for row in parts.training for name in row.intents or ()}
    assert len(names) == 3
    assert {name for row in parts.validation for name in row.intents or ()} == names
    assert parts.counts["training"] == 60
    assert parts == clinc150(tmp_path).smaller(60, 7)
    assert parts != clinc150(tmp_path).smaller(60, 8)


@pytest.mark.parametrize("read", [clinc150, snips, lambda data: banking77(data, 7)])
def test_a_missing_set_is_named(tmp_path: Path, read: object) -> None:
    assert callable(read)
    with pytest.raises(InputError, match="--data"):
        read(tmp_path)


def test_a_written_pack_is_read_back(tmp_path: Path) -> None:
    rows = [
        Row('say "hi" to \u00e9va', ("greet",), (("person.name", 12, 15),)),
        Row("bye now", ("leave", "greet")),
        Row("what is art", ()),
    ]
    write_pack(tmp_path / "pack", "mini", rows)
    pack = Pack.load(tmp_path / "pack")
    assert (list(pack.intents), list(pack.entities)) == (["greet", "leave"], ["person.name"])
    assert [(e.text, e.intents, e.entities) for e in pack.examples()] == [
        (row.text, row.intents, row.spans or ()) for row in rows
    ]


def test_typos_come_at_their_rate() -> None:
    text = "please tell me where my parcel is " * 300
    rng = random.Random(3)
    assert with_typos(text, 0.0, rng) == text
    noisy = with_typos(text, 0.1, rng)
    assert noisy == with_typos(text, 0.1, _after(text, 3))
    assert abs(len(noisy) - len(text)) < 0.02 * len(text)  # as many dropped as inserted
    from rapidfuzz.distance import Levenshtein

    assert 0.08 < Levenshtein.distance(text, noisy) / len(text) < 0.14  # a swap is two edits
    assert len(with_typos(text, 1.0, rng)) > 0


def _after(text: str, seed: int) -> random.Random:
    """The generator as it stands after a first pass over the text."""
    rng = random.Random(seed)
    with_typos(text, 0.0, rng)
    return rng


def test_composed_sentences_hold_both() -> None:
    rows = [Row(f"please {name} the box {i}.", (name,)) for name in ("open", "shut", "lift") for i in range(5)]
    rows.append(Row("what is the sky", ()))
    made = composed(rows, UNSEEN, 50, seed=1)
    assert len(made) == 50
    assert not set(UNSEEN) & set(JOINTS)
    for row in made:
        first, second = row.intents or ()
        assert first != second
        assert row.text.index(first) < row.text.rindex(second)
        assert any(joint in row.text for joint in UNSEEN)
    assert made == composed(rows, UNSEEN, 50, seed=1)
    assert composed(rows[:5], UNSEEN, 50, seed=1) == []


def test_counts_know_both_sides() -> None:
    assert Parts("x", "x", [Row("a", ()), Row("b", ("i",), (("t", 0, 1),))], []).counts == {
        "training": 1, "training_outside": 1, "validation": 0, "validation_outside": 0, "intents": 1,
        "entity_types": 1,
    }  # fmt: skip
