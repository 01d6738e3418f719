"""One worker of a batch: files in, rows out. Runs in a process of its own, with an agent of its own."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path

from agent.errors import CallsightError, ConfigError, DeviceError, MissingPartError, PackError, WeightsError
from agent.types import Turn, Understanding
from demos import cli
from demos.batch_rows import Row, row
from demos.files import is_photo, name_of
from demos.pieces import joined, pieces
from modalities.types import Audio, Image

_AT_ONCE = 8  # pieces of a long recording understood in one batch
_NOT_THE_FILE = (ConfigError, DeviceError, MissingPartError, PackError, WeightsError)
"""Errors that every other file would meet too, so they end the batch; its rows so far are kept for the next run."""

Understand = Callable[[Sequence[Turn]], list[Understanding]]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """Which agent a worker works with; `build` is a module's function so that it travels to other processes."""

    stack: str
    domain: str
    device: str | None = None
    explain: bool = False
    build: cli.Builder | None = None

    def agent(self) -> cli.Door:
        """The agent, with a database in memory: a batch only understands."""
        options = argparse.Namespace(stack=self.stack, domain=self.domain, device=self.device, store="sqlite://")
        return cli.build_agent(options, self.build)


_agents: dict[Job, cli.Door] = {}


def work(job: Job, paths: Sequence[Path]) -> list[Row]:
    """The rows of some files. A file that cannot be read or understood has its error in its row.

    Raises:
        CallsightError: the agent cannot be built, or a part of it that a file needs is missing.
    """
    with cli.libraries_on_stderr():
        if job not in _agents:
            _agents[job] = job.agent()
        return _rows(partial(_agents[job].understand, explain=job.explain), paths)


@dataclass(frozen=True)
class _Short:
    """A file that is one turn."""

    path: Path
    seconds: float | None
    turn: Turn


def _rows(understand: Understand, paths: Sequence[Path]) -> list[Row]:
    short: list[_Short] = []
    rows: list[Row] = []
    for path in paths:
        try:
            read = _photo(path) if is_photo(path) else _recording(understand, path)
        except _NOT_THE_FILE:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a file does to a reader, it is that file's row
            read = row(name_of(path), None, None, error_text(error))
        if isinstance(read, _Short):
            short.append(read)
        else:
            rows.append(read)
    return rows + _understood(understand, short)


def _photo(path: Path) -> _Short:
    return _Short(path, None, Turn(image=Image.open(path)))


def _recording(understand: Understand, path: Path) -> _Short | Row:
    """A recording of one piece, to be understood in a batch with others, or the row of a longer or damaged one."""
    recording = _UntilDamage(path)
    stream = iter(recording)
    beginning = list(islice(stream, 2))
    if not beginning:
        return row(name_of(path), None, None, recording.problem or f"{name_of(path)!r} holds no sound; send it again")
    if len(beginning) == 1 and not recording.problem:
        return _Short(path, beginning[0].seconds, Turn(audio=beginning[0], channel="voice"))
    parts, seconds = _parts(understand, chain(beginning, stream))
    return row(name_of(path), seconds, joined(parts), recording.problem)


class _UntilDamage:
    """The pieces of a recording up to where it is damaged, if it is; `problem` says so afterwards."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.problem = ""

    def __iter__(self) -> Iterator[Audio]:
        try:
            yield from pieces(self._path)
        except CallsightError as error:
            self.problem = str(error)


def _parts(understand: Understand, audios: Iterator[Audio]) -> tuple[list[tuple[float, Understanding]], float]:
    """The pieces understood, a few at a time, each with the second it begins at; and the seconds of all."""
    parts, at = [], 0.0
    while held := list(islice(audios, _AT_ONCE)):
        understood = understand([Turn(audio=audio, channel="voice") for audio in held])
        for audio, understanding in zip(held, understood, strict=True):
            parts.append((at, understanding))
            at += audio.seconds
    return parts, at


def _understood(understand: Understand, files: Sequence[_Short]) -> list[Row]:
    """All at once; and one by one when one of them will not be understood."""
    if not files:
        return []
    try:
        understandings = understand([file.turn for file in files])
    except _NOT_THE_FILE:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a file does to a model, it is that file's row
        if len(files) > 1:
            return [result for file in files for result in _understood(understand, [file])]
        log.warning("not understood: %s", type(error).__name__)
        return [row(name_of(files[0].path), files[0].seconds, None, error_text(error))]
    return [row(name_of(f.path), f.seconds, u) for f, u in zip(files, understandings, strict=True)]


def error_text(error: BaseException) -> str:
    """What a row says of an error: the message of ours, only the kind of any other (it may quote a customer)."""
    if isinstance(error, CallsightError):
        return str(error)
    return f"{type(error).__name__} inside Callsight; please report it"
