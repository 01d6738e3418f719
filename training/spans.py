"""How many entity spans are right: exact match of type, start and end, as CoNLL and `seqeval` count it.

Written as BIO tags over any tokens whose borders hold the spans' borders, the same spans give the same numbers in
`seqeval` (https://github.com/chakki-works/seqeval): precision, recall and F1 over all spans together ("micro"), the
mean of the types ("macro"), and by type with its support. A ratio of nothing is 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

from agent.types import Understanding
from modalities.speech.written import to_written
from training.rows import Row

Items = Sequence[Iterable[tuple[str, Hashable]]]
"""By row, (type, place) of each span; the same place twice counts twice."""


def span_figures(truth: Items, found: Items) -> dict[str, Any]:
    """Figures of spans found against those meant, row by row.

    Returns:
        "micro" and, under "by_type", each type of the truth or the finds: precision, recall, f1, support (spans
        meant), found; "macro_f1", the mean over those types.
    """
    meant, seen, right = Counter[str](), Counter[str](), Counter[str]()
    for ours, theirs in zip(truth, found, strict=True):
        wanted, got = Counter(ours), Counter(theirs)
        for counts, items in ((meant, wanted), (seen, got), (right, wanted & got)):
            for (kind, _), count in items.items():
                counts[kind] += count
    kinds = sorted(meant | seen)
    by_type = {kind: _ratios(right[kind], meant[kind], seen[kind]) for kind in kinds}
    return {
        "micro": _ratios(right.total(), meant.total(), seen.total()),
        "macro_f1": sum(by_type[kind]["f1"] for kind in kinds) / len(kinds) if kinds else 0.0,
        "by_type": by_type,
    }


def _ratios(right: int, meant: int, found: int) -> dict[str, float | int]:
    return {
        "precision": right / found if found else 0.0,
        "recall": right / meant if meant else 0.0,
        "f1": 2 * right / (meant + found) if meant + found else 0.0,
        "support": meant,
        "found": found,
    }


def entity_figures(rows: Sequence[Row], understandings: Sequence[Understanding]) -> dict[str, Any]:
    """Figures of the entities in words: "typed" by place, "heard" by type and words; a part without rows is left out.

    What was heard has other offsets than what was said, so recordings are judged by what the entities say.
    """
    labelled = [(row, u) for row, u in zip(rows, understandings, strict=True) if row.spans is not None]
    result: dict[str, Any] = {}
    for name, spoken in (("typed", False), ("heard", True)):
        part = [(row, u) for row, u in labelled if (u.transcript is not None) == spoken]
        if not any(row.spans for row, _ in part):
            continue
        truth = [_said(row) if spoken else _meant(row) for row, _ in part]
        found = [_heard(u) if spoken else _placed(row, u) for row, u in part]
        result[name] = {"rows": len(part), **span_figures(truth, found)}
    return result


def _meant(row: Row) -> list[tuple[str, Hashable]]:
    return [(kind, (start, end)) for kind, start, end in row.spans or ()]


def _placed(row: Row, understanding: Understanding) -> list[tuple[str, Hashable]]:
    """Finds in the words as offsets into the row's text, whose outer blanks are not read."""
    blank = len(row.text) - len(row.text.lstrip())
    return [(e.type, (e.start + blank, e.end + blank)) for e in _in_words(understanding)]


def _said(row: Row) -> list[tuple[str, Hashable]]:
    return [(kind, _plain(row.text[start:end])) for kind, start, end in row.spans or ()]


def _heard(understanding: Understanding) -> list[tuple[str, Hashable]]:
    return [(entity.type, _plain(entity.text)) for entity in _in_words(understanding)]


def _in_words(understanding: Understanding) -> list[Any]:
    return [entity for entity in understanding.entities if not entity.source.startswith("photo.")]


def _plain(words: str) -> str:
    """Letters and digits of words in written form ("forty two" as "42"), in lower case."""
    return "".join(c for c in to_written(words).text.lower() if c.isalnum())
