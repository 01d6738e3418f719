"""Company, date, address and total of a receipt, from its lines as they were read and what the tagger marked.

Written rules that stand on their own (`agent.totals`, `agent.letterhead`, `agent.printed`); spans from the tagger,
where there are any, are one more piece of evidence. Pure functions; nothing here reads pictures.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from agent.address import Places, find_address
from agent.bought import find_items, find_number, find_tax, flaw
from agent.letterhead import find_company
from agent.printed import PrintedDate, find_amounts, find_dates, month_first
from agent.respelling import respelt
from agent.totals import rank_totals, total_rows
from agent.types import Entity, Receipt, Span
from modalities.ocr import quarter_turns, turn_box
from modalities.types import Box, TextLine, join_lines

_TAGGER_WEIGHT = 4.0  # in the rules' scores; a sure tag outweighs one good word, not two
_FULL_SCORE = 20.0  # of the rules and the tagger together; what makes a confidence of 1
_TAGGER_SURE = 0.5  # mean score from which the tagger's company or address is taken where the rules find none
_FEWEST_LINES, _FEWEST_AMOUNTS = 8, 3  # of a receipt
_DATE_WORD = re.compile(r"date|\bdt\b|tarikh|printed|biz", re.I)
_OTHER_DATE = re.compile(r"valid|exp|until|before|due|promo|since|return|join|birth", re.I)
_TIME = re.compile(r"\d\d?\s?[:.]\s?\d\d")


@dataclass(frozen=True)
class Field:
    """One field of a receipt.

    Attributes:
        value: normalised.
        places: where it was read, offsets into the lines joined by newlines.
        score: 0..1.
        tagged: whether the tagger marked it too.
    """

    value: str
    places: Places
    score: float
    tagged: bool = False


@dataclass(frozen=True)
class Fields:
    """The fields of a receipt with their places; None where not found.

    Attributes:
        text: the lines joined by newlines.
        company, date, address, total: the date as YYYY-MM-DD, the total with two decimals, names on one line.
        rest: what has no place of its own: tax, number, items and whether the sums come out even.
    """

    text: str
    company: Field | None = None
    date: Field | None = None
    address: Field | None = None
    total: Field | None = None
    rest: Receipt = Receipt()

    @property
    def receipt(self) -> Receipt:
        """The values alone."""
        found: dict[str, Any] = {name: field.value for name, field in self._found()}
        return replace(self.rest, **found)

    @property
    def entities(self) -> tuple[Entity, ...]:
        """One entity a field, from its first to its last character, in order of place."""
        entities = []
        for name, found in self._found():
            start, end = found.places[0][0], found.places[-1][1]
            source = "photo.tagger" if found.tagged else "photo.pattern"
            entities.append(Entity(name, self.text[start:end], found.value, start, end, source, found.score))
        return tuple(sorted(entities, key=lambda entity: entity.start))

    def _found(self) -> list[tuple[str, Field]]:
        parts = {name: getattr(self, name) for name in ("company", "date", "address", "total")}
        return [(name, found) for name, found in parts.items() if found is not None]


def read_receipt(lines: Sequence[TextLine], spans: Sequence[Span] = ()) -> Fields:
    """Find the fields of a receipt and where they stand.

    Args:
        lines: what was read, in reading order.
        spans: what the tagger marked; types other than company, date, address and total are passed over.
    """
    text = join_lines(lines)
    company = _ruled("company", text, find_company(lines), spans) or _named("company", text, spans)
    after = company.places[-1][1] if company else 0
    address = _ruled("address", text, find_address(lines, after), spans) or _named("address", text, spans)
    address = replace(address, value=respelt(address.value, text)) if address else None
    total = _total(lines, spans)
    return Fields(text, company, _date(text, spans), address, total, _rest(lines, total))


def _rest(lines: Sequence[TextLine], total: Field | None) -> Receipt:
    """Tax, number and items, and whether the sums come out even."""
    items, tax = find_items(lines), find_tax(lines)
    wrong = flaw(lines, Decimal(total.value), items, tax) if total else ""
    return Receipt(tax=None if tax is None else f"{tax:.2f}", number=find_number(lines), items=items, flaw=wrong)


def is_receipt(lines: Sequence[TextLine]) -> bool:
    """Whether lines are a receipt's, by what they say: a total to pay, and amounts enough to be added up."""
    amounts = sum(1 for line in lines for _ in find_amounts(line.text))
    return len(lines) >= _FEWEST_LINES and amounts >= _FEWEST_AMOUNTS and bool(total_rows(lines))


