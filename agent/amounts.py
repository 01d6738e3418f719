"""Amounts of money in words in written form: "12.50 USD", the currency by ISO 4217, with as many decimals as it has.

A currency's name that several countries share means the pack's own where it is one of them. An amount without any
currency is found only behind words of paying ("it cost 12.50"), and less surely.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache

from agent.locales import SHARED, SIGNS, currency_codes, currency_names, digits_of
from agent.values import PATTERN, UNSURE, Find, apart, folded

LARGEST = Decimal(10) ** 15
SCALES = {"k": 3, "grand": 3, "thousand": 3, "m": 6, "mn": 6, "million": 6, "mil": 6, "bn": 9, "billion": 9}
NOTES = {"fiver": (5, "GBP"), "tenner": (10, "GBP"), "penny": (1, ""), "nickel": (5, ""), "dime": (10, "")}
CUES = "costs?|paid|pay|paying|charged?|priced?|totals?|bill(?:ed)?|refund(?:ed)?|spent|worth|amount|owed?"
PENCE = frozenset({"p", "pence", "penny"})

_NUMBER = (
    r"\d{1,3}(?:,\d{3})+(?:\.\d{1,2})?|\d{1,3}(?:\.\d{3})+(?:,\d{1,2})?|\d{1,3}(?:[ \u00a0]\d{3})+(?:[.,]\d{1,2})?"
    r"|\d+[.,]\d{1,2}(?!\d)|\d+"
)
_SCALE = r"(?:\s?(?P<scale>k|m|mn|bn)\b|\s(?P<long>thousand|million|billion|mil)\b)?"
_BETWEEN = "me|us|about|was|is|of|only|around|over|nearly|almost|a|total|for|to|be|comes|came"
_AFTER = r"\s*(?:$|[.;?!]\s|[.;?!]$|,\s|(?:and|but|for|on|when|instead|twice|back)\b)"
_MINUS = r"(?P<minus>(?<![\w.])[-−]\s?|\b(?:minus|negative)\s)?"


@dataclass(frozen=True)
class Money:
    """Reads amounts; `currency` is the pack's."""

    currency: str = "USD"

    def find(self, text: str) -> list[Find]:
        """Every amount in a written text, with a value like "12.50 USD"."""
        text = folded(text)
        return apart(self._finds(text)) if _TRIGGER.search(text.lower()) else []

    def _finds(self, text: str) -> Iterator[Find]:
        for pattern in _patterns():
            for match in pattern.finditer(text):
                part = match.groupdict()
                code, sure = self._code(part.get("unit") or "")
                value = self._value(part, code)
                if value is not None:
                    start, end = match.span("of") if part.get("of") else match.span()
                    yield Find(start, end, value, "pattern", sure if not part.get("cue") else self._bare(part))

    def _bare(self, part: dict[str, str | None]) -> float:
        return UNSURE if "." in (part["amount"] or "") or part["scale"] or part["long"] else 0.5

    def _code(self, unit: str) -> tuple[str, float]:
        """The currency of a sign, name or code, and how sure that is."""
        unit = re.sub(r"\s+", " ", unit.strip())
        name = unit.lower()
        single = name if name in SHARED else name.removesuffix("s")
        if single in SHARED and self.currency in SHARED[single].split():
            return self.currency, PATTERN
        code = SIGNS.get(name) or currency_names().get(name) or (unit.upper() if unit else self.currency)
        shared = single in SHARED and single not in ("$", "£", "dollar", "buck")
        return code, 0.7 if shared else PATTERN

    def _value(self, part: dict[str, str | None], code: str) -> str | None:
        if note := (part.get("note") or "").lower():
            whole, own = NOTES[note]
            return written(Decimal(whole) if own else Decimal(whole) / 100, own or self.currency)
        amount = decimal(part.get("amount") or "1")
        if amount is None:
            return None
        if small := (part.get("small") or "").lower():
            return written(amount / 100, "GBP" if small in PENCE else self.currency)
        amount *= Decimal(10) ** SCALES.get((part.get("scale") or part.get("long") or "").lower(), 0)
        if cents := part.get("cents"):
            amount += Decimal(re.sub(r"\D", "", cents)) / 100
        return written(-amount if part.get("minus") or part.get("after") else amount, code)


