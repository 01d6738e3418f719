"""Whether the evidence is what the decision hangs on, and what it costs: the deletion test of Samek et al. 2017.

    python -m benchmarks.evidence [--stack S] [--domain D] [--rows N]

For each held-out text (training/heldout/DOMAIN.jsonl, of at least four words) the weightiest words for the likeliest
intent are taken out of the text, and as many words drawn at random; the first must cost that intent more. Scores are
log-odds of the calibrated confidence. Also the time of the stage "explain" and the processor time of a whole turn with
and without it, one turn at a time.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import re
import statistics
import time
from collections.abc import Sequence

from agent import Turn, Understanding, build
from agent.agent import Agent
from modalities.locate import ROOT

SEED = 7
LEAST_WORDS = 4
TAKEN = (1, 3)  # words
_WORD = re.compile(r"\w(?:\S*\w)?")

Places = Sequence[tuple[int, int]]


def main() -> None:
    """Prints every figure."""
    options = _parser().parse_args()
    rng = random.Random(SEED)
    file = ROOT / "training" / "heldout" / f"{options.domain}.jsonl"
    texts = [json.loads(line)["text"] for line in file.read_text(encoding="utf-8").splitlines()]
    texts = [text for text in texts if len(_WORD.findall(text)) >= LEAST_WORDS]
    texts = rng.sample(texts, min(options.rows, len(texts)))
    agent = build(options.stack, options.domain, store_url="sqlite://")
    agent.warm(audio=False, image=False, explain=True)
    print(f"stack {options.stack}, {len(texts)} texts of {file.relative_to(ROOT)}, seed {SEED}")
    explained = _timed(agent, texts)
    for count in TAKEN:
        _deleted(agent, explained, count, rng)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.evidence", description=(__doc__ or "").split("\n", 1)[0]
    )
    parser.add_argument("--stack", default="embedded", metavar="S", help="stack (embedded)")
    parser.add_argument("--domain", default="retail", metavar="D", help="domain pack (retail)")
    parser.add_argument("--rows", type=int, default=400, metavar="N", help="texts at most (400)")
    return parser


def _timed(agent: Agent, texts: Sequence[str]) -> list[Understanding]:
    """Every text explained on its own."""
    explained, stage, plain, whole = [], list[float](), list[float](), list[float]()
    for text in texts:
        started = time.process_time()
        agent.understand([Turn(text=text)])
        middle = time.process_time()
        (understood,) = agent.understand([Turn(text=text)], explain=True)
        whole.append(1000 * (time.process_time() - middle))
        plain.append(1000 * (middle - started))
        stage.append(understood.timings_ms["explain"])
        explained.append(understood)
    words = statistics.mean(len(_WORD.findall(text)) for text in texts)
    print(f"texts of {words:.1f} words; stage explain: median {statistics.median(stage):.0f} ms, {_late(stage)}")
    extra = [b - a for a, b in zip(plain, whole, strict=True)]
    print(
        f"processor time of a turn: median {statistics.median(plain):.0f} ms, {statistics.median(whole):.0f} ms with "
        f"evidence; the evidence: median {statistics.median(extra):.0f} ms, {_late(extra)}"
    )
    return explained


def _late(times: Sequence[float]) -> str:
    return f"95th percentile {sorted(times)[int(0.95 * len(times))]:.0f} ms"


def _deleted(agent: Agent, explained: Sequence[Understanding], count: int, rng: random.Random) -> None:
    """Takes `count` words out of every text by weight, and as many at random."""
    found = [(u, *_chosen(u, count, rng)) for u in explained]
    found = [(u, weighty, drawn) for u, weighty, drawn in found if weighty]
    by_weight = agent.understand([Turn(text=_without(u.text, weighty)) for u, weighty, _ in found])
    by_chance = agent.understand([Turn(text=_without(u.text, drawn)) for u, _, drawn in found])
    wholes = [u for u, _, _ in found]
    falls = [_fall(u, after) for u, after in zip(wholes, by_weight, strict=True)]
    chance = [_fall(u, after) for u, after in zip(wholes, by_chance, strict=True)]
    more = statistics.mean(a > b for a, b in zip(falls, chance, strict=True))
    print(
        f"{count} word(s) taken out of {len(found)} texts: log-odds fall by {statistics.mean(falls):.2f} by weight, "
        f"{statistics.mean(chance):.2f} at random; more by weight in {more:.1%}; another intent likeliest in "
        f"{_changed(wholes, by_weight):.1%} and {_changed(wholes, by_chance):.1%}"
    )


def _chosen(understood: Understanding, count: int, rng: random.Random) -> tuple[Places, Places]:
    """The weightiest words for the intent, and as many of all its words."""
    pieces = [e for e in understood.evidence if e.weight > 0 and e.start is not None and e.end is not None][:count]
    words = [found.span() for found in _WORD.finditer(understood.text)]
    return [(e.start or 0, e.end or 0) for e in pieces], rng.sample(words, min(len(pieces), len(words)))


def _without(text: str, places: Places) -> str:
    for start, end in sorted(places, reverse=True):
        text = text[:start] + text[end:]
    return text


def _fall(before: Understanding, after: Understanding) -> float:
    """How far the log-odds of the likeliest intent fell."""
    intent = before.intents[0]
    confidence = next((i.confidence for i in after.intents if i.name == intent.name), 0.0)
    return _log_odds(intent.confidence) - _log_odds(confidence)


def _log_odds(chance: float) -> float:
    kept = min(max(chance, 1e-6), 1 - 1e-6)
    return math.log(kept / (1 - kept))


def _changed(before: Sequence[Understanding], after: Sequence[Understanding]) -> float:
    return statistics.mean(
        not b.intents or a.intents[0].name != b.intents[0].name for a, b in zip(before, after, strict=True)
    )


if __name__ == "__main__":
    main()
