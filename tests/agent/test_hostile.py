"""The work that a text can ask of the recognizers has a bound, whatever the text; and finding less finds the same.

Work is counted, not timed: units of codes looked at, readings made, figures searched.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent import entities
from agent.amounts import Money
from agent.days import Calendar
from agent.entities import MOST_FIGURES, MOST_GROUPS, Names, merge, within_figures
from agent.ids import id_finds
from agent.names import words_of
from agent.types import Entity
from agent.understanding import MAX_CHARACTERS
from agent.values import apart, folded
from benchmarks.entities import phrases, recognizers
from modalities.speech import codes, written
from modalities.speech.codes import MOST_UNITS
from modalities.speech.numerals import tokenize
from modalities.speech.written import MOST_READ, MOST_TRIED, MOST_TRIED_AGAIN, STARTS, readings, to_written

UNITS = (
    "1", "12 34 ", "1 ", "123-456-", "4111 1111 ", "1/2/", "1.2.3.", "1,000,", "$1 ", "5 usd ", "+1 ", "(555) ", "1\n",
    "one two three ", "forty seven ", "two hundred ", "one no ", "one no two ", "double seven ", "a b c d ", "a ",
    "kilo alpha ", "b as in boy ", "k 4 ", "upper case ", "one point ", "5 us ", "a dot b at c dot com ", "at ", "@",
    "a dot ", "com dot ", "may 5 ", "on monday ", "the 5th of ", "GB82 WEST 1234 ", "AB12 ", "costs 1 ", "to for ",
    "i to a for ", "٣٤ ", "²", "🙂", "x", "X", "-", "half a million ", "air max ",
)  # fmt: skip
HOSTILE = [(unit * MAX_CHARACTERS)[:MAX_CHARACTERS] for unit in UNITS]
WORDS = (
    *sorted(STARTS),
    *"a i b k to for won at dot com no point and us yen cents december costs x-ray 7 12 k4 $5 é".split(),
    "K",
)


def counted(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[Any]:
    """What a function is called with from now on."""
    calls: list[Any] = []
    plain: Callable[..., Any] = getattr(module, name)

    def call(*given: Any) -> Any:
        calls.append(given)
        return plain(*given)

    monkeypatch.setattr(module, name, call)
    return calls


@pytest.mark.parametrize("text", HOSTILE, ids=UNITS)
def test_work_has_a_bound(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    units = counted(monkeypatch, codes, "said_unit")
    parses = counted(monkeypatch, written, "code")
    searched = counted(monkeypatch, entities, "id_finds")
    found = recognizers(True).find(text)
    assert len(parses) <= MOST_TRIED + MOST_TRIED_AGAIN
    assert len(units) <= 3 * MOST_UNITS * (MOST_TRIED + MOST_TRIED_AGAIN) // 4
    assert len(searched) <= 4 * (2 + MOST_READ // MAX_CHARACTERS)
    assert all(sum(map(str.isdecimal, words)) <= MOST_FIGURES for _, words in searched)
    assert len(merge(found)) <= 1000


def test_a_mixed_text_is_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(7)
    units = counted(monkeypatch, codes, "said_unit")
    for _ in range(3):
        units.clear()
        recognizers(True).find(" ".join(rng.choice(WORDS) for _ in range(900))[:MAX_CHARACTERS])
        assert len(units) <= MOST_UNITS * (MOST_TRIED + MOST_TRIED_AGAIN) // 2


@pytest.mark.parametrize("text", HOSTILE, ids=UNITS)
def test_written_form_leads_back(text: str) -> None:
    form = to_written(text)
    assert len(form.text) == len(form.starts) == len(form.ends)
    assert all(0 <= start < end <= len(text) for start, end in zip(form.starts, form.ends, strict=True))


def test_real_messages_are_far_from_the_bounds() -> None:
    orders = ", ".join(f"K{number}" for number in range(100_000, 100_080))
    letter = "I have a question about a parcel, and I am sure that I sent it. " * 40 + f"The orders are {orders}."
    assert len(letter) < MAX_CHARACTERS
    assert within_figures(letter) == letter
    tokens = tokenize(letter)
    assert sum(written._is_tried(tokens, at) for at in range(len(tokens))) < MOST_TRIED
    said = (
        "i think that it was a good thing to do for one of us. " * 60 + "my number is k four eight two one three seven"
    )
    assert to_written(said).text.endswith("my number is K482137")


def test_figures_are_cut_between_groups() -> None:
    many = "12 " * (MOST_GROUPS + 20)
    assert within_figures(many) == "12 " * MOST_GROUPS
    assert within_figures("call me " * 50 + "9" * (MOST_FIGURES + 1)) == "call me " * 50


def plain_readings(text: str) -> list[tuple[str, tuple[int, ...], tuple[int, ...]]]:
    """Every reading, by parsing whatever the words are."""
    found: dict[str, written.Written] = {}
    for tokens in written._partings(tokenize(text)):
        form = written._write(text, tokens)
        found.setdefault(form.text, form)
    return [(form.text, tuple(form.starts), tuple(form.ends)) for form in found.values()]


def shown(forms: Iterable[written.Written]) -> list[tuple[str, tuple[int, ...], tuple[int, ...]]]:
    return [(form.text, tuple(form.starts), tuple(form.ends)) for form in forms]


@settings(max_examples=250, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=8), st.sampled_from([" ", "-", ", ", ". ", " - "]))
def test_words_that_say_nothing_need_no_parsing(words: list[str], joint: str) -> None:
    text = joint.join(words)
    assert shown(readings(text)) == plain_readings(text)
    assert shown([to_written(text)]) == plain_readings(text)[:1]


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from("ai bk.-'\"(@,?toforAK12²éİK\n"), max_size=24))
def test_characters_that_say_nothing_need_no_parsing(text: str) -> None:
    assert shown(readings(text)) == plain_readings(text)


def test_phrases_are_read_alike_with_and_without_the_short_cut() -> None:
    for phrase in phrases():
        assert shown(readings(phrase.text)) == plain_readings(phrase.text)


NAMES = Names({"air max 90": "a", "boots": "b", "boot": "c", "glass": "d", "dish": "e", "harbor rain jacket": "f"})


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from("air max ninety boots boot boot's glasses glass dishes dish's harbor rain s x".split())),
    st.booleans(),
)
def test_names_are_found_wherever_one_begins(words: list[str], plurals: bool) -> None:
    text = " ".join(words)
    found, at = [], 0
    forms = words_of(text)
    while at < len(forms):  # every stretch from every word, longest first
        for count in range(min(3, len(forms) - at), 0, -1):
            key = " ".join(word.form for word in forms[at : at + count])
            value = NAMES._table.get(key) or (NAMES._plural(key) if plurals else None)
            if value:
                found.append((forms[at].start, forms[at + count - 1].end, value))
                at += count - 1
                break
        at += 1
    assert list(NAMES.exact(forms, plurals=plurals)) == found


def test_a_name_said_exactly_is_nearest_to_itself() -> None:
    assert NAMES.nearest("the") is None
    assert NAMES.nearest("Boots") == ("b", 1.0)
    like = NAMES.nearest("harbour rain jaket")
    assert like is not None
    assert like[0] == "f"
    assert 0.8 < like[1] < 1.0


def test_an_id_that_two_readings_fit_is_unsure_and_keeps_both() -> None:
    (unsure,) = merge(recognizers(True).find("where is k twenty two twenty one eight"))
    assert {unsure.value, *unsure.alternatives} == {"K202218", "K222018"}
    assert unsure.source == "checksum"
    assert unsure.confidence < 0.5


def test_an_id_that_one_reading_fits_is_sure() -> None:
    (split,) = merge(recognizers(True).find("where is k eighty seven seventy nineteen"))
    (plain,) = merge(recognizers(True).find("where is k eight seven seven oh one nine"))
    assert split.value == plain.value == "K877019"
    assert (split.alternatives, plain.alternatives) == ((), ())
    assert min(split.confidence, plain.confidence) > 0.9


def test_the_likeliest_reading_is_believed_beside_another_that_checks() -> None:
    first = Entity("order_id", "k ...", "K482137", 0, 9, "checksum", 0.99)
    other = replace(first, value="K408217")
    mine, doubtful = entities.doubted([first], [other])
    assert (mine.value, mine.confidence, mine.alternatives) == ("K482137", 0.99, ("K408217",))
    assert doubtful.confidence < mine.confidence
    assert merge([mine, doubtful]) == (mine,)
    elsewhere = replace(other, start=20, end=29)
    assert entities.doubted([first], [elsewhere]) == [first, elsewhere]


@pytest.mark.parametrize("text", ["order ²³¹", "K４８２１３７", "x² and y²"])
def test_figures_of_other_alphabets_do_no_harm(text: str) -> None:
    kind = recognizers(True).types["order_id"]
    assert all(find.source == "checksum" or find.confidence < 0.5 for find in id_finds(kind, text))


DAY_WORDS = (
    "on the of 3rd 5 5th may sept december 2026 12/25 2026-05-03 tuesday fri mon ſunday tonight tomorrow day yesterday "
    "two weeks ago in next last month end black friday thanksgiving christmas eve  new year's valentine’s halloween"
    " xmas K"
).split()
PAID_WORDS = "paid costs 5 12.50 $ usd EUR dollars a buck fiver fıver two grand pence penny ¢ £3 1,200 yen k K".split()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(DAY_WORDS), max_size=6), st.lists(st.sampled_from(PAID_WORDS), max_size=6))
def test_no_day_and_no_amount_is_missed_by_looking_first(days: list[str], paid: list[str]) -> None:
    for text in (" ".join(days), " ".join(days).upper()):
        calendar = Calendar(dt.date(2026, 11, 22))
        assert calendar.find(text) == apart(calendar._finds(folded(text)))
    for text in (" ".join(paid), " ".join(paid).upper()):
        assert Money("USD").find(text) == apart(Money("USD")._finds(folded(text)))
