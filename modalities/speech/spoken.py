"""Written forms -> the words people say for them, one way at random: numbers, codes, money, dates, e-mail addresses.

For making sentences a language model learns from, where each way must turn up about as often as people use it. (What
the agent itself says, it says one way: `modalities.voice.normalize`.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from random import Random

ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
TENS = ["", "", *"twenty thirty forty fifty sixty seventy eighty ninety".split()]
ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
            "twelve": "twelfth"}  # fmt: skip
MONTHS = "january february march april may june july august september october november december".split()
NATO = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyz",
        "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar papa quebec "
        "romeo sierra tango uniform victor whiskey xray yankee zulu".split(),
        strict=True,
    )
)
CURRENCIES = {"$": ("dollar", "cent"), "€": ("euro", "cent"), "£": ("pound", "penny")}
SYMBOLS = {"@": "at", ".": "dot", "_": "underscore", "-": "dash", "+": "plus", "/": "slash", "&": "and", "%": "percent"}

_CODE = r"[A-Za-z]{0,8}\d[A-Za-z\d]*"
_WRITTEN = re.compile(
    r"(?P<email>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)"
    r"|(?P<money>[$€£]\s?\d[\d,]*(?:\.\d{2})?)"
    r"|(?P<date>\d{4}-\d{2}-\d{2})"
    r"|(?P<phone>\+?(?:\d{1,2}[ .-])?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4})"
    r"|(?P<ordinal>\d+(?:st|nd|rd|th)\b)"
    r"|(?P<decimal>\d+\.\d+)"
    r"|(?P<number>\b\d{1,3}(?:,\d{3})+\b|\b\d{1,4}\b)"
    rf"|(?P<code>\b{_CODE}\b)"
    r"|(?P<symbol>[&%])"
)


def say(text: str, rng: Random) -> str:
    """A sentence as somebody would say it; words stay as they are."""

    def spoken(match: re.Match[str]) -> str:
        kind, written = match.lastgroup, match.group()
        if kind == "number":
            return f" {say_number(int(written.replace(',', '')), rng)} "
        return f" {_SAYERS[kind or 'code'](written, rng)} "

    return " ".join(_WRITTEN.sub(spoken, text).split())


def say_number(number: int, rng: Random | None = None) -> str:
    """A cardinal: 342 -> "three hundred forty two" (or "three hundred and forty two"); below a million."""
    if number < 20:
        return ONES[number]
    if number < 100:
        return f"{TENS[number // 10]} {ONES[number % 10]}" if number % 10 else TENS[number // 10]
    if number >= 1_000_000:
        return " ".join(ONES[int(digit)] for digit in str(number))
    size, name = (1000, "thousand") if number >= 1000 else (100, "hundred")
    head = "a" if rng and number // size == 1 and rng.random() < 0.3 else say_number(number // size, rng)
    if not number % size:
        return f"{head} {name}"
    joint = "and " if size == 100 and rng and rng.random() < 0.3 else ""
    return f"{head} {name} {joint}{say_number(number % size, rng)}"


def say_ordinal(number: int) -> str:
    """An ordinal below a hundred: 23 -> "twenty third"."""
    *head, last = say_number(number).split()
    ending = ORDINALS.get(last) or (last[:-1] + "ieth" if last.endswith("y") else last + "th")
    return " ".join([*head, ending])


def say_code(code: str, rng: Random, mark: str = "", said_before: int = 0) -> str:
    """A code spelled out: "K482137" -> "k four eight two one three seven", "k forty eight twenty one thirty seven".

    Args:
        code: letters and digits; anything else is passed over.
        rng: chooses the way.
        mark: when given, each word carries it and how many characters of the code are said so far ("four~o2"), so
            that a language model can count.
        said_before: where that count begins, when the first characters are left out.
    """
    characters = [c for c in code.lower() if c.isalnum()]
    style, nato = rng.random(), rng.random() < 0.1
    words: list[str] = []
    at = 0
    while at < len(characters):
        taken, said = _next_group(characters[at:], style, nato, rng)
        words += [f"{word}~{mark}{said_before + at + count}" if mark else word for word, count in said]
        at += taken
    return " ".join(words)


def _next_group(rest: Sequence[str], style: float, nato: bool, rng: Random) -> tuple[int, list[tuple[str, int]]]:
    """How many characters are said next, and the words, each with how many characters are said by its end."""
    first = rest[0]
    if first.isalpha():
        return 1, [(NATO.get(first, first) if nato else first, 1)]
    run = next((i for i, c in enumerate(rest) if c != first), len(rest))
    if run >= 2 and style < 0.75 and rng.random() < 0.3:
        count = 3 if run >= 3 and rng.random() < 0.7 else 2
        return count, [({2: "double", 3: "triple"}[count], 1), (_digit(first, rng), count)]
    paired = style > 0.85 or (style > 0.75 and rng.random() < 0.5)
    if paired and len(rest) >= 2 and rest[1].isdigit() and first != "0":
        tens, ones = int(first), int(rest[1])
        if tens == 1:
            return 2, [(ONES[10 + ones], 2)]
        return 2, [(TENS[tens], 1), (ONES[ones], 2)] if ones else [(TENS[tens], 2)]
    return 1, [(_digit(first, rng), 1)]


def _digit(digit: str, rng: Random) -> str:
    return "oh" if digit == "0" and rng.random() < 0.4 else ONES[int(digit)]


def say_money(written: str, rng: Random) -> str:
    """An amount: "$12.50" -> "twelve dollars and fifty cents", "twelve fifty", "twelve dollars fifty"."""
    whole, _, cents = re.sub(r"[^\d.]", "", written).partition(".")
    unit, small = next((names for sign, names in CURRENCIES.items() if sign in written), CURRENCIES["$"])
    number, part = int(whole or 0), int((cents + "00")[:2])
    head = f"{say_number(number, rng)} {unit if number == 1 else unit + 's'}"
    if not part:
        return head
    tail = say_number(part)
    smalls = small if part == 1 else "pence" if small == "penny" else small + "s"
    if number and part >= 10 and rng.random() < 0.4:
        return f"{say_number(number)} {tail}"
    return rng.choice([f"{head} and {tail} {smalls}", f"{head} {tail}"]) if number else f"{tail} {smalls}"


def say_date(written: str, rng: Random) -> str:
    """A day written YYYY-MM-DD: "may fourth", "the fourth of may", "may fourth twenty twenty six"."""
    year, month, day = (int(part) for part in written.split("-"))
    name, ordinal = MONTHS[(month - 1) % 12], say_ordinal(day)
    said = rng.choice(
        [f"{name} {ordinal}", f"{name} {ordinal}", f"the {ordinal} of {name}", f"{name} {say_number(day)}"]
    )
    return f"{said} {say_year(year)}" if rng.random() < 0.25 else said


def say_year(year: int) -> str:
    """A year: 2026 -> "twenty twenty six", 2005 -> "two thousand five", 1999 -> "nineteen ninety nine"."""
    if 2000 <= year < 2010 or not 1000 < year < 10_000:
        return say_number(year)
    head, tail = divmod(year, 100)
    ending = "hundred" if not tail else f"oh {ONES[tail]}" if tail < 10 else say_number(tail)
    return f"{say_number(head)} {ending}"


def say_phone(written: str, rng: Random, mark: str = "") -> str:
    """A telephone number, digit by digit for the most part."""
    return say_code(re.sub(r"\D", "", written), rng, mark)


def say_email(written: str, rng: Random) -> str:
    """An e-mail address: "ann.lee7@mail.com" -> "ann dot lee seven at mail dot com"; sometimes the name is spelled."""
    name, _, domain = written.lower().partition("@")
    spelled = rng.random() < 0.15
    words = [
        *_address_words(name, spelled, rng),
        "at",
        *_address_words(domain, False, rng),
    ]
    return " ".join(words)


def _address_words(part: str, spelled: bool, rng: Random) -> Iterator[str]:
    for piece in re.findall(r"[a-z]+|\d+|[^a-z\d]", part):
        if piece.isdigit():
            yield from (say_number(int(piece)) if len(piece) == 2 and piece[0] != "0" else say_code(piece, rng)).split()
        elif piece.isalpha():
            yield from piece if spelled else [piece]
        elif piece in SYMBOLS:
            yield SYMBOLS[piece]


def _say_decimal(written: str, rng: Random) -> str:
    whole, _, rest = written.partition(".")
    return f"{say_number(int(whole), rng)} point {' '.join(ONES[int(digit)] for digit in rest)}"


_SAYERS: dict[str, Callable[[str, Random], str]] = {
    "email": say_email,
    "money": say_money,
    "date": say_date,
    "phone": say_phone,
    "ordinal": lambda written, _rng: say_ordinal(int(re.sub(r"\D", "", written)) % 100),
    "decimal": _say_decimal,
    "code": say_code,
    "symbol": lambda written, _rng: SYMBOLS[written],
}
