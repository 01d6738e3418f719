"""Looks into the company's database from outside, to see whether a call left there what it promised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from agent.errors import InputError
from demos.scenario import ExpectedRow


@dataclass(frozen=True)
class RowCheck:
    """An expected value with what really stood there; None where there was no such row."""

    expected: ExpectedRow
    before: str | None
    after: str | None

    @property
    def ok(self) -> bool:
        """The value stands there now, and the call put it there."""
        return self.after == self.expected.value != self.before


def read(url: str, expected: Sequence[ExpectedRow]) -> tuple[str | None, ...]:
    """The present value of each expected row's column, None where the row does not exist.

    Raises:
        InputError: no such table or column.
    """
    engine = sa.create_engine(url)
    try:
        with engine.connect() as connection:
            return tuple(_value(connection, row) for row in expected)
    finally:
        engine.dispose()


def _value(connection: sa.Connection, row: ExpectedRow) -> str | None:
    table = _table(connection, row.table)
    keys = [_column(table, row.by)] if row.by else list(table.primary_key.columns)
    values = [row.key] if row.by else row.key.split("/")
    if len(keys) != len(values):
        raise InputError(f"key {row.key!r} of table {row.table!r} must have {len(keys)} parts joined by '/'")
    same = (sa.cast(key, sa.String) == value for key, value in zip(keys, values, strict=True))
    query = sa.select(_column(table, row.column)).where(*same).order_by(*table.primary_key.columns)
    found = connection.scalars(query).all()
    return None if not found else str(found[-1])


def _table(connection: sa.Connection, name: str) -> sa.Table:
    try:
        return sa.Table(name, sa.MetaData(), autoload_with=connection)
    except sa.exc.NoSuchTableError:
        known = ", ".join(sorted(sa.inspect(connection).get_table_names()))
        raise InputError(f"expected table {name!r} does not exist; there are {known}") from None


def _column(table: sa.Table, name: str) -> sa.Column[Any]:
    if name not in table.columns:
        known = ", ".join(table.columns.keys())
        raise InputError(f"expected column {table.name}.{name} does not exist; there are {known}")
    return table.c[name]
