"""A real PostgreSQL server for tests, from Debian's package, in a folder of its own and reached by a socket in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 30


def binary(name: str) -> str | None:
    """Where a program of the server is; Debian keeps them apart by version."""
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(installed[-1]) if installed else None)


@contextmanager
def server() -> Iterator[str]:
    """A server that is up; gives the URL of its first database, and is gone afterwards."""
    initdb, postgres = binary("initdb"), binary("postgres")
    assert initdb is not None
    assert postgres is not None
    user = "postgres" if os.geteuid() == 0 else None  # the server refuses to run as root
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as folder:
        if user:
            shutil.chown(folder, user)
        data = f"{folder}/data"
        made = [initdb, "-D", data, "-U", "callsight", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"]
        subprocess.run(made, check=True, capture_output=True, user=user, cwd=folder)
        quick = ["-c", "fsync=off", "-c", "max_connections=40", "-c", "listen_addresses="]
        with open(f"{folder}/log", "wb") as log:
            running = subprocess.Popen([postgres, "-D", data, "-k", folder, *quick], user=user, stderr=log, cwd=folder)
        try:
            url = f"postgresql+psycopg://callsight@/postgres?host={folder}"
            _wait(url)
            yield url
        finally:
            running.terminate()
            running.wait(START_SECONDS)


def _wait(url: str) -> None:
    from sqlalchemy import create_engine
    from sqlalchemy.exc import OperationalError
    from sqlalchemy.pool import NullPool

    engine, until = create_engine(url, poolclass=NullPool), time.monotonic() + START_SECONDS
    while True:
        try:
            engine.connect().close()
            return
        except OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
