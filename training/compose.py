"""Two wishes in one breath, put together from sentences that hold one each."""

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


def join(first: Row, second: Row, rng: random.Random) -> Row | None:
    """Two composable rows joined as people join sentences, spans moved along; None where both want the same.

    The spans count where both halves are labelled.
    """
    if first.intents == second.intents or first.intents is None or second.intents is None:
        return None
    kept = first.text.rstrip(" .!?,")
    head = kept + rng.choice(JOINTS)
    lower = rng.random() < 0.5 and not second.text[:2].isupper()
    tail = second.text[0].lower() + second.text[1:] if lower else second.text
    spans = None
    if first.spans is not None and second.spans is not None:
        own = [span for span in first.spans if span[2] <= len(kept)]
        spans = (*own, *((kind, a + len(head), b + len(head)) for kind, a, b in second.spans))
    return Row(head + tail, (*first.intents, *second.intents), spans)


def compose(rows: Sequence[Row], count: int, seed: int) -> list[Row]:
    """Up to `count` sentences of two different intents made of the composable rows."""
    rng = random.Random(seed)
    single = [row for row in rows if composable(row)]
    composed: list[Row] = []
    while len({row.intents for row in single}) > 1 and len(composed) < count:
        joined = join(rng.choice(single), rng.choice(single), rng)
        composed += [joined] if joined else []
    return composed
