"""Fusion and heads for words alone as a graph for ONNX Runtime: the sums of `agent.heads`, sooner than torch has them.

Most turns are words, and beside an encoder in int8 the fusion in full precision is what costs next. The graph is made
in memory from the checkpoint's weights, the layers of tokens in int8 as the encoder's (`modalities.bert_graph`); its
scores are those of `UnderstandingModel.forward` but for rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from agent.errors import MissingPartError
from agent.fusion import MODALITIES, ModalityBatch
from agent.heads import Logits, UnderstandingModel
from modalities.bert_graph import INT32, RUNTIME, Graph

FloatArray = npt.NDArray[np.float32]

EPSILON = 1e-5
"""Of torch's LayerNorm."""


class WordsModel:
    """What `UnderstandingModel` makes of batches that have words and nothing else."""

    def __init__(self, model: UnderstandingModel, threads: int = 1) -> None:
        """Make the graph.

        Args:
            model: trained with words among its inputs; weights that change later are not seen.
            threads: CPU threads of one run.

        Raises:
            MissingPartError: onnx or onnxruntime is not installed.
        """
        try:
            import onnx  # noqa: F401
            import onnxruntime
        except ImportError as error:
            raise MissingPartError(
                f"int8 needs the package {error.name!r}; run: pip install onnx onnxruntime"
            ) from error
        self._model = model
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(words_graph(model), options, ["CPUExecutionProvider"])

    def __call__(self, batch: ModalityBatch) -> Logits:
        """Scores of a batch; see `UnderstandingModel.forward`."""
        mask = batch.mask.numpy()
        present = np.ones((mask.shape[0], mask.shape[1] + 1), np.float32)
        present[:, 1:] = mask
        capitals = np.zeros(mask.shape, np.float32)
        if batch.capitals is not None:
            capitals[:] = batch.capitals.numpy()
        inputs = {"vectors": batch.vectors.numpy(), "capitals": capitals, "present": present}
        pooled, *tags = self._session.run(None, inputs)
        found = [torch.from_numpy(scores) for scores in tags]
        return self._model.read(torch.from_numpy(pooled), {"text": found[0]} if found else {})


def words_graph(model: UnderstandingModel) -> bytes:
    """The graph of fusion and tagger for one modality, "text".

    Input "vectors" is (batch, n, width of the encoder), "capitals" (batch, n), how words are written, "present"
    (batch, 1 + n), 1 where a vector is real and first for the summary, else 0. Outputs: the pooled vectors (batch,
    width); and, for a model with entity types, scores of tags (batch, n, number of tags).
    """
    weights = {name: tensor.detach().float().cpu().numpy() for name, tensor in model.state_dict().items()}
    builder = _Builder(Graph(), weights, model.fusion.config.heads)
    projected = builder.projected("vectors")
    states = builder.with_summary(projected, model.fusion.config.width)
    for layer in range(model.fusion.config.layers):
        states = builder.layer(states, f"fusion.layers.{layer}.")
    outputs = {builder.pooled(states, "vectors"): 2}
    if model.labels.entities:
        outputs[builder.tags(states, projected)] = 3
    inputs: dict[str, list[str | int]] = {
        "vectors": ["batch", "length", model.fusion.config.inputs["text"]],
        "capitals": ["batch", "length"],
        "present": ["batch", "more"],
    }
    return builder.graph.serialised("words", inputs, outputs)


