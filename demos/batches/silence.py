"""Copies of recordings in which what is personal is silent."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agent.masking import Mask
from demos.batches.folder import unwritten
from demos.batches.stretches import BLOCK_SECONDS, Stretch
from modalities import audio as sound
from modalities.errors import InputError
from modalities.types import Audio, Transcript, Word

PAD = 0.12  # seconds around a masked word: recognisers tell its edges that well
JOINED = 0.6  # seconds between two masked stretches that are silenced too
LONGEST_EDGE = 0.5  # seconds before the first and after the last word of a turn that may belong to it
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Quiet:
    """A stretch to be silent: seconds from the recording's start, on one channel or (None) on all."""

    start: float
    end: float
    channel: int | None


def quiets(turn: Stretch, seconds: float, heard: Transcript, masks: Sequence[Mask]) -> list[Quiet]:
    """When the masked words of a turn were said.

    Args:
        turn: where it is in the recording.
        seconds: how long it is.
        heard: its words, with times where the engine gives them; without, the whole turn is silenced.
        masks: into `heard.text`.
    """
    if not masks:
        return []
    if not heard.words:
        return [Quiet(turn.start, turn.start + seconds, turn.channel)]
    hidden = _hidden(heard.text, heard.words, masks)
    found = [_around(heard.words, i, seconds) for i, hides in enumerate(hidden) if hides]
    joined: list[tuple[float, float]] = []
    for start, end in found:
        if joined and start - joined[-1][1] < JOINED and not _said_between(heard.words, hidden, joined[-1][1], start):
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return [Quiet(turn.start + start, turn.start + end, turn.channel) for start, end in joined]


def _hidden(text: str, words: Sequence[Word], masks: Sequence[Mask]) -> list[bool]:
    """Whether each word lies in a mask."""
    at, found = 0, []
    for word in words:
        start = text.find(word.text, at)
        start = at if start < 0 else start
        at = start + len(word.text)
        found.append(any(mask.start < at and start < mask.end for mask in masks))
    return found


def _around(words: Sequence[Word], at: int, seconds: float) -> tuple[float, float]:
    """A word's time with a little around it, which no more than half the gap to its neighbours may be."""
    before = words[at - 1].end if at else max(0.0, words[at].start - LONGEST_EDGE)
    after = words[at + 1].start if at + 1 < len(words) else min(seconds, words[at].end + LONGEST_EDGE)
    start = words[at].start - max(PAD, (words[at].start - before) / 2)
    end = words[at].end + max(PAD, (after - words[at].end) / 2)
    return max(0.0, start), min(seconds, end)


def _said_between(words: Sequence[Word], hidden: Sequence[bool], start: float, end: float) -> bool:
    """Whether a word that is not masked is said between two seconds."""
    return any(not h and start <= (w.start + w.end) / 2 <= end for w, h in zip(words, hidden, strict=True))


def name_for(path: Path) -> str:
    """What the copy of a recording is called: told by the name, and apart from any other of the same name."""
    digest = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:10]
    return f"{_UNSAFE.sub('_', path.stem)[:60]}-{digest}.flac"


def write(path: Path, quiet: Iterable[Quiet], target: Path) -> Path:
    """Copies a recording to FLAC with these stretches silent; whole or not at all, in little memory.

    Raises:
        OutputError: it cannot be written.
    """
    import soundfile

    wanted, temporary = sorted(quiet, key=lambda q: q.start), target.with_suffix(".part")
    file, at, frames = None, 0.0, 0
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for block in _readable(path):
            rate, channels = block[0].rate, [channel.samples.copy() for channel in block]
            for q in wanted:
                a, b = round((q.start - at) * rate), round((q.end - at) * rate)
                if b > 0 and a < len(channels[0]):
                    for channel in channels if q.channel is None else [channels[q.channel]]:
                        channel[max(0, a) : b] = 0.0
            file = file or soundfile.SoundFile(
                temporary, "w", samplerate=rate, channels=len(channels), format="FLAC", subtype="PCM_16"
            )
            file.write(np.stack(channels, axis=1))
            at, frames = at + block[0].seconds, frames + len(channels[0])
        if file is not None:
            file.close()
        if (
            not temporary.is_file() or soundfile.info(temporary).frames != frames
        ):  # a full disk is told at no other time
            raise unwritten(target.parent, "the copy is not whole, as on a full disk")
        os.replace(temporary, target)
    except (soundfile.SoundFileError, AssertionError) as error:
        raise unwritten(target.parent, f"{type(error).__name__}, as on a full disk") from None
    except OSError as error:
        raise unwritten(target.parent, str(error.strerror or error)) from None
    finally:
        if file is not None and not file.closed:
            file.close()
    return target


def _readable(path: Path) -> Iterable[tuple[Audio, ...]]:
    """The blocks up to where a recording is damaged, if it is."""
    try:
        yield from sound.channel_blocks(path, BLOCK_SECONDS)
    except InputError:
        return


def silent_seconds(quiet: Sequence[Quiet]) -> float:
    """How long anything is silent, on any channel."""
    edges = sorted((q.start, q.end) for q in quiet)
    total, until = 0.0, 0.0
    for start, end in edges:
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return total
