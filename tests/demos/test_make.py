"""The commands of a fresh clone, up to where they would begin to install."""

import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


@pytest.fixture
def clone(tmp_path: Path) -> Any:
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def make(clone: Path, *arguments: Any) -> Any:
    return subprocess.run(["make", *arguments], cwd=clone, capture_output=True, text=True, timeout=60)


def script(path: Any, text: str) -> Any:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("target", ["demo", "test"])
def test_a_missing_python_is_named_with_the_remedy(clone: Path, target: str) -> None:
    done = make(clone, target, "PYTHON=python3.11-nowhere")
    assert done.returncode != 0
    assert "python3.11-nowhere not found" in done.stderr
    assert "apt-get install python3.11" in done.stderr
    assert not (clone / ".venv").exists()


def test_another_python_is_refused(clone: Path) -> None:
    python = script(clone / "python", 'test "$1" = --version && echo Python 3.9.1 && exit 0; exit 1')
    done = make(clone, "test", f"PYTHON={python}")
    assert done.returncode != 0
    assert "is Python 3.9.1; Callsight needs Python 3.11" in done.stderr


def test_a_python_without_venv_is_told_which_package(clone: Path) -> None:
    python = script(clone / "python", 'case "$2" in *ensurepip*) exit 1;; esac; exit 0')
    done = make(clone, "test", f"PYTHON={python}")
    assert done.returncode != 0
    assert "apt-get install python3.11-venv" in done.stderr


def test_what_is_installed_is_not_installed_again(clone: Path) -> None:
    """A pip that notes its calls stands in for the environment's."""
    (clone / ".venv" / "bin").mkdir(parents=True)
    script(clone / ".venv" / "bin" / "pip", "exit 0")
    script(clone / ".venv" / "bin" / "python", f'echo "$*" >> {clone}/calls')
    (clone / "demos" / "scenarios").mkdir(parents=True)

    def calls() -> Any:
        make(clone, "demo")
        done = (clone / "calls").read_text().splitlines()
        (clone / "calls").unlink()
        return done

    first, second = calls(), calls()
    assert [("install" in line) for line in first] == [True, False]
    assert second == ["-m demos.call demos/scenarios/demo.toml"]
    later = (clone / ".venv" / ".installed").stat().st_mtime + 5
    os.utime(clone / "requirements.txt", (later, later))
    assert len(calls()) == 2


def test_ci_runs_the_tests() -> None:
    ci = ROOT / ".ci" / "run"
    assert ci.stat().st_mode & stat.S_IXUSR
    assert ci.read_text().rstrip().endswith("exec make test")
    assert subprocess.run(["bash", "-n", ci], timeout=10).returncode == 0
