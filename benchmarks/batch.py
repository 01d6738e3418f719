"""How fast `demos.batch` gets through recordings, and whether every one of them has a row.

    python -m benchmarks.batch --data DIR [--workers N] [--stack S]

Runs it as a new process over the AN4 recordings in DIR/speech/an4 (948 files, 44 minutes), start-up and loading of
models included. Memory is the peak of the largest single process.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from modalities.locate import ROOT


def main() -> None:
    """Prints rows, speed and memory."""
    options = _parser().parse_args()
    folder = options.data / "speech" / "an4"
    recordings = sorted(folder.rglob("*.flac"))
    if not recordings:
        raise SystemExit(f"no recordings under {folder}")
    with tempfile.TemporaryDirectory() as out:
        arguments = [str(folder), "--out", out, "--workers", str(options.workers), "--stack", options.stack]
        started = time.perf_counter()
        done = subprocess.run([sys.executable, "-m", "demos.batch", *arguments], cwd=ROOT, check=False)
        wall = time.perf_counter() - started
        if done.returncode:
            raise SystemExit(f"demos.batch failed with {done.returncode}")
        rows = [json.loads(line) for line in Path(out, "results.jsonl").read_text(encoding="utf-8").splitlines()]
    heard = sum(row["seconds"] or 0.0 for row in rows)
    megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"stack {options.stack}, {options.workers} workers on {len(os.sched_getaffinity(0))} CPU cores")
    print(f"{len(recordings)} recordings, {len(rows)} rows, {sum(bool(row['error']) for row in rows)} with errors")
    print(f"{heard / 60:.1f} min of sound in {wall:.1f} s: {heard / wall:.1f} times real time, peak {megabytes:.0f} MB")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data sets")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--stack", default="embedded")
    return parser


if __name__ == "__main__":
    main()
