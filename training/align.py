"""A receipt's key laid over what was read: where in the text each field stands.

The annotators' key gives values, not places, and the OCR makes mistakes, so places are found by likeness: dates and
totals by value, names and addresses by the run of lines most like the key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher

from agent.printed import find_amounts, find_dates, parse_amount
from agent.totals import total_rows
from modalities.types import TextLine, join_lines

Span = tuple[str, int, int]
"""Type, start, end: character offsets into the lines joined by newlines."""

_MOST_LINES = 8
_LIKE_ENOUGH = 0.75


def likeness(a: str, b: str) -> float:
    """How alike two strings are (0..1) over their letters and digits, case aside."""
    return _ratio(normal(a), normal(b))


def normal(text: str) -> str:
    """Only letters and digits, in capitals: what is left when spacing and punctuation do not count."""
    return re.sub(r"[\W_]", "", text).upper()


def _ratio(a: str, b: str) -> float:
    return SequenceMatcher(None, a, b, autojunk=False).ratio()


def locate(lines: Sequence[TextLine], key: Mapping[str, str]) -> tuple[Span, ...]:
    """Spans of the key's fields in the lines joined by newlines, in order of place; fields not found are absent."""
    starts = _starts(lines)
    spans = [
        *_company_or_address("company", lines, starts, key.get("company", "")),
        *_company_or_address("address", lines, starts, key.get("address", "")),
        *_dates(join_lines(lines), key.get("date", "")),
        *_totals(lines, starts, key.get("total", "")),
    ]
    return tuple(sorted(spans, key=lambda span: span[1:]))


def _starts(lines: Sequence[TextLine]) -> list[int]:
    """Offset of each line in the joined text."""
    starts, at = [], 0
    for line in lines:
        starts.append(at)
        at += len(line.text) + 1
    return starts


def _dates(text: str, value: str) -> Iterator[Span]:
    """Every place where the key's day is printed."""
    days = {printed.value for printed in find_dates(value, us=False)}
    for printed in find_dates(text, us=False):
        if printed.value in days:
            yield "date", printed.start, printed.end


def _totals(lines: Sequence[TextLine], starts: Sequence[int], value: str) -> Iterator[Span]:
    """The key's amount on the rows that speak of a total; where there are none, its last place."""
    wanted = parse_amount(value)
    places = [
        (index, starts[index] + amount.start, starts[index] + amount.end)
        for index, line in enumerate(lines)
        for amount in find_amounts(line.text)
        if wanted is not None and abs(amount.value) == abs(wanted)
    ]
    meant = [place for place in places if place[0] in total_rows(lines)]
    for _, start, end in meant or places[-1:]:
        yield "total", start, end


def _company_or_address(kind: str, lines: Sequence[TextLine], starts: Sequence[int], value: str) -> Iterator[Span]:
    """The run of lines most like the value, without the lines in between that do not belong to it."""
    wanted = normal(value)
    if len(wanted) < 3:
        return
    chosen = _likest_run([normal(line.text) for line in lines], wanted)
    if not chosen:
        return
    chosen = _without_strangers([normal(line.text) for line in lines], chosen, wanted)
    pieces = [(starts[i], starts[i] + len(lines[i].text)) for i in chosen]
    text = join_lines(lines)
    pieces[-1] = (pieces[-1][0], _trim(text, pieces, wanted, head=False))
    pieces[0] = (_trim(text, pieces, wanted, head=True), pieces[0][1])
    if _ratio("".join(normal(text[a:b]) for a, b in pieces), wanted) < _LIKE_ENOUGH:
        return
    for start, end in _joined(pieces):
        yield kind, start, end


def _likest_run(texts: Sequence[str], wanted: str) -> list[int]:
    """The run of at most eight lines most like the wanted text."""
    best, chosen = 0.0, list[int]()
    matcher = SequenceMatcher(None, "", wanted, autojunk=False)
    for first in range(len(texts)):
        run = ""
        for last in range(first, min(first + _MOST_LINES, len(texts))):
            run += texts[last]
            if len(run) > 2.5 * len(wanted):
                break
            matcher.set_seq1(run)
            if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best and matcher.ratio() > best:
                best, chosen = matcher.ratio(), list(range(first, last + 1))
    return chosen


def _without_strangers(texts: Sequence[str], chosen: list[int], wanted: str) -> list[int]:
    """The run without lines whose absence makes it more like the wanted text."""
    best = _ratio("".join(texts[i] for i in chosen), wanted)
    for index in list(chosen):
        rest = [i for i in chosen if i != index]
        alike = _ratio("".join(texts[i] for i in rest), wanted)
        if rest and alike > best:
            chosen, best = rest, alike
    return chosen


def _trim(text: str, pieces: Sequence[tuple[int, int]], wanted: str, *, head: bool) -> int:
    """Where the value begins (or ends) inside its first (or last) piece: words that spoil the likeness are cut off."""
    start, end = pieces[0] if head else pieces[-1]
    words = [(m.start() + start, m.end() + start) for m in re.finditer(r"[^\s:()\[\]]+", text[start:end])]
    others = "".join(normal(text[a:b]) for a, b in (pieces[1:] if head else pieces[:-1]))

    def alike(cut: int) -> float:
        kept = text[cut:end] if head else text[start:cut]
        return _ratio(normal(kept) + others if head else others + normal(kept), wanted)

    cuts = [a for a, _ in words] if head else [b for _, b in reversed(words)]
    whole = start if head else end
    return max([whole, *cuts], key=alike, default=whole)


def _joined(pieces: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Pieces of neighbouring lines as one stretch."""
    start, end = pieces[0]
    for next_start, next_end in pieces[1:]:
        if next_start == end + 1:
            end = next_end
        else:
            yield start, end
            start, end = next_start, next_end
    yield start, end
