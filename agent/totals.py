"""Which of the amounts on a receipt was to be paid.

Every printed amount is a candidate. Words in its row, its place among the others and sums that come out even each
add to or take from its score; the best one wins. No single rule decides, because any word may be misread.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from agent.printed import PrintedAmount, find_amounts
from modalities.ocr import rows
from modalities.types import TextLine

_TOTAL = re.compile(r"t[o0c]ta[l1it]|\btota|jumlah|\btot['\W]|totl|\bt[o0]l?al\b", re.I)
_DUE = re.compile(
    r"(amount|amt|balance|bill)\W*(due|payable|\(?rm)|payable|net{1,2}\W*(am|total)|to\s*pay|grand|\bdue\b", re.I
)
_FINAL = re.compile(r"incl|round(ed|d)\b|after|net{1,2}|grand|due|payable|\brm\b|sales", re.I)
_SUB = re.compile(r"su[b8&t]\W*-?\W*t[o0]?|\bsub|before|exc[lt1]|exclu|w/?o\s", re.I)
_COUNT = re.compile(r"q(uan)?ty|quantity|\bitems?\b|\bpcs\b|count|\bno\.?\s*of", re.I)
_TAX = re.compile(r"\bg[s5]t\b|\btax\b|\bsst\b|\bvat\b|service\s*ch", re.I)
_CUT = re.compile(r"supplies|disc|saving|saved|rebate|voucher|point|deposit|loading", re.I)
_CASH = re.compile(r"\bcash\b|tender|\bpaid\b|payment|receiv|\bvisa|master|credit|debit|\bcard\b|tunai", re.I)
_CHANGE = re.compile(r"change|\bbaki\b|balance(?!\W*due)", re.I)
_ROUNDING = re.compile(r"r[ou0]+n?d\w*\W*(adj|diff|amt)|rounding(?!\W*total)|\badj", re.I)
_SUMMARY = re.compile(r"(gst|tax|sst|vat)\W*(summary|analysis|susm|code)|summary", re.I)
_COINS = re.compile(r"[.,](0[1-4])(?!\d)")
_COIN = Decimal("0.05")
_CURRENCY = re.compile(r"\b(RM|MYR|USD|SR)\b")
_WORDS = re.compile(r"[A-Za-z']{2,}")


@dataclass(frozen=True)
class _Row:
    """One printed row.

    Attributes:
        text: all its words.
        amounts: its amounts, with offsets into the text of all lines.
        labels: for each amount the words between it and the one before; empty where there are none.
        in_summary: whether it belongs to the tax summary at the end.
    """

    text: str
    amounts: tuple[PrintedAmount, ...]
    labels: tuple[str, ...]
    in_summary: bool

    @cached_property
    def is_total(self) -> bool:
        """Whether it speaks of a sum to pay rather than of a part of it."""
        wanted = _TOTAL.search(self.text) or _DUE.search(self.text)
        return bool(wanted) and not (_SUB.search(self.text) or _is_part(self.text))


@dataclass(frozen=True)
class Candidate:
    """An amount that may be the total: its printed form and how much speaks for it."""

    amount: PrintedAmount
    score: float


def _is_part(text: str) -> bool:
    """Whether a row that says "total" means the total of tax, discounts or pieces."""
    tax_only = _TAX.search(text) and not re.search(r"inc|after|with|nett|payable|\bamt\b|amount|due", text, re.I)
    return bool(tax_only or _CUT.search(text) or _COUNT.search(text) or _CHANGE.search(text))


def total_rows(lines: Sequence[TextLine]) -> set[int]:
    """Positions of the lines in printed rows that speak of the total to pay."""
    return {
        index
        for positions, row in zip(rows(lines), _read(lines), strict=True)
        if row.is_total and not row.in_summary
        for index in positions
    }


def rank_totals(lines: Sequence[TextLine]) -> list[Candidate]:
    """The amounts that may be the total, best first; offsets are into the lines joined by newlines."""
    table = _read(lines)
    paid, rounded = _sums(table), _rounded(table)
    seen = Counter(amount.value for row in table for amount in row.amounts if not row.in_summary)
    payable = [a.value for row in table for a in row.amounts if not _CASH.search(row.text) and not row.in_summary]
    top = max(payable, default=Decimal(0))
    found = []
    for index, row in enumerate(table):
        for place, amount in enumerate(row.amounts):
            if amount.value == 0:
                continue
            label = row.labels[place] or _label(table, index)
            score = _words(label, row.in_summary) - 3.0 * (abs(amount.value) < _COIN)
            score += 1.5 * (amount.value in paid and bool(_CASH.search(label)))
            score += 0.0 if place == len(row.amounts) - 1 else -1.0
            score += (
                4.0 * (amount.value in paid) + 5.0 * (amount.value in rounded) + 0.5 * min(seen[amount.value] - 1, 3)
            )
            score += 1.0 * (amount.value == top) + 0.01 * index
            found.append(Candidate(amount, score))
    return sorted(found, key=lambda candidate: -candidate.score)


def arithmetic(lines: Sequence[TextLine]) -> set[Decimal]:
    """What the receipt's own sums say the total is: cash less change, subtotal with tax, a total rounded to coins."""
    table = _read(lines)
    return _sums(table) | _rounded(table)


