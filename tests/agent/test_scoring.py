"""Texts are scored in batches as each alone, and in the ways they may be meant."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from agent.scoring import HEARINGS, Scorer, Scores, Words
from modalities.spelling import Speller
from tests.agent.scorers import encoding, parts_of


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_scores_come_back_in_order_and_nothing_gives_none(precision: str) -> None:
    texts = ["a b c d e f", "", "a b", *(f"w{i} x" for i in range(70))]
    scorer = Scorer(parts_of(precision))
    found = scorer.scores([{"text": encoding(text)} for text in texts])
    assert found[1] is None
    for row in (0, 2, 40, 72):
        (alone,) = scorer.scores([{"text": encoding(texts[row])}])
        mine = found[row]
        assert alone is not None
        assert mine is not None
        np.testing.assert_allclose(alone.intents, mine.intents, atol=1e-5)
        np.testing.assert_allclose(alone.tags["text"], mine.tags["text"][: len(alone.tags["text"])], atol=1e-5)


def scored(intents: Sequence[float], scope: float, several: float = -4.0) -> Scores:
    return Scores(np.array(intents, np.float32), scope, several, np.zeros(3, np.float32), {})


def test_readings_are_mixed_by_their_chances() -> None:
    scorer = Scorer(parts_of())
    best, other = scored([4.0, 3.5, 0.0, 0.0], -3.0), scored([0.0, 6.0, 0.0, 0.0], -1.0)
    mixed = scorer.mixed(best, [other], [0.7, 0.3])
    np.testing.assert_allclose(mixed.intents, [2.8, 4.25, 0.0, 0.0], 1e-5)
    assert mixed.out_of_scope == pytest.approx(-2.4)
    assert scorer.mixed(best, [], [1.0]) is best


def test_typed_words_are_read_in_several_ways_and_heard_ones_as_they_may_have_been_said() -> None:
    parts = parts_of()
    parts.speller = Speller(["pay by card"] * 5 + ["pay by cart"] * 3, frozenset)
    seen: list[str] = []
    parts.text.encode = lambda texts: [encoding(text) for text in texts if seen.append(text) is None]  # type: ignore[func-returns-value]
    typed = Words("pay by carx", 11, False)
    heard = Words("pay a bill", 0, True, tuple(f"hay a bill {i}" for i in range(9)))
    both = Words("pay by carx\npay a bill", 11, True)
    plain = Words("pay by card", 11, False)
    found = Scorer(parts).readings([typed, heard, both, plain])
    assert seen[:3] == ["pay by card", "pay by cart", "pay by carx"]
    assert [text for text in seen if "bill" in text and "\n" not in text] == [
        "pay a bill",
        *(f"hay a bill {i}" for i in range(HEARINGS - 1)),
    ]
    assert all(text.endswith("\npay a bill") for text in seen if "\n" in text)
    assert [len(ways) for ways in found] == [3, HEARINGS, 3, 1]
    assert all(0.9 < sum(way.chance for way in ways) <= 1.0 + 1e-9 for ways in found)
    assert [way.chance for way in found[3]] == [1.0]


@pytest.mark.parametrize(
    ("chances", "wanted"),
    [
        ((), [0.5, 0.25, 0.25]),
        ((0.6, 0.3, 0.1), [0.6, 0.3, 0.1]),
        ((0.6, 0.2, 0.0), [0.75, 0.25, 0.0]),
    ],
)
def test_hearings_count_by_their_chances_where_the_engine_tells(
    chances: Sequence[float], wanted: Sequence[float]
) -> None:
    best, others = Words("a", 0, True, ("b", "c"), tuple(chances)).hearings()
    assert [best, *(chance for _, chance in others)] == pytest.approx(wanted)
    assert [text for text, _ in others] == ["b", "c"]
    assert Words("a", 0, True, (), ()).hearings() == (1.0, [])
