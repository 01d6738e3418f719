"""Rules of the code base that hold themselves: imports one way, prints at the edges, customers' words out of logs."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {
    "modalities": {"modalities"},
    "agent": {"agent", "modalities"},
    "demos": {"demos", "agent", "modalities"},
    "training": {"training", "agent", "modalities"},
    "benchmarks": {"benchmarks", "training", "demos", "agent", "modalities"},
}
OURS = {*MAY_IMPORT, "tests"}
PRINTS = {"demos", "training", "benchmarks"}
COMMANDS = {"modalities/weights.py", "modalities/speech/pronunciation.py"}
PRIVATE = {"text", "transcript", "words", "utterance", "turn", "message", "heard", "said", "reply"}


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


ALL = [path for package in MAY_IMPORT for path in sources(package)]


def imported(tree: ast.AST) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("path", ALL, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    strangers = (imported(ast.parse(path.read_text())) & OURS) - MAY_IMPORT[package]
    assert not strangers, f"{package} may not import {sorted(strangers)}"


@pytest.mark.parametrize("path", ALL, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_commands_print(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    if name.split("/")[0] in PRINTS or name in COMMANDS:
        return
    calls = [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
    assert not [n.lineno for n in calls if isinstance(n.func, ast.Name) and n.func.id == "print"]


@pytest.mark.parametrize("path", ALL, ids=lambda p: str(p.relative_to(ROOT)))
def test_logs_carry_no_words_of_customers(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        target = node.func.value
        if not (isinstance(target, ast.Name) and target.id in ("logger", "logging", "log")):
            continue
        for argument in node.args:
            named = {n.id for n in ast.walk(argument) if isinstance(n, ast.Name)}
            named |= {n.attr for n in ast.walk(argument) if isinstance(n, ast.Attribute)}
            assert not named & PRIVATE, f"line {node.lineno} logs {sorted(named & PRIVATE)}"


@pytest.mark.parametrize("package", ["agent", "modalities"])
def test_importing_is_quick_and_loads_no_model_library(package: str) -> None:
    heavy = ["torch", "transformers", "whisper", "TTS", "rapidocr", "pocketsphinx", "gradio", "pipecat", "librosa"]
    code = f"import sys, {package}; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


def test_requirements_are_pinned() -> None:
    lines = [line.split("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines()]
    assert all("==" in line for line in lines if line)


def test_weights_that_ship_are_small_and_have_cards() -> None:
    folder = ROOT / "weights"
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 60e6
    for weights in {path.parent for path in folder.rglob("*.safetensors")}:
        card = weights if (weights / "README.md").exists() else weights.parent
        assert (card / "README.md").is_file(), f"{weights} has no card"
    assert not [p for p in folder.rglob("*") if p.suffix in (".pt", ".pth", ".bin", ".pkl", ".ckpt")]


def test_version_is_a_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"].count(".") == 2
