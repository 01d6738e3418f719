"""Training rows from a pack's examples and, with `--data`, from public sets: what lies outside, how people feel.

A label a row does not have is None, and its loss is left out: one model learns from sets labelled for one thing each.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from agent.domain import Pack
from agent.errors import InputError, PackError
from agent.examples import Example, read_examples
from modalities.text import TextEncoder
from training.augment import Spans
from training.split import tie

POSITIVE = frozenset("admiration amusement approval caring excitement gratitude joy love optimism pride relief".split())
NEGATIVE = frozenset(
    "anger annoyance disappointment disapproval disgust embarrassment fear grief nervousness remorse sadness".split()
)
OVERLAP = 0.5
"""A sentence from outside that is this near (cosine) to a pack's example may well be inside: it is left out."""


@dataclass(frozen=True)
class Row:
    """One thing to learn from.

    Attributes:
        text: the words.
        intents: what is meant, empty for out of scope, None where not labelled.
        spans: entities, None where not labelled.
        sentiment: a label of `agent.heads.SENTIMENTS`, or None.
        image: the kind of photo that goes with it ("receipt", "clothing", "grocery", "damaged", "other"), any of
            the public sets' photos of that kind, or None.
        photo, audio: the files that go with it, or None.
        group: who speaks or sent the photo: rows of one group are never in two parts; or None.
    """

    text: str
    intents: tuple[str, ...] | None = None
    spans: Spans | None = None
    sentiment: str | None = None
    image: str | None = None
    photo: Path | None = None
    audio: Path | None = None
    group: str | None = None


def row_of(example: Example, root: Path) -> Row:
    """An example as a row; its files are found under `root`, the folder of its file."""
    image = example.image or ""
    kind = image.removeprefix("kind:") if image.startswith("kind:") else None
    return Row(
        text=example.text,
        intents=example.intents,
        spans=example.entities,
        sentiment=example.sentiment,
        image=kind,
        photo=root / image if image and kind is None else None,
        audio=root / example.audio if example.audio else None,
        group=example.speaker or example.sender,
    )


def rows_of(examples: Iterable[Example], root: Path) -> list[Row]:
    """Examples as rows; people who are heard in one example and send a photo in another are one group.

    A speaker and a sender of one name are taken for one person: rather one link too many than a leak.
    """
    examples = list(examples)
    people = [[name for name in (example.speaker, example.sender) if name] for example in examples]
    groups = tie(people)
    first = {group: names[0] for group, names in zip(reversed(groups), reversed(people), strict=True) if names}
    return [
        replace(row_of(example, root), group=first.get(group)) for example, group in zip(examples, groups, strict=True)
    ]


def outside_rows(data: Path, encoder: TextEncoder, pack: Pack, most: int, seed: int) -> list[Row]:
    """Sentences of CLINC150 (its out-of-scope and its other domains) and SNIPS that are far from the pack's own."""
    rng = random.Random(seed)
    clinc = json.loads((data / "text" / "clinc150.json").read_text(encoding="utf-8"))
    texts = [text for text, _ in clinc["oos_train"]]
    others = [text for text, _ in clinc["train"]] + _snips(data / "text" / "snips")
    rng.shuffle(others)
    texts += others[: 3 * most]
    inside = [example.text for example in pack.examples() if example.intents and example.text]
    own = encoder.pool(inside)
    nearest = np.concatenate(
        [(encoder.pool(texts[i : i + 512]) @ own.T).max(axis=1) for i in range(0, len(texts), 512)]
    )
    far = [text for text, score in zip(texts, nearest, strict=True) if score < OVERLAP]
    return [Row(text, intents=(), spans=None) for text in far[:most]]


def _snips(folder: Path) -> list[str]:
    texts = []
    for path in sorted(folder.rglob("*.json")):
        try:
            table = json.loads(path.read_text(encoding="utf-8", errors="replace"))
        except ValueError:
            continue
        for rows in table.values() if isinstance(table, dict) else []:
            texts += ["".join(piece["text"] for piece in row["data"]).strip() for row in rows if "data" in row]
    return texts


def emotion_rows(data: Path, part: str, most: int, seed: int) -> list[Row]:
    """GoEmotions comments with one mood as negative, neutral or positive, as many of each."""
    folder = data / "text" / "goemotions"
    names = (folder / "labels.txt").read_text(encoding="utf-8").split()
    found: dict[str, list[Row]] = {"negative": [], "neutral": [], "positive": []}
    with (folder / f"{part}.tsv").open(encoding="utf-8", newline="") as f:
        for text, ids, *_ in csv.reader(f, delimiter="\t", quoting=csv.QUOTE_NONE):
            moods = {mood_of(names[int(i)]) for i in ids.split(",") if i.isdigit()}
            if len(moods) == 1 and (mood := moods.pop()):
                found[mood].append(Row(text, sentiment=mood))
    rng = random.Random(seed)
    return [row for rows in found.values() for row in rng.sample(rows, min(most // 3, len(rows)))]


def mood_of(emotion: str) -> str | None:
    """GoEmotions' grouping (Demszky et al. 2020); ambiguous emotions (surprise, curiosity, ...) have no mood."""
    if emotion in POSITIVE:
        return "positive"
    if emotion in NEGATIVE:
        return "negative"
    return "neutral" if emotion == "neutral" else None


def read_rows(path: Path, intents: Collection[str], entities: Collection[str] | None = None) -> list[Row]:
    """Labelled rows from a JSON Lines file shaped like a pack's examples.

    Args:
        path: the file; photos and recordings are named relative to its folder and lie inside it.
        intents: the intents a line may name.
        entities: the entity types a line may name; None for any.

    Raises:
        InputError: the file cannot be read or lines are wrong; names every such line.
    """
    try:
        examples = read_examples(path, intents, entities)
    except PackError as error:
        raise InputError(str(error)) from error
    return rows_of(examples, path.parent)
