"""How what is written is read out: an ordered table of patterns, each with the words it becomes.

Earlier rules take what later ones would misread: an e-mail before its dots, a phone number before its digits. Every
pattern takes time linear in the text, whatever the text.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable
from functools import lru_cache, partial

from modalities.voice import numbers

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]

_ABBREVIATIONS = {
    "e.g.": "for example",
    "i.e.": "that is",
    "etc.": "and so on",
    "vs.": "versus",
    "approx.": "about",
    "mr.": "mister",
    "mrs.": "missus",
    "ms.": "miz",
    "dr.": "doctor",
    "st.": "street",
    "ave.": "avenue",
    "rd.": "road",
    "blvd.": "boulevard",
    "apt.": "apartment",
    "dept.": "department",
    "incl.": "including",
    "inc.": "incorporated",
    "ltd.": "limited",
    "co.": "company",
    "qty": "quantity",
    "ext.": "extension",
    "tel.": "telephone",
    "mph": "miles per hour",
    "w/o": "without",
    "w/": "with ",
    "24/7": "twenty four seven",
    "and/or": "and or",
}

_SIZES = {
    "2XL": "double extra large",
    "3XL": "triple extra large",
    "XXS": "double extra small",
    "XS": "extra small",
    "XL": "extra large",
    "XXL": "double extra large",
}
_SIZE_LETTERS = {"S": "small", "M": "medium", "L": "large"}

# One and many of what is measured.
_UNITS = {
    "kg": ("kilogram", "kilograms"),
    "g": ("gram", "grams"),
    "mg": ("milligram", "milligrams"),
    "lb": ("pound", "pounds"),
    "lbs": ("pound", "pounds"),
    "oz": ("ounce", "ounces"),
    "km": ("kilometer", "kilometers"),
    "cm": ("centimeter", "centimeters"),
    "mm": ("millimeter", "millimeters"),
    "ft": ("foot", "feet"),
    "mi": ("mile", "miles"),
    "ml": ("milliliter", "milliliters"),
    "l": ("liter", "liters"),
    "MB": ("megabyte", "megabytes"),
    "GB": ("gigabyte", "gigabytes"),
    "TB": ("terabyte", "terabytes"),
    "km/h": ("kilometer per hour", "kilometers per hour"),
    "pcs": ("piece", "pieces"),
    "hr": ("hour", "hours"),
    "hrs": ("hour", "hours"),
    "h": ("hour", "hours"),
    "min": ("minute", "minutes"),
    "mins": ("minute", "minutes"),
    "°C": ("degree Celsius", "degrees Celsius"),
    "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
    '"': ("inch", "inches"),
    "%": ("percent", "percent"),
}

_SYMBOLS = {
    "&": " and ",
    "@": " at ",
    "+": " plus ",
    "=": " equals ",
    "€": " euros ",
    "£": " pounds ",
    "$": " dollars ",
}
_WEEKDAYS = {name[:3]: name for name in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")}
# Short words that stay words when written large; other runs of two and three capitals are initials.
_LOUD = re.compile(
    "A|ALL|AN|AND|ANY|ARE|AS|AT|BE|BUT|BUY|BY|CAN|DO|FOR|FREE|GET|GO|HAS|IF|IN|IS|IT|MY|"
    "NEW|NO|NOT|NOW|OF|OFF|ON|ONE|OR|OUR|OUT|SALE|SO|THE|TO|TWO|UP|WE|WILL|YES|YOU|ZIP|PIN|SIM"
)
_SIGNS = {"$": "USD", "US$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}
_MANY = {"k": "thousand", "K": "thousand", "m": "million", "M": "million", "bn": "billion", "B": "billion"}
_HALVES = {"2": "half", "3": "third", "4": "quarter", "8": "eighth"}

_MONTH_NAMES = {name[:3].lower(): number for number, name in enumerate(numbers.MONTHS, start=1)}
_MONTH = r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)(?:[a-z]{0,6})\.?"
_AMOUNT = r"((?:\d{1,3}(?:,\d{3}){1,5}(?!\d)|\d{1,15})(?:\.\d{1,4})?)"
_WEEKDAY = r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun)(?:[a-z]{0,6})"


def _any(choices: Iterable[str]) -> str:
    """A pattern for any of the choices, longest first."""
    return "|".join(map(re.escape, sorted(choices, key=len, reverse=True)))


@lru_cache(maxsize=4)
def rules(today: datetime.date) -> tuple[Rule, ...]:
    """The rules in the order they apply."""
    day = partial(_day, today=today)
    return (
        (re.compile(r"\bhttps?://(?:www\.)?([^\s<>\"']{1,300})", re.I), _url),
        (re.compile(r"(?<![\w.+-])([\w.+-]{1,64})@((?:[\w-]{1,63}\.){1,4}[A-Za-z]{2,24})\b"), _email),
        (re.compile(r"\bwww\.([^\s<>\"']{1,300})", re.I), _url),
        (re.compile(r"\b([a-z0-9-]{2,63}\.(?:com|org|net|shop|store|io))\b((?:/[\w/-]{1,200})?)", re.I), _url),
        (re.compile(r"\b[A-Z]{2}\d{2}(?: [A-Z\d]{4}){3,7}(?: [A-Z\d]{1,3})?\b"), _groups),
        (re.compile(r"(?<![\w-])\d{4}(?:[ -]\d{4}){2,4}(?:[ -]\d{1,3})?(?![\w-])"), _groups),
        (re.compile(r"(?<![\w+-])0\d{2,4}(?: \d{3,4}){2,3}(?![\w-])"), _groups),
        (re.compile(r"(?<=[Ee]nding in )\d{2,6}\b|(?<=[Ee]nding with )\d{2,6}\b"), _groups),
        (re.compile(r"\b(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2})(?::\d{2}(?:\.\d{1,9})?)?Z?)?\b"), day),
        (re.compile(r"\b(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})\b"), lambda m: _slashed(m, today)),
        (re.compile(rf"\b{_MONTH} (\d{{1,2}})(?:st|nd|rd|th)?\b(?:,? (\d{{4}})\b)?"), lambda m: _named(m, today)),
        (
            re.compile(rf"\b(\d{{1,2}})(?:st|nd|rd|th)? {_MONTH}(?![\w.])(?:,? (\d{{4}})\b)?"),
            lambda m: _named(m, today),
        ),
        (re.compile(rf"\b{_WEEKDAY} ?- ?{_WEEKDAY}\b"), lambda m: f"{_WEEKDAYS[m[1]]} to {_WEEKDAYS[m[2]]}"),
        (re.compile(r"(?<=[\dm]) ?- ?(?=\d{1,2}(?::\d\d| ?[ap]m))"), lambda m: " to "),
        (
            re.compile(
                r"(?<![\d:])([01]?\d|2[0-3]):([0-5]\d)(?::[0-5]\d)?(?: ?([ap])(?:\.m\.(?! [A-Z])|\.?m\b))?(?![\d:])",
                re.I,
            ),
            _clock,
        ),
        (re.compile(r"\b(1[0-2]|0?[1-9]) ?([ap])(?:\.m\.(?! [A-Z])|\.?m\b)", re.I), _hour),
        (re.compile(r"(?<![\w,.])(\d{1,3})((?:\.\d{3}){0,4}),(\d\d)(?= ?(?:€|EUR\b))"), _comma_amount),
        (re.compile(r"(?<=€)( ?\d{1,3})((?:\.\d{3}){0,4}),(\d\d)(?![\d,])"), _comma_amount),
        (re.compile(rf"(?<![\w-])(-?)(US\$|[$€£¥]) ?{_AMOUNT} ?(million|billion|bn|[kKmMB])\b"), _much_money),
        (re.compile(rf"(?<![\w-])(-?)(US\$|[$€£¥]) ?{_AMOUNT}(?![\d%])"), _money),
        (re.compile(rf"(?<![\w.])(-?){_AMOUNT} ?(USD|EUR|GBP|JPY|[€£¥])(?!\w)"), _coded_money),
        (re.compile(rf"\b()(USD|EUR|GBP|JPY) ?{_AMOUNT}(?![\d%])"), lambda m: numbers.money(m[3], m[2])),
        (re.compile(r"(?<![\w+])(\+?1[ .-]?)?\(?(\d{3})\)?[ .-]{0,2}(\d{3})[ .-](\d{4})(?!\w|[.-]\d)"), _phone),
        (re.compile(r"(?<![\w+-])\+(\d[\d -]{6,18}\d)(?!\w)"), _foreign_phone),
        (re.compile(r"(?<![\w-])(\d{3})-(\d{4})(?![\w-])"), _phone_tail),
        (re.compile(r"(?<![A-Za-z] )\bSt\.(?= [A-Z])"), lambda m: "saint"),
        (re.compile(r"/(?=(?:month|week|day|year|hour|night|person|item|piece|order)\b)"), lambda m: " per "),
        (re.compile(rf"(?<![\w/])(?:{_any(_ABBREVIATIONS)})(?![\w/])", re.I), _abbreviation),
        (re.compile(r"(?<!\w)(?:#|[Nn]o\. ?)(?=\d)"), lambda m: "number "),
        (re.compile(r"(?<![\w-])\d{1,6}(?:-\d{1,6}){2,6}(?![\w-])"), _groups),
        (re.compile(r"\b((?:19|20)\d)0s\b"), _decade),
        (re.compile(r"(?<!\w)#(?=[A-Z])"), lambda m: ""),
        (re.compile(rf"{_AMOUNT} ?([MGT]B)\b"), _unit),
        (re.compile(r"\b(?:XX?S|XX?L|[23]XL)\b"), lambda m: _SIZES[m[0]]),
        (re.compile(r"\b(?=[A-Z\d-]{0,24}\d)(?=[\d-]{0,24}[A-Z])[A-Z\d]{2,25}(?:-[A-Z\d]{1,25}){0,5}\b"), _code),
        (re.compile(r"\b[A-Z]{1,6}(?:-[A-Z]{1,6}){1,5}\b"), _code),
        (re.compile(r"\b([Ss]izes? )([SML])\b"), lambda m: m[1] + _SIZE_LETTERS[m[2]]),
        (re.compile(r"\b([A-Z]{2,5})(s?)\b"), _initials),
        (re.compile(r"\b(\d{1,9})(?:st|nd|rd|th)\b"), lambda m: numbers.ordinal(int(m[1]))),
        (re.compile(r"\b(\d{1,6}) ?x (?=[A-Za-z])"), lambda m: numbers.cardinal(m[1]) + " "),
        (re.compile(r"\b(\d{1,6})x\b"), lambda m: numbers.cardinal(m[1]) + " times"),
        (re.compile(r"(?<=\d) ?x ?(?=\d)"), lambda m: " by "),
        (re.compile(r"(?<=\d)(?:-| - )(?=\d)"), lambda m: " to "),
        (re.compile(rf"{_AMOUNT} ?({_any(_UNITS)})(?!\w)"), _unit),
        (re.compile(r"(?<=\d)/(?=(?:5|10|100)\b)"), lambda m: " out of "),
        (re.compile(r"(?<![\d.,/])(\d{1,3})/([2348])\b(?!/)"), _fraction),
        (re.compile(r"(?<![\w.,])(?:19|20)\d\d(?![\w,]|\.\d)"), lambda m: numbers.year(int(m[0]))),
        (re.compile(r"(?<![\w.,])(\d{5,})(?![\w,]|\.\d)"), lambda m: numbers.digits(m[1])),
        (re.compile(r"(?<![\w.])-(?=\d)"), lambda m: "minus "),
        (re.compile(r"\d{1,3}(?:,\d{3}){1,5}(?:\.\d{1,20})?|\d{1,40}(?:\.\d{1,20})?"), _number),
        (re.compile(r"~(?=\s?[a-z])"), lambda m: " about "),
        (re.compile(_any(_SYMBOLS)), lambda m: _SYMBOLS[m[0]]),
        (re.compile(r"(?<=[A-Za-z])/(?=[A-Za-z])"), lambda m: " or "),
    )


def _url(match: re.Match[str]) -> str:
    address = "".join(part for part in match.groups() if part)
    cut = address.rstrip(".,;:!?)")
    path = re.split(r"[?#]", cut)[0].rstrip("/")
    return " " + _spoken_address(path) + address[len(cut) :]


def _email(match: re.Match[str]) -> str:
    return f"{_spoken_address(match[1])} at {_spoken_address(match[2])}"


def _spoken_address(address: str) -> str:
    """An address read out: "jo-ann.lee2" -> "jo dash ann dot lee two"."""
    signs = {".": "dot", "-": "dash", "_": "underscore", "/": "slash", "+": "plus", "@": "at"}
    parts = re.findall(r"[A-Za-z]+|\d+|[./_+@-]", address)
    words = [numbers.digits(part) if part[0].isdigit() else signs.get(part, part.lower()) for part in parts]
    return " ".join(words)


def _day(match: re.Match[str], today: datetime.date) -> str:
    said = numbers.date(int(match[1]), int(match[2]), int(match[3]), today)
    if said is None:
        return ", ".join(numbers.digits(part) for part in match.group(1, 2, 3))
    return f"{said} at {numbers.clock(int(match[4]) % 24, int(match[5]) % 60)}" if match[4] else said


def _slashed(match: re.Match[str], today: datetime.date) -> str:
    year = int(match[3]) + (2000 if len(match[3]) == 2 else 0)
    return numbers.date(year, int(match[1]), int(match[2]), today) or match[0]


def _named(match: re.Match[str], today: datetime.date) -> str:
    """A day by its name: "Nov 22", "November 22nd, 2026" or "22 November"."""
    name, day = (match[1], match[2]) if match[2].isdigit() else (match[2], match[1])
    month = _MONTH_NAMES[name.lower()]
    if match[3]:
        return numbers.date(int(match[3]), month, int(day), today) or match[0]
    # Without a year any day of a leap year may be meant.
    leap = datetime.date(2024, 1, 1)
    return numbers.date(leap.year, month, int(day), leap) or match[0]


def _clock(match: re.Match[str]) -> str:
    half = f"{match[3].lower()}m" if match[3] else ""
    return numbers.clock(int(match[1]), int(match[2]), half)


def _hour(match: re.Match[str]) -> str:
    return numbers.clock(int(match[1]), 0, f"{match[2].lower()}m")


def _money(match: re.Match[str]) -> str:
    return ("minus " if match[1] else "") + numbers.money(match[3], _SIGNS[match[2]])


def _much_money(match: re.Match[str]) -> str:
    """Words for "$2 million" and "$1.5M"."""
    minus, many = "minus " if match[1] else "", _MANY.get(match[4], match[4])
    return f"{minus}{numbers.cardinal(match[3])} {many} {numbers.plural(_SIGNS[match[2]])}"


def _coded_money(match: re.Match[str]) -> str:
    return ("minus " if match[1] else "") + numbers.money(match[2], _SIGNS.get(match[3], match[3]))


def _comma_amount(match: re.Match[str]) -> str:
    """An amount as most of Europe writes it, "1.200,50", with its decimal point."""
    return f"{match[1]}{match[2].replace('.', '')}.{match[3]}"


def _groups(match: re.Match[str]) -> str:
    """A card, account or telephone number in the groups it is written in, each sign said."""
    return ", ".join(_signs(group) for group in re.split("[ -]", match[0]))


def _signs(group: str) -> str:
    return " ".join(numbers.digits(sign) if sign.isdigit() else sign for sign in group)


def _decade(match: re.Match[str]) -> str:
    """From "1990s" to "nineteen nineties"; those that end in a hundred keep it ("two thousands")."""
    said = numbers.year(int(match[1] + "0"))
    return said[:-1] + "ies" if said.endswith("y") else said + "s"


def _phone(match: re.Match[str]) -> str:
    country = "one, " if match[1] else ""
    return country + ", ".join(numbers.digits(part) for part in match.group(2, 3, 4))


def _foreign_phone(match: re.Match[str]) -> str:
    parts = [part for part in re.split(r"[ -]", match[1]) if part]
    return "plus " + ", ".join(numbers.digits(part) for part in parts)


def _phone_tail(match: re.Match[str]) -> str:
    return f"{numbers.digits(match[1])}, {numbers.digits(match[2])}"


def _abbreviation(match: re.Match[str]) -> str:
    return _ABBREVIATIONS[match[0].lower()]


def _code(match: re.Match[str]) -> str:
    """An order id, tracking number, promo code or article number: letters spelled, digits in threes.

    Runs of four letters and more with a vowel are words (SPRING20) and said as such.
    """
    said = []
    for part in re.findall(r"[A-Z]+|\d+", match[0]):
        if part.isdigit():
            said.append(numbers.digits(part))
        else:
            said.append(part.lower() if len(part) >= 4 and re.search("[AEIOUY]", part) else " ".join(part))
    return ", ".join(said)


def _initials(match: re.Match[str]) -> str:
    """Letters spelled, unless they are said as a word: a short one everybody knows, or four and more with a vowel."""
    letters = match[1]
    if _LOUD.fullmatch(letters) or (len(letters) >= 4 and re.search("[AEIOU]", letters)):
        return letters.lower() + match[2]
    return " ".join(letters) + ("'s" if match[2] else "")


def _unit(match: re.Match[str]) -> str:
    one, many = _UNITS[match[2]]
    return f"{numbers.cardinal(match[1])} {one if match[1] == '1' else many}"


def _fraction(match: re.Match[str]) -> str:
    one = _HALVES[match[2]]
    many = "halves" if one == "half" else one + "s"
    return f"{numbers.cardinal(match[1])} {one if match[1] == '1' else many}"


def _number(match: re.Match[str]) -> str:
    """A number on its own; one that touches letters is parted from them."""
    before = " " if match.start() and match.string[match.start() - 1].isalpha() else ""
    after = " " if match.end() < len(match.string) and match.string[match.end()].isalpha() else ""
    written = match[0]
    said = numbers.digits(written) if len(written) > 1 and written.isdigit() and written[0] == "0" else None
    return before + (said or numbers.cardinal(written)) + after
