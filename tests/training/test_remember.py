"""The memory is kept where it makes more validation rows right, and only there."""

import numpy as np
import torch

from agent.fusion import FusionConfig
from agent.heads import Labels, UnderstandingModel
from training.remember import remember, remember_all
from training.rows import Row
from training.scores import Scores

NAMES = ("a", "b", "c")
ROWS = [Row(f"{name} {i}", (name,)) for i in range(20) for name in NAMES]
OTHERS = [Row("both", ("a", "b")), Row("outside", ()), Row("unlabelled")]


def model() -> UnderstandingModel:
    return UnderstandingModel(FusionConfig({"text": 4}, width=8, layers=1, heads=2), Labels(NAMES, ()))


def scored(by_name: dict[str, int]):  # type: ignore[no-untyped-def]
    """Scores that say what `by_name` says of each name, with pooled vectors that tell the names apart."""

    def scores(rows: list[Row]) -> Scores:
        assert all(row.intents and len(row.intents) == 1 for row in rows)
        names = [row.text[0] for row in rows]
        rng = np.random.default_rng(0)
        pooled = np.eye(8, dtype=np.float32)[[NAMES.index(n) for n in names]]
        pooled += rng.normal(0, 0.05, pooled.shape).astype(np.float32)
        intents = np.eye(3, dtype=np.float32)[[by_name[n] for n in names]]
        zeros = np.zeros(len(rows), np.float32)
        return Scores(pooled, intents, zeros, zeros, np.zeros((len(rows), 3)), [[] for _ in rows])

    return scores


def test_a_memory_that_helps_is_kept() -> None:
    made = model()
    remember(made, [*ROWS, *OTHERS], [*ROWS[:9], *OTHERS], scored({"a": 0, "b": 0, "c": 2}))
    assert made.memory is not None
    assert float(made.memory.share) > 0
    assert made.memory.vectors.shape == (len(ROWS), 8)
    pooled = torch.eye(8)[:3]
    assert made.memory(torch.zeros(3, 3), pooled).argmax(dim=1).tolist() == [0, 1, 2]


def test_all_rows_are_remembered_in_the_end_where_there_is_a_memory() -> None:
    made, scores = model(), scored({"a": 0, "b": 0, "c": 2})
    remember_all(made, ROWS, scores)
    assert made.memory is None
    remember(made, ROWS[:30], ROWS[30:], scores)
    remember_all(made, [*ROWS, *OTHERS], scores)
    assert made.memory is not None
    assert made.memory.vectors.shape == (len(ROWS), 8)
    assert float(made.memory.share) > 0


def test_rows_with_a_photo_are_remembered_without_their_words_too() -> None:
    made, asked = model(), list[Row]()

    def scores(rows: list[Row]) -> Scores:
        asked[:] = rows
        found: Scores = scored({"a": 0, "b": 0, "c": 2})([Row(row.text or "a", row.intents) for row in rows])
        return found

    remember(made, ROWS, ROWS, scores)
    remember_all(made, [Row("c 1", ("c",), image="receipt"), Row("", ("b",), image="receipt"), ROWS[0]], scores)
    assert [(row.text, row.image) for row in asked] == [
        ("c 1", "receipt"), ("", "receipt"), ("a 0", None), ("", "receipt")
    ]  # fmt: skip
    assert made.memory is not None
    assert made.memory.intents.tolist() == [2, 1, 0, 2]


def test_a_memory_that_harms_is_left_out() -> None:
    made = model()
    wrong = [Row(row.text, (NAMES[(NAMES.index(row.text[0]) + 1) % 3],)) for row in ROWS]
    remember(made, wrong, ROWS[:9], scored({"a": 0, "b": 1, "c": 2}))
    assert made.memory is None


def test_without_rows_there_is_none() -> None:
    made = model()
    remember(made, OTHERS, ROWS, scored({}))
    remember(made, ROWS, OTHERS, scored({}))
    assert made.memory is None
