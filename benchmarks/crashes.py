"""kill -9 in the middle of calls: is any change lost or done twice?

    python -m benchmarks.crashes [--kills 200] [--store URL] [--seed 7]

A process of its own runs calls that each buy one thing, change a delivery and cancel an order, over a database file; it
is killed at random moments and begun anew, and the customer says again what got no answer. In the end the rows must be
those that the same calls leave when nothing is killed. Forks (POSIX), so that a start takes no time.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from agent.manager import Manager
from agent.store import Store
from agent.tables import Order, OrderItem, Refund, Variant
from benchmarks.dialogue import Line, customers, manager, understood

LONGEST_SECONDS = 0.25
"""A process is killed at the latest so long after it began; a call takes about as long."""


def script(number: int, people: Sequence[tuple[str, str, str]]) -> list[Line]:
    """One call: a delivery changed, the order cancelled, and a mug bought."""
    order, email, _ = people[number]
    return [
        ("by pickup please", ("change_delivery",), {"order_id": order, "delivery_option": "pickup"}),
        (email, ("inform",), {"email": email}),
        ("yes", ("affirm",), {}),
        ("now cancel it", ("cancel_order",), {"order_id": order}),
        ("yes", ("affirm",), {}),
        (
            "I'd like a mug",
            ("place_order",),
            {"product": "Stoneware Mug", "color": "white", "payment_method": "paypal"},
        ),
        ("yes", ("affirm",), {}),
    ]


def work(desk: Manager, calls: Sequence[list[Line]], at: tuple[int, int], acknowledge: Any) -> None:
    """Run calls from a call and turn on, and tell each turn that was answered."""
    first, turn = at
    for number in range(first, len(calls)):
        for index in range(turn if number == first else 0, len(calls[number])):
            desk.turn(f"call-{number}", understood(calls[number][index]))
            acknowledge(number, index)


def run_killed(url: str, desk: Manager, calls: Sequence[list[Line]], rng: random.Random, kills: int) -> int:
    """Run all calls in processes that are killed; gives back how many were."""
    at, killed = (0, 0), 0
    while at[0] < len(calls):
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            _serve(url, desk, calls, at, write)
        os.close(write)
        if killed < kills:
            time.sleep(rng.uniform(0.0, LONGEST_SECONDS))
            os.kill(child, signal.SIGKILL)
        at, dead = _answered(read, at, len(calls[0])), os.waitpid(child, 0)[1]
        killed += os.WIFSIGNALED(dead)
    return killed


def _serve(url: str, desk: Manager, calls: Sequence[list[Line]], at: tuple[int, int], pipe: int) -> None:
    """The child: a store of its own, calls until the end, and no return."""
    try:
        desk.store = desk.backend.store = Store(url)  # type: ignore[attr-defined]
        work(desk, calls, at, lambda n, i: os.write(pipe, bytes((n, i))))
        os._exit(0)
    finally:
        os._exit(1)


def _answered(pipe: int, at: tuple[int, int], turns: int) -> tuple[int, int]:
    """The turn after the last that was answered."""
    with os.fdopen(pipe, "rb") as told:
        data = told.read()
    if len(data) < 2:
        return at
    number, index = data[len(data) // 2 * 2 - 2], data[len(data) // 2 * 2 - 1]
    return (number, index + 1) if index + 1 < turns else (number + 1, 0)


def state(store: Store) -> dict[str, Any]:
    """What the calls were to change: how many orders in which state and delivery, money back, stock."""
    with store.session() as session:
        orders = session.execute(select(Order.status, Order.delivery_option, func.count()).group_by(*_BY)).all()
        refunds = session.execute(select(Refund.order_id, Refund.amount_cents)).all()
        stock = session.execute(select(Variant.sku, Variant.stock)).all()
        lines = session.scalar(select(func.count()).select_from(OrderItem))
    return {
        "orders": Counter({(s, d): n for s, d, n in orders}),
        "refunds": Counter((o, a) for o, a in refunds),
        "stock": Counter({row.sku: row.stock for row in stock}),
        "lines": lines,
    }


_BY = (Order.status, Order.delivery_option)


def run(kills: int, folder: Path, seed: int) -> dict[str, Any]:
    """The calls once in peace and once among kills, and whether they left the same."""
    urls = [f"sqlite:///{folder / name}.sqlite" for name in ("peace", "killed")]
    desks = [manager(url)[0] for url in urls]
    people = customers(desks[0].store)[: min(200, max(4, kills // 4))]
    calls = [script(number, people) for number in range(len(people))]
    work(desks[0], calls, (0, 0), lambda n, i: None)
    desks[1].store.close()
    killed = run_killed(urls[1], desks[1], calls, random.Random(seed), kills)
    wanted, found = state(Store(urls[0])), state(Store(urls[1]))
    return {
        "what": "kill -9 in the middle of calls",
        "calls": len(calls),
        "killed": killed,
        "seed": seed,
        "orders_bought": found["lines"] - wanted["lines"] + len(calls),
        "same_rows": wanted == found,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 1 when a change was lost or doubled."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crashes", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        figures = run(options.kills, Path(folder), options.seed)
    print(json.dumps(figures, indent=2))
    return 0 if figures["same_rows"] else 1


if __name__ == "__main__":
    sys.exit(main())
