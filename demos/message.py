"""A message of the page (words, a recording, a photo) as a turn, and as lines of the conversation."""

from __future__ import annotations

import html
from dataclasses import replace
from pathlib import Path
from typing import Any

from agent.errors import InputError
from agent.types import Turn
from demos.files import PHOTOS
from modalities.types import Audio, Image

MAX_CHARACTERS = 100_000
MAX_SPOKEN_SECONDS = 120.0

Message = dict[str, Any]


def turn_of(message: Message, call_id: str) -> tuple[Turn, list[Message]]:
    """The turn that a message is, and its lines in the conversation.

    Args:
        message: "text" and "files" (paths), as the message box gives them.
        call_id: the visitor's call.

    Raises:
        InputError: it is empty, too long, holds more than one of a kind, or a file that cannot be used.
    """
    text = (message.get("text") or "").strip()
    if len(text) > MAX_CHARACTERS:
        raise InputError(f"the message has {len(text)} characters; send at most {MAX_CHARACTERS}")
    shown: list[Message] = []
    audio: Audio | None = None
    image: Image | None = None
    for path in (Path(_path(file)) for file in message.get("files") or []):
        if path.suffix.lower() in PHOTOS:
            if image is not None:
                raise InputError("the message has more than one photo; send them one after another")
            image = Image.open(path)
        else:
            if audio is not None:
                raise InputError("the message has more than one recording; send them one after another")
            audio = _spoken(path)
        shown.append({"role": "user", "content": {"path": str(path)}})
    if not text and audio is None and image is None:
        raise InputError("the message is empty; say, type or attach something")
    if text:
        shown.append(line("user", text))
    turn = Turn(text=text or None, audio=audio, image=image, call_id=call_id)
    return (turn if audio is None else replace(turn, channel="voice")), shown


def _path(file: Any) -> str:
    return str(file["path"] if isinstance(file, dict) else file)


def _spoken(path: Path) -> Audio:
    audio = Audio.open(path)
    if audio.seconds > MAX_SPOKEN_SECONDS:
        raise InputError(
            f"the recording is {audio.seconds:.0f} s long; a message may have {MAX_SPOKEN_SECONDS:.0f} s. "
            "Whole calls go through python -m demos.batch"
        )
    return audio


def line(role: str, text: str) -> Message:
    """A line of the conversation; the chat takes words for HTML, which a customer's never are."""
    return {"role": role, "content": html.escape(text)}
