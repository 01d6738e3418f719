"""No test may reach a network; models come from installed packages, the repository, or the test itself."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
import torch
from hypothesis import settings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

settings.register_profile("steady", derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))  # "default" looks for new failing cases

_connect = socket.socket.connect


def _loopback_only(self: socket.socket, address: Any) -> Any:
    host = address[0] if isinstance(address, tuple) else ""
    if self.family in (socket.AF_INET, socket.AF_INET6) and host != "localhost" and not _is_loopback(host):
        raise RuntimeError(f"a test tried to reach {host!r}; tests run without a network")
    return _connect(self, address)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections leave this machine nowhere."""
    monkeypatch.setattr(socket.socket, "connect", _loopback_only)


@pytest.fixture(autouse=True)
def seeded() -> None:
    """A test that draws draws the same each time."""
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a real PostgreSQL server started for these tests."""
    from tests.postgres import binary, server

    if binary("postgres") is None or binary("initdb") is None:
        pytest.skip("PostgreSQL is not installed; apt install postgresql")
    pytest.importorskip("psycopg", reason="no driver for PostgreSQL; pip install 'psycopg[binary]'")
    with server() as url:
        yield url


_databases = count(1)


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """A fresh database on it."""
    from sqlalchemy import create_engine, text
    from sqlalchemy.pool import NullPool

    name = f"shop{next(_databases)}"
    engine = create_engine(postgres_server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield postgres_server.replace("/postgres?", f"/{name}?")
    with engine.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
