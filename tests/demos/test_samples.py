"""The demo's inputs, and the demo itself."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from demos import call, cli, rows, scenario, shop
from demos.samples import make
from modalities.audio import level
from modalities.types import Audio, Image

SAMPLES = Path(make.__file__).parent


@pytest.fixture(scope="module")
def script() -> Any:
    return scenario.load(make.SCENARIO)


def test_recordings_are_clear_speech_at_16_khz(script: Any) -> None:
    spoken = [Audio.open(turn.recording) for turn in script.turns if turn.recording]
    assert len(spoken) >= 4
    assert all(audio.rate == 16_000 and audio.seconds > 0.8 and level(audio) > -20 for audio in spoken)


def test_the_customer_talks_types_and_shows(script: Any) -> None:
    assert any(turn.recording for turn in script.turns)
    assert any(turn.text for turn in script.turns)
    assert any(turn.image and Image.open(turn.image).height > 1000 for turn in script.turns)


def test_promised_rows_exist_and_differ_before_the_call(script: Any, tmp_path: Path) -> None:
    url = shop.fresh(replace(script, out=tmp_path))
    before = rows.read(url, script.expected)
    assert all(value != row.value for value, row in zip(before, script.expected, strict=True))
    assert any(value is not None for value in before)


def test_the_receipt_is_that_of_a_real_order(script: Any) -> None:
    """What stands on the photo is what `make` would draw today, so the shop's generator and the photo agree."""
    lines = dict(make._lines(script))
    assert lines["Date"] == "05/23/2026"
    assert lines["TOTAL"] == "$ 79.90"
    assert lines["1 Denim Jacket"] == "79.90"


@pytest.mark.weights
def test_the_demo_keeps_its_promises(tmp_path: Path) -> None:
    out = tmp_path / "demo"
    assert call.main([str(make.SCENARIO), "--out", str(out)]) == cli.OK
    data = json.loads((out / "call.json").read_text())
    assert data["ok"]
    assert all(row["after"] == row["value"] != row["before"] for row in data["rows"])


@pytest.mark.weights
def test_a_turn_with_everything_prints_one_json_object_and_nothing_else(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "demos.turn", "--json", "--text", "where is my order K877019"]
    inputs: list[str | Path] = ["--audio", SAMPLES / "zip.flac", "--image", SAMPLES / "receipt.jpg"]
    outputs: list[str | Path] = ["--speak", tmp_path / "reply.wav", "--store", f"sqlite:///{tmp_path}/shop.sqlite"]
    done = subprocess.run([*command, *inputs, *outputs], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["intents"][0]["name"] == "track_order"
    assert {"type": "order_id", "value": "K877019"}.items() <= result["entities"][0].items()
    assert "nine seven one zero three" in result["transcript"]["text"]
    assert result["image"]["receipt"]["total"] == "79.90"
    assert result["image"]["receipt"]["date"] == "2026-05-23"
    assert level(Audio.open(tmp_path / "reply.wav")) > -30
