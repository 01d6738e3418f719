"""Two sentences in one breath: two wishes, one wish said twice, or a wish with a story around it."""

from __future__ import annotations

import random
from collections.abc import Sequence

from training.rows import Row

JOINTS = (
    " and ",
    ", and ",
    " and also ",
    ". Also, ",
    ". ",
    "? ",
    "; ",
    ", ",
    " plus ",
    ", oh and ",
    " and then ",
    ", then ",
    ". And ",
    " also ",
    " as well as ",
    " - ",
    " and while you are at it ",
    ". One more thing, ",
    " ",
)
LONGEST = 110
"""Characters of a sentence that is still put together with another."""


def composable(row: Row) -> bool:
    """Whether a row holds one wish in words alone, short enough to be joined with another."""
    alone = row.intents is not None and len(row.intents) == 1 and not (row.image or row.photo or row.audio)
    return alone and 8 < len(row.text) < LONGEST


def tellable(row: Row) -> bool:
    """Whether a row is a sentence that may stand beside any wish: in words alone, short, and no wish of its own."""
    return not row.intents and not (row.image or row.photo or row.audio) and 8 < len(row.text) < LONGEST


def join(first: Row, second: Row, rng: random.Random) -> Row:
    """Two rows of words joined as people join sentences, spans moved along.

    It means what either means, each intent once. The spans count where both halves are labelled, and so does the mood
    of the half that has one.
    """
    kept = first.text.rstrip(" .!?,")
    head = kept + rng.choice(JOINTS)
    lower = rng.random() < 0.5 and not second.text[:2].isupper()
    tail = second.text[0].lower() + second.text[1:] if lower else second.text
    spans = None
    if first.spans is not None and second.spans is not None:
        own = [span for span in first.spans if span[2] <= len(kept)]
        spans = (*own, *((kind, a + len(head), b + len(head)) for kind, a, b in second.spans))
    meant = dict.fromkeys((*(first.intents or ()), *(second.intents or ())))
    return Row(head + tail, tuple(meant), spans, first.sentiment or second.sentiment)


def compose(rows: Sequence[Row], count: int, seed: int) -> list[Row]:
    """Up to `count` sentences of two different intents made of the composable rows."""
    rng = random.Random(seed)
    single = [row for row in rows if composable(row)]
    composed: list[Row] = []
    while len({row.intents for row in single}) > 1 and len(composed) < count:
        first, second = rng.choice(single), rng.choice(single)
        composed += [join(first, second, rng)] if first.intents != second.intents else []
    return composed
