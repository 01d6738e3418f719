"""Numbers and amounts of money said in words: "one hundred and five", "twelve fifty", "one point two million yen"."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from modalities.speech.numerals import DIGITS, SCALES, TEENS, TIES, Piece, Token, cardinal, end_of

SIGNS = dict.fromkeys(("dollar", "dollars", "buck", "bucks", "usd"), "$")
SIGNS |= {"euro": "€", "euros": "€", "eur": "€", "pound": "£", "pounds": "£", "quid": "£", "gbp": "£"}
UNITS = frozenset(
    "yen yuan rupee rupees franc francs won peso pesos real reais ruble rubles rouble roubles lira liras krona kronor "
    "krone kroner zloty zlotys rand shekel shekels dirham dirhams riyal riyals ringgit baht dong forint naira".split()
)
NATIONS = frozenset(
    "us american canadian australian british new hong singapore jamaican mexican argentine colombian chilean "
    "philippine swiss japanese chinese indian pakistani swedish norwegian danish czech korean south turkish russian "
    "brazilian egyptian zealand kong african".split()
)
CENTS = frozenset(("cent", "cents", "pence", "penny", "p"))
MOST_DECIMALS, MOST_NATION_WORDS = 12, 3
COSTS = frozenset("cost costs paid pay charged price total spent charge bill refunded".split())
BETWEEN = frozenset("me us about was of only is for came to just".split())


def number(tokens: Sequence[Token], at: int) -> tuple[int, list[Piece]]:
    """A number of several words: "one hundred and five", "twenty five"."""
    start = _after_article(tokens, at)
    taken, count = cardinal(tokens, start)
    if taken + start - at < 2 or (start == at and tokens[at].word in SCALES):
        return 0, []
    return start + taken - at, [(str(count), tokens[at].start, end_of(tokens[start + taken - 1]))]


def money(tokens: Sequence[Token], at: int) -> tuple[int, list[Piece]]:
    """An amount: "twelve dollars and fifty cents", "ninety two bucks seventy two", "fifty cents", "two grand"."""
    end, amount = _amount(tokens, at)
    grouped = at and tokens[at - 1].word.isdecimal() and tokens[at].word.isdecimal()  # "1 000 EUR"
    if end == at or grouped:
        return 0, []
    if end >= len(tokens) or tokens[end - 1].tail:
        return _price(tokens, at)
    word = tokens[end].word
    if word in ("cents", "cent") and amount < 100:
        return end + 1 - at, [(f"$0.{int(amount):02d}", tokens[at].start, end_of(tokens[end]))]
    if word in SIGNS:
        end, amount = _cents(tokens, end + 1, amount)
        return end - at, [(f"{SIGNS[word]}{_plain(amount)}", tokens[at].start, end_of(tokens[end - 1]))]
    named = end
    most = min(len(tokens), end + MOST_NATION_WORDS)
    while named < most and tokens[named].word in NATIONS and not tokens[named].tail:
        named += 1
    known = named < len(tokens) and (tokens[named].word in UNITS or (named > end and tokens[named].word in SIGNS))
    if known or word in ("grand", "pence"):
        return end - at, [(_plain(amount), tokens[at].start, end_of(tokens[end - 1]))]
    return _price(tokens, at)


def _amount(tokens: Sequence[Token], at: int) -> tuple[int, Decimal]:
    """The place behind an amount that begins here, and the amount: "one point two million", "half a million"."""
    words = [token.word for token in tokens[at : at + 3]]
    if words[:2] == ["half", "a"] and words[2:] and words[2] in SCALES:
        return at + 3, Decimal(SCALES[words[2]]) / 2
    start = _after_article(tokens, at)
    taken, count = cardinal(tokens, start)
    end, amount = start + taken, Decimal(count)
    if not taken or (start == at and tokens[at].word in SCALES):
        return at, amount
    if tokens[end - 1].tail:
        return end, amount
    decimals = ""
    if end < len(tokens) and tokens[end].word == "point":
        rest = tokens[end + 1 : end + 1 + MOST_DECIMALS]
        while len(decimals) < len(rest) and rest[len(decimals)].word in DIGITS:
            decimals += DIGITS[rest[len(decimals)].word]
    halves = [token.word for token in tokens[end : end + 3]] == ["and", "a", "half"]
    if decimals or halves:
        end += 1 + len(decimals) if decimals else 3
        amount += Decimal(f"0.{decimals}") if decimals else Decimal("0.5")
        if end < len(tokens) and tokens[end].word in SCALES:
            end, amount = end + 1, amount * SCALES[tokens[end].word]
    return end, amount


def _cents(tokens: Sequence[Token], end: int, amount: Decimal) -> tuple[int, Decimal]:
    """The place behind the cents that follow a unit, if any do, and the amount with them."""
    if tokens[end - 1].tail:
        return end, amount
    skip = end + (end < len(tokens) and tokens[end].word == "and")
    taken, part = cardinal(tokens, skip)
    named = skip + taken < len(tokens) and tokens[skip + taken].word in CENTS
    if taken and part < 100 and (named or (skip == end and part >= 10)):
        return skip + taken + named, amount + Decimal(part) / 100
    return end, amount


def _price(tokens: Sequence[Token], at: int) -> tuple[int, list[Piece]]:
    """An amount without its unit behind a word of paying: "it cost twelve fifty", "paid nine oh five"."""
    before = [token.word for token in tokens[max(0, at - 3) : at]]
    while before and before[-1] in BETWEEN:
        before.pop()
    if not before or before[-1] not in COSTS or not _said(tokens[at].word):
        return 0, []
    taken, whole = _below_hundred(tokens, at)
    end = at + taken
    if not taken or end >= len(tokens) or tokens[end - 1].tail:
        return 0, []
    if tokens[end].word == "oh" and end + 1 < len(tokens) and DIGITS.get(tokens[end + 1].word, "0") != "0":
        more, cents = 2, int(DIGITS[tokens[end + 1].word])
    else:
        more, cents = _below_hundred(tokens, end)
        if cents < 10:
            return 0, []
    end += more
    if end < len(tokens) and not tokens[end - 1].tail and (_said(tokens[end].word) or tokens[end].word in SCALES):
        return 0, []
    return end - at, [(f"{whole}.{cents:02d}", tokens[at].start, end_of(tokens[end - 1]))]


def _below_hundred(tokens: Sequence[Token], at: int) -> tuple[int, int]:
    """How many words say a number below a hundred here, and the number."""
    word = tokens[at].word if at < len(tokens) else ""
    if word in TIES:
        ones = tokens[at + 1].word if at + 1 < len(tokens) and not tokens[at].tail else ""
        digit = int(DIGITS.get(ones, "0"))
        return (2, 10 * TIES[word] + digit) if digit else (1, 10 * TIES[word])
    count = TEENS.get(word) or DIGITS.get(word, "0")
    return (1, int(count)) if count != "0" else (0, 0)


def _said(word: str) -> bool:
    return word in DIGITS or word in TEENS or word in TIES


def _after_article(tokens: Sequence[Token], at: int) -> int:
    """The place of "hundred" in "a hundred", else the same place."""
    return at + (tokens[at].word == "a" and at + 1 < len(tokens) and tokens[at + 1].word in SCALES)


def _plain(amount: Decimal) -> str:
    return str(int(amount)) if amount == int(amount) else f"{amount:.2f}"
