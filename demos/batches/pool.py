"""Worker processes: every file to a row, whatever one of them does to the process that reads it."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

from agent.errors import CallsightError
from demos.batches import rows
from demos.batches.inputs import Item
from demos.batches.rows import Row
from demos.batches.work import Job, work

CRASHED = "the worker died of this file (out of memory, or a crash in a library); try it on its own"
_PATIENCE = 3  # pools in a row that may break before they give a single row

Done = tuple[Item, Row]


def everything(items: Sequence[Item], job: Job, workers: int) -> Iterator[Done]:
    """The row of every file, in the order they are ready; files whose worker died are tried again, one at a time.

    Raises:
        CallsightError: the agent cannot be built, or pool after pool breaks before any file is done.
    """
    if min(workers, len(items)) <= 1:
        yield from ((item, work(job, item)) for item in items)
        return
    pool = _Pool(job, workers, _PATIENCE)
    yield from pool.rows(items)
    alone = _Pool(job, 1, len(pool.suspects) + 1)
    yield from alone.rows(pool.suspects)
    yield from ((item, rows.call_row(item, CRASHED)) for item in alone.suspects)


class _Pool:
    """Worker processes; `suspects` are the files that were being worked on when one of them died.

    Args:
        job: what each of them does.
        workers: how many.
        patience: how many pools in a row may break before they give a single row.
    """

    def __init__(self, job: Job, workers: int, patience: int) -> None:
        self._job = job
        self._workers = workers
        self._patience = patience
        self._barren = 0
        self.suspects: list[Item] = []

    def rows(self, items: Sequence[Item]) -> Iterator[Done]:
        """The rows of files, in the order they are ready. A pool that broke is followed by another one."""
        left = list(items)
        while left:
            if self._barren == self._patience:
                raise CallsightError("the workers die before they finish any file; try --workers 1 to see why")
            self._barren += 1
            context = get_context("spawn")
            with ProcessPoolExecutor(self._workers, context, initializer=_leave_interrupts_to_parent) as executor:
                try:
                    yield from self._until_broken(executor, left)
                finally:
                    executor.shutdown(cancel_futures=True)

    def _until_broken(self, executor: ProcessPoolExecutor, left: list[Item]) -> Iterator[Done]:
        """Takes files off `left`, never more in hand than there are workers, until it is empty or a worker dies."""
        running: dict[Future[Row], Item] = {}
        broken = False
        while running or (left and not broken):
            while left and not broken and len(running) < self._workers:
                item = left.pop(0)
                try:
                    running[executor.submit(work, self._job, item)] = item
                except BrokenProcessPool:
                    broken = True
                    left.insert(0, item)
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                item = running.pop(future)
                try:
                    row = future.result()
                except BrokenProcessPool:
                    broken = True
                    self.suspects.append(item)
                else:
                    self._barren = 0
                    yield item, row


def _leave_interrupts_to_parent() -> None:
    """Ctrl-C reaches every process of the terminal; only the parent is to act on it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
