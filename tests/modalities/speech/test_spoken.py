from random import Random

import pytest

from modalities.speech.spoken import say, say_code, say_date, say_number, say_ordinal, say_year


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "zero"), (7, "seven"), (13, "thirteen"), (20, "twenty"), (42, "forty two"), (100, "one hundred"),
        (342, "three hundred forty two"), (1000, "one thousand"), (12_005, "twelve thousand five"),
        (999_999, "nine hundred ninety nine thousand nine hundred ninety nine"),
        (1_000_000, "one zero zero zero zero zero zero"),
    ],
)  # fmt: skip
def test_numbers(number: int, words: str) -> None:
    assert say_number(number) == words


@pytest.mark.parametrize(
    ("number", "words"),
    [(1, "first"), (3, "third"), (12, "twelfth"), (16, "sixteenth"), (20, "twentieth"), (23, "twenty third")],
)
def test_ordinals(number: int, words: str) -> None:
    assert say_ordinal(number) == words


@pytest.mark.parametrize(
    ("year", "words"),
    [
        (2026, "twenty twenty six"),
        (2005, "two thousand five"),
        (1999, "nineteen ninety nine"),
        (1905, "nineteen oh five"),
    ],
)
def test_years(year: int, words: str) -> None:
    assert say_year(year) == words


def test_codes_are_said_in_every_way() -> None:
    ways = {say_code("K482200", Random(seed)) for seed in range(300)}
    assert {"k four eight two two zero zero", "k four eight double two double zero"} <= ways
    assert any("oh" in way.split() for way in ways)
    assert any(way.startswith("kilo ") for way in ways)
    assert any("forty eight" in way for way in ways)


def test_marks_count_the_characters() -> None:
    for seed in range(100):
        said = say_code("K482137", Random(seed), mark="o").split()
        assert said[0] in ("k~o1", "kilo~o1")
        assert said[-1].endswith("~o7")
        counts = [int(word.rpartition("o")[2]) for word in said]
        assert counts == sorted(counts)
    assert say_code("482137", Random(1), "o", said_before=1).endswith("~o7")


@pytest.mark.parametrize(
    ("text", "possible"),
    [
        ("2 shirts", {"two shirts"}),
        ("10% off", {"ten percent off"}),
        ("the 3rd of July", {"the third of July"}),
        ("$12", {"twelve dollars"}),
        ("$1.50", {"one dollar and fifty cents", "one dollar fifty", "one fifty"}),
        ("call 555-123-4567 now", None),
        ("mail a.b@mail.com", None),
        ("3:20", {"three : twenty"}),
    ],
)
def test_sentences_hold_no_figures(text: str, possible: set[str] | None) -> None:
    said = {say(text, Random(seed)) for seed in range(60)}
    assert not any(character.isdigit() or character in "$%@" for way in said for character in way)
    if possible is not None:
        assert said <= possible


def test_dates_name_the_day() -> None:
    said = {say_date("2026-05-04", Random(seed)) for seed in range(100)}
    assert {"may fourth", "the fourth of may", "may fourth twenty twenty six"} <= said


def test_the_same_seed_says_the_same() -> None:
    text = "K482137 for $12.50 to ann@mail.com"
    assert say(text, Random(3)) == say(text, Random(3))
