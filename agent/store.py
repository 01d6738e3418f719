"""The database: a call is its events, and each operation on the shop is one transaction done at most once.

SQLite by default, PostgreSQL or any other SQLAlchemy URL otherwise. SQLite writers take the write lock when they
begin; others work in serializable transactions, which are begun anew when another one was in the way. So two threads or
processes never act on the same stale row.
"""

from __future__ import annotations

import datetime as dt
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, func, insert, select
from sqlalchemy import inspect as inspect_row
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session, UOWTransaction
from sqlalchemy.pool import StaticPool

from agent.erasure import pending, sweep
from agent.errors import BackendError, ConfigError
from agent.tables import Base, Call, CallEvent, Performed, utc_now
from agent.types import Change, Event, Result, to_json

BUSY_SECONDS = 30
"""How long a writer waits for another one before it gives up."""

TRIES, PAUSE_SECONDS = 20, 0.01
"""A transaction that another one was in the way of is tried so often, after pauses that grow by so much."""

IN_THE_WAY = frozenset({"40001", "40P01", "23505"})
"""SQLSTATE of what another transaction did first: no serial order, a deadlock, the same key (PostgreSQL manual, A)."""

DEFAULT_URL = "sqlite:///out/callsight.sqlite"


T = TypeVar("T")


class _InTheWayError(BackendError):
    """Another transaction got there first; nothing was changed."""


