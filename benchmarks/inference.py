"""How fast texts are understood, in full precision and in int8, and what int8 costs in accuracy.

    python -m benchmarks.inference [--stack S] [--domain D] [--data-file FILE.jsonl] [--turns N] [--batch N] [--rows N]
    python -m benchmarks.inference --data DIR --set clinc150 --weights W      (or banking77, bitext, snips)

Two agents of one stack and checkpoint differ only in the text encoder's precision, and take turns at being measured,
round by round, so that another load of the machine falls on both. One turn: `Agent.understand` of one text. Many:
`Agent.understand` of `--batch` texts at once, beside the bare text encoder on the same texts. Beside wall time stands
the processor's time of this process, which another load of the machine hardly moves.

Texts are drawn from the pack's examples, or from a JSONL file shaped like them; speed needs no labels. Accuracy is
measured on the file's rows, else on all of the pack's held-out rows: training/heldout/NAME.jsonl. With `--set` the pack
is that public set (`benchmarks.sets`), and speed and accuracy are those of its validation rows under a checkpoint that
`python -m benchmarks.NAME --keep W` made. Half a point is told from chance by a few thousand rows only, so it also says
how many rows each precision alone gets right.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agent import Turn, Understanding, build
from agent.agent import Agent
from agent.domain import Pack
from agent.errors import CallsightError, InputError
from benchmarks.packs import write_pack
from benchmarks.sets import Parts, banking77, bitext, clinc150, snips
from modalities.locate import ROOT
from training.figures import figures
from training.measure import flat
from training.rows import Row, read_rows

ROUNDS = 5
WARM_UP = 5
COMPARED = ("intent_accuracy", "intent_macro_f1", "out_of_scope_recall_at_3_percent", "entity_f1", "calibration_error")

SETS: dict[str, Callable[[Path, int], Parts]] = {
    "clinc150": lambda data, _: clinc150(data),
    "banking77": banking77,
    "bitext": bitext,
    "snips": lambda data, _: snips(data),
}


@dataclass
class Times:
    """Milliseconds a text, by wall clock and by the processor's time."""

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def add(self, work: Callable[[], object], texts: int = 1) -> None:
        """Time one run over so many texts."""
        wall, processor = time.perf_counter(), time.process_time()
        work()
        self.wall.append(1000 * (time.perf_counter() - wall) / texts)
        self.processor.append(1000 * (time.process_time() - processor) / texts)

    def __str__(self) -> str:
        late = sorted(self.wall)[int(0.95 * len(self.wall))]
        wall, processor = statistics.median(self.wall), statistics.median(self.processor)
        return f"median {wall:.2f} ms, 95th percentile {late:.2f} ms of {len(self.wall)}; processor {processor:.2f} ms"


def ratio(one: Times, other: Times) -> str:
    """How many times the median of one is the other's."""
    wall = statistics.median(one.wall) / statistics.median(other.wall)
    return f"{wall:.2f} (processor {statistics.median(one.processor) / statistics.median(other.processor):.2f})"


def main() -> int:
    """Prints every figure; returns the exit code."""
    parser = _parser()
    options = parser.parse_args()
    if options.set and not (options.data and options.weights):
        parser.error("--set needs --data DIR and --weights W")
    try:
        with tempfile.TemporaryDirectory() as folder:
            if options.set:
                options.domain, options.data_file = public(options, Path(folder))
            texts = draw(options)
            agents = {name: agent_of(name, options, Path(folder)) for name in ("float32", "int8")}
            about(options, agents, texts)
            speed(agents, texts, options)
            accuracy(agents, options)
    except CallsightError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def public(options: argparse.Namespace, folder: Path) -> tuple[str, Path]:
    """A public set as a pack's folder, and a file of its validation rows."""
    parts = SETS[options.set](options.data, options.seed)
    write_pack(folder / "pack", parts.name, parts.training)
    write_pack(folder / options.set, parts.name, parts.validation)
    return str(folder / "pack"), folder / options.set / "examples.jsonl"


def agent_of(precision: str, options: argparse.Namespace, folder: Path) -> Agent:
    """An agent of the stack with its text encoder in a precision."""
    before = os.environ.get("CALLSIGHT_TEXT_PRECISION")
    os.environ["CALLSIGHT_TEXT_PRECISION"] = precision
    try:
        weights = {"fusion_weights": str(options.weights)} if options.weights else {}
        return build(options.stack, options.domain, store_url=f"sqlite:///{folder}/{precision}.sqlite", **weights)
    finally:
        os.environ.pop("CALLSIGHT_TEXT_PRECISION")
        if before is not None:
            os.environ["CALLSIGHT_TEXT_PRECISION"] = before


def draw(options: argparse.Namespace) -> list[str]:
    """Texts to time, drawn by the seed.

    Raises:
        InputError: the file is missing, or a line of it is no JSON object with a text.
    """
    if options.data_file is None:
        found = [example.text for example in Pack.load(options.domain).examples()]
    else:
        try:
            lines = options.data_file.read_text(encoding="utf-8").splitlines()
            found = [str(json.loads(line)["text"]) for line in lines if line.strip()]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{str(options.data_file)!r} is no JSONL file of texts ({type(error).__name__}); see docs/data.md"
            ) from error
    found = [text for text in found if text.strip()]
    return random.Random(options.seed).sample(found, min(len(found), max(options.batch, options.turns)))


