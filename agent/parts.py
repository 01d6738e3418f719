"""The models of a stack, each made when it is first needed: a typed turn never waits for the photo reader."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from agent.checkpoint import Checkpoint, EncoderId, check_encoder, check_labels, load
from agent.config import Settings
from agent.domain import Pack
from agent.errors import MissingPartError
from modalities.device import check_device
from modalities.locate import ROOT

if TYPE_CHECKING:
    from modalities.ocr import Reader
    from modalities.segmenter import Segmenter
    from modalities.speech.base import SpeechEngine
    from modalities.text import TextEncoder
    from modalities.vision import VisionEncoder
    from modalities.voice.base import Voice

SPEECH_ENGINES = ("pocketsphinx", "whisper")
VOICES = ("espeak", "coqui")


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

    @cached_property
    def checkpoint(self) -> Checkpoint:
        """Fusion and heads, checked against the pack and this stack's text encoder."""
        folder = Path(self.settings.fusion_weights.format(domain=self.pack.name)).expanduser()
        checkpoint = load(folder if folder.is_absolute() or folder.is_dir() else ROOT / folder)
        check_labels(checkpoint, tuple(self.pack.intents), tuple(self.pack.entities))
        checkpoint.model.to(self.device)
        return checkpoint

    @cached_property
    def text(self) -> TextEncoder:
        """The text encoder, tuned by the checkpoint's adapter."""
        from modalities.text import TextEncoder

        model = self.settings.text.model
        encoder = TextEncoder(model, self.device)
        check_encoder(self.checkpoint, "text", EncoderId(model, encoder.width, encoder.fingerprint))
        if self.checkpoint.adapter is not None:
            encoder.adapt(self.checkpoint.adapter)
        return encoder

    @cached_property
    def search_text(self) -> TextEncoder:
        """The text encoder as published, for searching articles."""
        from modalities.text import TextEncoder

        return TextEncoder(self.settings.text.model, self.device)

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
