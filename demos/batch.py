"""Folders of recordings (and photos) to tables: what was said, wanted and meant in each file.

    python -m demos.batch RECORDINGS/ --out out/batch

Leaves results.jsonl and results.csv in the folder, one row a file. A file that cannot be used has its error in its
row and the rest goes on; a run that was stopped goes on where it was when it is started again.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

from agent.errors import CallsightError, InputError
from demos import batch_rows, cli, files
from demos.batch_rows import Results, Row
from demos.batch_work import Job, work

CHUNK = 16  # files a worker takes at a time
_CRASHED = "the worker died of this file (out of memory, or a crash in a library); try it on its own"

Chunk = tuple[Path, ...]


def main(argv: Sequence[str] | None = None, build: cli.Builder | None = None) -> int:
    """Works through the inputs and returns the exit code: failure only when no file could be used."""
    options = _parser().parse_args(argv)
    if options.workers < 1:
        raise InputError(f"--workers must be 1 or more, got {options.workers}")
    paths = files.find(options.inputs)
    job = Job(options.stack, options.domain, options.device, options.explain, build)
    started = time.perf_counter()
    with batch_rows.opened(options.out, {"stack": job.stack, "domain": job.domain, "explain": job.explain}) as results:
        todo = [path for path in paths if files.name_of(path) not in results.rows]
        if len(todo) < len(paths):
            print(f"going on: {len(paths) - len(todo)} of {len(paths)} files were done before", file=sys.stderr)
        _fill(results, todo, job, options.workers)
        rows = [results.rows[files.name_of(path)] for path in paths]
        written = results.finish([row["path"] for row in rows])
    done = {files.name_of(path) for path in todo}
    print(_summary(rows, [row for row in rows if row["path"] in done], time.perf_counter() - started))
    print("\n".join(f"left        {path}" for path in written))
    return cli.FAILED if all(row["error"] for row in rows) else cli.OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m demos.batch", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help="files, or folders searched whole")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder for the results")
    cores = len(os.sched_getaffinity(0))
    parser.add_argument("--workers", type=int, default=cores, metavar="N", help=f"processes ({cores}, one a core)")
    parser.add_argument("--explain", action="store_true", help=cli.EXPLAIN)
    parser.add_argument("--domain", default="retail", metavar="D", help="domain pack: a name or a folder (retail)")
    parser.add_argument("--stack", default="embedded", metavar="S", help="stack: a name or a TOML file (embedded)")
    parser.add_argument("--device", metavar="DEV", help="where the models run: cpu, cuda, cuda:1 (the stack's own)")
    return parser


def _fill(results: Results, todo: Sequence[Path], job: Job, workers: int) -> None:
    """Gets a row for every file, with a progress bar on stderr."""
    from tqdm import tqdm

    chunks = [tuple(todo[i : i + CHUNK]) for i in range(0, len(todo), CHUNK)]
    with tqdm(total=len(todo), unit="file", file=sys.stderr) as bar:
        for rows in _everything(chunks, job, workers):
            results.add(rows)
            bar.update(len(rows))


def _everything(chunks: Sequence[Chunk], job: Job, workers: int) -> Iterator[list[Row]]:
    """The rows of every chunk; files whose worker died are tried again, one at a time."""
    if min(workers, len(chunks)) <= 1:
        yield from (work(job, chunk) for chunk in chunks)
        return
    pool = _Pool(job, workers, patience=3)
    yield from pool.rows(chunks)
    alone = _Pool(job, 1, patience=len(pool.suspects) + 1)
    yield from alone.rows([(path,) for path in pool.suspects])
    yield from ([batch_rows.row(files.name_of(path), None, None, _CRASHED)] for path in alone.suspects)


class _Pool:
    """Worker processes; `suspects` are the files that were being worked on when one of them died.

    Args:
        job: which agent each of them builds.
        workers: how many.
        patience: how many pools in a row may break before they give a single row.
    """

    def __init__(self, job: Job, workers: int, patience: int) -> None:
        self._job = job
        self._workers = workers
        self._patience = patience
        self._barren = 0
        self.suspects: list[Path] = []

    def rows(self, chunks: Sequence[Chunk]) -> Iterator[list[Row]]:
        """The rows of the chunks, in the order they are ready. A pool that broke is followed by another one.

        Raises:
            CallsightError: the agent cannot be built, or pool after pool breaks before any file is done.
        """
        left = list(chunks)
        while left:
            if self._barren == self._patience:
                raise CallsightError("the workers die before they finish any file; try --workers 1 to see why")
            self._barren += 1
            context = get_context("spawn")
            with ProcessPoolExecutor(self._workers, context, initializer=_leave_interrupts_to_parent) as executor:
                try:
                    yield from self._until_broken(executor, left)
                finally:
                    executor.shutdown(cancel_futures=True)

    def _until_broken(self, executor: ProcessPoolExecutor, left: list[Chunk]) -> Iterator[list[Row]]:
        """Takes chunks off `left`, never more in hand than there are workers, until it is empty or a worker dies."""
        running: dict[Future[list[Row]], Chunk] = {}
        broken = False
        while running or (left and not broken):
            while left and not broken and len(running) < self._workers:
                chunk = left.pop(0)
                try:
                    running[executor.submit(work, self._job, chunk)] = chunk
                except BrokenProcessPool:
                    broken = True
                    left.insert(0, chunk)
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                chunk = running.pop(future)
                try:
                    rows = future.result()
                except BrokenProcessPool:
                    broken = True
                    self.suspects += chunk
                else:
                    self._barren = 0
                    yield rows


def _leave_interrupts_to_parent() -> None:
    """Ctrl-C reaches every process of the terminal; only the parent is to act on it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _summary(rows: Sequence[Row], now: Sequence[Row], wall: float) -> str:
    """What was done, and how fast this run was against the length of what it heard."""
    failed = sum(1 for row in rows if row["error"])
    heard = sum(row["seconds"] or 0.0 for row in now)
    speed = f"{heard / wall:.1f} times real time" if heard else "no sound"
    return (
        f"{len(rows)} files, {failed} with errors; this run: {len(now)} files, {heard / 60:.1f} min of sound "
        f"in {wall:.1f} s, {speed}"
    )


if __name__ == "__main__":
    sys.exit(cli.run(main))
