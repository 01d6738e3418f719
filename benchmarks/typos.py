"""Typing errors to measure under: made apart from those that training makes, and blind to keyboards."""

from __future__ import annotations

import random
import string


def with_typos(text: str, rate: float, rng: random.Random) -> str:
    """Each character, blanks too, is with this chance replaced by a letter, dropped, doubled by a letter after it, or
    swapped with the next; the four are equally likely.

    Args:
        text: as written.
        rate: chance of each character, 0..1.
        rng: decides everything.
    """
    result, i = [], 0
    while i < len(text):
        error = rng.choice(("replace", "drop", "insert", "swap")) if rng.random() < rate else ""
        letter = rng.choice(string.ascii_lowercase)
        if error == "swap" and i + 1 < len(text):
            result.append(text[i + 1] + text[i])
            i += 1
        else:
            result.append({"replace": letter, "drop": "", "insert": text[i] + letter}.get(error, text[i]))
        i += 1
    return "".join(result)
