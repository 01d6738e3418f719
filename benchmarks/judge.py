"""A shop for each simulated call, and what its rows say about the call in the end."""

from __future__ import annotations

import datetime as dt
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy.orm import Session

from agent.actions import ShopBackend
from agent.domain import Pack
from agent.flows import Flows
from agent.knowledge import Articles, ProductGraph
from agent.manager import Answer, Manager
from agent.operations import OPERATIONS
from agent.replies import Replies
from agent.shop import seed as fill
from agent.state import DialogueState
from agent.store import Store
from agent.types import Action, Channel, Event, Understanding
from benchmarks.callers import Caller
from benchmarks.goals import Goal, Shop
from benchmarks.said import Said, plain

TODAY = dt.date(2026, 6, 15)
CALLS = ("calls", "events", "performed", "memories", "claims")
UNTOLD = {
    "tickets": ("id", "detail", "customer_id"),
    "returns": ("id", "reason"),
    "refunds": ("id",),
    "mails": ("id",),
    "reviews": ("text",),
    "erasures": ("asked_at", "done_at"),
}
"""Columns that depend on the words, on the clock, or on what else happened."""

Rows = Counter[tuple[str, str]]


@dataclass(frozen=True)
class Verdict:
    """How one call went.

    Attributes:
        right: the rows are exactly those wanted, and what was asked was told.
        same_rows: the rows are exactly those wanted.
        wrong: a row changed that should not have.
    """

    intent: str
    manner: str
    ends: str
    right: bool
    same_rows: bool
    wrong: bool
    handed_off: bool
    turns: int
    fewest: int
    lines: tuple[str, ...]

    @property
    def as_it_should(self) -> bool:
        """Whether nothing is to be looked into."""
        return not self.wrong and (self.right if self.ends != "handoff" else self.handed_off)

    def told(self) -> str:
        """The call as text."""
        flags = [name for name in ("right", "same_rows", "wrong", "handed_off") if getattr(self, name)]
        head = f"== {self.intent} {self.manner} ({self.ends}): {' '.join(flags)}, {self.turns} turns, {self.fewest} do"
        return "\n".join((head, *self.lines))


class Desk:
    """One call in a shop of its own."""

    def __init__(self, manager: Manager, channel: Channel, customer: int | None) -> None:
        self.manager, self.channel = manager, channel
        self.lines: list[str] = []
        self.events: list[Event] = []
        if customer is not None:
            manager.open("call", channel, customer_id=customer)

    def turn(self, said: Said, understanding: Understanding) -> Answer:
        """One turn."""
        answer = self.manager.turn("call", understanding, self.channel)
        self.events += answer.events
        heard = "" if understanding.text == said.text else f"  [heard: {understanding.text}]"
        meant = ",".join(f"{i.name} {i.confidence:.2f}" for i in understanding.meant) or understanding.verdict
        found = " ".join(f"{e.type}={e.value}" for e in understanding.entities)
        self.lines += [f"  C: {said.text}{heard}", f"     {meant} {found}", f"  A: {answer.text}   ({answer.reason})"]
        return answer

    def state(self) -> DialogueState:
        """Where the call stands."""
        return self.manager.state("call")


