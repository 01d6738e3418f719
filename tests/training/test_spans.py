"""Span figures, known exactly, and against a reading of BIO tags that shares no code with them."""

from __future__ import annotations

import random

import pytest

from agent.types import Entity, Understanding
from modalities.types import Transcript
from training.rows import Row
from training.spans import entity_figures, span_figures

Spans = list[tuple[str, tuple[int, int]]]
TYPES = ("city", "date", "name")


def test_figures_of_a_few_spans() -> None:
    truth: list[Spans] = [[("city", (0, 5)), ("date", (6, 9))], [("city", (0, 3))], []]
    found: list[Spans] = [[("city", (0, 5)), ("city", (6, 9))], [("city", (0, 4))], [("name", (0, 2))]]
    result = span_figures(truth, found)
    assert result["micro"] == {"precision": 1 / 4, "recall": 1 / 3, "f1": 2 / 7, "support": 3, "found": 4}
    assert result["by_type"]["city"] == {"precision": 1 / 3, "recall": 1 / 2, "f1": 2 / 5, "support": 2, "found": 3}
    assert result["by_type"]["date"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1, "found": 0}
    assert result["macro_f1"] == pytest.approx((2 / 5 + 0 + 0) / 3)


def random_spans(rng: random.Random, tokens: int) -> Spans:
    spans, at = [], 0
    while at < tokens:
        length = rng.randint(1, 3)
        if rng.random() < 0.4 and at + length <= tokens:
            spans.append((rng.choice(TYPES), (at, at + length)))
            at += length
        else:
            at += 1
    return spans


def bio(spans: Spans, tokens: int) -> list[str]:
    tags = ["O"] * tokens
    for kind, (start, end) in spans:
        tags[start:end] = [f"B-{kind}", *[f"I-{kind}"] * (end - start - 1)]
    return tags


def conll(truth: list[list[str]], found: list[list[str]]) -> tuple[float, float, float]:
    """Precision, recall and F1 as the CoNLL-2000 script counts them: a chunk is right when it begins and ends in step
    with one of its type."""
    right = ours = theirs = 0
    for meant, guess in zip(truth, found, strict=True):
        both = False
        for i in range(len(meant) + 1):
            a, b = (meant[i] if i < len(meant) else "O"), (guess[i] if i < len(guess) else "O")
            ends = [tags[i - 1] != "O" and now[0] != "I" for tags, now in ((meant, a), (guess, b)) if i]
            if both and any(ends):
                right += all(ends)
                both = False
            starts = a[0] == "B", b[0] == "B"
            ours, theirs = ours + starts[0], theirs + starts[1]
            if all(starts):
                both = a == b
    precision, recall = right / theirs if theirs else 0.0, right / ours if ours else 0.0
    return precision, recall, 2 * precision * recall / (precision + recall) if right else 0.0


@pytest.mark.parametrize("seed", range(20))
def test_micro_figures_are_those_of_bio_tags(seed: int) -> None:
    rng = random.Random(seed)
    truth = [random_spans(rng, 12) for _ in range(30)]
    found = [spans if rng.random() < 0.5 else random_spans(rng, 12) for spans in truth]
    micro = span_figures(truth, found)["micro"]
    expected = conll([bio(spans, 12) for spans in truth], [bio(spans, 12) for spans in found])
    assert (micro["precision"], micro["recall"], micro["f1"]) == pytest.approx(expected)


def entity(kind: str, text: str, start: int, source: str = "tagger") -> Entity:
    return Entity(kind, text, text, start, start + len(text), source, 0.9)


def test_typed_words_by_place_and_recordings_by_words() -> None:
    rows = [
        Row("  to Rome", ("go",), (("city", 5, 9),)),
        Row("order forty two", ("go",), (("number", 6, 15),)),
        Row("no labels", ("go",)),
    ]
    understandings = [
        Understanding(text="to Rome", entities=(entity("city", "Rome", 3), entity("total", "9", 0, "photo.tagger"))),
        Understanding(text="border 42", transcript=Transcript("border 42"), entities=(entity("number", "42", 7),)),
        Understanding(text="no labels", entities=(entity("city", "no", 0),)),
    ]
    result = entity_figures(rows, understandings)
    assert (result["typed"]["rows"], result["typed"]["micro"]["f1"], result["typed"]["micro"]["found"]) == (1, 1.0, 1)
    assert (result["heard"]["rows"], result["heard"]["micro"]["f1"]) == (1, 1.0)
