"""The page's server in a process of its own, over a fresh shop."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.carrier_server import free_port, seed

START_SECONDS = 300.0  # until the models are loaded


@contextmanager
def serving(folder: Path, *more: str) -> Iterator[str]:
    """The page on a free port of this machine, ended with the block; gives its address.

    Args:
        folder: for its database and log.
        more: further options of `demos.web`.
    """
    shop, port = folder / "shop.sqlite", free_port()
    seed(shop, "retail")
    command = (sys.executable, "-m", "demos.web", "--port", str(port), "--store", f"sqlite:///{shop}", *more)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            _wait(process, f"http://127.0.0.1:{port}/")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], address: str) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError("the page's server ended before it began; see server.log")
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise RuntimeError(f"the page's server was not ready after {START_SECONDS:.0f} s")
