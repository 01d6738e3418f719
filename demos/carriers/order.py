"""Frames that may come late, twice or out of order, put in the order they were made in."""

from __future__ import annotations

from typing import Generic, TypeVar

Item = TypeVar("Item")

WAIT = 4
"""Frames that are held back for one that is missing: 80 ms of sound."""
JUMP = 500
"""A number so far from the expected one is no late frame: the sender counts anew."""


class InOrder(Generic[Item]):
    """Holds frames back until those before them are there, or `WAIT` later ones are."""

    def __init__(self) -> None:
        self._next: int | None = None
        self._held: dict[int, Item] = {}

    def push(self, number: int | None, item: Item) -> list[Item]:
        """Take a frame; give back those whose turn it is. A frame without a number passes as it comes.

        A frame that was given before, or whose place has passed, is dropped.
        """
        if number is None:
            return [item]
        if self._next is None or abs(number - self._next) > JUMP:
            late, self._held, self._next = self._all(), {}, number + 1
            return [*late, item]
        if number < self._next or number in self._held:
            return []
        self._held[number] = item
        ready = self._run()
        while len(self._held) > WAIT:
            self._next = min(self._held)
            ready += self._run()
        return ready

    def _run(self) -> list[Item]:
        """What follows without a gap."""
        ready = []
        while self._next is not None and self._next in self._held:
            ready.append(self._held.pop(self._next))
            self._next += 1
        return ready

    def _all(self) -> list[Item]:
        return [self._held[number] for number in sorted(self._held)]
