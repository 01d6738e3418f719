"""Evidence against models whose every score is known, and against the fusion itself."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch

from agent import evidence
from agent.errors import MissingPartError
from agent.evidence import CUT_OUT, MOST_WORDS, SHOWN, Given, evidence_for
from agent.fusion import ModalityBatch
from modalities.types import Encoding, TextLine

pytest.importorskip("captum")

VALUES = {"cancel": 4.0, "order": 2.0, "keep": -3.0}
LINES = (TextLine("TOTAL", (0.1, 0.1, 0.4, 0.2), 1.0), TextLine("REFUND", (0.1, 0.3, 0.4, 0.4), 1.0))
QUARTERS = ((0.0, 0.0, 0.5, 0.5), (0.5, 0.0, 1.0, 0.5), (0.0, 0.5, 0.5, 1.0), (0.5, 0.5, 1.0, 1.0))


def encode(texts: Sequence[str]) -> list[Encoding]:
    """A vector a word, whose first value is what the word is worth."""
    found = [list(re.finditer(r"\w+", text)) for text in texts]
    vectors = [
        np.array([[VALUES.get(w.group(), 0.0), 1.0] for w in words], np.float32).reshape(-1, 2) for words in found
    ]
    return [Encoding("text", v, tuple(w.span() for w in words)) for v, words in zip(vectors, found, strict=True)]


def printed(worth: Sequence[float]) -> Encoding:
    spans, boxes = ((0, 5), (6, 12)), tuple(line.box for line in LINES)
    return Encoding("ocr", np.array([[w, 1.0] for w in worth], np.float32), spans, boxes)


def seen(worth: Sequence[float]) -> Encoding:
    return Encoding("image", np.array([[w, 1.0] for w in worth], np.float32), boxes=QUARTERS)


def score(inputs: Mapping[str, ModalityBatch]) -> torch.Tensor:
    """The sum of what every present vector is worth."""
    return sum((batch.vectors[..., 0] * batch.mask).sum(dim=1) for batch in inputs.values())  # type: ignore[return-value]


def given(text: str, **others: Encoding) -> Given:
    return Given(text, LINES, {"text": encode([text])[0], **others} if text else others)


def test_words_weigh_what_they_are_worth() -> None:
    found = evidence_for(given("please cancel my order, keep"), "cancel_order", score, encode)
    assert [(e.text, e.start, e.end, e.intent) for e in found] == [
        ("cancel", 7, 13, "cancel_order"),
        ("keep", 24, 28, "cancel_order"),
        ("order", 17, 22, "cancel_order"),
    ]
    assert [e.weight for e in found] == pytest.approx([4 / 9, -3 / 9, 2 / 9])
    assert all(e.source == "text" and e.box is None for e in found)


def test_print_and_photo_have_their_places_and_sources_their_shares() -> None:
    turn = given("cancel", ocr=printed([0.0, 2.0]), image=seen([0.0, -1.0, 0.0, 3.0]))
    found = evidence_for(turn, "cancel_order", score, encode)
    # the photo is worth 2 as a whole, which its two parts share 1 to 3
    assert [(e.source, e.text, round(8 * e.weight, 3)) for e in found] == [
        ("text", "cancel", 4.0),
        ("ocr", "REFUND", 2.0),
        ("image", None, 1.5),
        ("image", None, -0.5),
    ]
    assert [e.box for e in found] == [None, LINES[1].box, QUARTERS[3], QUARTERS[1]]
    assert (found[1].start, found[1].end) == (6, 12)


def test_what_a_word_means_to_its_neighbours_counts() -> None:
    """Only encoding anew shows that a word changes the others: here "not" is worth nothing, but undoes the rest."""

    def negating(texts: Sequence[str]) -> list[Encoding]:
        found = encode(texts)
        return [
            Encoding("text", e.vectors * (-1.0 if "not" in text.split() else 1.0), e.spans)
            for e, text in zip(found, texts, strict=True)
        ]

    turn = Given("do not cancel", (), {"text": negating(["do not cancel"])[0]})
    found = evidence_for(turn, "cancel_order", score, negating)
    assert [(e.text, round(e.weight, 3)) for e in found] == [("not", round(-8 / 12, 3)), ("cancel", round(-4 / 12, 3))]


@pytest.mark.parametrize("words", [1, CUT_OUT, SHOWN + 5, 10 * MOST_WORDS + 3])
def test_weights_add_to_one_and_are_few(words: int) -> None:
    text = " ".join(["cancel", "keep", "order", "x"][i % 4] for i in range(words))
    found = evidence_for(given(text), "i", score, encode)
    assert 1 <= len(found) <= SHOWN
    assert sum(abs(e.weight) for e in found) == pytest.approx(1.0)
    assert [abs(e.weight) for e in found] == sorted((abs(e.weight) for e in found), reverse=True)
    assert all(text[e.start : e.end] == e.text for e in found)


def test_the_work_does_not_grow_with_the_text() -> None:
    encoded, scored = list[str](), list[int]()

    def counted(texts: Sequence[str]) -> list[Encoding]:
        encoded.extend(texts)
        return encode(texts)

    def counting(inputs: Mapping[str, ModalityBatch]) -> torch.Tensor:
        scored.append(len(score(inputs)))
        return score(inputs)

    evidence_for(given("cancel " * 500), "i", counting, counted)
    assert len(encoded) == CUT_OUT
    assert sum(scored) < 2 * MOST_WORDS


@pytest.mark.parametrize(
    "turn", [given(""), given("nothing of worth"), Given("", (), {}), given("", image=seen([0.0] * 4))]
)
def test_nothing_that_counts_is_no_evidence(turn: Given) -> None:
    assert evidence_for(turn, "i", score, encode) == ()


@pytest.mark.parametrize("text", ["cancel", "\U0001f621\U0001f621", "¿? cancel ¡!", "取消 cancel", "a\ncancel\tb"])
def test_odd_words_are_explained_or_passed_over(text: str) -> None:
    for piece in evidence_for(given(text), "i", score, encode):
        assert piece.text == text[piece.start : piece.end] == "cancel"


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    monkeypatch.setitem(sys.modules, "captum", None)
    with pytest.raises(MissingPartError, match="pip install captum"):
        evidence_for(given("cancel"), "i", score, encode)


def test_a_row_keeps_only_the_vectors_it_is_given() -> None:
    batch = evidence._batch(seen([1.0, 2.0, 3.0, 4.0]), torch.tensor([[0, 1, 0, 1], [0, 0, 0, 0], [1, 0, 0, 0]]).bool())
    assert batch.vectors.shape == (3, 2, 2)
    assert batch.mask.tolist() == [[True, True], [False, False], [True, False]]
    assert batch.vectors[0, :, 0].tolist() == [2.0, 4.0]
    assert batch.boxes is not None
    assert batch.boxes[0].tolist() == [list(QUARTERS[1]), list(QUARTERS[3])]


@pytest.mark.parametrize("extra", [{}, {"image": seen([1.0] * 4)}])
def test_the_fusion_is_explained(extra: Any) -> None:
    """Through the model's own classes, with weights that know nothing: shapes fit and the turn's words are found."""
    from agent.fusion import FusionConfig
    from agent.heads import Labels, UnderstandingModel

    torch.manual_seed(0)
    model = UnderstandingModel(
        FusionConfig({"text": 2, "image": 2}, width=16, layers=1, heads=2), Labels(("a", "b"), ())
    ).eval()

    def modelled(inputs: Mapping[str, ModalityBatch]) -> torch.Tensor:
        with torch.inference_mode():
            logits: torch.Tensor = model(inputs).intents[:, 1]
            return logits

    found = evidence_for(given("cancel order keep", **extra), "b", modelled, encode)
    assert sum(abs(e.weight) for e in found) == pytest.approx(1.0)
    assert {e.source for e in found} == {"text", *extra}


@pytest.mark.weights
@pytest.mark.parametrize(
    "text", ["where is my order K204719, it should be here by now", "I want to cancel the blue lamp I bought"]
)
def test_the_shipped_model_hangs_on_its_weightiest_word(text: str) -> None:
    from agent import Turn, build

    agent = build(store_url="sqlite://")
    (understood,) = agent.understand([Turn(text=text)], explain=True)
    top = understood.evidence[0]
    assert top.weight > 0
    words = [w.span() for w in re.finditer(r"\w+", text)]
    shorter = agent.understand([Turn(text=text[:a] + text[b:]) for a, b in words])
    confidence = [next(i.confidence for i in u.intents if i.name == top.intent) for u in shorter]
    place = next(i for i, word in enumerate(words) if word == (top.start, top.end))
    assert confidence[place] < np.mean(confidence)
