"""A stack: which model does which job. One TOML file and the environment, read once; bad keys are named.

Any value may be set from the environment as CALLSIGHT_TABLE_KEY, e.g. CALLSIGHT_STORE_URL or CALLSIGHT_DEVICE.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from agent.errors import ConfigError

STACKS = Path(__file__).parent / "stacks"
PREFIX = "CALLSIGHT_"
PRECISIONS = ("float32", "bfloat16", "int8")


@dataclass(frozen=True)
class Component:
    """One job's entry in a stack.

    Attributes:
        engine: which engine.
        model: what it loads (a name, a path, `package:NAME`).
        precision: what its matrix products are computed in, one of `PRECISIONS`; only the text encoder has a choice.
    """

    engine: str = ""
    model: str = ""
    precision: str = "float32"


@dataclass(frozen=True)
class Settings:
    """A stack, as read.

    Attributes:
        device: torch device of every model of the stack.
        threads: CPU threads of each small model's forward pass; one is quickest when several calls run at once.
        fusion_weights: checkpoint folder; `{domain}` stands for the pack's name.
        store_url: SQLAlchemy URL of the database; "{domain}" in it stands for the name of the pack.
        rephrase: url, model and key of an OpenAI-compatible endpoint that may reword replies; empty for none.
    """

    name: str
    device: str
    threads: int
    speech: Component
    text: Component
    vision: Component
    ocr: Component
    voice: Component
    fusion_weights: str
    store_url: str
    rephrase: Mapping[str, str] = field(default_factory=dict)


JOBS = tuple(f.name for f in fields(Settings) if f.type == "Component")
TABLES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(JOBS, ("engine", "model")),
    "text": ("engine", "model", "precision"),
    "fusion": ("weights",),
    "store": ("url",),
    "rephrase": ("url", "model", "key"),
}
PLAIN = {"name": str, "device": str, "threads": int}


def load_settings(stack: str, **overrides: str) -> Settings:
    """Read a stack by name or file.

    Args:
        stack: a name in agent/stacks or the path of a TOML file.
        overrides: `device`, `store_url`, `fusion_weights` in place of what the file says.

    Raises:
        ConfigError: no such stack, a file that is not TOML, an unknown or missing key, a value of the wrong type.
    """
    path = _find(stack)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"stack {stack!r} is not readable TOML: {error}") from error
    _check(table, str(path))
    _apply_environment(table)
    precision = table.get("text", {}).get("precision", PRECISIONS[0])
    if precision not in PRECISIONS:
        raise ConfigError(f"stack {stack!r}: text.precision is {precision!r}; valid: {list(PRECISIONS)!r}")
    components: dict[str, Any] = {job: Component(**table.get(job, {})) for job in JOBS}
    values: dict[str, Any] = {
        "name": table.get("name", path.stem),
        "device": table.get("device", "cpu"),
        "threads": int(table.get("threads", 1)),
        "fusion_weights": table.get("fusion", {}).get("weights", "weights/{domain}"),
        "store_url": table.get("store", {}).get("url", "sqlite:///out/callsight.sqlite"),
        "rephrase": table.get("rephrase", {}),
    }
    unknown = set(overrides) - set(values)
    if unknown:
        raise ConfigError(f"unknown settings {sorted(unknown)!r}; these can be overridden: {sorted(values)!r}")
    return Settings(**{**values, **overrides}, **components)


def _find(stack: str) -> Path:
    for path in (Path(stack), STACKS / f"{stack}.toml"):
        if path.suffix == ".toml" and path.is_file():
            return path
    names = sorted(p.stem for p in STACKS.glob("*.toml"))
    raise ConfigError(f"no stack {stack!r}; there are {names!r}, or give the path of a TOML file")


def _check(table: Mapping[str, Any], where: str) -> None:
    for key, value in table.items():
        if key in PLAIN:
            if not isinstance(value, PLAIN[key]):
                raise ConfigError(f"{where}: {key} must be a {PLAIN[key].__name__}, got {value!r}")
        elif key not in TABLES:
            raise ConfigError(f"{where}: unknown key {key!r}; valid: {sorted([*PLAIN, *TABLES])!r}")
        elif not isinstance(value, dict):
            raise ConfigError(f"{where}: {key!r} must be a table, got {value!r}")
        else:
            _check_table(key, value, where)


def _check_table(name: str, table: Mapping[str, Any], where: str) -> None:
    for key, value in table.items():
        if key not in TABLES[name]:
            raise ConfigError(f"{where}: unknown key {name}.{key}; valid: {list(TABLES[name])!r}")
        if not isinstance(value, str):
            raise ConfigError(f"{where}: {name}.{key} must be a string, got {value!r}")


def _apply_environment(table: dict[str, Any]) -> None:
    for name, keys in TABLES.items():
        for key in keys:
            value = os.environ.get(f"{PREFIX}{name}_{key}".upper())
            if value is not None:
                table.setdefault(name, {})[key] = value
    if (device := os.environ.get(f"{PREFIX}DEVICE")) is not None:
        table["device"] = device
