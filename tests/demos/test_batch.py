import csv
import datetime as dt
import fcntl
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from agent.errors import CallsightError, InputError, WeightsError
from agent.types import Entity, Turn, Understanding
from demos import batch, cli
from demos.batches import folder as folders
from demos.batches import inputs, pool, stretches
from demos.batches.folder import Journal
from demos.batches.inputs import Item
from demos.batches.rows import CALL_COLUMNS, TURN_COLUMNS, call_row, inert
from demos.batches.stretches import Layout, Stretch
from modalities.types import Segment
from tests.fakes import FAKE_WORDS, FakeAgent, build_blind, build_deadly, build_fake, tone


@pytest.fixture(autouse=True)
def tones_are_speech(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sines are no speech to Silero; whatever is louder than silence is one turn here."""

    class Loud:
        def __init__(self, timing: Any) -> None:
            self.at, self.found = 0.0, list[Segment]()

        def feed(self, block: Any) -> None:
            if np.abs(block.samples).max(initial=0.0) > 0.01:
                self.found.append(Segment(self.at, self.at + block.seconds))
            self.at += block.seconds

        def segments(self) -> list[Segment]:
            return self.found

    monkeypatch.setattr(stretches, "_Side", Loud)


@pytest.fixture
def source(tmp_path: Path) -> Path:
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
    return batch.main([*(str(a) for a in argv), "--no-presidio"], build)


def rows_of(out: Path) -> list[Any]:
    return [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]


def test_every_file_has_a_row_and_every_turn(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert run(source, "--out", out, "--workers", 1) == cli.OK
    rows = {os.path.basename(row["path"]): row for row in rows_of(out)}
    assert [os.path.basename(r["path"]) for r in rows_of(out)] == ["a.wav", "c.jpg", "d.mp3", "b.flac"]
    (turn,) = rows["a.wav"]["turns"]
    assert turn["text"] == FAKE_WORDS
    assert turn["intents"][0]["name"] == "track_order"
    assert rows["a.wav"]["facts"]["intents"] == ["track_order"]
    assert rows["a.wav"]["seconds"] == 1.0
    assert rows["b.flac"]["turns"] == []
    assert rows["c.jpg"]["image"]["receipt"]["total"] == "25.40"
    assert "d.mp3" in rows["d.mp3"]["error"]
    assert rows["a.wav"]["error"] is None
    printed = capsys.readouterr()
    assert "4 files, 1 with errors" in printed.out
    assert "4/4 files" in printed.err
    left = {p.name for p in out.iterdir()}
    assert left == {
        ".lock", ".journal.jsonl", "audio", "report.html", "results.csv", "results.jsonl", "results.parquet",
        "trends.csv", "turns.csv", "turns.parquet",
    }  # fmt: skip


def test_the_tables_have_the_same_rows(source: Path, tmp_path: Path) -> None:
    from pyarrow import parquet

    run(source, "--out", tmp_path / "out", "--workers", 1)
    with (tmp_path / "out" / "results.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert list(table[0]) == list(CALL_COLUMNS)
    assert table[0]["intents"] == "track_order"
    assert table[0]["sentiment"] == "neutral"
    assert len(table) == 4
    calls = parquet.read_table(tmp_path / "out" / "results.parquet").to_pylist()
    assert [row["path"] for row in calls] == [row["path"] for row in table]
    assert calls[0]["seconds"] == 1.0
    turns = parquet.read_table(tmp_path / "out" / "turns.parquet")
    assert turns.column_names == list(TURN_COLUMNS)
    assert turns.to_pylist()[0]["text"] == FAKE_WORDS


def test_a_worker_that_dies_costs_one_row(tmp_path: Path) -> None:
    """Photos, as sound would be listened to in earnest in the workers."""
    from PIL import Image

    source = tmp_path / "in"
    source.mkdir()
    for name in "abcde":
        Image.new("RGB", (40, 60), "white" if name == "b" else "black").save(source / f"{name}.png")
    assert run(source, "--out", tmp_path / "out", "--workers", 2, build=build_deadly) == cli.OK
    rows = rows_of(tmp_path / "out")
    assert [bool(row["error"]) for row in rows] == [False, True, False, False, False]
    assert rows[1]["error"] == pool.CRASHED


def test_evidence_is_a_field_and_a_column_when_asked_for(source: Path, tmp_path: Path) -> None:
    run(source, "--out", tmp_path / "out", "--workers", 1, "--explain")
    explained = [turn for row in rows_of(tmp_path / "out") for turn in row["turns"]]
    assert explained
    assert all(turn["evidence"][0]["text"] == "where" for turn in explained)
    assert "where +0.50; order -0.50" in (tmp_path / "out" / "turns.csv").read_text()


def test_one_file_that_is_not_understood_says_no_customers_words(source: Path, tmp_path: Path) -> None:
    class Picky(FakeAgent):
        def understand(self, turns: Any, *, explain: bool = False) -> Any:
            if any(t.image is not None for t in turns):
                raise ValueError("the customer's words")
            return super().understand(turns, explain=explain)

    run(source, "--out", tmp_path / "out", "--workers", 1, build=lambda **_: Picky())
    rows = {os.path.basename(row["path"]): row for row in rows_of(tmp_path / "out")}
    assert rows["c.jpg"]["error"] == "ValueError inside Callsight; please report it"
    assert rows["a.wav"]["error"] is None


@pytest.mark.parametrize("workers", [1, 2])
def test_a_missing_part_ends_the_batch_and_keeps_its_rows(source: Path, tmp_path: Path, workers: int) -> None:
    with pytest.raises(WeightsError, match="no eyes"):
        run(source, "--out", tmp_path / "out", "--workers", workers, build=build_blind)
    if workers == 1:  # with more, which file comes first is chance
        assert "a.wav" in (tmp_path / "out" / folders.JOURNAL).read_text()


class Stops:
    """An agent that is interrupted at a turn of its own, and counts those it takes."""

    def __init__(self, at: int) -> None:
        self.at, self.taken = at, 0

    def understand(self, turns: Any, *, explain: bool = False) -> list[Understanding]:
        self.taken += len(turns)
        if self.taken == self.at:
            raise KeyboardInterrupt
        return FakeAgent().understand(turns, explain=explain)


def test_a_run_that_was_stopped_goes_on_where_it_was(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in "efg":
        soundfile.write(source / f"{name}.wav", tone(1.0 + ord(name) / 1000).samples, 16_000)
    whole, out = tmp_path / "whole", tmp_path / "out"
    run(source, "--out", whole, "--workers", 1)
    stops = Stops(3)
    with pytest.raises(KeyboardInterrupt):
        run(source, "--out", out, "--workers", 1, build=lambda **_: stops)
    assert not (out / "results.jsonl").exists()
    with (out / folders.JOURNAL).open("ab") as journal:
        journal.write(b'{"path": "cut sho')
    counting = Stops(0)
    assert run(source, "--out", out, "--workers", 1, build=lambda **_: counting) == cli.OK
    assert counting.taken == 5 - 2
    assert "3 files were done before" in capsys.readouterr().err
    assert rows_of(out) == rows_of(whole)


def test_what_was_done_is_not_done_again_and_what_is_new_is(source: Path, tmp_path: Path) -> None:
    out, counting = tmp_path / "out", Stops(0)
    run(source, "--out", out, "--workers", 1)
    soundfile.write(source / "e.wav", tone(1.5).samples, 16_000)
    assert run(source, "--out", out, "--workers", 1, build=lambda **_: counting) == cli.OK
    assert counting.taken == 1
    assert len(rows_of(out)) == 5


def _item(name: str, size: int) -> Item:
    return Item(Path(name), name, dt.datetime(2026, 1, 1), "file", 0, (size, 0, 0))


def test_rows_of_another_stack_or_of_a_changed_file_are_not_taken_up(tmp_path: Path) -> None:
    journal = Journal(tmp_path, {"stack": "a"})
    journal.add(_item("x.wav", 1), call_row(_item("x.wav", 1), "e"))
    assert Journal(tmp_path, {"stack": "a"}).row(_item("x.wav", 1)) is not None
    assert Journal(tmp_path, {"stack": "a"}).row(_item("x.wav", 2)) is None
    assert Journal(tmp_path, {"stack": "b"}).row(_item("x.wav", 1)) is None


def test_a_line_cut_short_is_cut_off_before_the_next(tmp_path: Path) -> None:
    Journal(tmp_path, {}).add(_item("x", 1), call_row(_item("x", 1)))
    path = tmp_path / folders.JOURNAL
    path.write_bytes(path.read_bytes()[:-9])
    Journal(tmp_path, {}).add(_item("y", 1), call_row(_item("y", 1)))
    journal = Journal(tmp_path, {})
    assert journal.row(_item("x", 1)) is None
    assert journal.row(_item("y", 1)) is not None


def test_two_runs_cannot_write_to_one_folder(source: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with (tmp_path / "out" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="another run"):
            run(source, "--out", tmp_path / "out")


def test_a_full_disk_is_told_and_what_was_done_stays(tmp_path: Path) -> None:
    import errno

    with pytest.raises(CallsightError, match="disk is full; free space"), folders.written(tmp_path):
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    ("given", "message"),
    [(["missing"], "'.*missing' does not exist"), (["empty"], "no recordings or photos"), (["*.wav"], "fits the pat")],
)
def test_nothing_to_work_on_is_an_error(tmp_path: Path, given: list[str], message: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=message):
        run(*(tmp_path / i for i in given), "--out", tmp_path / "out")


def test_no_usable_file_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "zero.wav").touch()
    assert run(tmp_path / "zero.wav", "--out", tmp_path / "out") == cli.FAILED


def test_names_with_any_character(tmp_path: Path) -> None:
    name = os.fsdecode(b"in/caf\xe9 \xf0\x9f\x93\x9e\n=<script>1.wav")
    path = tmp_path / name
    path.parent.mkdir()
    with path.open("wb") as file:
        soundfile.write(file, tone(0.5).samples, 16_000, format="WAV")
    assert run(path.parent, "--out", tmp_path / "out", "--workers", 1) == cli.OK
    assert rows_of(tmp_path / "out")[0]["path"].endswith("caf\\xe9 📞\n=<script>1.wav")
    assert "<script>" not in (tmp_path / "out" / "report.html").read_text()


def test_an_unknown_stack_stops_the_batch(source: Path, tmp_path: Path) -> None:
    from agent.errors import ConfigError

    with pytest.raises(ConfigError, match="nope"):
        batch.main([str(source), "--out", str(tmp_path / "out"), "--stack", "nope", "--workers", "1"])


def test_the_same_bytes_twice_are_one_call(source: Path, tmp_path: Path) -> None:
    (source / "again.wav").write_bytes((source / "a.wav").read_bytes())
    run(source, "--out", tmp_path / "out", "--workers", 1)
    rows = {os.path.basename(row["path"]): row for row in rows_of(tmp_path / "out")}
    assert rows["again.wav"]["duplicate_of"].endswith("a.wav") != rows["a.wav"]["duplicate_of"]
    assert sorted(bool(rows[name]["turns"]) for name in ("a.wav", "again.wav")) == [False, True]


class Tells(FakeAgent):
    """Everybody says an order number, and gets it back as an entity."""

    def understand(self, turns: Any, *, explain: bool = False) -> list[Understanding]:
        text = "where is K482915 please"
        found = super().understand([replace(turn, text=text) if turn.audio else turn for turn in turns])
        return [
            replace(u, transcript=replace(u.transcript, text=text, words=self._words(text)), text=text,
                    entities=(Entity("order_id", "K482915", "K482915", 9, 16, "checksum", 0.9),))
            if u.transcript else u
            for u in found
        ]  # fmt: skip

    @staticmethod
    def _words(text: str) -> Any:
        from modalities.types import Word

        return tuple(Word(word, i * 0.25, i * 0.25 + 0.2, 0.9) for i, word in enumerate(text.split()))


def test_nothing_personal_is_left_anywhere_and_the_copy_is_silent_there(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(source, "--out", out, "--workers", 1, build=lambda **_: Tells())
    for path in (p for p in out.rglob("*") if p.suffix in (".jsonl", ".csv", ".html", ".parquet")):
        assert b"482915" not in path.read_bytes(), path.name
    row = next(row for row in rows_of(out) if row["path"].endswith("a.wav"))
    assert row["turns"][0]["text"] == "where is [id] please"
    assert row["masked"] == {"id": 1}
    samples, rate = soundfile.read(out / "audio" / row["audio"])
    assert not np.any(samples[round(0.5 * rate) : round(0.7 * rate)])
    assert np.abs(samples[: round(0.35 * rate)]).max() > 0.1
    assert np.abs(samples[round(0.85 * rate) :]).max() > 0.1


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_cells_are_no_formulas(value: str) -> None:
    assert inert(value) == f"'{value}"


def test_a_long_recording_is_never_held_whole(tmp_path: Path) -> None:
    """Two minutes: the turns that are cut out are short, and their times the recording's."""
    soundfile.write(tmp_path / "long.wav", tone(125.0, rate=8_000).samples, 8_000)
    found = stretches.layout(tmp_path / "long.wav")
    assert found.seconds == 125.0
    assert found.turns[-1].end == pytest.approx(125.0, abs=0.1)
    cut = list(stretches.cuts(tmp_path / "long.wav", found.turns))
    assert [turn for turn, _ in cut] == list(found.turns)
    assert all(audio.seconds == pytest.approx(turn.end - turn.start, abs=0.01) for turn, audio in cut)
    assert max(audio.seconds for _, audio in cut) <= 30.0


def test_each_side_of_a_stereo_recording_has_its_turns(tmp_path: Path) -> None:
    left, right = np.zeros(16_000 * 70, np.float32), np.zeros(16_000 * 70, np.float32)
    left[: 16_000 * 20] = tone(20.0).samples
    right[16_000 * 31 : 16_000 * 50] = tone(19.0).samples
    soundfile.write(tmp_path / "call.flac", np.stack([left, right], axis=1), 16_000)
    for customer in (0, 1):
        found = stretches.layout(tmp_path / "call.flac", customer)
        assert found.speakers == "sides"
        assert next(turn.channel for turn in found.turns) == 0
        assert {turn.who for turn in found.turns if turn.channel == customer} == {"customer"}
        assert {turn.who for turn in found.turns if turn.channel != customer} == {"agent"}
        first = next(audio for turn, audio in stretches.cuts(tmp_path / "call.flac", found.turns))
        assert np.abs(first.samples).max() > 0.1


def test_the_same_sound_on_both_sides_is_one_channel(tmp_path: Path) -> None:
    both = np.stack([tone(2.0).samples] * 2, axis=1)
    soundfile.write(tmp_path / "call.wav", both, 16_000)
    found = stretches.layout(tmp_path / "call.wav")
    assert found == Layout(2.0, "one", (Stretch(0.0, 2.0, "customer", None),))


def manifest(folder: Path, text: str) -> Path:
    path = folder / "calls.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_manifest_tells_times_and_sides(source: Path) -> None:
    path = manifest(source, "path,at,customer\na.wav,2026-11-02T10:15,right\nmore/b.flac,,\n")
    first, second = inputs.find([str(path)])
    assert (first.at.isoformat(), first.dated, first.customer) == ("2026-11-02T10:15:00", "manifest", 1)
    assert (second.dated, second.customer) == ("file", 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,when\na.wav,1\n", r"has the columns \['file', 'when'\]; wanted are path"),
        ("path,at,costumer\na.wav,,\n", "costumer"),
        ("path,at\na.wav,yesterday\n", "line 2: at must be like 2026-11-23T10:15, got 'yesterday'"),
        ("path,customer\na.wav,middle\n", "customer must be left or right"),
        ("path\n\n", "lists nothing"),
        ("path,at\n,2026-11-02\n", "line 2: no path"),
    ],
)
def test_a_wrong_manifest_is_told(source: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        inputs.find([str(manifest(source, text))])


def test_a_file_that_a_manifest_misses_is_a_row_with_its_error(source: Path, tmp_path: Path) -> None:
    path = manifest(source, "path\na.wav\ngone.wav\n")
    assert run(path, "--out", tmp_path / "out", "--workers", 1) == cli.OK
    assert [bool(row["error"]) for row in rows_of(tmp_path / "out")] == [False, True]


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("20261123-101500_agent7", "2026-11-23T10:15:00"),
        ("call 2026-11-23", "2026-11-23T00:00:00"),
        ("99999999", None),
        ("20261399", None),
    ],
)
def test_a_time_in_a_name_is_taken(tmp_path: Path, name: str, at: str | None) -> None:
    (tmp_path / f"{name}.wav").touch()
    (found,) = inputs.find([str(tmp_path / "*.wav")])
    assert (found.at.isoformat() if found.dated == "name" else None) == at


def test_photos_go_through_too(source: Path, tmp_path: Path) -> None:
    class Counts(FakeAgent):
        def understand(self, turns: Any, *, explain: bool = False) -> list[Understanding]:
            assert all(isinstance(turn, Turn) for turn in turns)
            return super().understand(turns, explain=explain)

    assert run(source / "c.jpg", "--out", tmp_path / "out", build=lambda **_: Counts()) == cli.OK
    assert rows_of(tmp_path / "out")[0]["image"]["kind"] == "receipt"


def test_a_copy_that_cannot_be_written_ends_the_batch_and_is_nobodys_row(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "audio").write_text("a file where the folder of copies belongs")
    with pytest.raises(folders.OutputError, match="start the same command again"):
        run(source, "--out", out, "--workers", 1)
    (out / "audio").unlink()
    assert run(source, "--out", out, "--workers", 1) == cli.OK
    assert [row["error"] for row in rows_of(out) if row["path"].endswith("a.wav")] == [None]
