"""Sentences of two wishes put together from measured sentences of one, as synthetic input to measure on."""

from __future__ import annotations

import random
from collections.abc import Sequence

from training.compose import JOINTS, LONGEST
from training.rows import Row

_OTHERS = (
    " & ",
    ", and while i have you ",
    "? separately, ",
    ", after that ",
    " along with that ",
    ". on top of that, ",
    " and on another note ",
    "; second thing: ",
)
UNSEEN = tuple(joint for joint in _OTHERS if joint not in JOINTS)
"""Joints that training never uses."""


def composed(rows: Sequence[Row], joints: Sequence[str], count: int, seed: int) -> list[Row]:
    """So many sentences of two different intents: two short rows with a joint between, spans left out.

    Args:
        rows: those of one intent are used.
        joints: what may stand between two sentences.
        count: how many; none where the rows have fewer than two intents.
        seed: of the draw.
    """
    rng = random.Random(seed)
    single = [row for row in rows if row.intents and len(row.intents) == 1 and 8 < len(row.text) < LONGEST]
    result: list[Row] = []
    while len({row.intents for row in single}) > 1 and len(result) < count:
        first, second = rng.sample(single, 2)
        if first.intents != second.intents:
            text = first.text.rstrip(" .!?,") + rng.choice(joints) + second.text
            result.append(Row(text, (*(first.intents or ()), *(second.intents or ()))))
    return result
