"""Simulated customers call the retail shop: do they get what they came for, and nothing else?

    python -m benchmarks.customers [--calls 1000] [--words given|typed|heard] [--errors 0.1] [--weights W] [--misses]

Goals are drawn from the shop's rows, eight manners of speaking from `MANNERS`, words from customers.toml, which
training never saw. `typed` words go through the pack's models as they stand; `heard` ones are first misheard as a
recogniser may (`training.misheard`, fitted to what PocketSphinx heard of sentences said by voices), at a share of words
near `--errors`, and the share that came out is printed; `given` words come with their meaning, so that only the
dialogue is tried. Everything is synthetic: customers, words, errors, and what photos show.

A call is right when the shop's rows at its end are exactly what the goals' own operations make of a fresh shop, and
what was asked was told. A wrong change is any row that differs otherwise.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

from agent.types import Understanding
from benchmarks.callers import MANNERS, Caller, wordings
from benchmarks.goals import TASKS, Goal, Shop, answered, product
from benchmarks.judge import Verdict, World
from benchmarks.limits import PERSONS, REFUSED
from benchmarks.listeners import given, models
from benchmarks.said import Said

TOGETHER = 24
"""Calls that go on at the same time, so that the models read their turns in one batch."""

SPECIAL = 0.12
"""Share of calls in which a person is wanted or needed, and as many again in which nothing may be done."""

Listen = Callable[[Sequence[tuple[Said, str]]], list[Understanding]]


def draw(number: int, shop: Shop, seed: int, words: Any, *, voice: bool) -> Caller:
    """The customer of one call: the flows take turns, and so do the manners."""
    rng = shop.rng = Random(f"{seed}:{number}")
    names = list(TASKS)
    manner = MANNERS[(number + number // len(names)) % len(MANNERS)]
    kind = rng.random()
    if kind < SPECIAL:
        goals, manner = [PERSONS[number % len(PERSONS)](shop)], rng.choice(("terse", "chatty", "straying"))
    elif kind < 2 * SPECIAL:
        goals, manner = [REFUSED[number % len(REFUSED)](shop)], rng.choice(("terse", "chatty", "straying"))
    else:
        goals = [TASKS[names[number % len(names)]](shop)]
        if manner == "double":
            goals.append(_second(shop, goals[0]))
    known = goals[0].customer > 0 and rng.random() < 1 / 3
    return Caller(goals, manner, rng, words, known=known, keypad=voice)


def _second(shop: Shop, first: Goal) -> Goal:
    """A question to go with a wish."""
    if first.intent.startswith("product") or first.intent in ("place_order", "recommend_product", "leave_review"):
        return answered(shop, "store_hours")
    return shop.rng.choice((answered(shop, "payment_methods"), product(shop, "product_price")))


def call(world: World, callers: Sequence[Caller], listen: Listen) -> list[Verdict]:
    """Some calls at once, turn by turn, each in a shop of its own."""
    desks = [world.desk(caller) for caller in callers]
    said = [caller.opening() for caller in callers]
    going = list(range(len(callers)))
    while going:
        turns = [(said[i], desks[i].channel) for i in going]
        for i, understanding in zip(going, listen(turns), strict=True):
            answer = desks[i].turn(said[i], understanding)
            callers[i].hear(answer.events)
        ahead = [(i, callers[i].next(desks[i].state())) for i in going]
        going = [i for i, words in ahead if words is not None]
        for i, words in ahead:
            if words is not None:
                said[i] = words
    return [world.judge(caller, desk) for caller, desk in zip(callers, desks, strict=True)]


def run(options: argparse.Namespace, listen: Listen) -> list[Verdict]:
    """All calls, a few at a time."""
    voice = options.words == "heard"
    world, words = World(options.seed, voice=voice), wordings()
    shop = world.shop()
    verdicts: list[Verdict] = []
    for start in range(options.first, options.first + options.calls, TOGETHER):
        numbers = range(start, min(start + TOGETHER, options.first + options.calls))
        callers = [draw(number, shop, options.seed, words, voice=voice) for number in numbers]
        verdicts += call(world, callers, listen)
        print(f"{len(verdicts)} calls", file=sys.stderr, end="\r")
    return verdicts


def summary(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """The figures of the issue."""
    tasks = [v for v in verdicts if v.ends == "done"]
    persons = [v for v in verdicts if v.ends == "handoff"]
    finished = [v for v in tasks if v.right]
    by: dict[str, dict[str, Counter[bool]]] = {"manner": defaultdict(Counter), "flow": defaultdict(Counter)}
    for verdict in tasks:
        by["manner"][verdict.manner][verdict.right] += 1
        by["flow"][verdict.intent][verdict.right] += 1
    rows = [v for v in verdicts if v.ends != "handoff" or v.handed_off or v.wrong]
    return {
        "calls": len(verdicts),
        "tasks": len(tasks),
        "right": _share(len(finished), len(tasks)),
        "right_state_of_all": _share(sum(v.same_rows for v in verdicts), len(verdicts)),
        "wrong_changes": sum(v.wrong for v in rows),
        "wrong_changes_share": _share(sum(v.wrong for v in verdicts), len(verdicts)),
        "turns_over_fewest": round(sum(v.turns for v in finished) / max(1, sum(v.fewest for v in finished)), 3),
        "handed_off_when_it_should": _share(sum(v.handed_off for v in persons), len(persons)),
        "handed_off_when_not": _share(sum(v.handed_off for v in tasks), len(tasks)),
        "nothing_done_that_is_forbidden": _share(
            sum(not v.wrong for v in verdicts if v.ends == "refused"), sum(v.ends == "refused" for v in verdicts)
        ),
        **{
            f"by_{name}": {key: f"{n[True]}/{n.total()}" for key, n in sorted(groups.items())}
            for name, groups in by.items()
        },
    }


def _share(part: int, whole: int) -> str:
    return f"{part / max(1, whole):.1%} ({part}/{whole})"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.customers", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--calls", type=int, default=1000, help="how many (1000)")
    add("--first", type=int, default=0, help="number of the first call (0)")
    add("--seed", type=int, default=7)
    add("--words", choices=("given", "typed", "heard"), default="typed", help="how words reach the agent")
    add("--errors", type=float, default=0.1, help="heard: share of words misheard (0.1)")
    add("--weights", type=Path, help="checkpoint folder (the one that ships)")
    add("--misses", action="store_true", help="print the calls that went wrong")
    options = parser.parse_args(arguments)
    listener = given() if options.words == "given" else models(options)
    started = time.perf_counter()
    verdicts = run(options, listener)
    head = {"what": "simulated customers, all synthetic", "words": options.words, "seed": options.seed}
    heard = {"word_error_rate": round(listener.error_rate, 4)} if options.words == "heard" else {}
    print(json.dumps({**head, **heard, **summary(verdicts), "seconds": round(time.perf_counter() - started)}, indent=2))
    if options.misses:
        for verdict in verdicts:
            if not verdict.as_it_should:
                print(f"\n{verdict.told()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
