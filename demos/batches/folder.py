"""The folder a batch writes to: a journal with a row a file as they come, and tables made whole at the end.

The journal stays. Started again with the same inputs a run finds everything done; with more, it does the rest.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agent.errors import CallsightError, InputError
from demos.batches.inputs import Item
from demos.batches.rows import Row

JOURNAL, LOCK = ".journal.jsonl", ".lock"


class OutputError(CallsightError):
    """The results cannot be written; what was done stays, and the same command goes on from there."""


class Journal:
    """The rows of files done so far, on disk as soon as they are added.

    Args:
        folder: of the results.
        run: what the rows depend on (stack, pack); rows of a run that differs are not taken up.
    """

    def __init__(self, folder: Path, run: Mapping[str, Any]) -> None:
        self._path = folder / JOURNAL
        self._rows: dict[tuple[str, tuple[int, ...]], Row] = {}
        self._take_up({"run": dict(run)})

    def _take_up(self, head: dict[str, Any]) -> None:
        """The rows of earlier runs; a last line cut short by a kill is cut off."""
        kept = 0
        if self._path.is_file():
            with self._path.open("rb") as file:
                for number, line in enumerate(file):
                    value = _json(line)
                    if value is None or (number == 0 and value != head):
                        break
                    kept += len(line)
                    if number:
                        self._rows[value["path"], tuple(value.pop("stamp"))] = value
        if not kept:
            with written(self._path.parent):
                self._path.write_bytes(_line(head))
        elif kept < self._path.stat().st_size:
            os.truncate(self._path, kept)

    def row(self, item: Item) -> Row | None:
        """A copy of the row of a file as it is now; None when it was not done."""
        found = self._rows.get((item.name, item.stamp))
        return None if found is None else {**found, "at": item.at.isoformat(), "dated": item.dated}

    def add(self, item: Item, row: Row) -> None:
        """Keeps a row."""
        with written(self._path.parent), self._path.open("ab") as file:
            file.write(_line({**row, "stamp": item.stamp}))
            file.flush()
            os.fsync(file.fileno())
        self._rows[item.name, item.stamp] = row


@contextmanager
def opened(folder: Path) -> Iterator[None]:
    """The results folder, ours alone while the block runs.

    Raises:
        InputError: it cannot be written to, or another run is writing there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK).open("w")
    except OSError as error:
        raise InputError(f"cannot write to {str(folder)!r}: {error.strerror}; give another --out") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(f"another run is writing to {str(folder)!r}; wait for it, or give another --out") from None
        for left in (*folder.glob("*.new"), *folder.glob("audio/*.part")):
            left.unlink()
        yield


@contextmanager
def written(folder: Path) -> Iterator[None]:
    """Turns what the disk says while something is written there into clear words.

    Raises:
        OutputError: it is full, or cannot be written to.
    """
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise unwritten(folder, "the disk is full" if full else str(error.strerror or error)) from None


def unwritten(folder: Path, what: str) -> OutputError:
    """The error that says why a folder could not be written to, and what to do."""
    return OutputError(
        f"cannot write to {str(folder)!r}: {what}; free space and start the same command again: what was done stays"
    )


def replace(path: Path, data: bytes) -> Path:
    """Writes a file whole or not at all."""
    part = path.with_name(f"{path.name}.new")
    with written(path.parent):
        part.write_bytes(data)
        part.replace(path)
    return path


def _line(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def _json(line: bytes) -> dict[str, Any] | None:
    """A whole line's value; None where it was cut short."""
    try:
        value = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
