"""A scorer's parts with a small model of random weights."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from agent.checkpoint import Calibration, Checkpoint
from agent.fusion import FusionConfig
from agent.heads import Labels, UnderstandingModel
from modalities.types import Encoding

INTENTS = 4


def parts_of(precision: str = "float32") -> Any:
    """Parts of a stack that reads words of one type of entity."""
    torch.manual_seed(0)
    config = FusionConfig({"text": 8}, width=16, layers=1, heads=2)
    model = UnderstandingModel(config, Labels(tuple(map(str, range(INTENTS))), ("thing",))).eval()
    checkpoint = Checkpoint(model, {}, Calibration())
    return SimpleNamespace(
        device="cpu", precision=precision, checkpoint=checkpoint, speller=None, settings=SimpleNamespace(threads=1),
        text=SimpleNamespace(encode=lambda texts: [encoding(text) for text in texts]),
    )  # fmt: skip


def encoding(text: str) -> Encoding:
    """A vector a word, always the same for a text."""
    rng = np.random.default_rng(sum(map(ord, text)))
    places = [(match.start(), match.end()) for match in re.finditer(r"\S+", text)]
    return Encoding("text", rng.standard_normal((len(places), 8)).astype(np.float32), tuple(places))
