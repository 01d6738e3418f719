"""Sentence frames: the small language the example templates are written in, and how one frame becomes one sentence.

# track_order x120           a section: the intents its frames mean, and how many examples to draw
# return_item + refund_status          both at once
# damaged_item @damaged      words that come with a photo of this kind
# greet bare                 no greeting or "please" is put around them
# []                         out of scope
where is <order>[, please|]?           a frame: [a|b] one of these, <name> a list, {slot} a fact
it is {reason: too [small|big]}        a fact whose words are written here
<order> = my order | order {order_id}  a list; indented lines continue it
; a remark
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_TOKEN = re.compile(r"[\[\]|]|<\w+>|\{\w+\}|\{\w+:|\}|[^\[\]|<>{}]+")


@dataclass(frozen=True)
class Piece:
    """A stretch of a sentence: plain words, or the words of one entity."""

    text: str
    type: str = ""


Fill = Callable[[str], list[Piece]]
"""Gives the pieces of a slot by its name."""


@dataclass(frozen=True)
class Section:
    """The frames that mean the same.

    Attributes:
        intents: what they mean; none is out of scope.
        photo: the kind of photo they come with, or empty.
        bare: no words are put around them.
        rows: how many examples are wanted; 0 leaves it to the caller.
        frames: one parsed alternative per line.
        name: its heading, without the count.
    """

    name: str
    intents: tuple[str, ...]
    photo: str = ""
    bare: bool = False
    rows: int = 0
    frames: list[Node] = field(default_factory=list)


class Node:
    """A part of a frame: a text, a slot, a sequence, one of several, or a list by name."""

    def expand(self, rng: random.Random, fill: Fill) -> list[Piece]:
        """One way to say it."""
        raise NotImplementedError


@dataclass(frozen=True)
class Text(Node):
    """Words as they stand."""

    text: str

    def expand(self, rng: random.Random, fill: Fill) -> list[Piece]:
        """The words."""
        return [Piece(self.text)]


@dataclass(frozen=True)
class Slot(Node):
    """A fact, filled in by its name."""

    name: str

    def expand(self, rng: random.Random, fill: Fill) -> list[Piece]:
        """The fact's words."""
        return fill(self.name)


@dataclass(frozen=True)
class Span(Node):
    """A fact whose words are written in the frame."""

    type: str
    body: Node

    def expand(self, rng: random.Random, fill: Fill) -> list[Piece]:
        """The words, as one entity."""
        return [Piece("".join(piece.text for piece in self.body.expand(rng, fill)).strip(), self.type)]


@dataclass(frozen=True)
class InOrder(Node):
    """One after another."""

    parts: tuple[Node, ...]

    def expand(self, rng: random.Random, fill: Fill) -> list[Piece]:
        """All parts."""
        return [piece for part in self.parts for piece in part.expand(rng, fill)]


@dataclass(frozen=True)
class OneOf(Node):
    """Any one of these, each as likely."""

    choices: tuple[Node, ...]

    def expand(self, rng: random.Random, fill: Fill) -> list[Piece]:
        """One of them."""
        return rng.choice(self.choices).expand(rng, fill)


@dataclass(frozen=True)
class Listed(Node):
    """A list by name; looked up when it is used, so lists may be written in any order."""

    name: str
    lists: dict[str, Node]

    def expand(self, rng: random.Random, fill: Fill) -> list[Piece]:
        """One of the list."""
        return self.lists[self.name].expand(rng, fill)


