"""A voice's sound as a telephone line takes it: 8 kHz, one byte a sample, frame by frame as it is made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import numpy as np

from modalities.audio import PHONE_RATE, encode_alaw, encode_mulaw
from modalities.errors import InputError
from modalities.types import Audio

FRAME_BYTES = 160  # 20 ms
ENCODERS = {"mulaw": encode_mulaw, "alaw": encode_alaw}


def frames(pieces: Iterable[Audio], codec: Literal["mulaw", "alaw"] = "mulaw") -> Iterator[bytes]:
    """G.711 frames of 20 ms, 160 bytes each, as soon as there is sound for them; the last is filled with silence.

    Args:
        pieces: sound of one rate, such as `Voice.stream` gives.
        codec: mu-law (North America, Japan) or A-law.

    Raises:
        InputError: an unknown codec, or pieces of differing rates.
    """
    import soxr

    if codec not in ENCODERS:
        raise InputError(f"unknown codec {codec!r}; there are {', '.join(ENCODERS)}")
    rate, line, waiting = 0, None, b""
    for piece in pieces:
        if line is None:
            rate, line = piece.rate, soxr.ResampleStream(piece.rate, PHONE_RATE, 1, dtype="float32", quality="MQ")
        if piece.rate != rate:
            raise InputError(f"pieces must have one rate, got {piece.rate} after {rate}")
        waiting += ENCODERS[codec](Audio(line.resample_chunk(piece.samples), PHONE_RATE))
        whole = len(waiting) // FRAME_BYTES * FRAME_BYTES
        yield from (waiting[i : i + FRAME_BYTES] for i in range(0, whole, FRAME_BYTES))
        waiting = waiting[whole:]
    if line is not None:
        rest = line.resample_chunk(np.zeros(0, dtype=np.float32), last=True)
        waiting += ENCODERS[codec](Audio(rest, PHONE_RATE))
        silence = ENCODERS[codec](Audio(np.zeros(1, dtype=np.float32), PHONE_RATE))
        waiting += silence * (-len(waiting) % FRAME_BYTES)
        yield from (waiting[i : i + FRAME_BYTES] for i in range(0, len(waiting), FRAME_BYTES))
