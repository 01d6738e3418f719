"""Intent accuracy lost to typing errors and to a recogniser, on the same rows.

    python -m benchmarks.robustness --domain D --weights W --kind typos
    python -m benchmarks.robustness --domain D --weights W --kind speech [--telephone]   (apt install flite)

The rows are `--rows FILE.jsonl`, labelled as a pack's examples are; without it those that ship for the pack
(`training/heldout/`), or, for a pack named clinc150, `val` of `--data DIR`/text/clinc150.json. Sentences are said by
synthetic voices and heard by PocketSphinx with a language model of the pack's examples, never of the rows measured on.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import numpy as np

from agent import Turn, Understanding, build
from agent.domain import Pack
from agent.errors import CallsightError, InputError
from agent.examples import Example
from agent.hearing import compile_pack
from benchmarks.heard import VOICES, Heard, error_rate, hear
from benchmarks.speech import wording
from benchmarks.typos import with_typos
from modalities.locate import ROOT
from modalities.speech.pocketsphinx import PocketSphinx
from modalities.types import Transcript
from training.evaluate import understand_all
from training.rows import Row, read_rows

if TYPE_CHECKING:
    from agent.agent import Agent

RATE = 0.1
"""Typing errors a character, as `benchmarks.typos` makes them."""


@dataclass(frozen=True)
class Options:
    """What the command line says; see there."""

    domain: str
    weights: Path
    kind: str
    data: Path | None = None
    rows: Path | None = None
    count: int | None = None
    seed: int = 7
    stack: str = "embedded"
    telephone: bool = False
    cache: Path | None = None


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.robustness", description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--domain", required=True, help="pack: a name or a folder")
    add("--weights", required=True, type=Path, help="checkpoint folder")
    add("--kind", required=True, choices=("typos", "speech"))
    add("--data", type=Path, help="folder of the public data sets, for clinc150")
    add("--rows", type=Path, help="JSONL file of labelled rows that the checkpoint has not seen")
    add("--count", type=int, help="measure on so many rows, drawn by the seed")
    add("--seed", type=int, default=7)
    add("--stack", default="embedded", help="names the models")
    add("--telephone", action="store_true", help="speech: through an 8 kHz mu-law line too")
    add("--cache", type=Path, help="speech: file of sentences heard, made where missing (default: under out/cache)")
    options = Options(**vars(parser.parse_args(argv)))
    try:
        pack = Pack.load(options.domain)
        rows = chosen(rows_of(pack, options), options.count, options.seed)
        agent = build(options.stack, options.domain, fusion_weights=str(options.weights), store_url="sqlite://")
        _ = agent.parts.checkpoint  # whether the weights can be used is known before minutes of hearing
        print(f"{len(rows)} rows with an intent, pack {pack.name!r}, seed {options.seed}")
        lines = (
            speech_lines(pack, rows, agent, options) if options.kind == "speech" else typo_lines(rows, agent, options)
        )
    except CallsightError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("\n".join(lines))
    agent.close()
    return 0


def rows_of(pack: Pack, options: Options) -> list[Row]:
    """The rows to measure on; see the module.

    Raises:
        InputError: there are none for this pack.
    """
    shipped = ROOT / "training" / "heldout" / f"{pack.name}.jsonl"
    if options.rows is not None or shipped.is_file():
        return read_rows(options.rows or shipped, tuple(pack.intents))
    if pack.name == "clinc150" and options.data is not None:
        sentences = json.loads((options.data / "text" / "clinc150.json").read_text(encoding="utf-8"))["val"]
        return [Row(text, (intent,)) for text, intent in sentences]
    raise InputError(f"no rows are known for the pack {pack.name!r}; give --rows FILE.jsonl")


def chosen(rows: Sequence[Row], count: int | None, seed: int) -> list[Row]:
    """Rows of words alone, meant for something in scope."""
    fit = [row for row in rows if row.text.strip() and row.intents and not (row.image or row.photo or row.audio)]
    return Random(seed).sample(fit, count) if count is not None and count < len(fit) else fit


def typo_lines(rows: Sequence[Row], agent: Agent, options: Options) -> list[str]:
    """Accuracy clean and with typing errors."""
    rng = Random(options.seed)
    wrong = [with_typos(row.text, RATE, rng) for row in rows]
    same = sum(len(set(a.split()) & set(row.text.split())) for a, row in zip(wrong, rows, strict=True))
    words = sum(len(set(row.text.split())) for row in rows)
    clean, typed = right([row.text for row in rows], rows, agent), right(wrong, rows, agent)
    return [
        f"typing errors at {RATE:.0%} of the characters: {same / words:.1%} of the words are whole",
        _line("all", len(rows), clean, typed),
    ]


def speech_lines(pack: Pack, rows: Sequence[Row], agent: Agent, options: Options) -> list[str]:
    """Accuracy of what is written and of what was heard, by voice."""
    cache = options.cache or ROOT / "out" / "cache" / f"heard_{pack.name}_{options.seed}.jsonl"
    texts = [row.text for row in rows]
    with tempfile.TemporaryDirectory() as folder:

        def engine() -> PocketSphinx:
            return PocketSphinx(compile_pack(pack, Path(folder), others(pack, rows)))

        heard = hear(texts, engine, cache, options.seed, telephone=options.telephone)
    clean = right(texts, rows, agent)
    lines = [f"heard by PocketSphinx: {cache}"]
    for telephone in (False, True) if options.telephone else (False,):
        found = right_heard([row.transcript(telephone) for row in heard], rows, agent)
        lines.append("8 kHz mu-law" if telephone else "16 kHz")
        lines += _by_voice(heard, clean, found, telephone)
    return lines


def others(pack: Pack, rows: Sequence[Row]) -> list[Example]:
    """The pack's examples without those worded as a row is."""
    held = {wording(Example(row.text, (), row.spans or ())) for row in rows}
    return [example for example in pack.examples() if wording(example) not in held]


