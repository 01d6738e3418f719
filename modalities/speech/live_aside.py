"""Telling an "mhm" from an interruption: what short words while the agent speaks are meant for.

A listener's acknowledgements (Yngve, "On getting a word in edgewise", 1970, called them the back channel) are few and
short: whether the sound's phones (`phone_listener`) fit one of them better, or one of the short things that people
break in with, tells which it was. "No" is always taken for an answer, and "yes" where the agent asked something: an
answer lost costs more than a pause.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping

from modalities.speech.decoders import Language
from modalities.speech.language_model import compile_model
from modalities.speech.phone_listener import PhoneListener
from modalities.speech.pocketsphinx import ACOUSTICS, PHONES
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

ASSENT = ("yes", "yes please")
"""Of these, an answer where the agent asks something that yes answers; else they say what "yeah" says."""

PRONUNCIATIONS: Mapping[str, tuple[str, ...]] = {
    "mhm": ("M HH AH M", "M HH M", "AH M HH AH M"),
    "hm": ("HH AH M", "HH M", "HH AH M M"),
    "mm": ("M M", "AH M", "M M M"),
    "aha": ("AA HH AA", "AH HH AA"),
    "uh": ("AH",),
    "huh": ("HH AH",),
    "yeah": ("Y AE AH", "Y EH", "Y AE"),
    "ok": ("OW K EY",),
}

ALLOWED = 3.0
"""Chosen on 77 acknowledgements and 144 interruptions by nine synthetic voices and 70 interruptions of AN4: over 8 kHz
mu-law 63 acknowledgements are told as such, and two of the interruptions, none of AN4's. "Yeah" is mostly taken for
"yes".
"""


class Acknowledgements:
    """The `AsideModel` of the stacks; American English. Safe to use from several threads.

    Args:
        allowed: nats by which the best acknowledgement may fit less well than the best interruption.

    Raises:
        MissingPartError: pocketsphinx, or what the phones are told from, is not installed.
        WeightsError: the phones are missing or damaged.
    """

    def __init__(self, allowed: float = ALLOWED) -> None:
        self._allowed = allowed
        with tempfile.TemporaryDirectory() as folder:
            said = ACKNOWLEDGEMENTS + INTERRUPTIONS
            language = Language(compile_model(said, folder, pronunciations=PRONUNCIATIONS))
        self._listener = PhoneListener(language, ACOUSTICS / PHONES, decoders=1)

    def is_aside(self, audio: Audio, assent: bool = False) -> bool:
        """Whether the short stretch of speech only says that the listener listens.

        Args:
            audio: the stretch.
            assent: "yes" is no answer now.
        """
        phones = self._listener.log_probabilities(audio)
        texts = (*ACKNOWLEDGEMENTS, *INTERRUPTIONS)
        fits = dict(zip(texts, self._listener.likelihoods(texts, phones), strict=True))
        asides = {*ACKNOWLEDGEMENTS, *(ASSENT if assent else ())}
        best = max(fit for text, fit in fits.items() if text in asides)
        nothing = float(phones[:, 0].sum())  # of no words at all
        return best > max(nothing, max(fit for text, fit in fits.items() if text not in asides) - self._allowed)
