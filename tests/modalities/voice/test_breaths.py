"""How a reply is cut into breaths."""

from __future__ import annotations

import numpy as np
import pytest

from modalities.types import Audio
from modalities.voice.base import LONGEST_BREATH, breaths, join


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("no end", ["no end"]),
        ("... ! ?", []),
        ("", []),
    ],
)
def test_sentences(text: str, pieces: list[str]) -> None:
    assert list(breaths(text)) == pieces


@pytest.mark.parametrize("text", ["word " * 400, "a, b " * 400, "x" * 2000, "one, " + "y" * 1000])
def test_long_sentences_are_cut_and_lose_nothing(text: str) -> None:
    pieces = list(breaths(text))
    assert max(map(len, pieces)) <= LONGEST_BREATH
    assert "".join(pieces).replace(" ", "") == text.replace(" ", "")
    if " " in text and "y" not in text:
        assert "".join(piece + " " for piece in pieces).split() == text.split()


def test_join() -> None:
    piece = Audio(np.ones(3, dtype=np.float32), 8000)
    assert len(join([piece, piece], 8000).samples) == 6
    empty = join([], 22050)
    assert (len(empty.samples), empty.rate) == (0, 22050)
