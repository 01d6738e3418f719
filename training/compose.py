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
    "; ",
    " plus ",
    ", oh and ",
    " and then ",
    ". And ",
    " also ",
)
LONGEST = 110
"""Characters of a sentence that is still put together with another."""


def compose(rows: Sequence[Row], count: int, seed: int) -> list[Row]:
    """Sentences of two different intents, joined as people join them; spans move along.

    Only sentences of one intent and no photo are used; their entities count where both halves are labelled.
    """
    rng = random.Random(seed)
    single = [
        row for row in rows if row.intents and len(row.intents) == 1 and not row.image and 8 < len(row.text) < LONGEST
    ]
    composed: list[Row] = []
    while single and len(composed) < count and len({row.intents for row in single}) > 1:
        first, second = rng.choice(single), rng.choice(single)
        if first.intents == second.intents:
            continue
        head = first.text.rstrip(" .!?,") + rng.choice(JOINTS)
        tail = (
            second.text if rng.random() < 0.5 or second.text[:2].isupper() else second.text[0].lower() + second.text[1:]
        )
        spans = None
        if first.spans is not None and second.spans is not None:
            kept = [span for span in first.spans if span[2] <= len(first.text.rstrip(" .!?,"))]
            spans = (*kept, *((kind, a + len(head), b + len(head)) for kind, a, b in second.spans))
        composed.append(Row(head + tail, (*(first.intents or ()), *(second.intents or ())), spans))
    return composed
