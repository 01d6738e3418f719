"""Photos to vectors, through any Hugging Face vision backbone. Knows nothing of receipts, garments or damage."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from modalities.device import check_device
from modalities.errors import WeightsError
from modalities.locate import fingerprint, locate
from modalities.types import Box, Encoding, FloatArray, Image

if TYPE_CHECKING:
    import torch

GRID = 4
"""Most places a photo is divided into, each way; sixteen vectors say where things are without drowning the words."""

_MOST_PREFIX_TOKENS = 16
"""Class and register tokens come before the patches; no published backbone has more."""


class VisionEncoder:
    """A Hugging Face vision backbone: convolutional feature maps or transformer patches, pooled to a few places.

    The whole photo is squeezed into the square the backbone was made for; nothing is cropped away.

    Attributes:
        name: the model's name as given.
        width: size of each vector.
        places: vectors a photo.
        fingerprint: tells this model from others (see `modalities.locate.fingerprint`).
    """

    def __init__(self, model: str, device: str = "cpu") -> None:
        """Load the backbone.

        Args:
            model: see `modalities.locate.locate`.
            device: a torch device.

        Raises:
            DeviceError: there is no such device.
            WeightsError: the model is missing, damaged, or sees no pictures.
        """
        self.name = model
        self.device = check_device(device)
        path = locate(model)
        self._processor, self._backbone = _load(model, path, device)
        self._size = _input_size(self._processor)
        self.fingerprint = fingerprint(path) if Path(path).is_dir() else model
        probe = self._probe()
        self.width, self.places = int(probe.shape[1]), int(probe.shape[2] * probe.shape[3])

    def encode(self, images: Sequence[Image], batch_size: int = 16) -> list[Encoding]:
        """Encode photos: each becomes at most 4 x 4 vectors, row by row, with the part of the photo each looks at."""
        results = []
        for first in range(0, len(images), batch_size):
            maps = self._maps(images[first : first + batch_size])
            boxes = _boxes(maps.shape[2], maps.shape[3])
            for one in maps.flatten(2).transpose(1, 2).cpu().numpy():
                results.append(Encoding("image", np.ascontiguousarray(one), boxes=boxes))
        return results

    def pool(self, images: Sequence[Image]) -> FloatArray:
        """One vector a photo, the mean of its vectors: shape (len(images), width)."""
        means = [encoding.vectors.mean(axis=0) for encoding in self.encode(images)]
        return np.stack(means) if means else np.zeros((0, self.width), np.float32)

    def _maps(self, images: Sequence[Image]) -> torch.Tensor:
        """Feature maps of a batch, shape (batch, width, rows, columns), float32."""
        import torch
        from torch.nn.functional import adaptive_avg_pool2d

        pixels = [_squeezed(image, self._size) for image in images]
        inputs = self._processor(images=pixels, do_resize=False, do_center_crop=False, return_tensors="pt")
        with torch.inference_mode():
            found = self._backbone(pixel_values=inputs["pixel_values"].to(self.device)).last_hidden_state.float()
            maps = found if found.ndim == 4 else _unrolled(found, self._size, self._backbone.config)
            return adaptive_avg_pool2d(maps, (min(GRID, maps.shape[2]), min(GRID, maps.shape[3])))

    def _probe(self) -> torch.Tensor:
        """The maps of a blank picture, which show that the model works and how wide it is."""
        try:
            return self._maps([Image(np.zeros((64, 64, 3), np.uint8))])
        except (AttributeError, TypeError, ValueError, RuntimeError) as error:
            raise WeightsError(
                f"model {self.name!r} sees no pictures ({type(error).__name__}); name a vision backbone"
            ) from error


def _load(model: str, path: str, device: str) -> tuple[Any, Any]:
    """The image processor and the vision part of the model, in float32 on the device."""
    from safetensors import SafetensorError
    from transformers import AutoImageProcessor, AutoModel
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        processor = AutoImageProcessor.from_pretrained(path, local_files_only=True)  # type: ignore[no-untyped-call]
        whole, report = AutoModel.from_pretrained(
            path, local_files_only=True, dtype="float32", output_loading_info=True
        )
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
        raise WeightsError(
            f"vision encoder {model!r} is missing or damaged ({type(error).__name__}); give a model folder, or run: "
            "python -m modalities.weights pull STACK"
        ) from error
    untrained = [name for name in report["missing_keys"] if "pooler" not in name and "head" not in name]
    if untrained:
        raise WeightsError(
            f"vision encoder {model!r} lacks {len(untrained)} of its weights ({untrained[0]!r}, ...); fetch it again: "
            "python -m modalities.weights pull STACK"
        )
    backbone: Any = getattr(whole, "vision_model", whole)
    return processor, backbone.to(device).eval()


def _input_size(processor: Any) -> tuple[int, int]:
    """Height and width in pixels that the backbone was made for."""
    size = dict(getattr(processor, "size", None) or {})
    if getattr(processor, "do_center_crop", False) and getattr(processor, "crop_size", None):
        size = dict(processor.crop_size)
    edge = size.get("shortest_edge") or size.get("longest_edge") or 224
    return int(size.get("height") or edge), int(size.get("width") or edge)


def _squeezed(image: Image, size: tuple[int, int]) -> Any:
    """The whole photo at the backbone's size, as a Pillow picture."""
    from PIL import Image as pil

    height, width = size
    return pil.fromarray(image.pixels).resize((width, height), pil.Resampling.BILINEAR, reducing_gap=2.0)


def _unrolled(tokens: torch.Tensor, size: tuple[int, int], config: Any) -> torch.Tensor:
    """Patch tokens, shape (batch, n, width), as a map of shape (batch, width, rows, columns), class tokens left out."""
    count = tokens.shape[1]
    patch = getattr(config, "patch_size", None)
    rows = columns = math.isqrt(count)
    if isinstance(patch, int) and 0 <= count - (size[0] // patch) * (size[1] // patch) <= _MOST_PREFIX_TOKENS:
        rows, columns = size[0] // patch, size[1] // patch
    patches = tokens[:, count - rows * columns :]
    return patches.transpose(1, 2).reshape(len(tokens), -1, rows, columns)


def _boxes(rows: int, columns: int) -> tuple[Box, ...]:
    """The parts of a picture that a grid divides it into, row by row."""
    return tuple(
        (x / columns, y / rows, (x + 1) / columns, (y + 1) / rows) for y in range(rows) for x in range(columns)
    )
