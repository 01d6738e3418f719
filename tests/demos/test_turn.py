import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from agent.errors import InputError
from demos import cli, turn
from tests.fakes import FAKE_WORDS, FakeAgent, builder, tone

KEYS = [
    *("transcript", "intents", "entities", "verdict", "sentiment", "image", "evidence"),
    *("action", "reply", "timings_ms"),
]


@pytest.fixture
def recording(tmp_path: Path) -> Any:
    audio = tone(1.0)
    soundfile.write(tmp_path / "said.wav", audio.samples, audio.rate)
    return tmp_path / "said.wav"


@pytest.fixture
def photo(tmp_path: Path) -> Any:
    from PIL import Image

    Image.new("RGB", (60, 90), "white").save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def run_json(capsys: pytest.CaptureFixture[str], *argv: Any, agent: Any = None) -> Any:
    assert turn.main([*map(str, argv), "--json"], builder(agent)) == cli.OK
    return json.loads(capsys.readouterr().out)


def test_text_as_json_has_the_promised_keys(capsys: pytest.CaptureFixture[str]) -> None:
    result = run_json(capsys, "--text", "Where is K123455?")
    assert list(result) == KEYS
    assert result["transcript"] is None
    assert result["image"] is None
    assert result["intents"][0] == {"name": "track_order", "confidence": 0.9}
    assert result["entities"] == [
        {
            "type": "order_id",
            "text": "K123455",
            "value": "K123455",
            "start": 9,
            "end": 16,
            "source": "checksum",
            "confidence": 0.99,
            "alternatives": [],
        }
    ]
    assert result["verdict"] == "ok"
    assert result["evidence"] == []
    assert result["action"] == {"name": "answer", "arguments": {"topic": "order"}}
    assert result["reply"] == {"text": "You said: Where is K123455?.", "audio": None}
    assert result["timings_ms"] == {"understand": 1.5, "decide": 0.25}


def test_evidence_when_asked_for(capsys: pytest.CaptureFixture[str], photo: Path) -> None:
    result = run_json(capsys, "--text", "Where is K123455?", "--image", photo, "--explain")
    assert result["evidence"][0] == {
        "source": "text",
        "intent": "track_order",
        "weight": 0.25,
        "text": "Where",
        "start": 0,
        "end": 5,
        "box": None,
    }
    assert [piece["source"] for piece in result["evidence"]] == ["text", "text", "image", "ocr"]
    assert result["evidence"][2]["box"] == [0.0, 0.0, 0.25, 0.25]
    assert turn.main(["--text", "Where is it", "--image", str(photo), "--explain"], builder()) == cli.OK
    out = capsys.readouterr().out
    assert "because     +25% said 'Where', for track_order" in out
    assert "because     -25% printed 'HARBOR LANE', against track_order" in out
    assert "because     +25% photo, top left, for track_order" in out


def test_sound_photo_and_words_in_one_turn(capsys: pytest.CaptureFixture[str], recording: Path, photo: Path) -> None:
    agent = FakeAgent()
    result = run_json(capsys, "--text", "hi", "--audio", recording, "--image", photo, agent=agent)
    assert result["transcript"]["text"] == FAKE_WORDS
    assert list(result["transcript"]) == ["text", "words", "confidence"]
    assert result["transcript"]["words"][0] == {"text": "where", "start": 0.0, "end": 0.25, "confidence": 0.9}
    assert list(result["image"]) == ["kind", "condition", "lines", "barcodes", "receipt"]
    assert result["image"]["receipt"] == {
        "company": "HARBOR LANE",
        "date": "2026-05-04",
        "address": None,
        "total": "25.40",
        "tax": None,
        "number": None,
        "items": [],
        "flaw": "",
    }
    assert agent.turns[0].channel == "voice"


def test_turns_of_one_call_share_its_id(capsys: pytest.CaptureFixture[str]) -> None:
    agent = FakeAgent()
    run_json(capsys, "--text", "a", "--call", "c1", agent=agent)
    assert agent.turns[0].call_id == "c1"


def test_the_reply_is_spoken_into_the_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "reply.wav"
    result = run_json(capsys, "--text", "hi", "--speak", out)
    samples, rate = soundfile.read(out)
    assert result["reply"]["audio"] == str(out)
    assert rate == 22_050
    assert np.abs(samples).max() > 0.2
    assert [p.name for p in tmp_path.iterdir()] == ["reply.wav"]


def test_words_for_people(capsys: pytest.CaptureFixture[str], photo: Path) -> None:
    assert turn.main(["--text", "K123455 \x1b[2J", "--image", str(photo)], builder()) == cli.OK
    out = capsys.readouterr().out
    for expected in ("track_order 0.90", "order_id = K123455", "receipt total: 25.40", "said        You said"):
        assert expected in out
    assert "\x1b" not in out


def test_text_from_standard_input(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    class Piped:
        buffer = io.BytesIO(("ж" * 100_000).encode())

    monkeypatch.setattr("sys.stdin", Piped)
    agent = FakeAgent()
    run_json(capsys, "--text", "-", agent=agent)
    assert agent.turns[0].text == "ж" * 100_000


@pytest.mark.parametrize(
    "text", ["", " ", "🧥🧥", "שלום עולם", "a\x00b\x1b[31m", "x" * 100_000, "'; DROP TABLE orders; --"]
)
def test_absurd_text_comes_out_as_json(capsys: pytest.CaptureFixture[str], text: str) -> None:
    assert run_json(capsys, "--text", text)["reply"]["text"].startswith("You said")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "nothing to understand"),
        (["--audio", "{dir}/none.wav"], "none.wav"),
        (["--image", "{dir}/none.png"], "none.png"),
        (["--image", "{dir}/zero"], "zero"),
        (["--audio", "{dir}/zero"], "empty"),
        (["--audio", "{dir}"], "{dir}"),
        (["--text", "a", "--speak", "{dir}/reply.mp3"], ".wav"),
        (["--text", "a\udcff"], "UTF-8"),
        (["--text", "a", "--speak", "{dir}/zero/reply.wav"], "cannot write"),
    ],
)
def test_input_that_cannot_be_used_is_named(argv: Any, message: Any, tmp_path: Path) -> None:
    (tmp_path / "zero").touch()
    with pytest.raises(InputError, match=message.format(dir=tmp_path)):
        turn.main([a.format(dir=tmp_path) for a in argv], builder())


@pytest.mark.parametrize("option", ["--domain", "--stack"])
def test_an_unknown_pack_or_stack_is_one_line_and_two(
    option: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["turn", "--text", "hi", option, "no-such-thing"])
    assert cli.run(turn.main) == cli.BAD_INPUT
    out, err = capsys.readouterr()
    assert out == ""
    assert "no-such-thing" in err
    assert "Traceback" not in err
