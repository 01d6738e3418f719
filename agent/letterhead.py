"""Who issued a receipt and where: its first lines.

The company is the line most like a name near the top, with the line that completes it; the address is the run of
lines after it that look like places. Malaysian and American habits are known, others work where they are alike.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.printed import find_dates
from modalities.types import TextLine

Places = tuple[tuple[int, int], ...]
"""(start, end) offsets into the lines joined by newlines, one a stretch of text."""

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
_REGISTER = re.compile(r"^\W*(co|company|reg|roc|br|no|[.:\s])*\W*[A-Z]{0,3}\d{4,}\s*[-·–]?\s*[A-Z0-9]?\W*$", re.I)
_LEAD = re.compile(r"^\W*(#?\d{4,}\s+|own(ed)?\s*by\W*|formerly\W*|welcome\s*to\W*)?", re.I)
_PLACE = re.compile(
    r"\bjalan\b|\bjln\b|\blot\b|\bno\b[.:,\s]*\d|\btaman\b|\btmn\b|\bkg\b|kampung|\bbandar\b|\bkawasan\b|\bpersiaran\b|"
    r"\blorong\b|\blevel\b|\bfloor\b|\bflr\b|\bground\b|\bblock\b|\bblk\b|\bunit\b|\bplaza\b|\bwisma\b|\bmall\b|\bmenara\b|"
    r"\bseksyen\b|\bsection\b|\bpusat\b|\bkompleks\b|\bbatu\b|\blebuh|\bpt\s*\d|"
    r"\bstreet\b|\broad\b|\bavenue\b|\bave\b|\blane\b|\bdrive\b|\bblvd\b|\bboulevard\b|\bway\b|\bquay\b|\bhighway\b|"
    r"^\d+[a-z]?[\s,\-/]+\d*\s*[a-z]",
    re.I,
)
_TOWN = re.compile(
    r"selangor|johor|kuala\s*lumpur|\bk\.?l\b|perak|penang|pulau\s*pinang|melaka|pahang|kedah|kelantan|terengganu|"
    r"sabah|sarawak|negeri\s*sembilan|\bn\.?\s*s\.?\s*d|malaysia|putrajaya|shah\s*alam|petaling|klang|subang|\bp\.?j\b|"
    r"darul\s*ehsan|\bsel\b|\b\d{5}\b|\b[A-Z]{2}\s+\d{5}",
    re.I,
)
_STOP = re.compile(
    r"\btel\b|phone|\bfax\b|\bgst\b|invoice|receipt|e-?mail|www|http|@|\bdate\b|cashier|\btax\b|\bh/?p\b|hotline|"
    r"reg\.?\s*no|website|\bid\b|bill|\btime\b|\bcash\b|\bno\s*:\s*[a-z]{2}\d",
    re.I,
)


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
    starts = _starts(lines)
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
    score -= 3.0 * bool(_PLACE.search(name)) + 2.0 * bool(_TOWN.search(name))
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


def find_address(lines: Sequence[TextLine], after: int = 0) -> Places:
    """Where the address stands: the first run of lines after an offset that look like places.

    Args:
        lines: what was read, in reading order.
        after: offset in the joined text, usually the end of the company's name.
    """
    starts, found = _starts(lines), list[int]()
    for index, line in enumerate(lines[: _TOP + 8]):
        text = line.text
        if (
            starts[index] < after
            or find_dates(text)
            or (not found and not _PLACE.search(text) and not _TOWN.search(text))
        ):
            continue
        if _STOP.search(text):
            if found or _PLACE.search(text) is None:
                break
            continue
        if _REGISTER.match(text) or sum(c.isalnum() for c in text) < 3:
            continue
        if len(found) >= 5 or (found and _ended(lines, found, text)):
            break
        found.append(index)
    return _joined([(starts[i], starts[i] + len(lines[i].text)) for i in found])


def _ended(lines: Sequence[TextLine], found: Sequence[int], text: str) -> bool:
    """Whether an address is complete before this line: its town was read and the line names no place."""
    has_town = any(re.search(r"\b\d{5}\b", lines[i].text) for i in found)
    return has_town and not _TOWN.search(text)


def _starts(lines: Sequence[TextLine]) -> list[int]:
    """Offset of each line in the joined text."""
    starts, at = [], 0
    for line in lines:
        starts.append(at)
        at += len(line.text) + 1
    return starts


def _joined(pieces: Sequence[tuple[int, int]]) -> Places:
    """Stretches of neighbouring lines made one."""
    merged: list[tuple[int, int]] = []
    for start, end in pieces:
        if merged and start == merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return tuple(merged)
