"""How much speech a Whisper gets through: this project's, openai-whisper's, transformers' and faster-whisper's.

    python -m benchmarks.asr_throughput [--size tiny] [--device cpu] [--windows 64] [--tokens 96] [--threads 2]
    python -m benchmarks.asr_throughput --size large-v3-turbo --device cuda     the same on a GPU

All get the same weights, sound and number of tokens, on one device, and take turns at being measured. The weights are
random and the sound is made here, both from the seed: speed does not depend on what they say. So that every system
emits the same number of tokens, the end mark and timestamps are suppressed in all of them alike. First it is checked
that this project's decoding gives the tokens of openai-whisper's. Beside wall time stands the processor's time of this
process, which another load of the machine hardly moves.

faster-whisper is not part of the product: pip install -r requirements-dev.txt
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import os
import statistics
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import asr_models, asr_systems
from benchmarks.asr_systems import Sounds, System
from modalities.device import check_device
from modalities.errors import CallsightError


@dataclass
class Pace:
    """Seconds of runs over all windows, and memory taken (MB).

    Attributes:
        share: part of the windows that a run took; its times are of all of them nevertheless.
    """

    share: float
    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    memory: float = 0.0
    same: str = ""

    def add(self, system: System, sounds: Sounds) -> list[tuple[int, ...]]:
        """Time one run."""
        wall, processor = time.perf_counter(), time.process_time()
        tokens = system.run(sounds)
        self.processor.append((time.process_time() - processor) / self.share)
        self.wall.append((time.perf_counter() - wall) / self.share)
        return tokens


def main() -> int:
    """Prints every figure; returns the exit code."""
    options = _parser().parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    warnings.simplefilter("ignore")
    try:
        import torch
        from transformers.utils import logging

        logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        check_device(options.device)
        torch.set_num_threads(options.threads)
        with tempfile.TemporaryDirectory() as folder:
            return compare(options, Path(folder))
    except CallsightError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def compare(options: argparse.Namespace, folder: Path) -> int:
    """Check the tokens, then measure; 1 when the tokens differ."""
    made = models(options, folder)
    sounds = asr_systems.sounds(options.windows, options.tokens, options.seed)
    about(options)
    same = check(options, made, sounds)
    systems = {name: System.make(name, made, options) for name in chosen(options)}
    paces = {name: Pace(share(name, options)) for name in systems}
    for name, system in systems.items():  # the first run is slower, and tells the memory
        before = used(options.device)
        tokens = system.start().run(sounds.first(system.least))
        del tokens
        paces[name].memory = (used(options.device) - before) / 2**20
    for _ in range(options.rounds):
        for name, system in systems.items():
            part = sounds.first(round(options.windows * paces[name].share))
            tokens = paces[name].add(system, part)
            paces[name].same = agreement(tokens, part, options.tokens)
            if name == "openai-whisper":
                sounds.reference[:] = tokens
    report(paces, options)
    return 0 if same else 1


def models(options: argparse.Namespace, folder: Path) -> asr_systems.Models:
    """Random weights in every system's form."""
    model = asr_models.random_whisper(options.size, options.seed)
    path = asr_models.save_openai(model, folder / "openai.pt")
    source = asr_models.save_transformers(model, folder / "transformers")
    converted = {}
    if importlib.util.find_spec("ctranslate2"):
        for precision in asr_systems.faster_whisper_precisions(options.device):
            converted[precision] = asr_models.save_ctranslate2(source, folder / f"ct2-{precision}", precision)
    del model
    gc.collect()
    return asr_systems.Models(path, source, converted)


def about(options: argparse.Namespace) -> None:
    """What is measured, and on what."""
    import torch

    from benchmarks.inference import processor

    device = torch.cuda.get_device_name() if options.device.startswith("cuda") else processor()
    print(f"{device}; {options.threads} thread(s), {len(os.sched_getaffinity(0))} cores")
    print(f"dimensions of {options.size}, random weights and synthetic sound, seed {options.seed}")
    print(f"{options.windows} windows of 30 s, {options.tokens} tokens each, median of {options.rounds} rounds in turn")


