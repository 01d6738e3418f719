"""Words near typed ones: all of those an error or two away, and none that is further."""

import random

import pytest
from rapidfuzz.distance import OSA

from modalities.slips import LONG, Slips, edits

WORDS = frozenset("order orders refund return address cancel delivery a to too shirt short is it".split())


@pytest.fixture(scope="module")
def slips() -> Slips:
    return Slips(WORDS, lambda: frozenset({"hello", "help", "shirt"}))


def test_everything_within_two_errors_is_found(slips: Slips) -> None:
    rng = random.Random(3)
    for _ in range(300):
        typed = rng.choice(sorted(edits(rng.choice(sorted(edits(rng.choice(sorted(WORDS))))))))
        for most in (0, 1, 2):
            expected = {
                word for word in WORDS if (far := OSA.distance(typed, word)) <= most and (far < 2 or len(word) >= LONG)
            }
            found = slips.own(typed, most)
            assert set(found) == expected, (typed, most)
            assert all(count == OSA.distance(typed, word) for word, (count, _) in found.items())


def test_words_of_the_language_are_one_error_away_at_most(slips: Slips) -> None:
    assert set(slips.of_language("helo")) == {"hello", "help"}
    assert slips.of_language("hlo") == {}
    assert "shirt" not in slips.of_language("shrt"), "it is the company's own"


@pytest.mark.parametrize(
    ("typed", "meant", "rarer"),
    [
        ("retunr", "return", "retuxn"),  # two swapped
        ("retrn", "return", "retuqrn"),  # one lost; any one added
        ("refuund", "refund", "refuxnd"),  # doubled; any one added
        ("cabcel", "cancel", "cavcel"),  # the key beside it; one further off
    ],
)
def test_frequent_errors_cost_less(slips: Slips, typed: str, meant: str, rarer: str) -> None:
    assert slips.own(typed, 1)[meant][1] < slips.own(rarer, 1)[meant][1]


def test_endless_words_are_no_work(slips: Slips) -> None:
    assert slips.own("x" * 5_000, 2) == {}
    assert slips.of_language("x" * 5_000) == {}


def test_the_language_is_asked_only_when_needed() -> None:
    def never() -> frozenset[str]:
        raise AssertionError("asked")

    slips = Slips(WORDS, never)
    assert slips.is_known("order")
    assert set(slips.own("oder", 1)) == {"order"}
