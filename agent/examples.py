"""Examples of what customers say, one JSON object a line, each checked against the pack's intents and entities."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from agent.errors import PackError

_KEYS = frozenset({"text", "intents", "entities", "image", "audio", "sentiment", "speaker", "sender"})
_ENTITY_KEYS = frozenset({"type", "start", "end"})
_KIND = re.compile(r"kind:[a-z_]+")
_SENTIMENTS = ("negative", "neutral", "positive")


@dataclass(frozen=True)
class Example:
    """One thing a customer might say, with what it means.

    Attributes:
        text: the words; may be empty when there is a photo or a recording.
        intents: what is meant; none means outside the pack's scope.
        entities: (type, start, end), character offsets, in order of place, never overlapping.
        image: a photo's path inside the pack, or "kind:receipt" and the like for any photo of that kind, or None.
        audio: a recording's path inside the pack, or None.
        line: where it stands in its file, counted from 1.
        sentiment: "negative", "neutral" or "positive", or None.
        speaker, sender: who is heard, who sent the photo; any string that tells people apart, or None.
    """

    text: str
    intents: tuple[str, ...]
    entities: tuple[tuple[str, int, int], ...] = ()
    image: str | None = None
    audio: str | None = None
    line: int = 0
    sentiment: str | None = None
    speaker: str | None = None
    sender: str | None = None


def read_examples(path: Path, intents: frozenset[str], entities: frozenset[str]) -> list[Example]:
    """Read a file of examples; blank lines are skipped.

    Args:
        path: a JSON Lines file.
        intents: the intents an example may name.
        entities: the entity types an example may name.

    Raises:
        PackError: the file is missing, empty or not UTF-8, or a line is wrong; names the file and line.
    """
    lines = read_text(path).split("\n")
    rows = [_Row(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not rows:
        raise PackError(f"{path}: holds no examples; give one JSON object a line")
    return [row.example(intents, entities) for row in rows]


def read_text(path: Path) -> str:
    """A UTF-8 text file of a pack, with or without a byte order mark.

    Raises:
        PackError: it is missing, cannot be read, or is not UTF-8.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise PackError(f"{path}: missing; a pack needs it") from error
    except OSError as error:
        raise PackError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise PackError(f"{path}:{line}: not UTF-8 (byte {data[error.start]:#04x}); save it as UTF-8") from error


class _Row:
    """One line of the file while it is checked."""

    def __init__(self, path: Path, line: int, source: str) -> None:
        self.path = path
        self.line = line
        try:
            row = json.loads(source, object_pairs_hook=self._unique)
        except (json.JSONDecodeError, RecursionError) as error:
            raise self.error(f"not valid JSON: {error}") from error
        if not isinstance(row, dict):
            raise self.error(f"must be a JSON object, got {type(row).__name__}")
        self.row: dict[str, Any] = row
        self.check_keys(row, _KEYS)

    def error(self, message: str) -> PackError:
        return PackError(f"{self.path}:{self.line}: {message}")

    def _unique(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(pairs)
        if len(table) != len(pairs):
            keys = [key for key, _ in pairs]
            raise self.error(f"duplicate key {next(key for key in keys if keys.count(key) > 1)!r}")
        return table

    def check_keys(self, table: dict[str, Any], known: frozenset[str]) -> None:
        unknown = sorted(set(table) - known)
        if unknown:
            raise self.error(f"unknown key {unknown[0]!r}; known: {', '.join(sorted(known))}")

    def example(self, intents: frozenset[str], entities: frozenset[str]) -> Example:
        text = self.row.get("text", "")
        if not isinstance(text, str):
            raise self.error(f"text must be a string, got {text!r}")
        image, audio = self._file("image"), self._file("audio")
        if not text.strip() and image is None and audio is None:
            raise self.error("needs text, an image or audio")
        return Example(
            text=text,
            intents=self._intents(intents),
            entities=self._entities(text, entities),
            image=image,
            audio=audio,
            line=self.line,
            sentiment=self._sentiment(),
            speaker=self._word("speaker"),
            sender=self._word("sender"),
        )

    def _intents(self, known: frozenset[str]) -> tuple[str, ...]:
        names = self.row.get("intents")
        if not isinstance(names, list):
            raise self.error('needs "intents", a list ([] for out of scope)')
        for name in names:
            if not isinstance(name, str) or name not in known:
                raise self.error(f"unknown intent {name!r}; pack.toml lists the known ones under [intents]")
        if len(set(names)) != len(names):
            raise self.error(f"an intent is named twice in {names!r}")
        return tuple(names)

    def _entities(self, text: str, known: frozenset[str]) -> tuple[tuple[str, int, int], ...]:
        items = self.row.get("entities", [])
        if not isinstance(items, list):
            raise self.error("entities must be a list")
        spans = sorted((self._span(item, text, known) for item in items), key=lambda span: span[1:])
        for (first, _, end), (second, start, _) in pairwise(spans):
            if start < end:
                raise self.error(f"entities {first} and {second} overlap at character {start}")
        return tuple(spans)

    def _span(self, item: Any, text: str, known: frozenset[str]) -> tuple[str, int, int]:
        if not isinstance(item, dict):
            raise self.error('each entity must be {"type", "start", "end"}')
        self.check_keys(item, _ENTITY_KEYS)
        name, start, end = item.get("type"), item.get("start"), item.get("end")
        if not isinstance(name, str) or name not in known:
            raise self.error(f"unknown entity type {name!r}; known: {', '.join(sorted(known)) or 'none'}")
        if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(text):
            raise self.error(f"span {start!r}..{end!r} of {name} lies outside the text of {len(text)} characters")
        return name, start, end

    def _sentiment(self) -> str | None:
        mood = self._word("sentiment")
        if mood is not None and mood not in _SENTIMENTS:
            raise self.error(f"unknown sentiment {mood!r}; known: {', '.join(_SENTIMENTS)}")
        return mood

    def _word(self, key: str) -> str | None:
        value = self.row.get(key)
        if value is not None and (not isinstance(value, str) or not value):
            raise self.error(f"{key} must be a non-empty string, got {value!r}")
        return value

    def _file(self, key: str) -> str | None:
        value = self._word(key)
        if value is None:
            return None
        if key == "image" and value.startswith("kind:"):
            if not _KIND.fullmatch(value):
                raise self.error(f'image {value!r} is no kind; write "kind:receipt" and the like')
            return value
        root = self.path.parent.resolve()
        file = (root / value).resolve()
        if not file.is_relative_to(root) or not file.is_file():
            raise self.error(f"{key} {value!r} is no file inside the pack's folder")
        return value
