"""A trained understanding model on disk: safetensors, an adapter for the text encoder, and what they were made for.

    meta.json            format, labels, shape, encoders, thresholds, calibration, how it was trained
    model.safetensors    fusion, heads and memory
    adapter/             LoRA adapter of the text encoder, as `peft` saves it, or
    encoder.safetensors  its tuned tensors (both absent: the encoder as published)

Loading refuses a wrong encoder or label set, and anything that is not safetensors.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from agent.errors import WeightsError
from agent.fusion import FusionConfig
from agent.heads import Labels, UnderstandingModel
from agent.memory import Memory

FORMAT = 3
MEMORY = "memory.vectors"
TRAIN = "python -m training.train --domain DIR --out WEIGHTS"


@dataclass(frozen=True)
class EncoderId:
    """Which encoder a checkpoint was trained with: its width and fingerprint (`modalities.locate.fingerprint`)."""

    name: str
    width: int
    fingerprint: str


@dataclass(frozen=True)
class Calibration:
    """From validation data: what turns raw scores into probabilities, and where to accept, ask or refuse.

    Attributes:
        intent_temperature, scope_temperature: scores are divided by these (Guo et al. 2017, arXiv:1706.04599).
        pair_temperature, pair_bias: the same for turns that mean several intents; the bias is taken off the scores
            first (Platt 1999).
        several: the score of meaning several from which on a turn is taken to; it is taken off that score.
        accept, clarify, out_of_scope: thresholds on probabilities; see `agent.domain.Thresholds`.
    """

    intent_temperature: float = 1.0
    pair_temperature: float = 1.0
    pair_bias: float = 0.0
    several: float = 0.0
    scope_temperature: float = 1.0
    accept: float = 0.5
    clarify: float = 0.25
    out_of_scope: float = 0.5


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A model with what it was made for."""

    model: UnderstandingModel
    encoders: Mapping[str, EncoderId]
    calibration: Calibration = Calibration()
    training: Mapping[str, Any] = field(default_factory=dict)
    adapter: Path | None = None


def save(checkpoint: Checkpoint, folder: Path) -> None:
    """Write a checkpoint in half precision; the adapter folder is written by the trainer beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: _small(tensor) for name, tensor in checkpoint.model.state_dict().items()}
    meta = {
        "format": FORMAT,
        "labels": asdict(checkpoint.model.labels),
        "fusion": asdict(checkpoint.model.fusion.config),
        "photo": checkpoint.model.photo.inputs if checkpoint.model.photo is not None else 0,
        "encoders": {name: asdict(encoder) for name, encoder in checkpoint.encoders.items()},
        "calibration": asdict(checkpoint.calibration),
        "training": dict(checkpoint.training),
    }
    partial = folder / "model.safetensors.part"
    save_file(state, partial)
    (folder / "meta.json").write_text(json.dumps(meta, indent=1) + "\n", encoding="utf-8")
    partial.replace(folder / "model.safetensors")


def _small(tensor: Tensor) -> Tensor:
    tensor = tensor.detach().cpu().contiguous()
    return tensor.half() if tensor.is_floating_point() else tensor


def load(folder: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        WeightsError: it is missing, damaged, of another format, or its tensors do not fit its own labels.
    """
    if not (folder / "meta.json").is_file():
        raise WeightsError(f"no checkpoint in {str(folder)!r} (meta.json is missing); train one: {TRAIN}")
    try:
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        if meta["format"] != FORMAT:
            raise WeightsError(f"checkpoint {str(folder)!r} has format {meta['format']!r}, this version reads {FORMAT}")
        labels = Labels(**{name: tuple(values) for name, values in meta["labels"].items()})
        model = UnderstandingModel(FusionConfig(**meta["fusion"]), labels, int(meta["photo"]))
        state = load_file(folder / "model.safetensors")
        if MEMORY in state:
            model.remember(Memory(*state[MEMORY].shape))
        model.load_state_dict({name: t.float() if t.is_floating_point() else t for name, t in state.items()})
        if model.memory is not None and not model.memory.fits(len(labels.intents)):
            raise ValueError("the memory names intents that there are not")
        encoders = {name: EncoderId(**value) for name, value in meta["encoders"].items()}
        calibration = Calibration(**meta["calibration"])
    except (OSError, KeyError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise WeightsError(
            f"checkpoint {str(folder)!r} is damaged or not one of Callsight's ({type(error).__name__}); "
            f"restore it from the repository or train again: {TRAIN}"
        ) from error
    adapter = folder / "adapter"
    return Checkpoint(model.eval(), encoders, calibration, meta["training"], adapter if adapter.is_dir() else None)


def check_encoder(checkpoint: Checkpoint, modality: str, encoder: EncoderId) -> None:
    """Refuse an encoder other than the one the checkpoint was trained with.

    Raises:
        WeightsError: names both encoders and the remedy.
    """
    trained = checkpoint.encoders.get(modality)
    if trained is None:
        raise WeightsError(f"this checkpoint was trained without {modality}; train one that has it: {TRAIN}")
    if (trained.width, trained.fingerprint) != (encoder.width, encoder.fingerprint):
        raise WeightsError(
            f"this checkpoint was trained with the {modality} encoder {trained.name!r} (width {trained.width}), the "
            f"stack names {encoder.name!r} (width {encoder.width}); name the former in the stack, or train: {TRAIN}"
        )


def check_labels(checkpoint: Checkpoint, intents: tuple[str, ...], entities: tuple[str, ...]) -> None:
    """Refuse a label set other than the pack's.

    Raises:
        WeightsError: names the labels that differ and the remedy.
    """
    labels = checkpoint.model.labels
    for what, trained, wanted in (("intents", labels.intents, intents), ("entities", labels.entities, entities)):
        if set(trained) != set(wanted):
            differing = sorted(set(trained) ^ set(wanted))
            raise WeightsError(
                f"this checkpoint's {what} are not the pack's: {differing[:8]!r} differ; train again: {TRAIN}"
            )
