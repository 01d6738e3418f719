"""Which product of a catalogue a photo shows, likest first. A new product is a folder with a few photos of it.

python -m demos.lookalike PHOTO --products FOLDER [--count 3]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from agent.lookalikes import Lookalikes
from demos.lines import shown
from modalities.errors import CallsightError
from modalities.surfaces import SurfaceEncoder
from modalities.types import Image


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m demos.lookalike", description=__doc__.splitlines()[0])
    parser.add_argument("photo", type=Path)
    parser.add_argument("--products", type=Path, required=True, help="one folder a product, with photos in it")
    parser.add_argument("--count", type=int, default=3)
    options = parser.parse_args(arguments)
    try:
        image = Image.open(options.photo)
        found = Lookalikes(options.products, SurfaceEncoder()).find(image, options.count)
    except CallsightError as error:
        print(error, file=sys.stderr)
        return 2
    for product in found:
        print(f"{product.likeness:.3f}  {shown(product.name)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
