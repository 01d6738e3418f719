"""Which files a batch is about: folders searched, single files taken as they are."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from agent.errors import InputError

RECORDINGS = frozenset((".wav", ".flac", ".ogg", ".mp3", ".opus", ".aiff", ".aif", ".au"))
PHOTOS = frozenset((".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"))


def find(inputs: Sequence[Path]) -> tuple[Path, ...]:
    """Every recording and photo under the inputs, each once, folders in order of name.

    A file named outright is taken whatever its ending.

    Raises:
        InputError: an input does not exist, or there is nothing to work on.
    """
    found = tuple(dict.fromkeys(path for given in inputs for path in _under(given)))
    if not found:
        kinds = ", ".join(sorted(RECORDINGS | PHOTOS))
        raise InputError(f"no recordings or photos in {[str(i) for i in inputs]!r}; looked for {kinds}")
    return found


def _under(given: Path) -> Iterator[Path]:
    if given.is_file():
        yield given
    elif given.is_dir():
        for folder, folders, names in os.walk(given):
            folders.sort()
            yield from (Path(folder) / n for n in sorted(names) if Path(n).suffix.lower() in RECORDINGS | PHOTOS)
    else:
        raise InputError(f"{str(given)!r} does not exist; give files or folders of recordings")


def is_photo(path: Path) -> bool:
    """Whether the file's ending is a photo's."""
    return path.suffix.lower() in PHOTOS


def name_of(path: Path) -> str:
    r"""The path as text that can be written down, bytes that are not UTF-8 shown as \xNN."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
