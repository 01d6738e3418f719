import random
from itertools import pairwise

import pytest

from modalities.spelling import Corrected, Speller, edits

SENTENCES = [
    "I want to cancel my order",
    "Where is my order?",
    "where is my parcel",
    "can I return the red shirt for a refund",
    "please change the delivery address of my order",
    "what's the price of the shirt",
    "how much is express delivery",
    "is this dress of my size",
] * 2
ENGLISH = frozenset("hello ow spider orders horse lisa mail or it is from".split())


@pytest.fixture(scope="module")
def speller() -> Speller:
    return Speller(SENTENCES, lambda: ENGLISH)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("where is my ordr", "where is my order"),
        ("Wehre is my order?", "Where is my order?"),
        ("WHERE IS MY ODRER", "WHERE IS MY ORDER"),
        ("can i retrun the redd shitr", "can i return the red shirt"),
        ("wantto cancel", "want to cancel"),
        ("cancel mykorder", "cancel my order"),
        ("return thespider", "return the spider"),
        ("horseqorder", "horse order"),
        ("how much is exprees dlivery", "how much is express delivery"),
        ("wheer si my parcel", "where is my parcel"),
        ("is this a dress-shitr", "is this a dress-shirt"),
        ("adress of my order", "address of my order"),
        ("what’s the prcie", "what’s the price"),
        ("wher eis my parcel", "where is my parcel"),
        ("where i smy parcel", "where is my parcel"),
        ("can cel my order", "cancel my order"),
        ("plaese cancle m order", "please cancel my order"),
        ("whereis myordr", "where is my order"),
        ("how much is exqrwss delivery", "how much is express delivery"),
    ],
)
def test_typing_errors_are_put_right(speller: Speller, typed: str, meant: str) -> None:
    assert speller.correct(typed).text == meant


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        "where is my order",
        "hello spider",
        "orders of Lisa",
        "K48213 k482137 2x ab-12 12-ab 5-inch ordr-2",
        "mail ordr@shrit.com or ordr.com",
        "is it from Shrt or Retrun?",
        "xylophones",
        "日本語 ñandú",
        "a" * 300,
    ],
)
def test_what_is_no_error_stays(speller: Speller, typed: str) -> None:
    assert speller.correct(typed) == Corrected(typed)


def test_known_words_change_only_beside_unknown_ones(speller: Speller) -> None:
    assert speller.correct("ow much is").text == "ow much is"
    assert speller.correct("ow much is exprees delivery").text == "how much is express delivery"


def test_words_beside_it_decide() -> None:
    speller = Speller(["pay by card"] * 5 + ["park the car here"] * 5, frozenset)
    assert speller.correct("pay by carx").text == "pay by card"
    assert speller.correct("park the carx here").text == "park the car here"


def test_spans_lead_back_to_what_was_typed(speller: Speller) -> None:
    typed = "Wantto cancel K482137, my ordr is the redd shirt"
    corrected = speller.correct(typed)
    assert corrected.text == "Want to cancel K482137, my order is the red shirt"

    def back(word: str) -> str:
        at = corrected.text.index(word)
        start, end = corrected.original(at, at + len(word))
        return typed[start:end]

    expected = {
        "cancel": "cancel",
        "K482137": "K482137",
        "order": "ordr",
        "my order is": "my ordr is",
        "red shirt": "redd shirt",
        "shirt": "shirt",
        "Want": "Wantto",
        "to": "Wantto",
    }
    assert {word: back(word) for word in expected} == expected
    assert corrected.original(0, len(corrected.text)) == (0, len(typed))


def test_spans_stay_in_order_whatever_is_typed(speller: Speller) -> None:
    rng = random.Random(1)
    for _ in range(300):
        words = rng.choice(SENTENCES).split()
        typed = " ".join(rng.choice(sorted(edits(w.lower()))) if rng.random() < 0.5 else w for w in words)
        corrected = speller.correct(typed)
        ends = [corrected.original(i, i + 1) for i in range(len(corrected.text))]
        assert all(0 <= a < b <= len(typed) for a, b in ends)
        assert all(a[0] <= b[0] and a[1] <= b[1] for a, b in pairwise(ends))
        for start, end, a, b in corrected.changes:
            assert corrected.original(start, end) == (a, b)


def test_what_was_said_is_left_alone(speller: Speller) -> None:
    text = "where is my ordr\nwhere is my ordr"
    assert speller.correct(text, until=16).text == "where is my order\nwhere is my ordr"


def test_other_readings_are_kept_with_their_chances() -> None:
    speller = Speller(["pay by card"] * 5 + ["pay by cart"] * 3 + ["pay the cat"], frozenset)
    found = speller.readings("pay by carx", most=3)
    assert [reading.text for reading, _ in found[:2]] == ["pay by card", "pay by cart"]
    assert found[0][0] == speller.correct("pay by carx")
    assert sum(chance for _, chance in found) == pytest.approx(1.0)
    assert [chance for _, chance in found] == sorted((chance for _, chance in found), reverse=True)
    assert len({reading.text for reading, _ in found}) == len(found) == 3
    assert speller.readings("pay by card") == [(Corrected("pay by card"), 1.0)]


def test_another_language_and_gibberish_are_left_alone(speller: Speller) -> None:
    foreign = "bitte stornieren Sie meine bestellung und schicken kein paket"
    assert speller.correct(foreign) == Corrected(foreign)
    gibberish = "ordr " * 800
    assert speller.correct(gibberish) == Corrected(gibberish)


def test_the_more_errors_the_more_is_doubted() -> None:
    speller = Speller(["i want to go now"] * 3 + ["no way"], lambda: frozenset({"ti", "not"}))
    assert speller.correct("i want ti goo").text != "i want ti goo"
    assert speller.correct("want to ti").text == "want to ti"


def test_no_sentences_change_nothing() -> None:
    assert Speller([], frozenset).correct("where is my ordr").text == "where is my ordr"
