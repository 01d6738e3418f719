"""Public sets of sentences as labelled rows, each with a validation part that training never sees."""

from __future__ import annotations

import csv
import json
import random
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.errors import InputError
from training.rows import Row
from training.split import split

PER_INTENT = 20
"""Training rows of each intent that a set made smaller keeps."""


@dataclass(frozen=True)
class Parts:
    """A set's rows by what they are for; `about` says what it is and how it was split."""

    name: str
    about: str
    training: list[Row]
    validation: list[Row]

    @property
    def counts(self) -> dict[str, int]:
        """How many rows of each part, in scope and outside."""
        return {
            "training": sum(row.intents != () for row in self.training),
            "training_outside": sum(row.intents == () for row in self.training),
            "validation": sum(row.intents != () for row in self.validation),
            "validation_outside": sum(row.intents == () for row in self.validation),
            "intents": len({name for row in self.training for name in row.intents or ()}),
            "entity_types": len({kind for row in self.training for kind, _, _ in row.spans or ()}),
        }

    def smaller(self, limit: int | None, seed: int) -> Parts:
        """About `limit` training rows: some of the intents with 20 rows each, and a quarter as many to validate."""
        if limit is None:
            return self
        rng = random.Random(seed)
        names = sorted({name for row in self.training for name in row.intents or ()})
        kept = set(rng.sample(names, min(len(names), max(2, limit // PER_INTENT))))
        training = _few(self.training, kept, PER_INTENT, rng)
        validation = _few(self.validation, kept, PER_INTENT // 4, rng)
        return Parts(self.name, f"{self.about}; made smaller", training, validation)


def _few(rows: Sequence[Row], intents: set[str], most: int, rng: random.Random) -> list[Row]:
    """At most so many rows of each of these intents, and of those outside."""
    by_intent: dict[tuple[str, ...] | None, list[Row]] = defaultdict(list)
    for row in rng.sample(rows, len(rows)):
        if set(row.intents or ()) <= intents:
            by_intent[row.intents].append(row)
    return [row for ours in by_intent.values() for row in ours[:most]]


def clinc150(data: Path) -> Parts:
    """CLINC150 (Larson et al. 2019): trained on `train` and `oos_train`, measured on `val` and `oos_val`."""
    table = _json(data / "text" / "clinc150.json")

    def rows(*names: str) -> list[Row]:
        return [Row(text, () if label == "oos" else (label,), ()) for name in names for text, label in table[name]]

    return Parts(
        "clinc150", "CLINC150, its own parts: train and oos_train, val and oos_val",
        rows("train", "oos_train"), rows("val", "oos_val"),
    )  # fmt: skip


def banking77(data: Path, seed: int) -> Parts:
    """BANKING77 (Casanueva et al. 2020), training part: 90% and 10%, stratified, near-duplicates never apart."""
    table = _json(data / "text" / "banking77.json")
    rows = [Row(text.strip(), (re.sub(r"\W", "", label),), ()) for text, label in table]
    return _divided("banking77", "BANKING77's training part", rows, 0.1, seed)


def bitext(data: Path, seed: int) -> Parts:
    """Bitext's customer-service sample: 85% and 15%, stratified, near-duplicates never apart."""
    path = data / "text" / "bitext_customer_service.csv"
    _check(path)
    with path.open(encoding="utf-8-sig", newline="") as f:
        rows = [Row(row["utterance"].strip(), (row["intent"],), ()) for row in csv.DictReader(f)]
    return _divided("bitext", "Bitext's customer-service sample", rows, 0.15, seed)


def _divided(name: str, about: str, rows: list[Row], share: float, seed: int) -> Parts:
    parts = split([row.text for row in rows], [row.intents for row in rows], (1 - share, share), seed)
    training, validation = ([rows[i] for i in part] for part in parts)
    about = f"{about}, {share:.0%} apart to measure, stratified, near-duplicates on one side, seed {seed}"
    return Parts(name, about, training, validation)


def snips(data: Path) -> Parts:
    """SNIPS (Coucke et al. 2018): its full training files and its validation files, with slots."""
    folder = data / "text" / "snips"
    names = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    if not names:
        raise InputError(f"no SNIPS under {str(folder)!r}; give the data folder with --data (docs/data.md)")

    def rows(form: str) -> list[Row]:
        files = {name: _json(folder / name / form.format(name)) for name in names}
        return [_snips_row(name, item["data"]) for name, table in files.items() for item in table[name]]

    return Parts(
        "snips", "SNIPS 2017-06, its own parts: train_*_full and validate_*",
        rows("train_{}_full.json"), rows("validate_{}.json"),
    )  # fmt: skip


def _snips_row(intent: str, pieces: Sequence[dict[str, str]]) -> Row:
    """One sentence of pieces; blanks around the sentence and inside a slot's borders are left out."""
    whole = "".join(piece["text"] for piece in pieces)
    at, spans, blank = 0, [], len(whole) - len(whole.lstrip())
    for piece in pieces:
        words = piece["text"]
        start = at + len(words) - len(words.lstrip()) - blank
        if "entity" in piece and words.strip():
            spans.append((piece["entity"], start, start + len(words.strip())))
        at += len(words)
    return Row(whole.strip(), (intent,), tuple(spans))


def _json(path: Path) -> Any:
    """A JSON file; one of SNIPS is in Latin-1."""
    _check(path)
    raw = path.read_bytes()
    try:
        return json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError:
        return json.loads(raw.decode("latin-1"))


def _check(path: Path) -> None:
    if not path.is_file():
        raise InputError(f"no file {str(path)!r}; give the data folder with --data (docs/data.md)")
