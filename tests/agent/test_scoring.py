"""Halves are read sparingly, and mean what reading all of them would."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.checkpoint import Calibration, Checkpoint
from agent.clauses import CLEAR, at_gaps, at_joints, best_cut
from agent.decode import FloatArray, Pair, sigmoid, softmax
from agent.fusion import FusionConfig
from agent.heads import Labels, UnderstandingModel
from agent.scoring import HEARINGS, Scorer, Scores, Words
from modalities.spelling import Speller
from modalities.types import Encoding

INTENTS = 4
WORDS = ("pay", "card", "and", "bill", "then", "lost", "song,", "play", "now.", "ok")


def parts_of(precision: str = "float32") -> Any:
    torch.manual_seed(0)
    config = FusionConfig({"text": 8}, width=16, layers=1, heads=2)
    model = UnderstandingModel(config, Labels(tuple(map(str, range(INTENTS))), ("thing",))).eval()
    checkpoint = Checkpoint(model, {}, Calibration())
    return SimpleNamespace(
        device="cpu", precision=precision, checkpoint=checkpoint, speller=None, settings=SimpleNamespace(threads=1),
        text=SimpleNamespace(encode=lambda texts: [encoding(text) for text in texts]),
    )  # fmt: skip


def encoding(text: str) -> Encoding:
    rng = np.random.default_rng(sum(map(ord, text)))
    return Encoding("text", rng.standard_normal((len(text.split()), 8)).astype(np.float32))


def drawn(half: str, sharpness: float) -> FloatArray:
    """Chances of a half, always the same for it."""
    return softmax(sharpness * np.random.default_rng(sum(map(ord, half))).standard_normal(INTENTS))


class Reader(Scorer):
    """Reads halves by drawing, and counts them."""

    def __init__(self, sharpness: float) -> None:
        super().__init__(parts_of())
        self.read: list[str] = []
        self._chances = self._drawn  # type: ignore[method-assign]
        self._sharpness = sharpness

    def _drawn(self, halves: Sequence[tuple[str, Words]]) -> FloatArray:
        self.read += [half for half, _ in halves]
        return np.array([drawn(half, self._sharpness) for half, _ in halves]).reshape(-1, INTENTS)


def exhaustive(text: str, scores: Scores, chances: Callable[[str], FloatArray]) -> Pair | None:
    """What reading both halves of every cut gives."""
    for cut in (at_joints, at_gaps):
        halves = cut(text)
        if scores.several <= 0 or not halves:
            continue
        found = best_cut(*(np.stack([chances(pair[side]) for pair in halves]) for side in (0, 1)))
        both, whole = float(sigmoid(np.asarray(scores.several))), float(softmax(scores.intents).max())
        if found and found.likelihood >= CLEAR and both * found.likelihood > (1 - both) * whole:
            return found.pair
    return None


TURN = st.tuples(st.lists(st.sampled_from(WORDS), min_size=1, max_size=14).map(" ".join), st.floats(-1, 5, width=32))


@settings(max_examples=60, deadline=None)
@given(st.lists(TURN, max_size=5), st.sampled_from([1.0, 4.0, 12.0]))
def test_pairs_are_those_of_reading_everything(turns: list[tuple[str, float]], sharpness: float) -> None:
    rng = np.random.default_rng(len(turns))
    scores = [Scores(rng.standard_normal(INTENTS), 0.0, several, np.zeros(3), {}) for _, several in turns]
    reader = Reader(sharpness)
    pairs = reader.pairs([Words(text, len(text), False) for text, _ in turns], scores)
    wanted = [
        exhaustive(text, scored, lambda half: drawn(half, sharpness))
        for (text, _), scored in zip(turns, scores, strict=True)
    ]
    assert pairs == wanted


def test_second_halves_are_read_only_where_they_can_matter() -> None:
    text = "lost my card and pay my bill and play a song"
    scores = Scores(np.zeros(INTENTS), 0.0, 3.0, np.zeros(3), {})
    vague, clear = Reader(0.01), Reader(60.0)
    assert vague.pairs([Words(text, len(text), False)], [scores]) == [None]
    firsts = [first for cut in (at_joints, at_gaps) for first, _ in cut(text)]
    assert vague.read == firsts
    assert clear.pairs([Words(text, len(text), False)], [scores]) != [None]
    assert len(clear.read) < 2 * len(at_joints(text)) + 1
    assert clear.read[: len(at_joints(text))] == [first for first, _ in at_joints(text)]


@pytest.mark.parametrize("several", [-1.0, 0.0])
def test_one_wish_is_not_read_again(several: float) -> None:
    reader = Reader(9.0)
    scores = Scores(np.zeros(INTENTS), 0.0, several, np.zeros(3), {})
    assert reader.pairs([Words("pay my bill and play a song", 27, False)], [scores]) == [None]
    assert reader.pairs([Words("", 0, False)], [None]) == [None]
    assert reader.read == []


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


def test_halves_are_read_from_the_checkpoints_own_threshold_on() -> None:
    text = "lost my card and pay my bill"
    scores = [Scores(np.zeros(INTENTS), 0.0, -1.0, np.zeros(3), {})]
    reader = Reader(60.0)
    assert reader.pairs([Words(text, len(text), False)], scores) == [None]
    reader.parts.checkpoint = replace(reader.parts.checkpoint, calibration=Calibration(several=-3.0))
    assert reader.pairs([Words(text, len(text), False)], scores) != [None]
