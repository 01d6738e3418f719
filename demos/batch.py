"""A month of recordings (and photos) to tables and a report: what was said, wanted and meant in each call.

    python -m demos.batch RECORDINGS/ --out out/batch

INPUT is a folder, a file, a pattern in quotes, or a CSV manifest with the columns path, at, customer. Leaves
results.jsonl, .csv and .parquet (a row a call), turns.csv and .parquet (a row a turn), report.html, and in audio/ a
copy of each recording. What is personal is masked in all text and silent in the copies. A file that cannot be used has
its error in its row and the rest goes on; a run that was stopped goes on where it was when it is started again.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from agent.domain import Pack
from agent.errors import InputError
from demos import cli
from demos.batches import folder, inputs, measures, pool, report, rows, score, tables
from demos.batches.folder import Journal
from demos.batches.inputs import Item
from demos.batches.rows import Row
from demos.batches.work import Job

COPIES = "audio"


def main(argv: Sequence[str] | None = None, build: cli.Builder | None = None) -> int:
    """Works through the inputs and returns the exit code: failure only when no file could be used."""
    options = _parser().parse_args(argv)
    if options.workers < 1:
        raise InputError(f"--workers must be 1 or more, got {options.workers}")
    items = inputs.find(options.inputs, options.customer)
    copies = None if options.no_copies else options.out / COPIES
    job = Job(options.stack, options.domain, options.device, options.explain, copies, not options.no_presidio, build)
    started = time.perf_counter()
    with folder.opened(options.out):
        rules = score.load(Pack.load(options.domain, with_examples=False).root)
        run = {"stack": job.stack, "domain": job.domain, "explain": job.explain, "copies": copies is not None}
        journal = Journal(options.out, run | {"presidio": job.published})
        same = inputs.duplicates(items)
        todo = [item for item in items if item.name not in same and journal.row(item) is None]
        if len(todo) < len(items) - len(same):
            print(f"going on: {len(items) - len(same) - len(todo)} files were done before", file=sys.stderr)
        _fill(journal, todo, job, options.workers)
        found = [_finished(_row(journal, item, same), rules) for item in items]
        written = [*tables.write(options.out, found), report.write(options.out, found, options.domain)]
    done = {item.name for item in todo}
    print(_summary(found, [row for row in found if row["path"] in done], time.perf_counter() - started))
    print("\n".join(f"left        {path}" for path in written))
    return cli.FAILED if all(row["error"] for row in found) else cli.OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m demos.batch", description=(__doc__ or "").split("\n", 1)[0])
    add = parser.add_argument
    add("inputs", nargs="+", metavar="INPUT", help="folders, files, patterns, or a CSV manifest")
    add("--out", required=True, type=Path, metavar="DIR", help="folder for the results")
    add("--customer", choices=sorted(inputs.SIDES), default="left", help="the customer's side in stereo (left)")
    cores = len(os.sched_getaffinity(0))
    add("--workers", type=int, default=cores, metavar="N", help=f"processes ({cores}, one a core)")
    add("--no-copies", action="store_true", help="leave no copies of the recordings")
    add("--no-presidio", action="store_true", help="mask by our own recognizers alone")
    add("--explain", action="store_true", help=cli.EXPLAIN)
    add("--domain", default="retail", metavar="D", help="domain pack: a name or a folder (retail)")
    add("--stack", default="embedded", metavar="S", help="stack: a name or a TOML file (embedded)")
    add("--device", metavar="DEV", help="where the models run: cpu, cuda, cuda:1 (the stack's own)")
    return parser


def _fill(journal: Journal, todo: Sequence[Item], job: Job, workers: int) -> None:
    """Gets a row for every file, with progress on stderr: time left goes by bytes, as recordings differ in length."""
    from tqdm import tqdm

    total = sum(item.stamp[0] for item in todo)
    with tqdm(total=total, unit="B", unit_scale=True, file=sys.stderr) as bar:
        for number, (item, row) in enumerate(pool.everything(todo, job, workers), start=1):
            journal.add(item, row)
            bar.set_postfix_str(f"{number}/{len(todo)} files", refresh=False)
            bar.update(item.stamp[0])


def _row(journal: Journal, item: Item, same: dict[str, str]) -> Row:
    if item.name in same:
        return rows.call_row(item, duplicate_of=same[item.name])
    row = journal.row(item)
    assert row is not None, "every file has a row by now"
    return row


def _finished(row: Row, rules: Sequence[score.Rule]) -> Row:
    """A row with what follows from its turns."""
    facts = measures.measures(row)
    card = score.score(rules, row, facts)
    return {**row, "facts": {**facts, "score": card and card.percent, "failed": list(card.failed) if card else []}}


def _summary(found: Sequence[Row], now: Sequence[Row], wall: float) -> str:
    """What was done, and how fast this run was against the length of what it heard."""
    failed = sum(1 for row in found if row["error"])
    heard = sum(row["seconds"] or 0.0 for row in now)
    speed = f"{heard / wall:.1f} times real time" if heard else "no sound"
    masked = sum(sum(row["masked"].values()) for row in found)
    return (
        f"{len(found)} files, {failed} with errors, {masked} personal items masked; this run: {len(now)} files, "
        f"{heard / 60:.1f} min of sound in {wall:.1f} s, {speed}"
    )


if __name__ == "__main__":
    sys.exit(cli.run(main))
