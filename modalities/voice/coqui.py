"""Coqui's neural voices (package `coqui-tts`, imported as TTS), by name or by path. Nothing is ever downloaded.

VITS (Kim et al. 2021, https://arxiv.org/abs/2106.06103) is the default: one model from text to sound, Apache-2.0.
XTTS v2 is better and slower, and its weights may not be used commercially without a licence (CPML,
https://tts-hub.github.io/cpml); `Coqui.license` names each model's.
"""

from __future__ import annotations

import contextlib
import logging
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modalities import hub
from modalities.device import check_device
from modalities.errors import InputError, MissingPartError, WeightsError
from modalities.locate import ROOT
from modalities.types import Audio
from modalities.voice.base import Speaker
from modalities.voice.normalize import clean, normalize
from modalities.voice.phonemizer import install_phonemizer

VITS = "tts_models/en/ljspeech/vits"
XTTS = "tts_models/multilingual/multi-dataset/xtts_v2"

HUB_PATTERNS = ("*.json", "*.pth", "*.pt", "*.npy")
"""Files of a voice kept on the Hugging Face hub."""

# What the library raises on files that are damaged, cut short or do not belong together.
_DAMAGE = (
    OSError,
    EOFError,
    LookupError,
    TypeError,
    ValueError,
    RuntimeError,
    AttributeError,
    ImportError,
    pickle.UnpicklingError,
)
_CHECKPOINTS = ("model_file.pth", "model_file.pth.tar", "model.pth", "checkpoint.pth")


@dataclass(frozen=True)
class Files:
    """What a model is loaded from; the vocoder's where the model only makes spectrograms."""

    checkpoint: Path
    config: Path
    vocoder: Path | None = None
    vocoder_config: Path | None = None


class Coqui(Speaker):
    """One of Coqui's voices.

    Args:
        model: a published name ("tts_models/en/ljspeech/vits"), a folder with the model file and config.json, or the
            model file beside its config.json.
        device: "cpu" or "cuda".
        speaker: of a model that has several; its first unless given.
        language: what is spoken; a choice for models that speak several.

    Attributes:
        name: "coqui:" and the model.
        rate: samples per second, the model's own.
        license: of a published model; empty for a path.

    Raises:
        DeviceError: the device is not here.
        InputError: the model has no such speaker or language; the message lists what it has.
        MissingPartError: coqui-tts is not installed.
        WeightsError: the model is missing or damaged; the message names the command that fetches it.
    """

    def __init__(self, model: str = VITS, device: str = "cpu", speaker: str = "", language: str = "en") -> None:
        check_device(device)
        with quiet():
            files = find(model)
            self._tts = _load(model, files, device)
        self._arguments = _arguments(self._tts, speaker, language)
        self._lock = threading.Lock()
        prepare = normalize if self._arguments.get("language", language).startswith("en") else clean
        super().__init__(f"coqui:{model}", int(self._tts.synthesizer.output_sample_rate), prepare)
        self.license = license_of(model)

    def say(self, sentence: str, stopped: Callable[[], bool]) -> Audio:
        """One normalised sentence; nothing where another's had to be awaited and `stopped()` turned true."""
        with self._lock, quiet():
            if stopped():
                return Audio(np.zeros(0, dtype=np.float32), self.rate)
            samples = self._tts.tts(_ended(sentence), split_sentences=False, **self._arguments)
        return Audio(np.clip(np.asarray(samples, dtype=np.float32), -1, 1), self.rate)


def find(model: str) -> Files:
    """The files of a model by name or path.

    Raises:
        WeightsError: they are not there, or the name is not a published one.
    """
    for path in (Path(model).expanduser(), ROOT / model):
        if path.exists():
            checkpoint, config = _inside(path)
            return Files(checkpoint, config)
    item = published(model)
    checkpoint, config = _inside(folder_of(model))
    if not item.get("default_vocoder"):
        return Files(checkpoint, config)
    return Files(checkpoint, config, *_inside(folder_of(item["default_vocoder"])))


