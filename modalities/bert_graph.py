"""A BERT encoder's layers in int8, as a graph for ONNX Runtime, made from its weights in memory.

Weights are int8 with a scale for every output; what goes into them is int8 with a scale for every token, found as it
runs (LLM.int8's vector-wise scheme, Dettmers et al. 2022, arXiv:2208.07339): one outlying token does not coarsen the
rest, and a text's vectors do not depend on what else is in its batch. Attention, normalisation and sums stay in full
precision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

OPSET, IR_VERSION = 20, 10
RUNTIME = "com.microsoft"
"""Operators of ONNX Runtime's own, documented in its docs/ContribOperators.md."""

INT32 = 6
"""onnx.TensorProto.INT32, named here so that onnx is imported only by those who make a graph."""

LEVELS = 127
"""Steps on either side of zero."""


class Graph:
    """Nodes and constants, gathered under names that number themselves."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, value: npt.ArrayLike) -> str:
        """Keep a constant; its name."""
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(value, order="C"), name))
        return name

    def add(self, operator: str, inputs: Sequence[str], outputs: int = 1, domain: str = "", **options: Any) -> Any:
        """Append a node; its output's name, or names where there are several."""
        from onnx import helper

        names = [f"n{len(self.nodes)}.{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(operator, list(inputs), names, domain=domain, **options))
        return names[0] if outputs == 1 else names

    def linear(self, x: str, weight: Array, bias: Array | None = None) -> str:
        """Multiply by `weight.T` with both factors in int8, and add `bias`; `weight` is (outputs, inputs)."""
        quantised, scales = quantise(weight)
        step, middle = self.constant(np.float32(1 / LEVELS)), self.constant(np.uint8(LEVELS + 1))
        peak = self.add("ReduceMax", [self.add("Abs", [x]), self.constant(np.array([-1], np.int64))])
        peak = self.add("Add", [peak, self.constant(np.float32(1e-9))])  # a token of zeros stays zero
        unit = self.add("QuantizeLinear", [self.add("Div", [x, peak]), step, middle])
        factors = [unit, self.constant(quantised.T), step, self.constant(scales), middle]
        product = self.add("Mul", [self.add("MatMulIntegerToFloat", factors, domain=RUNTIME), peak])
        return str(product if bias is None else self.add("Add", [product, self.constant(bias)]))

    def serialised(self, name: str, inputs: Mapping[str, Sequence[str | int]], outputs: Mapping[str, int]) -> bytes:
        """The model of what was added, all its inputs and outputs in float32.

        Args:
            name: of the graph.
            inputs: by name, the shape, in numbers and names of what varies.
            outputs: by name, the number of dimensions.
        """
        from onnx import TensorProto, helper

        given = [helper.make_tensor_value_info(key, TensorProto.FLOAT, list(shape)) for key, shape in inputs.items()]
        made = [helper.make_tensor_value_info(key, TensorProto.FLOAT, [None] * n) for key, n in outputs.items()]
        body = helper.make_graph(self.nodes, name, given, made, self.constants)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(RUNTIME, 1)]
        return bytes(helper.make_model(body, opset_imports=opsets, ir_version=IR_VERSION).SerializeToString())


def bert_graph(weights: Mapping[str, Array], layers: int, heads: int, epsilon: float) -> bytes:
    """The graph of a BERT encoder (Devlin et al. 2019): embeddings already summed in, token vectors out.

    Input "embeddings" and output "states" are (batch, length, width) in float32. No row may be padded: what is added up
    in another order is rounded otherwise now and then, and a text's vectors would depend on its batch.

    Args:
        weights: by the names `transformers.BertModel` gives them, float32.
        layers, heads, epsilon: `num_hidden_layers`, `num_attention_heads` and `layer_norm_eps` of its config.

    Raises:
        KeyError: a weight is missing.
    """
    graph = Graph()
    width = weights["embeddings.LayerNorm.weight"].shape[0]
    states = _normalise(graph, "embeddings", weights, "embeddings.LayerNorm", epsilon)
    for layer in range(layers):
        states = _layer(graph, states, weights, f"encoder.layer.{layer}.", heads, epsilon)
    return graph.serialised("bert", {"embeddings": ["batch", "length", width]}, {states: 3})


def _layer(graph: Graph, x: str, weights: Mapping[str, Array], prefix: str, heads: int, epsilon: float) -> str:
    """Attention and feed-forward, each added to what went in and normalised after (post-norm)."""
    parts = [f"{prefix}attention.self.{name}" for name in ("query", "key", "value")]
    together = graph.linear(
        x,
        np.concatenate([weights[f"{part}.weight"] for part in parts]),
        np.concatenate([weights[f"{part}.bias"] for part in parts]),
    )
    query, key, value = graph.add("Split", [together], outputs=3, axis=-1, num_outputs=3)
    seen = graph.add("MultiHeadAttention", [query, key, value], domain=RUNTIME, num_heads=heads)
    seen = _dense(graph, seen, weights, f"{prefix}attention.output.dense")
    x = _normalise(graph, graph.add("Add", [x, seen]), weights, f"{prefix}attention.output.LayerNorm", epsilon)
    inner = graph.add("Gelu", [_dense(graph, x, weights, f"{prefix}intermediate.dense")], domain=RUNTIME)
    inner = _dense(graph, inner, weights, f"{prefix}output.dense")
    return _normalise(graph, graph.add("Add", [x, inner]), weights, f"{prefix}output.LayerNorm", epsilon)


def _normalise(graph: Graph, x: str, weights: Mapping[str, Array], name: str, epsilon: float) -> str:
    scale, shift = (graph.constant(weights[f"{name}.{part}"]) for part in ("weight", "bias"))
    result: str = graph.add("LayerNormalization", [x, scale, shift], epsilon=epsilon)
    return result


def _dense(graph: Graph, x: str, weights: Mapping[str, Array], name: str) -> str:
    return graph.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])


def quantise(weight: Array) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """A weight (outputs, inputs) as int8, and what each output's are to be multiplied by, (outputs,)."""
    scales = np.maximum(np.abs(weight).max(axis=1) / LEVELS, 1e-12).astype(np.float32)
    return np.rint(weight / scales[:, None]).astype(np.int8), scales
