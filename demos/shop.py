"""A fresh shop for a scripted call: a SQLite file of its own, filled by the pack's generator."""

from __future__ import annotations

import inspect
from pathlib import Path

from agent.errors import InputError
from demos.scenario import Scenario


def fresh(script: Scenario) -> str:
    """Makes the scenario's shop anew in its folder and returns the database's URL.

    Raises:
        InputError: the scenario's [shop] table has keys that the generator does not know.
    """
    from agent.domain import Pack
    from agent.knowledge import ProductGraph
    from agent.shop import seed
    from agent.store import Store

    options = dict(script.shop)
    known = tuple(inspect.signature(seed).parameters)[2:]
    if unknown := sorted(options.keys() - set(known)):
        raise InputError(f"scenario {str(script.path)!r}: [shop] has unknown keys {unknown!r}; known are {known!r}")
    path = script.out / "shop.sqlite"
    path.parent.mkdir(parents=True, exist_ok=True)
    for leftover in (path, *(Path(f"{path}-{suffix}") for suffix in ("wal", "shm"))):
        leftover.unlink(missing_ok=True)
    url = f"sqlite:///{path}"
    store = Store(url)
    try:
        seed(store, ProductGraph(Pack.load(script.domain).root / "knowledge" / "products.ttl"), **options)
    finally:
        store.close()
    return url
