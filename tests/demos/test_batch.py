import csv
import fcntl
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from agent.errors import InputError, WeightsError
from demos import batch, batch_rows, batch_work, cli
from demos.batch_work import Job
from tests.fakes import FAKE_WORDS, FakeAgent, build_blind, build_deadly, build_fake, tone


@pytest.fixture
def folder(tmp_path: Path) -> Any:
    """Two recordings in different formats, a photo, a broken file, and one that is no recording."""
    from PIL import Image

    source = tmp_path / "in"
    (source / "more").mkdir(parents=True)
    soundfile.write(source / "a.wav", tone(1.0).samples, 16_000)
    soundfile.write(source / "more" / "b.flac", np.zeros(8_000, np.float32), 8_000)
    Image.new("RGB", (40, 60)).save(source / "c.jpg")
    (source / "d.mp3").write_bytes(b"no sound at all")
    (source / "notes.txt").write_text("not one of these")
    return source


def run(*argv: Any, build: Any = build_fake) -> Any:
    return batch.main([str(a) for a in argv], build)


def rows_of(out: Any) -> Any:
    return [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("workers", [1, 2])
def test_every_file_has_a_row(
    folder: Path, tmp_path: Path, workers: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "CHUNK", 2)
    out = tmp_path / "out"
    assert run(folder, "--out", out, "--workers", workers) == cli.OK
    rows = {os.path.basename(row["path"]): row for row in rows_of(out)}
    assert [os.path.basename(r["path"]) for r in rows_of(out)] == ["a.wav", "c.jpg", "d.mp3", "b.flac"]
    assert rows["a.wav"]["transcript"]["text"] == FAKE_WORDS
    assert rows["a.wav"]["seconds"] == 1.0
    assert rows["a.wav"]["intents"][0]["name"] == "track_order"
    assert rows["b.flac"]["verdict"] == "no_speech"
    assert rows["c.jpg"]["image"]["receipt"]["total"] == "25.40"
    assert "d.mp3" in rows["d.mp3"]["error"]
    assert rows["d.mp3"]["transcript"] is None
    assert rows["a.wav"]["error"] is None
    printed = capsys.readouterr()
    assert "4 files, 1 with errors" in printed.out
    assert "times real time" in printed.out
    assert "4/4" in printed.err
    assert sorted(p.name for p in out.iterdir()) == [".lock", "results.csv", "results.jsonl"]


def test_the_table_has_the_same_rows(folder: Path, tmp_path: Path) -> None:
    run(folder, "--out", tmp_path / "out", "--workers", 1)
    with (tmp_path / "out" / "results.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert list(table[0]) == list(batch_rows.COLUMNS)
    assert table[0]["intents"] == "track_order 0.90"
    assert table[0]["sentiment"] == "neutral"
    assert table[1]["entities"] == "company=HARBOR LANE; date=2026-05-04; total=25.40"
    assert len(table) == 4


def test_a_worker_that_dies_costs_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "CHUNK", 2)
    source = tmp_path / "in"
    source.mkdir()
    for name, level in (("a", 0.3), ("b", 0.99), ("c", 0.3), ("d", 0.3), ("e", 0.3)):
        soundfile.write(source / f"{name}.wav", tone(0.5, level=level).samples, 16_000)
    assert run(source, "--out", tmp_path / "out", "--workers", 2, build=build_deadly) == cli.OK
    rows = rows_of(tmp_path / "out")
    assert [bool(row["error"]) for row in rows] == [False, True, False, False, False]
    assert "died" in rows[1]["error"]


def test_evidence_is_a_field_and_a_column_when_asked_for(folder: Path, tmp_path: Path) -> None:
    run(folder, "--out", tmp_path / "out", "--workers", 1, "--explain")
    explained = [row for row in rows_of(tmp_path / "out") if row["transcript"] and row["transcript"]["text"]]
    assert explained
    assert all(row["evidence"][0]["text"] == "where" for row in explained)
    assert "where +0.50; order -0.50" in (tmp_path / "out" / "results.csv").read_text()


def test_one_file_that_is_not_understood_does_not_take_others_with_it(folder: Path, tmp_path: Path) -> None:
    class Picky(FakeAgent):
        def understand(self, turns: Any, *, explain: bool = False) -> Any:
            if any(t.image is not None for t in turns):
                raise ValueError("the customer's words")
            return super().understand(turns, explain=explain)

    run(folder, "--out", tmp_path / "out", "--workers", 1, build=lambda **_: Picky())
    rows = {os.path.basename(row["path"]): row for row in rows_of(tmp_path / "out")}
    assert rows["c.jpg"]["error"] == "ValueError inside Callsight; please report it"
    assert rows["a.wav"]["error"] is None


@pytest.mark.parametrize("workers", [1, 2])
def test_a_missing_part_ends_the_batch_and_keeps_its_rows(
    folder: Path, tmp_path: Path, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "CHUNK", 1)
    with pytest.raises(WeightsError, match="no eyes"):
        run(folder, "--out", tmp_path / "out", "--workers", workers, build=build_blind)
    assert "a.wav" in (tmp_path / "out" / "results.jsonl.part").read_text()


def test_a_run_that_was_stopped_goes_on_where_it_was(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(batch, "CHUNK", 1)
    out, seen = tmp_path / "out", []

    def stopped(job: Any, paths: Any) -> Any:
        seen.extend(paths)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return batch_work.work(job, paths)

    monkeypatch.setattr(batch, "work", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(folder, "--out", out, "--workers", 1)
    assert not (out / "results.jsonl").exists()
    with (out / "results.jsonl.part").open("ab") as part:
        part.write(b'{"path": "cut sho')
    assert run(folder, "--out", out, "--workers", 1) == cli.OK
    assert len(seen) == 3 + 2
    assert len(rows_of(out)) == 4
    assert "2 of 4 files were done before" in capsys.readouterr().err


def test_rows_of_another_stack_are_not_taken_up(tmp_path: Path) -> None:
    results = batch_rows.Results(tmp_path, {"stack": "a"})
    results.add([batch_rows.row("x.wav", 1.0, None, "e")])
    assert list(batch_rows.Results(tmp_path, {"stack": "a"}).rows) == ["x.wav"]
    assert batch_rows.Results(tmp_path, {"stack": "b"}).rows == {}


def test_two_runs_cannot_write_to_one_folder(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with (tmp_path / "out" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="another run"):
            run(folder, "--out", tmp_path / "out")


@pytest.mark.parametrize(
    ("inputs", "message"),
    [(["missing"], "'.*missing' does not exist"), (["empty"], "no recordings or photos")],
)
def test_nothing_to_work_on_is_an_error(tmp_path: Path, inputs: list[str], message: Any) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=message):
        run(*(tmp_path / i for i in inputs), "--out", tmp_path / "out")


def test_no_usable_file_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "zero.wav").touch()
    assert run(tmp_path / "zero.wav", "--out", tmp_path / "out") == cli.FAILED


def test_names_with_any_character(tmp_path: Path) -> None:
    name = os.fsdecode(b"in/caf\xe9 \xf0\x9f\x93\x9e\n=1.wav")
    path = tmp_path / name
    path.parent.mkdir()
    with path.open("wb") as file:
        soundfile.write(file, tone(0.5).samples, 16_000, format="WAV")
    assert run(path.parent, "--out", tmp_path / "out", "--workers", 1) == cli.OK
    assert rows_of(tmp_path / "out")[0]["path"].endswith("caf\\xe9 📞\n=1.wav")


def test_an_unknown_stack_stops_the_batch(folder: Path, tmp_path: Path) -> None:
    from agent.errors import ConfigError

    with pytest.raises(ConfigError, match="nope"):
        batch.main([str(folder), "--out", str(tmp_path / "out"), "--stack", "nope", "--workers", "1"])


def test_a_long_recording_is_heard_whole_and_never_held_whole(tmp_path: Path) -> None:
    """Two minutes at a few pieces at a time; words and length are the whole recording's."""
    longest: list[float] = []

    class Watching(FakeAgent):
        def understand(self, turns: Any, *, explain: bool = False) -> Any:
            longest.extend(t.audio.seconds for t in turns)
            return super().understand(turns, explain=explain)

    soundfile.write(tmp_path / "long.wav", tone(125.0, rate=8_000).samples, 8_000)
    (row,) = batch_work.work(Job("s", "d", build=lambda **_: Watching()), [tmp_path / "long.wav"])
    assert row["seconds"] == 125.0
    assert max(longest) <= 30.0
    assert row["transcript"]["text"] == " ".join([FAKE_WORDS] * len(longest))
    assert row["transcript"]["words"][-1]["end"] == pytest.approx(125.0, abs=0.01)


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_cells_are_no_formulas(value: Any) -> None:
    result = batch_rows.row(value, None, None, "e")
    assert batch_rows.cells(result)["path"] == f"'{value}"