def is_summary(text: str) -> bool:
    """Whether a row heads the tax summary at the end."""
    return bool(_SUMMARY.search(text))


def kind_of_row(text: str) -> str:
    """Which sum a row states: total, subtotal, tax, cash, change, rounding or discount; empty for none."""
    kinds = (
        ("change", _CHANGE), ("rounding", _ROUNDING), ("subtotal", _SUB), ("discount", _CUT), ("tax", _TAX),
        ("total", _TOTAL), ("total", _DUE), ("cash", _CASH),
    )  # fmt: skip
    return next((kind for kind, pattern in kinds if pattern.search(text)), "")


def _read(lines: Sequence[TextLine]) -> list[_Row]:
    """The lines as printed rows."""
    table, start, in_summary = list[_Row](), 0, False
    for positions in rows(lines):
        amounts, labels, said = list[PrintedAmount](), list[str](), ""
        for index in positions:
            text, done = lines[index].text, 0
            for amount in find_amounts(text):
                amounts.append(PrintedAmount(amount.value, start + amount.start, start + amount.end, amount.currency))
                said += text[done : amount.start]
                labels.append(said if _WORDS.search(_CURRENCY.sub("", said)) else "")
                done, said = amount.end, ""
            said += text[done:] + "  "
            start += len(text) + 1
        text = "  ".join(lines[index].text for index in positions)
        in_summary = in_summary or (bool(_SUMMARY.search(text)) and bool(table))
        table.append(_Row(text, tuple(amounts), tuple(labels), in_summary))
    return table


def _label(table: Sequence[_Row], index: int) -> str:
    """The words that go with a row's amounts: its own, or those of the row above when it has none and that is bare."""
    row = table[index]
    if _WORDS.search(_CURRENCY.sub("", row.text)):
        return row.text
    if index and not table[index - 1].amounts:
        return table[index - 1].text
    return row.text


def _words(label: str, in_summary: bool) -> float:
    """What the words of a row say for its amounts being the total."""
    score = 0.0
    if _TOTAL.search(label) or _DUE.search(label):
        score += 5.0 + 1.0 * bool(_FINAL.search(label)) + 0.5 * bool(_DUE.search(label))
    checks = ((_SUB, -4.0), (_COUNT, -2.5), (_CUT, -5.0), (_CHANGE, -6.0), (_CASH, -1.5))
    score += sum(weight for pattern, weight in checks if pattern.search(label))
    if _TAX.search(label) and _is_part(label):
        score -= 4.0
    return score - 6.0 * in_summary


def _sums(table: Sequence[_Row]) -> set[Decimal]:
    """Amounts that come out of the receipt's own arithmetic: cash less change, and subtotal with tax and rounding."""

    def last(pattern: re.Pattern[str], without: re.Pattern[str] | None = None) -> list[Decimal]:
        return [
            row.amounts[-1].value
            for index, row in enumerate(table)
            if row.amounts
            and pattern.search(_label(table, index))
            and not (without and without.search(_label(table, index)))
        ]

    cash, change = last(_CASH, _CHANGE), last(_CHANGE)
    found = {abs(given) - abs(back) for given in cash for back in change[:1]}
    if not change:
        found |= {abs(given) for given in cash}
    for part in last(_SUB):
        extra = [Decimal(0), *last(_ROUNDING)]
        found |= {part + tax + adjust for tax in last(_TAX, _TOTAL) for adjust in extra if tax < part}
    return {value for value in found if value > 0}


def _rounded(table: Sequence[_Row]) -> set[Decimal]:
    """What a total comes to once it is rounded to what coins can pay (five cents), by the adjustment printed."""
    adjustments = {
        Decimal(f"0.{match[1]}") for row in table if _ROUNDING.search(row.text) for match in _COINS.finditer(row.text)
    }
    before = {row.amounts[-1].value for row in table if row.amounts and row.is_total and not row.in_summary}
    found = {total + sign * by for total in before for by in adjustments for sign in (1, -1)}
    return {value for value in found if value % _COIN == 0}
