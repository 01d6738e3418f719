"""A model before training, and which encoders it is made for."""

from __future__ import annotations

import logging
from pathlib import Path

from agent.checkpoint import EncoderId, load
from agent.config import Settings
from agent.errors import CallsightError
from agent.fusion import FusionConfig
from agent.heads import Labels, PhotoHead, UnderstandingModel
from modalities.locate import fingerprint, locate
from modalities.prosody import Prosody
from modalities.text import TextEncoder
from training.photo_bank import PhotoBank

logger = logging.getLogger(__name__)

SHIPPED = "weights/retail"
"""Checkpoint whose photo head is taken over where there are no labelled photos to learn from: what kind of photo it
is, and in what condition, does not depend on the pack."""


def fresh(
    labels: Labels, settings: Settings, text: TextEncoder, bank: PhotoBank | None, printed: bool, spoken: bool
) -> tuple[UnderstandingModel, dict[str, EncoderId]]:
    """A model for the modalities at hand.

    Args:
        labels: of the pack.
        settings: name the encoders and the device.
        text: the text encoder.
        bank: photos to learn from, or None.
        printed, spoken: whether there is print, or recordings, to learn from.

    Returns:
        The model and the encoders that belong to it, by modality.
    """
    encoders = {"text": EncoderId(settings.text.model, text.width, text.fingerprint)}
    if printed:
        encoders["ocr"] = encoders["text"]
    inputs = {name: encoder.width for name, encoder in encoders.items()}
    if spoken:
        inputs["speech"] = Prosody.width
    if bank is not None:
        inputs["image"] = bank.width
        encoders["image"] = EncoderId(settings.vision.model, bank.width, _print_of(settings.vision.model))
    model = UnderstandingModel(FusionConfig(inputs), labels)
    if bank is not None and bank.all:
        model.see(PhotoHead(bank.width, labels))
    elif (found := _shipped(settings.vision.model, labels)) is not None:
        head, encoders["image"] = found
        model.see(head)
    return model.to(settings.device), encoders


def _print_of(model: str) -> str:
    """Fingerprint of a photo encoder, as `modalities.vision.VisionEncoder` gives it."""
    path = locate(model)
    return fingerprint(path) if Path(path).is_dir() else model


def _shipped(vision: str, labels: Labels) -> tuple[PhotoHead, EncoderId] | None:
    """The shipped photo head, no longer trained, if the stack names a photo encoder and it was made for that."""
    if not vision:
        return None
    try:
        checkpoint = load(Path(locate(SHIPPED)))
        encoder = checkpoint.encoders["image"]
        fits = encoder.fingerprint == _print_of(vision) and checkpoint.model.labels.photo_kinds == labels.photo_kinds
    except (CallsightError, KeyError):
        fits = False
    if not fits or checkpoint.model.photo is None:
        logger.warning("no photo head fits the photo encoder %r: train with --data to have photos told apart", vision)
        return None
    return checkpoint.model.photo.requires_grad_(False), encoder
