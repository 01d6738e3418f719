"""Writes a pack's examples.jsonl from handwritten sentence frames.

    python -m training.examples --domain agent/domains/retail --seed 7

The same frames and seed give the same file, byte for byte. Each section of the templates draws from its own seed,
so that a change in one leaves the others as they were.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agent.domain import Pack
from agent.products import ProductGraph
from training import surface
from training.frames import Piece, Section, Templates, join
from training.slots import Slots

TEMPLATES = Path(__file__).parent / "templates"
ROWS = 110
"""Examples per section that does not name its own count."""
PAIRS = 330
"""Examples that join a sentence of one section to a sentence of another."""
_TRIES = 12
_DRAWS = 3
"""At least so many examples per frame, on average."""
_ALIKE = 2
"""How many examples may differ in nothing but capitals and punctuation."""
_CONNECTORS = (
    " and also ",
    ". also, ",
    ". and ",
    ", and ",
    " and then ",
    ". another thing, ",
    "? also ",
    " plus ",
    "; ",
)
_PAIRED = (
    "track_order cancel_order",
    "return_item refund_status",
    "return_item place_order",
    "damaged_item refund_status",
    "wrong_item exchange_item",
    "change_address track_order",
    "change_address update_phone",
    "product_price product_availability",
    "product_info product_price",
    "cancel_order place_order",
    "late_delivery complaint",
    "complaint human_agent",
    "promo_code place_order",
    "get_invoice refund_status",
    "delivery_options delivery_time",
    "product_availability delivery_time",
    "update_email unsubscribe",
    "thanks goodbye",
    "deny human_agent",
    "affirm product_price",
    "missing_item track_order",
    "return_policy exchange_item",
    "store_hours product_availability",
    "gift_card payment_methods",
    "payment_problem get_invoice",
    "change_item change_quantity",
    "thanks track_order",
    "deny change_item",
    "subscribe promo_code",
    "delete_account unsubscribe",
)
Row = dict[str, Any]


class Generator:
    """Draws examples of a pack from its templates.

    Args:
        pack: the pack, without its examples.
        templates: the folder of frames.
        seed: any number; the same gives the same rows.
    """

    def __init__(self, pack: Pack, templates: Path, seed: int) -> None:
        self._pack = pack
        self._seed = seed
        self._sections = Templates(templates).sections()
        turtle = pack.root / "knowledge" / "products.ttl"
        self._graph = ProductGraph(turtle) if turtle.exists() else None

    def rows(self) -> Iterator[Row]:
        """Every example, section by section, then those that join two; no words twice with another meaning."""
        meanings: dict[tuple[str, str], list[str]] = {}
        for row in self._drawn():
            words = (row["text"].lower(), row.get("image", ""))
            if meanings.setdefault(words, row["intents"]) == row["intents"]:
                yield row

    def _drawn(self) -> Iterator[Row]:
        for section in self._sections:
            yield from self._draw(section)
        yield from self._pairs()

    def _draw(self, section: Section) -> Iterator[Row]:
        rng = random.Random(f"{self._seed}/{section.name}")
        wanted = max(section.rows or ROWS, _DRAWS * len(section.frames))
        seen: set[str] = set()
        alike: Counter[str] = Counter()
        for _turn in range(_TRIES):
            for frame in rng.sample(section.frames, len(section.frames)):
                if len(seen) >= wanted:
                    return
                style = surface.style(rng)
                pieces = frame.expand(rng, Slots(self._pack, self._graph, rng, style == "spoken"))
                pieces = pieces if section.bare else surface.wrap(pieces, rng)
                row = _row(surface.dress(pieces, style, rng), section.intents, section.photo)
                plain = re.sub(r"\W+", " ", row["text"].lower()).strip()
                if row["text"] in seen or alike[plain] >= _ALIKE:
                    continue
                seen.add(row["text"])
                alike[plain] += 1
                yield row

    def _pairs(self) -> Iterator[Row]:
        rng = random.Random(f"{self._seed}/pairs")
        alone = {s.intents[0]: s for s in self._sections if len(s.intents) == 1 and not s.photo}
        pairs = [tuple(names.split()) for names in _PAIRED]
        pairs = [pair for pair in pairs if all(name in alone for name in pair)]
        for i in range(PAIRS if pairs else 0):
            first, second = pairs[i % len(pairs)]
            style = surface.style(rng)
            fill = Slots(self._pack, self._graph, rng, style == "spoken")
            halves = [rng.choice(alone[name].frames).expand(rng, fill) for name in (first, second)]
            left = [*halves[0][:-1], Piece(halves[0][-1].text.rstrip("?!. "), halves[0][-1].type)]
            pieces = [*left, Piece(rng.choice(_CONNECTORS)), *halves[1]]
            yield _row(surface.dress(surface.wrap(pieces, rng), style, rng), (first, second), "")


def write(pack: Pack, templates: Path, seed: int, path: Path) -> Counter[str]:
    """Write the examples of a pack; an example that was drawn twice is written once.

    Returns:
        How many examples each intent has ("[]" for out of scope), and under "" how many there are.
    """
    counts: Counter[str] = Counter()
    lines: dict[str, None] = {}
    for row in Generator(pack, templates, seed).rows():
        line = json.dumps(row, ensure_ascii=False)
        if line not in lines:
            counts.update(["", *(row["intents"] or ["[]"])])
        lines[line] = None
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8", newline="\n")
    return counts


def _row(pieces: list[Piece], intents: tuple[str, ...], photo: str) -> Row:
    text, spans = join(pieces)
    entities = [{"type": type_, "start": start, "end": end} for type_, start, end in spans]
    row: Row = {"text": text, "intents": list(intents), "entities": entities}
    return row | {"image": f"kind:{photo}"} if photo else row


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Write a pack's examples.jsonl from its sentence frames.")
    parser.add_argument("--domain", default="retail", help="a pack's name or folder")
    parser.add_argument("--templates", type=Path, help="folder of frames (default: training/templates/NAME)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--out", type=Path, help="file to write (default: the pack's examples.jsonl)")
    options = parser.parse_args(arguments)
    pack = Pack.load(options.domain, with_examples=False)
    out = options.out or pack.root / "examples.jsonl"
    counts = write(pack, options.templates or TEMPLATES / pack.name, options.seed, out)
    missing = sorted(set(pack.intents) - set(counts))
    print(f"{out}: {counts.pop('')} examples, {len(counts)} labels")
    print("  ".join(f"{name} {n}" for name, n in sorted(counts.items(), key=lambda item: item[1])))
    if missing:
        print(f"no examples of: {', '.join(missing)}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
