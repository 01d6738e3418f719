import random
import re
from itertools import pairwise

import pytest

from modalities.spelling import Speller
from training.augment import Rates, apply, augment, spelled, typos
from training.wordings import frame, reword

TEXT = "Hi, please cancel my order K482137 and send it to 12 Main St., to ana@x.com!"
WORDS = ("K482137", "12 Main St.", "ana@x.com")
SPANS = tuple(("x", TEXT.index(word), TEXT.index(word) + len(word)) for word in WORDS)
ALL = Rates(0.3, 0.8, 0.8, 0.8, 0.8, inside=0.0)


def test_spans_stay_on_their_words() -> None:
    rng = random.Random(1)
    changed = 0
    for _ in range(500):
        text, moved = augment(TEXT, SPANS, rng, ALL)
        changed += text != TEXT
        found = [text[a:b].lower().replace(".", " ").strip() for _, a, b in moved]
        assert found == ["k482137", "12 main st", "ana@x com"]
    assert changed > 450


def test_typos_inside_entities_leave_digits_and_edges() -> None:
    rng = random.Random(2)
    rates = Rates(spoken=0, typo=1, drop=0, reword=0, frame=0, characters=(0.3, 0.3), inside=1)
    touched = 0
    for _ in range(500):
        text, moved = augment(TEXT, SPANS, rng, rates)
        found = [text[a:b] for _, a, b in moved]
        touched += found != list(WORDS)
        assert re.sub(r"\D", "", found[0]) == "482137"
        assert found[1].startswith("12")
        assert all(abs(len(a) - len(b)) < 6 for a, b in zip(found, WORDS, strict=True))
        assert "@" in found[2]
    assert touched > 300


@pytest.mark.parametrize("rate", [0.05, 0.15])
def test_typos_are_as_many_as_asked(rate: float) -> None:
    text, rng = "where is the parcel that was sent to me " * 50, random.Random(3)
    letters = sum(c.isalpha() for c in text)
    edits = typos(text, rate, rng, spaces=0)
    assert abs(len(edits) / letters - rate) < 0.03
    assert all(a[1] <= b[0] for a, b in pairwise(edits))
    assert all(text[start].isalpha() and text[start:end] != new for start, end, new in edits if new)


def test_each_kind_of_typo_happens() -> None:
    rng, seen = random.Random(4), set()
    for _ in range(300):
        text, _ = apply("cart", (), typos("cart", 0.3, rng)[:1])
        seen.add((len(text), "".join(sorted(text)) == "acrt" and text != "cart"))
    assert seen >= {(3, False), (4, True), (4, False), (5, False)}


@pytest.mark.parametrize(
    ("text", "spans", "edits", "expected"),
    [
        ("ab cd", (("x", 3, 5),), [(0, 2, "abc")], ("abc cd", (("x", 4, 6),))),
        ("ab cd", (("x", 3, 5),), [(3, 4, "cc")], ("ab ccd", (("x", 3, 6),))),
        ("ab cd", (("x", 3, 5),), [(1, 4, "")], ("ab cd", (("x", 3, 5),))),
        ("ab c", (("x", 3, 4),), [(0, 1, ""), (3, 4, "")], ("b c", (("x", 2, 3),))),
        ("ab cd", (("x", 3, 5),), [(5, 5, " please")], ("ab cd please", (("x", 3, 5),))),
        ("ab cd", (("x", 0, 2),), [(2, 5, "")], ("ab", (("x", 0, 2),))),
    ],
)
def test_edits_move_spans(text, spans, edits, expected) -> None:  # type: ignore[no-untyped-def]
    assert apply(text, spans, edits) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("I don't know", {"I do not know", "I dont know"}),
        ("what is up", {"what's up", "whats up"}),
        ("Thanks", {"Thank you"}),
        ("help me, please", {"assist me, please"}),
        ("it's been late", {"it's been late"}),
        ("can, not do", {"can, not do"}),
    ],
)
def test_rewording_keeps_what_is_meant(text: str, expected: set[str]) -> None:
    assert {apply(text, (), reword(text, random.Random(seed), 1.0))[0] for seed in range(60)} == expected


def test_frames_leave_the_sentence_whole() -> None:
    for seed in range(100):
        text, _ = apply("Cancel my order.", (), frame("Cancel my order.", random.Random(seed)))
        assert "ancel my order" in text
        assert len(text) > len("Cancel my order.")


@pytest.mark.parametrize("text", ["", " ", "a", "it", "?!", "7"])
def test_nothing_to_change_is_fine(text: str) -> None:
    rng = random.Random(0)
    for _ in range(50):
        changed, spans = augment(text, (), rng, ALL)
        assert spans == ()
        assert bool(changed.strip()) == bool(text.strip())


def test_what_the_stack_puts_right_is_learnt_as_put_right() -> None:
    speller = Speller(["please cancel my order"] * 3, frozenset)
    text, spans = "please cancel my order", (("thing", 17, 22),)
    always = Rates(spoken=0, typo=1, drop=0, reword=0, frame=0, misheard=0, characters=(0.1, 0.15), spelled=1)
    never = Rates(spoken=0, typo=1, drop=0, reword=0, frame=0, misheard=0, characters=(0.1, 0.15), spelled=0)
    whole = {True: 0, False: 0}
    for seed in range(60):
        for rates in (always, never):
            changed, moved = augment(text, spans, random.Random(seed), rates, spell=spelled(speller))
            assert len(moved) == 1
            whole[rates is always] += changed == text
            if changed == text:
                assert moved == spans
    assert whole[True] > 40
    assert whole[False] < 15
