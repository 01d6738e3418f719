"""How words that no dictionary has are said: eSpeak NG's letter-to-sound rules, as ARPAbet phones.

`python -m modalities.speech.pronunciation` reads words from stdin, one a line, and writes their phones. `guess` runs
it as a process of its own, because eSpeak NG keeps one state per process and another part may be speaking with it.
"""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

from modalities.errors import MissingPartError

# IPA as eSpeak NG's en-us voice writes it -> ARPAbet as CMUdict does; longest first.
ARPABET = {
    "aɪɚ": "AY ER", "aɪə": "AY AH", "oːɹ": "AO R", "ɔːɹ": "AO R", "ɑːɹ": "AA R", "tʃ": "CH", "dʒ": "JH",
    "aɪ": "AY", "aʊ": "AW", "eɪ": "EY", "oʊ": "OW", "əʊ": "OW", "ɔɪ": "OY", "ɪɹ": "IH R", "ɛɹ": "EH R", "ʊɹ": "UH R",
    "iə": "IY AH", "ɜː": "ER", "iː": "IY", "uː": "UW", "ɑː": "AA", "ɔː": "AO", "əl": "AH L", "n̩": "AH N",
    "ɐ": "AH", "ə": "AH", "ʌ": "AH", "ɚ": "ER", "ɝ": "ER", "æ": "AE", "a": "AE", "ɑ": "AA", "ɒ": "AA", "ɔ": "AO",
    "e": "EY", "ɛ": "EH", "i": "IY", "ɪ": "IH", "ᵻ": "IH", "o": "OW", "u": "UW", "ʊ": "UH", "b": "B", "d": "D",
    "ð": "DH", "f": "F", "ɡ": "G", "g": "G", "h": "HH", "j": "Y", "k": "K", "l": "L", "m": "M", "n": "N", "ŋ": "NG",
    "p": "P", "r": "R", "ɹ": "R", "ɾ": "T", "s": "S", "ʃ": "SH", "t": "T", "ʔ": "T", "θ": "TH", "v": "V", "w": "W",
    "x": "K", "z": "Z", "ʒ": "ZH", "ɬ": "L", "ç": "HH",
}  # fmt: skip
_PHONE = re.compile("|".join(sorted(map(re.escape, ARPABET), key=len, reverse=True)))

_AUDIO_OUTPUT_SYNCHRONOUS = 2
_UTF8 = 1
_IPA = 2


def guess(words: Sequence[str]) -> list[str]:
    """Each word's phones ("K AE L S AY T"); empty for one that cannot be said.

    Raises:
        MissingPartError: espeakng-loader is not installed or does not run.
    """
    if find_spec("espeakng_loader") is None:
        raise MissingPartError("saying unknown words needs the package espeakng-loader; pip install espeakng-loader")
    command = [sys.executable, "-m", "modalities.speech.pronunciation"]
    paths = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        command,
        input="\n".join(words),
        env={**os.environ, "PYTHONPATH": paths, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    lines = done.stdout.split("\n")[:-1]
    if done.returncode != 0 or len(lines) != len(words):
        raise MissingPartError("eSpeak NG did not run; reinstall it with pip install --force-reinstall espeakng-loader")
    return lines


def to_arpabet(ipa: str) -> str:
    """ARPAbet phones of an IPA string; marks of stress and length, and what has no equal, are left out."""
    return " ".join(ARPABET[match] for match in _PHONE.findall(re.sub("[ˈˌ̩]", "", ipa)))


def _ipa(words: Iterable[str]) -> Iterable[str]:
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    library.espeak_TextToPhonemes.restype = ctypes.c_char_p
    data = str(espeakng_loader.get_data_path()).encode()
    if library.espeak_Initialize(_AUDIO_OUTPUT_SYNCHRONOUS, 0, data, 0) < 0:
        raise MissingPartError("eSpeak NG found no voices; reinstall espeakng-loader")
    library.espeak_SetVoiceByName(b"en-us")
    for word in words:
        text = ctypes.c_void_p(ctypes.cast(ctypes.c_char_p(word.encode()), ctypes.c_void_p).value)
        parts = []
        while text.value:
            parts.append(library.espeak_TextToPhonemes(ctypes.byref(text), _UTF8, _IPA).decode())
        yield " ".join(parts)


def _main() -> None:
    for ipa in _ipa(sys.stdin.read().split("\n")):
        sys.stdout.write(to_arpabet(ipa) + "\n")


if __name__ == "__main__":
    _main()
