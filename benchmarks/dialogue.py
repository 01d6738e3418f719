"""How long the dialogue takes: the policy alone, and a whole turn with the shop and the store, without models.

    python -m benchmarks.dialogue [--calls 200] [--store URL]

Drives scripted calls over the retail pack (its flows, replies, articles and product graph) with understandings made
by hand, so that no model's time is in the figures. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import platform
import statistics
import sys
import tempfile
import tracemalloc
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select

from agent.actions import ShopBackend
from agent.articles import Embed
from agent.domain import Pack
from agent.flows import Flows
from agent.knowledge import Articles, ProductGraph
from agent.manager import Manager
from agent.replies import Replies
from agent.shop import seed
from agent.state import replay
from agent.store import Store
from agent.tables import Customer, Order
from agent.types import Entity, Intent, Understanding

LIMIT_MS = 2.0
"""What a policy step may take, median."""

Line = tuple[str, tuple[str, ...], dict[str, str]]
OPEN_CALLS = 1000


def understood(line: Line) -> Understanding:
    """One turn as the models would give it."""
    text, intents, facts = line
    entities = tuple(Entity(kind, value, value, 0, len(value), "pattern", 0.9) for kind, value in facts.items())
    return Understanding(text, None, tuple(Intent(i, 0.95) for i in intents), len(intents), entities, "ok")


def scripts(order: str, email: str, delivered: str) -> list[list[Line]]:
    """Calls of a customer who gives an order number and an e-mail address."""
    prove: list[Line] = [(order, ("inform",), {"order_id": order}), (email, ("inform",), {"email": email})]
    return [
        [("hello", ("greet",), {}), ("where is my order", ("track_order",), {}), *prove, ("thanks", ("thanks",), {})],
        [
            ("cancel it and what are your hours", ("cancel_order", "store_hours"), {}),
            *prove,
            ("how do returns work", ("return_policy",), {}),
            ("no, leave it", ("deny",), {}),
            ("bye", ("goodbye",), {}),
        ],
        [
            ("express please", ("change_delivery",), {"order_id": order, "delivery_option": "express"}),
            prove[1],
            ("no, pickup", ("deny",), {"delivery_option": "pickup"}),
            ("what?", ("repeat",), {}),
            ("yes", ("affirm",), {}),
        ],
        [
            ("I want to send it back", ("return_item",), {"order_id": delivered}),
            prove[1],
            ("one moment", ("wait",), {}),
            ("never mind", ("never_mind",), {}),
            ("a person please", ("human_agent",), {}),
        ],
    ]


def manager(url: str, knowledge: Path | None = None, embed: Embed | None = None) -> tuple[Manager, int]:
    """The retail shop over a fresh database, and its number of products.

    Args:
        url: of the database.
        knowledge: a folder in place of the pack's.
        embed: for the search in articles; without it words alone decide.
    """
    pack = Pack.load("retail", with_examples=False)
    knowledge = knowledge or pack.root / "knowledge"
    graph = ProductGraph(knowledge / "products.ttl")
    store = Store(url)
    seed(store, graph)
    backend = ShopBackend(store, graph, dt.date.today)
    flows = Flows.load(pack.root / "flows.toml", pack.intents, pack.entities, backend.operations)
    backend.checks = flows.checks
    replies = Replies.load(pack.root / "replies.toml", flows.keys, flows.flows)
    return Manager(flows, replies, backend, Articles(knowledge, embed), store), len(graph.products())


def customers(store: Store) -> list[tuple[str, str, str]]:
    """An order of each state to work on, and its owner's address, for customers who have both."""
    with store.session() as session:
        rows = session.execute(select(Customer.email, Order.status, Order.id).join(Order)).all()
    orders: dict[str, dict[str, str]] = defaultdict(dict)
    for email, status, order in rows:
        orders[email or ""][status] = order
    return [
        (own["paid"], email, own["delivered"]) for email, own in orders.items() if {"paid", "delivered"} <= own.keys()
    ]


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, 95th and 99th percentile and the largest."""
    cuts = statistics.quantiles(values, n=100)
    rounded = {"median": statistics.median(values), "p95": cuts[94], "p99": cuts[98], "max": max(values)}
    return {name: round(value, 3) for name, value in rounded.items()}


def run(calls: int, url: str) -> dict[str, Any]:
    """Run the calls and measure."""
    desk, products = manager(url)
    people = customers(desk.store)
    times: dict[str, list[float]] = defaultdict(list)
    turns = 0
    for number in range(calls):
        for n, script in enumerate(scripts(*people[number % len(people)])):
            for line in script:
                answer = desk.turn(f"call-{number}-{n}", understood(line))
                turns += 1
                steps = sum(event.type == "decided" for event in answer.events)
                times["policy step"].append(answer.timings_ms["policy"] / steps)
                times["whole turn"].append(sum(answer.timings_ms.values()))
                for stage, spent in answer.timings_ms.items():
                    times[stage].append(spent)
    events = desk.store.events("call-0-1")
    tracemalloc.start()
    states = [replay(events) for _ in range(OPEN_CALLS)]
    open_bytes = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return {
        "what": "dialogue without models",
        "store": url.partition("://")[0],
        "python": platform.python_version(),
        "machine": platform.machine(),
        "products": products,
        "calls": calls * 4,
        "turns": turns,
        "ms": {name: spread(values) for name, values in times.items()},
        "open_calls": len(states),
        "open_calls_mb": round(open_bytes / 2**20, 2),
        "limit_ms": LIMIT_MS,
        "reached": statistics.median(times["policy step"]) <= LIMIT_MS,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the command line, run, print; 1 when the limit is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dialogue", description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=200, metavar="N", help="rounds over the four scripts (200)")
    parser.add_argument("--store", metavar="URL", help="database (a fresh SQLite file)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        figures = run(options.calls, options.store or f"sqlite:///{Path(folder) / 'shop.sqlite'}")
    print(json.dumps(figures, indent=2))
    return 0 if figures["reached"] else 1


if __name__ == "__main__":
    sys.exit(main())
