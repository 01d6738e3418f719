"""Phonemes for Coqui's models from the eSpeak NG library in the wheel, where no `espeak-ng` program is installed.

Coqui's own phonemizer runs that program; its published English VITS takes nothing but its phonemes. The library is
the same engine, so the phonemes are the same: checked against the format in Coqui's `espeak_wrapper.py`.
"""

from __future__ import annotations

import re
from typing import Any

from modalities.voice.espeak import engine

_LANGUAGE_SWITCH = re.compile(r"\([a-z-]{2,20}\)")
_SAME_LANGUAGE = {"en": "en-us", "zh-cn": "cmn"}  # Coqui's names for two of eSpeak's


def install_phonemizer() -> None:
    """Make Coqui phonemize through the library unless the program is there. Repeating it does no harm."""
    from TTS.tts.utils.text import phonemizers

    # Coqui fills its table on first use, and would then overwrite an entry made before.
    phonemizers._register_phonemizers()
    if not phonemizers.ESpeak.is_available():
        phonemizers.PHONEMIZERS["espeak"] = _phonemizer_class()


def _phonemizer_class() -> type[Any]:
    """The class, made here because its base is Coqui's."""
    from TTS.tts.utils.text.phonemizers.base import BasePhonemizer
    from TTS.tts.utils.text.punctuation import Punctuation

    class LibraryPhonemizer(BasePhonemizer):  # type: ignore[misc]
        """eSpeak NG's phonemes by library call."""

        def __init__(
            self, language: str, punctuations: str = Punctuation.default_puncs(), *, keep_puncs: bool = True
        ) -> None:
            super().__init__(_SAME_LANGUAGE.get(language, language), punctuations, keep_puncs=keep_puncs)

        @staticmethod
        def name() -> str:
            return "espeak"

        @classmethod
        def is_available(cls) -> bool:
            return True

        def version(self) -> str:
            return "library"

        @staticmethod
        def supported_languages() -> dict[str, str]:
            return {language: language for language in engine().voices()}

        def _phonemize(self, text: str, separator: str = "") -> str:
            phonemes = engine().phonemes(text, self.language)
            return _LANGUAGE_SWITCH.sub("", phonemes).replace("_", separator)

    return LibraryPhonemizer
