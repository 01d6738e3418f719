"""PocketSphinx's acoustic model, and models adapted from it: Gaussians and mixture weights in the engine's own files.

The wheel's model is phonetically tied: each of 42 phones has a codebook of 128 Gaussians in each of three streams of
features (cepstra, their first and second differences), and each tied state weighs its phone's Gaussians. An adapted
model is one safetensors file with the Gaussians and the weights of the states that were adapted; `folder` puts it
together with the rest out of the wheel. `training.acoustic` makes them.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from modalities.errors import WeightsError
from modalities.speech.language_model import engine_model
from modalities.types import FloatArray

CODEBOOKS, STREAMS, GAUSSIANS, WIDTH = 42, 3, 128, 13
BYTE_ORDER = 0x11223344
UNIT = 1024 * float(np.log(1.0001))  # natural logarithms per step of an 8-bit mixture weight
LEAST_WEIGHT = 159  # steps below which the engine knows no weight
VARIANCE_FLOOR = 1e-4  # the engine's own
LINKED = ("mdef", "feat.params", "noisedict", "transition_matrices")


@dataclass(frozen=True, eq=False)
class Acoustics:
    """Gaussians and mixture weights.

    Attributes:
        means: shape (codebooks, streams, Gaussians, 13).
        variances: the same shape.
        weights: shape (streams, Gaussians, states), uint8: steps of `UNIT` below certainty.
    """

    means: FloatArray
    variances: FloatArray
    weights: npt.NDArray[np.uint8]


def engine_folder() -> Path:
    """The wheel's acoustic model.

    Raises:
        MissingPartError: pocketsphinx is not installed.
    """
    return engine_model() / "en-us"


def fingerprint() -> str:
    """Of the wheel's model: what was adapted from another does not fit it."""
    return hashlib.sha256((engine_folder() / "means").read_bytes()).hexdigest()[:16]


def read_engine() -> Acoustics:
    """The wheel's model."""
    source = engine_folder()
    _, weights = _read_weights(source)
    variances = np.maximum(_read_gaussians(source / "variances"), np.float32(VARIANCE_FLOOR))
    return Acoustics(_read_gaussians(source / "means"), variances, weights)


def codebooks() -> npt.NDArray[np.int64]:
    """The codebook of each tied state: the phone it belongs to, read off the engine's "mdef" file."""
    data = (engine_folder() / "mdef").read_bytes()
    at = 12 + _int(data, 8)  # mark, version, length-marked description
    phones, triphones, per_phone, _, states, _, sequences, _, branches, _ = np.frombuffer(data, "<i4", 10, at)
    start = at = at + 40
    for _ in range(phones):  # names, each ended by a zero byte, all filled up to four bytes
        at = data.index(b"\0", at) + 1
    at = start + (at - start + 3) // 4 * 4 + 8 * int(branches)
    kind = np.dtype([("sequence", "<i4"), ("transitions", "<i4"), ("info", "u1", 4)])
    table = np.frombuffer(data, kind, int(triphones), at)
    at += 12 * int(triphones) + 4
    tied = np.frombuffer(data, "<i2", int(sequences * per_phone), at).reshape(-1, int(per_phone))
    found = np.zeros(int(states), dtype=np.int64)
    for number, row in enumerate(table):
        found[tied[row["sequence"]]] = number if number < phones else row["info"][1]
    return found


def save(acoustics: Acoustics, path: Path, **notes: str) -> None:
    """Write an adapted model: Gaussians in half precision, and the weights that differ from the wheel's."""
    from safetensors.numpy import save_file

    states = np.flatnonzero((acoustics.weights != read_engine().weights).any(axis=(0, 1)))
    tensors: dict[str, npt.NDArray[np.generic]] = {
        "means": acoustics.means.astype(np.float16),
        "variances": np.maximum(acoustics.variances, VARIANCE_FLOOR).astype(np.float16),
        "states": states.astype(np.int32),
        "weights": np.ascontiguousarray(acoustics.weights[..., states]),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, metadata={**notes, "adapted_from": fingerprint()})


