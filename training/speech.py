"""Compile a pack's speech model: `python -m training.speech --domain DIR [--out DIR]`.

Writes the language model and dictionary that PocketSphinx hears the pack's customers with, made of the pack's
examples, catalogue and word lists (`agent.hearing`), into `speech/` of the pack or another folder. Takes seconds.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from agent.domain import Pack
from agent.errors import CallsightError
from agent.hearing import compile_pack
from modalities.speech.language_model import META


def main(arguments: list[str] | None = None) -> int:
    """Compile one pack's model; 0 when done."""
    parser = argparse.ArgumentParser(prog="python -m training.speech", description=__doc__.split("\n")[0])
    parser.add_argument("--domain", default="retail", help="a pack that ships, by name, or a pack's folder")
    parser.add_argument("--out", type=Path, help="folder to write to (default: speech/ inside the pack)")
    options = parser.parse_args(arguments)
    try:
        pack = Pack.load(options.domain)
        folder = compile_pack(pack, options.out or pack.root / "speech")
    except CallsightError as error:
        print(error, file=sys.stderr)
        return 2
    meta = json.loads((folder / META).read_text(encoding="utf-8"))
    print(f"{folder}: {meta['sentences']} sentences, {meta['words']} words, n-grams {meta['ngrams']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
