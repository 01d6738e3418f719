"""One queue before a model: what waits while it works is taken together. The event loop never computes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Given = TypeVar("Given")


class Batches(Generic[Asked, Given]):
    """Runs `work` on all that waits, one batch at a time, in an executor. Made and used on one event loop.

    Args:
        work: from a batch to its results, in order.
        pool: where it runs.
        most: items of one batch.
    """

    def __init__(self, work: Callable[[Sequence[Asked]], Sequence[Given]], pool: Executor, most: int = 8) -> None:
        self._work, self._pool, self._most = work, pool, most
        self._waiting: asyncio.Queue[tuple[Asked, asyncio.Future[Given]]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self.sizes: dict[int, int] = {}  # batches so far, by size

    async def ask(self, item: Asked) -> Given:
        """The result of one item; raises what its batch raised, once it failed on its own too."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())
        future: asyncio.Future[Given] = asyncio.get_running_loop().create_future()
        await self._waiting.put((item, future))
        return await future

    async def close(self) -> None:
        """Take no more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < self._most and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            batch = [(item, future) for item, future in batch if not future.done()]  # who left wants nothing
            if batch:
                self.sizes[len(batch)] = self.sizes.get(len(batch), 0) + 1
                await self._settle(batch)

    async def _settle(self, batch: Sequence[tuple[Asked, asyncio.Future[Given]]]) -> None:
        """Work on a batch; where it fails, on each alone, so that one call's bad luck stays its own."""
        loop = asyncio.get_running_loop()
        try:
            results = await loop.run_in_executor(self._pool, self._work, [item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - belongs to whoever asked
            if len(batch) == 1:
                _settle(batch[0][1], error=error)
                return
            for one in batch:
                await self._settle([one])
            return
        for (_, future), result in zip(batch, results, strict=True):
            _settle(future, result)


def _settle(future: asyncio.Future[Given], result: Given | None = None, error: Exception | None = None) -> None:
    if future.done():
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)  # type: ignore[arg-type]
