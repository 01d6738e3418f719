"""The book of telephone calls: who called when on which line, and how the call ended. Survives the process.

A call whose line broke, or whose process died, is found again when the same number calls back soon after: the dialogue
goes on where it stopped.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Select, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from agent.store import Store

Ending = Literal["done", "caller", "lost", "person", "longest", "silence", "failed", "drained", "machine"]
"""How a call ended: the agent said goodbye; the caller hung up; the line broke; handed to a person; too long; ..."""

BROKEN = ("lost", "failed", "drained")


class PhoneBase(DeclarativeBase):
    """Base of the telephone's tables."""


class PhoneCall(PhoneBase):
    """One connection of one line. `ended_at` stays empty when the process dies."""

    __tablename__ = "phone_calls"
    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[str] = mapped_column(index=True)
    carrier: Mapped[str]
    line_id: Mapped[str] = mapped_column(index=True)
    caller: Mapped[str] = mapped_column(index=True)
    opened_at: Mapped[dt.datetime]
    seen_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime | None]
    ending: Mapped[str | None]


@dataclass(frozen=True)
class Entry:
    """A call in the book.

    Attributes:
        id: of this connection.
        call_id: of the dialogue.
        resumed: the dialogue began in an earlier connection that broke.
    """

    id: int
    call_id: str
    resumed: bool = False


class Ledger:
    """The book, in the agent's own database.

    Args:
        store: the database.
        resume_seconds: how long after it broke a call may be gone on with; 0 for never. Numbers can be forged, and
            whoever goes on with a call has what its caller proved: keep it short.
        now: the time, in UTC.

    Attributes:
        store: the database.
    """

    def __init__(
        self, store: Store, resume_seconds: float = 300.0, now: Callable[[], dt.datetime] | None = None
    ) -> None:
        self.store, self._resume = store, dt.timedelta(seconds=resume_seconds)
        self._now = now or (lambda: dt.datetime.now(dt.UTC).replace(tzinfo=None))
        PhoneBase.metadata.create_all(store.engine)
        self._live: set[int] = set()

    def begin(self, carrier: str, line_id: str, caller: str) -> Entry:
        """Enter a call; it goes on with the caller's last one where that broke a moment ago."""
        now = self._now()
        with self.store.session(write=True) as session:
            last = self._broken(session.scalars(self._recent(line_id, caller, now)).all())
            call_id = last.call_id if last else f"phone-{uuid.uuid4().hex}"
            if last is not None:  # so that no third connection goes on with it too
                last.ended_at, last.ending = last.ended_at or now, "resumed"
            row = PhoneCall(
                call_id=call_id, carrier=carrier, line_id=line_id, caller=caller, opened_at=now, seen_at=now
            )
            session.add(row)
            session.flush()
            self._live.add(row.id)
            return Entry(row.id, call_id, last is not None)

    def _recent(self, line_id: str, caller: str, now: dt.datetime) -> Select[PhoneCall]:
        mine = (PhoneCall.caller == caller) if caller else (PhoneCall.line_id == line_id)
        fresh = PhoneCall.seen_at >= now - self._resume
        return select(PhoneCall).where(mine, fresh).order_by(PhoneCall.id.desc()).limit(1)

    def _broken(self, rows: Sequence[PhoneCall]) -> PhoneCall | None:
        if not rows or rows[0].id in self._live or not self._resume:
            return None
        last = rows[0]
        return last if last.ended_at is None or last.ending in BROKEN else None

    def seen(self, entry: Entry) -> None:
        """The call goes on."""
        with self.store.session(write=True) as session:
            row = session.get(PhoneCall, entry.id)
            if row is not None:
                row.seen_at = self._now()

    def end(self, entry: Entry, ending: Ending) -> None:
        """The call is over."""
        self._live.discard(entry.id)
        with self.store.session(write=True) as session:
            row = session.get(PhoneCall, entry.id)
            if row is not None:
                row.seen_at = row.ended_at = self._now()
                row.ending = ending
