"""Word chances add up, and what was seen is likelier."""

import math

import pytest

from modalities.word_model import BEGINNING, END, GENERAL, WordModel

LINES = [["where", "is", "my", "order"], ["where", "is", "it"], ["cancel", "my", "order"]]


@pytest.fixture(scope="module")
def model() -> WordModel:
    return WordModel(LINES)


@pytest.mark.parametrize("history", [BEGINNING, ("where", "is"), ("is", "my"), ("never", "seen"), ("is", "never")])
def test_chances_of_known_words_leave_the_rest_to_unknown_ones(model: WordModel, history: tuple[str, str]) -> None:
    known = sum(math.exp(model.log(history, word)) for word in [*model.words, END])
    assert 1 - GENERAL - 1e-6 <= known <= 1.0


def test_what_was_seen_is_likelier(model: WordModel) -> None:
    assert model.log(("where", "is"), "my") > model.log(("where", "is"), "cancel")
    assert model.log(("is", "my"), "order") > model.log(("is", "my"), "where")
    assert model.log(BEGINNING, "where") > model.log(BEGINNING, "cancel") > model.log(BEGINNING, "order")
    assert model.log(("my", "order"), END) > model.log(("where", "is"), END)
    assert model.log(BEGINNING, "unheard") < model.log(BEGINNING, "it")


def test_nothing_learnt_still_answers() -> None:
    assert WordModel([]).log(BEGINNING, "order") < 0
