"""Flows: the pack's own are whole, and what is wrong in a file is refused by name and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.domain import Pack
from agent.errors import PackError
from agent.flows import ANSWER, MOVES, Flows, question
from agent.operations import OPERATIONS
from tests.calls import RETAIL, retail_flows

GOOD = """
[limits]
tries = 2

[identify]
action = "identify"
facts = ["order_id", "email"]
ask = ["order_id", "email"]

[slots.order_id]
entity = "order_id"
from = ["words", "backend"]
carry = true
[slots.email]
entity = "email"
[slots.reason]
entity = "reason"
free = true

[errors]
order_not_found = { say = "order_not_found", ask = "order_id" }

[flows.cancel_order]
customer = true
needs = ["order_id"]
takes = ["reason"]
action = "cancel_order"
confirm = "confirm_cancel"
done = "cancelled"
checks = { status = ["paid"] }
[flows.cancel_order.errors]
order_shipped = { say = "too_late", then = "help" }

[flows.help]
action = "answer"
query = "cancelling"
done = "article"
"""
INTENTS = ("cancel_order", "greet")
ENTITIES = ("order_id", "email", "reason")


def load(path: Path, source: str) -> Flows:
    file = path / "flows.toml"
    file.write_text(source)
    return Flows.load(file, INTENTS, ENTITIES, OPERATIONS)


def test_a_good_file_is_read_whole(tmp_path: Path) -> None:
    flows = load(tmp_path, GOOD)
    flow = flows.flows["cancel_order"]
    assert (flow.needs, flow.takes, flow.slots) == ((("order_id",),), ("reason",), ("order_id", "reason"))
    assert (flow.changes, flow.customer, flow.confirm) == (True, True, "confirm_cancel")
    assert flow.errors["order_shipped"].then == "help"
    assert flows.limits.tries == 2
    assert flows.checks == {"cancel_order": {"status": ["paid"]}}
    assert flows.keys == {
        "article",
        "ask_email",
        "ask_order_id",
        "cancelled",
        "confirm_cancel",
        "not_done",
        "order_not_found",
        "too_late",
    }


def line_of(source: str, part: str) -> int:
    return source[: source.index(part)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("tries = 2", "tires = 2", "tires"),
        ("tries = 2", "tries = 0", "above 0"),
        ('action = "identify"', 'action = "guess"', "guess"),
        ('facts = ["order_id", "email"]', 'facts = ["order_id", "iris"]', "iris"),
        ('entity = "email"', 'entity = "e_mail"', "e_mail"),
        ('from = ["words", "backend"]', 'from = ["words", "air"]', "air"),
        ("carry = true", 'carry = "yes"', "true or false"),
        ("free = true", 'form = "("', "regular expression"),
        ("free = true", 'after = "street"', "street"),
        ('needs = ["order_id"]', 'needs = ["order"]', "'order'"),
        ('needs = ["order_id"]', 'needs = ["order_id", "order_id"]', "comes twice"),
        ('takes = ["reason"]', 'takes = ["email"]', "no argument of 'cancel_order'"),
        ('takes = ["reason"]', 'takes = ["order_id"]', "comes twice"),
        ('action = "cancel_order"', 'action = "cancel_all"', "cancel_all"),
        ('confirm = "confirm_cancel"', "confirm = 3", "text"),
        ("order_shipped = {", "order_shipped = { sya = 1,", "sya"),
        ('then = "help"', 'then = "halp"', "halp"),
        ('then = "help"', 'ask = "email"', "does not use"),
        ('then = "help"', 'then = "help", offer = "help"', "unreachable"),
        ('order_not_found = { say = "order_not_found", ask = "order_id" }', 'order_not_found = "say"', "table"),
        ('query = "cancelling"', 'confirm = "sure"', "changes nothing"),
        ('query = "cancelling"', "handoff_above = true", "number"),
        ('query = "cancelling"', 'qeury = "cancelling"', "qeury"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, old: str, new: str, names: str) -> None:
    assert old in GOOD
    broken = GOOD.replace(old, new, 1)
    with pytest.raises(PackError) as caught:
        load(tmp_path, broken)
    assert names in str(caught.value)
    assert f"flows.toml:{line_of(broken, new)}:" in str(caught.value)


@pytest.mark.parametrize(
    ("source", "names", "at"),
    [
        (GOOD + '\n[flows.dance]\naction = "answer"\ndone = "x"\n', "'dance' is unreachable", "[flows.dance]"),
        (GOOD + '\n[flows.greet]\naction = "answer"\ndone = "x"\n', "takes no flow", "[flows.greet]"),
        (GOOD + '\n[slots.color]\nentity = "reason"\n', "'color' is unreachable", "[slots.color]"),
        (GOOD + '[flows.help.errors]\nno_article = { then = "cancel_order" }\n', "loop", "[flows.cancel_order]"),
        (GOOD.replace('done = "article"\n', ""), "needs `done`", "[flows.help]"),
        (GOOD + "\n[plans]\n", "plans", "[plans]"),
    ],
)
def test_steps_that_lead_nowhere_are_refused(tmp_path: Path, source: str, names: str, at: str) -> None:
    with pytest.raises(PackError) as caught:
        load(tmp_path, source)
    assert names in str(caught.value)
    assert f"flows.toml:{line_of(source, at)}:" in str(caught.value)


def test_a_loop_to_itself_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="loop"):
        load(tmp_path, GOOD.replace('then = "help"', 'then = "cancel_order"'))


def test_an_intent_without_a_flow_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "flows.toml"
    file.write_text(GOOD)
    with pytest.raises(PackError, match="track_order"):
        Flows.load(file, (*INTENTS, "track_order"), ENTITIES, OPERATIONS)


@pytest.mark.parametrize("content", [None, b"[flows", b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "flows.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(PackError, match=r"flows\.toml"):
        Flows.load(file, INTENTS, ENTITIES, OPERATIONS)


def test_the_retail_pack_covers_every_intent_and_operation() -> None:
    pack, flows = Pack.load("retail", with_examples=False), retail_flows()
    assert set(pack.intents) <= MOVES | flows.flows.keys()
    used = {flow.action for flow in flows.flows.values()} | {flows.identify.action, flows.photos.match}
    assert OPERATIONS.keys() - used == {"handoff", "recognise"}
    assert used - OPERATIONS.keys() == {ANSWER}
    assert (RETAIL / "flows.toml").is_file()


def test_changes_of_a_customers_things_are_confirmed_or_harmless() -> None:
    """Whatever costs money or cannot be undone asks first."""
    harmless = {
        "get_invoice",
        "late_delivery",
        "leave_review",
        "payment_problem",
        "reset_password",
        "subscribe",
        "unsubscribe",
        "damaged_refund",  # offered, so agreed to
        "missing_refund",
    }
    flows = retail_flows().flows
    assert {name for name, flow in flows.items() if flow.changes and not flow.confirm} == harmless
    offered = {"damaged_refund", "missing_refund"}
    assert {name for name, flow in flows.items() if flow.unsure} == harmless - offered


def test_a_group_of_slots_has_one_question() -> None:
    assert question(("size", "color")) == "ask_size_or_color"