class Store:
    """Calls, events and the shop's tables behind one URL. Safe to share between threads.

    Args:
        url: a SQLAlchemy URL; "sqlite://" keeps everything in memory.

    Raises:
        ConfigError: the URL cannot be used.
        BackendError: the database does not answer.
    """

    def __init__(self, url: str = DEFAULT_URL) -> None:
        self.engine = _engine(url)
        sqlite = self.engine.dialect.name == "sqlite"
        self._writing = {"callsight_write": True} | ({} if sqlite else {"isolation_level": "SERIALIZABLE"})
        # One in-memory connection serves every thread, so its transactions must not overlap.
        self._alone: threading.RLock | None = threading.RLock() if _in_memory(self.engine) else None
        try:
            Base.metadata.create_all(self.engine)
        except SQLAlchemyError as error:
            raise BackendError(f"the database {self.engine.url!r} does not answer") from error

    @contextmanager
    def session(self, *, write: bool = False) -> Iterator[Session]:
        """A transaction: committed at the end of the block, rolled back when the block raises.

        Raises:
            BackendError: the database failed; nothing was changed.
        """
        with self._alone or nullcontext(), Session(self.engine, expire_on_commit=False) as session:
            try:
                if write:
                    session.connection(execution_options=self._writing)
                yield session
                session.commit()
            except (DBAPIError, PoolTimeoutError) as error:
                session.rollback()
                if _code(error) in IN_THE_WAY:
                    raise _InTheWayError("another transaction got there first; nothing was changed") from error
                raise BackendError("the database refused or did not answer; nothing was changed") from error

    def open_call(self, call_id: str, channel: str = "text") -> None:
        """Make sure the call exists; calls of customers who asked to be forgotten are erased by then."""

        def work(session: Session) -> None:
            if session.get(Call, call_id) is None:
                session.add(Call(id=call_id, channel=channel, opened_at=utc_now()))
                if pending(session):
                    sweep(session, utc_now())

        self.write(work)

    def append(self, call_id: str, events: Sequence[Event]) -> None:
        """Add events to the end of an opened call, all or none."""
        if not events:
            return

        def work(session: Session) -> None:
            last = session.scalar(select(func.max(CallEvent.seq)).where(CallEvent.call_id == call_id))
            first = 0 if last is None else last + 1
            rows = [
                {"call_id": call_id, "seq": first + i, "turn": e.turn, "type": e.type, "data": to_json(e.data)}
                for i, e in enumerate(events)
            ]
            session.execute(insert(CallEvent), rows)

        self.write(work)

    def events(self, call_id: str) -> tuple[Event, ...]:
        """The call so far; empty when there is none."""
        with self.session() as session:
            columns = select(CallEvent.type, CallEvent.data, CallEvent.turn).where(CallEvent.call_id == call_id)
            return tuple(Event(*row) for row in session.execute(columns.order_by(CallEvent.seq)))

    def calls(self) -> tuple[tuple[str, str, dt.datetime, int], ...]:
        """Id, channel, begin (UTC) and turns of every call, the latest first."""
        turns = (
            select(CallEvent.call_id, func.max(CallEvent.turn).label("turns")).group_by(CallEvent.call_id).subquery()
        )
        wanted = select(Call.id, Call.channel, Call.opened_at, turns.c.turns).join(turns, turns.c.call_id == Call.id)
        with self.session() as session:
            rows = session.execute(wanted.order_by(Call.opened_at.desc(), Call.id))
            return tuple((row[0], row[1], row[2], row[3]) for row in rows)

    def run_once(self, key: tuple[str, int, str], work: Callable[[Session], Result]) -> Result:
        """Do `work` in one transaction, or give back what it came to when this key did it before.

        Args:
            key: call id, turn and action.
            work: changes rows through the session and says what came of it. A result that is not ok is not kept,
                and whatever it changed is undone.
        """
        call_id, turn, action = key

        def once(session: Session) -> Result:
            done = session.get(Performed, key)
            if done is not None:
                return _result(done.result)
            result = tracked(session, work)
            if result.ok:
                session.add(Performed(call_id=call_id, turn=turn, action=action, result=to_json(result)))
            else:
                session.rollback()
            return result

        return self.write(once)

    def preview(self, work: Callable[[Session], Result]) -> Result:
        """What `work` would come to: it is done, and then undone."""

        def tried(session: Session) -> Result:
            result = tracked(session, work)
            session.rollback()
            return result

        return self.write(tried)

    def write(self, work: Callable[[Session], T]) -> T:
        """Do `work` in a transaction of its own; again when another transaction was in the way.

        Raises:
            BackendError: the database failed, or others were in the way every time; nothing was changed.
        """
        for attempt in range(TRIES):
            try:
                with self.session(write=True) as session:
                    return work(session)
            except _InTheWayError:
                if attempt == TRIES - 1:
                    raise
                # Threads that wait equally long would meet again.
                time.sleep(PAUSE_SECONDS * attempt * random.random())
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Let go of the connections."""
        self.engine.dispose()


def tracked(session: Session, work: Callable[[Session], Result]) -> Result:
    """Do `work` and note in its result every row it added, altered or removed."""
    changes: dict[tuple[str, str], Change] = {}

    def note(flushed: Session, _: UOWTransaction) -> None:
        for row in (*flushed.new, *flushed.dirty, *flushed.deleted):
            change = _change(row, deleted=row in flushed.deleted)
            seen = changes.get((change.table, change.key), Change(change.table, change.key))
            first = {k: v for k, v in change.before.items() if k not in seen.after}
            changes[change.table, change.key] = Change(
                change.table, change.key, {**first, **seen.before}, {**seen.after, **change.after}
            )

    event.listen(session, "after_flush", note)
    try:
        result = work(session)
        session.flush()
    finally:
        event.remove(session, "after_flush", note)
    ordered = sorted(changes.values(), key=lambda c: (c.table, c.key))
    altered = tuple(c for c in ordered if c.before != c.after)
    return Result(result.ok, result.data, result.error, altered if result.ok else ())


def _change(row: Any, *, deleted: bool) -> Change:
    """The columns of one flushed row that differ, before and after."""
    state = inspect_row(row)
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for column in state.mapper.column_attrs:
        history = state.attrs[column.key].history
        if deleted:
            before[column.key] = getattr(row, column.key)
        elif history.has_changes():
            after[column.key] = getattr(row, column.key)
            if history.deleted:
                before[column.key] = history.deleted[0]
    key = "/".join(str(part) for part in state.mapper.primary_key_from_instance(row))
    return Change(state.mapper.local_table.name, key, _plain(before), _plain(after))


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """Values that survive JSON: days as YYYY-MM-DD."""
    return {k: v.isoformat() if isinstance(v, (dt.date, dt.datetime)) else v for k, v in values.items()}


def _result(saved: dict[str, Any]) -> Result:
    """A result from its stored form."""
    changes = tuple(Change(c["table"], c["key"], c["before"], c["after"]) for c in saved["changes"])
    return Result(saved["ok"], saved["data"], saved["error"], changes)


def _code(error: Exception) -> str:
    """The SQLSTATE of a database's error, or nothing."""
    return str(getattr(getattr(error, "orig", None), "sqlstate", None) or "")


def _in_memory(engine: Engine) -> bool:
    return engine.dialect.name == "sqlite" and engine.url.database in (None, "", ":memory:")


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigError("the database URL cannot be read; write one like sqlite:///out/callsight.sqlite") from error
    if parsed.get_backend_name() != "sqlite":
        try:
            return create_engine(parsed, pool_pre_ping=True)
        except (ImportError, SQLAlchemyError) as error:
            raise ConfigError(f"no driver for {parsed.drivername!r} databases is installed") from error
    arguments = {"check_same_thread": False, "timeout": BUSY_SECONDS}
    if parsed.database in (None, "", ":memory:"):
        engine = create_engine(parsed, connect_args=arguments, poolclass=StaticPool)
    else:
        Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, connect_args=arguments)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _: object) -> None:
    # The driver would begin transactions by itself, and only at the first write; `_begin_sqlite` does it instead.
    connection.isolation_level = None
    for pragma in ("foreign_keys=ON", "journal_mode=WAL", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    write = connection.get_execution_options().get("callsight_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