def published(model: str) -> dict[str, Any]:
    """What Coqui's catalogue says of a model: where it is, its licence, the vocoder it needs.

    Raises:
        WeightsError: there is no such model.
    """
    kind, *rest = model.split("/")
    try:
        language, dataset, name = rest
        item: dict[str, Any] = manager().models_dict[kind][language][dataset][name]
    except (ValueError, KeyError):
        raise WeightsError(
            f"no voice model {model!r}: give a folder with a model file and config.json, or a published name such as "
            f"{VITS!r} or {XTTS!r}"
        ) from None
    return item


def license_of(model: str) -> str:
    """The licence of a published model's weights; empty for a path."""
    try:
        return str(published(model).get("license", ""))
    except WeightsError:
        return ""


def manager() -> Any:
    """Coqui's model manager, which knows the published models and where they are kept.

    Raises:
        MissingPartError: coqui-tts is not installed.
    """
    try:
        from TTS.utils.manage import ModelManager
    except ImportError as error:
        raise MissingPartError("the Coqui voice needs the package coqui-tts: pip install it") from error
    return ModelManager(progress_bar=False)


def folder_of(model: str) -> Path:
    """Where a published model is kept here.

    Raises:
        WeightsError: it has not been fetched.
    """
    missing = WeightsError(f"voice model {model!r} is not here; run: python -m modalities.weights pull gpu")
    item = published(model)
    if "repo_id" not in item:
        folder = Path(manager().output_prefix) / model.replace("/", "--")
        if not folder.is_dir():
            raise missing
        return folder
    found = hub.find(item["repo_id"], item.get("allow") or HUB_PATTERNS)
    if found is None:
        raise missing
    return found


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what the library prints off stdout, and its chatter out of the logs."""
    chatty = logging.getLogger("TTS")
    if chatty.level == logging.NOTSET:
        chatty.setLevel(logging.ERROR)
    with contextlib.redirect_stdout(sys.stderr):
        yield


def _inside(path: Path) -> tuple[Path, Path]:
    """Checkpoint and config at a path: the model's folder, or its file."""
    folder = path if path.is_dir() else path.parent
    choices = [folder / name for name in _CHECKPOINTS if (folder / name).is_file()] or sorted(folder.glob("*.pth"))
    checkpoint = path if path.is_file() else next(iter(choices), None)
    config = folder / "config.json"
    if checkpoint is None or not config.is_file():
        raise WeightsError(f"no voice model at {path}: it needs a .pth model file and config.json beside it")
    return checkpoint, config


def _load(model: str, files: Files, device: str) -> Any:
    """Coqui's TTS object on its device."""
    from TTS.api import TTS

    install_phonemizer()
    given = {
        "model_path": files.checkpoint,
        "config_path": files.config,
        "vocoder_path": files.vocoder,
        "vocoder_config_path": files.vocoder_config,
    }
    try:
        return TTS(**{key: str(path) for key, path in given.items() if path}, progress_bar=False).to(device)
    except _DAMAGE as error:
        raise WeightsError(
            f"voice model {model!r} cannot be loaded ({type(error).__name__}): its model file and config.json are "
            "damaged or do not belong together; give another, or remove it and run: python -m modalities.weights pull "
            "gpu"
        ) from error


def _arguments(tts: Any, speaker: str, language: str) -> dict[str, str]:
    """Speaker and language for models that have a choice."""
    arguments = {}
    if tts.is_multi_speaker:
        speakers = list(tts.speakers)
        if speaker and speaker not in speakers:
            raise InputError(f"no speaker {speaker!r} in this voice model; it has {', '.join(speakers)}")
        arguments["speaker"] = speaker or speakers[0]
    elif speaker:
        raise InputError(f"this voice model has one speaker; leave out speaker {speaker!r}")
    if tts.is_multi_lingual:
        languages = list(tts.languages)
        if language not in languages:
            raise InputError(f"no language {language!r} in this voice model; it has {', '.join(languages)}")
        arguments["language"] = language
    return arguments


def _ended(sentence: str) -> str:
    """A sentence with its mark: without one these models trail off or run on."""
    return sentence if sentence.endswith((".", "?", "!")) else sentence.rstrip(",") + "."
