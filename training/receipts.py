"""Receipts to learn from: photos read once by our own OCR, their keys laid over the text as character spans.

`python -m training.receipts ocr --data DIR --cache DIR` reads the photos (resumable; minutes);
`python -m training.receipts check --data DIR --cache DIR` tells how many keys were found again in the text.
DIR holds `images/receipts/img/*.jpg` and `key/*.json` (company, date, address, total), as in ICDAR 2019 SROIE.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from modalities.errors import InputError
from modalities.types import Image, TextLine, join_lines
from training.align import Span, locate, normal

FOLDER = Path("images/receipts")
_HELD_OUT = 0.2


@dataclass(frozen=True)
class LabelledReceipt:
    """A receipt as read, with its key found again in the text.

    Attributes:
        name: of the photo, without suffix.
        lines: what the OCR read, in reading order.
        spans: (type, start, end) in the lines joined by newlines; types company, date, address, total; a field may
            have several (an address over rows is one span a piece; a total printed twice is labelled twice) or none.
        key: the true values as written by the annotators.
    """

    name: str
    lines: tuple[TextLine, ...]
    spans: tuple[Span, ...]
    key: Mapping[str, str]

    @property
    def held_out(self) -> bool:
        """Whether it is kept for measuring."""
        return is_held_out(self.name)


def is_held_out(name: str) -> bool:
    """The fixed split: one receipt in five, by a hash of its name."""
    return int(sha256(name.encode()).hexdigest()[:8], 16) / 2**32 < _HELD_OUT


def read_all(data: Path, cache: Path, threads: int = 1) -> int:
    """Read every receipt that is not yet in the cache; returns how many were read now.

    Raises:
        InputError: `data` holds no receipts.
    """
    from modalities.ocr import Reader

    photos = sorted((data / FOLDER / "img").glob("*.jpg"))
    if not photos:
        raise InputError(f"no receipts in {data / FOLDER / 'img'}; give the data folder with --data")
    cache.mkdir(parents=True, exist_ok=True)
    left = [photo for photo in photos if not (cache / f"{photo.stem}.json").exists()]
    reader = Reader(threads)
    for done, photo in enumerate(left, 1):
        image = Image.open(photo)
        key = json.loads((data / FOLDER / "key" / f"{photo.stem}.json").read_text(encoding="utf-8"))
        _write(cache / f"{photo.stem}.json", image, reader.read(image), key)
        if done % 25 == 0 or done == len(left):
            print(f"{done}/{len(left)}", file=sys.stderr, flush=True)
    return len(left)


def load_receipts(data: Path, cache: Path) -> list[LabelledReceipt]:
    """Every receipt that has been read, with its key laid over the text, sorted by name.

    A receipt that was scanned twice is left out where its other scan is held out, so that the split stays clean.

    Args:
        data: the data folder; only named in messages, the cache holds the keys too.
        cache: what `read_all` filled.

    Raises:
        InputError: the cache is empty.
    """
    found = [_read_entry(path) for path in sorted(cache.glob("*.json"))]
    if not found:
        raise InputError(
            f"nothing read in {cache} yet; run python -m training.receipts ocr --data {data} --cache {cache}"
        )
    kept = {_purchase(receipt) for receipt in found if receipt.held_out}
    return [receipt for receipt in found if receipt.held_out or _purchase(receipt) not in kept]


def _purchase(receipt: LabelledReceipt) -> tuple[str, ...]:
    """What two scans of one receipt have in common."""
    return tuple(normal(receipt.key.get(field) or "") for field in ("company", "date", "total"))


def _read_entry(path: Path) -> LabelledReceipt:
    record = json.loads(path.read_text(encoding="utf-8"))
    lines = tuple(TextLine(line["text"], tuple(line["box"]), line["confidence"]) for line in record["lines"])
    return LabelledReceipt(path.stem, lines, locate(lines, record["key"]), record["key"])


def _check(data: Path, cache: Path) -> None:
    """Print in how many receipts each field of the key was found again in the text."""
    receipts = load_receipts(data, cache)
    counts = Counter(kind for receipt in receipts for kind in {span[0] for span in receipt.spans})
    held = sum(receipt.held_out for receipt in receipts)
    print(f"{len(receipts)} receipts, {held} held out")
    for field in ("company", "date", "address", "total"):
        print(f"{field:8} found in {counts[field]} ({counts[field] / len(receipts):.1%})")
    words = sum(len(join_lines(receipt.lines)) for receipt in receipts)
    print(f"{words / len(receipts):.0f} characters a receipt")


def _write(path: Path, image: Image, lines: Sequence[TextLine], key: Mapping[str, str]) -> None:
    """One cache entry, whole or not at all."""
    record = {
        "width": image.width,
        "height": image.height,
        "lines": [{"text": line.text, "box": line.box, "confidence": line.confidence} for line in lines],
        "key": key,
    }
    part = path.with_suffix(".part")
    part.write_text(json.dumps(record, ensure_ascii=False), encoding="utf-8")
    os.replace(part, path)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m training.receipts", description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=("ocr", "check"))
    parser.add_argument("--data", type=Path, required=True, help="folder with images/receipts")
    parser.add_argument("--cache", type=Path, required=True, help="folder for what was read; outside the repository")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    if options.command == "ocr":
        print(f"read {read_all(options.data, options.cache, options.threads)} receipts into {options.cache}")
    else:
        _check(options.data, options.cache)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
