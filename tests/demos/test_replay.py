"""A stored call is told step by step, and nothing of it is done again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from demos import replay
from tests.calls import Shop


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'shop.sqlite'}"
    shop = Shop(url)
    call, order = shop.call("c7", known=True), shop.order("paid")
    call.say(f"cancel {order}", "cancel_order", order_id=order)
    call.say("yes", "affirm")
    shop.store.close()
    return url


def test_a_call_is_told_with_reasons(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay.main(["c7", "--store", url]) == 0
    told = capsys.readouterr().out
    for part in ("turn 1", "meant: cancel_order 0.95", "because cancel_order changes something", "does: cancel_order"):
        assert part in told
    assert told.index("sees what would come of: cancel_order") < told.index("does: cancel_order")
    assert "rows orders/" in told


def test_it_is_also_plain_values_and_changes_nothing(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = Shop(url, seeded=True).rows()
    assert replay.main(["c7", "--store", url, "--json"]) == 0
    steps = json.loads(capsys.readouterr().out)["steps"]
    assert [s["step"] for s in steps] == list(range(1, len(steps) + 1))
    assert {s["wish"] for s in steps} == {"", "cancel_order"}
    assert Shop(url, seeded=True).rows() == before


def test_calls_are_listed_and_an_unknown_one_is_named(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert replay.main(["--list", "--store", url]) == 0
    assert capsys.readouterr().out.startswith("c7  text")
    assert replay.main(["c8", "--store", url]) == 2
    assert "'c8'" in capsys.readouterr().err
