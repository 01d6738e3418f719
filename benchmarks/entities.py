"""How many phrases the entity recognizers get right, and how long they take a turn.

    python -m benchmarks.entities [--show] [--texts N]

The phrases are ours, typed and as speech recognition writes them, in `entity_phrases.tsv`: the `tuned` ones were looked
at while the recognizers were written, the `held` ones were written before and measured after. A phrase is right when
exactly the expected value of its type remains after merging, or nothing of it where nothing is expected. Each
recognizer is tried in a pack that has every recognizer, and those of the retail pack in that one. No model is used.
"""

from __future__ import annotations

import argparse
import datetime as dt
import statistics
import time
from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from agent.agent import product_names
from agent.domain import EntityType, Pack
from agent.entities import Names, Recognizers, merge
from agent.products import ProductGraph

PHRASES = Path(__file__).with_name("entity_phrases.tsv")
TODAY = dt.date(2026, 11, 22)
CURRENCIES = {"US": "USD", "GB": "GBP", "DE": "EUR"}
SHOES = Names({"air max 90": "airmax90", "air max 95": "airmax95", "trail runner": "trail"})
KINDS = (
    EntityType("member", recognizer="id", pattern=r"[A-Z]{2}\d{4}"),
    EntityType("ticket", recognizer="id", pattern=r"[A-Z]{2}-\d{4}"),
    EntityType("ean", recognizer="id", pattern=r"\d{13}", checksum="ean"),
    EntityType("shoe", recognizer="catalogue"),
    *(EntityType(name, recognizer=name) for name in ("money", "date", "email", "phone", "card", "iban")),
    *(EntityType(name, recognizer=name) for name in ("country", "currency")),
)


@dataclass(frozen=True)
class Phrase:
    """One phrase and the value that should be found in it; empty for none."""

    part: str
    kind: str
    country: str
    text: str
    value: str


def phrases(path: Path = PHRASES) -> list[Phrase]:
    """The phrases of the file."""
    rows = [line.split("\t") for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return [
        Phrase(part, kind.partition("@")[0], kind.partition("@")[2] or "US", text, value[0] if value else "")
        for part, kind, text, *value in rows
    ]


@cache
def recognizers(shop: bool, country: str = "US", without: str = "") -> Recognizers:
    """Those of the retail pack, or of a pack of every kind but one in some country."""
    retail = Pack.load("retail", with_examples=False)
    if shop:
        return Recognizers(
            retail, product_names(ProductGraph(retail.root / "knowledge" / "products.ttl")), lambda: TODAY
        )
    types = {kind.name: kind for kind in KINDS if kind.name != without}
    pack = replace(retail, entities=types, country=country, currency=CURRENCIES[country])
    return Recognizers(pack, SHOES, lambda: TODAY)


def found(phrase: Phrase) -> list[str]:
    """The values of the phrase's type that are found in it."""
    shop = phrase.kind in Pack.load("retail", with_examples=False).entities and phrase.country == "US"
    without = {"ticket": "member", "member": "ticket"}.get(phrase.kind, "")  # one is the other but for its hyphen
    entities = merge(recognizers(shop, phrase.country, without).find(phrase.text))
    return [entity.value for entity in entities if entity.type == phrase.kind]


def main() -> None:
    """Print the shares and the time."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--show", action="store_true", help="print the phrases that go wrong")
    parser.add_argument("--texts", type=int, default=500, help="retail sentences to time (the pack's first)")
    options = parser.parse_args()
    right: defaultdict[tuple[str, str], list[bool]] = defaultdict(list)
    for phrase in phrases():
        values = found(phrase)
        ok = values == ([phrase.value] if phrase.value else [])
        right[phrase.part, phrase.kind].append(ok)
        if options.show and not ok:
            print(f"{phrase.part:6} {phrase.kind:10} {phrase.text!r}: wanted {phrase.value!r}, found {values}")
    for part in ("tuned", "held"):
        for (_, kind), oks in sorted((key, oks) for key, oks in right.items() if key[0] == part):
            print(f"{part:6} {kind:16} {sum(oks):3} of {len(oks):3}")
        oks = [ok for key, some in right.items() if key[0] == part for ok in some]
        print(f"{part:6} {'all':16} {sum(oks):3} of {len(oks):3} = {sum(oks) / len(oks):.1%}")
    texts = [example.text for example in Pack.load("retail").examples()[: options.texts]]
    for name, finder in (("retail", recognizers(True)), ("every kind", recognizers(False))):
        times = sorted(_microseconds(finder, text) for text in texts)
        print(f"{name}: {len(texts)} retail texts, median {statistics.median(times):.0f} us, "
              f"95th percentile {times[int(0.95 * len(times))]:.0f} us, longest {times[-1]:.0f} us")  # fmt: skip


def _microseconds(finder: Recognizers, text: str) -> float:
    """The better of two runs, as other work on the machine only ever adds."""
    times = []
    for _ in range(2):
        start = time.perf_counter()
        finder.find(text)
        times.append(1e6 * (time.perf_counter() - start))
    return min(times)


if __name__ == "__main__":
    main()
