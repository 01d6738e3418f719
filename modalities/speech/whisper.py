"""OpenAI's Whisper as a speech engine (Radford et al. 2022, https://arxiv.org/abs/2212.04356).

One encoder pass over a batch of 30 s windows, of however many recordings, serves the transcript, every retry of it,
the word times and the fusion. Each window is decoded on its own: no text is carried from one to the next, so one
misheard window cannot spoil those after it.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from modalities.audio import level, resample
from modalities.device import check_device
from modalities.errors import InputError, MissingPartError, WeightsError
from modalities.locate import ROOT
from modalities.speech.base import SILENCE_DB, Capabilities, cleaned
from modalities.speech.guards import Guards, Hearing, Reason, doubt_of
from modalities.speech.whisper_windows import RATE, WINDOW_SECONDS, shrink, timed_windows
from modalities.types import Audio, Encoding, FloatArray, Transcript, Word

if TYPE_CHECKING:
    from modalities.speech.whisper_decoder import Decoded

MOST_ROWS = {"cpu": 64, "cuda": 128}
ROOM = {"cpu": 1.3e9, "cuda": 0.4}
"""Windows of one batch, and the memory their keys and values may take: bytes, or a part of what CUDA has free."""

FINAL = (Reason.NO_SPEECH, Reason.PHANTOM)
"""Doubts that another try would not take away."""


class Whisper:
    """A Whisper model by its size's name or by the path of its file.

    Args:
        model: "tiny" to "large-v3-turbo", or a `.pt` file as openai-whisper saves it.
        device: "cpu" or "cuda".
        prompt: words to expect (names of products, of the shop); the last 223 tokens count.
        language: spoken language as a code; "auto" to tell it from the sound of each recording.
        guards: when a hearing is not believed.
        precision: "float32", "bfloat16", on CUDA "float16", on a CPU "int8" (several times quicker products, nearly
            the same words); empty for float16 on CUDA and float32 elsewhere.
        word_times: tell when each word was said, for some more time.

    Raises:
        DeviceError: the device is not here.
        InputError: the language is not one of the model's, or the precision none of the device's.
        MissingPartError: openai-whisper is not installed.
        WeightsError: the file is missing or damaged. Nothing is ever downloaded.
    """

    def __init__(
        self,
        model: str,
        device: str = "cpu",
        prompt: str = "",
        language: str = "en",
        guards: Guards | None = None,
        *,
        precision: str = "",
        word_times: bool = True,
    ) -> None:
        path = find(model)
        from whisper.tokenizer import get_tokenizer

        from modalities.speech.whisper_decoder import Decoder
        from modalities.speech.whisper_model import load, to_precision
        from modalities.speech.whisper_rules import Rules
        from modalities.speech.whisper_words import Aligner

        self._device = check_device(device)
        self._kind = self._device.partition(":")[0]
        self._model = load(path, self._device, model)
        self._language = _known_language(self._model, language)
        self._tokenizer = get_tokenizer(
            self._model.is_multilingual, num_languages=self._model.num_languages, language="en", task="transcribe"
        )
        self.precision = to_precision(self._model, precision, self._device)
        rules = Rules(self._tokenizer, self._model.dims.n_vocab, self._device)
        self._decoder = Decoder(self._model, rules, int8=self.precision == "int8")
        self._aligner = Aligner(self._model, self._tokenizer) if word_times else None
        self._prompt = self._prompt_tokens(prompt.strip())
        self._steps = self._model.dims.n_text_ctx // 2
        self._guards = guards or Guards()
        # The decoder has one cache, so one batch is decoded at a time.
        self._lock = threading.Lock()
        self.name = f"whisper:{model}"
        self.capabilities = Capabilities(rate=RATE, max_seconds=WINDOW_SECONDS, word_times=word_times, states=True)

    def transcribe(self, recordings: Sequence[Audio]) -> list[Transcript]:
        """What was said in each recording, of any rate and length; `states` are pooled to at most 16 vectors."""
        sounds = [resample(cleaned(recording), RATE) for recording in recordings]
        pieces = [
            _Piece(index, start, samples)
            for index, sound in enumerate(sounds)
            if level(sound) >= SILENCE_DB
            for start, samples in timed_windows(sound.samples)
        ]
        heard: list[list[_Heard]] = [[] for _ in sounds]
        languages: dict[int, str] = {}
        with self._lock:
            rows = self._rows()
            for first in range(0, len(pieces), rows):
                batch = pieces[first : first + rows]
                for piece, hearing in zip(batch, self._hear_in_memory(batch, languages), strict=True):
                    heard[piece.recording].append(hearing)
        return [_transcript(hearings) for hearings in heard]

    def _rows(self) -> int:
        """Windows of a batch: as many as there is room for."""
        room = ROOM.get(self._kind, ROOM["cpu"])
        if self._kind == "cuda":
            import torch

            room *= torch.cuda.mem_get_info(self._device)[0]
        return max(1, min(MOST_ROWS.get(self._kind, 16), int(room // self._decoder.row_bytes())))

    def _hear_in_memory(self, pieces: Sequence[_Piece], languages: dict[int, str]) -> list[_Heard]:
        """`_hear`, halving a batch the device has no memory for."""
        import torch

        try:
            return self._hear(pieces, languages)
        except torch.OutOfMemoryError:
            if len(pieces) == 1:
                raise
        middle = len(pieces) // 2
        return self._hear_in_memory(pieces[:middle], languages) + self._hear_in_memory(pieces[middle:], languages)

    def _hear(self, pieces: Sequence[_Piece], languages: dict[int, str]) -> list[_Heard]:
        """One batch of windows: encoded once; what is not believed is decoded again at the next temperature."""
        features = self._encode([piece.samples for piece in pieces])
        spoken = self._languages(pieces, features, languages)
        tries: list[_Try] = [_Try()] * len(pieces)
        for temperature in self._guards.temperatures:
            rows = [index for index, one in enumerate(tries) if one.reason is not None and one.reason not in FINAL]
            if not rows:
                break
            chosen = features if len(rows) == len(pieces) else features[rows]
            decoded = self._decode(chosen, [spoken[row] for row in rows], temperature)
            for row, found in zip(rows, decoded, strict=True):
                tries[row] = self._judge(found, pieces[row].seconds, spoken[row])
        return [
            self._heard(piece, one, row, language)
            for piece, one, row, language in zip(pieces, tries, features, spoken, strict=True)
        ]

    def _judge(self, found: Decoded, seconds: float, language: str) -> _Try:
        text = self._tokenizer.decode(list(found.tokens)).strip()
        hearing = Hearing(text, seconds, language, found.log_probability, found.no_speech)
        return _Try(text, found.tokens, math.exp(found.log_probability), doubt_of(hearing, self._guards))

    def _heard(self, piece: _Piece, one: _Try, features: Any, language: str) -> _Heard:
        from modalities.speech.whisper_model import pooled

        words: tuple[Word, ...] = ()
        if self._aligner is not None and one.reason is None:
            found = self._aligner.words(features, one.tokens, piece.seconds, language)
            words = tuple(Word(w.text, w.start + piece.start, w.end + piece.start, w.confidence) for w in found)
        return _Heard(one.text, words, one.confidence, one.reason, pooled(features, piece.seconds), language)

    def _encode(self, pieces: Sequence[FloatArray]) -> Any:
        """Encoder states, a tensor of shape (batch, 1500, width)."""
        from modalities.speech.whisper_model import encode

        return encode(self._model, pieces)

    def _decode(self, features: Any, languages: Sequence[str], temperature: float) -> list[Decoded]:
        """Decoding results of encoded windows. Sampling has one seed, so the same sound gives the same words."""
        import torch

        prompts = torch.tensor([self._start(language) for language in languages], device=self._device)
        # The start mark stands right after the prompt.
        return self._decoder.decode(features, prompts, self._steps, temperature, start=len(self._prompt))

    def _start(self, language: str) -> list[int]:
        """Tokens before the first word."""
        given = self._tokenizer
        if not self._model.is_multilingual:
            return [*self._prompt, given.sot, given.no_timestamps]
        return [*self._prompt, given.sot, given.to_language_token(language), given.transcribe, given.no_timestamps]

    def _prompt_tokens(self, prompt: str) -> list[int]:
        if not prompt:
            return []
        tokens = self._tokenizer.encode(" " + prompt)[-(self._model.dims.n_text_ctx // 2 - 1) :]
        return [self._tokenizer.sot_prev, *tokens]

    def _languages(self, pieces: Sequence[_Piece], features: Any, known: dict[int, str]) -> list[str]:
        """The language of each window: what was asked for, else what its recording sounds like up to here."""
        if self._language is not None:
            return [self._language] * len(pieces)
        given = self._tokenizer
        likely = self._decoder.languages(features, given.sot, given.all_language_tokens).cpu().numpy()
        for recording in {piece.recording for piece in pieces} - known.keys():
            windows_of = [row for row, piece in zip(likely, pieces, strict=True) if piece.recording == recording]
            known[recording] = given.all_language_codes[int(np.sum(windows_of, axis=0).argmax())]
        return [known[piece.recording] for piece in pieces]


@dataclass(frozen=True, eq=False)
class _Piece:
    """One window of a recording: which, where it starts (seconds), its samples."""

    recording: int
    start: float
    samples: FloatArray

    @property
    def seconds(self) -> float:
        return len(self.samples) / RATE


@dataclass(frozen=True)
class _Try:
    """One decoding of a window, and why it is not believed; before the first, nothing is."""

    text: str = ""
    tokens: tuple[int, ...] = ()
    confidence: float = 0.0
    reason: Reason | None = Reason.UNINTELLIGIBLE


@dataclass(frozen=True, eq=False)
class _Heard:
    """One window heard: words, confidence, why they are not believed, pooled states (n, width), language."""

    text: str
    words: tuple[Word, ...]
    confidence: float
    reason: Reason | None
    states: FloatArray = field(repr=False)
    language: str


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


def _transcript(hearings: Sequence[_Heard]) -> Transcript:
    """One recording's windows joined; those not believed are left out, and name the reason when none is left."""
    if not hearings:
        return Transcript("", rejected=Reason.SILENCE.value)
    states = Encoding("speech", shrink(np.concatenate([hearing.states for hearing in hearings])))
    language = hearings[0].language
    believed = [hearing for hearing in hearings if hearing.reason is None]
    if not believed:
        return Transcript("", rejected=str(hearings[0].reason), states=states, language=language)
    lengths = [len(hearing.text.split()) for hearing in believed]
    return Transcript(
        text=" ".join(hearing.text for hearing in believed),
        words=tuple(word for hearing in believed for word in hearing.words),
        confidence=float(np.average([hearing.confidence for hearing in believed], weights=lengths)),
        states=states,
        language=language,
    )


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
