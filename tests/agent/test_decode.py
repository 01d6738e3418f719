import numpy as np
import pytest

from agent.checkpoint import Calibration
from agent.decode import decode_intents, decode_tags, whole_words
from agent.heads import Labels

LABELS = Labels(("track", "cancel", "greet"), ("order_id", "date"))
TEXT = "cancel k482137 tomorrow"
PLACES = ((0, 6), (7, 10), (10, 12), (12, 14), (15, 23))


@pytest.mark.parametrize(
    ("scores", "scope", "several", "verdict", "meant"),
    [
        ([4.0, -4.0, -4.0], -5.0, -5.0, "ok", ["track"]),
        ([3.0, 4.0, -4.0], -5.0, -5.0, "ok", ["cancel"]),
        ([3.0, 4.0, -4.0], -5.0, 5.0, "ok", ["cancel", "track"]),
        ([0.5, 4.0, -4.0], -5.0, 1.0, "ok", ["cancel"]),
        ([3.0, 4.0, 3.5], -5.0, 5.0, "ok", ["cancel", "greet", "track"]),
        ([-0.8, -1.0, -0.9], -5.0, -5.0, "unsure", []),
        ([-4.0, -4.0, -4.0], -5.0, 5.0, "out_of_scope", []),
        ([4.0, -4.0, -4.0], 5.0, -5.0, "out_of_scope", []),
    ],
)
def test_verdicts(scores: list[float], scope: float, several: float, verdict: str, meant: list[str]) -> None:
    intents, wanted, _, got = decode_intents(np.array(scores), scope, several, LABELS, Calibration())
    assert got == verdict
    assert [intent.name for intent in intents[:wanted]] == meant
    assert [i.confidence for i in intents] == sorted((i.confidence for i in intents), reverse=True)


def tags(*names: str) -> np.ndarray:
    scores = np.full((len(names), len(LABELS.tags)), -5.0)
    for row, name in enumerate(names):
        scores[row, LABELS.tags.index(name)] = 5.0
    return scores


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (("O", "B-order_id", "I-order_id", "I-order_id", "B-date"), [("order_id", 7, 14), ("date", 15, 23)]),
        (("O", "B-order_id", "B-order_id", "O", "O"), [("order_id", 7, 14)]),
        (("O", "I-order_id", "I-order_id", "I-order_id", "O"), [("order_id", 7, 14)]),
        (("O", "O", "O", "O", "O"), []),
    ],
)
def test_spans_are_whole_words(names: tuple[str, ...], found: list[tuple[str, int, int]]) -> None:
    spans = decode_tags(tags(*names), PLACES, LABELS, TEXT)
    assert [(kind, a, b) for kind, a, b, _ in spans] == found
    assert all(0.9 < score <= 1 for *_, score in spans)


def test_whole_words_never_leaves_the_text() -> None:
    assert whole_words("abc", 1, 2) == (0, 3)
    assert whole_words("a b", 2, 3) == (2, 3)
