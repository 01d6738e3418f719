"""What is wrong with a pack's examples before anything is trained: `python -m training.check --domain DIR [--json]`.

Some of it is refused, the rest are warnings; all of it is told at once, by line number.
"""

from __future__ import annotations

import argparse
import json
import logging
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from agent.domain import Pack
from agent.errors import CallsightError
from agent.examples import Example, scan_examples
from agent.heads import SENTIMENTS
from agent.problems import Problem, refusal, told
from training.attachments import unreadable
from training.languages import LOOKED_AT, foreign
from training.wording import listed, odd_spans, odd_texts

LEAST = 20
"""Examples that training needs."""

MANY = 100_000
"""Examples from which training on a CPU takes the better part of a day."""

FEW = 5
"""Different examples that an intent needs to be in the training, validation and test part."""

log = logging.getLogger(__name__)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns 0, or 2 where the pack is refused."""
    parser = argparse.ArgumentParser(description="Check a pack's examples before training.")
    parser.add_argument("--domain", required=True, help="pack: a name or a folder")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args(argv)
    try:
        pack = Pack.load(arguments.domain, with_examples=False)
        problems = check(pack)
    except CallsightError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    refused = [problem for problem in problems if problem.refused]
    warned = [problem for problem in problems if not problem.refused]
    if arguments.json:
        print(json.dumps({"domain": pack.name, "refused": _listing(refused), "warned": _listing(warned)}))
    else:
        for kind, group in (("refused", refused), ("warning", warned)):
            print("".join(f"{kind}: {line}\n" for line in told(group)), end="")
        print(f"{pack.name}: {len(refused)} refused, {len(warned)} warnings")
    return 2 if refused else 0


def checked(pack: Pack) -> None:
    """Refuse a pack that cannot be trained on, and log warnings about the rest.

    Raises:
        PackError: names every line that is refused.
    """
    problems = check(pack)
    for line in told([problem for problem in problems if not problem.refused]):
        log.warning("%s", line)
    refused = [problem for problem in problems if problem.refused]
    if refused:
        raise refusal(refused)


def check(pack: Pack, *, files: bool = True) -> list[Problem]:
    """Everything that is wrong or odd in a pack's examples, what is refused first.

    Args:
        pack: loaded with or without its examples.
        files: decode every photo and recording too.

    Raises:
        PackError: there is no file of examples.
        MissingPartError: the package that tells languages apart is not installed.
    """
    path = pack.root / "examples.jsonl"
    examples = pack.examples()
    problems: list[Problem] = []
    if not examples:
        examples, problems = scan_examples(path, pack.intents, pack.entities)
    whole = not problems
    problems += _number(examples, path) if whole else []
    problems += _labels(pack, examples, path, whole)
    problems += odd_texts(examples, path)
    problems += odd_spans(examples, path)
    problems += _languages(pack, examples, path)
    if files:
        problems += unreadable(examples, pack.root, path)
    return sorted(problems, key=lambda problem: not problem.refused)


def _number(examples: Sequence[Example], path: Path) -> Iterator[Problem]:
    count = len(examples)
    if count < LEAST:
        number = "1 example" if count == 1 else f"{count} examples"
        yield Problem(path, 0, f"{number}; training needs at least {LEAST}")
    elif count >= MANY:
        message = f"{count} examples; training takes many hours on a CPU: use CUDA, or leave out copies"
        yield Problem(path, 0, message, refused=False)


def _labels(pack: Pack, examples: Sequence[Example], path: Path, whole: bool) -> Iterator[Problem]:
    """Labels that are never or hardly seen; where lines were refused (not `whole`), what they hold is not known."""
    shown: dict[str, dict[Any, int]] = defaultdict(dict)
    for example in examples:
        for intent in example.intents:
            shown[intent].setdefault((example.text.strip().lower(), example.image, example.audio), example.line)
    for intent in pack.intents:
        lines = list(shown[intent].values())
        if not lines and whole:
            message = f"intent {intent!r} has no example; write at least {FEW}, or take it out of [intents]"
            yield Problem(pack.root / "pack.toml", _line_of(pack, intent), message)
        elif 0 < len(lines) < FEW:
            number = "only 1 example" if len(lines) == 1 else f"only {len(lines)} different examples"
            message = f"intent {intent!r} has {number} ({listed(lines)}), too few to be trained on and measured too"
            yield Problem(path, lines[0], message, refused=False)
    if whole:
        yield from _unseen(pack, examples, path)


def _unseen(pack: Pack, examples: Sequence[Example], path: Path) -> Iterator[Problem]:
    tagged = {name for example in examples for name, _, _ in example.entities}
    for name, entity in pack.entities.items():
        if entity.recognizer == "tagger" and name not in tagged:
            message = f"entity {name!r} is found by the trained tagger alone, and no example shows it"
            yield Problem(pack.root / "pack.toml", _line_of(pack, name), message, refused=False)
    moods = {example.sentiment for example in examples} - {None}
    for mood in SENTIMENTS:
        if moods and mood not in moods:
            yield Problem(path, 0, f"some examples have a sentiment, but none is {mood!r}", refused=False)
    if all(example.intents for example in examples):
        message = "no example lies outside the pack's scope (intents []); what to refuse is then not learned from it"
        yield Problem(path, 0, message, refused=False)


def _languages(pack: Pack, examples: Sequence[Example], path: Path) -> Iterator[Problem]:
    found = foreign({example.line: example.text for example in examples if example.text.strip()}, pack.languages)
    among = f" (of {LOOKED_AT} texts looked at)" if len(examples) > LOOKED_AT else ""
    for language, lines in sorted(found.items(), key=lambda item: -len(item[1])):
        message = (
            f"looks like language {language!r}, but pack.toml says languages = {list(pack.languages)}: "
            f"{listed(lines)}{among}"
        )
        yield Problem(path, lines[0], message, refused=False)


def _line_of(pack: Pack, name: str) -> int:
    """Where pack.toml first defines an intent or entity; 0 when that cannot be told."""
    source = (pack.root / "pack.toml").read_text(encoding="utf-8-sig")
    quoted = rf"[\"']?{re.escape(name)}[\"']?"
    found = re.search(rf"(?m)^[ \t]*(?:{quoted}[ \t]*=|\[[ \t]*entities\.{quoted}[ \t]*\])", source)
    return source.count("\n", 0, found.start()) + 1 if found else 0


def _listing(problems: Sequence[Problem]) -> list[dict[str, Any]]:
    return [{"path": str(each.path), "line": each.line, "message": each.message} for each in problems]


if __name__ == "__main__":
    sys.exit(main())
