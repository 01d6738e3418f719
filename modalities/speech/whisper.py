"""OpenAI's Whisper as a speech engine (Radford et al. 2022, https://arxiv.org/abs/2212.04356).

One encoder pass over a batch of 30 s windows serves the transcript, every retry of it, and the fusion. Each window
is decoded on its own: no text is carried from one to the next, so one misheard window cannot spoil those after it.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modalities.audio import resample
from modalities.device import check_device
from modalities.errors import InputError, MissingPartError, WeightsError
from modalities.locate import ROOT
from modalities.speech.base import Capabilities
from modalities.types import Audio, Encoding, FloatArray, Transcript

RATE = 16_000
WINDOW_SECONDS = 30
STATES_PER_SECOND = 50
"""Encoder states: one for two mel frames of 10 ms."""

MAX_STATES = 16
"""Vectors a recording's states are pooled to, at most; a short one gets one for each half second."""

_CUT_SEARCH_SECONDS = 6.0
_CUT_FRAME_SECONDS = 0.1
_BATCH = {"cpu": 4, "cuda": 16}
_SEED = 7


@dataclass(frozen=True)
class Guards:
    """When a hearing is not believed. The first four are the paper's (section 4.5).

    Attributes:
        no_speech: probability of no speech above which a doubtful hearing is taken for none.
        log_probability: mean log-probability of a token, below which a hearing is doubtful.
        compression: ratio of the text's length to its zlib-compressed length, above which it repeats itself.
        temperatures: of the first and the further tries at a window whose hearing is doubtful or repeats itself.
        words_per_second: more than anybody can say, however short the sound.
    """

    no_speech: float = 0.6
    log_probability: float = -1.0
    compression: float = 2.4
    temperatures: tuple[float, ...] = (0.0, 0.4, 0.8)
    words_per_second: float = 8.0


