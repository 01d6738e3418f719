import sqlite3
from pathlib import Path
from typing import Any

import pytest

from agent.errors import InputError
from demos.rows import RowCheck, read
from demos.scenario import ExpectedRow


@pytest.fixture
def url(tmp_path: Path) -> Any:
    with sqlite3.connect(tmp_path / "x.sqlite") as db:
        db.execute("create table items (order_id text, line integer, status text, primary key (order_id, line))")
        db.execute("insert into items values ('K1', 1, 'ordered'), ('K1', 2, 'claimed')")
    return f"sqlite:///{tmp_path}/x.sqlite"


@pytest.mark.parametrize(
    ("row", "value"),
    [
        (ExpectedRow("items", "K1/1", "status", ""), "ordered"),
        (ExpectedRow("items", "K1/2", "status", ""), "claimed"),
        (ExpectedRow("items", "K1/2", "line", ""), "2"),
        (ExpectedRow("items", "K2/1", "status", ""), None),
        (ExpectedRow("items", "K1", "status", "", by="order_id"), "claimed"),
    ],
)
def test_values_are_read(url: str, row: Any, value: Any) -> None:
    assert read(url, [row]) == (value,)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (ExpectedRow("nope", "K1", "status", ""), "nope.*items"),
        (ExpectedRow("items", "K1/1", "nope", ""), "nope.*order_id, line, status"),
        (ExpectedRow("items", "K1", "status", "", by="nope"), "nope"),
        (ExpectedRow("items", "K1", "status", ""), "2 parts"),
    ],
)
def test_what_does_not_exist_is_named(url: str, row: Any, message: Any) -> None:
    with pytest.raises(InputError, match=message):
        read(url, [row])


@pytest.mark.parametrize(
    ("before", "after", "ok"),
    [("a", "b", True), ("b", "b", False), (None, "b", True), ("a", "c", False), ("a", None, False)],
)
def test_a_promise_is_kept_only_by_a_change(before: Any, after: Any, ok: Any) -> None:
    assert RowCheck(ExpectedRow("t", "k", "c", "b"), before, after).ok is ok
