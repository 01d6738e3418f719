"""Numbers, amounts, days and ids as people say them."""

from __future__ import annotations

import random

from modalities.speech.spoken import ONES, SYMBOLS
from modalities.speech.spoken import say_number as number
from modalities.speech.spoken import say_ordinal as ordinal
from modalities.speech.spoken import say_year as year

__all__ = ["digits", "email", "identifier", "money", "number", "ordinal", "pairs", "year"]


def digits(text: str, rng: random.Random) -> str:
    """Digits one by one, now and then "oh" for zero and "double four" for a pair."""
    zero = rng.choice(("zero", "oh"))
    doubled = rng.random() < 0.25
    words: list[str] = []
    i = 0
    while i < len(text):
        word = zero if text[i] == "0" else ONES[int(text[i])]
        if doubled and text[i : i + 2] == text[i] * 2:
            words.append(f"double {word}")
            i += 2
        else:
            words.append(word)
            i += 1
    return " ".join(words)


def pairs(text: str) -> str:
    """Digits by twos: "forty eight twenty one oh seven"; a leading odd digit stands alone."""
    head, rest = text[: len(text) % 2], text[len(text) % 2 :]
    words = [ONES[int(head)]] if head else []
    for i in range(0, len(rest), 2):
        pair = rest[i : i + 2]
        if pair[0] == "0":
            words.append("double oh" if pair == "00" else f"oh {ONES[int(pair[1])]}")
        else:
            words.append(number(int(pair)))
    return " ".join(words)


def identifier(text: str, rng: random.Random) -> str:
    """An id with leading letters: letters one by one, then its digits in one of the ways people group them."""
    letters = "".join(c for c in text if c.isalpha()).lower()
    figures = "".join(c for c in text if c.isdigit())
    said = pairs(figures) if rng.random() < 0.3 else digits(figures, rng)
    return " ".join([*letters, said])


def money(cents: int, rng: random.Random) -> str:
    """An amount in dollars: "twelve dollars fifty", "twelve fifty", "forty bucks"."""
    dollars, rest = divmod(cents, 100)
    whole = number(dollars)
    unit = "dollar" if dollars == 1 else rng.choice(("dollars", "dollars", "dollars", "bucks"))
    if not rest:
        return f"{whole} {unit}"
    tail = number(rest) if rest > 9 else f"oh {number(rest)}"
    forms = [f"{whole} {unit} {tail}", f"{whole} {unit} and {number(rest)} cents", f"{whole} {tail}"]
    return rng.choice(forms)


def email(address: str, rng: random.Random) -> str:
    """An e-mail address as it is said: "ana dot lopez at mail dot com", names sometimes spelled."""
    local, domain = address.split("@")
    words: list[str] = []
    spell = rng.random() < 0.15
    for part in _split(local):
        if part in SYMBOLS:
            words.append(SYMBOLS[part])
        elif part.isdigit():
            words.append(pairs(part) if len(part) == 2 and part[0] != "0" else digits(part, rng))
        else:
            words.append(" ".join(part) if spell else part)
    return " ".join([*words, "at", *(SYMBOLS.get(part, part) for part in _split(domain))])


def _split(text: str) -> list[str]:
    parts: list[str] = []
    for c in text:
        same = parts and c.isalnum() and parts[-1].isalnum() and c.isdigit() == parts[-1].isdigit()
        if same:
            parts[-1] += c
        else:
            parts.append(c)
    return parts