def about(options: argparse.Namespace, agents: Mapping[str, Agent], texts: Sequence[str]) -> None:
    """What is measured, and on what."""
    agent = agents["int8"]
    settings, checkpoint = agent.parts.settings, agent.parts.checkpoint
    print(f"{processor()}, {len(os.sched_getaffinity(0))} cores, {settings.threads} thread(s) a model")
    print(f"stack {options.stack}, text encoder {settings.text.model}, checkpoint {options.weights or options.domain}")
    source = options.set or options.data_file or f"the examples of pack {options.domain}"
    words = statistics.mean(len(text.split()) for text in texts)
    print(f"{len(texts)} texts of {words:.1f} words from {source}, seed {options.seed}, {ROUNDS} rounds")
    print(f"encoders of the checkpoint: {', '.join(sorted(checkpoint.encoders))}")


def processor() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def speed(agents: Mapping[str, Agent], texts: Sequence[str], options: argparse.Namespace) -> None:
    """Times of one turn, of many, and of the bare encoder, by precision."""
    one, many, bare = ({name: Times() for name in agents} for _ in range(3))
    single, batch = texts[: options.turns], texts[: options.batch]
    turns = [Turn(text=text) for text in batch]
    for agent in agents.values():
        agent.warm(audio=False, image=False)
        for text in texts[:WARM_UP]:
            agent.understand([Turn(text=text)])
    for _ in range(ROUNDS):
        for name, agent in agents.items():
            bare[name].add(lambda agent=agent: agent.parts.text.encode(batch), len(batch))  # type: ignore[misc]
            many[name].add(lambda agent=agent: agent.understand(turns), len(batch))  # type: ignore[misc]
    for text in single:
        for name, agent in agents.items():
            one[name].add(lambda agent=agent, text=text: agent.understand([Turn(text=text)]))  # type: ignore[misc]
    for name in agents:
        print(f"one text turn, {name}: {one[name]}")
    for name in agents:
        print(f"many turns at once, {name}, a turn: {many[name]}")
        print(f"bare text encoder, {name}, a text: {bare[name]}")
    print(f"many turns over the bare text encoder, int8 over float32: {ratio(many['int8'], bare['float32'])}")
    for name in agents:
        print(f"many turns over the bare text encoder, both {name}: {ratio(many[name], bare[name])}")
    print(f"int8 is faster, bare text encoder, by {ratio(bare['float32'], bare['int8'])}")
    print(f"int8 is faster, many turns at once, by {ratio(many['float32'], many['int8'])}")
    print(f"int8 is faster, one turn, by {ratio(one['float32'], one['int8'])}")


def accuracy(agents: Mapping[str, Agent], options: argparse.Namespace) -> None:
    """Figures of both on the same labelled rows, and how far int8's are from full precision's."""
    file = options.data_file or ROOT / "training" / "heldout" / f"{options.domain}.jsonl"
    if not file.is_file():
        print(f"no accuracy: {file.name} is not there; give labelled rows with --data-file")
        return
    pack = agents["int8"].parts.pack
    rows = [row for row in read_rows(file, pack.intents, pack.entities) if row.text]
    rows = random.Random(options.seed).sample(rows, min(len(rows), options.rows))
    understood = {name: agent.understand([Turn(text=row.text) for row in rows]) for name, agent in agents.items()}
    table = {name: flat(figures(rows, found)) for name, found in understood.items()}
    print(f"accuracy on {len(rows)} rows of {options.set or file.name}, words only:")
    for key in COMPARED:
        if key in table["int8"]:
            full, small = (100 * table[name][key] for name in ("float32", "int8"))
            print(f"  {key:34} float32 {full:6.2f}  int8 {small:6.2f}  difference {small - full:+.2f}")
    pairs = list(zip(understood["float32"], understood["int8"], strict=True))
    same = sum((a.verdict, _meant(a)) == (b.verdict, _meant(b)) for a, b in pairs)
    print(f"  {'same verdict and intents':34} {100 * same / len(rows):.2f}")
    right = [(_is_right(row, a), _is_right(row, b)) for row, (a, b) in zip(rows, pairs, strict=True) if row.intents]
    only = [sum(mine and not other for mine, other in right), sum(other and not mine for mine, other in right)]
    print(f"  first intent right in one alone, of {len(right)} rows: float32 {only[0]}, int8 {only[1]}")


def _is_right(row: Row, found: Understanding) -> bool:
    return bool(found.intents) and found.intents[0].name in (row.intents or ())


def _meant(found: Understanding) -> list[str]:
    return [intent.name for intent in found.intents[: max(1, found.wanted)]]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.inference", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--stack", default="embedded")
    parser.add_argument("--domain", default="retail")
    parser.add_argument("--weights", type=Path, help="checkpoint folder (the stack's)")
    parser.add_argument("--data-file", type=Path, help="JSONL of texts, with labels for accuracy (the pack's own)")
    parser.add_argument("--data", type=Path, help="folder of the public data sets, for --set (docs/data.md)")
    parser.add_argument("--set", choices=sorted(SETS), help="a public set in place of a pack; needs --weights")
    parser.add_argument("--turns", type=int, default=200, help="texts understood one by one (200)")
    parser.add_argument("--batch", type=int, default=512, help="texts understood at once (512)")
    parser.add_argument("--rows", type=int, default=4000, help="labelled rows for accuracy at most (4000)")
    parser.add_argument("--seed", type=int, default=7)
    return parser


if __name__ == "__main__":
    sys.exit(main())
