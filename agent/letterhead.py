"""Who issued a receipt: the line most like a name near the top, with the lines that complete it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.address import PLACE, TOWN, Places, starts_of
from modalities.types import TextLine

_TOP = 14  # lines in which a letterhead is looked for
_FORM = re.compile(
    r"\bs[do]n\b|\bbhd\b|\bs/b\b|\bltd\b|\bllc\b|\binc\b|\bplt\b|\bco\b\.?|\bcorp|enterprise|trading|restaurant|"
    r"restoran|\bmart\b|market|\bstores?\b|\bshop\b|hardware|stationery|\bcafe\b|bakery|pharmacy|farmasi|perniagaan|"
    r"kedai|syarikat|pasar|marketing|supply|services?\b|station|outfitters|grocers|books\b|gallery|boutique",
    re.I,
)
_LEGAL = re.compile(r"\bs[do]n\b|\bbhd\b|\b[s5]/b\b|\bltd\b|\bllc\b|\binc\b|\bplt\b", re.I)
_ENDING = re.compile(r"^\W*(\(\w+\)\W*)?(s[do]n\W*bhd|bhd|s/b|ltd|enterprise|trading|llc|inc|co\.)(\W|$)", re.I)
_NOT_NAME = re.compile(
    r"invoice|receipt|\btax\b|\bgst\b|\btel\b|phone|\bfax\b|thank|welcome|goods|sold|refund|return|date|cashier|www|http"
    r"|@|\.com|reg\.?\s*no|\broc\b|\bco\.?\s*no|company\s*(no|reg)|member|bill|cash\b(?!\s*&)|copy|owned|formerly|"
    r"licensee|please|visit|table|order|original|document|official|hours?\b",
    re.I,
)
_NUMBER = re.compile(
    r"[\s,\-]*[(\[]*\s*(?:co|company|reg|roc|no|[.:\s])*[A-Z]{0,3}\d[\dA-Z]{2,}\s*[-·–.]?\s*[A-Z0-9]?\s*[)\]].*$", re.I
)
_BARE_NUMBER = re.compile(r"\s+\d{5,}\s*[-·–]?\s*[A-Z]\b.*$")
_LEAD = re.compile(r"^\W*(#?\d{4,}\s+|own(ed)?\s*by\W*|formerly\W*|welcome\s*to\W*)?", re.I)


def find_company(lines: Sequence[TextLine]) -> Places:
    """Where the company's name stands; empty when no line near the top looks like one."""
    scored = [(_name_score(line.text, index), -index) for index, line in enumerate(lines[:_TOP])]
    if not scored or max(scored)[0] <= 0:
        return ()
    first = last = -max(scored)[1]
    while first and _leans_back(lines[first].text) and _may_join(lines[first - 1].text):
        first -= 1
    while last + 1 < len(lines) and _goes_on(lines[last].text, lines[last + 1].text):
        last += 1
    starts = starts_of(lines)
    begin = starts[first] + _name_part(lines[first].text)[0]
    return ((begin, max(starts[last] + _name_part(lines[last].text)[1], begin + 1)),)


def _name_part(text: str) -> tuple[int, int]:
    """Where in a line the name begins and ends: without numbers of the register and words that introduce it."""
    lead = _LEAD.match(text)
    begin = lead.end(1) if lead and lead[1] else 0
    name = _BARE_NUMBER.sub("", _NUMBER.sub("", text)).rstrip(" ([-,")
    return (begin, len(name)) if len(name) > begin + 2 else (0, len(text))


def _name_score(text: str, index: int) -> float:
    """How much a line looks like a company's name."""
    begin, end = _name_part(text)
    name = text[begin:end]
    letters = sum(c.isalpha() for c in name)
    if letters < 3 or _NOT_NAME.search(name) or letters < 0.5 * len(name.replace(" ", "")):
        return 0.0
    score = 4.0 - 0.6 * index + 3.0 * bool(_FORM.search(name)) + 1.0 * bool(_LEGAL.search(name))
    score -= 3.0 * bool(PLACE.search(name)) + 2.0 * bool(TOWN.search(name))
    score -= 4.0 * (_says_little(name) and not _LEGAL.search(name))
    return score - 3.5 * name.islower() - 1.5 * (letters < 5)


def _says_little(name: str) -> bool:
    """Whether a name is made only of words that many companies share."""
    return sum(c.isalpha() for c in re.sub(r"&|bistro|\(\w\)", "", _FORM.sub("", name), flags=re.I)) < 3


def _leans_back(text: str) -> bool:
    """Whether a line is no whole name: it opens with an ending or "&", closes a bracket, or says nothing of its own."""
    closes = text.count(")") > text.count("(")
    return (
        bool(_ENDING.match(text))
        or text.startswith("&")
        or (_LEGAL.search(text) is not None and (closes or _says_little(text)))
    )


def _goes_on(text: str, following: str) -> bool:
    """Whether a name goes on in the next line: a bracket is open, or that line is an ending."""
    if text.count("(") > text.count(")") and ")" in following[:20]:
        return not re.search(r"\d{4}", following[:8])
    return not _LEGAL.search(text) and bool(_ENDING.match(following))


def _may_join(text: str) -> bool:
    return sum(c.isalpha() for c in text) >= 3 and not _NOT_NAME.search(text) and not text.islower()