def load(path: Path) -> Acoustics:
    """Read an adapted model.

    Raises:
        WeightsError: the file is missing, damaged, or adapted from another model than the wheel's.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            notes = file.metadata() or {}
            found = {name: file.get_tensor(name) for name in ("means", "variances", "states", "weights")}
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"acoustic model {str(path)!r} is missing or damaged: fetch the project again") from error
    if notes.get("adapted_from") != fingerprint():
        raise WeightsError(f"acoustic model {str(path)!r} is not for the installed pocketsphinx; pip install 5.1.1")
    engine = read_engine()
    shape, states = (STREAMS, GAUSSIANS, len(found["states"])), engine.weights.shape[-1]
    fits = found["means"].shape == found["variances"].shape == engine.means.shape and found["weights"].shape == shape
    if not fits or not ((found["states"] >= 0) & (found["states"] < states)).all():
        raise WeightsError(f"acoustic model {str(path)!r} is of another shape than the installed pocketsphinx's")
    weights = engine.weights.copy()
    weights[..., found["states"]] = found["weights"]
    return Acoustics(found["means"].astype(np.float32), found["variances"].astype(np.float32), weights)


@contextmanager
def folder(path: Path | None) -> Iterator[Path]:
    """A model's folder as the engine reads it, there until the context ends; None is the wheel's own."""
    if path is None:
        yield engine_folder()
        return
    with tempfile.TemporaryDirectory() as name:
        write(load(path), Path(name))
        yield Path(name)


def write(acoustics: Acoustics, target: Path) -> None:
    """Write a model as the engine reads it, the rest linked to the wheel's."""
    source = engine_folder()
    for name in LINKED:
        (target / name).symlink_to(source / name)
    for name, values in (("means", acoustics.means), ("variances", acoustics.variances)):
        head = np.array([BYTE_ORDER, CODEBOOKS, STREAMS, GAUSSIANS, *[WIDTH] * STREAMS, values.size], dtype="<i4")
        body = b"s3\nversion 1.0\nendhdr\n" + head.tobytes() + values.astype("<f4").tobytes()
        (target / name).write_bytes(body)
    start, _ = _read_weights(source)
    steps = np.minimum(acoustics.weights, LEAST_WEIGHT).astype(np.uint8)
    (target / "sendump").write_bytes((source / "sendump").read_bytes()[:start] + steps.tobytes())


def _read_gaussians(path: Path) -> FloatArray:
    """A file of means or variances: text up to "endhdr", sizes, values (SphinxTrain's s3 format)."""
    data = path.read_bytes()
    start = data.index(b"endhdr\n") + 7
    sizes = np.frombuffer(data, "<i4", count=8, offset=start)
    if tuple(sizes[:7]) != (BYTE_ORDER, CODEBOOKS, STREAMS, GAUSSIANS, *[WIDTH] * STREAMS):
        raise WeightsError(f"{str(path)!r} is not the acoustic model this was written for; pip install 5.1.1")
    values = np.frombuffer(data, "<f4", count=int(sizes[7]), offset=start + 32)
    return values.reshape(CODEBOOKS, STREAMS, GAUSSIANS, WIDTH).copy()


def _read_weights(source: Path) -> tuple[int, npt.NDArray[np.uint8]]:
    """Where the mixture weights begin in "sendump", and the weights: after length-marked text, rows and columns."""
    data, at = (source / "sendump").read_bytes(), 0
    for _ in range(2):  # title, header
        at += 4 + _int(data, at)
    while length := _int(data, at):
        at += 4 + length
    rows, columns = _int(data, at + 4), _int(data, at + 8)
    values = np.frombuffer(data, np.uint8, count=STREAMS * rows * columns, offset=at + 12)
    return at + 12, values.reshape(STREAMS, rows, columns)


def _int(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")
