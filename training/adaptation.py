"""What of the text encoder is trained, and how it is saved.

Low-rank adapters (Hu et al. 2021, arXiv:2106.09685) through `peft`, in the upper blocks, or all blocks whole. Either
way the word embeddings stay as published, and where adapters do the lowest blocks too: their features are general, and
no gradient has to reach them.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Literal

import torch

from modalities.text import TextEncoder

Tuning = Literal["lora", "full", "none"]
TUNINGS: tuple[Tuning, ...] = ("lora", "full", "none")

UNTOUCHED = 1 / 3
"""Share of the encoder's blocks, from below, that gets no adapter (docs/experiments.md)."""

RATES: dict[Tuning, float] = {"lora": 8e-4, "full": 1e-4, "none": 0.0}
"""Highest learning rate of what is trained; adapters start at zero and take far higher ones."""


class Adaptation:
    """The trainable part of a text encoder, which it changes in place.

    Attributes:
        tuning: "lora", "full" or "none".
        parameters: what an optimizer should train.
    """

    def __init__(self, encoder: TextEncoder, tuning: Tuning = "lora", rank: int = 16) -> None:
        """Make part of the encoder trainable; its dropout is switched off, which costs a third of a CPU's time."""
        self.tuning = tuning
        self._encoder = encoder
        for module in encoder.model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        for parameter in encoder.model.parameters():
            parameter.requires_grad_(False)
        if tuning == "lora":
            encoder.model = _with_lora(encoder.model, rank)
        elif tuning == "full":
            for name in _blocks(encoder.model):
                for parameter in encoder.model.get_submodule(name).parameters():
                    parameter.requires_grad_(True)
        self.parameters: list[torch.nn.Parameter] = [p for p in encoder.model.parameters() if p.requires_grad]

    def state(self) -> dict[str, torch.Tensor]:
        """Copies of what is trained, by name."""
        named = self._encoder.model.named_parameters()
        return {name: p.detach().clone() for name, p in named if p.requires_grad}

    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Put back what `state` gave."""
        self._encoder.model.load_state_dict(state, strict=False)

    def save(self, folder: Path) -> None:
        """Write what was trained into a checkpoint's folder in half precision, and fold it into the encoder.

        `adapter/` holds a peft adapter; `encoder.safetensors` the tensors of fully tuned blocks, under the names
        of the Hugging Face model. What an earlier run left of either is taken away.
        """
        from safetensors.torch import save_file

        model = self._encoder.model
        shutil.rmtree(folder / "adapter", ignore_errors=True)
        (folder / "encoder.safetensors").unlink(missing_ok=True)
        if self.tuning == "lora":
            _save_adapter(model, folder / "adapter", self._encoder.name)
            self._encoder.model = model.merge_and_unload()
        elif self.tuning == "full":
            folder.mkdir(parents=True, exist_ok=True)
            tensors = {name: tensor.half().cpu().contiguous() for name, tensor in self.state().items()}
            save_file(tensors, folder / "encoder.safetensors")
        self._encoder.model.requires_grad_(False).eval()


def _blocks(model: Any) -> list[str]:
    """Names of the encoder's blocks.

    Raises:
        ValueError: the model has no list of as many blocks as its configuration says.
    """
    blocks = int(model.config.num_hidden_layers)
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.ModuleList) and len(module) == blocks:
            return [f"{name}.{i}" for i in range(blocks)]
    raise ValueError(f"{type(model).__name__} has no list of {blocks} blocks to tune; use LoRA")


def _with_lora(model: Any, rank: int) -> Any:
    from peft import LoraConfig, get_peft_model

    blocks = int(model.config.num_hidden_layers)
    linear = {name.rsplit(".", 1)[-1] for name, m in model.named_modules() if isinstance(m, torch.nn.Linear)}
    config = LoraConfig(
        r=rank,
        lora_alpha=2 * rank,
        lora_dropout=0.0,
        target_modules=sorted(linear),
        exclude_modules=["pooler.dense"],
        layers_to_transform=list(range(int(blocks * UNTOUCHED), blocks)),
    )
    return get_peft_model(model, config)


def _save_adapter(adapted: Any, folder: Path, base: str) -> None:
    """Write a peft adapter, naming its base as the stack does instead of by a path of this machine."""
    from safetensors.torch import load_file, save_file

    adapted.save_pretrained(folder)
    (folder / "README.md").unlink(missing_ok=True)
    config = json.loads((folder / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = base
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    weights = folder / "adapter_model.safetensors"
    save_file({name: tensor.half() for name, tensor in load_file(weights).items()}, weights)
