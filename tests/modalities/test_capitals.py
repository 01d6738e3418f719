"""How words are written is told where it can tell something."""

from __future__ import annotations

import pytest

from modalities.capitals import CAPITALISED, CAPITALS, MIXED, SMALL, capitals_of

S, C, A, M = SMALL, CAPITALISED, CAPITALS, MIXED


@pytest.mark.parametrize(
    ("text", "spans", "ways"),
    [
        ("play The Ghost House", [(0, 4), (5, 8), (9, 14), (15, 20)], (S, C, C, C)),
        ("my iPhone from LA", [(0, 2), (3, 4), (4, 9), (10, 14), (15, 17)], (S, M, M, S, A)),
        ("a McDonald's bill", [(0, 1), (2, 4), (4, 10), (10, 11), (11, 12), (13, 17)], (S, M, M, S, S, S)),
        ("give I a 5", [(0, 4), (5, 6), (7, 8), (9, 10)], (S, C, S, S)),
        ("Élan bleu", [(0, 4), (5, 9)], (C, S)),
        ("all of it small, 5", [(0, 3)], ()),
        ("WHERE IS MY ORDER", [(0, 5)], ()),
        ("What Is My Balance", [(0, 4)], ()),
        ("Refund", [(0, 6)], ()),
        ("12 34", [(0, 2)], ()),
        ("", [], ()),
        ("商品 はどこ", [(0, 2)], ()),
        ("Hi there", [(0, 2), (8, 8)], (C, S)),
    ],
)
def test_words_are_told_by_their_capitals(text: str, spans: list[tuple[int, int]], ways: tuple[int, ...]) -> None:
    assert capitals_of(text, spans) == ways
