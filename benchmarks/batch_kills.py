"""A batch killed again and again: every call exactly once in the end, and all that is left as if nothing had happened.

    python -m benchmarks.batch_kills --data DIR [--kills N] [--recordings N] [--calls N] [--seed S]

Runs `demos.batch` over recordings of AN4 (DIR/speech/an4) and two-party calls (`benchmarks.two_party`, synthetic) once
undisturbed and once killed (SIGKILL, all of its processes) at random moments, starting the same command each time.
Whenever it comes to its end every file that the two leave is compared byte by byte, the copies of the recordings
included, and it begins anew until it was killed often enough.
"""

from __future__ import annotations

import argparse
import filecmp
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

from benchmarks.two_party import make
from demos.batches.folder import JOURNAL, LOCK
from modalities.locate import ROOT


def main() -> None:
    """Prints how often it was killed, where, and what differs."""
    options = _options()
    recordings = sorted((options.data / "speech" / "an4").rglob("*.flac"))[: options.recordings]
    rng = Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        inputs = [*map(str, recordings), *([str(folder / "calls")] if options.calls else [])]
        if options.calls:
            make(folder / "calls", options.calls, options.seed)
        whole, killed = folder / "whole", folder / "killed"
        began = time.perf_counter()
        _run([*inputs, "--out", str(whole)], options.workers, None)
        longest = time.perf_counter() - began
        print(f"{len(recordings)} recordings and {options.calls} calls, {options.workers} workers, seed {options.seed}")
        done = 0
        while done < options.kills:
            moment = rng.uniform(0.1, 1.0) * longest
            if _run([*inputs, "--out", str(killed)], options.workers, moment):
                _compare(whole, killed)
                shutil.rmtree(killed)
                continue
            done += 1
            print(f"kill {done} after {moment:.1f} s, {_files_done(killed)} files done", flush=True)
        _run([*inputs, "--out", str(killed)], options.workers, None)
        _compare(whole, killed)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.batch_kills", description=(__doc__ or "").split("\n", 1)[0]
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data sets")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--recordings", type=int, default=60)
    parser.add_argument("--calls", type=int, default=4)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args()


def _run(arguments: list[str], workers: int, timeout: float | None) -> bool:
    """Runs the batch; False when it was killed after `timeout` seconds."""
    command = [sys.executable, "-m", "demos.batch", *arguments, "--workers", str(workers)]
    process = subprocess.Popen(
        command, cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        _, errors = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return False
    if process.returncode:
        raise SystemExit(f"demos.batch failed with {process.returncode}: {errors.decode(errors='replace')[-400:]}")
    return True


def _files_done(out: Path) -> int:
    journal = out / JOURNAL
    return max(0, journal.read_bytes().count(b"\n") - 1) if journal.is_file() else 0


def _compare(whole: Path, killed: Path) -> None:
    """Whether the two folders hold the same, and every file once."""
    names = sorted(str(p.relative_to(whole)) for p in whole.rglob("*") if p.is_file())
    others = sorted(str(p.relative_to(killed)) for p in killed.rglob("*") if p.is_file())
    compared = [name for name in names if name not in (LOCK, JOURNAL)]
    differ = [n for n in compared if n in others and not filecmp.cmp(whole / n, killed / n, shallow=False)]
    rows = [json.loads(line)["path"] for line in (killed / "results.jsonl").read_text(encoding="utf-8").splitlines()]
    wanted = [json.loads(line)["path"] for line in (whole / "results.jsonl").read_text(encoding="utf-8").splitlines()]
    twice = [path for path, count in Counter(rows).items() if count > 1]
    lost = sorted(set(wanted) - set(rows))
    print(f"whole again: {len(rows)} rows, {len(lost)} lost, {len(twice)} doubled")
    print(f"{len(compared)} files compared byte by byte: {len(differ)} differ {differ[:5]}")
    print(f"only in one of the two: {sorted(set(names) ^ set(others))}")


if __name__ == "__main__":
    main()
