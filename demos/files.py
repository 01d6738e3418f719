"""Which endings recordings and photos have, and how a file is named in what is written down."""

from __future__ import annotations

import os
from pathlib import Path

from modalities.audio import HEADERLESS

RECORDINGS = frozenset(
    (".wav", ".flac", ".ogg", ".mp3", ".opus", ".aiff", ".aif", ".au", ".m4a", ".mp4", ".webm", ".amr", *HEADERLESS)
)
PHOTOS = frozenset((".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".heic", ".heif"))


def is_photo(path: Path) -> bool:
    """Whether the file's ending is a photo's."""
    return path.suffix.lower() in PHOTOS


def name_of(path: Path) -> str:
    r"""The path as text that can be written down, bytes that are not UTF-8 shown as \xNN."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
