import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from PIL import Image

from agent.domain import Pack
from agent.errors import PackError
from agent.problems import Problem
from training import check as checking
from training.attachments import unreadable
from training.check import check, checked, main
from training.languages import foreign
from training.wording import listed

TOML = """name = "air"
languages = ["en"]

[intents]
fly = "Fly"
stay = "Book a room"

[entities.city]
description = "A town"
"""
FLY = [
    "get me on a plane to Oslo", "I need a flight next Tuesday", "book two seats for tomorrow morning",
    "is there a cheap ticket this week", "we want to travel by air in May", "when does the next plane leave",
    "please reserve a window seat", "I would like to fly home", "find me a flight with no stop",
    "one way ticket please",
]  # fmt: skip
STAY = [
    "is there a room for tonight", "I need a hotel near the station", "book a double bed for three nights",
    "we want to stay until Sunday", "do you have a place with breakfast", "reserve a quiet room please",
    "find me somewhere to sleep", "a hotel with a pool would be nice", "can we stay one more night",
]  # fmt: skip


def line(text: str, *intents: str, **more: Any) -> dict[str, Any]:
    return {"text": text, "intents": list(intents), **more}


def lines() -> list[dict[str, Any]]:
    """A pack's examples with nothing wrong: 20."""
    city = {"type": "city", "start": 21, "end": 25}
    first = line(FLY[0], "fly", entities=[city])
    return [first, *(line(t, "fly") for t in FLY[1:]), *(line(t, "stay") for t in STAY), line("what a lovely day")]


def pack(folder: Path, examples: list[dict[str, Any]], toml: str = TOML) -> Path:
    (folder / "pack.toml").write_text(toml, encoding="utf-8")
    content = "\n".join(json.dumps(example, ensure_ascii=False) for example in examples)
    (folder / "examples.jsonl").write_text(content, encoding="utf-8")
    return folder


def problems(folder: Path) -> list[Problem]:
    return check(Pack.load(folder, with_examples=False))


def test_a_sound_pack_has_no_problems(tmp_path: Path) -> None:
    assert problems(pack(tmp_path, lines())) == []


@pytest.mark.parametrize(
    ("more", "place", "message"),
    [
        ([line("GET me on a plane to Oslo!", "stay")], 21, "means stay, but line 1 with the same words means fly"),
        ([line(FLY[0], "fly")], 21, "has other entities than line 1"),
        ([line(FLY[1], "fly"), line(FLY[1], "fly")], 21, "2 exact copies of earlier lines.*lines 21 and 22"),
        ([line("to Rome", "fly", entities=[{"type": "city", "start": 2, "end": 7}])], 21, "ends with a blank"),
        ([line("to Rome", "fly", entities=[{"type": "city", "start": 3, "end": 6}])], 21, "3..6 of city cuts a word"),
        ([line("to 1234", "fly", entities=[{"type": "city", "start": 4, "end": 7}])], 21, "4..7 of city cuts a word"),
        ([line("fly " * 300, "fly")], 21, "more than 254 words and signs, the rest is not read: line 21"),
        ([line("fly to M\ufffdnchen", "fly")], 21, r"holds U\+FFFD"),
        ([line("je veux annuler ma commande", "fly")], 21, r"language 'fr', but .* \['en'\]: line 21"),
        ([line("fly me", "fly", sentiment="negative")], 0, "a sentiment, but none is 'neutral'"),
    ],
)
def test_what_is_odd_is_warned_about_by_line(
    tmp_path: Path, more: list[dict[str, Any]], place: int, message: str
) -> None:
    first, *_ = found = problems(pack(tmp_path, lines() + more))
    assert not any(problem.refused for problem in found)
    assert first.line == place
    with pytest.raises(PackError, match=message):
        raise PackError(str(first))


def test_the_same_words_beside_another_photo_are_no_contradiction(tmp_path: Path) -> None:
    more = [line("what is this", "fly", image="kind:receipt"), line("what is this", "stay", image="kind:clothing")]
    assert problems(pack(tmp_path, lines() + more)) == []


def test_spans_in_scripts_without_blanks_and_beside_signs_cut_nothing(tmp_path: Path) -> None:
    more = [
        line("去罗马机场", "fly", entities=[{"type": "city", "start": 1, "end": 3}]),
        line("Rome's airport", "fly", entities=[{"type": "city", "start": 0, "end": 4}]),
    ]
    toml = TOML.replace('"en"', '"en", "zh"')
    assert problems(pack(tmp_path, lines() + more, toml)) == []


def test_an_intent_without_examples_is_refused_and_one_with_few_warned_about(tmp_path: Path) -> None:
    toml = TOML.replace("[intents]\n", '[intents]\nrent = "Rent a car"\nsail = "Sail"\n')
    found = problems(pack(tmp_path, [*lines(), line("sail away", "sail"), line("Sail away", "sail")], toml))
    assert [(p.path.name, p.line, p.refused) for p in found] == [("pack.toml", 5, True), ("examples.jsonl", 21, False)]
    assert "intent 'rent' has no example" in found[0].message
    assert "intent 'sail' has only 1 example (line 21)" in found[1].message


