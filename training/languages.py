"""Which texts are in a language the pack does not speak: naive Bayes over byte n-grams (Lui & Baldwin 2012, langid.py).

Short texts are hard to tell apart, so only what is plainly another language is told: of 6,000 English sentences of a
few words none was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from agent.errors import MissingPartError

LOOKED_AT = 4_000
"""Texts of a file that are looked at, evenly spread: about three seconds."""

_EXPECTED = 0.005  # probability of all the pack's languages together, below which a text is in another
_FOUND = 0.4  # probability of the other language


def foreign(texts: Mapping[int, str], languages: Collection[str]) -> dict[str, list[int]]:
    """Lines whose text is in another language, by that language's ISO 639-1 code.

    Args:
        texts: line -> text.
        languages: ISO 639-1 codes of those expected.

    Raises:
        MissingPartError: py3langid is not installed.
    """
    identifier = _identifier()
    expected = set(languages)
    if not expected & set(identifier.labels):
        return {}
    lines = list(texts)
    found: dict[str, list[int]] = defaultdict(list)
    for line in lines[:: max(1, -(-len(lines) // LOOKED_AT))]:
        ranked = identifier.rank(texts[line])
        best, chance = ranked[0]
        if chance >= _FOUND and sum(share for name, share in ranked if name in expected) < _EXPECTED:
            found[best].append(line)
    return dict(found)


@cache
def _identifier() -> Any:
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ModuleNotFoundError as error:
        raise MissingPartError("telling languages apart needs the package py3langid: pip install py3langid") from error
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


__all__ = ["LOOKED_AT", "foreign"]
