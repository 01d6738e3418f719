"""One turn of a simulated customer, and two of them in one breath."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Said:
    """One turn of a customer.

    Attributes:
        text: the words.
        intents: what is meant by them.
        slots: (slot, value, start, end) of each value in them.
        photo: what a photo sent with them shows, or empty.
        unhappy: said in anger.
    """

    text: str
    intents: tuple[str, ...]
    slots: tuple[tuple[str, str, int, int], ...] = ()
    photo: str = ""
    unhappy: bool = False


def joined(first: Said, word: str, second: Said, *, dot: bool = False) -> Said:
    """Two things said in one breath."""
    gap = f"{'.' if dot and first.text[-1] not in '.!?' else ''} {word} " if word else (
        ". " if dot and first.text[-1] not in ".!?" else " "
    )  # fmt: skip
    shift = len(first.text) + len(gap)
    later = tuple((name, value, start + shift, end + shift) for name, value, start, end in second.slots)
    intents = tuple(dict.fromkeys((*first.intents, *second.intents)))
    return Said(
        first.text + gap + second.text,
        intents,
        (*first.slots, *later),
        first.photo or second.photo,
        first.unhappy or second.unhappy,
    )


def plain(text: str) -> str:
    """A text as it sounds: no case, no punctuation."""
    return " ".join(re.findall(r"[\w@]+", text.lower()))


def placeholders(template: str) -> frozenset[str]:
    """The slots a wording tells."""
    return frozenset(re.findall(r"\{(\w+)\}", template))
