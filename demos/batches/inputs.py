"""What a batch is about: files, folders searched whole, patterns, and manifests; each file once, with its time."""

from __future__ import annotations

import csv
import datetime as dt
import glob
import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from agent.errors import InputError
from demos.files import PHOTOS, RECORDINGS, name_of

COLUMNS = ("path", "at", "customer")
SIDES = {"left": 0, "right": 1}
_MAGIC = "*?["
_IN_NAME = re.compile(r"(?<!\d)(20\d\d)[-_]?(\d\d)[-_]?(\d\d)(?:[T _-]?(\d\d)[-:_h]?(\d\d)(?:[-:_m]?(\d\d))?)?(?!\d)")

Dated = Literal["manifest", "name", "file"]


@dataclass(frozen=True)
class Item:
    """One recording or photo.

    Attributes:
        path: where it lies.
        name: the path as text that can be written down.
        at: when the call was.
        dated: who says so: the manifest, the file's name, or only the file's last change.
        customer: the channel the customer is on, where there are two.
        stamp: size, time of the last change and side of the customer; with another stamp it is done anew.
    """

    path: Path
    name: str
    at: dt.datetime
    dated: Dated
    customer: int
    stamp: tuple[int, int, int]


def find(inputs: Sequence[str], customer: str = "left") -> tuple[Item, ...]:
    """Every recording and photo that the inputs name, each once, folders in order of name.

    Args:
        inputs: folders, files (taken whatever their ending), patterns such as "calls/*.wav", or CSV manifests.
        customer: the side of the customer in stereo recordings, where a manifest does not say it.

    Raises:
        InputError: an input does not exist, a manifest is wrong, or there is nothing to work on.
    """
    found: dict[Path, Item] = {}
    for given in inputs:
        for item in _items(given, SIDES[customer]):
            found.setdefault(item.path, item)
    if not found:
        kinds = ", ".join(sorted(RECORDINGS | PHOTOS))
        raise InputError(f"no recordings or photos in {list(inputs)!r}; looked for {kinds}")
    return tuple(found.values())


def _items(given: str, customer: int) -> Iterator[Item]:
    path = Path(given)
    if path.is_dir():
        for folder, folders, names in os.walk(path):
            folders.sort()
            wanted = (n for n in sorted(names) if Path(n).suffix.lower() in RECORDINGS | PHOTOS)
            yield from (_item(Path(folder) / name, customer) for name in wanted)
    elif path.is_file():
        yield from _manifest(path, customer) if path.suffix.lower() == ".csv" else [_item(path, customer)]
    elif any(character in given for character in _MAGIC):
        paths = sorted(Path(name) for name in glob.glob(given, recursive=True))
        if not paths:
            raise InputError(f"nothing fits the pattern {given!r}; quote it, and look where it points")
        yield from (_item(found, customer) for found in paths if found.is_file())
    else:
        raise InputError(f"{given!r} does not exist; give files, folders, patterns or a CSV manifest")


def _manifest(path: Path, customer: int) -> Iterator[Item]:
    """The files a manifest lists; relative paths count from where it lies."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file, strict=True))
            columns = rows[0].keys() if rows else ()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{str(path)!r} cannot be read as a CSV file in UTF-8 ({error}); save it as one") from None
    if not rows:
        raise InputError(f"{str(path)!r} lists nothing; its columns are {', '.join(COLUMNS)}, one recording a row")
    wrong = [str(c) for c in columns if c not in COLUMNS]
    if wrong or "path" not in columns:
        raise InputError(
            f"{str(path)!r} has the columns {[str(c) for c in columns]!r}; wanted are path, and if known "
            "at (2026-11-23T10:15) and customer (left or right)"
        )
    for number, row in enumerate(rows, start=2):
        yield _listed(path, number, row, customer)


def _listed(path: Path, number: int, row: dict[str, str | None], customer: int) -> Item:
    """One row of a manifest. A file that does not exist is found out later, and is then that row's error."""
    where = f"{str(path)!r}, line {number}"
    if not (given := (row["path"] or "").strip()):
        raise InputError(f"{where}: no path")
    side = (row.get("customer") or "").strip().lower()
    if side and side not in SIDES:
        raise InputError(f"{where}: customer must be left or right, got {side!r}")
    item = _item(path.parent / given, SIDES[side] if side else customer)
    if not (at := (row.get("at") or "").strip()):
        return item
    try:
        return replace(item, at=dt.datetime.fromisoformat(at).replace(tzinfo=None), dated="manifest")
    except ValueError:
        raise InputError(f"{where}: at must be like 2026-11-23T10:15, got {at!r}") from None


def _item(path: Path, customer: int) -> Item:
    try:
        facts = path.stat()
        size, changed = facts.st_size, facts.st_mtime_ns
    except OSError:
        size, changed = 0, 0
    at, dated = _told_by(path.stem), "name"
    if at is None:
        at, dated = dt.datetime.fromtimestamp(changed // 10**9), "file"
    return Item(path, name_of(path), at, "name" if dated == "name" else "file", customer, (size, changed, customer))


def _told_by(stem: str) -> dt.datetime | None:
    """The day, and the time if it is there, in a file's name: 20261123-101500, 2026-11-23_10h15."""
    for match in _IN_NAME.finditer(stem):
        try:
            return dt.datetime(*(int(part or 0) for part in match.groups()))  # type: ignore[arg-type]
        except ValueError:
            continue
    return None


def duplicates(items: Sequence[Item]) -> dict[str, str]:
    """Names of files that hold the same bytes as one before them -> that one's name; only like sizes are read."""
    sizes = Counter(item.stamp[0] for item in items)
    first: dict[tuple[int, str], str] = {}
    found = {}
    for item in items:
        if sizes[item.stamp[0]] > 1 and item.stamp[0] and (digest := _digest(item.path)):
            original = first.setdefault((item.stamp[0], digest), item.name)
            if original != item.name:
                found[item.name] = original
    return found


def _digest(path: Path) -> str:
    """SHA-256 of a file; empty where it cannot be read, which is found out later."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""
