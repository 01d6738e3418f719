"""Whether a speaker who pauses has finished: Smart Turn v3 on the last 8 seconds of a turn.

Smart Turn (https://github.com/pipecat-ai/smart-turn, BSD 2-Clause) is a Whisper-tiny encoder with a head that tells a
finished turn from a pause by its sound: pitch, pace, trailing words. Its weights come in the wheel `pipecat-ai`; they
are found there without importing the package.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from modalities.audio import resample
from modalities.errors import MissingPartError
from modalities.types import Audio, FloatArray

RATE = 16_000
SECONDS = 8.0  # what it sees; shorter turns have silence before them
WINDOW, HOP, MELS = 400, 160, 80  # samples, samples, bands: Whisper's features
LEAST_POWER = 1e-10
VARIANCE_FLOOR = 1e-7


class TurnModel(Protocol):
    """Judges pauses."""

    def probability(self, audio: Audio) -> float:
        """How likely the turn is over, 0..1, from its sound up to now (the pause included)."""
        ...


class SmartTurn:
    """The `TurnModel` of the stacks. Safe to use from several threads; its one session is shared.

    Raises:
        MissingPartError: pipecat-ai or onnxruntime is not installed.
    """

    def __init__(self) -> None:
        self._session = _session()

    def probability(self, audio: Audio) -> float:
        """How likely the turn is over, 0..1, from its sound up to now (the pause included); any rate."""
        samples = resample(audio, RATE).samples[-round(SECONDS * RATE) :]
        (value,) = self._session.run(None, {"input_features": log_mel(samples)[None]})
        return float(np.asarray(value).reshape(-1)[0])


def log_mel(samples: FloatArray, seconds: float = SECONDS) -> FloatArray:
    """Whisper's log-mel features of so many seconds that end with the samples.

    Loudness is evened out as if there were 8 s of them: how much silence is shown changes nothing else.

    Args:
        samples: shape (n,), 16 kHz, no longer than the seconds.
        seconds: 8 at most, in whole frames of 10 ms.

    Returns:
        Shape (80, 100 * seconds).
    """
    whole, full = round(seconds * RATE), round(SECONDS * RATE)
    padded = np.pad(np.nan_to_num(samples), (whole - len(samples), 0))
    mean = padded.sum(dtype=np.float64) / full
    variance = np.square(padded, dtype=np.float64).sum() / full - mean**2
    even = ((padded - mean) / np.sqrt(variance + VARIANCE_FLOOR)).astype(np.float32)
    framed = np.lib.stride_tricks.sliding_window_view(np.pad(even, WINDOW // 2, mode="reflect"), WINDOW)[::HOP]
    window = np.hanning(WINDOW + 1)[:-1]
    power = np.square(np.abs(np.fft.rfft(framed[: whole // HOP] * window, axis=1)))
    logs = np.log10(np.maximum(_filters() @ power.T, LEAST_POWER))
    found: FloatArray = ((np.maximum(logs, logs.max() - 8.0) + 4.0) / 4.0).astype(np.float32)
    return found


@cache
def _filters() -> FloatArray:
    """Slaney's triangular mel bands of equal area, shape (80, 201): linear below 1 kHz, logarithmic above."""
    step = 27.0 / np.log(6.4)  # bands per octave above 1 kHz, in natural logarithms
    top = 15.0 + step * np.log(RATE / 2 / 1000.0)
    mels = np.linspace(0.0, top, MELS + 2)
    edges = np.where(mels < 15.0, mels * 200.0 / 3.0, 1000.0 * np.exp((np.maximum(mels, 15.0) - 15.0) / step))
    lines = np.linspace(0.0, RATE / 2, WINDOW // 2 + 1)
    rise = (lines - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - lines) / np.diff(edges)[1:, None]
    bands = np.maximum(0.0, np.minimum(rise, fall)) * (2.0 / (edges[2:] - edges[:-2]))[:, None]
    found: FloatArray = bands.astype(np.float32)
    return found


def model_path() -> Path:
    """Smart Turn's file in the wheel.

    Raises:
        MissingPartError: pipecat-ai is not installed, or holds another version.
    """
    spec = find_spec("pipecat")  # found, not imported: importing it logs a banner
    if spec is None or not spec.submodule_search_locations:
        raise MissingPartError("Smart Turn needs the package pipecat-ai; pip install pipecat-ai")
    folder = Path(spec.submodule_search_locations[0]) / "audio" / "turn" / "smart_turn" / "data"
    models = sorted(folder.glob("smart-turn-v3*cpu.onnx"))
    if not models:
        raise MissingPartError("pipecat-ai holds no Smart Turn v3 model; pip install pipecat-ai==1.14.0")
    return models[-1]


def session(model: str | bytes) -> Any:
    """A model for one thread, by ONNX Runtime: a path, or the model itself.

    Raises:
        MissingPartError: onnxruntime is not installed.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingPartError("Smart Turn needs the package onnxruntime; pip install onnxruntime") from error
    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, sess_options=options, providers=["CPUExecutionProvider"])


@cache
def _session() -> Any:
    """The model, loaded once and shared: a run of it keeps no state."""
    return session(str(model_path()))
