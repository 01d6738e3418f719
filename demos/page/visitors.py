"""The visitors of the page, kept apart: each has a secret token, a call of its own, and at most one connection."""

from __future__ import annotations

import asyncio
import secrets
import time
import uuid
from collections.abc import Callable
from typing import Any

from agent.types import Turn
from demos.phone.answering import Answering
from modalities.types import Audio, Image

MOST_VISITORS = 1_000  # remembered; a visitor who is not connected is forgotten for a new one
MOST_FILES = 4  # attached and not sent yet, of one visitor
FORGET_SECONDS = 3_600.0
"""A visitor who left can come back to the conversation for so long."""

Message = dict[str, Any] | bytes


class Visitor:
    """One browser tab's conversation, whichever connection it has at the moment. Lives on one event loop.

    Attributes:
        token: what the tab shows to be known again; nobody else has it.
        user: who logged in; empty where nobody has to.
        call_id: the conversation.
        files: what was attached and not sent yet.
        asked: the last turn, for what carried its decision.
        live: holds the hands-free call, while there is one.
    """

    def __init__(self, user: str) -> None:
        self.token, self.user = secrets.token_urlsafe(24), user
        self.seen = time.monotonic()
        self.outbox: asyncio.Queue[Message | None] | None = None
        self.anew()

    def anew(self) -> None:
        """Begin another conversation; nothing of the last one is left here."""
        self.call_id = f"web-{uuid.uuid4().hex}"
        self.files: dict[str, Audio | Image] = {}
        self.asked: Turn | None = None
        self.live: Answering | None = None

    def connect(self) -> asyncio.Queue[Message | None]:
        """Messages go through this queue from now on; the connection before, if any, is told to end by None."""
        self.disconnect(self.outbox)
        self.outbox = asyncio.Queue()
        return self.outbox

    def disconnect(self, outbox: asyncio.Queue[Message | None] | None) -> None:
        """The connection with this queue is gone."""
        self.seen = time.monotonic()
        if outbox is not None:
            outbox.put_nowait(None)
            if self.outbox is outbox:
                self.outbox = None

    def tell(self, event: str, **fields: Any) -> None:
        """Send something to the tab; nobody hears it while there is no connection."""
        if self.outbox is not None:
            self.outbox.put_nowait({"event": event, **fields})

    def sound(self, pcm: bytes) -> None:
        """Send sound."""
        if self.outbox is not None:
            self.outbox.put_nowait(pcm)

    def attach(self, file: Audio | Image) -> str:
        """Keep a file for the message it will be sent with; gives back its name. The oldest gives way."""
        while len(self.files) >= MOST_FILES:
            del self.files[next(iter(self.files))]
        name = uuid.uuid4().hex
        self.files[name] = file
        return name


class Visitors:
    """All of them.

    Args:
        most: how many are remembered at once.
        clock: seconds, never going back.
    """

    def __init__(self, most: int = MOST_VISITORS, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._known: dict[str, Visitor] = {}

    def __len__(self) -> int:
        return len(self._known)

    def enter(self, token: str, user: str) -> Visitor | None:
        """The visitor with this token and name, or a new one; None where there is no room."""
        self._forget()
        known = self.find(token, user)
        if known is not None:
            return known
        if len(self._known) >= self._most:
            away = [one for one in self._known.values() if one.outbox is None]
            if not away:
                return None
            del self._known[min(away, key=lambda one: one.seen).token]
        made = Visitor(user)
        self._known[made.token] = made
        return made

    def find(self, token: str, user: str) -> Visitor | None:
        """The visitor with this token who logged in by this name."""
        known = self._known.get(token)
        return known if known is not None and known.user == user else None

    def of_call(self, call_id: str) -> Visitor | None:
        """Whose conversation this is."""
        return next((one for one in self._known.values() if one.call_id == call_id), None)

    def _forget(self) -> None:
        now = self._clock()
        stale = [t for t, one in self._known.items() if one.outbox is None and now - one.seen > FORGET_SECONDS]
        for token in stale:
            del self._known[token]
