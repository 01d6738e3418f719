"""A waiting line: so many are let in at once, the others in the order they came, each told how many are before it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

Told = Callable[[int], None]


class WaitingLine:
    """Used on one event loop.

    Args:
        most: how many are inside at once.
    """

    def __init__(self, most: int) -> None:
        self._most, self._inside = most, 0
        self._waiting: list[tuple[asyncio.Future[None], Told]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    @asynccontextmanager
    async def turn(self, told: Told) -> AsyncIterator[None]:
        """Wait, then be inside for the block.

        Args:
            told: called with how many are before this one, each time that changes; with 0 once it is inside after
                having waited.
        """
        await self.enter(told)
        try:
            yield
        finally:
            self.leave()

    async def enter(self, told: Told) -> None:
        """Wait; once it returns, `leave` must be called."""
        if self._inside < self._most:
            self._inside += 1
            return
        mine = asyncio.get_running_loop().create_future()
        self._waiting.append((mine, told))
        told(len(self._waiting))
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():  # let in at the very moment it went
                self.leave()
            else:
                self._waiting = [one for one in self._waiting if one[0] is not mine]
                self._tell()
            raise
        told(0)

    def leave(self) -> None:
        """Make room for the next one."""
        if not self._waiting:
            self._inside -= 1
            return
        first, _ = self._waiting.pop(0)
        first.set_result(None)
        self._tell()

    def _tell(self) -> None:
        for place, (_, told) in enumerate(self._waiting, 1):
            told(place)
