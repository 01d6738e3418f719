"""Text to vectors in int8 on a CPU, by ONNX Runtime: several times the speed of full precision, from the same weights.

Nothing is compiled ahead: the graph is made from the encoder's safetensors in memory as it loads, in less time than
`transformers` takes to import, which this file does without.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from modalities.bert_graph import bert_graph
from modalities.capitals import capitals_of
from modalities.errors import MissingPartError, WeightsError
from modalities.locate import fingerprint, locate
from modalities.text import MAX_TOKENS, BaseTextEncoder
from modalities.tuning import tuned
from modalities.types import Encoding

BATCH_TOKENS = 512
"""Tokens of one run; more do not go faster, and their inner activations leave the processor's cache."""

_TABLES = tuple(f"embeddings.{name}_embeddings.weight" for name in ("word", "position", "token_type"))


class Int8TextEncoder(BaseTextEncoder):
    """A Hugging Face encoder of the BERT family in int8; the same texts get the same spans as from `TextEncoder`.

    Attributes:
        name, width, fingerprint: as `modalities.text.TextEncoder` has them.
        device: always "cpu".
    """

    device = "cpu"

    def __init__(self, model: str, adapter: Path | None = None, threads: int = 1) -> None:
        """Load the encoder.

        Args:
            model: see `modalities.locate.locate`; a folder with config, tokenizer.json and safetensors.
            adapter: see `adapt`.
            threads: CPU threads of one run.

        Raises:
            WeightsError: the model or adapter is missing, damaged, does not fit, or is not of the BERT family.
            MissingPartError: onnx or onnxruntime is not installed.
        """
        self.name = model
        self.threads = threads
        path = Path(locate(model))
        try:
            self._config = json.loads((path / "config.json").read_text(encoding="utf-8"))
            self._check_family()
            self._weights = _read_weights(path)
            self._tokenizer = _read_tokenizer(path, int(self._config["max_position_embeddings"]))
            self.width: int = int(self._config["hidden_size"])
        except WeightsError:
            raise
        except Exception as error:  # tokenizers raises plain Exceptions
            raise WeightsError(
                f"text encoder {model!r} cannot be loaded ({type(error).__name__}); give a folder with config.json, "
                "tokenizer.json and model.safetensors, or run: python -m modalities.weights pull STACK"
            ) from error
        self.fingerprint = fingerprint(path)
        if adapter is not None:
            self.adapt(adapter)

    def _check_family(self) -> None:
        known = {"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute"}
        for key, value in known.items():
            if self._config.get(key, value) != value:
                raise WeightsError(
                    f"text encoder {self.name!r} has {key} {self._config[key]!r}, and int8 takes {value!r}; "
                    'set precision = "float32" in [text] of the stack'
                )

    def adapt(self, adapter: Path) -> None:
        """Put tuned weights in; see `modalities.tuning.tuned`. Only before the first text is encoded.

        Raises:
            WeightsError: they are missing, damaged, or do not fit.
        """
        add, tensors = tuned(adapter, lambda name: self._weights[name].shape)
        for name, tensor in tensors.items():
            self._weights[name] = self._weights[name] + tensor if add else tensor
        self.__dict__.pop("_session", None)

    @cached_property
    def _session(self) -> Any:
        """The graph, ready to run."""
        try:
            import onnx  # noqa: F401
            import onnxruntime
        except ImportError as error:
            raise MissingPartError(
                f"int8 needs the package {error.name!r}; run: pip install onnx onnxruntime"
            ) from error
        config = self._config
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = self.threads, 1
        # Its extended rewriting would fuse sums with normalisations, into an operator three times as slow.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.log_severity_level = 3
        try:
            graph = bert_graph(
                self._weights, config["num_hidden_layers"], config["num_attention_heads"], config["layer_norm_eps"]
            )
            return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except (KeyError, ValueError, RuntimeError) as error:
            raise WeightsError(
                f"text encoder {self.name!r} lacks weights of a BERT ({type(error).__name__}); get it whole again"
            ) from error

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """Encode texts; vectors of special tokens are left out, so an empty text has no vectors."""
        results: list[Encoding | None] = [None] * len(texts)
        encoded = self._tokenizer.encode_batch(list(texts)) if texts else []
        for rows in _batches([len(item.ids) for item in encoded]):
            states = self._states(np.array([encoded[i].ids for i in rows]))
            for i, vectors in zip(rows, states, strict=True):
                real = [k for k, (start, end) in enumerate(encoded[i].offsets) if end > start]
                spans = tuple(encoded[i].offsets[k] for k in real)
                results[i] = Encoding("text", vectors[real], spans, capitals=capitals_of(texts[i], spans))
        return [result for result in results if result is not None]

    def _states(self, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Token vectors (batch, length, width) of token ids (batch, length), none padded."""
        words, places, kinds = (self._weights[name] for name in _TABLES)
        summed = words[ids] + (places[: ids.shape[1]] + kinds[0])
        states: npt.NDArray[np.float32] = self._session.run(None, {"embeddings": summed})[0]
        return states


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Row numbers in batches of one length each: nothing is padded, so nothing is computed in vain."""
    rows: dict[int, list[int]] = defaultdict(list)
    for row, length in enumerate(lengths):
        rows[length].append(row)
    for length, same in sorted(rows.items()):
        size = max(1, BATCH_TOKENS // max(1, length))
        yield from (same[first : first + size] for first in range(0, len(same), size))


def _read_weights(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    from safetensors.numpy import load_file

    return {
        name.removeprefix("bert."): np.asarray(tensor, np.float32)
        for name, tensor in load_file(path / "model.safetensors").items()
    }


def _read_tokenizer(path: Path, places: int) -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
    config = json.loads((path / "tokenizer_config.json").read_text(encoding="utf-8"))
    tokenizer.enable_truncation(int(min(MAX_TOKENS, places, config.get("model_max_length", MAX_TOKENS))))
    tokenizer.no_padding()
    return tokenizer