class _Builder:
    """The pieces of the graph, under the names of the model's weights."""

    def __init__(self, graph: Graph, weights: Mapping[str, FloatArray], heads: int) -> None:
        self.graph = graph
        self._weights = weights
        self._heads = heads

    def projected(self, vectors: str) -> str:
        """Token vectors at the width of the fusion, marked as words."""
        kind = self._weights["fusion.kind.weight"][MODALITIES.index("text")]
        normal = self._normal(vectors, "fusion.project.text.0")
        bias = self._weights["fusion.project.text.1.bias"] + kind
        return self.graph.linear(normal, self._weights["fusion.project.text.1.weight"], bias)

    def with_summary(self, projected: str, width: int) -> str:
        """The summary before the words."""
        add, constant = self.graph.add, self.graph.constant
        rows = add("Shape", ["present"], start=0, end=1)
        shape = add("Concat", [rows, constant(np.array([1, width], np.int64))], axis=0)
        summary = add("Expand", [constant(self._weights["fusion.summary"][None, None]), shape])
        result: str = add("Concat", [summary, projected], axis=1)
        return result

    def layer(self, x: str, prefix: str) -> str:
        """One pre-norm layer, as `torch.nn.TransformerEncoderLayer` has it."""
        add, weights = self.graph.add, self._weights
        together = self.graph.linear(self._normal(x, f"{prefix}norm1"), weights[f"{prefix}self_attn.in_proj_weight"])
        query, key, value = add("Split", [together], outputs=3, axis=-1, num_outputs=3)
        bias = self.graph.constant(weights[f"{prefix}self_attn.in_proj_bias"])
        mask = add("Cast", ["present"], to=INT32)
        seen = add("MultiHeadAttention", [query, key, value, bias, mask], domain=RUNTIME, num_heads=self._heads)
        x = add("Add", [x, self._dense(seen, f"{prefix}self_attn.out_proj")])
        inner = self.graph.linear(self._normal(x, f"{prefix}norm2"), weights[f"{prefix}linear1.weight"])
        inner = add("BiasGelu", [inner, self.graph.constant(weights[f"{prefix}linear1.bias"])], domain=RUNTIME)
        result: str = add("Add", [x, self._dense(inner, f"{prefix}linear2")])
        return result

    def pooled(self, states: str, vectors: str) -> str:
        """What the words say together, before and through attention."""
        add, constant = self.graph.add, self.graph.constant
        one, last = constant(np.array([1], np.int64)), constant(np.array([2], np.int64))
        mean = self._mean(states, add("Unsqueeze", ["present", last]))
        first = add("Gather", [states, constant(np.array(0, np.int64))], axis=1)
        attended = self._normal(add("Add", [first, mean]), "fusion.norm")
        attended = add("Mul", [attended, constant(self._weights["fusion.gate"])])
        real = add("Unsqueeze", [add("Slice", ["present", one, constant(_END), one]), last])
        plain = self._whole(self._normal(self._mean(vectors, real), "fusion.shortcut.text.0"), "fusion.shortcut.text.1")
        some = add("Min", [add("ReduceSum", [real, one], keepdims=0), constant(np.float32(1))])
        result: str = add("Add", [attended, add("Mul", [plain, some])])
        return result

    def tags(self, states: str, projected: str) -> str:
        """The tagger on the words before and after attention, and how they are written."""
        add, constant = self.graph.add, self.graph.constant
        written = add("Gather", [constant(self._weights["capitals.weight"]), add("Cast", ["capitals"], to=INT32)])
        projected = add("Add", [projected, written])
        one = constant(np.array([1], np.int64))
        tokens = add("Slice", [states, one, constant(_END), one])
        inner = self.graph.linear(add("Concat", [tokens, projected], axis=-1), self._weights["tags.0.weight"])
        inner = add("BiasGelu", [inner, constant(self._weights["tags.0.bias"])], domain=RUNTIME)
        return self._dense(inner, "tags.2.1")

    def _mean(self, vectors: str, weights: str) -> str:
        """The mean of real vectors, (batch, width); zeros where none is."""
        add, over = self.graph.add, self.graph.constant(np.array([1], np.int64))
        total = add("ReduceSum", [add("Mul", [vectors, weights]), over], keepdims=0)
        count = add("Max", [add("ReduceSum", [weights, over], keepdims=0), self.graph.constant(np.float32(1))])
        result: str = add("Div", [total, count])
        return result

    def _normal(self, x: str, name: str) -> str:
        scale, shift = (self.graph.constant(self._weights[f"{name}.{part}"]) for part in ("weight", "bias"))
        result: str = self.graph.add("LayerNormalization", [x, scale, shift], epsilon=EPSILON)
        return result

    def _dense(self, x: str, name: str) -> str:
        """A layer of tokens, its factors in int8."""
        return self.graph.linear(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _whole(self, x: str, name: str) -> str:
        """A layer in full precision, for the one vector of a turn."""
        product = self.graph.add("MatMul", [x, self.graph.constant(self._weights[f"{name}.weight"].T)])
        return str(self.graph.add("Add", [product, self.graph.constant(self._weights[f"{name}.bias"])]))


_END = np.array([2**31 - 1], np.int64)
"""Where a slice goes on to the end."""
