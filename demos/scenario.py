"""A scripted call as a TOML file: what the customer says, shows and types, and the rows that must have changed.

    title = "A torn jacket"
    domain = "retail"              # optional, as are stack, out and [shop]

    [shop]                         # the shop the call happens in: fresh for every run
    seed = 7
    today = 2026-06-15             # optional: the day it is in the call

    [customer]
    name = "Dana"
    voice = "rms"                  # speaks the turns that have no recording

    [[turns]]
    say = "my jacket arrived torn" # what is said; spoken by the customer's voice unless there is a recording
    recording = "samples/torn.flac"

    [[turns]]
    image = "samples/receipt.jpg"  # a photo; with `text` or `say` in one turn if wished
    text = "here is the receipt"

    [[expect.rows]]                # holds at the end, and did not at the start
    table = "orders"
    key = "K123455"
    column = "status"
    value = "return requested"

Paths start at the scenario's own folder.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.errors import InputError

_MAX_TURNS = 100


@dataclass(frozen=True)
class ScriptedTurn:
    """What the customer gives at once.

    Attributes:
        say: words to be spoken, or what the recording says.
        recording: a recording of them.
        text: typed words.
        image: a photo.
    """

    say: str | None = None
    recording: Path | None = None
    text: str | None = None
    image: Path | None = None


@dataclass(frozen=True)
class ExpectedRow:
    """A value that the call must bring about.

    Attributes:
        table, column: where it stands.
        key: the row's primary key, its parts joined by "/", or the value of `by`.
        value: what must stand there at the end.
        by: the column that `key` is looked up in; empty for the primary key. For rows whose key the call makes up.
    """

    table: str
    key: str
    column: str
    value: str
    by: str = ""


@dataclass(frozen=True)
class Scenario:
    """A whole scripted call.

    Attributes:
        path: the file it came from.
        shop: keyword arguments for `agent.shop.seed`; its `today` is the day of the call.
        voice: the customer's voice (see `demos.customer`).
        out: the folder for what the call leaves behind.
    """

    path: Path
    title: str
    turns: tuple[ScriptedTurn, ...]
    expected: tuple[ExpectedRow, ...] = ()
    domain: str = "retail"
    stack: str = "embedded"
    customer: str = "Customer"
    voice: str = "rms"
    shop: Mapping[str, Any] = field(default_factory=dict)
    out: Path = Path("out/call")

    @property
    def today(self) -> dt.date:
        """The day of the call: the shop's, else the real one."""
        return self.shop.get("today") or dt.date.today()


def load(path: Path, *, check_files: bool = True) -> Scenario:
    """Reads and checks a scenario file.

    Args:
        path: the file.
        check_files: whether its recordings and photos must exist.

    Raises:
        InputError: it is missing, no TOML, or a key in it is unknown, missing or wrong; the message names the key.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"cannot read scenario {str(path)!r}: {error.strerror}; give the path of a .toml file"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"scenario {str(path)!r} is not TOML: {error}") from None
    return _Reader(path, check_files).scenario(document)


class _Reader:
    """Turns the parsed file into a `Scenario`, naming the key of whatever is wrong."""

    def __init__(self, path: Path, check_files: bool) -> None:
        self.path = path
        self.check_files = check_files

    def scenario(self, document: Mapping[str, Any]) -> Scenario:
        self.known(document, "", "title", "domain", "stack", "out", "shop", "customer", "turns", "expect")
        customer = self.table(document, "customer", "name", "voice")
        expect = self.table(document, "expect", "rows")
        turns = self.tables(document, "turns")
        if not 1 <= len(turns) <= _MAX_TURNS:
            raise self.wrong("turns", f"must be 1 to {_MAX_TURNS} tables, got {len(turns)}")
        return Scenario(
            path=self.path,
            title=self.string(document, "title", self.path.stem),
            turns=tuple(self.turn(t, f"turns[{i}]") for i, t in enumerate(turns)),
            expected=tuple(self.row(r, f"expect.rows[{i}]") for i, r in enumerate(self.tables(expect, "rows"))),
            domain=self.string(document, "domain", "retail"),
            stack=self.string(document, "stack", "embedded"),
            customer=self.string(customer, "name", "Customer"),
            voice=self.string(customer, "voice", "rms"),
            shop=self.shop(document),
            out=Path(self.string(document, "out", f"out/{self.path.stem}")),
        )

    def turn(self, table: Mapping[str, Any], where: str) -> ScriptedTurn:
        self.known(table, where, "say", "recording", "text", "image")
        turn = ScriptedTurn(
            say=self.string(table, "say", None),
            recording=self.file(table, "recording", where),
            text=self.string(table, "text", None),
            image=self.file(table, "image", where),
        )
        if turn == ScriptedTurn():
            raise self.wrong(where, "is empty; give it say, recording, text or image")
        return turn

    def row(self, table: Mapping[str, Any], where: str) -> ExpectedRow:
        self.known(table, where, "table", "key", "column", "value", "by")
        missing = [name for name in ("table", "key", "column", "value") if name not in table]
        if missing:
            raise self.wrong(where, f"lacks {', '.join(missing)}")
        return ExpectedRow(**{name: str(value) for name, value in table.items()})

    def shop(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        options = self.table(document, "shop")
        if not isinstance(options.get("today", dt.date.min), dt.date):
            raise self.wrong("shop.today", f"must be a date such as 2026-06-15, got {options['today']!r}")
        return options

    def file(self, table: Mapping[str, Any], key: str, where: str) -> Path | None:
        name: str | None = self.string(table, key, None)
        if name is None:
            return None
        path = self.path.parent / name
        if self.check_files and not path.is_file():
            raise self.wrong(f"{where}.{key}", f"names no file: {str(path)!r}")
        return path

    def known(self, table: Mapping[str, Any], where: str, *names: str) -> None:
        for key in table:
            if key not in names:
                raise self.wrong(f"{where}.{key}" if where else key, f"is not known; known are {', '.join(names)}")

    def table(self, document: Mapping[str, Any], key: str, *names: str) -> Mapping[str, Any]:
        value = document.get(key, {})
        if not isinstance(value, Mapping):
            raise self.wrong(key, f"must be a table, got {value!r}")
        if names:
            self.known(value, key, *names)
        return value

    def tables(self, document: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
        value = document.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, Mapping) for v in value):
            raise self.wrong(key, f"must be a list of tables ([[{key}]]), got {type(value).__name__}")
        return value

    def string(self, table: Mapping[str, Any], key: str, default: Any) -> Any:
        value = table.get(key, default)
        if value is not default and not isinstance(value, str):
            raise self.wrong(key, f"must be a string, got {value!r}")
        return value

    def wrong(self, key: str, problem: str) -> InputError:
        return InputError(f"scenario {str(self.path)!r}: {key} {problem}")
