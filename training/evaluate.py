"""How good a checkpoint is on labelled sentences.

python -m training.evaluate --domain DIR --weights WEIGHTS --data FILE.jsonl [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from agent.checkpoint import EncoderId, check_encoder, check_labels, load
from agent.config import load_settings
from agent.domain import Pack
from agent.errors import CallsightError, InputError
from modalities.text import TextEncoder
from training.measure import report, scores_of
from training.rows import read_rows


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Measure a checkpoint on labelled sentences.")
    parser.add_argument("--domain", required=True, help="pack: a name or a folder")
    parser.add_argument("--weights", required=True, type=Path, help="checkpoint folder")
    parser.add_argument("--data", required=True, type=Path, help="JSONL shaped like a pack's examples (docs/data.md)")
    parser.add_argument("--stack", default="embedded", help="names the text encoder")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args(argv)
    try:
        figures = evaluate(arguments.domain, arguments.weights, arguments.data, arguments.stack)
    except CallsightError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if arguments.json:
        print(json.dumps(figures))
    else:
        print(f"{arguments.data} with {arguments.weights}:")
        for name, value in figures.items():
            print(f"  {name:34} {value:.4f}" if isinstance(value, float) else f"  {name:34} {value}")
    return 0


def evaluate(domain: str, weights: Path, data: Path, stack: str = "embedded") -> dict[str, float | int]:
    """Figures of a checkpoint on a file of labelled sentences; see `training.measure.report` for the keys.

    Raises:
        CallsightError: the pack, weights or file cannot be used; the message names which and why.
    """
    settings = load_settings(stack)
    pack = Pack.load(domain)
    if not data.is_file():
        raise InputError(f"no file {str(data)!r}; give a JSONL file of labelled sentences")
    rows = read_rows(data, tuple(pack.intents))
    if not rows:
        raise InputError(f"{str(data)!r} holds no sentences")
    checkpoint = load(weights)
    check_labels(checkpoint, tuple(pack.intents), tuple(pack.entities))
    encoder = TextEncoder(settings.text.model, settings.device)
    check_encoder(checkpoint, "text", EncoderId(settings.text.model, encoder.width, encoder.fingerprint))
    if checkpoint.adapter is not None:
        encoder.adapt(checkpoint.adapter)
    model = checkpoint.model.to(settings.device)
    return report(rows, scores_of(rows, encoder, model, None), model, checkpoint.calibration)


if __name__ == "__main__":
    sys.exit(main())
