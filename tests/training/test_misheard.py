import random
from functools import cache
from itertools import pairwise

import pytest

from modalities.speech.language_model import tidy
from training.augment import Rates, Spans, augment
from training.misheard import Confusions, Slips, misheard
from training.phones import distance, encode

SENTENCES = [
    "I want to cancel my order",
    "where is my order now",
    "can I return the red shirt for a refund",
    "please change the address of my order",
    "I ate four pears and won a pair of shoes",
    "the shoes are too small to wear",
    "pay with a gift card or by card",
] * 3
DEFAULT = Slips()
BAD = Slips(worst=1.0, again=1.0, surprise=0.0)


@cache
def table(slips: Slips = DEFAULT) -> Confusions:
    return Confusions(SENTENCES, slips)


@pytest.mark.parametrize(
    ("near", "word", "far"),
    [
        ("P AE T", "B AE T", "S AE T"),
        ("S IH T", "S IY T", "S OY T"),
        ("K AA R D", "G AA R D", "K AA R D IH NG"),
        ("F AO R", "F AO R", "F AO"),
    ],
)
def test_confusable_phones_are_near(near: str, word: str, far: str) -> None:
    close, wide = distance(encode(near), encode(word)), distance(encode(far), encode(word))
    assert close == distance(encode(word), encode(near))
    assert close < wide


def test_homophones_are_the_nearest() -> None:
    assert table().near(["too"])[0] == ("to", 0.0)
    assert "four" in dict(table().near(["for"]))
    assert "pair" in dict(table().near(["pears"]))
    assert table().near(["qzx"]) == []


def test_only_words_of_the_vocabulary_are_heard() -> None:
    rng = random.Random(1)
    known = {word for sentence in SENTENCES for word in tidy(sentence)}
    changed = 0
    for sentence in SENTENCES * 5:
        heard, _ = misheard(sentence, (), rng, table(BAD))
        assert set(heard.split()) <= known
        changed += heard.split() != tidy(sentence)
    assert changed > 60


def test_slips_say_how_much_goes_wrong() -> None:
    def changed(slips: Slips) -> int:
        rng = random.Random(3)
        return sum(misheard(s, (), rng, table(slips))[0].split() != tidy(s) for s in SENTENCES * 5)

    assert changed(Slips(worst=0.0)) == 0
    assert changed(Slips(worst=0.2, surprise=0.0)) < changed(Slips(worst=0.6, surprise=0.0)) < changed(BAD)


def test_words_are_lost_added_and_joined() -> None:
    def lengths(slips: Slips) -> set[int]:
        rng = random.Random(4)
        return {len(misheard("where is the order", (), rng, table(slips))[0].split()) for _ in range(60)}

    assert min(lengths(Slips(1.0, again=1.0, lost=1.0, surprise=0.0))) < 4
    added = lengths(Slips(1.0, again=1.0, lost=0.0, added=1.0, surprise=0.0))
    assert min(added) == 4
    assert max(added) > 5
    assert min(lengths(Slips(1.0, again=1.0, lost=0.0, added=0.0, joined=1.0, surprise=0.0))) < 4


def test_numbers_are_said_and_spans_stay_on_their_words() -> None:
    text = "Send 2 red shirts to Ana, order K482137!"
    words = ("2", "red shirts", "Ana", "K482137")
    spans: Spans = tuple(("x", text.index(word), text.index(word) + len(word)) for word in words)
    heard, moved = misheard(text, spans, random.Random(5), table(Slips(worst=0.0)))
    found = [heard[a:b] for _, a, b in moved]
    assert found[:3] == ["two", "red shirts", "ana"]
    assert found[3].startswith("k")
    assert not any(c.isdigit() or c.isupper() for c in heard)
    for seed in range(200):
        heard, moved = misheard(text, spans, random.Random(seed), table(BAD))
        assert len(moved) == 4
        assert all(heard[a:b].strip() for _, a, b in moved)
        assert all(b <= c for (_, _, b), (_, c, _) in pairwise(moved))


@pytest.mark.parametrize("text", ["", "?!", "7", "a", "'", "naïve café"])
def test_odd_texts_are_fine(text: str) -> None:
    for seed in range(20):
        heard, spans = augment(text, (), random.Random(seed), Rates(misheard=1.0), table(BAD))
        assert spans == ()
        assert bool(heard.strip()) == bool(text.strip())


def test_the_same_seed_hears_the_same() -> None:
    first, second = (misheard(SENTENCES[4], (), random.Random(6), Confusions(SENTENCES, BAD)) for _ in range(2))
    assert first == second


def test_unexpected_words_are_doubted() -> None:
    assert table().doubt("my", "order") < table().doubt("my", "pears")
    assert table(Slips(surprise=0.0)).doubt("my", "pears") == 1.0
