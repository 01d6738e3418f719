import datetime as dt

import pytest

from agent.checksums import luhn_digit
from agent.decode import Span
from agent.domain import EntityType, Pack
from agent.entities import Names, Recognizers, id_finds, merge
from agent.types import Entity

GOOD, BAD = "K48213" + luhn_digit("48213"), "K48213" + str((int(luhn_digit("48213")) + 1) % 10)
CATALOGUE = Names({"harbor tee": "p1", "harbor rain jacket": "p2", "jacket": "p2"})


@pytest.fixture(scope="module")
def recognizers() -> Recognizers:
    return Recognizers(Pack.load("retail"), CATALOGUE, lambda: dt.date(2026, 11, 22))


def said(code: str) -> str:
    names = "zero one two three four five six seven eight nine".split()
    return " ".join(names[int(c)] if c.isdigit() else c.lower() for c in code)


@pytest.mark.parametrize(
    ("text", "kind", "value", "source"),
    [
        (f"where is {GOOD}?", "order_id", GOOD, "checksum"),
        (f"where is {GOOD.lower()}", "order_id", GOOD, "checksum"),
        (f"order number {GOOD[1:]} please", "order_id", GOOD, "checksum"),
        (f"it's {said(GOOD)}", "order_id", GOOD, "checksum"),
        (f"it's a {said(GOOD[1:])}", "order_id", GOOD, "checksum"),
        ("i paid twelve dollars fifty", "money", "12.50 USD", "pattern"),
        ("since last friday", "date", "2026-11-20", "pattern"),
        ("ana dot lopez at mail dot com", "email", "ana.lopez@mail.com", "pattern"),
        ("call five five five one two three four five six seven", "phone", "+15551234567", "pattern"),
        ("code SPRING20", "promo_code", "SPRING20", "pattern"),
        ("in navy blue", "color", "navy", "lexicon"),
        ("my harbor  rain jacket", "product", "p2", "catalogue"),
    ],
)
def test_finds(recognizers: Recognizers, text: str, kind: str, value: str, source: str) -> None:
    found = [e for e in merge(recognizers.find(text)) if e.type == kind]
    assert [(e.value, e.source) for e in found] == [(value, source)]
    assert found[0].text == text[found[0].start : found[0].end]


def test_a_wrong_check_digit_is_not_believed(recognizers: Recognizers) -> None:
    assert not [e for e in merge(recognizers.find(f"where is {BAD}")) if e.type == "order_id"]


@pytest.mark.parametrize(
    "text",
    ["", "hello there", "🙂" * 50, "İstanbul'da", "\x00\x01", "1" * 500, "what's that", "size s", "sorry i meant 14"],
)
def test_nothing_is_made_up(recognizers: Recognizers, text: str) -> None:
    assert merge(recognizers.find(text)) == ()


def test_tagger_and_recognizer_agree_on_one_entity(recognizers: Recognizers) -> None:
    text = f"cancel {GOOD} now"
    span: Span = ("order_id", 7, 14, 0.8)
    merged = merge([*recognizers.tagged(text, [span]), *recognizers.find(text)])
    assert [(e.type, e.start, e.end, e.source) for e in merged] == [("order_id", 7, 14, "checksum")]
    assert merged[0].confidence >= 0.99


def test_tagged_words_without_the_form_count_half(recognizers: Recognizers) -> None:
    right, wrong = recognizers.tagged("tomorrow or thingy", [("date", 0, 8, 0.9), ("date", 12, 18, 0.9)])
    assert (right.value, right.confidence) == ("2026-11-23", 0.9)
    assert wrong.confidence == 0.45


def test_misspelt_products_are_found_by_likeness(recognizers: Recognizers) -> None:
    (entity,) = recognizers.tagged("my harbour rain jaket", [("product", 3, 21, 0.9)])
    assert entity.value == "p2"


def test_a_check_digit_wins_over_another_type() -> None:
    id_ = Entity("order_id", "482137", "K482137", 0, 6, "checksum", 0.8)
    phone = Entity("phone", "482137 11", "+1", 0, 9, "pattern", 0.9)
    assert merge([phone, id_]) == (id_,)


def test_digits_alone_without_check_digit_are_weak() -> None:
    postcode = EntityType("postcode", recognizer="id", pattern=r"\d{5}")
    (find,) = id_finds(postcode, "it is 94107")
    assert find.confidence < 0.5