def test_an_entity_that_only_the_tagger_finds_needs_an_example(tmp_path: Path) -> None:
    toml = TOML + '[entities.date]\nrecognizer = "date"\n[entities.hotel]\n'
    (found,) = problems(pack(tmp_path, lines(), toml))
    assert (found.path.name, found.line, found.refused) == ("pack.toml", 12, False)
    assert "entity 'hotel'" in found.message


@pytest.mark.parametrize(("count", "number"), [(1, "1 example"), (19, "19 examples")])
def test_too_few_examples_are_refused(tmp_path: Path, count: int, number: str) -> None:
    with pytest.raises(PackError, match=rf"examples\.jsonl: {number}; training needs at least 20"):
        checked(Pack.load(pack(tmp_path, lines()[:count])))


def test_very_many_examples_are_warned_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "MANY", 20)
    (found,) = problems(pack(tmp_path, lines()))
    assert (found.refused, found.message.split(";")[0]) == (False, "20 examples")


def test_a_pack_without_anything_outside_its_scope_is_warned_about(tmp_path: Path) -> None:
    (found,) = problems(pack(tmp_path, [*lines()[:19], line("plane to Rome", "fly")]))
    assert "no example lies outside the pack's scope" in found.message


def test_photos_and_recordings_are_opened_and_named_by_their_first_line(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(255, size=(80, 80, 3), dtype=np.uint8)).save(tmp_path / "good.png")
    soundfile.write(tmp_path / "good.wav", rng.normal(0, 0.1, 16_000), 16_000)
    for name in ("good.png", "good.wav"):
        data = (tmp_path / name).read_bytes()
        (tmp_path / name.replace("good", "cut")).write_bytes(data[: len(data) // 2])
        (tmp_path / name.replace("good", "empty")).write_bytes(b"")
        (tmp_path / name.replace("good", "other")).write_bytes(b"not what the name says")
    more = [line("", image=f"{name}.png") for name in ("good", "cut", "empty", "other", "cut")]
    more += [line("", audio=f"{name}.wav") for name in ("good", "cut", "empty", "other")]
    found = problems(pack(tmp_path, lines() + more))
    assert [(p.line, p.refused) for p in found] == [
        (22, True), (23, True), (24, True), (28, True), (29, True), (25, False), (27, False),
    ]  # fmt: skip
    assert "image 'cut.png' cannot be read" in found[0].message
    assert "audio 'empty.wav' cannot be read" in found[3].message
    assert "audio 'cut.wav' is cut off: 0.5 s of 1.0 s are there" in found[6].message


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_a_recording_written_as_a_stream_is_not_cut_off(tmp_path: Path, size: int) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(8_000), 8_000)
    data = bytearray((tmp_path / "a.wav").read_bytes())
    data[4:8] = size.to_bytes(4, "little")
    (tmp_path / "a.wav").write_bytes(data)
    (example,) = Pack.load(pack(tmp_path, [line("", audio="a.wav")])).examples()
    assert list(unreadable([example], tmp_path, tmp_path / "examples.jsonl")) == []


def test_warnings_are_logged_and_every_refusal_is_in_one_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = [line("my card is 4929 0000 1111 2222", "swim"), line("a", entities=[{"type": "t", "start": 0, "end": 1}])]
    loaded = Pack.load(pack(tmp_path, [*lines(), line(FLY[1], "fly"), *wrong]), with_examples=False)
    with caplog.at_level(logging.WARNING), pytest.raises(PackError) as caught:
        checked(loaded)
    assert [part.split(":")[1] for part in str(caught.value).split("\n")] == ["22", "23"]
    assert "1 exact copies" in caplog.text
    assert "4929" not in caplog.text + str(caught.value)
    assert FLY[1] not in caplog.text


def test_the_command_prints_what_is_refused_and_warned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pack(tmp_path, [*lines(), line(FLY[1], "fly")])
    assert main(["--domain", str(tmp_path), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["refused"] == []
    assert [warning["line"] for warning in printed["warned"]] == [21]
    pack(tmp_path, lines()[:3])
    assert main(["--domain", str(tmp_path)]) == 2
    assert f"refused: {tmp_path / 'examples.jsonl'}: 3 examples" in capsys.readouterr().out
    (tmp_path / "pack.toml").unlink()
    assert main(["--domain", str(tmp_path)]) == 2
    assert "pack.toml: missing" in capsys.readouterr().err


def test_languages_are_told_by_code_and_short_names_are_let_be() -> None:
    texts = {1: "where is my order", 2: "wo ist meine Bestellung", 3: "где мой заказ", 4: "K482137", 5: "ok"}
    assert foreign(texts, ["en"]) == {"de": [2], "ru": [3]}
    assert foreign(texts, ["en", "de", "ru"]) == {}
    assert foreign(texts, ["xx"]) == {}


@pytest.mark.parametrize(
    ("lines", "text"),
    [([3], "line 3"), ([3, 5], "lines 3 and 5"), ([3, 5, 8], "lines 3, 5 and 8")],
)
def test_lines_are_listed(lines: list[int], text: str) -> None:
    assert listed(lines) == text
    assert listed(list(range(1, 31))) == "lines 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 and 18 more"