class Templates:
    """Every section of a folder of `*.txt` files; sections of the same heading are joined.

    Raises:
        ValueError: a line cannot be read; names the file and line.
    """

    def __init__(self, folder: Path) -> None:
        self.lists: dict[str, Node] = {}
        self._sections: dict[str, Section] = {}
        for path in sorted(folder.glob("*.txt")):
            self._read(path)
        if not self._sections:
            raise ValueError(f"{folder}: no sections in its *.txt files")

    def sections(self) -> tuple[Section, ...]:
        """The sections, in the order of their files."""
        return tuple(self._sections.values())

    def _read(self, path: Path) -> None:
        section: Section | None = None
        for number, line in _logical_lines(path.read_text(encoding="utf-8")):
            try:
                listed = re.match(r"<(\w+)> = (.*)", line)
                if line.startswith("# "):
                    section = self._section(line[2:])
                elif listed:
                    self.lists[listed[1]] = self.parse(listed[2])
                elif section is None:
                    raise ValueError("a frame before the first heading")
                else:
                    section.frames.append(self.parse(line))
            except ValueError as error:
                raise ValueError(f"{path}:{number}: {error}") from error

    def _section(self, heading: str) -> Section:
        words = heading.split()
        rows = [int(word[1:]) for word in words if re.fullmatch(r"x\d+", word)]
        photo = "".join(word[1:] for word in words if word.startswith("@"))
        intents = tuple(w for w in words if re.fullmatch(r"[a-z_]+", w) and w != "bare")
        if not intents and "[]" not in words:
            raise ValueError(f"heading {heading!r} names no intent; write [] for out of scope")
        bare = "bare" in words
        name = (" + ".join(intents) or "[]") + (f" @{photo}" if photo else "") + (" bare" if bare else "")
        return self._sections.setdefault(name, Section(name, intents, photo, bare, rows[0] if rows else 0))

    def parse(self, source: str) -> Node:
        """A frame's text as a tree.

        Raises:
            ValueError: brackets that do not match, or characters that have no meaning.
        """
        tokens = _TOKEN.findall(source)
        if "".join(tokens) != source:
            raise ValueError(f"stray character in {source!r}")
        node, rest = self._choices(tokens)
        if rest:
            raise ValueError(f"unmatched {rest[0]!r} in {source!r}")
        return node

    def _choices(self, tokens: list[str]) -> tuple[Node, list[str]]:
        choices: list[Node] = []
        while True:
            node, tokens = self._sequence(tokens)
            choices.append(node)
            if not tokens or tokens[0] != "|":
                break
            tokens = tokens[1:]
        return (choices[0] if len(choices) == 1 else OneOf(tuple(choices))), tokens

    def _sequence(self, tokens: list[str]) -> tuple[Node, list[str]]:
        parts: list[Node] = []
        while tokens and tokens[0] not in ("|", "]", "}"):
            token, tokens = tokens[0], tokens[1:]
            if token == "[" or (token.endswith(":") and token.startswith("{")):
                node, tokens = self._choices(tokens)
                close = "]" if token == "[" else "}"
                if not tokens or tokens[0] != close:
                    raise ValueError(f"{token!r} without {close!r}")
                tokens = tokens[1:]
                parts.append(node if token == "[" else Span(token[1:-1], node))
            elif token.startswith("<"):
                parts.append(Listed(token[1:-1], self.lists))
            elif token.startswith("{"):
                parts.append(Slot(token[1:-1]))
            else:
                parts.append(Text(token))
        return InOrder(tuple(parts)), tokens


def join(pieces: Iterable[Piece]) -> tuple[str, list[tuple[str, int, int]]]:
    """A sentence and its entities: spaces are tidied, spans hold for the tidied text."""
    text = ""
    spans: list[tuple[str, int, int]] = []
    for piece in pieces:
        words = re.sub(r"\s+", " ", piece.text)
        if not text or text.endswith((" ", "\n")):
            words = words.lstrip()
        if re.match(r" ?[,.?!;:]", words):
            words, text = words.lstrip(), text.rstrip()
        words = re.sub(r" +([,.?!;:])", r"\1", words)
        if piece.type and words:
            spans.append((piece.type, len(text), len(text) + len(words)))
        text += words
    return text.rstrip(), spans


def _logical_lines(text: str) -> Sequence[tuple[int, str]]:
    lines: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip() or line.startswith(";"):
            continue
        if line.startswith(" ") and lines:
            lines[-1] = (lines[-1][0], f"{lines[-1][1]} {line.strip()}")
        else:
            lines.append((number, line.strip()))
    return lines
