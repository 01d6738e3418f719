"""How long one turn takes: from a cold start to the answer, and warm.

    python -m benchmarks.turn [--stack S] [--domain D] [--turns N] [--photos N] [--data DIR]

Cold: `demos.turn` as a new process, until it has ended; once with words only, once with words, a recording and a photo,
so that every model is loaded. Resident memory is the process's peak. Warm: one agent, after two turns to warm up;
the agent's own time, so without the voice. Texts are drawn from the pack's examples, each a call of its own; photos
are the demo's receipt, or with `--data` the receipts in DIR/images/receipts.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from agent import Turn, build
from agent.domain import Pack
from demos import samples
from modalities.locate import ROOT
from modalities.types import Image

SAMPLES = Path(samples.__file__).parent
WORDS = "Where is my order K877019?"
COLD_RUNS = 3
SEED = 7


def main() -> None:
    """Prints every figure."""
    options = _parser().parse_args()
    print(f"stack {options.stack}, pack {options.domain}, {len(os.sched_getaffinity(0))} CPU cores")
    chosen = ["--stack", options.stack, "--domain", options.domain]
    with tempfile.TemporaryDirectory() as folder:
        store = ["--store", f"sqlite:///{folder}/cold.sqlite"]
        recording, photo = str(SAMPLES / "zip.flac"), str(SAMPLES / "receipt.jpg")
        everything = ["--audio", recording, "--image", photo]
        _cold("cold start, words only", [*chosen, *store, "--text", WORDS])
        _cold("cold start, words, recording and photo", [*chosen, *store, "--text", WORDS, *everything])
        _warm(options, f"sqlite:///{folder}/warm.sqlite")


def _cold(name: str, arguments: Sequence[str]) -> None:
    """Wall time and peak memory of `demos.turn` in new processes."""
    seconds, megabytes = [], []
    for _ in range(COLD_RUNS):
        started = time.perf_counter()
        command = [sys.executable, "-m", "demos.turn", "--json", *arguments]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        assert process.stderr is not None
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds.append(time.perf_counter() - started)
        megabytes.append(usage.ru_maxrss / 1024)
        if process.returncode:
            raise SystemExit(f"demos.turn failed with {process.returncode}: {errors.decode()[-500:]}")
    spread = f"{min(seconds):.2f} to {max(seconds):.2f}"
    print(f"{name}: median {statistics.median(seconds):.2f} s of {COLD_RUNS} ({spread}), peak {max(megabytes):.0f} MB")


def _warm(options: argparse.Namespace, store_url: str) -> None:
    agent = build(options.stack, options.domain, store_url=store_url)
    rng = random.Random(SEED)
    texts = [e.text for e in rng.sample(Pack.load(options.domain).examples(), options.turns + 2)]
    photos = _photos(options, rng)
    for name, turns in (
        ("text turn", [Turn(text=text) for text in texts]),
        ("photo turn", [Turn(image=Image.open(path)) for path in photos]),
    ):
        times = [_milliseconds(lambda turn=turn: agent.respond(turn, speak=False)) for turn in turns][2:]
        middle, late = statistics.median(times), sorted(times)[int(0.95 * len(times))]
        print(f"{name}, warm: median {middle:.0f} ms, 95th percentile {late:.0f} ms of {len(times)}")


def _photos(options: argparse.Namespace, rng: random.Random) -> list[Path]:
    if options.data is None:
        return [SAMPLES / "receipt.jpg"] * (options.photos + 2)
    found = sorted((options.data / "images" / "receipts").rglob("*.jpg"))
    if not found:
        raise SystemExit(f"no receipts under {options.data}/images/receipts")
    return rng.sample(found, min(len(found), options.photos + 2))


def _milliseconds(work: object) -> float:
    assert callable(work)
    started = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - started)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.turn", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--stack", default="embedded")
    parser.add_argument("--domain", default="retail")
    parser.add_argument("--turns", type=int, default=200, help="text turns measured (200)")
    parser.add_argument("--photos", type=int, default=20, help="photo turns measured (20)")
    parser.add_argument("--data", type=Path, help="folder of the public data sets, for real receipts")
    return parser


if __name__ == "__main__":
    main()
