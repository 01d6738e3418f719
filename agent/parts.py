"""The models of a stack, each made when it is first needed: a typed turn never waits for the photo reader."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from agent.checkpoint import Checkpoint, EncoderId, check_encoder, check_labels, load
from agent.config import Settings
from agent.domain import Pack
from agent.errors import MissingPartError, WeightsError
from modalities.device import check_device
from modalities.locate import ROOT

if TYPE_CHECKING:
    from modalities.ocr import Reader
    from modalities.segmenter import Segmenter
    from modalities.speech.base import SpeechEngine
    from modalities.spelling import Speller
    from modalities.text import BaseTextEncoder, TextEncoder
    from modalities.text_int8 import Int8TextEncoder
    from modalities.vision import VisionEncoder
    from modalities.voice.base import Voice

SPEECH_ENGINES = ("pocketsphinx", "whisper")
VOICES = ("espeak", "coqui")

TUNED = "encoder.safetensors"
"""File of a checkpoint with the text encoder's tuned weights, where they are no adapter."""


class Parts:
    """Every model of a stack for one pack, loaded on first use and then kept."""

    def __init__(self, settings: Settings, pack: Pack, vocabulary: Sequence[str] = ()) -> None:
        """Name the parts; nothing is loaded yet.

        Args:
            settings: the stack.
            pack: what is talked about.
            vocabulary: names that may be said, for engines that take a prompt.

        Raises:
            DeviceError: the stack's device is not here.
        """
        self.vocabulary = tuple(vocabulary)
        self.settings = settings
        self.pack = pack
        self.device = check_device(settings.device)

    @property
    def precision(self) -> str:
        """What the text encoder and the fusion compute in. int8 is for CPUs: elsewhere full precision stands in."""
        wanted = self.settings.text.precision
        return "float32" if wanted == "int8" and self.device != "cpu" else wanted

    @property
    def _weights(self) -> Path:
        folder = Path(self.settings.fusion_weights.format(domain=self.pack.name)).expanduser()
        return folder if folder.is_absolute() or folder.is_dir() else ROOT / folder

    @cached_property
    def checkpoint(self) -> Checkpoint:
        """Fusion and heads, checked against the pack and this stack's text encoder."""
        checkpoint = load(self._weights)
        check_labels(checkpoint, tuple(self.pack.intents), tuple(self.pack.entities))
        checkpoint.model.to(self.device)
        return checkpoint

    @cached_property
    def text(self) -> BaseTextEncoder:
        """The text encoder, tuned as the checkpoint says."""
        encoder = self._encoder()
        check_encoder(self.checkpoint, "text", EncoderId(self.settings.text.model, encoder.width, encoder.fingerprint))
        tuned = [
            path for path in (self.checkpoint.adapter, self._weights / TUNED) if path is not None and path.exists()
        ]
        if len(tuned) > 1:
            raise WeightsError(f"checkpoint {str(self._weights)!r} holds adapter/ and {TUNED}: take the older one out")
        if tuned:
            encoder.adapt(tuned[0])
        return encoder

    @cached_property
    def speller(self) -> Speller | None:
        """What puts typing errors right before the text encoder reads; None for packs without English."""
        if "en" not in self.pack.languages:
            return None
        from agent.facts import Facts
        from modalities.spelling import Speller

        examples = self.pack.examples()
        return Speller([*(example.text for example in examples), *Facts(self.pack, examples).names])

    @cached_property
    def search_text(self) -> BaseTextEncoder:
        """The text encoder as published, for searching articles."""
        return self._encoder()

    def _encoder(self) -> TextEncoder | Int8TextEncoder:
        model = self.settings.text.model
        if self.precision == "int8":
            from modalities.text_int8 import Int8TextEncoder

            return Int8TextEncoder(model, threads=self.settings.threads)
        from modalities.text import TextEncoder

        return TextEncoder(model, self.device, precision=self.precision)

    @cached_property
    def vision(self) -> VisionEncoder:
        """The photo encoder."""
        from modalities.vision import VisionEncoder

        model = self.settings.vision.model
        encoder = VisionEncoder(model, self.device)
        check_encoder(self.checkpoint, "image", EncoderId(model, encoder.width, encoder.fingerprint))
        return encoder

    @cached_property
    def reader(self) -> Reader:
        """What reads the print in photos."""
        from modalities.ocr import Reader

        return Reader()

    @cached_property
    def segmenter(self) -> Segmenter:
        """What tells speech from silence."""
        from modalities.segmenter import Segmenter

        return Segmenter()

    @cached_property
    def speech(self) -> SpeechEngine:
        """The speech engine, with the pack's vocabulary."""
        engine, model = self.settings.speech.engine, self.settings.speech.model
        if engine == "pocketsphinx":
            from agent.hearing import model_for
            from modalities.speech.pocketsphinx import PocketSphinx

            return PocketSphinx(model or model_for(self.pack))
        if engine == "whisper":
            from modalities.speech.whisper import Whisper

            return Whisper(model, self.device, prompt=", ".join((self.pack.title, *self.vocabulary)))
        raise MissingPartError(f"unknown speech engine {engine!r}; there are {SPEECH_ENGINES}")

    @cached_property
    def voice(self) -> Voice:
        """The agent's voice."""
        engine, model = self.settings.voice.engine, self.settings.voice.model
        if engine == "espeak":
            from modalities.voice.espeak import ESpeak

            return ESpeak(model)
        if engine == "coqui":
            from modalities.voice.coqui import Coqui

            return Coqui(model, self.device)
        raise MissingPartError(f"unknown voice engine {engine!r}; there are {VOICES}")
