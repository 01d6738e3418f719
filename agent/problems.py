"""What is wrong in a pack's files: all of it at once, each with its file and line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agent.errors import PackError

MOST = 50
"""Problems that are told one by one; of the rest only the number."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, or probably not meant.

    Attributes:
        path: the file.
        line: counted from 1; 0 for the file as a whole.
        message: what is wrong and what would be right; names labels and places, never a customer's sentence.
        refused: whether the file cannot be used; otherwise this is a warning.
    """

    path: Path
    line: int
    message: str
    refused: bool = True

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}" if self.line else f"{self.path}: {self.message}"


def refusal(problems: Sequence[Problem]) -> PackError:
    """One error that tells all problems, a line each, as far as `MOST` goes."""
    return PackError("\n".join(told(problems)))


def told(problems: Sequence[Problem]) -> list[str]:
    """The problems as lines of text; of those beyond `MOST` only how many there are."""
    lines = [str(problem) for problem in problems[:MOST]]
    more = len(problems) - MOST
    return [*lines, f"and {more} more like these"] if more > 0 else lines
