"""A telephone server in a process of its own, over a fresh shop, for the carrier simulator."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.carrier import Place

START_SECONDS = 180.0  # until the models are loaded
SHOP_SEED, CUSTOMERS, ORDERS = 14, 40, 120


@dataclass(frozen=True)
class Running:
    """A server that runs.

    Attributes:
        place: where.
        pid: its process.
        shop: its database.
    """

    place: Place
    pid: int
    shop: Path

    def usage(self) -> tuple[float, int, int, float]:
        """Memory in MB, threads, open files and sockets, CPU seconds so far; of it and the processes it began."""
        each = [_usage(pid) for pid in (self.pid, *_children(self.pid))]
        memory, threads, files, cpu = (sum(column) for column in zip(*each, strict=True))
        return memory, int(threads), int(files), cpu

    def cpu(self) -> float:
        """CPU seconds so far."""
        return self.usage()[3]

    def tasks(self) -> int:
        """Tasks on its event loop."""
        with urllib.request.urlopen(f"{self.place.http}/health", timeout=10) as answer:
            return int(json.load(answer)["tasks"])

    def ask(self, query: str, *values: str) -> list[tuple[object, ...]]:
        """Rows of its database."""
        connection = sqlite3.connect(self.shop)
        try:
            return connection.execute(query, values).fetchall()
        finally:
            connection.close()


def _usage(pid: int) -> tuple[float, int, int, float]:
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    values = {name: value.split()[0] for name, _, value in (line.partition(":") for line in status) if value.split()}
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    cpu = (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
    return int(values["VmRSS"]) / 1024, int(values["Threads"]), len(os.listdir(f"/proc/{pid}/fd")), cpu


def _children(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it ended meanwhile
            continue
        if parent == pid:
            found.append(int(stat.parent.name))
    return found


@contextmanager
def serving(folder: Path, *more: str, domain: str = "retail") -> Iterator[Running]:
    """A server on free ports, ended with the block.

    Args:
        folder: for its database and log.
        more: further options of `demos.phone`.
        domain: its pack.
    """
    shop = folder / "shop.sqlite"
    seed(shop, domain)
    place = Place(port=free_port(), audiosocket=free_port())
    environment = {**os.environ, "CALLSIGHT_TWILIO_AUTH_TOKEN": place.twilio, "CALLSIGHT_PHONE_TOKEN": place.token}
    command: Sequence[str] = (
        sys.executable, "-m", "demos.phone", "--port", str(place.port), "--audiosocket", str(place.audiosocket),
        "--store", f"sqlite:///{shop}", "--domain", domain, "--drain", "1", *more,
    )  # fmt: skip
    with _running(command, environment, place, folder / "server.log") as process:
        yield Running(place, process.pid, shop)


@contextmanager
def plain(folder: Path) -> Iterator[Running]:
    """The plain pipeline on a free port, ended with the block."""
    place = Place(port=free_port())
    command = (sys.executable, "-m", "benchmarks.plain_pipeline", "--port", str(place.port))
    with _running(command, dict(os.environ), place, folder / "plain.log") as process:
        yield Running(place, process.pid, folder / "none")


@contextmanager
def _running(
    command: Sequence[str], environment: dict[str, str], place: Place, log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("w") as file:
        process = subprocess.Popen(command, env=environment, stdout=file, stderr=file)
        try:
            _wait(process, place)
            yield process
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def seed(shop: Path, domain: str) -> None:
    """A fresh shop, the same each time but for the day it counts from."""
    from agent.domain import Pack
    from agent.knowledge import ProductGraph
    from agent.shop import seed as fill
    from agent.store import Store

    store = Store(f"sqlite:///{shop}")
    graph = ProductGraph(Pack.load(domain).root / "knowledge" / "products.ttl")
    fill(store, graph, seed=SHOP_SEED, customers=CUSTOMERS, orders=ORDERS)
    store.close()


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], place: Place) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError("the telephone server ended before it began; see server.log")
        try:
            urllib.request.urlopen(f"{place.http}/health", timeout=2).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise RuntimeError(f"the telephone server was not ready after {START_SECONDS:.0f} s")
