"""How the words of a text are written: small, Capitalised, CAPITALS, MiXed. Encoders that fold case leave it out."""

from __future__ import annotations

import re
from collections.abc import Sequence

SMALL, CAPITALISED, CAPITALS, MIXED = range(4)
WAYS = 4

_WORD = re.compile(r"\w+")


def capitals_of(text: str, spans: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """How the word around each span is written.

    Args:
        text: as it was typed.
        spans: character offsets of its tokens.

    Returns:
        A way a span; nothing where all words are written in one way, which tells nothing of any of them.
    """
    if text.islower() or text.isupper():
        return ()
    ways = bytearray(len(text))
    seen = set()
    for match in _WORD.finditer(text):
        word, start, end = match.group(), match.start(), match.end()
        if word.upper() == word.lower():
            continue
        way = _way(word)
        seen.add(way)
        if way:
            ways[start:end] = bytes((way,)) * (end - start)
    if len(seen) < 2:
        return ()
    return tuple(ways[start] if start < len(ways) else SMALL for start, _ in spans)


def _way(word: str) -> int:
    if word.islower():
        return SMALL
    if word[0].isupper() and (len(word) == 1 or word[1:].islower()):
        return CAPITALISED
    return CAPITALS if word.isupper() else MIXED
