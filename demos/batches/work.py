"""One worker of a batch: a file in, its row out. Runs in a process of its own, with an agent of its own.

What customers said never leaves it unmasked.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import islice
from pathlib import Path

from agent.domain import Pack
from agent.errors import CallsightError, ConfigError, DeviceError, MissingPartError, PackError, WeightsError
from agent.masking import Mask, Masker, doubtful, masked
from agent.types import Turn, Understanding
from demos import cli
from demos.batches import rows, silence
from demos.batches.folder import OutputError
from demos.batches.inputs import Item
from demos.batches.rows import Row
from demos.batches.stretches import Layout, Stretch, cuts, layout
from demos.files import is_photo
from modalities.types import Image

_AT_ONCE = 8  # turns of a call understood in one batch
_NOT_THE_FILE = (ConfigError, DeviceError, MissingPartError, OutputError, PackError, WeightsError)
"""Errors that every other file would meet too, so they end the batch; its rows so far are kept for the next run."""

Understand = Callable[[Sequence[Turn]], list[Understanding]]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """What a worker works with; `build` is a module's function so that it travels to other processes.

    Attributes:
        copies: folder for copies of the recordings with what is personal silenced; None for none.
        published: whether Presidio looks too.
    """

    stack: str
    domain: str
    device: str | None = None
    explain: bool = False
    copies: Path | None = None
    published: bool = True
    build: cli.Builder | None = None

    def agent(self) -> cli.Door:
        """The agent, with a database in memory: a batch only understands."""
        options = argparse.Namespace(stack=self.stack, domain=self.domain, device=self.device, store="sqlite://")
        return cli.build_agent(options, self.build)


@cache
def _agent(job: Job) -> cli.Door:
    return job.agent()


@cache
def _masker(job: Job) -> Masker:
    return Masker(Pack.load(job.domain, with_examples=False).entities, published=job.published)


def work(job: Job, item: Item) -> Row:
    """The row of a file. One that cannot be read or understood has its error there.

    Raises:
        CallsightError: the agent cannot be built, or a part of it that a file needs is missing.
    """
    with cli.libraries_on_stderr():
        worker = _Worker(job, partial(_agent(job).understand, explain=job.explain), _masker(job))
        try:
            return worker.photo(item) if is_photo(item.path) else worker.recording(item)
        except _NOT_THE_FILE:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a file does to a reader or a model, it is that file's row
            log.warning("%s", type(error).__name__)
            return rows.call_row(item, error_text(error))


@dataclass(frozen=True)
class _Worker:
    job: Job
    understand: Understand
    masker: Masker

    def photo(self, item: Item) -> Row:
        (understood,) = self.understand([Turn(image=Image.open(item.path))])
        image = None if understood.image is None else rows.photo_row(understood.image, self._hidden)
        return rows.call_row(item, image=image)

    def recording(self, item: Item) -> Row:
        """A recording turn by turn; each call's turns are understood together, so that no row depends on another."""
        whole = layout(item.path, item.customer)
        heard = sorted(self._heard(item, whole), key=lambda turn: (turn[0].start, turn[0].channel or 0))
        found: list[Row] = []
        quiet: list[silence.Quiet] = []
        asked: dict[str, str] = {}
        for stretch, audio, understood in heard:
            other = "agent" if stretch.who == "customer" else "customer"
            unsure = doubtful(understood.transcript) if understood.transcript is not None else ()
            masks = self.masker.masks(understood.text, understood.entities, asked.get(other, ""), unsure)
            asked[stretch.who] = understood.text
            found.append(rows.turn_row(len(found), stretch, understood, masks))
            if understood.transcript is not None:
                quiet += silence.quiets(stretch, audio, understood.transcript, masks)
        row = rows.heard_row(item, whole, found, whole.problem)
        if self.job.copies is not None:
            row["audio"] = silence.write(item.path, quiet, self.job.copies / silence.name_for(item.path)).name
        return row

    def _heard(self, item: Item, whole: Layout) -> Iterator[tuple[Stretch, float, Understanding]]:
        """Each turn with its length in seconds and what was understood of it."""
        stream = cuts(item.path, whole.turns)
        while held := list(islice(stream, _AT_ONCE)):
            understood = self.understand([Turn(audio=audio, channel="voice") for _, audio in held])
            for (stretch, audio), understanding in zip(held, understood, strict=True):
                if understanding.text:
                    yield stretch, audio.seconds, _light(understanding)

    def _hidden(self, text: str) -> str:
        masks: tuple[Mask, ...] = self.masker.masks(text)
        return masked(text, masks)


def _light(understood: Understanding) -> Understanding:
    """Without the states of the engine's encoder: of a whole recording's turns they are gigabytes."""
    if understood.transcript is None:
        return understood
    return replace(understood, transcript=replace(understood.transcript, states=None))


def error_text(error: BaseException) -> str:
    """What a row says of an error: the message of ours, only the kind of any other (it may quote a customer)."""
    if isinstance(error, CallsightError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}; free space, or look at the rights of the folder, and start again"
    return f"{type(error).__name__} inside Callsight; please report it"
