"""How fast `demos.batch` gets through recordings with everything on, and whether every one of them has its row.

    python -m benchmarks.batch --data DIR [--calls N] [--recordings N] [--workers N] [--stack S]
    python -m benchmarks.batch --data DIR --hours H [--talk SHARE]

Runs it as a new process over the AN4 recordings in DIR/speech/an4 (948 files, 44 minutes) and two-party stereo calls
made by the simulator (`benchmarks.two_party`, synthetic; 60 calls, 45 minutes): start-up and loading of models, masking
with Presidio, silenced copies, tables and report included. With --hours, over one recording that long, made of AN4's
one after the other; --talk is the share of it that is speech, the rest is faint noise. Memory is the peak of the
largest single process, and beside it the most that all of them together held when looked at.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.two_party import make
from modalities import audio as sound
from modalities.locate import ROOT

RATE = 16_000


def main() -> None:
    """Prints rows, speed and memory."""
    options = _parser().parse_args()
    recordings = sorted((options.data / "speech" / "an4").rglob("*.flac"))[: options.recordings]
    if not recordings:
        raise SystemExit(f"no recordings under {options.data / 'speech' / 'an4'}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        inputs: list[Path] = list(recordings)
        if options.hours:
            inputs = [long_recording(recordings, folder / "long.flac", options.hours, options.talk)]
        elif options.calls:
            make(folder / "calls", options.calls)
            inputs.append(folder / "calls" / "manifest.csv")
        _measure(inputs, folder / "out", options)


def long_recording(recordings: Sequence[Path], target: Path, hours: float, talk: float) -> Path:
    """One recording of so many hours, of which a share is speech."""
    import soundfile

    rng, left = np.random.default_rng(7), round(hours * 3600 * RATE)
    with soundfile.SoundFile(target, "w", samplerate=RATE, channels=1, format="FLAC") as file:
        for path in cycle(recordings):
            speech = sound.load(path).samples[:left]
            pause = min(left - len(speech), round(len(speech) * (1 - talk) / talk))
            file.write(speech)
            file.write(rng.normal(0, 3e-4, pause).astype(np.float32))
            left -= len(speech) + pause
            if left <= 0:
                return target
    return target


def _measure(inputs: Sequence[Path], out: Path, options: argparse.Namespace) -> None:
    """Runs the batch and says what it left and took."""
    command = [sys.executable, "-m", "demos.batch", *map(str, inputs), "--out", str(out)]
    command += ["--workers", str(options.workers), "--stack", options.stack]
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT)
    together = _Together(process.pid)
    code = process.wait()
    wall = time.perf_counter() - started
    if code:
        raise SystemExit(f"demos.batch failed with {code}")
    rows: list[dict[str, Any]] = [
        json.loads(line) for line in (out / "results.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    heard = sum(row["seconds"] or 0.0 for row in rows)
    turns = sum(len(row["turns"]) for row in rows)
    megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"stack {options.stack}, {options.workers} workers on {len(os.sched_getaffinity(0))} CPU cores, "
          f"load before {os.getloadavg()[2]:.1f}")  # fmt: skip
    print(f"{len(rows)} rows, {turns} turns, {sum(bool(row['error']) for row in rows)} with errors")
    print(f"{heard / 60:.1f} min of sound in {wall:.1f} s: {heard / wall:.1f} times real time")
    print(f"peak of one process {megabytes:.0f} MB, of all together {together.most:.0f} MB")


class _Together:
    """Looks every second at how much memory a process and its children hold."""

    def __init__(self, pid: int) -> None:
        self.most = 0.0
        self._pid = pid
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self) -> None:
        import psutil

        while True:
            try:
                parent = psutil.Process(self._pid)
                held = sum(p.memory_info().rss for p in (parent, *parent.children(recursive=True)))
            except psutil.Error:
                return
            self.most = max(self.most, held / 2**20)
            time.sleep(1.0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch", description=(__doc__ or "").split("\n", 1)[0])
    add = parser.add_argument
    add("--data", type=Path, required=True, help="folder of the public data sets")
    add("--recordings", type=int, help="of AN4 at most (all)")
    add("--calls", type=int, default=60, help="two-party calls to make (60)")
    add("--hours", type=float, default=0.0, help="one recording of so many hours instead")
    add("--talk", type=float, default=1.0, help="share of that recording which is speech (1)")
    add("--workers", type=int, default=len(os.sched_getaffinity(0)))
    add("--stack", default="embedded")
    return parser


if __name__ == "__main__":
    main()
