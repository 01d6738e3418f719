"""Currencies and countries by the names people use: ISO 4217 and ISO 3166 codes, out of Unicode's CLDR through Babel.

Everything is read when first asked for. What CLDR does not name ("quid", "the states") is added here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

SIGNS = {
    "us$": "USD", "c$": "CAD", "ca$": "CAD", "a$": "AUD", "au$": "AUD", "nz$": "NZD", "hk$": "HKD", "s$": "SGD",
    "r$": "BRL", "$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "₹": "INR", "₩": "KRW", "₽": "RUB", "₺": "TRY",
    "₪": "ILS", "₫": "VND", "₴": "UAH", "฿": "THB", "₱": "PHP", "₦": "NGN", "zł": "PLN", "rs": "INR", "rm": "MYR",
}  # fmt: skip
WORDS = {
    "dollar": "USD", "buck": "USD", "euro": "EUR", "pound": "GBP", "quid": "GBP", "sterling": "GBP",
    "pound sterling": "GBP", "yen": "JPY", "yuan": "CNY", "renminbi": "CNY", "rmb": "CNY", "rupee": "INR",
    "franc": "CHF", "won": "KRW", "peso": "MXN", "real": "BRL", "reais": "BRL", "rouble": "RUB", "ruble": "RUB",
    "lira": "TRY", "krona": "SEK", "kronor": "SEK", "krone": "NOK", "kroner": "NOK", "zloty": "PLN", "złoty": "PLN",
    "rand": "ZAR", "shekel": "ILS", "dirham": "AED", "riyal": "SAR", "ringgit": "MYR", "baht": "THB", "dong": "VND",
    "hryvnia": "UAH", "forint": "HUF", "koruna": "CZK", "naira": "NGN", "us dollar": "USD", "american dollar": "USD",
    "u.s. dollar": "USD", "hong kong dollar": "HKD", "singapore dollar": "SGD",
}  # fmt: skip
SHARED = {"dollar": "USD CAD AUD NZD SGD HKD", "buck": "USD CAD AUD NZD", "$": "USD CAD AUD NZD SGD HKD MXN",
          "pound": "GBP EGP", "£": "GBP EGP", "¥": "JPY CNY", "peso": "MXN ARS CLP COP PHP", "rupee": "INR PKR LKR NPR",
          "rs": "INR PKR LKR", "franc": "CHF XOF XAF", "krone": "NOK DKK", "kroner": "NOK DKK",
          "krona": "SEK ISK", "koruna": "CZK"}  # fmt: skip
"""Names that several currencies have; the pack's own currency is meant where it is among them."""

COUNTRIES = {
    "usa": "US", "u.s.": "US", "u.s": "US", "u.s.a.": "US", "america": "US", "the states": "US",
    "united states of america": "US", "the us": "US", "uk": "GB", "u.k.": "GB", "britain": "GB", "great britain": "GB",
    "england": "GB", "scotland": "GB", "wales": "GB", "northern ireland": "GB", "holland": "NL",
    "the emirates": "AE", "uae": "AE", "czech republic": "CZ", "korea": "KR", "ivory coast": "CI", "burma": "MM",
    "macedonia": "MK", "turkey": "TR", "swaziland": "SZ", "hong kong": "HK", "macau": "MO", "palestine": "PS",
    "congo": "CG", "republic of ireland": "IE", "saint lucia": "LC", "vatican": "VA", "bosnia": "BA",
}  # fmt: skip
_NO_COUNTRIES = frozenset({"EU", "EZ", "UN", "ZZ", "XA", "XB", "QO", "AC", "CP", "CQ", "DG", "EA", "IC", "TA"})
OTHERWISE = frozenset({"turkey", "chad", "jersey", "jordan", "georgia", "guinea", "mali", "niger", "china", "cuba"})
"""Country names that are at least as often a bird, a first name, a shirt, a state or a dish's ware."""


@cache
def currency_names() -> dict[str, str]:
    """Names of today's currencies in lower case, singular and plural -> code."""
    from babel import Locale
    from babel.numbers import get_currency_name

    locale = Locale("en")
    names: dict[str, str] = {}
    for code in sorted(currency_codes()):
        for count in (None, 1, 2):
            name = get_currency_name(code, count, locale).lower()
            if name != code.lower():
                names.setdefault(name, code)
    for name, code in WORDS.items():
        names |= {name: code, f"{name}s": code}
    return names


@cache
def currency_codes() -> frozenset[str]:
    """Codes of the currencies that some country pays with today."""
    from babel.core import get_global

    tender = get_global("territory_currencies").values()
    return frozenset(code for rows in tender for code, _, end, legal, *_ in rows if end is None and legal)


@cache
def digits_of(currency: str) -> int:
    """Decimals of a currency: 2 for most, 0 for yen."""
    from babel.numbers import get_currency_precision

    return int(get_currency_precision(currency))


@cache
def country_names() -> dict[str, str]:
    """Names of countries in lower case -> code."""
    from babel import Locale

    territories = Locale("en").territories
    names: dict[str, str] = {}
    for code, name in territories.items():
        if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRIES:
            plain = name.lower().replace("’", "'").replace("&", "and")
            names[plain] = code
            names[plain.replace("st. ", "saint ").removesuffix(" sar china")] = code
    return names | COUNTRIES


def shared(name: str, own: str) -> str | None:
    """The pack's own currency where it is one of those that a name or sign stands for."""
    name = name.lower()
    name = name if name in SHARED else name.removesuffix("s")
    return own if own in SHARED.get(name, "").split() else None


def written_codes(text: str) -> Iterator[tuple[int, int, str]]:
    """Currency codes in capitals ("GBP")."""
    for match in re.finditer(r"(?<![A-Za-z])[A-Z]{3}(?![A-Za-z])", text):
        if match[0] in currency_codes():
            yield match.start(), match.end(), match[0]
