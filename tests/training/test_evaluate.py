"""The command on a small pack trained with a small random encoder: through the path of customers' turns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.training.test_train import write_pack, write_stack
from training.evaluate import main
from training.train import Options, train

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options that name a stack, a pack and its weights."""
    folder = tmp_path_factory.mktemp("evaluate")
    write_pack(folder / "pack", 160)
    stack, pack, weights = write_stack(folder), str(folder / "pack"), folder / "weights"
    train(Options(pack, weights, stack=stack, epochs=6, batch=8, threads=1))
    return ["--stack", stack, "--domain", pack, "--weights", str(weights)]


def write_rows(path: Path) -> list[str]:
    animal = [{"type": "animal", "start": 9, "end": 12}]
    rows = [
        {"text": "feed the cow number 7 today", "intents": ["feed"], "entities": animal},
        {"text": "sell the owl number 3 today", "intents": ["sell"], "entities": animal},
        {"text": "sell the dog number 5 today", "intents": ["feed"], "entities": []},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return ["--data", str(path)]


def test_figures_as_json_and_report(trained: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, report = write_rows(tmp_path / "rows.jsonl"), tmp_path / "report"
    assert main([*trained, *data, "--json", "--report", str(report)]) == 0
    table = json.loads(capsys.readouterr().out)
    assert (table["rows"], table["counts"]) == (3, {"one_intent": 3, "spans": 2, "text": 3})
    assert table["ran"]["seed"] == 7
    assert table["intents"]["accuracy"] == pytest.approx(2 / 3)  # the third row's label is wrong
    assert table["confusion"]["pairs"] == [{"meant": "feed", "taken": "sell", "rows": 1, "of": 2}]
    assert table["entities"]["typed"]["by_type"]["animal"]["support"] == 2
    assert set(table["checkpoint"]) >= {"accept", "clarify", "out_of_scope"}
    assert json.loads((report / "figures.json").read_text()) == table
    for name in ("confusion.png", "reliability.png"):
        assert (report / name).read_bytes().startswith(b"\x89PNG")


def test_figures_in_words_of_some_rows(trained: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*trained, *write_rows(tmp_path / "rows.jsonl"), "--limit", "2", "--seed", "3"]) == 0
    out = capsys.readouterr().out
    assert "seed 3" in out
    assert "one intent 2" in out
    assert "intent_accuracy" in out


@pytest.mark.parametrize(
    ("line", "said"),
    [('{"text": "x", "intents": ["dance"]}', "dance"), ("not json", ":1"), ("", "no ")],
)
def test_files_that_cannot_be_used(
    trained: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, said: str
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(line + "\n")
    assert main([*trained, "--data", str(path)]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""


@pytest.mark.parametrize("extra", [["--data", "no/such.jsonl"], ["--false-rejection", "1.5"]])
def test_options_that_cannot_be_used(
    trained: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], extra: list[str]
) -> None:
    assert main([*trained, *write_rows(tmp_path / "rows.jsonl"), *extra]) == 2
    assert extra[1] in capsys.readouterr().err
