from dataclasses import replace
from pathlib import Path

import pytest

from agent.domain import EntityType, Pack
from agent.entities import Recognizers, merge
from agent.errors import PackError
from agent.secrets import MASK, concealed, long_numbers
from agent.types import Entity, Evidence, Photo, Understanding, to_json
from modalities.types import TextLine, Transcript, Word

CARD = "4111 1111 1111 1111"
SAID = "four one one one " + "one " * 11 + "one"
TYPES = {
    "card": EntityType("card", recognizer="card"),
    "pin": EntityType("pin", recognizer="id", pattern=r"P\d{6}", secret=True),
    "money": EntityType("money", recognizer="money"),
    "ean": EntityType("ean", recognizer="id", pattern=r"\d{13}", checksum="ean"),
}


def understood(text: str, **more: object) -> Understanding:
    pack = replace(Pack.load("retail", with_examples=False), entities=TYPES)
    entities = merge(Recognizers(pack).find(text))
    return concealed(replace(Understanding(text=text, entities=entities), **more), TYPES)  # type: ignore[arg-type]


@pytest.mark.parametrize("words", [CARD, CARD.replace(" ", ""), "4111-1111-1111-1111"])
def test_a_card_number_goes_nowhere(words: str) -> None:
    text = f"pay $20 with {words} please"
    result = understood(text)
    money, card = result.entities
    assert (money.value, card.value) == ("20.00 USD", f"{MASK * 4}1111")
    assert result.text == f"pay $20 with {''.join(MASK if c.isdigit() else c for c in words)} please"
    assert result.text[card.start : card.end] == card.text
    assert "1111 1111" not in str(to_json(result))
    assert words not in str(to_json(result))


def test_a_card_number_said_aloud_is_masked_in_the_transcript() -> None:
    heard = f"my card is {SAID} thanks"
    words = tuple(Word(word, i, i + 1, 0.9) for i, word in enumerate(heard.split()))
    result = understood(
        heard, transcript=Transcript(heard, words, 0.9, alternatives=(heard.replace("thanks", "tank"),))
    )
    assert result.transcript is not None
    assert result.text == result.transcript.text
    assert "four" not in str(to_json(result))
    assert "one one" not in str(to_json(result))
    assert [word.text for word in result.transcript.words[:3]] == ["my", "card", "is"]
    assert result.transcript.words[-1].text == "thanks"
    assert set(result.transcript.words[3].text) == {MASK}


def test_a_wrong_digit_or_a_pack_without_cards_does_not_let_a_number_through() -> None:
    wrong = Understanding(text=f"it is {CARD[:-1]}2")
    assert "1" not in concealed(wrong, TYPES).text
    assert "1" not in concealed(Understanding(text=CARD), {}).text


def test_what_a_pack_calls_secret_is_masked() -> None:
    result = understood("the code is P482133 ok")
    assert result.text == f"the code is {MASK * 7} ok"
    assert [entity.value for entity in result.entities] == [MASK * 4]


def test_other_numbers_stay() -> None:
    result = understood("barcode 4006381333931 for $20")
    assert [entity.value for entity in result.entities] == ["4006381333931", "20.00 USD"]
    assert "4006381333931" in result.text


def test_print_and_evidence_are_masked() -> None:
    line = TextLine(f"VISA {CARD}", (0.0, 0.0, 1.0, 1.0), 0.9)
    text = f"use {CARD}"
    evidence = (Evidence("text", "pay", 0.6, CARD, 4, len(text)), Evidence("ocr", "pay", 0.4, line.text, 0, 24))
    result = understood(text, image=Photo("receipt", 0.9, lines=(line,)), evidence=evidence)
    assert "1111" not in "".join([*(e.text or "" for e in result.evidence), result.image.lines[0].text])  # type: ignore[union-attr]
    assert result.image is not None
    assert result.image.lines[0].text.startswith("VISA ")


def test_a_photos_secret_keeps_its_offsets() -> None:
    found = Entity("card", CARD, CARD.replace(" ", ""), 0, len(CARD), "photo.pattern", 0.9)
    (masked,) = concealed(Understanding(text="this one", entities=(found,)), TYPES).entities
    assert (masked.start, masked.end, masked.value) == (0, len(CARD), f"{MASK * 4}1111")


@pytest.mark.parametrize("text", ["", "call 206 555 0125", "two shirts and three socks", "one two three four five six"])
def test_short_numbers_are_no_cards(text: str) -> None:
    assert long_numbers(text) == []


def test_a_pack_says_what_is_secret(tmp_path: Path) -> None:
    (tmp_path / "pack.toml").write_text(
        'name="b"\n[intents]\na="A"\n[entities.card]\nrecognizer="card"\n[entities.iban]\nrecognizer="iban"\n'
        '[entities.pin]\nrecognizer="id"\npattern="\\\\d{4}"\nsecret=true\n'
    )
    types = Pack.load(tmp_path, with_examples=False).entities
    assert [types[name].secret for name in ("card", "iban", "pin")] == [True, False, True]
    (tmp_path / "pack.toml").write_text('name="b"\n[intents]\na="A"\n[entities.pin]\nsecret="yes"\n')
    with pytest.raises(PackError, match="secret must be true or false"):
        Pack.load(tmp_path, with_examples=False)
