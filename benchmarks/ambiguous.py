"""The multimodal set: words that need their photo and photos that need their words, on photos of the public sets.

Three sections, by what decides the intent (`multimodal.toml` holds the words): the photo alone ("what about this
one?"), the words alone ("does it come in blue?"), or both ("i want my money back for this" beside a garment, groceries
or a receipt: three intents). Examples use the training photos and wordings; the measured part uses other photos
(other senders of clothes, the shop's own validation photos, other receipts) and other wordings.
"""

from __future__ import annotations

import json
import shutil
import tomllib
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from modalities.errors import InputError
from training.photos import LabelledPhoto

WORDINGS = Path(__file__).with_name("multimodal.toml")
SECTIONS = {"vague": "the photo decides", "both": "both decide", "words": "the words decide"}
TRAINED_TIMES = {"vague": 4, "both": 1, "words": 1}
"""Photos a trained wording goes with, per kind: a photo sent with no more than "here it is" is the commonest."""

MOST_TIMES = 3
"""How often all trained wordings are gone through where a kind has enough photos; no photo is used twice."""

MEASURED_TIMES = {"vague": 3, "both": 1, "words": 1}
"""Wordings of each wish that a measured photo goes with."""

MEASURED_PHOTOS = 100
"""Photos of each kind to measure on: a multiple of the number of measured wordings, so that every wording goes with
every kind equally often, and guessing without the photo is right exactly by chance."""


@dataclass(frozen=True)
class Wish:
    """One thing to want, in many wordings.

    Attributes:
        section: a key of `SECTIONS`.
        intents: what it amounts to beside each kind of photo it is said with.
        trained, measured: wordings to learn from and to measure on.
    """

    name: str
    section: str
    intents: Mapping[str, str]
    trained: tuple[str, ...]
    measured: tuple[str, ...]


@dataclass(frozen=True)
class Item:
    """Words beside a photo, what they mean together, and what decides it."""

    text: str
    photo: Path
    intent: str
    section: str


def read_wishes(path: Path = WORDINGS) -> list[Wish]:
    """The wishes of the set, in the order of the file.

    Raises:
        InputError: a wording stands for two wishes, or is both learnt from and measured on.
    """
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    wishes = []
    for section in SECTIONS:
        for name, entry in table[section].items():
            trained, measured = tuple(entry.pop("trained")), tuple(entry.pop("measured"))
            wishes.append(Wish(name, section, entry, trained, measured))
    wordings = [wording for wish in wishes for wording in (*wish.trained, *wish.measured)]
    twice = sorted({wording for wording in wordings if wordings.count(wording) > 1})
    if twice:
        raise InputError(f"{path}: wordings given twice: {twice!r}")
    return wishes


def intents_of(wishes: Sequence[Wish]) -> list[str]:
    """Every intent, in order."""
    return list(dict.fromkeys(intent for wish in wishes for intent in wish.intents.values()))


def training_items(wishes: Sequence[Wish], photos: Sequence[LabelledPhoto], seed: int) -> list[Item]:
    """Examples: every trained wording beside photos of each kind it goes with, each photo once.

    Raises:
        InputError: a kind has too few photos to go round once.
    """
    items = []
    for kind, paths in _shuffled(photos, seed).items():
        pairs = [
            (wish, wording)
            for wish in wishes
            if kind in wish.intents
            for wording in wish.trained
            for _ in range(TRAINED_TIMES[wish.section])
        ]
        if len(paths) < len(pairs):
            raise InputError(f"{len(paths)} photos of {kind} to learn from; the set needs {len(pairs)}")
        times = min(MOST_TIMES, len(paths) // len(pairs))
        items += [
            Item(wording, path, wish.intents[kind], wish.section)
            for (wish, wording), path in zip(pairs * times, paths, strict=False)
        ]
    return items


def measured_items(
    wishes: Sequence[Wish], photos: Sequence[LabelledPhoto], seed: int, count: int = MEASURED_PHOTOS
) -> list[Item]:
    """What is measured on: `count` photos of each kind, each with every wish that goes with its kind.

    Raises:
        InputError: a kind has fewer photos.
    """
    items = []
    for kind, paths in _shuffled(photos, seed).items():
        if len(paths) < count:
            raise InputError(f"{len(paths)} photos of {kind} to measure on; {count} wanted")
        for wish in wishes:
            if kind not in wish.intents:
                continue
            times = MEASURED_TIMES[wish.section]
            items += [
                Item(wish.measured[(times * i + j) % len(wish.measured)], path, wish.intents[kind], wish.section)
                for i, path in enumerate(paths[:count])
                for j in range(times)
            ]
    return items


def _shuffled(photos: Sequence[LabelledPhoto], seed: int) -> dict[str, list[Path]]:
    """Photos by kind, in an order that the seed decides."""
    by_kind: dict[str, list[Path]] = defaultdict(list)
    for photo in photos:
        by_kind[photo.kind].append(photo.path)
    rng = np.random.default_rng(seed)
    return {kind: [by_kind[kind][i] for i in rng.permutation(len(by_kind[kind]))] for kind in sorted(by_kind)}


def write_pack(items: Sequence[Item], intents: Sequence[str], folder: Path, kept: Collection[str]) -> None:
    """Write a pack of the items with the modalities in `kept` ("text", "image"); photos are copied into it.

    Photos carry no sender: the public sets have so few that tying each one's photos together would leave nothing to
    choose by, and the measured senders are others anyway.
    """
    (folder / "photos").mkdir(parents=True, exist_ok=True)
    table = "\n".join(f'{intent} = "{intent.replace("_", " ")}"' for intent in intents)
    (folder / "pack.toml").write_text(f'name = "multimodal"\n\n[intents]\n{table}\n', encoding="utf-8")
    lines = []
    for i, item in enumerate(items):
        line: dict[str, object] = {"text": item.text if "text" in kept else "", "intents": [item.intent]}
        if "image" in kept:
            name = f"photos/{i:05}{item.photo.suffix}"
            shutil.copyfile(item.photo, folder / name)
            line["image"] = name
        lines.append(json.dumps(line))
    (folder / "examples.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
