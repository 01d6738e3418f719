"""Probabilities of phones as an acoustic model of PocketSphinx, which then finds the words.

PocketSphinx scores each state of its models by Gaussians over features. Here a frame has one feature a phone, the
square root of twice how unlikely the phone is, and each state one Gaussian around 0 that sees its own phone's
feature alone: its logarithm is the phone's, but for a constant. A phone is two states, the phone and then blank,
which may be left out; silence is blank. So the dictionary, the language model and the search for words stay
PocketSphinx's, and a hybrid of network and hidden Markov model (Bourlard and Morgan 1994) needs no decoder of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from modalities.speech.acoustic import BYTE_ORDER
from modalities.speech.sound_encoder import PER_SECOND
from modalities.types import FloatArray

SILENCE = "SIL"
UNLIKELIEST = 25.0
"""Nats below the likeliest phone of a frame beyond which no difference is made."""
BLANK_DISCOUNT = 1.0
"""Nats that blank gives up: what stands in doubt beside silence is rather a phone."""
STEP = float(np.log(2))
"""Nats that staying in a state or leaving it costs."""
UNSEEN = 1e8
"""Variance of a feature that a state does not see."""

TUNING: Mapping[str, Any] = MappingProxyType(
    {
        "frate": PER_SECOND,
        "lw": 0.7,  # the network has learnt some of what the language model knows
        "bestpathlw": 0.7,
        "ascale": 1.4,  # words of a confidence of 0.9 are right nine times in ten
        "wip": 1.0,
        "topn": 1,
        "mixwfloor": 1e-9,
        "maxwpf": 10,  # words that may end in a frame: bounds the lattice, whose work grows with the square of them
        "fwdflat": False,  # a second pass for what triphones leave open
        "beam": 1e-20,  # phones stand out: wider is slower and no better
        "pbeam": 1e-20,
        "wbeam": 1e-12,
        "lpbeam": 1e-12,
        "lponlybeam": 1e-12,
    }
)


def features(log_probabilities: FloatArray) -> FloatArray:
    """What PocketSphinx is given for log probabilities (n, phones), blank first: the same shape."""
    scores = log_probabilities - BLANK_DISCOUNT * (np.arange(log_probabilities.shape[1]) == 0)
    under = scores.max(axis=1, keepdims=True) - scores
    found: FloatArray = np.sqrt(2 * np.minimum(under, UNLIKELIEST)).astype(np.float32)
    return found


def likelihood(segment: Any) -> float:
    """Nats by which a segment of the engine's best path is less likely than any phones at all, steps aside."""
    frames = int(segment.end_frame) - int(segment.start_frame) + 1
    return float(np.log(max(segment.ascore, 1e-300))) + frames * STEP


def once(phones: str) -> str:
    """A pronunciation for this model: a word of one phone is said once (see `language_model.SINGLE_PHONES`)."""
    first, *rest = phones.split()
    return first if rest == [first] else phones


def write(names: Sequence[str], target: Path) -> None:
    """Write the model's folder.

    Args:
        names: blank, then the phones, as they stand in the features.
        target: an empty folder.
    """
    phones = sorted([*names[1:], SILENCE])
    seen = {name: at for at, name in enumerate(names)}
    count, width = len(phones), len(names)
    head = ["0.3", f"{count} n_base", "0 n_tri", f"{3 * count} n_state_map", f"{2 * count} n_tied_state",
            f"{2 * count} n_tied_ci_state", f"{count} n_tied_tmat", "#"]  # fmt: skip
    rows = [
        f"{name} - - - {'filler' if name == SILENCE else 'n/a'} {at} {2 * at} {2 * at + 1} N"
        for at, name in enumerate(phones)
    ]
    (target / "mdef").write_text("\n".join([*head, *rows]) + "\n", encoding="ascii")
    variances = np.full((2 * count, width), UNSEEN, np.float32)
    for at, name in enumerate(phones):
        variances[2 * at, seen.get(name, 0)] = variances[2 * at + 1, 0] = 1.0
    _write(target / "means", [2 * count, 1, 1, width], np.zeros_like(variances))
    _write(target / "variances", [2 * count, 1, 1, width], variances)
    _write(target / "mixture_weights", [2 * count, 1, 1], np.ones(2 * count))
    _write(target / "transition_matrices", [count, 2, 3], np.tile([[0.5, 0.25, 0.25], [0.0, 0.5, 0.5]], (count, 1, 1)))
    (target / "noisedict").write_text("".join(f"{mark} {SILENCE}\n" for mark in ("<s>", "</s>", "<sil>")), "ascii")
    options = f"-feat {width}\n-ceplen {width}\n-ncep {width}\n-nfilt {width}\n-cmn none\n-agc none\n-varnorm no\n"
    (target / "feat.params").write_text(options, encoding="ascii")


def _write(path: Path, sizes: Sequence[int], values: Any) -> None:
    """A file of SphinxTrain's s3 format."""
    flat = np.ascontiguousarray(values, "<f4")
    head = np.array([BYTE_ORDER, *sizes, flat.size], "<i4")
    path.write_bytes(b"s3\nversion 1.0\nendhdr\n" + head.tobytes() + flat.tobytes())