def check(options: argparse.Namespace, made: asr_systems.Models, sounds: Sounds) -> bool:
    """Whether ours gives openai-whisper's tokens: greedy, float32, same weights and windows, both kinds of rules."""
    equal = True
    for timestamps in (False, True):
        pairs = asr_systems.both(made, sounds.first(options.check), options, timestamps)
        same = sum(ours == theirs for ours, theirs in pairs)
        total, distinct = sum(len(theirs) for _, theirs in pairs), len({theirs for _, theirs in pairs})
        equal &= same == len(pairs)
        print(
            f"check {'with' if timestamps else 'without'} timestamps, float32: same tokens as whisper.decode in {same} "
            f"of {len(pairs)} windows ({total} tokens, {distinct} windows differ from each other)"
        )
    return equal


def chosen(options: argparse.Namespace) -> list[str]:
    """Systems by name, those that are not installed left out with a word."""
    names = ["openai-whisper", *(f"ours {precision}" for precision in asr_systems.our_precisions(options.device))]
    names.append("transformers")
    if importlib.util.find_spec("faster_whisper"):
        names += [f"faster-whisper {p}" for p in asr_systems.faster_whisper_precisions(options.device)]
    else:
        print("faster-whisper is not installed: pip install -r requirements-dev.txt")
    return [name for name in names if any(name.startswith(part) for part in options.systems.split(","))]


def share(name: str, options: argparse.Namespace) -> float:
    """The part of the windows a system is measured on: those that take one after the other tell their pace by some."""
    few: int = options.few if name in ("openai-whisper", "transformers") else options.windows
    return float(min(1.0, few / options.windows))


def agreement(tokens: list[tuple[int, ...]], part: Sounds, wanted: int) -> str:
    """How many tokens came, and how many windows have openai-whisper's."""
    counted = {len(row) for row in tokens}
    lengths = f"{wanted} tokens each" if counted == {wanted} else f"NOT {wanted} tokens each: {sorted(counted)}"
    pairs = list(zip(tokens, part.reference, strict=False))
    return f"{lengths}, {sum(a == b for a, b in pairs)} of {len(pairs)} as openai-whisper's" if pairs else lengths


def report(paces: dict[str, Pace], options: argparse.Namespace) -> None:
    """One line a system, then how many times faster ours is."""
    seconds = options.windows * 30
    for name, pace in paces.items():
        wall, processor = statistics.median(pace.wall), statistics.median(pace.processor)
        part = "" if pace.share == 1 else f" (measured on {round(pace.share * options.windows)} windows)"
        print(
            f"{name:26} {wall:8.2f} s, processor {processor:8.2f} s; {seconds / wall:8.1f} x real time, "
            f"{seconds / wall / 3600:.4f} hours a second; {pace.memory:6.0f} MB more{part}; {pace.same}"
        )
    for name in (name for name in paces if name.startswith("ours")):
        for other in (other for other in paces if not other.startswith("ours")):
            print(f"{name} is faster than {other} by {_ratio(paces[other], paces[name])}")


def _ratio(one: Pace, other: Pace) -> str:
    walls = [a / b for a, b in zip(one.wall, other.wall, strict=True)]
    times = [a / b for a, b in zip(one.processor, other.processor, strict=True)]
    return f"{statistics.median(walls):.2f} (processor {statistics.median(times):.2f})"


def used(device: str) -> int:
    """Bytes of memory in use: of the device, else of this process."""
    if device.startswith("cuda"):
        import torch

        free, total = torch.cuda.mem_get_info(device)
        return int(total - free)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.asr_throughput", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--size", choices=tuple(asr_models.SIZES), default="tiny")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--windows", type=int, default=64, help="windows of 30 s (64)")
    parser.add_argument(
        "--tokens", type=int, default=96, help="tokens a window, about 30 s of speech (96; at most 220)"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1), help="CPU threads of each (2)")
    parser.add_argument(
        "--batch", type=int, default=0, help="of transformers and faster-whisper (8 on CPU, 32 on CUDA)"
    )
    parser.add_argument("--few", type=int, default=8, help="windows of whisper.transcribe and transformers (8)")
    parser.add_argument("--check", type=int, default=16, help="windows whose tokens are compared first (16)")
    parser.add_argument(
        "--systems", default="ours,openai,transformers,faster", help="beginnings of names, comma-separated"
    )
    parser.add_argument("--seed", type=int, default=7)
    return parser


if __name__ == "__main__":
    sys.exit(main())
