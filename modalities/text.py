"""Text to vectors with character spans, through any Hugging Face text encoder. Knows nothing of intents."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from modalities.capitals import SMALL, capitals_of
from modalities.errors import WeightsError
from modalities.locate import fingerprint, locate
from modalities.tuning import tuned
from modalities.types import Box, Encoding, TextLine

if TYPE_CHECKING:
    import torch

MAX_TOKENS = 256
"""Tokens read of one text; what follows is left out (a spoken or typed turn is far shorter)."""

CPU_BATCH, DEVICE_BATCH = 64, 1024
"""Texts of one forward pass: on a CPU more are not faster, on a CUDA device they are."""

CPU_PADDED, DEVICE_PADDED = 24, 65_536
"""Tokens of one forward pass that may be padding, beyond a tenth of it: about what a pass of its own costs."""


class BaseTextEncoder(ABC):
    """What a text encoder does once it can encode texts.

    Attributes:
        width: size of each vector.
    """

    width: int

    @abstractmethod
    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        """Encode texts; vectors of special tokens are left out, so an empty text has no vectors."""

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


class TextEncoder(BaseTextEncoder):
    """A Hugging Face text encoder whose token vectors keep their place in the text.

    Attributes:
        name: the model's name as given.
        width: size of each vector.
        fingerprint: tells this model from others (see `modalities.locate.fingerprint`).
    """

    def __init__(
        self, model: str, device: str = "cpu", adapter: Path | None = None, precision: str = "float32"
    ) -> None:
        """Load the encoder.

        Args:
            model: see `modalities.locate.locate`.
            device: a torch device.
            adapter: tuned weights; see `adapt`.
            precision: "float32", or "bfloat16" to compute matrix products in that.

        Raises:
            WeightsError: the model or adapter is missing, damaged, or does not fit.
        """
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        self.name = model
        self.device = device
        self.precision = precision
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
        """Put tuned weights in: a LoRA adapter, folded, or whole weights; see `modalities.tuning.tuned`.

        Raises:
            WeightsError: they are missing, damaged, or do not fit.
        """
        import torch

        add, tensors = tuned(adapter, lambda name: tuple(self.model.get_parameter(name).shape))
        with torch.no_grad():
            for name, tensor in tensors.items():
                weight = self.model.get_parameter(name)
                new = torch.from_numpy(tensor).to(weight.device)
                weight.copy_(weight + new if add else new)

    def tokens(self, texts: Sequence[str]) -> dict[str, Any]:
        """A padded batch: token ids, mask, capitals (batch, length) and offsets (batch, length, 2), as tensors."""
        import torch

        found = self._tokenized(texts, padding=True, return_tensors="pt")
        places = found["offset_mapping"].tolist()
        written = [capitals_of(text, spans) or [SMALL] * len(spans) for text, spans in zip(texts, places, strict=True)]
        return {**found, "capitals": torch.tensor(written, dtype=torch.long)}

    def _tokenized(self, texts: Sequence[str], **options: Any) -> dict[str, Any]:
        found: dict[str, Any] = self.tokenizer(
            list(texts),
            truncation=True,
            max_length=min(MAX_TOKENS, self.tokenizer.model_max_length),
            return_offsets_mapping=True,
            **options,
        )
        return found

    def forward(self, batch: dict[str, Any]) -> torch.Tensor:
        """Token vectors, shape (batch, length, width), of what `tokens` returned. Gradients flow where enabled."""
        ids, mask = batch["input_ids"].to(self.device), batch["attention_mask"].to(self.device)
        with autocast(self.device, self.precision):
            states: torch.Tensor = self.model(input_ids=ids, attention_mask=mask).last_hidden_state
        return states.float()

    def encode(self, texts: Sequence[str], batch_size: int | None = None) -> list[Encoding]:
        """Encode texts; vectors of special tokens are left out, so an empty text has no vectors.

        Args:
            texts: what to encode, in any order and of any length.
            batch_size: texts of one forward; by default what suits the device.
        """
        import torch

        on_cpu = self.device == "cpu"
        found = self._tokenized(texts, padding=False) if texts else {"input_ids": [], "offset_mapping": []}
        results: list[Encoding | None] = [None] * len(texts)
        lengths = [len(ids) for ids in found["input_ids"]]
        for rows in batches(
            lengths, batch_size or (CPU_BATCH if on_cpu else DEVICE_BATCH), CPU_PADDED if on_cpu else DEVICE_PADDED
        ):
            batch = self.tokenizer.pad(
                {"input_ids": [found["input_ids"][i] for i in rows]}, return_attention_mask=True, return_tensors="pt"
            )
            with torch.inference_mode():
                states = self.forward(batch).cpu().numpy()
            for row, i in zip(states, rows, strict=True):
                places = found["offset_mapping"][i]
                real = [k for k, (start, end) in enumerate(places) if end > start]
                spans = tuple(places[k] for k in real)
                results[i] = Encoding("text", row[real], spans, capitals=capitals_of(texts[i], spans))
        return [result for result in results if result is not None]


def batches(lengths: Sequence[int], most: int, padded: int) -> Iterator[list[int]]:
    """Row numbers in batches of like length, shortest first.

    Args:
        lengths: of each row, in tokens.
        most: rows of a batch.
        padded: tokens of a batch that may be padding, beside a tenth of all.
    """
    batch: list[int] = []
    real = 0
    for row in sorted(range(len(lengths)), key=lengths.__getitem__):
        real += lengths[row]
        whole = (len(batch) + 1) * lengths[row]
        if batch and (len(batch) == most or whole - real > padded + whole // 10):
            yield batch
            batch, real = [], lengths[row]
        batch.append(row)
    if batch:
        yield batch


def _part(line: TextLine, start: int, end: int) -> Box:
    """The place of characters start..end of a line, taking them to be equally wide."""
    x0, y0, x1, y1 = line.box
    step = (x1 - x0) / max(1, len(line.text))
    return (x0 + start * step, y0, x0 + end * step, y1)


def autocast(device: str, precision: str) -> AbstractContextManager[Any]:
    """Where torch's matrix products are computed in bfloat16, if that is the precision; sums stay in full."""
    import torch

    if precision != "bfloat16":
        return nullcontext()
    return torch.autocast(torch.device(device).type, dtype=torch.bfloat16)
