"""A batch's results: a row a file, appended as they come, made whole at the end, taken up again after a stop."""

from __future__ import annotations

import csv
import fcntl
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agent.errors import InputError
from agent.types import Understanding
from demos.turn import understanding_json

Row = dict[str, Any]

COLUMNS = (
    "path",
    "seconds",
    "transcript",
    "intents",
    "entities",
    "sentiment",
    "sentiment_score",
    "verdict",
    "image",
    "evidence",
    "error",
    "ms",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def row(path: str, seconds: float | None, understanding: Understanding | None, error: str = "") -> Row:
    """A file's row: what was understood of it, and what was wrong with it.

    Args:
        path: the file as named in the results.
        seconds: how long the recording is; None for a photo or where it could not be read.
        understanding: None when nothing could be.
        error: why not, or what was missing at the end.
    """
    found = {} if understanding is None else understanding_json(understanding)
    keys = ("transcript", "intents", "entities", "verdict", "sentiment", "image", "evidence")
    timings = {} if understanding is None else {k: round(v, 2) for k, v in understanding.timings_ms.items()}
    wanted = 0 if understanding is None else understanding.wanted
    return {
        "path": path,
        "seconds": None if seconds is None else round(seconds, 3),
        **{key: found.get(key, [] if key in ("intents", "entities", "evidence") else None) for key in keys},
        "wanted": wanted,
        "error": error or None,
        "timings_ms": timings,
    }


def cells(result: Mapping[str, Any]) -> dict[str, Any]:
    """A row flat enough for a spreadsheet: the intents meant, entities as type=value, the stages' sum."""
    flat = {
        "path": result["path"],
        "seconds": result["seconds"],
        "transcript": (result["transcript"] or {}).get("text"),
        "intents": "; ".join(f"{i['name']} {i['confidence']:.2f}" for i in result["intents"][: result["wanted"]]),
        "entities": "; ".join(f"{e['type']}={e['value']}" for e in result["entities"]),
        "sentiment": (result["sentiment"] or {}).get("label"),
        "sentiment_score": (result["sentiment"] or {}).get("score"),
        "verdict": result["verdict"],
        "image": (result["image"] or {}).get("kind"),
        "evidence": "; ".join(f"{e['text'] or e['source']} {e['weight']:+.2f}" for e in result["evidence"]),
        "error": result["error"],
        "ms": round(sum(result["timings_ms"].values()), 1),
    }
    return {column: _inert(value) for column, value in flat.items()}


def _inert(value: Any) -> Any:
    """Text that a spreadsheet will not take for a formula: what customers say and files are called is not ours."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


class Results:
    """The folder a batch writes to.

    Rows go to results.jsonl.part as they come, so that a run that was stopped goes on where it was; `finish` turns
    them into results.jsonl and results.csv, each whole or not at all.

    Args:
        folder: made when missing.
        run: what the rows depend on (stack, pack); rows of a run that differs are not taken up.
    """

    def __init__(self, folder: Path, run: Mapping[str, str | bool]) -> None:
        self._folder = folder
        self._part = folder / "results.jsonl.part"
        self._run = dict(run)
        self.rows = self._taken_up()

    def _taken_up(self) -> dict[str, Row]:
        """The rows of an earlier run that was stopped, by path; a last line cut short is forgotten."""
        lines = self._part.read_bytes().splitlines() if self._part.is_file() else []
        values = [value for line in lines if (value := _json(line)) is not None]
        if not values or values[0] != {"run": self._run}:
            self._part.write_text(json.dumps({"run": self._run}) + "\n", encoding="utf-8")
            return {}
        return {value["path"]: value for value in values[1:]}

    def add(self, rows: Sequence[Row]) -> None:
        """Keeps rows, on disk too."""
        with self._part.open("ab") as file:
            file.write(b"".join(_line(result) for result in rows))
        self.rows.update((result["path"], result) for result in rows)

    def finish(self, order: Sequence[str]) -> tuple[Path, Path]:
        """Writes results.jsonl and results.csv with the rows of these paths, in this order."""
        rows = [self.rows[path] for path in order]
        table = io.StringIO()
        writer = csv.DictWriter(table, COLUMNS)
        writer.writeheader()
        writer.writerows(cells(result) for result in rows)
        written = (
            _replace(self._folder / "results.jsonl", b"".join(map(_line, rows))),
            _replace(self._folder / "results.csv", table.getvalue().encode("utf-8")),
        )
        self._part.unlink()
        return written


@contextmanager
def opened(folder: Path, run: Mapping[str, str | bool]) -> Iterator[Results]:
    """The results folder, ours alone while the block runs.

    Raises:
        InputError: it cannot be written to, or another run is writing there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise InputError(f"cannot write to {str(folder)!r}: {error.strerror}; give another --out") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InputError(f"another run is writing to {str(folder)!r}; wait for it, or give another --out") from None
        yield Results(folder, run)


def _line(value: Row) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8") + b"\n"


def _json(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _replace(path: Path, data: bytes) -> Path:
    part = path.with_name(f"{path.name}.new")
    part.write_bytes(data)
    part.replace(path)
    return path
