"""Halves are read sparingly, and mean what reading all of them would where the vectors tell which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.checkpoint import Calibration
from agent.clauses import CLEAR, at_gaps, at_joints, best_cut
from agent.crf import FloatArray
from agent.decode import Pair, sigmoid, softmax
from agent.halves import SHORTLIST, HalfReader
from agent.scoring import Scorer, Scores, Words
from modalities.types import Encoding
from tests.agent.scorers import INTENTS, encoding, parts_of

WORDS = ("pay", "card", "and", "bill", "then", "lost", "song,", "play", "now.", "ok")


def drawn(half: str, sharpness: float) -> FloatArray:
    """Chances of a half, always the same for it."""
    return softmax(sharpness * np.random.default_rng(sum(map(ord, half))).standard_normal(INTENTS))


class Reader(HalfReader):
    """Reads halves by drawing, and counts them; what it glances at is as drawn for the text of as many tokens."""

    def __init__(self, sharpness: float) -> None:
        super().__init__(Scorer(parts_of()))
        self.read: list[str] = []
        self._chances = self._drawn  # type: ignore[method-assign]
        self._sharpness = sharpness

    def _drawn(self, halves: Sequence[tuple[str, Words]]) -> FloatArray:
        self.read += [half for half, _ in halves]
        return np.array([drawn(half, self._sharpness) for half, _ in halves]).reshape(-1, INTENTS)

    def of(self, turns: Sequence[str], scores: Sequence[Scores | None]) -> list[Pair | None]:
        """What turns mean."""
        return self.pairs([Words(text, len(text), False) for text in turns], scores, [encoding(t) for t in turns])


def read_of(text: str, scores: Scores, reader: HalfReader, sharpness: float) -> Pair | None:
    """What reading both halves of each shortlisted cut gives, turn by turn."""
    for cut in (at_joints, at_gaps):
        halves = reader.glance({0: cut(text)}, [Words(text, len(text), False)], [encoding(text)])[0].clearest
        if scores.several <= 0 or not halves:
            continue
        found = best_cut(*(np.stack([drawn(pair[side], sharpness) for pair in halves]) for side in (0, 1)))
        both, whole = float(sigmoid(np.asarray(scores.several))), float(softmax(scores.intents).max())
        if found and found.likelihood >= CLEAR and both * found.likelihood > (1 - both) * whole:
            return found.pair
    return None


def scores_of(several: float, rng: np.random.Generator | None = None) -> Scores:
    intents = np.zeros(INTENTS) if rng is None else rng.standard_normal(INTENTS)
    return Scores(intents, 0.0, several, np.zeros(3), {})


TURN = st.tuples(st.lists(st.sampled_from(WORDS), min_size=1, max_size=14).map(" ".join), st.floats(-1, 5, width=32))


@settings(max_examples=60, deadline=None)
@given(st.lists(TURN, max_size=5), st.sampled_from([1.0, 4.0, 12.0]))
def test_turns_of_a_batch_are_read_as_each_alone(turns: list[tuple[str, float]], sharpness: float) -> None:
    rng = np.random.default_rng(len(turns))
    scores = [scores_of(several, rng) for _, several in turns]
    reader = Reader(sharpness)
    pairs = reader.of([text for text, _ in turns], scores)
    alone = [read_of(text, scored, reader, sharpness) for (text, _), scored in zip(turns, scores, strict=True)]
    assert pairs == alone


def test_few_cuts_are_read_in_full() -> None:
    text = "lost my card and pay my bill then play a song and stop the music and call me a taxi"
    vague, clear = Reader(0.01), Reader(60.0)
    assert vague.of([text], [scores_of(3.0)]) == [None]
    assert len(vague.read) == 2 * 2 * SHORTLIST < len(at_gaps(text))
    assert clear.of([text], [scores_of(3.0)]) != [None]
    assert len(clear.read) == 2 * SHORTLIST < 2 * len(at_joints(text))


def test_a_look_at_the_vectors_tells_which_cut_and_whether_to_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = HalfReader(Scorer(parts_of()))
    one, other = (np.linalg.qr(np.random.default_rng(3).standard_normal((8, 8)))[0][:2] * 4).astype(np.float32)
    words = "a b c d e f g h".split()
    text = " ".join(words)
    spans = tuple((2 * i, 2 * i + 1) for i in range(8))
    encoded = Encoding("text", np.stack([one] * 3 + [other] * 5), spans)
    model = reader.scorer.parts.checkpoint.model
    head: Any = model.intents
    with torch.no_grad():
        shown = model.fusion.shortcut["text"](torch.from_numpy(np.stack([one, other])))
        head[1].weight.zero_()
        head[1].weight[:2] = shown - shown.mean(0)
        head[1].bias.zero_()
    (look,) = reader.glance({0: at_gaps(text)}, [Words(text, len(text), False)], [encoded]).values()
    assert look.clearest[0] == ("a b c", "d e f g h")
    assert look.best is not None
    assert [intent for intent, _ in look.best.pair] == [0, 1]
    likely = look.best.likelihood
    for sure in (likely - 1e-3, likely + 1e-3):
        read: list[tuple[str, Words]] = []
        monkeypatch.setattr("agent.halves.SURE", sure)
        monkeypatch.setattr(
            reader, "_chances", lambda halves, read=read: read.extend(halves) or np.full((len(halves), 4), 0.25)
        )
        (pair,) = reader.pairs([Words(text, len(text), False)], [scores_of(9.0)], [encoded])
        assert (pair is None) == (sure > likely) == bool(read)


@pytest.mark.parametrize("several", [-1.0, 0.0])
def test_one_wish_is_not_read_again(several: float) -> None:
    reader = Reader(9.0)
    assert reader.of(["pay my bill and play a song"], [scores_of(several)]) == [None]
    assert reader.pairs([Words("", 0, False)], [None], [None]) == [None]
    assert reader.read == []


def test_halves_are_read_from_the_checkpoints_own_threshold_on() -> None:
    text, reader = "lost my card and pay my bill", Reader(60.0)
    assert reader.of([text], [scores_of(-1.0)]) == [None]
    parts = reader.scorer.parts
    parts.checkpoint = replace(parts.checkpoint, calibration=Calibration(several=-3.0))
    assert reader.of([text], [scores_of(-1.0)]) != [None]


def test_halves_are_read_with_the_models() -> None:
    reader = HalfReader(Scorer(parts_of()))
    turns = ["lost my card and pay my bill", "play"]
    pairs = reader.pairs(
        [Words(text, 0, True) for text in turns], [scores_of(60.0), scores_of(60.0)], [encoding(t) for t in turns]
    )
    assert pairs[1] is None
    assert pairs[0] is None or pairs[0][0] != pairs[0][1]
