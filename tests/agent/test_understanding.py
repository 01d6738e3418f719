"""Understanding with stand-in parts: what is heard, seen and read comes out in the right places."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from agent.checkpoint import Calibration, Checkpoint, EncoderId
from agent.checksums import luhn_digit
from agent.domain import Pack
from agent.fusion import FusionConfig
from agent.heads import Labels, UnderstandingModel
from agent.types import Turn
from agent.understanding import MAX_CHARACTERS, Understander, clean
from modalities.speech.base import Capabilities
from modalities.spelling import Speller
from modalities.types import Audio, Encoding, Image, Segment, TextLine, Transcript

ORDER = "K48213" + luhn_digit("48213")
WRONG = "K48213" + str((int(ORDER[-1]) + 1) % 10)
WIDTH = 8


class FakeText:
    """One vector a word, the same for the same word."""

    width = WIDTH

    def encode(self, texts: Sequence[str]) -> list[Encoding]:
        return [self._encode(text) for text in texts]

    def _encode(self, text: str) -> Encoding:
        spans, at = [], 0
        for word in text.split():
            at = text.index(word, at)
            spans.append((at, at + len(word)))
            at += len(word)
        rows = [np.random.default_rng(zlib.crc32(text[a:b].encode())).standard_normal(WIDTH) for a, b in spans]
        return Encoding("text", np.array(rows, np.float32).reshape(-1, WIDTH), tuple(spans))

    def encode_lines(self, lines: Sequence[TextLine]) -> Encoding:
        joined = self._encode("\n".join(line.text for line in lines))
        return Encoding("ocr", joined.vectors, joined.spans, ((0.0, 0.0, 1.0, 1.0),) * len(joined))


class FakeVision:
    def encode(self, images: Sequence[Image]) -> list[Encoding]:
        return [
            Encoding("image", np.full((2, 4), float(i.pixels.mean()), np.float32), (), ((0, 0, 1, 1),) * 2)
            for i in images
        ]


class FakeSpeech:
    name = "fake"
    capabilities = Capabilities()

    def __init__(self, transcript: Transcript) -> None:
        self.transcript = transcript

    def transcribe(self, recordings: Sequence[Audio]) -> list[Transcript]:
        return [self.transcript for _ in recordings]


@pytest.fixture
def parts() -> Any:
    torch.manual_seed(0)
    pack = Pack.load("retail")
    labels = Labels(tuple(pack.intents), tuple(pack.entities))
    config = FusionConfig({"text": WIDTH, "ocr": WIDTH, "image": 4}, width=16, layers=1, heads=2)
    model = UnderstandingModel(config, labels, photo=4).eval()
    with torch.no_grad():
        model.get_submodule("photo.kind.2").bias.data = torch.tensor([50.0, 0.0, 0.0, 0.0])  # every photo is a receipt
    encoders = {name: EncoderId("fake", width, "") for name, width in config.inputs.items()}
    lines = (
        TextLine("HARBOR LANE", (0.3, 0.05, 0.7, 0.1), 0.99),
        TextLine(f"ORDER {ORDER}", (0.1, 0.12, 0.5, 0.16), 0.99),
        TextLine("DATE 2026-05-04", (0.1, 0.2, 0.5, 0.24), 0.98),
        TextLine("TOTAL 25.40", (0.1, 0.8, 0.6, 0.84), 0.97),
    )
    heard = Transcript("where is it", confidence=0.9)
    return SimpleNamespace(
        pack=pack, device="cpu", precision="float32", text=FakeText(), vision=FakeVision(),
        reader=SimpleNamespace(read=lambda image: lines), speller=None,
        checkpoint=Checkpoint(model, encoders, Calibration(out_of_scope=1.1)), speech=FakeSpeech(heard),
        segmenter=SimpleNamespace(segments=lambda audio: (Segment(0.0, audio.seconds),)),
    )  # fmt: skip


SOUND = Audio(np.random.default_rng(0).standard_normal(16_000).astype(np.float32) * 0.1, 16_000)
PHOTO = Image(np.full((40, 30, 3), 200, np.uint8))


def test_typed_and_spoken_words_are_one_text(parts: Any) -> None:
    (result,) = Understander(parts).understand([Turn(text=f"order {ORDER}", audio=SOUND)])
    assert result.text == f"order {ORDER}\nwhere is it"
    assert result.transcript is not None
    assert [(e.type, e.value) for e in result.entities if e.source == "checksum"] == [("order_id", ORDER)]


def test_what_was_heard_already_is_not_heard_again(parts: Any) -> None:
    parts.speech.transcribe = None
    (result,) = Understander(parts).understand([Turn(audio=SOUND, transcript=Transcript(f"order {ORDER}"))])
    assert result.text == f"order {ORDER}"
    assert result.transcript is not None


def test_a_receipt_is_read_with_its_fields_and_ids(parts: Any) -> None:
    (result,) = Understander(parts).understand([Turn(image=PHOTO)])
    assert result.image is not None
    assert result.image.receipt is not None
    assert result.image.receipt.total == "25.40"
    assert result.image.receipt.date == "2026-05-04"
    assert ("order_id", ORDER, "photo.pattern") in [(e.type, e.value, e.source) for e in result.entities]
    text = "\n".join(line.text for line in result.image.lines)
    (order,) = [e for e in result.entities if e.type == "order_id"]
    assert text[order.start : order.end] == ORDER


def test_another_hearing_mends_a_wrong_check_digit(parts: Any) -> None:
    parts.speech = FakeSpeech(
        Transcript(f"cancel {WRONG.lower()}", confidence=0.8, alternatives=(f"cancel {ORDER.lower()}",))
    )
    understander = Understander(parts)
    start, end = len("cancel "), len("cancel ") + 7
    tagged = [("order_id", start, end, 0.95)]
    understander._spans = lambda *_: [tagged]  # type: ignore[method-assign]
    (result,) = understander.understand([Turn(audio=SOUND)])
    assert [(e.type, e.value) for e in result.entities] == [("order_id", ORDER)]


@pytest.mark.parametrize("turn", [Turn(), Turn(text=""), Turn(text=" \n\t"), Turn(text="\x00\u202e")])
def test_nothing_said_is_no_speech(parts: Any, turn: Turn) -> None:
    (result,) = Understander(parts).understand([turn])
    assert result.verdict == "no_speech"
    assert result.intents == ()


def test_silence_gives_its_reason_and_no_words(parts: Any) -> None:
    parts.segmenter = SimpleNamespace(segments=lambda audio: ())
    (result,) = Understander(parts).understand([Turn(audio=Audio(np.zeros(16_000, np.float32), 16_000))])
    assert result.verdict == "no_speech"
    assert result.transcript is not None
    assert (result.transcript.text, result.transcript.rejected) == ("", "silence")


@pytest.mark.parametrize("text", ["x" * 100_000, "🙂" * 3_000, "مرحبا أين طلبي", "a\x00b\x1b[31mc", "\u202eevil"])
def test_absurd_text_is_understood_or_left_out(parts: Any, text: str) -> None:
    (result,) = Understander(parts).understand([Turn(text=text)])
    assert len(result.text) <= MAX_CHARACTERS
    assert not any(c in result.text for c in "\x00\x1b\u202e")
    assert result.verdict != "no_speech"


def test_clean_keeps_ordinary_text() -> None:
    assert clean("  Where's my order?\nThanks ") == "Where's my order?\nThanks"


def test_a_batch_is_as_good_as_one_by_one(parts: Any) -> None:
    understander = Understander(parts)
    turns = [Turn(text="hi"), Turn(text="where is my order"), Turn(image=PHOTO), Turn(text="hi", image=PHOTO)]
    for turn, together in zip(turns, understander.understand(turns), strict=True):
        (alone,) = understander.understand([turn])
        places = [[(e.type, e.value, e.start, e.end) for e in u.entities] for u in (alone, together)]
        assert places[0] == places[1]
        chances = {intent.name: intent.confidence for intent in alone.intents}
        assert all(abs(chances[intent.name] - intent.confidence) < 1e-4 for intent in together.intents)


def test_evidence_only_when_asked_for_and_of_all_that_was_given(parts: Any) -> None:
    turns = [Turn(text="where is my order", image=PHOTO), Turn(text="hi"), Turn()]
    understander = Understander(parts)
    plain, explained = understander.understand(turns), understander.understand(turns, explain=True)
    assert all(u.evidence == () and "explain" not in u.timings_ms for u in plain)
    assert [u.intents for u in plain] == [u.intents for u in explained]
    assert {e.source for e in explained[0].evidence} == {"text", "ocr", "image"}
    assert [[e.text for e in u.evidence] for u in explained[1:]] == [["hi"], []]
    for understood in explained[:2]:
        assert {e.intent for e in understood.evidence} == {understood.intents[0].name}
        assert sum(abs(e.weight) for e in understood.evidence) == pytest.approx(1.0)


def test_typing_errors_are_put_right_for_the_encoder_alone(parts: Any) -> None:
    seen: list[str] = []
    plain = parts.text.encode

    def encode(texts: Sequence[str]) -> list[Encoding]:
        seen.extend(texts)
        found: list[Encoding] = plain(texts)
        return found

    parts.text.encode = encode
    parts.speller = Speller(["cancel my order please"], known=frozenset)
    typed = f"cancle {ORDER} plaese"
    understanding = Understander(parts).understand([Turn(text=typed)])[0]
    assert seen[0] == f"cancel {ORDER} please"
    assert understanding.text == typed
    order = next(entity for entity in understanding.entities if entity.type == "order_id")
    assert typed[order.start : order.end] == order.text == ORDER


def test_what_was_said_is_not_spelled_anew(parts: Any) -> None:
    parts.speller = Speller(["cancel my order please"], known=frozenset)
    parts.speech = FakeSpeech(Transcript("cancle it", confidence=0.9))
    seen: list[str] = []
    plain = parts.text.encode
    parts.text.encode = lambda texts: plain([seen.append(text) or text for text in texts])  # type: ignore[func-returns-value]
    Understander(parts).understand([Turn(text="plaese", audio=SOUND)])
    assert seen[0] == "please\ncancle it"
    assert all(text.endswith("\ncancle it") for text in seen)


def test_turns_of_several_wishes_are_read_in_halves_and_long_letters_whole(parts: Any) -> None:
    model = parts.checkpoint.model
    with torch.no_grad():
        model.several.get_submodule("1").weight.zero_()
        model.several.get_submodule("1").bias.fill_(9.0)
    seen: list[str] = []
    plain = parts.text.encode
    parts.text.encode = lambda texts: plain([seen.append(text) or text for text in texts])  # type: ignore[func-returns-value]
    Understander(parts).understand([Turn(text="cancel my order and tell me more"), Turn(text="one two. " * 100)])
    assert {"cancel my order", "tell me more"} <= set(seen)
    assert not any(text.startswith("one two") and len(text) < 400 for text in seen)
