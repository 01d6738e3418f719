import random

import pytest

from training.compose import compose, join, tellable
from training.rows import Row

ROWS = [
    Row("Where is order K482137?", ("track_order",), (("order_id", 15, 22),)),
    Row("cancel k 1 please", ("cancel_order",), (("order_id", 7, 10),)),
    Row("it looks like this", ("damaged_item",), (), image="damaged"),
    Row("how are you today", ()),
]


def test_two_wishes_keep_their_entities() -> None:
    for row in compose(ROWS, 50, seed=1):
        assert set(row.intents or ()) == {"track_order", "cancel_order"}
        assert row.spans is not None
        assert sorted(row.text[a:b].lower() for _, a, b in row.spans) == ["k 1", "k482137"]


def test_same_seed_same_sentences() -> None:
    assert compose(ROWS, 9, seed=3) == compose(ROWS, 9, seed=3) != compose(ROWS, 9, seed=4)


def test_one_intent_alone_makes_no_pairs() -> None:
    assert compose(ROWS[:1], 5, seed=1) == []


@pytest.mark.parametrize(
    ("first", "second", "meant"),
    [
        (ROWS[0], ROWS[1], ("track_order", "cancel_order")),
        (ROWS[0], Row("when does it come", ("track_order",), ()), ("track_order",)),
        (Row("my dog is ill", None, None, "negative"), ROWS[1], ("cancel_order",)),
        (ROWS[1], ROWS[3], ("cancel_order",)),
    ],
)
def test_a_joined_row_means_what_its_halves_mean(first: Row, second: Row, meant: tuple[str, ...]) -> None:
    row = join(first, second, random.Random(1))
    assert row.intents == meant
    assert row.sentiment == (first.sentiment or second.sentiment)
    assert (row.spans is None) == (first.spans is None or second.spans is None)


def test_only_words_without_a_wish_are_stories() -> None:
    assert [tellable(row) for row in [*ROWS, Row("my dog is ill"), Row("x" * 500)]] == [
        False, False, False, True, True, False,
    ]  # fmt: skip
