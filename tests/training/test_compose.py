from training.compose import compose
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
