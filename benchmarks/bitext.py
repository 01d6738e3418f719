"""Bitext's customer-service intents: trained and tested on a split that no near-duplicate crosses.

    python -m benchmarks.bitext --data DIR

The split ties sentences of cosine 0.9 or more over character n-grams together (training/split.py); the model is
trained by the same command a company trains its own pack with.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
import time
from pathlib import Path

from training import train


def write_pack(data: Path, folder: Path) -> int:
    """Make a pack of the set: intents and sentences, no entities. Returns how many sentences."""
    with (data / "text" / "bitext_customer_service.csv").open(encoding="utf-8-sig", newline="") as f:
        rows = [(row["utterance"], row["intent"]) for row in csv.DictReader(f)]
    names = sorted({intent for _, intent in rows})
    intents = "\n".join(f'{name} = "{name.replace("_", " ")}"' for name in names)
    (folder / "pack.toml").write_text(f'name = "bitext"\n\n[intents]\n{intents}\n', encoding="utf-8")
    lines = [json.dumps({"text": text, "intents": [intent], "entities": []}) for text, intent in rows]
    (folder / "examples.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(rows)


def main() -> int:
    """Train, test, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        pack, out = Path(name, "pack"), Path(name, "weights")
        pack.mkdir()
        count = write_pack(arguments.data, pack)
        started = time.perf_counter()
        options = train.Options(str(pack), out, epochs=arguments.epochs, seed=arguments.seed, threads=arguments.threads)
        figures = train.train(options)
        seconds = time.perf_counter() - started
    print(f"Bitext: {count} sentences, 27 intents, seed {arguments.seed}; {json.dumps(figures['rows'])}")
    print(f"trained in {seconds:.0f} s on {arguments.threads} threads")
    test = figures["test"]
    print(f"test: intent accuracy {test['intent_accuracy']:.4f}, macro-F1 {test['intent_macro_f1']:.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
