"""Simulated customers: with words understood as meant the dialogue serves them, and the judge sees what went wrong."""

from __future__ import annotations

import argparse
from pathlib import Path
from random import Random

import pytest

from agent.tables import Order
from agent.types import Event
from benchmarks import crashes
from benchmarks.callers import Caller, wordings
from benchmarks.customers import draw, run, summary
from benchmarks.goals import TASKS
from benchmarks.judge import World
from benchmarks.listeners import given


@pytest.fixture(scope="module")
def world() -> World:
    return World(7, voice=False)


def test_customers_understood_as_meant_get_exactly_what_they_want() -> None:
    verdicts = run(argparse.Namespace(words="given", seed=7, first=40, calls=24), given())
    figures = summary(verdicts)
    assert figures["wrong_changes"] == 0
    assert [v.told() for v in verdicts if not v.as_it_should] == []


def test_the_same_numbers_make_the_same_customers(world: World) -> None:
    pairs = [[draw(n, world.shop(), 7, wordings(), voice=False).goals for n in range(20)] for _ in range(2)]
    assert pairs[0] == pairs[1]


def test_the_judge_sees_a_change_too_many_and_one_too_few(world: World) -> None:
    caller = Caller([TASKS["cancel_order"](world.shop())], "terse", Random(1), wordings(), known=True)
    idle = world.judge(caller, world.desk(caller))
    assert (idle.right, idle.wrong) == (False, False)
    meddled = world.desk(caller)
    with meddled.manager.store.session(write=True) as session:
        session.get_one(Order, caller.goal.facts["order_id"]).total_cents = 1
    assert world.judge(caller, meddled).wrong


def test_a_wish_carried_out_on_another_order_is_not_done(world: World) -> None:
    goal = TASKS["track_order"](world.shop())
    caller = Caller([goal], "terse", Random(1), wordings())
    done = {"name": "track_order", "ok": True, "preview": False, "data": {"order_id": "K000000"}}
    caller.hear([Event("result", done)])
    assert not caller.done
    caller.hear([Event("result", done | {"data": {"order_id": goal.facts["order_id"]}})])
    assert caller.done


def test_every_flow_that_words_lead_to_has_a_customer(world: World) -> None:
    goals = [make(world.shop()) for make in TASKS.values()]
    served = {name for goal in goals for name in (goal.intent, goal.then) if name}
    behind = {"promo_check", "gift_card_help"}  # come of what the shop finds, not of words
    assert world.flows.flows.keys() - served == behind


def test_kills_in_the_middle_lose_and_double_nothing(tmp_path: Path) -> None:
    figures = crashes.run(4, tmp_path, 7)
    assert figures["same_rows"]
    assert figures["orders_bought"] == figures["calls"]
