"""What a visitor gives at once (words, a recording, a photo) as a turn."""

from __future__ import annotations

from pathlib import PurePath

from agent.errors import InputError
from agent.types import Turn
from demos.files import PHOTOS
from modalities.types import Audio, Image

MAX_CHARACTERS = 100_000
MAX_SPOKEN_SECONDS = 120.0
LEAST_SPOKEN_SECONDS = 0.2


def turn_of(text: str, audio: Audio | None, image: Image | None, call_id: str) -> Turn:
    """The turn that a message is.

    Raises:
        InputError: it is empty, too long, or too short to hold a word.
    """
    words = text.strip()
    if len(words) > MAX_CHARACTERS:
        raise InputError(f"the message has {len(words)} characters; send at most {MAX_CHARACTERS}")
    if not words and audio is None and image is None:
        raise InputError("the message is empty; say, type or attach something")
    if audio is not None:
        _check(audio)
    return Turn(words or None, audio, image, call_id, "text" if audio is None else "voice")


def _check(audio: Audio) -> None:
    if audio.seconds < LEAST_SPOKEN_SECONDS:
        raise InputError("that was too short to hold a word; hold the button for as long as you speak")
    if audio.seconds > MAX_SPOKEN_SECONDS:
        raise InputError(
            f"the recording is {audio.seconds:.0f} s long; a message may have {MAX_SPOKEN_SECONDS:.0f} s. "
            "Whole calls go through python -m demos.batch"
        )


def opened(name: str, content: bytes) -> Audio | Image:
    """A file that a visitor attached: a photo where its name ends as photos' do, else a recording.

    Raises:
        InputError: it is empty, damaged, too long, or neither.
    """
    if not content:
        raise InputError("the file is empty; attach a photo or a recording")
    if PurePath(name).suffix.lower() in PHOTOS:
        return Image.open(content)
    try:
        audio = Audio.open(content)
    except InputError:
        kinds = "JPEG, PNG, WAV, MP3, FLAC or OGG"
        raise InputError(f"the file is no photo or recording that can be read; attach a {kinds}") from None
    _check(audio)
    return audio
