"""What is written becomes what is said, and nothing the customer or a document writes can break it."""

from __future__ import annotations

import datetime
import re

import pytest

from modalities.voice import numbers
from modalities.voice.normalize import clean, normalize

TODAY = datetime.date(2026, 11, 22)

SAID = [
    # ids and codes
    ("Order K123456.", "Order K, one two three, four five six."),
    ("TR123456789", "T R, one two three, four five six, seven eight nine"),
    ("#K123456, #7", "K, one two three, four five six, number seven"),
    ("use SPRING20", "use spring, two zero"),
    ("article TEE-BLK-M", "article T E E, B L K, M"),
    ("Boston, MA 02139", "Boston, M A zero two one three nine"),
    # phones, mail, web
    ("(555) 123-4567", "five five five, one two three, four five six seven"),
    ("+1 555.123.4567", "one, five five five, one two three, four five six seven"),
    ("1-800-555-0199", "one, eight zero zero, five five five, zero one nine nine"),
    ("+44 20 7946 0958", "plus four four, two zero, seven nine four six, zero nine five eight"),
    ("555-1234", "five five five, one two three four"),
    ("jane.doe9@example.com", "jane dot doe nine at example dot com"),
    ("see https://www.example.com/returns?x=1.", "see example dot com slash returns."),
    # numbers written in groups
    ("card 4111 1111 1111 1111", "card four one one one, one one one one, one one one one, one one one one"),
    ("the card ending in 4242", "the card ending in four two four two"),
    ("GB29 NWBK 6016 1331 9268 19",
     "G B two nine, N W B K, six zero one six, one three three one, nine two six eight, one nine"),
    ("020 7946 0958", "zero two zero, seven nine four six, zero nine five eight"),
    ("sort code 12-34-56", "sort code one two, three four, five six"),
    ("ext. 12", "extension twelve"),
    # money
    ("USD 1,200", "one thousand two hundred dollars"),
    ("€12,50 and 1.200,50 €",
     "twelve euros and fifty cents and one thousand two hundred euros and fifty cents"),
    ("¥500", "five hundred yen"),
    ("$5k, $1.5M", "five thousand dollars, one point five million dollars"),
    ("$12.50", "twelve dollars and fifty cents"),
    ("$1", "one dollar"),
    ("$0.01", "one cent"),
    ("$1,234.05", "one thousand two hundred thirty four dollars and five cents"),
    ("12.50 USD", "twelve dollars and fifty cents"),
    ("-$4.00", "minus four dollars"),
    ("£3.20, €1", "three pounds and twenty pence, one euro"),
    ("$12.50/month", "twelve dollars and fifty cents per month"),
    ("$2 million", "two million dollars"),
    # days and times
    ("2026-11-22", "November twenty second"),
    ("2018-03-30", "March thirtieth, twenty eighteen"),
    ("11/22/2026", "November twenty second"),
    ("Nov 3, 2025", "November third, twenty twenty five"),
    ("on May 5th", "on May fifth"),
    ("3 March", "March third"),
    ("Feb 29", "February twenty ninth"),
    ("2026-11-22T10:05:00", "November twenty second at ten oh five"),
    ("10:30 am", "ten thirty A M"),
    ("14:00", "two P M"),
    ("at 9 a.m. Then", "at nine A M. Then"),
    ("10am-5pm", "ten A M to five P M"),
    ("Mon-Fri", "Monday to Friday"),
    ("in 2026", "in twenty twenty six"),
    # quantities
    ("15%", "fifteen percent"),
    ("1 kg, 2.5 kg", "one kilogram, two point five kilograms"),
    ("3-5 days", "three to five days"),
    ("2 x Linen Shirt", "two Linen Shirt"),
    ("30 x 40 cm", "thirty by forty centimeters"),
    ("2 GB, 5 l, 1 pcs", "two gigabytes, five liters, one piece"),
    ("50 km/h", "fifty kilometers per hour"),
    ("the 1990s", "the nineteen nineties"),
    ("no. 5", "number five"),
    ("1/2, 3/4", "one half, three quarters"),
    ("4.5/5 stars", "four point five out of five stars"),
    ("1,000,000", "one million"),
    ("007", "zero zero seven"),
    ("22nd", "twenty second"),
    ("-5", "minus five"),
    ("123456789012345678901", "one two three, four five six, seven eight nine, zero one two, three four five, "
     "six seven eight, nine zero one"),
    # words
    ("size M or XL", "size medium or extra large"),
    ("Mr. Lee, 12 Main St.", "mister Lee, twelve Main street"),
    ("St. Louis", "saint Louis"),
    ("e.g. & etc.", "for example and and so on"),
    ("the PDF FAQ", "the P D F F A Q"),
    ("buy one OR two", "buy one or two"),
    ("MY ORDER IS LATE AND BROKEN", "my order is late and broken"),
    ("don't 'quote' me", "don't quote me"),
    # markup and what cannot be said
    ("**Hi** <b>there</b> [link](http://a.b/c)", "Hi there link"),
    ("# Title\n- one\n- two", "Title. one. two"),
    ("<speak>hello<break time='1s'/></speak>", "hello"),
    ("½ off Acme™ socks", "one half off Acme socks"),
    ("well,,, so...", "well, so."),
    ("fish &amp; chips", "fish and chips"),
    ("great 😀👍 thanks", "great thanks"),
    ("\x01\x1b[31mred\x07", "red"),
    ("wait…what?!", "wait. what?"),
    ("…", ""),
    ("", ""),
    ("😀 你好 مرحبا", ""),
    ("((((", ""),
    ("soooooo good", "sooo good"),
]  # fmt: skip


