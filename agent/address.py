"""Where a receipt's address stands, and what it says once the reader's slips are put right.

The address is the first run of lines below the company's name that look like places. Malaysian and American habits are
known, others work where they are alike.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from agent.printed import find_dates
from modalities.types import TextLine

Places = tuple[tuple[int, int], ...]
"""(start, end) offsets into the lines joined by newlines, one a stretch of text."""

_TOP = 22  # lines in which an address is looked for
_MOST = 6  # lines of one
PLACE = re.compile(
    r"\bjalan\b|\bjln\b|\blot\b|\bno\b[.:,\s]*\d(?!\d{4})|\bno\b[.:,\s]*[a-z](-[a-z])?-?\d|\btaman\b|\btmn\b|\bkg\b|"
    r"kampung|\bbandar\b|\bkawasan\b|\bpersiaran\b|"
    r"\blorong\b|\blevel\b|\bfloor\b|\bflr\b|\bground\b|\bblock\b|\bblk\b|\bunit\b|\bplaza\b|\bwisma\b|\bmall\b|\bmenara\b|"
    r"\bseksyen\b|\bsection\b|\bpusat\b|\bkomplek|\bcomple[kx]|\bbatu\b|\blebuh|\bpt\s*\d|"
    r"\bstreet\b|\broad\b|\bavenue\b|\bave\b|\blane\b|\bdrive\b|\bblvd\b|\bboulevard\b|\bway\b|\bquay\b|\bhighway\b|"
    r"^\d+[a-z]?[\s,\-/]+\d*\s*[a-z]|^(?=[\w&/\-]*\d)[a-z0-9][\w&/\-]{0,10}\s*,\s*[a-z]",
    re.I,
)
TOWN = re.compile(
    r"selangor|johor|kuala\s*lumpur|\bk\.?l\b|perak|penang|pulau\s*pinang|melaka|pahang|kedah|kelantan|terengganu|"
    r"sabah|sarawak|negeri\s*sembilan|\bn\.?\s*s\.?\s*d|malaysia|putrajaya|shah\s*alam|petaling|klang|subang|\bp\.?j\b|"
    r"darul\s*ehsan|\bsel\b|\b\d{5}\b|\b[A-Z]{2}\s+\d{5}",
    re.I,
)
_STOP = re.compile(
    r"\btel\b|phone|\bfax\b|\bgst\b|invoice|receipt|e-?mail|www|http|@|\bdate\b|cashier|\btax\b|\bh/?p\b|hotline|"
    r"reg\.?\s*no|website|^\W*site\b\W*\d|\bid\b|bill|\btime\b|\bcash\b|\bno\s*:\s*[a-z]{2}\d",
    re.I,
)
_REGISTER = re.compile(r"^\W*(co|company|reg|roc|br|no|[.:\s])*\W*[A-Z]{0,3}\d{4,}\s*[-·–]?\s*[A-Z0-9]?\W*$", re.I)
_LOT = re.compile(r"\b(lot|p\.?\s*t\.?|no)\W*\d{5}\b", re.I)
_POSTCODE = re.compile(r"\b\d{5}\b|\b(?=[\dODBSIl]{5}\b)(?:\d[ODBSIl]?){3,}", re.A)
_BRANCH = re.compile(r"^\W*\d[\dSOIB]{3}\s*-\s*[A-Z]|^\([^()\d]{6,}\)$", re.I)
_PHONE = re.compile(r"\W*\b\(?0\d{1,2}\)?[\s\-]\s*\d{3,4}[\s\-]?\d{4}\W*$")
_TITLE = re.compile(r"^\W*(ho\s*)?add(ress)?\s*:\s*", re.I)
_PHONE_WORD = re.compile(r"\W*\b(tel|phone|fax|hp|h/p)\b.*$", re.I)


def find_address(lines: Sequence[TextLine], after: int = 0) -> Places:
    """Where the address stands: the first run of lines after an offset that look like places.

    Args:
        lines: what was read, in reading order.
        after: offset in the joined text, usually the end of the company's name.
    """
    starts, found = starts_of(lines), list[int]()
    for index, line in enumerate(lines[:_TOP]):
        text = line.text
        if starts[index] < after or find_dates(text) or not (found or PLACE.search(text) or TOWN.search(text)):
            continue
        begin, end = _part(text)
        if _STOP.search(text[begin:end]) or end <= begin:
            if found:
                break
            continue
        if _REGISTER.match(text) or sum(c.isalnum() for c in text) < 3:
            continue
        if len(found) >= _MOST or (found and _ended(lines, found, text)):
            break
        found.append(index)
        if end < len(text.rstrip()):
            break
    parts = [_part(lines[i].text) for i in found]
    return _joined([(starts[i] + begin, starts[i] + end) for i, (begin, end) in zip(found, parts, strict=True)])


def _part(text: str) -> tuple[int, int]:
    """The part of a line that can belong to an address: without a title before it and a telephone number after it."""
    title = _TITLE.match(text)
    begin = title.end() if title else 0
    phone = (_PHONE_WORD.search(text, begin) if TOWN.search(text) else None) or _PHONE.search(text, begin)
    return begin, phone.start() if phone else len(text)


def _ended(lines: Sequence[TextLine], found: Sequence[int], text: str) -> bool:
    """Whether an address is complete before this line: its town was read, and the line names no place and no branch."""
    has_town = any(_POSTCODE.search(_LOT.sub("", lines[i].text)) for i in found)
    if not has_town or _BRANCH.match(text):
        return False
    return not TOWN.search(text)


def starts_of(lines: Sequence[TextLine]) -> list[int]:
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
