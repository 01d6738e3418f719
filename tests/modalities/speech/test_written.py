from random import Random

import pytest

from modalities.speech.spoken import say_code, say_email, say_money
from modalities.speech.written import readings, to_written


@pytest.mark.parametrize(
    ("spoken", "written"),
    [
        ("", ""),
        ("where is my order", "where is my order"),
        ("my order is k four eight two one three seven please", "my order is K482137 please"),
        ("k forty eight twenty one thirty seven", "K482137"),
        ("k forty-eight twenty-one thirty-seven", "K482137"),
        ("k as in kilo four eight double two one seven", "K482217"),
        ("kilo four eight oh oh seven seven thanks", "K480077 thanks"),
        ("k triple five one nine zero", "K555190"),
        ("k nine o five one two three", "K905123"),
        ("k six four three two hundred eighty eight", "K643288"),
        ("a k four eight two one three seven", "a K482137"),
        ("t r five four three six five eight seven three six", "TR543658736"),
        ("six one seven double five five oh one one five", "6175550115"),
        ("six oh nine two oh", "60920"),
        ("a size x l", "a size XL"),
        ("two shirts and twenty five socks", "two shirts and 25 socks"),
        ("nine hundred thirty four harbor view road", "934 harbor view road"),
        ("one hundred and five", "105"),
        ("one hundred and five dollars", "$105"),
        ("ninety two bucks and seventy two cents back", "$92.72 back"),
        ("i paid twelve dollars fifty", "i paid $12.50"),
        ("it cost fifty cents", "it cost $0.50"),
        ("grace underscore kowalski at example dot com", "grace_kowalski@example.com"),
        ("it's j o h n dot smith seven seven at gmail dot com please", "it's john.smith77@gmail.com please"),
        ("my email is susan wright at icloud dot com", "my email is susanwright@icloud.com"),
        ("march sixteenth or the twenty third of may", "march 16th or the 23rd of may"),
        ("i want a refund", "i want a refund"),
        ("mike lima speaking", "mike lima speaking"),
        ("meet me at the hotel", "meet me at the hotel"),
        ("can i return it", "can i return it"),
        ("Order K482137, two shirts.", "Order K482137, two shirts."),
        ("May 5 2026 is fine - thanks!", "May 5 2026 is fine - thanks!"),
        ("call 206 555 0125", "call 206 555 0125"),
    ],
)
def test_words_are_written_down(spoken: str, written: str) -> None:
    assert to_written(spoken).text == written


@pytest.mark.parametrize(
    ("spoken", "part", "words"),
    [
        ("my order k four eight two one three seven please", "K482137", "k four eight two one three seven"),
        ("my order k four eight two one three seven please", "please", "please"),
        ("my order k four eight two one three seven please", "37", "three seven"),
        ("i paid twelve dollars fifty, thanks", "$12.50", "twelve dollars fifty"),
        ("use ann dot lee at mail dot com now", "ann.lee@mail.com", "ann dot lee at mail dot com"),
        ("k double two one nine", "K22", "k double two"),
        ("k as in kilo four eight two", "K", "k as in kilo"),
    ],
)
def test_every_character_points_back(spoken: str, part: str, words: str) -> None:
    written = to_written(spoken)
    start = written.text.index(part)
    begin, end = written.original(start, start + len(part))
    assert spoken[begin:end] == words


@pytest.mark.parametrize("span", [(0, 0), (-1, 2), (3, 99)])
def test_spans_outside_are_refused(span: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="span must be within"):
        to_written("hello").original(*span)


def test_tens_before_a_digit_have_two_readings() -> None:
    assert [r.text for r in readings("k six three three sixty five")] == ["K63365", "K633605"]
    assert len(readings("k six three three one two three")) == 1


@pytest.mark.parametrize(
    "text",
    ["\x00\x07 k four", "👍 k four eight two", "שלום four eight two one", "a" * 100_000, "- - -", '"', "one " * 20_000],
)
def test_strange_text_keeps_its_length_of_marks(text: str) -> None:
    written = to_written(text)
    assert len(written.text) == len(written.starts) == len(written.ends)
    assert all(0 <= a < b <= len(text) for a, b in zip(written.starts, written.ends, strict=True))


def test_every_way_to_say_a_code_is_read_back() -> None:
    rng = Random(7)
    for _ in range(500):
        code = f"K{rng.randrange(1_000_000):06d}"
        assert code in [reading.text for reading in readings(say_code(code, rng))]


def test_every_way_to_say_an_address_and_an_amount_is_read_back() -> None:
    rng = Random(7)
    for _ in range(200):
        address = rng.choice(["ann.lee@mail.com", "j_smith7@example.com", "k.brown22@gmail.com", "wei-chen@icloud.com"])
        assert to_written(say_email(address, rng)).text == address
        amount = f"${rng.randrange(1, 400)}.{rng.randrange(10, 100)}"
        said = say_money(amount, rng)
        if "dollar" in said:
            assert to_written(said).text == amount