class Whisper:
    """A Whisper model by its size's name or by the path of its file.

    Args:
        model: "tiny" to "large-v3-turbo", or a `.pt` file as openai-whisper saves it.
        device: "cpu" or "cuda"; half precision on CUDA only.
        prompt: words to expect (names of products, of the shop); the last 223 tokens count.
        language: spoken language as a code; "auto" to tell it from the sound.
        guards: when a hearing is not believed.

    Raises:
        DeviceError: the device is not here.
        InputError: the language is not one of the model's.
        MissingPartError: openai-whisper is not installed.
        WeightsError: the file is missing or damaged. Nothing is ever downloaded.
    """

    def __init__(
        self, model: str, device: str = "cpu", prompt: str = "", language: str = "en", guards: Guards | None = None
    ) -> None:
        path = find(model)
        self._device = check_device(device)
        self._kind = self._device.partition(":")[0]
        self._model = _load(path, self._device)
        self._language = _known_language(self._model, language)
        self._prompt = prompt.strip()
        self._guards = guards or Guards()
        # The decoder keeps its cache of past tokens in hooks on the model, so one batch is decoded at a time.
        self._lock = threading.Lock()
        self.name = f"whisper:{model}"
        self.capabilities = Capabilities(rate=RATE, max_seconds=WINDOW_SECONDS, states=True)

    def transcribe(self, recordings: Sequence[Audio]) -> list[Transcript]:
        """What was said in each recording, of any length; `states` are the encoder's, pooled to at most 16 vectors."""
        sounds = [resample(recording, RATE).samples for recording in recordings]
        pieces = [(index, piece) for index, sound in enumerate(sounds) for piece in windows(sound)]
        heard: list[list[_Hearing]] = [[] for _ in sounds]
        size = _BATCH.get(self._kind, 4)
        for start in range(0, len(pieces), size):
            batch = pieces[start : start + size]
            with self._lock:
                hearings = self._hear_in_memory([piece for _, piece in batch])
            for (index, _), hearing in zip(batch, hearings, strict=True):
                heard[index].append(hearing)
        return [_transcript(hearings) for hearings in heard]

    def _hear_in_memory(self, pieces: Sequence[FloatArray]) -> list[_Hearing]:
        """`_hear`, halving a batch the device has no memory for."""
        import torch

        try:
            return self._hear(pieces)
        except torch.OutOfMemoryError:
            if len(pieces) == 1:
                raise
        middle = len(pieces) // 2
        return self._hear_in_memory(pieces[:middle]) + self._hear_in_memory(pieces[middle:])

    def _hear(self, pieces: Sequence[FloatArray]) -> list[_Hearing]:
        """One batch of windows: encoded once; what is not believed is decoded again at the next temperature."""
        features = self._encode(pieces)
        seconds = [len(piece) / RATE for piece in pieces]
        states = [_pool(row, length) for row, length in zip(features.float().cpu().numpy(), seconds, strict=True)]
        results: list[Any] = [None] * len(pieces)
        doubts = ["undecoded"] * len(pieces)
        for temperature in self._guards.temperatures:
            rows = [index for index, doubt in enumerate(doubts) if doubt not in ("", "no_speech")]
            if not rows:
                break
            for index, result in zip(rows, self._decode(features[rows], temperature), strict=True):
                results[index] = result
                doubts[index] = doubt_of(result, seconds[index], self._guards)
        return [
            _Hearing(result.text, float(np.exp(result.avg_logprob)), doubt, row)
            for result, doubt, row in zip(results, doubts, states, strict=True)
        ]

    def _encode(self, pieces: Sequence[FloatArray]) -> Any:
        """Encoder states, a tensor of shape (batch, 1500, width)."""
        import torch
        from whisper.audio import log_mel_spectrogram, pad_or_trim

        dims = self._model.dims
        padded = np.stack([pad_or_trim(piece, WINDOW_SECONDS * RATE) for piece in pieces])
        with torch.inference_mode():
            mels = [log_mel_spectrogram(row, dims.n_mels, device=self._device) for row in padded]
            batch = torch.stack(mels)
            return self._model.encoder(batch.half() if self._kind == "cuda" else batch)

    def _decode(self, features: Any, temperature: float) -> list[Any]:
        """Decoding results of encoded windows. Sampling has one seed, so the same sound gives the same words."""
        import torch
        from whisper.decoding import DecodingOptions, decode

        options = DecodingOptions(
            language=self._language,
            temperature=temperature,
            prompt=self._prompt or None,
            without_timestamps=True,
            fp16=self._kind == "cuda",
        )
        with torch.random.fork_rng(devices=[self._device] if self._kind == "cuda" else []):
            torch.manual_seed(_SEED)
            results: list[Any] = decode(self._model, features, options)
        return results


@dataclass(frozen=True, eq=False)
class _Hearing:
    """One window heard: words, confidence, why they are not believed (or ""), pooled states (n, width)."""

    text: str
    confidence: float
    doubt: str
    states: FloatArray


def find(model: str) -> Path:
    """The file of a model named by size or by path.

    Sizes lie where openai-whisper itself keeps them: `whisper/` in $XDG_CACHE_HOME or `~/.cache`.

    Raises:
        WeightsError: it is not there; the message says what fetches it, or which sizes there are.
    """
    sizes = published()
    if model in sizes:
        path = cache_folder() / sizes[model].rpartition("/")[2]
        if path.is_file():
            return path
        raise WeightsError(f"Whisper {model!r} is not at {path}; run: python -m modalities.weights pull gpu")
    for path in (Path(model).expanduser(), ROOT / model):
        if path.is_file():
            return path
    raise WeightsError(f"no Whisper model {model!r}: give the path of a .pt file or one of {', '.join(sizes)}")


def published() -> dict[str, str]:
    """Address of each published size; the last folder in it is the file's SHA-256.

    Raises:
        MissingPartError: openai-whisper is not installed.
    """
    try:
        import whisper
    except ImportError as error:
        raise MissingPartError("the Whisper engine needs the package openai-whisper: pip install it") from error
    return dict(whisper._MODELS)