def decimal(text: str) -> Decimal | None:
    """A number with thousands set apart by commas, points or spaces, and a comma or point before the decimals."""
    text = re.sub(r"[ \u00a0]", "", text)
    last = max(text.rfind(","), text.rfind("."))
    if last >= 0 and len(text) - last - 1 != 3:
        text = re.sub(r"[.,]", "", text[:last]) + "." + text[last + 1 :]
    else:
        text = re.sub(r"[.,]", "", text)
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def written(amount: Decimal, currency: str) -> str | None:
    """An amount as its value: "12.50 USD", "1200000 JPY"; None beyond what anybody pays."""
    if abs(amount) >= LARGEST:
        return None
    return f"{amount:.{digits_of(currency)}f} {currency}"


def money(text: str, currency: str = "USD") -> str | None:
    """The first amount in a text; a bare number takes the given currency."""
    if found := Money(currency).find(text):
        return found[0].value
    bare = re.fullmatch(rf"\s*({_NUMBER})\s?(k|m|grand)?\s*", text, re.I)
    amount = decimal(bare[1]) if bare else None
    if bare is None or amount is None:
        return None
    return written(amount * Decimal(10) ** SCALES.get((bare[2] or "").lower(), 0), currency)


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    def group(words: list[str]) -> str:
        return "|".join(re.escape(w).replace(r"\ ", r"\s+") for w in sorted(words, key=len, reverse=True))

    signs, names = group(list(SIGNS)), group(list(currency_names()))
    codes = "|".join(sorted(currency_codes()))
    lower = "usd|eur|gbp|cad|aud|nzd|chf|jpy|inr|cny|sek|nok|dkk|pln|mxn"  # codes that are no words
    after = rf"(?P<unit>{names}|{lower}|[$€£¥₹₩]|zł)(?!\w)"
    cents = r"(?:(?:\s+and)?\s+(?P<cents>\d{1,2}\s+(?:cents?|pence)|\d{2}(?!\s*[%\w.]))\b)?"
    lone = r"\b(?:an?|one|per)\s"
    return (
        re.compile(rf"{_MINUS}(?<!\w)(?P<unit>{signs})\s?(?P<after>-)?(?P<amount>{_NUMBER})(?![\d]){_SCALE}", re.I),
        re.compile(rf"{_MINUS}\b(?P<unit>{codes})\s?(?P<amount>{_NUMBER})(?!\d){_SCALE}"),
        re.compile(rf"{_MINUS}(?<![\w.,])(?P<amount>{_NUMBER}){_SCALE}\s?{after}{cents}", re.I),
        re.compile(rf"{_MINUS}(?<![\w.,])(?P<amount>{_NUMBER}){_SCALE}\s?(?P<unit>{codes})\b"),
        re.compile(r"(?<![\w.,])(?P<amount>\d{1,4})\s?(?P<small>¢|cents?|pence|p)(?!\w)", re.I),
        re.compile(r"(?<![\w.,])(?P<amount>\d+|a)\s(?P<long>grand)\b(?!\s+(?:piano|total))", re.I),
        re.compile(rf"\b(?P<note>{'|'.join(NOTES)})\b", re.I),
        re.compile(rf"{lone}(?P<of>(?P<unit>dollar|buck|euro|pound))(?!\w)(?!\s+[a-z])", re.I),
        re.compile(
            rf"\b(?P<cue>{CUES})(?:\s+(?:{_BETWEEN}))*\s+(?P<of>(?P<amount>{_NUMBER}){_SCALE})(?={_AFTER})", re.I
        ),
    )


_TRIGGER = re.compile(r"\d|\b(?:dollar|buck|euro|pound|fiver|tenner|grand|penny|nickel|dime)")
"""What a text in lower case has where it names an amount."""
