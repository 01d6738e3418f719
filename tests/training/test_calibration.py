import numpy as np
import pytest

from agent.decode import confidences, sigmoid
from agent.fusion import FusionConfig
from agent.heads import Labels, UnderstandingModel
from agent.types import Intent, Understanding
from training.calibration import calibrate, calibration_figures, reliability, scope_threshold
from training.rows import Row
from training.scores import Scores

LABELS = Labels(("a", "b", "c", "d"), ())
MODEL = UnderstandingModel(FusionConfig({"text": 4}, width=8, layers=1, heads=2), LABELS)


def test_error_is_the_mean_gap_of_the_bins() -> None:
    result = reliability([0.95, 0.95, 0.95, 0.95, 0.15, 1.0], [1, 1, 1, 0, 1, 1], bins=10)
    assert result["count"] == 6
    assert [(b["count"], b["confidence"], b["accuracy"]) for b in result["bins"]] == [
        (1, pytest.approx(0.15), 1.0),
        (5, pytest.approx(0.96), 0.8),
    ]
    assert result["error"] == pytest.approx((1 * 0.85 + 5 * 0.16) / 6)
    assert reliability([], [])["error"] == 0.0


def test_each_confidence_has_its_own_table() -> None:
    rows = [Row("x", ("a",)), Row("x", ("a", "b")), Row("x", ()), Row("x")]
    ranked = (Intent("a", 0.9), Intent("b", 0.6), Intent("c", 0.1), Intent("d", 0.05))
    understandings = [Understanding(intents=ranked, out_of_scope=o, verdict="ok") for o in (0.1, 0.2, 0.7, 0.5)]
    result = calibration_figures(rows, understandings)
    assert (result["one_intent"]["count"], result["one_intent"]["error"]) == (1, pytest.approx(0.1))
    assert (result["several_intents"]["count"], result["several_intents"]["error"]) == (
        3,
        pytest.approx((0.1 + 0.4 + 0.1) / 3),
    )
    assert (result["out_of_scope"]["count"], result["out_of_scope"]["error"]) == (
        3,
        pytest.approx((0.1 + 0.2 + 0.3) / 3),
    )
    inside = calibration_figures(rows[:2], understandings[:2])
    assert "out_of_scope" not in inside


@pytest.mark.parametrize(
    ("inside", "outside", "allowed", "expected"),
    [
        ([0.1] * 99 + [0.9], [0.95] * 9, 0, 0.91),
        ([0.1] * 99 + [0.9], [0.4] * 9, 1, 0.4),
        ([0.1] * 99 + [0.3], [0.8] * 9, 0, 0.5),
        ([0.99] * 10, [0.5], 1, 0.95),
    ],
)
def test_scope_threshold(inside: list[float], outside: list[float], allowed: int, expected: float) -> None:
    assert scope_threshold(np.array(inside), np.array(outside), allowed) == pytest.approx(expected)


def drawn(rng: np.random.Generator, count: int) -> tuple[list[Row], Scores]:
    """One intent drawn by softmax(scores / 2), or each of several by sigmoid((score - 1) / 2), or none."""
    intents = rng.normal(-6, 3, (count, 4))
    best = rng.integers(4, size=count)
    intents[np.arange(count), best] += 9
    chance = np.exp(intents / 2.0)
    chosen = [rng.choice(4, p=row / row.sum()) for row in chance]
    meant = np.eye(4, dtype=bool)[chosen]
    more = rng.random(count) < 0.3
    meant[more] = rng.random((more.sum(), 4)) < sigmoid((intents[more] - 1.0) / 2.0)
    meant[rng.random(count) < 0.2] = False
    outside = ~meant.any(axis=1)
    scope = np.where(outside, rng.normal(2, 2, count), rng.normal(-4, 2, count))
    several = np.where(meant.sum(axis=1) > 1, 6.0, -6.0)
    rows = [Row("x", tuple(n for n, yes in zip(LABELS.intents, line, strict=True) if yes)) for line in meant]
    return rows, Scores(np.zeros((count, 2)), intents, scope, several, np.zeros((count, 3)), [[] for _ in rows])


def test_calibration_fits_and_keeps_false_rejection() -> None:
    rng = np.random.default_rng(0)
    fitted = calibrate(*drawn(rng, 3_000), MODEL)
    rows, scores = drawn(rng, 3_000)
    chances = confidences(scores.intents, scores.several, fitted)
    inside = np.array([bool(row.intents) for row in rows])
    right = [LABELS.intents[i] in (row.intents or ()) for i, row in zip(chances.argmax(axis=1), rows, strict=True)]
    assert reliability(chances[inside].max(axis=1), np.array(right)[inside])["error"] < 0.06
    refused = (sigmoid(scores.scope / fitted.scope_temperature) >= fitted.out_of_scope) | (
        chances.max(axis=1) < fitted.clarify
    )
    assert refused[inside].mean() < 0.045
    assert refused[~inside].mean() > 0.6
    assert fitted.clarify <= fitted.accept / 2


def test_calibration_without_outside_or_inside() -> None:
    rows, scores = drawn(np.random.default_rng(1), 200)
    only = [i for i, row in enumerate(rows) if row.intents]
    fitted = calibrate(
        [rows[i] for i in only],
        Scores(
            scores.pooled[only],
            scores.intents[only],
            scores.scope[only],
            scores.several[only],
            scores.sentiment[only],
            [[] for _ in only],
        ),
        MODEL,
    )
    assert fitted.out_of_scope == 0.5
    assert fitted.intent_temperature != 1.0
    none = [Row("x") for _ in rows]
    assert calibrate(none, scores, MODEL).intent_temperature == 1.0


@pytest.mark.parametrize(
    ("one", "more", "expected"),
    [
        ([-4.0] * 99 + [-1.0], [-5.0] * 2 + [2.0] * 48, -2.485),  # hardly a row of one intent comes near
        ([-4.0] * 50 + [1.0] * 50, [2.0] * 50, 0.0),  # many do: no higher than training's own
        ([-9.0] * 100, [-2.0] * 100, -2.0),  # no lower than it need be
        ([-9.0] * 100, [], 0.0),
    ],
)
def test_rows_of_several_are_told_from_those_of_one(one: list[float], more: list[float], expected: float) -> None:
    rows = [Row("x", ("a",))] * len(one) + [Row("x", ("a", "b"))] * len(more)
    count, zeros = len(rows), np.zeros(len(rows))
    intents = np.tile([3.0, 2.0, -5.0, -5.0], (count, 1))
    scores = Scores(np.zeros((count, 8)), intents, zeros, np.array(one + more), np.zeros((count, 3)), [[]] * count)
    assert calibrate(rows, scores, MODEL).several == pytest.approx(expected)
