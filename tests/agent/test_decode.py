import re

import numpy as np
import pytest

from agent.checkpoint import Calibration
from agent.crf import LinearChainCRF
from agent.decode import Tagged, decode_intents, decode_tags, whole_words
from agent.heads import Labels

LABELS = Labels(("track", "cancel", "greet"), ("order_id", "date"))
TEXT = "cancel k482137 tomorrow"
RULES = LinearChainCRF(5).transitions()
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
        (("O", "B-order_id", "I-order_id", "O", "O"), [("order_id", 7, 14)]),
        (("O", "I-order_id", "I-order_id", "I-order_id", "O"), [("order_id", 7, 14)]),
        (("O", "O", "O", "O", "O"), []),
    ],
)
def test_spans_are_whole_words(names: tuple[str, ...], found: list[tuple[str, int, int]]) -> None:
    (spans,) = decode_tags([Tagged(tags(*names), PLACES, TEXT)], LABELS, RULES)
    assert [(kind, a, b) for kind, a, b, _ in spans] == found
    assert all(0.6 < score <= 1 for *_, score in spans)


@pytest.mark.parametrize(
    ("text", "names", "found"),
    [
        ("play E-type now", "O B I O O", "E-type"),
        ("play E-type now", "O O O B O", None),
        ("play A.j. Pero now", "O B B I I I O", "A.j. Pero"),
        ("buy a Van-pires cd", "O O B I I O", "Van-pires"),
        ("is it Know Ye? yes", "O O B I I O", "Know Ye"),
        ("add Jerry , Jr now", "O O B I O", "Jr"),
        ("add Jerry, Jr now", "O B I I O", "Jerry, Jr"),
        ("see e.g. Lyon. thanks", "O O O O O B O O", "Lyon"),
        ("from Lyon.thanks a lot", "O B O O O O", "Lyon"),
        ("a ! b", "O B O", "!"),
    ],
)
def test_spans_begin_and_end_where_words_do(text: str, names: str, found: str | None) -> None:
    labels = Labels((), ("name",))
    places = [match.span() for match in re.finditer(r"[A-Za-z]+|[^\sA-Za-z]", text)]
    scores = np.full((len(places), 3), -5.0)
    scores[range(len(places)), ["OBI".index(name) for name in names.split()]] = 5.0
    (spans,) = decode_tags([Tagged(scores, places, text)], labels, LinearChainCRF(3).transitions())
    assert [text[a:b] for _, a, b, _ in spans] == ([] if found is None else [found])


def test_whole_words_never_leaves_the_text() -> None:
    assert whole_words("abc", 1, 2) == (0, 3)
    assert whole_words("a b", 2, 3) == (2, 3)
