"""Where recordings of calls are kept, and that they go when what was said in their calls is erased."""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.orm import Mapped, mapped_column

from agent.erasure import LONGEST_CALL
from agent.errors import InputError
from agent.store import Store
from agent.tables import CallEvent, Erasure, utc_now
from demos.phone.ledger import PhoneBase, PhoneCall
from demos.phone.tape import Tape

log = logging.getLogger(__name__)


class PhoneRecording(PhoneBase):
    """One file of one connection."""

    __tablename__ = "phone_recordings"
    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[str] = mapped_column(index=True)
    path: Mapped[str]
    began_at: Mapped[dt.datetime]


class Tapes:
    """Makes recordings in a folder that the operator names.

    Args:
        store: the database, which knows the files.
        folder: where they lie; made where it is missing, for its owner alone.

    Attributes:
        live: of the calls that go on, by their ids.

    Raises:
        InputError: the folder cannot be written to.
    """

    def __init__(self, store: Store, folder: Path) -> None:
        self._store, self._folder = store, folder.resolve()
        self.live: dict[str, Tape] = {}
        PhoneBase.metadata.create_all(store.engine)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            probe = self._folder / f".{uuid.uuid4().hex}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise InputError(f"recordings cannot be kept in {str(folder)!r}: {error.strerror}") from error

    def begin(self, call_id: str, rate: int, now: float) -> Tape:
        """A recording of a call from now on, known to the database before its first sound."""
        path = self._folder / f"{uuid.uuid4().hex}.wav"
        with self._store.session(write=True) as session:
            session.add(PhoneRecording(call_id=call_id, path=str(path), began_at=utc_now()))
        self.live[call_id] = tape = Tape(path, rate, now)
        return tape

    def end(self, call_id: str) -> None:
        """The call is over."""
        if tape := self.live.pop(call_id, None):
            tape.close()

    def discard(self, call_id: str) -> None:
        """The caller does not want it."""
        tape = self.live.pop(call_id, None)
        if tape is None:
            return
        tape.discard()
        with self._store.session(write=True) as session:
            row = session.scalars(select(PhoneRecording).where(PhoneRecording.path == str(tape.path))).first()
            if row is not None:
                session.delete(row)


def erase(store: Store) -> int:
    """Delete the recordings, and the callers' numbers, of calls whose words were erased; how many recordings.

    A call that was begun has events until `agent.erasure` takes them. A file that cannot be deleted now is tried again
    the next time.
    """
    PhoneBase.metadata.create_all(store.engine)
    known = select(CallEvent.call_id)
    open_ = select(PhoneCall.call_id).where(PhoneCall.ended_at.is_(None), PhoneCall.seen_at > utc_now() - LONGEST_CALL)
    with store.session(write=True) as session:
        if session.scalars(select(Erasure.customer_id).limit(1)).first() is None:
            return 0
        numbers = update(PhoneCall).where(PhoneCall.call_id.not_in(known), PhoneCall.call_id.not_in(open_))
        session.execute(numbers.values(caller=""))
        wanted = select(PhoneRecording)
        wanted = wanted.where(PhoneRecording.call_id.not_in(known), PhoneRecording.call_id.not_in(open_))
        gone = [row for row in session.scalars(wanted).all() if _unlinked(row.path)]
        for row in gone:
            session.delete(row)
        return len(gone)


def _unlinked(path: str) -> bool:
    try:
        Path(path).unlink(missing_ok=True)
    except OSError as error:
        log.error("a recording could not be erased: %s", type(error).__name__)
        return False
    return True


def recordings(store: Store, call_id: str) -> Sequence[Path]:
    """The files of a call, the earliest first."""
    wanted = select(PhoneRecording.path).where(PhoneRecording.call_id == call_id).order_by(PhoneRecording.id)
    with store.session() as session:
        return [Path(path) for path in session.scalars(wanted).all()]