@pytest.mark.parametrize(("written", "said"), SAID)
def test_reads_as_a_person_would(written: str, said: str) -> None:
    assert normalize(written, TODAY) == said


@pytest.mark.parametrize("written", [written for written, _ in SAID])
def test_saying_it_again_changes_nothing(written: str) -> None:
    said = normalize(written, TODAY)
    assert normalize(said, TODAY) == said


def test_only_words_and_marks_come_out() -> None:
    everything = "".join(map(chr, range(1, 0x3100))) + " 2026-02-30 99:99 $1.2.3 K1-2-3 a@b 1/0 13/13/2013"
    assert re.fullmatch(r"[^\W\d_]+(?:[^\W\d_]|['.,?! ])*", normalize(everything, TODAY))


@pytest.mark.parametrize(
    "unit",
    ["a", "1", ",", ".,", "&", "'s", "-", "<", "[(", "$1,", "a.b@", "1/", "12:", "A1-", "http://", "*_", " \n", "K"],
)
def test_hostile_repetition_is_got_through(unit: str) -> None:
    # A pattern that backtracks would be at this for hours.
    said = normalize(unit * (30_000 // len(unit)), TODAY)
    assert re.fullmatch(r"[\w'.,?! ]*", said)


def test_the_year_is_said_only_when_it_is_another() -> None:
    assert normalize("2026-11-22", datetime.date(2027, 1, 1)) == "November twenty second, twenty twenty six"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (numbers.cardinal("1,234"), "one thousand two hundred thirty four"),
        (numbers.cardinal("0.05"), "zero point zero five"),
        (numbers.ordinal(100), "one hundredth"),
        (numbers.year(1905), "nineteen oh five"),
        (numbers.digits("1234567"), "one two three, four five six seven"),
        (numbers.digits("12345"), "one two three four five"),
        (numbers.money("1.999", "USD"), "one point nine nine nine dollars"),
        (numbers.money("0", "USD"), "zero dollars"),
        (numbers.clock(0, 30), "twelve thirty A M"),
        (numbers.clock(9, 5), "nine oh five"),
        (numbers.clock(9, 0), "nine o'clock"),
    ],
)
def test_numbers(said: str, words: str) -> None:
    assert said == words


def test_a_day_that_does_not_exist_is_no_date() -> None:
    assert numbers.date(2026, 2, 30, TODAY) is None


def test_other_languages_are_cleaned_only() -> None:
    assert clean("<b>你好</b> **мир**\x01 &amp; 2\n") == " 你好  мир  & 2\n"
