"""Examples of what customers say, one JSON object a line, each checked against the pack's intents and entities."""

from __future__ import annotations

import json
import re
import reprlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from agent.errors import PackError
from agent.problems import Problem, refusal

_KEYS = frozenset({"text", "intents", "entities", "image", "audio", "sentiment", "speaker", "sender"})
_ENTITY_KEYS = frozenset({"type", "start", "end"})
_KIND = re.compile(r"kind:[a-z_]+")
_SENTIMENTS = ("negative", "neutral", "positive")

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 60


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


def read_examples(path: Path, intents: Collection[str], entities: Collection[str] | None) -> list[Example]:
    """Read a file of examples; blank lines are skipped.

    Args:
        path: a JSON Lines file; photos and recordings are named relative to its folder and lie inside it.
        intents: the intents an example may name.
        entities: the entity types an example may name; None for any.

    Raises:
        PackError: the file is missing, empty or not UTF-8, or lines are wrong; names the file and every such line.
    """
    examples, problems = scan_examples(path, intents, entities)
    if problems:
        raise refusal(problems)
    return examples


def scan_examples(
    path: Path, intents: Collection[str], entities: Collection[str] | None
) -> tuple[list[Example], list[Problem]]:
    """What `read_examples` reads, with what is wrong in the lines it could not read.

    Raises:
        PackError: the file is missing or cannot be read at all.
    """
    root = path.parent.resolve()
    examples: list[Example] = []
    problems: list[Problem] = []
    number = 0
    for number, data in enumerate(_read(path).removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if data.strip():
            line = _Line(number, root)
            example = line.example(data, intents, entities)
            problems += [Problem(path, number, message) for message in line.problems]
            if example is not None:
                examples.append(example)
    if not examples and not problems:
        problems.append(Problem(path, 0, "holds no examples; give one JSON object a line"))
    return examples, problems


def read_text(path: Path) -> str:
    """A UTF-8 text file of a pack, with or without a byte order mark.

    Raises:
        PackError: it is missing, cannot be read, or is not UTF-8.
    """
    data = _read(path)
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise PackError(f"{path}:{line}: {_not_utf8(data[error.start])}") from error


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise PackError(f"{path}: missing; a pack needs it") from error
    except OSError as error:
        raise PackError(f"{path}: cannot be read: {error.strerror}") from error


def _not_utf8(byte: int) -> str:
    return f"not UTF-8 (byte {byte:#04x}); save it as UTF-8"


class _Line:
    """One line of the file while it is checked; everything wrong in it is noted."""

    def __init__(self, number: int, root: Path) -> None:
        self.number = number
        self.root = root
        self.problems: list[str] = []
        self.row: dict[str, Any] = {}

    def example(self, data: bytes, intents: Collection[str], entities: Collection[str] | None) -> Example | None:
        """The example the line holds; None when anything is wrong."""
        if not self._parse(data):
            return None
        self._check_keys(self.row, _KEYS)
        text = self._text()
        example = Example(
            text=text,
            intents=self._intents(intents),
            entities=tuple(self._entities(text, entities)),
            image=self._file("image"),
            audio=self._file("audio"),
            line=self.number,
            sentiment=self._sentiment(),
            speaker=self._word("speaker"),
            sender=self._word("sender"),
        )
        if not self.problems and not text.strip() and example.image is None and example.audio is None:
            self.problems.append("needs text, an image or audio")
        return None if self.problems else example

    def _parse(self, data: bytes) -> bool:
        try:
            row = json.loads(data.decode(), object_pairs_hook=self._unique)
        except UnicodeDecodeError as error:
            self.problems.append(_not_utf8(data[error.start]))
        except (ValueError, RecursionError) as error:
            self.problems.append(f"not valid JSON: {error}")
        else:
            if isinstance(row, dict):
                self.row = row
                return not self.problems
            self.problems.append(f"must be a JSON object, got {type(row).__name__}")
        return False

    def _unique(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(pairs)
        if len(table) != len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            self.problems.append(f"duplicate key {_short.repr(twice)}")
        return table

    def _check_keys(self, table: dict[str, Any], known: frozenset[str]) -> None:
        for key in sorted(set(table) - known):
            self.problems.append(f"unknown key {_short.repr(key)}; known: {', '.join(sorted(known))}")

    def _text(self) -> str:
        text = self.row.get("text", "")
        if not isinstance(text, str):
            self.problems.append(f"text must be a string, got {_short.repr(text)}")
            return ""
        if not _sound(text):
            self.problems.append("text holds half of a surrogate pair, which is no character")
        return text

    def _intents(self, known: Collection[str]) -> tuple[str, ...]:
        names = self.row.get("intents")
        if not isinstance(names, list):
            self.problems.append('needs "intents", a list ([] for out of scope)')
            return ()
        unknown = [name for name in names if not isinstance(name, str) or name not in known]
        for name in unknown:
            self.problems.append(f"unknown intent {_short.repr(name)}; pack.toml lists the known ones under [intents]")
        if not unknown and len(set(names)) != len(names):
            self.problems.append(f"an intent is named twice in {names!r}")
        return () if unknown else tuple(names)

    def _entities(self, text: str, known: Collection[str] | None) -> list[tuple[str, int, int]]:
        items = self.row.get("entities", [])
        if not isinstance(items, list):
            self.problems.append("entities must be a list")
            return []
        spans = sorted((span for item in items for span in self._span(item, text, known)), key=lambda span: span[1:])
        for (first, _, end), (second, start, _) in pairwise(spans):
            if start < end:
                self.problems.append(f"entities {first} and {second} overlap at character {start}")
        return spans

    def _span(self, item: Any, text: str, known: Collection[str] | None) -> Iterator[tuple[str, int, int]]:
        if not isinstance(item, dict):
            self.problems.append('each entity must be {"type", "start", "end"}')
            return
        self._check_keys(item, _ENTITY_KEYS)
        name, start, end = item.get("type"), item.get("start"), item.get("end")
        if not isinstance(name, str) or (known is not None and name not in known):
            named = ", ".join(sorted(known or ())) or "none"
            self.problems.append(f"unknown entity type {_short.repr(name)}; known: {named}")
        elif type(start) is not int or type(end) is not int or not 0 <= start < end <= len(text):
            place = f"{_short.repr(start)}..{_short.repr(end)}"
            self.problems.append(f"span {place} of {name} lies outside the text of {len(text)} characters")
        else:
            yield name, start, end

    def _sentiment(self) -> str | None:
        mood = self._word("sentiment")
        if mood is not None and mood not in _SENTIMENTS:
            self.problems.append(f"unknown sentiment {_short.repr(mood)}; known: {', '.join(_SENTIMENTS)}")
        return mood

    def _word(self, key: str) -> str | None:
        value = self.row.get(key)
        if value is None:
            return None
        if not isinstance(value, str) or not value or not _sound(value):
            self.problems.append(f"{key} must be a non-empty string, got {_short.repr(value)}")
            return None
        return value

    def _file(self, key: str) -> str | None:
        value = self._word(key)
        if value is None:
            return None
        if key == "image" and value.startswith("kind:"):
            if not _KIND.fullmatch(value):
                message = f'image {_short.repr(value)} is no kind; write "kind:receipt" and the like'
                self.problems.append(message)
        elif not self._inside(value):
            self.problems.append(f"{key} {_short.repr(value)} is no file inside the pack's folder")
        return value

    def _inside(self, name: str) -> bool:
        try:
            file = (self.root / name).resolve()
            return file.is_relative_to(self.root) and file.is_file()
        except (OSError, RuntimeError, ValueError):  # too long, a loop of links, a NUL
            return False


def _sound(text: str) -> bool:
    """Whether a string can be written as UTF-8; JSON may escape half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
