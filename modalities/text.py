"""Text to vectors with character spans, through any Hugging Face text encoder. Knows nothing of intents."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from modalities.errors import WeightsError
from modalities.locate import fingerprint, locate
from modalities.types import Box, Encoding, TextLine

if TYPE_CHECKING:
    import torch

MAX_TOKENS = 256
"""Tokens read of one text; what follows is left out (a spoken or typed turn is far shorter)."""


class TextEncoder:
    """A Hugging Face text encoder whose token vectors keep their place in the text.

    Attributes:
        name: the model's name as given.
        width: size of each vector.
        fingerprint: tells this model from others (see `modalities.locate.fingerprint`).
    """

    def __init__(self, model: str, device: str = "cpu", adapter: Path | None = None) -> None:
        """Load the encoder.

        Args:
            model: see `modalities.locate.locate`.
            device: a torch device.
            adapter: folder of a LoRA adapter (Hu et al. 2021, arXiv:2106.09685) to fold into the weights.

        Raises:
            WeightsError: the model or adapter is missing, damaged, or does not fit.
        """
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        self.name = model
        self.device = device
        path = locate(model)
        try:
            self.tokenizer: Any = AutoTokenizer.from_pretrained(path, local_files_only=True)
            self.model: Any = AutoModel.from_pretrained(path, local_files_only=True, dtype="float32").to(device).eval()
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise WeightsError(
                f"text encoder {model!r} cannot be loaded ({type(error).__name__}); give a model folder, or run: "
                "python -m modalities.weights pull STACK"
            ) from error
        if not self.tokenizer.is_fast:
            raise WeightsError(f"text encoder {model!r} has no fast tokenizer, which character spans need")
        self.width: int = self.model.config.hidden_size
        self.fingerprint = fingerprint(path) if Path(path).is_dir() else model
        if adapter is not None:
            self.adapt(adapter)

    def adapt(self, adapter: Path) -> None:
        """Fold a LoRA adapter into the weights; see `fold_adapter`."""
        fold_adapter(self.model, adapter)

    def tokens(self, texts: Sequence[str]) -> dict[str, Any]:
        """Token ids, mask and offsets of a padded batch: tensors of shape (batch, length) and (batch, length, 2)."""
        batch: dict[str, Any] = self.tokenizer(
            list(texts),
            padding=True,
            truncation=True,
            max_length=min(MAX_TOKENS, self.tokenizer.model_max_length),
            return_offsets_mapping=True,
            return_tensors="pt",
        )
        return batch

    def forward(self, batch: dict[str, Any]) -> torch.Tensor:
        """Token vectors, shape (batch, length, width), of what `tokens` returned. Gradients flow where enabled."""
        ids, mask = batch["input_ids"].to(self.device), batch["attention_mask"].to(self.device)
        states: torch.Tensor = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
        return states

    def encode(self, texts: Sequence[str], batch_size: int = 64) -> list[Encoding]:
        """Encode texts; vectors of special tokens are left out, so an empty text has no vectors."""
        import torch

        results: list[Encoding | None] = [None] * len(texts)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for first in range(0, len(order), batch_size):
            rows = order[first : first + batch_size]
            batch = self.tokens([texts[i] for i in rows])
            with torch.inference_mode():
                states = self.forward(batch).float().cpu().numpy()
            offsets = batch["offset_mapping"].numpy()
            for row, i in enumerate(rows):
                real = offsets[row, :, 1] > offsets[row, :, 0]
                spans = tuple((int(a), int(b)) for a, b in offsets[row][real])
                results[i] = Encoding("text", np.ascontiguousarray(states[row][real]), spans)
        return [result for result in results if result is not None]

    def encode_lines(self, lines: Sequence[TextLine]) -> Encoding:
        """The print of one photo as one sequence (kind "ocr"): spans into the lines joined by newlines, with boxes.

        Each line is encoded on its own; a vector's box is its share of the line's by characters.
        """
        vectors, spans, boxes = [], [], []
        start = 0
        for line, encoding in zip(lines, self.encode([line.text for line in lines]), strict=True):
            vectors.append(encoding.vectors)
            spans += [(start + a, start + b) for a, b in encoding.spans]
            boxes += [_part(line, a, b) for a, b in encoding.spans]
            start += len(line.text) + 1
        stacked = np.concatenate(vectors) if vectors else np.zeros((0, self.width), np.float32)
        return Encoding("ocr", stacked, tuple(spans), tuple(boxes))

    def pool(self, texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """One unit vector a text (the mean of its token vectors), shape (len(texts), width): for search."""
        encodings = self.encode(texts)
        means = [e.vectors.mean(axis=0) if len(e) else np.zeros(self.width, np.float32) for e in encodings]
        pooled = np.stack(means) if means else np.zeros((0, self.width), np.float32)
        scaled: np.ndarray[Any, np.dtype[np.float32]] = pooled / np.maximum(
            np.linalg.norm(pooled, axis=1, keepdims=True), 1e-9
        )
        return scaled


def _part(line: TextLine, start: int, end: int) -> Box:
    """The place of characters start..end of a line, taking them to be equally wide."""
    x0, y0, x1, y1 = line.box
    step = (x1 - x0) / max(1, len(line.text))
    return (x0 + start * step, y0, x0 + end * step, y1)


def fold_adapter(model: Any, folder: Path) -> None:
    """Add a LoRA adapter, as `peft` saves it, to a model's weights: W + (alpha / r) * B @ A.

    Done here rather than by `peft`, whose import would triple the time to start.

    Raises:
        WeightsError: the adapter is missing, damaged, or made for a model of another shape.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        config = json.loads((folder / "adapter_config.json").read_text())
        tensors = load_file(folder / "adapter_model.safetensors")
        scale = config["lora_alpha"] / config["r"]
        names = [n.removesuffix(".lora_A.weight") for n in tensors if n.endswith(".lora_A.weight")]
        with torch.no_grad():
            for name in names:
                weight = model.get_submodule(name.removeprefix("base_model.model.")).weight
                low, high = tensors[f"{name}.lora_A.weight"], tensors[f"{name}.lora_B.weight"]
                weight += scale * (high.float() @ low.float()).to(weight.device)
    except (OSError, KeyError, ValueError, AttributeError, RuntimeError, SafetensorError) as error:
        raise WeightsError(
            f"adapter {folder.name!r} is missing, damaged, or made for another text encoder ({type(error).__name__}); "
            "train again: python -m training.train"
        ) from error
