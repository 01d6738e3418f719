"""What tuning made of a text encoder's weights: a LoRA adapter, or whole weights. Knows no model and no torch."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from modalities.errors import WeightsError

Array = npt.NDArray[np.float32]
Tensors = Mapping[str, Array]


def tuned(path: Path, shape_of: Callable[[str], tuple[int, ...]]) -> tuple[bool, Tensors]:
    """Read what a trainer saved for an encoder.

    Args:
        path: the folder of a LoRA adapter as `peft` saves it (Hu et al. 2021, arXiv:2106.09685), or a safetensors
            file with the weights that tuning changed, under the encoder's own names, in any precision.
        shape_of: the shape of the encoder's weight of a name; a KeyError or AttributeError where there is none.

    Returns:
        Whether the tensors are to be added to the encoder's (they stand for them otherwise), and the tensors by name.

    Raises:
        WeightsError: it is missing, damaged, not safetensors, or made for an encoder of another shape.
    """
    from safetensors import SafetensorError

    try:
        tensors = _adapter(path) if path.is_dir() else _weights(path)
        for name, tensor in tensors.items():
            if tuple(shape_of(name)) != tensor.shape:
                raise ValueError(f"{name} has shape {tensor.shape}, the encoder's has {tuple(shape_of(name))}")
    except (OSError, KeyError, ValueError, TypeError, AttributeError, ZeroDivisionError, SafetensorError) as error:
        raise WeightsError(
            f"tuned weights {path.name!r} are missing, damaged, or made for another text encoder "
            f"({type(error).__name__}); train again: python -m training.train"
        ) from error
    return path.is_dir(), tensors


def _adapter(folder: Path) -> dict[str, Array]:
    """W - W0 = (alpha / r) * B @ A of every adapted weight.

    Done here rather than by `peft`, whose import would triple the time to start.
    """
    config: dict[str, Any] = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    pairs = _weights(folder / "adapter_model.safetensors")
    scale = np.float32(config["lora_alpha"] / config["r"])
    names = [name.removesuffix(".lora_A.weight") for name in pairs if name.endswith(".lora_A.weight")]
    return {
        f"{name.removeprefix('base_model.model.')}.weight": scale
        * (pairs[f"{name}.lora_B.weight"] @ pairs[f"{name}.lora_A.weight"])
        for name in names
    }


def _weights(path: Path) -> dict[str, Array]:
    from safetensors.numpy import load_file

    tensors = {name: np.asarray(tensor, np.float32) for name, tensor in load_file(path).items()}
    if not tensors:
        raise ValueError("the file holds no tensors")
    return tensors