def cache_folder() -> Path:
    """Where openai-whisper keeps what it downloads."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "whisper"


def windows(samples: FloatArray) -> list[FloatArray]:
    """Cut sound at 16 kHz into pieces of at most 30 s, each at the quietest tenth of a second of its last six."""
    frame = int(_CUT_FRAME_SECONDS * RATE)
    pieces = []
    while len(samples) > WINDOW_SECONDS * RATE:
        begin = int((WINDOW_SECONDS - _CUT_SEARCH_SECONDS) * RATE)
        frames = samples[begin : WINDOW_SECONDS * RATE].reshape(-1, frame)
        cut = begin + int(np.argmin((frames**2).mean(axis=1))) * frame + frame // 2
        pieces.append(samples[:cut])
        samples = samples[cut:]
    return [*pieces, samples] if len(samples) else pieces


def doubt_of(result: Any, seconds: float, guards: Guards) -> str:
    """Why a decoding result is not believed: "no_speech", "repetition", "too_fast", "unintelligible", or ""."""
    doubtful = result.avg_logprob < guards.log_probability
    if not result.text.strip() or (result.no_speech_prob > guards.no_speech and doubtful):
        return "no_speech"
    if result.compression_ratio > guards.compression:
        return "repetition"
    if len(result.text.split()) > guards.words_per_second * max(seconds, 1.0):
        return "too_fast"
    return "unintelligible" if doubtful else ""


def _transcript(hearings: Sequence[_Hearing]) -> Transcript:
    """One recording's windows joined; those not believed are left out, and name the reason when none is left."""
    if not hearings:
        return Transcript("", rejected="silence")
    states = Encoding("speech", _shrink(np.concatenate([hearing.states for hearing in hearings])))
    believed = [hearing for hearing in hearings if not hearing.doubt]
    if not believed:
        return Transcript("", rejected=hearings[0].doubt, states=states)
    lengths = [len(hearing.text.split()) for hearing in believed]
    return Transcript(
        text=" ".join(hearing.text for hearing in believed),
        confidence=float(np.average([hearing.confidence for hearing in believed], weights=lengths)),
        states=states,
    )


def _pool(states: FloatArray, seconds: float) -> FloatArray:
    """States of one window (1500, width) to one vector for each half second of sound, at most 16: shape (n, width)."""
    sounding = states[: max(1, math.ceil(seconds * STATES_PER_SECOND))]
    return _shrink(sounding, max(1, math.ceil(2 * seconds)))


def _shrink(vectors: FloatArray, count: int = MAX_STATES) -> FloatArray:
    """Mean-pool consecutive vectors (m, width) to at most `count` and 16."""
    parts = np.array_split(vectors, min(len(vectors), count, MAX_STATES))
    return np.stack([part.mean(axis=0) for part in parts]).astype(np.float32)


def _load(path: Path, device: str) -> Any:
    """The model, by path and never by name: openai-whisper downloads what it is asked for by name."""
    import pickle
    import zipfile

    import whisper

    try:
        return whisper.load_model(str(path), device=device).eval()
    except (
        KeyError,
        TypeError,
        RuntimeError,
        ValueError,
        EOFError,
        pickle.UnpicklingError,
        zipfile.BadZipFile,
    ) as error:
        raise WeightsError(
            f"Whisper model {path} cannot be loaded ({type(error).__name__}): it is damaged or no Whisper checkpoint; "
            "give another file, or remove it and run: python -m modalities.weights pull gpu"
        ) from error


def _known_language(model: Any, language: str) -> str | None:
    """The language for the decoder: None lets it tell by itself."""
    from whisper.tokenizer import LANGUAGES

    if not model.is_multilingual:
        if language != "en":
            raise InputError(f"this Whisper model knows English only, got language {language!r}; use 'en'")
        return "en"
    if language == "auto":
        return None
    if language not in LANGUAGES:
        raise InputError(f"no language {language!r}; use 'auto' or one of {', '.join(sorted(LANGUAGES))}")
    return language
