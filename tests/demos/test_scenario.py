from pathlib import Path
from typing import Any

import pytest

from agent.errors import InputError
from demos import scenario

GOOD = """
title = "T"
out = "o"
[shop]
seed = 3
[customer]
name = "Dana"
[[turns]]
text = "hi"
[[turns]]
say = "hello"
image = "photo.png"
[[expect.rows]]
table = "orders"
key = "K1"
column = "status"
value = "cancelled"
"""


def load(tmp_path: Path, text: str) -> Any:
    (tmp_path / "photo.png").touch()
    path = tmp_path / "s.toml"
    path.write_text(text)
    return scenario.load(path)


def test_a_scenario_is_read(tmp_path: Path) -> None:
    script = load(tmp_path, GOOD)
    assert script.title == "T"
    assert script.shop == {"seed": 3}
    assert script.customer == "Dana"
    assert script.turns[0].text == "hi"
    assert script.turns[1].image == tmp_path / "photo.png"
    assert script.expected == (scenario.ExpectedRow("orders", "K1", "status", "cancelled"),)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("title =", "titel ="), "titel is not known"),
        (('text = "hi"', 'txt = "hi"'), r"turns\[0\].txt is not known"),
        (('text = "hi"', ""), r"turns\[0\] is empty"),
        (('text = "hi"', "text = 3"), "text must be a string, got 3"),
        (("photo.png", "none.png"), "none.png"),
        (("[[turns]]", "[[turn]]"), "turn is not known"),
        (('key = "K1"', ""), r"expect.rows\[0\] lacks key"),
        (('title = "T"', "title ="), "not TOML"),
        (('out = "o"', 'out = "o"\nturns = 3'), "not TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, change: tuple[str, str], message: Any) -> None:
    with pytest.raises(InputError, match=message):
        load(tmp_path, GOOD.replace(*change))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no\.toml"):
        scenario.load(tmp_path / "no.toml")


def test_no_turns_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="turns must be 1 to"):
        load(tmp_path, 'title = "T"')
