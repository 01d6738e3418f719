"""Sound to encoder states on a CPU: the Whisper encoder that is inside Smart Turn v3, out of its wheel.

Smart Turn (`modalities.speech.live_turn`) was made from Whisper-tiny's encoder, trained on 680,000 hours of speech
(Radford et al. 2022, arXiv:2212.04356). What it was tuned for later is the end of turns; its last states still tell
the sounds of speech, in noise and over telephone lines, far better than features of one's own making would. The graph
is changed in memory as it loads: it gives the states, and takes sound of any length up to 8 s.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

import numpy as np

from modalities.audio import resample
from modalities.errors import MissingPartError, WeightsError
from modalities.speech.live_turn import RATE, SECONDS, log_mel, model_path, session
from modalities.types import Audio, FloatArray

WIDTH = 384
PER_SECOND = 50
"""States of one second."""

LEAD = 0.5
"""Seconds of silence shown before the sound."""
AROUND = 1.0
"""Seconds that windows of a longer recording share; states near a window's edge are taken from the other one."""

_POSITIONS, _STATES, _LENGTH = "inner.encoder.embed_positions.weight", "layer_norm_8", "val_21"
_STEP = RATE // PER_SECOND


class SoundEncoder:
    """Encoder states of recordings. Safe to use from several threads; its one session is shared.

    Raises:
        MissingPartError: pipecat-ai, onnx or onnxruntime is not installed.
        WeightsError: the wheel's model is not the one this was written for.
    """

    def __init__(self) -> None:
        self._session = _session()

    def encode(self, audio: Audio) -> FloatArray:
        """States, shape (n, 384), n = 50 a second, the last maybe of a part of its 20 ms; any rate and length."""
        samples = resample(audio, RATE).samples
        most, shared = round((SECONDS - LEAD) * RATE), round(AROUND * RATE)
        if len(samples) <= most:
            return self._window(samples)
        parts = []
        for start in range(0, len(samples) - shared, most - shared):
            states, last = self._window(samples[start : start + most]), start + most >= len(samples)
            half = shared // 2 // _STEP
            parts.append(states[half if start else 0 : None if last else len(states) - half])
        found: FloatArray = np.concatenate(parts)
        return found

    def _window(self, samples: FloatArray) -> FloatArray:
        seconds = -(-(len(samples) + round(LEAD * RATE)) // _STEP) / PER_SECOND
        (states,) = self._session.run([_STATES], {"input_features": log_mel(samples, seconds)[None]})
        found: FloatArray = states[0][len(states[0]) - -(-len(samples) // _STEP) :]
        return found


def fingerprint() -> str:
    """Of the model: what was trained on another's states does not fit it."""
    return hashlib.sha256(model_path().read_bytes()).hexdigest()[:16]


@cache
def _session() -> Any:
    return session(_states_graph())


def _states_graph() -> bytes:
    """Smart Turn's graph with its last states as the output, and as many positions as there are frames."""
    try:
        import onnx
        from onnx import TensorProto, helper, numpy_helper
    except ImportError as error:
        raise MissingPartError("encoding sound needs the package onnx; pip install onnx") from error
    model = onnx.load(str(model_path()))
    graph = model.graph
    made = {name for node in graph.node for name in node.output} | {tensor.name for tensor in graph.initializer}
    if not {_POSITIONS, _STATES, _LENGTH, "permute"} <= made:
        raise WeightsError("the installed pipecat-ai holds another Smart Turn; pip install pipecat-ai==1.14.0")
    del graph.output[:], graph.value_info[:]
    graph.output.append(helper.make_tensor_value_info(_STATES, TensorProto.FLOAT, None))
    graph.input[0].type.tensor_type.shape.dim[2].dim_param = "frames"
    for name, value in (("first_axis", 0), ("to_the_end", 2**62)):
        graph.initializer.append(numpy_helper.from_array(np.array([value], np.int64), name))
    for node in graph.node:
        for at, name in enumerate(node.input):
            node.input[at] = {_LENGTH: "states", _POSITIONS: "positions"}.get(name, name)
    graph.node.extend(
        [
            helper.make_node("Shape", ["permute"], ["states"], start=1, end=2),
            helper.make_node("Neg", ["states"], ["states_back"]),
            helper.make_node("Slice", [_POSITIONS, "states_back", "to_the_end", "first_axis"], ["positions"]),
        ]
    )
    _sort(graph)
    result: bytes = model.SerializeToString()
    return result


def _sort(graph: Any) -> None:
    """Nodes after what they need, as the format wants them."""
    known = {tensor.name for tensor in graph.initializer} | {given.name for given in graph.input} | {""}
    waiting, ordered = list(graph.node), []
    while waiting:
        left = []
        for node in waiting:
            if known.issuperset(node.input):
                known.update(node.output)
                ordered.append(node)
            else:
                left.append(node)
        if len(left) == len(waiting):
            raise WeightsError("the installed pipecat-ai holds another Smart Turn; pip install pipecat-ai==1.14.0")
        waiting = left
    del graph.node[:]
    graph.node.extend(ordered)