def boxes_of(lines: Sequence[TextLine], places: Places) -> tuple[Box, ...]:
    """The boxes of the lines (or of the share of them by characters) that some places in the joined text lie in."""
    boxes, start, turns = list[Box](), 0, quarter_turns(lines)
    for line in lines:
        end = start + len(line.text)
        for first, last in places:
            if first < end and start < last:
                x0, y0, x1, y1 = turn_box(line.box, turns)
                step = (x1 - x0) / len(line.text)
                left, right = max(first, start) - start, min(last, end) - start
                boxes.append(turn_box((x0 + left * step, y0, x0 + right * step, y1), -turns))
        start = end + 1
    return tuple(boxes)


def _written(text: str, places: Places) -> Field | None:
    """What stands in some places, on one line."""
    value = " ".join(" ".join(text[start:end] for start, end in places).split())
    return Field(value, places, 0.5) if value else None


def _ruled(kind: str, text: str, places: Places, spans: Sequence[Span]) -> Field | None:
    """What the rules found; surer where the tagger marked some of it too.

    On receipts held out the rules alone are right more often than the tagger alone (docs/experiments.md).
    """
    field = _written(text, places)
    tag = max((_tagged(kind, start, end, spans) for start, end in places), default=0.0)
    return replace(field, score=0.5 + 0.5 * tag, tagged=tag > 0) if field else None


def _named(kind: str, text: str, spans: Sequence[Span]) -> Field | None:
    """The company or address as the tagger marked it, if it is sure enough; pieces far apart are not joined."""
    marked = sorted(span[1:] for span in spans if span[0] == kind and span[3] >= _TAGGER_SURE)
    if not marked:
        return None
    best = max(marked, key=lambda span: (span[1] - span[0]) * span[2])
    near = [span for span in marked if abs(span[0] - best[1]) < 40 or abs(best[0] - span[1]) < 40 or span == best]
    same_line = [span for span in near if "\n" not in text[min(span[0], best[0]) : max(span[1], best[1])]]
    kept = near if kind == "address" else same_line
    field = _written(text, _joined(text, [(start, end) for start, end, _ in kept]))
    return Field(field.value, field.places, sum(span[2] for span in kept) / len(kept), tagged=True) if field else None


def _joined(text: str, pieces: Sequence[tuple[int, int]]) -> Places:
    """Pieces of one line as one stretch: a word the tagger skipped between two it marked belongs to them."""
    joined: list[tuple[int, int]] = []
    for start, end in pieces:
        if joined and "\n" not in text[joined[-1][1] : start]:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return tuple(joined)


def _tagged(kind: str, start: int, end: int, spans: Sequence[Span]) -> float:
    """How sure the tagger is that this stretch is of a kind: the best score of a span that overlaps it."""
    return max((score for name, a, b, score in spans if name == kind and a < end and start < b), default=0.0)


def _total(lines: Sequence[TextLine], spans: Sequence[Span]) -> Field | None:
    """The best amount, the tagger's word added to the rules'."""
    best: Field | None = None
    for candidate in rank_totals(lines):
        amount = candidate.amount
        tag = _tagged("total", amount.start, amount.end, spans)
        score = min(max((candidate.score + _TAGGER_WEIGHT * tag) / _FULL_SCORE, 0.0), 1.0)
        if best is None or score > best.score:
            best = Field(f"{abs(amount.value):.2f}", ((amount.start, amount.end),), score, tag > 0)
    return best


def _date(text: str, spans: Sequence[Span]) -> Field | None:
    """The best of the dates printed, the tagger's word added to what stands around them."""
    best: Field | None = None
    found = find_dates(text, us=month_first(text))
    days = [printed.value for printed in found]
    for order, printed in enumerate(found):
        tag = _tagged("date", printed.start, printed.end, spans)
        score = _date_score(text, printed) + 0.5 * days.count(printed.value) - 0.05 * order + _TAGGER_WEIGHT * tag
        score = min(max((score + 4.0) / _FULL_SCORE, 0.0), 1.0)
        if best is None or score > best.score:
            best = Field(printed.value.isoformat(), ((printed.start, printed.end),), score, tag > 0)
    return best


def _date_score(text: str, printed: PrintedDate) -> float:
    """What speaks for a date being the day of the purchase."""
    before = text[max(0, printed.start - 18) : printed.start]
    after = text[printed.end : printed.end + 12]
    score = 2.0 * bool(_DATE_WORD.search(before)) + 1.0 * bool(_TIME.search(after) or _TIME.search(before))
    score += 1.0 * (2005 <= printed.value.year <= 2035) - 3.0 * bool(_OTHER_DATE.search(before))
    return score - 2.0 * printed.compact
