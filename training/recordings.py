"""Recordings to learn from: what the speech engine hears in them, clean and over the telephone, and how they sound.

Rows that name a recording are learnt from as they will be met: by what the engine hears, its mistakes included, not
by what was said. Hearings are kept in a cache folder by what was played and which engine listened, so that a second
run listens to nothing.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from agent.config import Settings
from agent.domain import Pack
from agent.parts import Parts
from modalities.audio import PHONE_RATE, decode_mulaw, encode_mulaw, resample
from modalities.errors import InputError
from modalities.prosody import Prosody
from modalities.speech.base import listen
from modalities.types import Audio, Encoding
from training.rows import Row

BATCH = 16
"""Recordings played to the engine at once."""

_FOLDER = "heard"

logger = logging.getLogger(__name__)


def hear(rows: Sequence[Row], settings: Settings, pack: Pack, cache: Path, *, telephone: bool = False) -> list[Row]:
    """The same rows, in order, with what the stack's engine hears in their recordings in place of their text.

    Spans stay where the words heard are the words given, letter for letter; elsewhere they are None, since offsets
    into what was said mean nothing in what was heard. The text is empty where nothing was heard. Rows without a
    recording stay as they are.

    Args:
        rows: any rows.
        settings: the stack whose engine listens.
        pack: what is talked about; its language model is what PocketSphinx hears with.
        cache: folder that keeps what was heard.
        telephone: play the recordings through an 8 kHz mu-law line.

    Raises:
        InputError: a recording cannot be read; names its line in the pack's examples.
    """
    files = list(dict.fromkeys(row.audio for row in rows if row.audio is not None))
    found = _hear(files, Parts(settings, pack), cache / _FOLDER, telephone) if files else {}
    silent = sum(not words for words in found.values())
    if silent:
        logger.warning("%d of %d recordings: nothing was heard in them", silent, len(files))
    return [row if row.audio is None else _as_heard(row, found[row.audio]) for row in rows]


def spoken_rows(rows: Sequence[Row], settings: Settings, pack: Pack, cache: Path) -> list[Row]:
    """Rows to train on: each recording as typed (where its words are given), as heard, and as heard over the telephone.

    Hearings that agree are given once, recordings in which nothing was heard not at all. Rows without a recording come
    first and stay as they are.

    Raises:
        InputError: as for `hear`.
    """
    recorded = [row for row in rows if row.audio is not None]
    clean = hear(recorded, settings, pack, cache)
    line = hear(recorded, settings, pack, cache, telephone=True)
    versions = [row for three in zip(recorded, clean, line, strict=True) for row in three if row.text]
    kept = {(row.audio, row.text): row for row in reversed(versions)}
    return [*(row for row in rows if row.audio is None), *reversed(kept.values())]


def voices(rows: Sequence[Row], pack: Pack) -> dict[Path, Encoding]:
    """How each recording that rows name sounds, by file: the fusion's `speech` input.

    Raises:
        InputError: a recording cannot be read; names its line in the pack's examples.
    """
    prosody = Prosody()
    files = dict.fromkeys(row.audio for row in rows if row.audio is not None)
    return {path: prosody.encode(_open(path, pack)) for path in files}


def over_telephone(audio: Audio) -> Audio:
    """The sound as it comes out of an 8 kHz mu-law line (ITU-T G.711)."""
    return decode_mulaw(encode_mulaw(resample(audio, PHONE_RATE)))


def _as_heard(row: Row, text: str) -> Row:
    return row if row.text and row.text == text else replace(row, text=text, spans=None)


def _hear(files: Sequence[Path], parts: Parts, cache: Path, telephone: bool) -> dict[Path, str]:
    """What was heard by file; only what the cache does not hold is played."""
    engine = _engine(parts)
    keys = {path: _key(path, engine, telephone, parts.pack) for path in files}
    found = {path: text for path, key in keys.items() if (text := _cached(cache / f"{key}.json")) is not None}
    left = [path for path in files if path not in found]
    cache.mkdir(parents=True, exist_ok=True)
    for first in range(0, len(left), BATCH):
        paths = left[first : first + BATCH]
        sounds = [_open(path, parts.pack) for path in paths]
        if telephone:
            sounds = [over_telephone(sound) for sound in sounds]
        for path, transcript in zip(paths, listen(parts.speech, parts.segmenter, sounds), strict=True):
            _write(cache / f"{keys[path]}.json", transcript.text)
            found[path] = transcript.text
        logger.info("heard %d of %d recordings", first + len(paths), len(left))
    return found


def _engine(parts: Parts) -> str:
    """What decides what is heard: the engine, its model, and what the pack's language model is made from."""
    from agent.hearing import sources

    speech = parts.settings.speech
    language = sources(parts.pack) if speech.engine == "pocketsphinx" else parts.pack.title
    return f"{speech.engine} {speech.model} {language}"


def _key(path: Path, engine: str, telephone: bool, pack: Pack) -> str:
    """Name of a hearing in the cache, by the recording's content."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{_place(path, pack)}: cannot be opened: {error.strerror or error}") from error
    return sha256(sha256(content).digest() + f"{engine} {telephone}".encode()).hexdigest()[:32]


def _open(path: Path, pack: Pack) -> Audio:
    try:
        return Audio.open(path)
    except InputError as error:
        raise InputError(f"{_place(path, pack)}: {error}") from error


def _place(path: Path, pack: Pack) -> str:
    """Where a recording is named: the line of the pack's examples where it stands in them, else its own path."""
    for example in pack.examples():
        if example.audio is not None and (pack.root / example.audio).resolve() == path.resolve():
            return f"{pack.root / 'examples.jsonl'}:{example.line}: audio {example.audio!r}"
    return f"recording {str(path)!r}"


def _cached(path: Path) -> str | None:
    """A hearing kept before; None where there is none, or a torn one."""
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["text"])
    except (OSError, ValueError, KeyError):
        return None


def _write(path: Path, text: str) -> None:
    """One cache entry, whole or not at all."""
    part = path.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps({"text": text}), encoding="utf-8")
    os.replace(part, path)
