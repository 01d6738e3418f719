"""What is odd in the texts and spans of examples: contradictions, copies, spans that miss their word, too much text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from agent.examples import Example
from agent.problems import Problem
from modalities.text import MAX_TOKENS
from training.near import normalise

LISTED = 12
"""Lines that one message lists."""

_PIECE = re.compile(r"\w+|[^\w\s]")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")  # Thai to Chinese


def odd_texts(examples: Sequence[Example], path: Path) -> Iterator[Problem]:
    """Warnings about texts: the same words with other labels, copies, more than is read, characters lost on the way."""
    yield from _contradictions(examples, path)
    yield from _copies(examples, path)
    most = MAX_TOKENS - 2  # the encoder adds a token at each end, and splits words further
    long = [example.line for example in examples if len(example.text) > most and _pieces(example.text) > most]
    if long:
        yield Problem(path, long[0], f"more than {most} words and signs, the rest is not read: {listed(long)}", False)
    lost = [example.line for example in examples if "\N{REPLACEMENT CHARACTER}" in example.text]
    if lost:
        message = f"holds U+FFFD, a character lost in converting the file: {listed(lost)}"
        yield Problem(path, lost[0], message, False)


def odd_spans(examples: Sequence[Example], path: Path) -> Iterator[Problem]:
    """Warnings about spans that begin or end with a blank or within a word."""
    for example in examples:
        for name, start, end in example.entities:
            place = f"span {start}..{end} of {name}"
            if example.text[start:end] != example.text[start:end].strip():
                yield Problem(path, example.line, f"{place} begins or ends with a blank", False)
            elif _cuts(example.text, start) or _cuts(example.text, end):
                yield Problem(path, example.line, f"{place} cuts a word or a number", False)


def listed(lines: Sequence[int]) -> str:
    """Line numbers for a message: "line 3", "lines 3, 5 and 8", or the first ones and how many more."""
    if len(lines) == 1:
        return f"line {lines[0]}"
    shown, more = list(map(str, lines[:LISTED])), len(lines) - LISTED
    last = f"{more} more" if more > 0 else shown.pop()
    return f"lines {', '.join(shown)} and {last}"


def _contradictions(examples: Sequence[Example], path: Path) -> Iterator[Problem]:
    first: dict[object, Example] = {}
    for example in examples:
        words = normalise(example.text) or example.text.strip()
        earlier = first.setdefault((words, example.image, example.audio), example)
        if set(earlier.intents) != set(example.intents):
            message = (
                f"means {_named(example)}, but line {earlier.line} with the same words means {_named(earlier)}; "
                "correct one, or give both lines both intents"
            )
            yield Problem(path, example.line, message, False)
        elif earlier.text == example.text and earlier.entities != example.entities:
            yield Problem(path, example.line, f"has other entities than line {earlier.line} with the same text", False)


def _copies(examples: Sequence[Example], path: Path) -> Iterator[Problem]:
    first: dict[object, int] = {}
    copies = []
    for example in examples:
        key = (example.text, example.intents, example.entities, example.image, example.audio)
        if first.setdefault(key, example.line) != example.line:
            copies.append(example.line)
    if copies:
        message = f"{len(copies)} exact copies of earlier lines, which count twice in training: {listed(copies)}"
        yield Problem(path, copies[0], message, False)


def _named(example: Example) -> str:
    return " and ".join(example.intents) or "out of scope"


def _pieces(text: str) -> int:
    return sum(1 for _ in _PIECE.finditer(text))


def _cuts(text: str, place: int) -> bool:
    """Whether letters, or digits, stand on both sides of a place; not in scripts that put no blanks between words."""
    if not 0 < place < len(text):
        return False
    before, after = text[place - 1], text[place]
    if _UNSPACED.match(before) or _UNSPACED.match(after):
        return False
    return (before.isalpha() and after.isalpha()) or (before.isdigit() and after.isdigit())
