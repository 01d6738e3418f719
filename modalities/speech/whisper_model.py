"""A Whisper of openai-whisper's class: loaded by path, put into a precision, and encoding windows of sound."""

from __future__ import annotations

import logging
import pickle
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from modalities.errors import InputError, WeightsError
from modalities.speech import whisper_int8
from modalities.speech.whisper_windows import RATE, WINDOW_SECONDS, vectors_of
from modalities.types import FloatArray

PRECISIONS = ("float32", "float16", "bfloat16", "int8")
ENCODED_AT_ONCE = {"cpu": 1, "cuda": 32}
"""Windows: one by one their inner activations stay in a processor's cache."""

PUBLISHED_CONTEXT = 448  # tokens, of every published size

log = logging.getLogger(__name__)


def load(path: Path, device: str, size: str = "") -> Any:
    """The model, by path and never by name: openai-whisper downloads what it is asked for by name.

    Args:
        path: a `.pt` file as openai-whisper saves it.
        device: where it goes.
        size: its published name, which says which attention heads follow the sound; empty for others.

    Raises:
        WeightsError: the file is damaged or something else.
    """
    import whisper

    broken = (KeyError, TypeError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError, zipfile.BadZipFile)
    try:
        model = whisper.load_model(str(path), device=device).eval()
    except broken as error:
        raise WeightsError(
            f"Whisper model {path} cannot be loaded ({type(error).__name__}): it is damaged or no Whisper checkpoint; "
            "give another file, or remove it and run: python -m modalities.weights pull gpu"
        ) from error
    if size in whisper._ALIGNMENT_HEADS and model.dims.n_text_ctx == PUBLISHED_CONTEXT:
        model.set_alignment_heads(whisper._ALIGNMENT_HEADS[size])
    return model


def to_precision(model: Any, precision: str, device: str) -> str:
    """Put a loaded model's weights, in place, into the precision of its products; the one that was taken.

    Empty means float16 on CUDA and float32 elsewhere. Where the processor has no quick int8, float32 stands in.

    Raises:
        InputError: no such precision, or one that this device does not compute in.
    """
    cuda = device.startswith("cuda")
    chosen = precision or ("float16" if cuda else "float32")
    if chosen not in PRECISIONS or (cuda and chosen == "int8") or (not cuda and chosen == "float16"):
        fit = ("float16", "bfloat16", "float32") if cuda else ("float32", "bfloat16", "int8")
        raise InputError(f"no precision {precision!r} for Whisper on {device}; use one of {', '.join(fit)}")
    if chosen == "int8" and not whisper_int8.supported():
        log.warning("this processor has no quick int8 (AVX-512 VNNI); Whisper runs in float32")
        chosen = "float32"
    if chosen == "int8":
        whisper_int8.to_int8(model)
    elif chosen != "float32":
        for module in model.modules():
            if isinstance(module, torch.nn.Linear | torch.nn.Conv1d):
                module.to(getattr(torch, chosen))
    return chosen


@torch.inference_mode()
def encode(model: Any, pieces: Sequence[FloatArray]) -> torch.Tensor:
    """Encoder states (pieces, states, width), on the model's device, of sound at 16 kHz of at most 30 s each."""
    weight = model.encoder.conv1.weight
    few = ENCODED_AT_ONCE.get(weight.device.type, 1)
    parts = []
    for first in range(0, len(pieces), few):
        sounds = np.zeros((len(pieces[first : first + few]), WINDOW_SECONDS * RATE), dtype=np.float32)
        for row, piece in zip(sounds, pieces[first : first + few], strict=True):
            row[: len(piece)] = piece
        parts.append(
            model.encoder(log_mel(torch.from_numpy(sounds).to(weight.device), model.dims.n_mels).to(weight.dtype))
        )
    return torch.cat(parts)


def pooled(features: torch.Tensor, seconds: float) -> FloatArray:
    """States of one window (states, width) as the few vectors of its sound, (n, width); only these leave the device."""
    states, count = vectors_of(seconds)
    parts = features[:states].float().tensor_split(count)
    vectors: FloatArray = torch.stack([part.mean(dim=0) for part in parts]).cpu().numpy()
    return vectors


def log_mel(sounds: torch.Tensor, bands: int) -> torch.Tensor:
    """What `whisper.log_mel_spectrogram` gives for each row of sounds (rows, samples): (rows, bands, frames).

    The original takes many rows too, but measures them by the loudest of all.
    """
    from whisper.audio import HOP_LENGTH, N_FFT, mel_filters

    window = torch.hann_window(N_FFT, device=sounds.device)
    waves = torch.stft(sounds, N_FFT, HOP_LENGTH, window=window, return_complex=True)
    power = waves[..., :-1].abs() ** 2
    bels = torch.clamp(mel_filters(sounds.device, bands) @ power, min=1e-10).log10()
    bels = torch.maximum(bels, bels.amax(dim=(1, 2), keepdim=True) - 8.0)
    return (bels + 4.0) / 4.0
