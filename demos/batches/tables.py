"""The tables a batch leaves: results.jsonl whole, calls and turns as CSV and Parquet."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from demos.batches.folder import replace
from demos.batches.rows import CALL_COLUMNS, TURN_COLUMNS, Row, call_cells, inert, turn_cells

_ROWS_A_GROUP = 2_000


def write(folder: Path, rows: Sequence[Row]) -> list[Path]:
    """Writes the rows of all calls, in this order; each file whole or not at all."""
    calls = [call_cells(row) for row in rows]
    turns = [cells for row in rows for cells in turn_cells(row)]
    lines = b"".join(json.dumps(row, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n" for row in rows)
    return [
        replace(folder / "results.jsonl", lines),
        replace(folder / "results.csv", _csv(CALL_COLUMNS, calls)),
        replace(folder / "results.parquet", _parquet(CALL_COLUMNS, calls)),
        replace(folder / "turns.csv", _csv(TURN_COLUMNS, turns)),
        replace(folder / "turns.parquet", _parquet(TURN_COLUMNS, turns)),
    ]


def _csv(columns: Mapping[str, type], rows: Iterable[Mapping[str, Any]]) -> bytes:
    table = io.StringIO()
    writer = csv.DictWriter(table, list(columns))
    writer.writeheader()
    writer.writerows({column: inert(row[column]) for column in columns} for row in rows)
    return table.getvalue().encode("utf-8", "backslashreplace")


def _parquet(columns: Mapping[str, type], rows: Sequence[Mapping[str, Any]]) -> bytes:
    import pyarrow
    from pyarrow import parquet

    types = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64()}
    schema = pyarrow.schema([(name, types[kind]) for name, kind in columns.items()])
    table = pyarrow.Table.from_pylist([{name: row[name] for name in columns} for row in rows], schema=schema)
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(table, sink, row_group_size=_ROWS_A_GROUP)
    return bytes(sink.getvalue().to_pybytes())
