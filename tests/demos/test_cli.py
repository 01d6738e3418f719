import os
import subprocess
import sys
from typing import Any

import pytest

from agent.errors import BackendError, ConfigError, DeviceError, InputError, MissingPartError, PackError, WeightsError
from demos import cli


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("x"), 2),
        (ConfigError("x"), 2),
        (PackError("x"), 2),
        (DeviceError("x"), 2),
        (MissingPartError("x"), 2),
        (WeightsError("x"), 1),
        (BackendError("x"), 1),
        (PermissionError(13, "Permission denied", "x"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_errors_become_exit_codes(error: Any, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> Any:
        raise error

    assert cli.run(main) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1


def test_an_error_is_one_line_without_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> Any:
        raise InputError("cannot open 'a\n\x1b[31mb'")

    cli.run(main)
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "\x1b" not in err


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        cli.run(lambda: 1 // 0)


def test_what_libraries_print_goes_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    with cli.libraries_on_stderr():
        sys.stdout.write("python\n")
        sys.stdout.flush()
        os.write(1, b"native\n")
    sys.stdout.write("ours\n")
    sys.stdout.flush()
    out, err = capfd.readouterr()
    assert out == "ours\n"
    assert "native" in err
    assert "python" in err


def test_text_that_is_no_utf8_is_refused() -> None:
    with pytest.raises(InputError, match="character 2"):
        cli.usable_text("ab\udcff")
    assert cli.usable_text("שלום 🧥\x00") == "שלום 🧥\x00"


def test_the_options_choose_the_agent() -> None:
    import argparse

    asked = {}

    def build(**arguments: Any) -> Any:
        asked.update(arguments)

    parser = argparse.ArgumentParser()
    cli.add_agent_options(parser)
    cli.build_agent(parser.parse_args(["--domain", "d", "--device", "cuda:1", "--store", "sqlite://"]), build)
    assert asked == {"stack": "embedded", "domain": "d", "device": "cuda:1", "store_url": "sqlite://"}


@pytest.mark.parametrize("door", ["turn", "call", "batch", "web", "phone", "replay", "desk"])
def test_help_is_quick_and_loads_no_model(door: str) -> None:
    code = (
        "import sys, runpy; sys.argv = ['x', '--help']\n"
        f"try: runpy.run_module('demos.{door}', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print('HEAVY', [m for m in ('torch', 'gradio', 'transformers', 'pocketsphinx') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "usage" in done.stdout
    assert "HEAVY []" in done.stdout


def test_garbage_collection_comes_back_even_after_an_error() -> None:
    import gc

    def failing() -> None:
        with cli.without_garbage_collection():
            assert not gc.isenabled()
            raise KeyError

    with pytest.raises(KeyError):
        failing()
    assert gc.isenabled()