class World:
    """Makes shops that are all alike, and judges calls by their rows.

    Args:
        seed: of the shop.
        voice: whether calls come by telephone.
    """

    def __init__(self, seed: int, *, voice: bool) -> None:
        pack = Pack.load("retail", with_examples=False)
        self.graph = ProductGraph(pack.root / "knowledge" / "products.ttl")
        self.flows = Flows.load(pack.root / "flows.toml", pack.intents, pack.entities, OPERATIONS)
        self.replies = Replies.load(pack.root / "replies.toml", self.flows.keys, self.flows.flows, lambda: TODAY)
        self.articles = Articles(pack.root / "knowledge")
        self.channel: Channel = "phone" if voice else "text"
        self.seed, self._spare = seed, list[Store]()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "shop.sqlite"
            store = Store(f"sqlite:///{path}")
            fill(store, self.graph, seed=seed, today=TODAY)
            store.close()
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("PRAGMA journal_mode=DELETE").close()
                self._image = connection.serialize()
        self._before = rows(self.store())

    def shop(self) -> Shop:
        """The rows goals are drawn from."""
        return Shop(Session(self.store().engine), self.graph, TODAY, Random(self.seed))

    def store(self) -> Store:
        """A fresh shop."""
        store = self._spare.pop() if self._spare else Store("sqlite://")
        _connection(store).deserialize(self._image)
        return store

    def desk(self, caller: Caller) -> Desk:
        """A call about to begin in a fresh shop."""
        store = self.store()
        backend = ShopBackend(store, self.graph, lambda: TODAY, self.flows.checks, self.flows.requests)
        manager = Manager(self.flows, self.replies, backend, self.articles, store)
        return Desk(manager, self.channel, caller.goal.customer if caller.known else None)

    def judge(self, caller: Caller, desk: Desk) -> Verdict:
        """How a call went, by what is in its shop."""
        got, wanted = rows(desk.manager.store), self._wanted(caller.goals)
        self._spare.append(desk.manager.store)
        ends, state = caller.goals[0].ends, desk.state()
        wrong = bool(changed(self._before, got) - changed(self._before, wanted))
        told = all(_told(goal, desk.events) for goal in caller.goals if goal.ends == "done")
        return Verdict(
            caller.goals[0].then or caller.goals[0].intent,
            caller.manner,
            ends,
            got == wanted and told,
            got == wanted,
            wrong,
            state.handed_off,
            caller.turns,
            max(1, caller.fewest),
            tuple(desk.lines),
        )

    def _wanted(self, goals: Sequence[Goal]) -> Rows:
        """The rows that the goals' own operations make of a fresh shop."""
        if not any(goal.action in OPERATIONS and OPERATIONS[goal.action].changes for goal in goals):
            return self._before
        store = self.store()
        backend = ShopBackend(store, self.graph, lambda: TODAY, self.flows.checks, self.flows.requests)
        for turn, goal in enumerate(goals):
            if goal.action in OPERATIONS and goal.ends == "done":
                action = Action(goal.action, goal.arguments)
                result = backend.run(action, ("wanted", turn), customer_id=goal.customer or None, preview=False)
                assert result.ok, (goal, result)
        found = rows(store)
        self._spare.append(store)
        return found


def rows(store: Store) -> Rows:
    """Every row of a shop but those about calls, without what depends on the words."""
    connection = _connection(store)
    found: Rows = Counter()
    for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        if table in CALLS:
            continue
        cursor = connection.execute(f"SELECT * FROM {table}")
        names = [column[0] for column in cursor.description]
        kept = [i for i, name in enumerate(names) if name not in UNTOLD.get(table, ())]
        for row in cursor:
            if not (table == "tickets" and "handoff" in row):
                found[table, plain(repr([row[i] for i in kept]))] += 1
    return found


def changed(before: Rows, after: Rows) -> Counter[tuple[str, str, str]]:
    """What came and what went."""
    marked = Counter({("new", *key): count for key, count in (after - before).items()})
    return marked + Counter({("gone", *key): count for key, count in (before - after).items()})


def _told(goal: Goal, events: Sequence[Event]) -> bool:
    """Whether the goal's operation was carried out, about the right thing."""
    arguments: dict[str, Any] = {}
    for event in events:
        if event.type == "act":
            arguments = dict(event.data["arguments"])
        elif event.type == "result" and event.data["name"] == goal.action and event.data["ok"]:
            data = event.data["data"]
            right = all(data.get(k, v) == v for k, v in goal.arguments.items() if k in ("order_id", "product"))
            if not event.data["preview"] and right and arguments.get("about", goal.intent) == goal.intent:
                return True
    return False


def _connection(store: Store) -> Any:
    return store.engine.raw_connection().driver_connection
