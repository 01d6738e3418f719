"""Whether the photos and recordings that examples name can be read: each file is decoded once, whole."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from agent.errors import InputError
from agent.examples import Example
from agent.problems import Problem
from modalities import audio, image

_LOOK = 64  # pixels; a JPEG is decoded to about this size, which still reads all of the file
_SHORT = 0.99  # share of the promised sound that must be there: MP3 headers count in frames


def unreadable(examples: Iterable[Example], root: Path, path: Path) -> Iterator[Problem]:
    """What is wrong with the files; each is told once, at the first line that names it.

    Args:
        examples: those of one file.
        root: the folder that file names are relative to.
        path: the file of examples, for messages.
    """
    seen: set[str] = set()
    for example in examples:
        if example.image and not example.image.startswith("kind:") and example.image not in seen:
            seen.add(example.image)
            if message := _photo(root / example.image):
                yield Problem(path, example.line, f"image {example.image!r} cannot be read: {message}")
        if example.audio and example.audio not in seen:
            seen.add(example.audio)
            message, refused = _recording(root / example.audio)
            if message:
                yield Problem(path, example.line, f"audio {example.audio!r} {message}", refused)


def _photo(file: Path) -> str:
    try:
        image.load(file, max_side=_LOOK)
    except InputError as error:
        return str(error)
    return ""


def _recording(file: Path) -> tuple[str, bool]:
    """What is wrong with a recording, or an empty string, and whether it cannot be used."""
    try:
        seconds = sum(len(block.samples) / block.rate for block in audio.blocks(file))
    except InputError as error:
        return f"cannot be read: {error}", True
    promised = _promised(file)
    if seconds < _SHORT * promised:
        return f"is cut off: {seconds:.1f} s of {promised:.1f} s are there; record or copy it again", False
    return "", False


def _promised(file: Path) -> float:
    """Seconds of sound that a file says it has; 0 where it does not say."""
    import soundfile

    info = soundfile.info(file)
    if info.format != "WAV" or not info.frames:
        return float(info.frames / info.samplerate)
    with file.open("rb") as f:
        declared = struct.unpack("<4xI", f.read(8))[0]
    if declared in (0, 0xFFFFFFFF):  # written as a stream: the length was not known
        return 0.0
    return float(info.frames / info.samplerate * (declared + 8) / file.stat().st_size)
