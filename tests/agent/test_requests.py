"""Operations that a pack declares in its flows: read and checked, and carried out as tickets."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from agent.actions import ShopBackend
from agent.errors import ConfigError, PackError
from agent.flows import Flows, Request
from agent.operations import OPERATIONS
from agent.shop import NoProducts, seed
from agent.store import Store
from agent.tables import Ticket
from agent.types import Action
from tests.calls import TODAY

GOOD = """
[slots.meter]
entity = "meter"
[slots.story]
free = true

[operations.read_meter]
ticket = "meter_reading"
arguments = ["meter", "story"]
[operations.note]
ticket = "note"
arguments = ["story"]
customer = false

[flows.reading]
customer = true
needs = ["meter"]
takes = ["story"]
action = "read_meter"
confirm = "sure"
done = "thanks_for_it"
next = { offer = "remark" }

[flows.remark]
needs = ["story"]
action = "note"
done = "noted"
"""


def load(folder: Path, source: str) -> Flows:
    file = folder / "flows.toml"
    file.write_text(source, encoding="utf-8")
    return Flows.load(file, ("reading", "greet"), ("meter",), OPERATIONS)


def test_declared_operations_are_read(tmp_path: Path) -> None:
    flows = load(tmp_path, GOOD)
    assert flows.requests == {
        "read_meter": Request("read_meter", "meter_reading", frozenset({"meter", "story"})),
        "note": Request("note", "note", frozenset({"story"}), customer=False),
    }
    assert flows.flows["reading"].changes
    assert flows.keys >= {"sure", "thanks_for_it", "offer_remark", "noted", "ask_meter"}


@pytest.mark.parametrize(
    ("old", "new", "names", "line"),
    [
        ('ticket = "meter_reading"\n', "", "kind of ticket", 7),
        ('"meter", "story"]', '"metre"]', "'metre'", 9),
        ("[operations.note]", "[operations.handoff]", "the backend's own", 10),
        ("[operations.note]", "[operations.answer]", "the backend's own", 10),
        ("customer = false", "customer = 0", "true or false", 13),
        ("customer = false", "owner = false", "'owner'", 13),
        ('action = "note"', 'action = "notes"', "notes", 26),
        ('needs = ["meter"]', 'needs = ["meter"]\nonce = ["story"]', "comes twice", 19),
        ('next = { offer = "remark" }', 'next = { ask = "meter" }', "nothing left to ask", 22),
        ('next = { offer = "remark" }', 'next = { offer = "remarks" }', "remarks", 22),
        ('next = { offer = "remark" }', "", "unreachable", 24),
        ('done = "noted"', 'done = "noted"\nnext = { then = "remark" }', "loop", 24),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, old: str, new: str, names: str, line: int) -> None:
    assert old in GOOD
    with pytest.raises(PackError) as caught:
        load(tmp_path, GOOD.replace(old, new, 1))
    assert names in str(caught.value)
    assert f"flows.toml:{line}:" in str(caught.value)


@pytest.fixture
def backend(tmp_path: Path) -> ShopBackend:
    store = Store("sqlite://")
    seed(store, NoProducts(), customers=1, orders=0, today=TODAY)
    return ShopBackend(store, NoProducts(), lambda: TODAY, requests=load(tmp_path, GOOD).requests)


def tickets(backend: ShopBackend) -> list[Ticket]:
    with backend.store.session() as session:
        return list(session.scalars(select(Ticket)))


def test_a_request_is_one_ticket_however_often_it_is_sent(backend: ShopBackend) -> None:
    action = Action("read_meter", {"meter": "4711", "story": "", "unknown": "x"})
    assert backend.run(action, ("c", 1), customer_id=1, preview=True).data["meter"] == "4711"
    assert tickets(backend) == []
    first = backend.run(action, ("c", 1), customer_id=1, preview=False)
    again = backend.run(action, ("c", 1), customer_id=1, preview=False)
    (ticket,) = tickets(backend)
    assert (ticket.kind, ticket.detail, ticket.customer_id) == ("meter_reading", {"meter": "4711"}, 1)
    assert first.data["ticket_id"] == again.data["ticket_id"] == ticket.id


def test_whose_call_it_is_matters_only_where_declared(backend: ShopBackend) -> None:
    refused = backend.run(Action("read_meter", {"meter": "4711"}), ("c", 1), customer_id=None, preview=False)
    assert (refused.ok, refused.error) == (False, "not_identified")
    assert backend.run(Action("note", {"story": "hm"}), ("c", 2), customer_id=None, preview=False).ok
    assert [t.kind for t in tickets(backend)] == ["note"]


def test_an_operation_of_another_pack_is_unknown(backend: ShopBackend) -> None:
    with pytest.raises(ConfigError, match=r"block_card.*read_meter"):
        backend.run(Action("block_card"), ("c", 1), customer_id=1, preview=False)
