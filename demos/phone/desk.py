"""The front desk: how many calls there are, who may come in, what became of each, and how all of them end."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from functools import partial

from agent.types import Turn
from demos.carriers.tickets import Ticket, Tickets
from demos.phone.answering import Answering
from demos.phone.ledger import Ending, Entry, Ledger
from demos.phone.photos import Photos
from demos.phone.pipeline import Held, Line, Models, hold
from demos.phone.tapes import erase
from modalities.types import Image

log = logging.getLogger(__name__)

REMEMBERED = 1_000  # calls whose end is known to a webhook that asks
REMEMBERED_SECONDS = 600.0


class Desk:
    """Lets calls in and sees them out.

    Args:
        models: what all calls share.
        ledger: the book of calls.
        photos: sends links for photos; None where photos cannot be sent.

    Attributes:
        tickets: of the calls that were announced.
        draining: no more calls are let in.
        held: calls that ended, the last ones, for reports.
    """

    def __init__(self, models: Models, ledger: Ledger, photos: Photos | None = None) -> None:
        self.models, self.ledger, self.photos, self.tickets = models, ledger, photos, Tickets()
        self.draining = False
        self.held: list[Held] = []
        self._live: dict[str, Callable[[], Awaitable[None]]] = {}
        self._talks: dict[str, Answering] = {}
        self._taken = 0
        self._endings: dict[str, tuple[float, Ending, str]] = {}
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def calls(self) -> int:
        """Calls at this moment."""
        return self._taken

    @property
    def free(self) -> bool:
        """Whether one more call would be let in."""
        return not self.draining and self._taken < self.models.manners.calls

    def ending(self, line_id: str) -> tuple[str, str]:
        """How the carrier's call ended and the dialogue's id; empty where unknown."""
        _, ending, call_id = self._endings.get(line_id, (0.0, "", ""))
        return ending, call_id

    async def take(self, line: Line, ticket: Ticket) -> Ending | None:
        """Hold a call to its end; None where the desk is full. Never raises: one call's bad luck stays its own."""
        if not self.free:
            return None
        self._taken += 1
        self._empty.clear()
        try:
            return await self._hold(line, ticket)
        except Exception as error:  # noqa: BLE001 - the other calls go on
            log.error("a call on %s broke: %s", ticket.carrier, type(error).__name__)
            return "failed"
        finally:
            self._taken -= 1
            if not self._taken:
                self._empty.set()

    async def _hold(self, line: Line, ticket: Ticket) -> Ending:
        entry = await self._begin(ticket)
        ending: Ending = "failed"
        try:
            closing = partial(self._live.__setitem__, entry.call_id)
            ended = partial(self._remember, ticket.call_id, call_id=entry.call_id)
            begun = partial(self._talks.__setitem__, entry.call_id)
            link = self._link(entry, ticket)
            held = await hold(line, entry, self.models, closing, ended, begun=begun, send_link=link)
            ending = held.ending
            self.held = [*self.held[-REMEMBERED:], held]
        finally:
            self._live.pop(entry.call_id, None)
            self._talks.pop(entry.call_id, None)
            if self.photos is not None:
                self.photos.forget(entry.call_id)
            self._remember(ticket.call_id, ending, entry.call_id)
            await self._book(partial(self.ledger.end, entry, ending))
            await self._book(partial(erase, self.ledger.store))
        log.info("a call on %s ended: %s", ticket.carrier, ending)
        return ending

    def _link(self, entry: Entry, ticket: Ticket) -> Callable[[], None] | None:
        """What sends the caller a link; None where the number is withheld."""
        if self.photos is None or not ticket.caller:
            return None
        return partial(self.photos.send, entry.call_id, ticket.caller)

    async def show(self, call_id: str, photo: Image) -> bool:
        """Give a photo to a call; False where the call is over."""
        talk = self._talks.get(call_id)
        if talk is None:
            return False
        await talk.give(Turn(image=photo, call_id=call_id, channel="phone"))
        return True

    async def _begin(self, ticket: Ticket) -> Entry:
        """Enter the call; one that cannot be entered is answered all the same."""
        try:
            begun: Entry = await self.models.run(
                partial(self.ledger.begin, ticket.carrier, ticket.call_id, ticket.caller)
            )
        except Exception as error:  # noqa: BLE001 - whoever calls is not to suffer for the database
            log.error("a call could not be entered: %s", type(error).__name__)
            return Entry(0, f"phone-{uuid.uuid4().hex}")
        return begun

    async def _book(self, work: Callable[[], object]) -> None:
        try:
            await self.models.run(work)
        except Exception as error:  # noqa: BLE001 - the call is over all the same
            log.error("the end of a call could not be entered: %s", type(error).__name__)

    def _remember(self, line_id: str, ending: Ending, call_id: str) -> None:
        now = time.monotonic()
        self._endings.pop(line_id, None)
        self._endings[line_id] = (now, ending, call_id)
        while len(self._endings) > REMEMBERED or next(iter(self._endings.values()))[0] < now - REMEMBERED_SECONDS:
            del self._endings[next(iter(self._endings))]

    async def drain(self) -> None:
        """Let nobody in, wait for the calls to end, and after `Manners.drain` seconds ask them to."""
        self.draining = True
        seconds = self.models.manners.drain
        for _ in range(2):
            try:
                await asyncio.wait_for(self._empty.wait(), seconds)
                return
            except TimeoutError:
                for close in list(self._live.values()):
                    await close()
                seconds = 15.0
