"""Hand-made understandings whose every figure is known exactly."""

from __future__ import annotations

import json

import pytest

from agent.types import Intent, Sentiment, Understanding, Verdict
from training.confusion import NONE, REST, confusion_figures, confusions, shown_part
from training.figures import figures
from training.measure import FLAT, flat
from training.rows import Row


def said(*names: str, wanted: int = 1, verdict: Verdict = "ok", outside: float = 0.0) -> Understanding:
    ranked = tuple(Intent(name, 0.9 - 0.3 * i) for i, name in enumerate(names))
    return Understanding(
        text="x", intents=ranked, wanted=wanted if verdict == "ok" else 0, verdict=verdict, out_of_scope=outside,
        sentiment=Sentiment("neutral", 0.0),
    )  # fmt: skip


def test_intents() -> None:
    rows = [Row("x", (name,)) for name in "aaab"] + [Row("x")]
    understandings = [
        said("a", "b"),
        said("a", "b", wanted=2),
        said("b", "a", verdict="unsure"),
        said("a", "b"),
        said("c"),
    ]
    result = figures(rows, understandings)
    assert result["rows"] == 5
    part = result["intents"]
    assert (part["rows"], part["accuracy"], part["exact"]) == (4, 0.5, 0.25)
    assert (part["accepted"], part["accepted_rows"], part["accepted_accuracy"]) == (0.75, 3, pytest.approx(2 / 3))
    assert part["macro_f1"] == pytest.approx((2 / 3 + 0) / 2)
    assert "out_of_scope" not in result
    assert "several_intents" not in result


def test_several_intents() -> None:
    rows = [Row("x", ("a", "b"))] * 4
    understandings = [said("b", "a", wanted=2), said("a", "b"), said("a", "b", "c", wanted=3), said("a", "c", wanted=2)]
    part = figures(rows, understandings)["several_intents"]
    assert part == {"rows": 4, "all_right": 0.25, "all_right_told_how_many": 0.75}


@pytest.mark.parametrize(
    ("allowed", "limit", "rejected", "recall"), [(0.0, 0.8, 0.0, 0.5), (0.1, 0.6, 0.1, 0.75), (0.25, 0.4, 0.2, 0.75)]
)
def test_out_of_scope_at_a_stated_false_rejection(allowed: float, limit: float, rejected: float, recall: float) -> None:
    inside = [0.8, 0.6, 0.4, 0.3, 0.2, 0.1, 0.1, 0.0, 0.0, 0.0]
    outside = [0.95, 0.9, 0.7, 0.4]
    rows = [Row("x", ("a",))] * 10 + [Row("x", ())] * 4
    accepted: list[Verdict] = ["ok"] * 9
    verdicts: list[Verdict] = ["out_of_scope", *accepted, "out_of_scope", "unsure", "out_of_scope", "ok"]
    understandings = [said("a", verdict=v, outside=o) for v, o in zip(verdicts, inside + outside, strict=True)]
    part = figures(rows, understandings, allowed)["out_of_scope"]
    assert (part["in_scope_rows"], part["out_of_scope_rows"]) == (10, 4)
    assert part["at_quantile"] == {"limit": limit, "false_rejection": rejected, "recall": recall}
    assert part["at_threshold"] == {"false_rejection": 0.1, "recall": 0.5}
    assert part["auroc"] == pytest.approx((10 + 10 + 9 + 7.5) / 40)


def test_sentiment() -> None:
    rows = [Row("x", sentiment="neutral"), Row("x", sentiment="negative"), Row("x")]
    assert figures(rows, [said("a")] * 3)["sentiment"] == {"rows": 2, "accuracy": 0.5}


def test_nothing_understood_counts_as_wrong() -> None:
    blank = Understanding(text="x")
    result = figures([Row("x", ("a",)), Row("x", ("a",))], [blank, said("a")])
    assert result["intents"]["accuracy"] == 0.5
    assert result["confusion"]["pairs"] == [{"meant": "a", "taken": NONE, "rows": 1, "of": 2}]


def test_confused_pairs_most_first() -> None:
    rows = [Row("x", (name,)) for name in "aaaabbc"] + [Row("x", ("a", "b")), Row("x", ())]
    understandings = [said(name) for name in "abbcbaaaa"]
    assert confusion_figures(rows, understandings) == {
        "wrong": 5,
        "pairs_in_all": 4,
        "pairs": [
            {"meant": "a", "taken": "b", "rows": 2, "of": 4},
            {"meant": "a", "taken": "c", "rows": 1, "of": 4},
            {"meant": "b", "taken": "a", "rows": 1, "of": 2},
            {"meant": "c", "taken": "a", "rows": 1, "of": 1},
        ],
    }


def test_the_picture_shows_the_confused_part() -> None:
    names = [f"i{n:02}" for n in range(50)]
    meant = [name for name in names for _ in range(4)]
    taken = [*meant]
    taken[0], taken[1], taken[196] = "i49", "i49", "i20"  # i00 as i49 twice, i49 as i20 once
    rows = [Row("x", (name,)) for name in meant]
    shown, matrix = shown_part(confusions(rows, [said(name) for name in taken]), most=10)
    assert sorted(shown) == [REST, "i00", "i20", "i49"]
    assert abs(shown.index("i00") - shown.index("i49")) == 1
    assert shown[-1] == REST
    assert matrix[shown.index("i00"), shown.index("i49")] == 2
    assert matrix[-1, -1] == 47 * 4
    assert matrix.sum() == 200


def test_flat_names_stand_for_nested_figures() -> None:
    rows = [Row("x", ("a",)), Row("x", ("a", "b")), Row("x", ())]
    table = figures(rows, [said("a"), said("a", "b", wanted=2), said("a", verdict="out_of_scope", outside=0.9)])
    short = flat(table)
    assert set(short) <= set(FLAT)
    assert (short["intent_accuracy"], short["two_intents_both_right"], short["out_of_scope_recall"]) == (1.0, 1.0, 1.0)
    assert "entity_f1" not in short
    assert json.loads(json.dumps(table)) == table
