"""Files that are edited while they are served: read again when they change, and as they were where an edit is wrong."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Generic, TypeVar

from agent.errors import PackError

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
"""How often edits are looked for, at most."""

Edition = TypeVar("Edition")


class Edited(Generic[Edition]):
    """What is read from files, replaced as a whole when one of them changes. Safe to use from several threads.

    Args:
        what: is served, for the log.
        files: those there are now; asked again at each look.
        read: makes an edition of them, given the one before (None at first).
        clock: seconds.

    Raises:
        PackError: of `read`, for the first edition.
    """

    def __init__(
        self,
        what: str,
        files: Callable[[], Iterable[Path]],
        read: Callable[[Edition | None], Edition],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._what, self._files, self._read, self._clock = what, files, read, clock
        self._lock = threading.Lock()
        self._stamps, self._looked = self._stamped(), clock()
        self._edition = read(None)

    def reload(self) -> bool:
        """Look for edits now; whether there were any.

        Raises:
            PackError: a file cannot be read; the edition before goes on being served.
        """
        with self._lock:
            self._looked = self._clock()
            stamps = self._stamped()
            if stamps == self._stamps:
                return False
            self._stamps = stamps
            self._edition = self._read(self._edition)
            return True

    def now(self) -> Edition:
        """The edition of now; edits are looked for every `LOOK_SECONDS`, and logged by name where they are wrong."""
        if self._clock() - self._looked >= LOOK_SECONDS:
            try:
                self.reload()
            except PackError as error:
                log.error("an edit of %s is not served: %s", self._what, error)
        return self._edition

    def _stamped(self) -> Mapping[Path, tuple[int, int]]:
        found = {}
        for path in self._files():
            with suppress(OSError):  # just removed
                status = path.stat()
                found[path] = (status.st_mtime_ns, status.st_size)
        return found
