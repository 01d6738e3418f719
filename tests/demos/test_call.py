import json
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from agent.errors import InputError
from agent.types import Change
from demos import call, cli
from tests.fakes import FAKE_WORDS, FakeAgent, tone

SCENARIO = """
title = "A jacket & a <b>receipt</b>"
[shop]
seed = 3
customers = 5
orders = 20
[customer]
name = "Dana"
[[turns]]
say = "where is my order"
recording = "said.wav"
[[turns]]
image = "photo.png"
text = "here, for K123455 <script>alert(1)</script>"
[[turns]]
text = "thanks"
[[expect.rows]]
table = "customers"
key = "1"
column = "name"
value = "Dana Vance"
"""


class Clerk(FakeAgent):
    """Renames the first customer in the second turn, unless idle."""

    path = ""
    idle = False

    def respond(self, turn: Any, *, speak: bool = False, explain: bool = False) -> Any:
        if turn.image is not None and not self.idle:
            with sqlite3.connect(self.path) as db:
                db.execute("update customers set name = 'Dana Vance' where id = 1")
            db.close()
        return super().respond(turn, speak=speak, explain=explain)


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Plays the scenario; keyword arguments go to the agent."""
    from PIL import Image

    audio = tone(1.0)
    soundfile.write(tmp_path / "said.wav", audio.samples, audio.rate)
    Image.new("RGB", (300, 400), "white").save(tmp_path / "photo.png")
    (tmp_path / "s.toml").write_text(SCENARIO)
    out = tmp_path / "out"

    def play(*, idle: bool = False, **arguments: Any) -> Any:
        def build(store_url: Any, **_: Any) -> Any:
            changes: dict[int, tuple[Change, ...]] = {
                1: (Change("customers", "1", {"name": "Ada"}, {"name": "Dana Vance"}),)
            }
            agent = Clerk(changes=changes, **arguments)
            agent.path, agent.idle = store_url.removeprefix("sqlite:///"), idle
            return agent

        return call.main([str(tmp_path / "s.toml"), "--out", str(out)], build), out

    return play


def test_a_call_that_keeps_its_promises(played: Any, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = played()
    assert code == cli.OK
    printed = capsys.readouterr().out
    for expected in (
        "--- turn 3",
        f"heard       {FAKE_WORDS}",
        "seen        receipt (0.98)",
        "understood  track_order 0.90",
        "decided     answer (topic=order): the customer asked",
        "changed     customers 1: name Ada -> Dana Vance",
        "said        You said: thanks.",
        "took        understand 2 ms, decide 0 ms",
        "SUCCESS: 3 turns",
    ):
        assert expected in printed
    assert sorted(p.name for p in out.iterdir() if "sqlite" not in p.name) == ["call.json", "call.wav", "report.html"]


def test_the_call_can_be_heard_on_two_channels(played: Any) -> None:
    _, out = played()
    samples, rate = soundfile.read(out / "call.wav")
    assert samples.shape[1] == 2
    assert np.abs(samples[: rate // 2, 0]).max() > 0.2
    assert np.abs(samples[: rate // 2, 1]).max() < 0.01
    assert np.abs(samples[:, 1]).max() > 0.2


def test_the_data_of_the_call(played: Any) -> None:
    _, out = played()
    data = json.loads((out / "call.json").read_text())
    assert data["ok"] is True
    assert [t["transcript"] is not None for t in data["turns"]] == [True, False, False]
    assert data["rows"][0]["after"] == "Dana Vance" != data["rows"][0]["before"]


def test_the_report_needs_nothing_else_and_runs_nothing_of_the_customers(played: Any) -> None:
    _, out = played()
    page = (out / "report.html").read_text()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "A jacket &amp; a &lt;b&gt;receipt&lt;/b&gt;" in page
    assert "data:audio/mpeg;base64," in page
    assert "data:image/jpeg;base64," in page
    assert "http://" not in page
    assert "https://" not in page
    assert '<mark style="--c:' in page
    assert ">total</text>" in page
    assert "Dana Vance" in page


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"idle": True}, "FAIL        customers 1 name"),
        ({"mute": True}, "FAIL        the reply of turn 1 cannot be heard"),
    ],
)
def test_a_broken_promise_is_a_failure(
    played: Any, arguments: Any, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = played(**arguments)
    assert code == cli.FAILED
    assert why in capsys.readouterr().out
    assert "not everything promised was done" in (out / "report.html").read_text()


def test_the_shop_is_fresh_every_time(played: Any) -> None:
    assert [played()[0], played()[0]] == [cli.OK, cli.OK]


def test_an_unknown_key_of_the_shop_is_named(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text('[shop]\nsede = 7\n[[turns]]\ntext = "hi"')
    with pytest.raises(InputError, match="sede"):
        call.main([str(tmp_path / "s.toml"), "--out", str(tmp_path)], lambda **_: FakeAgent())