def right(texts: Sequence[str], rows: Sequence[Row], agent: Agent) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether the first intent of each text is one of those meant."""
    return _first_right(understand_all(agent, (Turn(text=text) for text in texts)), rows)


def right_heard(
    heard: Sequence[Transcript], rows: Sequence[Row], agent: Agent
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """The same for what was heard, with the other hearings."""
    return _first_right(understand_all(agent, (Turn(transcript=transcript) for transcript in heard)), rows)


def _first_right(found: Sequence[Understanding], rows: Sequence[Row]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Nothing understood is wrong."""
    pairs = zip(found, rows, strict=True)
    return np.array([bool(u.intents) and u.intents[0].name in (row.intents or ()) for u, row in pairs])


def _by_voice(
    heard: Sequence[Heard],
    clean: np.ndarray[tuple[int], np.dtype[np.bool_]],
    found: np.ndarray[tuple[int], np.dtype[np.bool_]],
    telephone: bool,
) -> list[str]:
    lines = []
    for voice in (None, *VOICES):
        mine = np.array([voice in (None, row.voice) for row in heard])
        if mine.any():
            rate = error_rate([row for row, own in zip(heard, mine, strict=True) if own], telephone)
            line = _line(voice or "all", int(mine.sum()), clean[mine], found[mine])
            lines.append(f"{line}, word error rate {rate:.1%}")
    return lines


def _line(
    name: str,
    count: int,
    clean: np.ndarray[tuple[int], np.dtype[np.bool_]],
    changed: np.ndarray[tuple[int], np.dtype[np.bool_]],
) -> str:
    lost = 100 * (clean.mean() - changed.mean())
    return f"  {name}: {clean.mean():.1%} clean, {changed.mean():.1%} changed, {lost:.1f} points lost, {count} rows"


if __name__ == "__main__":
    sys.exit(main())
