"""Telling an "mhm" from an interruption: what short words while the agent speaks are meant for.

A listener's acknowledgements (Yngve, "On getting a word in edgewise", 1970, called them the back channel) are few and
short, so a small PocketSphinx language model of them, beside the short things that people break in with, hears which
it was. "Yes" and "no" are taken for answers, never for acknowledgements: an answer lost costs more than a pause.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping

from modalities.speech.language_model import compile_model
from modalities.speech.pocketsphinx import PocketSphinx
from modalities.types import Audio

ACKNOWLEDGEMENTS = (
    "mhm", "uh huh", "hm", "mm", "okay", "ok okay", "yeah", "yeah yeah", "right", "alright", "all right", "sure",
    "i see", "got it", "of course", "okay right", "aha",
)  # fmt: skip

INTERRUPTIONS = (
    "no", "no no", "yes", "stop", "wait", "wait wait", "hold on", "hang on", "excuse me", "sorry", "what", "pardon",
    "help", "repeat", "repeat that", "say that again", "again", "go", "go back", "start over", "cancel", "cancel it",
    "agent", "operator", "a person", "a human", "one moment", "just a second", "hello", "but", "listen", "actually",
    "never mind", "next", "skip", "not that", "that's wrong", "wrong", "no wait", "i said", "can i", "can you",
    "i want", "i need", "my order", "the order", "how much", "when", "where", "who", "why", "which one", "thank you",
    "thanks", "bye", "goodbye", "slower", "louder", "quit", "enough", "return", "refund", "please",
    "yes please", "don't", "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "first", "second", "erase", "oh",
)  # fmt: skip

PRONUNCIATIONS: Mapping[str, tuple[str, ...]] = {
    "mhm": ("M HH AH M", "M HH M", "AH M HH AH M"),
    "hm": ("HH AH M", "HH M", "HH AH M M"),
    "mm": ("M M", "AH M", "M M M"),
    "aha": ("AA HH AA", "AH HH AA"),
    "ok": ("OW K EY",),
}


class Acknowledgements:
    """The `AsideModel` of the stacks; American English. Safe to use from several threads.

    Args:
        least: confidence of the hearing under which it is taken for an interruption.

    Raises:
        MissingPartError: pocketsphinx is not installed.
    """

    def __init__(self, least: float = 0.5) -> None:
        self._least = least
        self._words = frozenset(ACKNOWLEDGEMENTS)
        with tempfile.TemporaryDirectory() as folder:
            # Each sentence twice, for a discount that leaves little to mixtures of them.
            sentences = (ACKNOWLEDGEMENTS + INTERRUPTIONS) * 2
            self._engine = PocketSphinx(compile_model(sentences, folder, pronunciations=PRONUNCIATIONS))

    def is_aside(self, audio: Audio) -> bool:
        """Whether the short stretch of speech only says that the listener listens."""
        (heard,) = self._engine.transcribe([audio])
        return heard.text in self._words and heard.confidence >= self._least
