"""Ids in written words: of a pack's pattern, payment cards, IBANs; however they are spaced, with their check digits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from agent.checksums import card, card_lengths, passes
from agent.domain import EntityType
from agent.values import CHECKED, PATTERN, WEAK, Find

_PREFIXED = re.compile(r"([A-Z]+)\\d\{(\d+)\}")
_CARD = re.compile(r"(?<![\w.,-])\d(?:[ -]?\d){12,18}(?![\w]|[.,]\d)")
_IBAN = re.compile(r"(?<![A-Z0-9])[A-Z]{2}[ -]?\d{2}(?:[ -]?[A-Z0-9]){11,34}(?![A-Z0-9])")
_FIGURE = re.compile(r"\d")
_FOLLOWED, _PRECEDED = re.compile(r"[ -]\d{2,}"), re.compile(r"\d[ -]$")
_IBAN_LENGTHS = range(15, 35)


def id_finds(kind: EntityType, text: str) -> Iterable[Find]:
    """Ids of a type in a written text, however they are spaced.

    A pattern of letters and then digits is also found by its digits alone or after a misheard letter, where a check
    digit confirms it. A pattern of digits alone without a check digit is a weak find, and so is one whose letters and
    digits stand apart ("meant 14" has the form of a promo code): those need the tagger's word. An id whose check digit
    is wrong is weak where it has the type's letters, and nothing where it is digits alone.
    """
    if kind.recognizer == "card":
        return _cards(text)
    if kind.recognizer == "iban":
        return _ibans(text)
    if not _FIGURE.search(text) and (text.isascii() or not any(map(str.isdigit, text))):
        return ()
    prefixed = _PREFIXED.fullmatch(kind.pattern)
    return _prefixed(prefixed[1], int(prefixed[2]), kind.checksum, text) if prefixed else _patterned(kind, text)


def _patterned(kind: EntityType, text: str) -> Iterator[Find]:
    pattern, letters, marks = _compiled(kind.pattern)
    for match in pattern.finditer(text.upper()) if len(text.upper()) == len(text) else ():
        bare = re.sub(r"[ -]", "", match[0])
        value = "-".join(re.sub(r"[ -]", "", part) for part in match.groups()) if marks else bare
        if not any(c.isdigit() for c in value):
            continue
        if kind.checksum:
            if any(passes(kind.checksum, form) for form in {value, bare}):
                yield Find(match.start(), match.end(), value, "checksum", CHECKED)
            elif letters:
                yield Find(match.start(), match.end(), value, "pattern", WEAK)
            continue
        sure = letters and (value == match[0] or marks > 0 or _alone(text, match.start(), match.end()))
        yield Find(match.start(), match.end(), value, "pattern", PATTERN if sure else WEAK)


def _alone(text: str, start: int, end: int) -> bool:
    """Whether nothing else is there, or the letters alone are capitals: "AB 4509", not "meant 14"."""
    if text.strip(" .?!") == text[start:end]:
        return True
    letters = re.match(r"[A-Za-z]+", text[start:end])
    return letters is not None and letters[0].isupper() and not text.isupper()


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> tuple[re.Pattern[str], bool, int]:
    """A pattern that lets spaces stand in ids, whether it has letters, and how many hyphens of its own."""
    letters = any(c.isalpha() for c in re.sub(r"\\.|\[.*?\]", "", pattern)) or "[A-Z]" in pattern
    parts = _parts(pattern)
    body = r"[ -]?".join(f"({_loose(part)})" for part in parts) if len(parts) > 1 else _loose(pattern)
    return re.compile(rf"(?<![\w$.-])(?:{body})(?![\w-])"), letters, len(parts) - 1


def _parts(pattern: str) -> list[str]:
    """A pattern cut at its own hyphens, those in brackets aside; whole where it has groups or branches."""
    if re.search(r"[()|]", pattern):
        return [pattern]
    return re.split(r"\\?-(?![^\[]*\])", pattern)


def _loose(pattern: str) -> str:
    """A pattern whose digits may stand apart from its letters ("SPRING 20") and in groups ("4006 3813")."""
    pattern = re.sub(r"(?<=[\]}A-Z])(?=\\d)", "[ -]?", pattern)

    def grouped(match: re.Match[str]) -> str:
        least, most = int(match[1]), int(match[2] or match[1])
        return rf"\d(?:[ -](?=\d\d)\d|\d){{{least - 1},{most - 1}}}" if least > 1 else match[0]

    return re.sub(r"\\d\{(\d+)(?:,(\d+))?\}", grouped, pattern)


def _prefixed(prefix: str, count: int, checksum: str, text: str) -> Iterator[Find]:
    for match in _prefixed_pattern(len(prefix), count).finditer(text):
        number = re.sub(r"\D", "", match[2])
        named = (match[1] or "").upper() == prefix
        start = match.start() if named else match.start(2)
        if not named and (_FOLLOWED.match(text, match.end()) or _PRECEDED.search(text[max(0, start - 2) : start])):
            continue  # a part of a longer number
        if not checksum or passes(checksum, prefix + number):
            source, confidence = ("checksum", CHECKED) if checksum else ("pattern", PATTERN)
            yield Find(start, match.end(), prefix + number, source, confidence if named else confidence - 0.15)
        elif named:
            yield Find(start, match.end(), prefix + number, "pattern", WEAK)


@lru_cache(maxsize=512)
def _prefixed_pattern(letters: int, count: int) -> re.Pattern[str]:
    digits = r"[ -]?".join([r"\d"] * count)
    return re.compile(rf"(?<![A-Za-z0-9$.])(?:#? ?([A-Za-z]{{1,{letters + 1}}})[ -]?)?({digits})(?![\w]|[.,]\d)")


def _cards(text: str) -> Iterator[Find]:
    """Numbers of payment cards; what stands behind the last digit of a card (an expiry date) is left off."""
    for match in _CARD.finditer(text):
        places = [i for i in range(match.start(), match.end()) if text[i].isdigit()]
        digits = "".join(text[i] for i in places)
        for length in sorted(card_lengths(digits), reverse=True):
            whole = length == len(digits) or (length < len(digits) and not text[places[length] - 1].isdigit())
            if whole and card(digits[:length]):
                yield Find(match.start(), places[length - 1] + 1, digits[:length], "checksum", CHECKED)
                break


def _ibans(text: str) -> Iterator[Find]:
    """IBANs with the length of their country and the right check digits (ISO 13616)."""
    upper = text.upper()
    if len(upper) != len(text):
        return
    for match in _IBAN.finditer(upper):
        places = [i for i in range(match.start(), match.end()) if upper[i].isalnum()]
        value = "".join(upper[i] for i in places)
        for length in _IBAN_LENGTHS:
            whole = length == len(value) or (length < len(value) and not upper[places[length] - 1].isalnum())
            if whole and passes("iban", value[:length]):
                yield Find(match.start(), places[length - 1] + 1, value[:length], "checksum", CHECKED)
                break
