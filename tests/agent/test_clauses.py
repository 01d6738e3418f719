from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.checkpoint import Calibration
from agent.clauses import at_gaps, at_joints, best_cut
from agent.decode import decode_intents
from agent.heads import Labels


@pytest.mark.parametrize(
    ("text", "halves"),
    [
        ("cancel my order and tell me the price", [("cancel my order", "tell me the price")]),
        ("cancel my order. Also, what time is it?", [("cancel my order", "what time is it?")]),
        ("where is it; i want a refund", [("where is it", "i want a refund")]),
        ("block the card, oh and while you are at it send a new one", [("block the card", "send a new one")]),
        ("cancel my order", []),
        ("black and white shoes", []),
        ("salt and pepper for me and a table please", [("salt and pepper for me", "a table please")]),
    ],
)
def test_cuts_at_joining_words(text: str, halves: list[tuple[str, str]]) -> None:
    assert [pair for pair in at_joints(text) if pair in halves] == halves
    if not halves:
        assert not at_joints(text)


def test_cuts_between_any_words_leave_two_on_either_side() -> None:
    assert at_gaps("a b c d e") == [("a b", "c d e"), ("a b c", "d e")]


@given(st.text(max_size=200))
def test_halves_come_from_the_text(text: str) -> None:
    for first, second in [*at_joints(text), *at_gaps(text)]:
        assert text.startswith(first)
        assert text.endswith(second)
        assert len(first) + len(second) <= len(text)


def test_the_clearest_cut_of_different_meanings_is_taken() -> None:
    first = np.array([[0.5, 0.5, 0.0], [0.9, 0.1, 0.0], [0.99, 0.0, 0.01]])
    second = np.array([[0.2, 0.8, 0.0], [0.1, 0.8, 0.1], [0.98, 0.01, 0.01]])
    found = best_cut(first, second)
    assert found is not None
    assert found.pair == ((0, 0.9), (1, 0.8))
    assert found.likelihood == pytest.approx(0.72)
    assert best_cut(first[2:], second[2:]) is None
    assert best_cut(first[:0], second[:0]) is None


def test_a_pair_stands_before_what_the_whole_suggests() -> None:
    labels = Labels(("track", "cancel", "greet", "pay"), ())
    scores = np.array([5.0, -1.0, 4.5, -1.0])
    intents, wanted, _, verdict = decode_intents(scores, -5.0, 4.0, labels, Calibration(), ((1, 0.9), (3, 0.8)))
    assert verdict == "ok"
    assert [intent.name for intent in intents[:wanted]] == ["cancel", "pay"]
    assert intents[0].confidence == pytest.approx(0.9, abs=0.03)
