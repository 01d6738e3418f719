"""A file server on the loopback address that can break off, refuse and lie, for tests of downloads."""

from __future__ import annotations

import http.server
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from typing import Any


@dataclass
class Server:
    """What is served and how.

    Attributes:
        url: its address, without a slash at the end.
        files: path -> content.
        breaks: how many answers still break off after `break_after` bytes.
        ranges: whether Range requests are honoured.
        status: what every request is answered with instead of a file, unless 200.
        requests: (method, path, Range header) of each request so far.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    breaks: int = 0
    break_after: int = 100_000
    ranges: bool = True
    status: int = 200
    requests: list[tuple[str, str, str]] = field(default_factory=list)

    def host_model(self, repository: str, files: dict[str, bytes]) -> None:
        """Serve a model as the Hugging Face hub does; safetensors count as large files."""
        commit = sha1(repository.encode()).hexdigest()
        tree = []
        for name, content in files.items():
            entry: dict[str, Any] = {"type": "file", "path": name, "size": len(content), "oid": git_hash(content)}
            if name.endswith(".safetensors"):
                entry["lfs"] = {"oid": sha256(content).hexdigest(), "size": len(content), "pointerSize": 100}
            tree.append(entry)
            self.files[f"/{repository}/resolve/{commit}/{name}"] = content
        self.files[f"/api/models/{repository}/revision/main"] = json.dumps({"id": repository, "sha": commit}).encode()
        self.files[f"/api/models/{repository}/tree/{commit}"] = json.dumps(tree).encode()


def git_hash(content: bytes) -> str:
    """What git calls a file's content."""
    return sha1(b"blob %d\0" % len(content) + content).hexdigest()


@contextmanager
def serve() -> Iterator[Server]:
    """A server that lives as long as the block."""
    state = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, body: bool) -> None:
            path = self.path.partition("?")[0]
            wanted = self.headers.get("Range", "")
            state.requests.append((self.command, path, wanted))
            content = state.files.get(path)
            if state.status != 200 or content is None:
                self.send_error(state.status if state.status != 200 else 404)
                return
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if state.ranges and wanted else 0
            if wanted and start >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.head(path, content, start)
            if body:
                self.send(content[start:])

        def head(self, path: str, content: bytes, start: int) -> None:
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            if found := re.fullmatch(r"/.+/resolve/([0-9a-f]{40})/.+", path):
                large = path.endswith(".safetensors")
                self.send_header("X-Repo-Commit", found[1])
                self.send_header("ETag", f'"{sha256(content).hexdigest() if large else git_hash(content)}"')
            self.end_headers()

        def send(self, content: bytes) -> None:
            if state.breaks and len(content) > state.break_after:
                state.breaks -= 1
                self.wfile.write(content[: state.break_after])
                self.close_connection = True
                return
            self.wfile.write(content)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
