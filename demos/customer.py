"""A customer's voice for scripted calls, never the agent's: Debian's Flite where it is installed, else eSpeak NG with
another accent.

Flite (`apt-get install flite`) speaks slt, rms, awb and kal; anything else is an eSpeak NG voice such as en-gb.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
import tempfile
from pathlib import Path

from agent.errors import InputError
from modalities.types import Audio

FLITE_VOICES = ("slt", "rms", "awb", "kal")
_WITHOUT_FLITE = "en-gb"
_TIMEOUT_SECONDS = 60

log = logging.getLogger(__name__)


def speak(words: str, voice: str = "rms") -> Audio:
    """The words as this customer says them.

    Raises:
        InputError: nothing to say, or Flite failed.
    """
    if not words.strip():
        raise InputError("a customer's turn has no words to say; give it some, or a recording")
    if voice in FLITE_VOICES and shutil.which("flite"):
        return _flite(words, voice)
    from modalities.voice.espeak import ESpeak

    if voice in FLITE_VOICES:
        log.warning(
            "flite is not installed: eSpeak NG's %s speaks for the customer instead of %s", _WITHOUT_FLITE, voice
        )
        voice = _WITHOUT_FLITE
    return ESpeak(voice=voice).speak(words)


def _flite(words: str, voice: str) -> Audio:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "said.wav"
        command = ["flite", "-voice", voice, "-t", words, "-o", str(out)]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=_TIMEOUT_SECONDS)
        except (OSError, subprocess.SubprocessError) as error:
            raise InputError(f"flite could not speak with voice {voice!r}: {type(error).__name__}") from None
        return Audio.open(out)
