"""Large files from the web, resumed where they broke off and verified before they take their name."""

from __future__ import annotations

import hashlib
import http.client
import logging
import os
import shutil
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO, Any

from modalities.errors import DownloadError, WeightsError

CHUNK = 1 << 20
ATTEMPTS = 4
"""Tries that bring not one byte before giving up."""
TIMEOUT_SECONDS = 30

log = logging.getLogger(__name__)


def fetch(url: str, path: Path, sha256: str = "", pause: float = 1.0) -> Path:
    """Download a file unless it is there already.

    Bytes go to `path` + ".part" and survive a broken connection: this call tries again where it stopped, and so does
    the next. The file gets its name only when it is whole.

    Args:
        url: http or https address.
        path: where the file goes; its folder is made.
        sha256: the file's checksum in hexadecimal; not checked when empty.
        pause: seconds before the second try, doubled for each further one.

    Raises:
        DownloadError: no network, or the connection broke again and again.
        WeightsError: the server has no such file, there is no room for it, or its checksum is another.
    """
    if path.is_file():
        if not sha256 or digest(path) == sha256:
            return path
        log.warning("%s is damaged and is fetched again", path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    attempt = 0
    while True:
        before = _size(part)
        try:
            _continue(url, part)
            break
        except (OSError, http.client.HTTPException) as error:
            attempt = 1 if _size(part) > before else attempt + 1
            _give_up(url, error, last=attempt == ATTEMPTS)
        time.sleep(pause * 2 ** (attempt - 1))
    if sha256 and (found := digest(part)) != sha256:
        part.unlink()
        raise WeightsError(f"{url} has checksum {found}, expected {sha256}; the download was discarded: try again")
    os.replace(part, path)
    return path


def digest(path: Path) -> str:
    """SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _continue(url: str, part: Path) -> None:
    """Append what is missing to `part`. Raises OSError when the connection ends before the file does."""
    start = _size(part)
    request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        # Nothing after `start`: the part is the whole file, or is none of this file.
        error.close()
        if error.headers.get("Content-Range", "") == f"bytes */{start}":
            return
        part.unlink()
        raise ConnectionResetError("the part did not fit the file") from error
    with response:
        if response.status != 206:
            start = 0
        with part.open("ab" if start else "wb") as file:
            _receive(response, file, start, part)


def _receive(response: Any, file: IO[bytes], start: int, part: Path) -> None:
    """Write a response's body with a progress bar on stderr, and see that it is all there."""
    from tqdm import tqdm

    length = response.headers.get("Content-Length")
    total = start + int(length) if length else None
    if total and shutil.disk_usage(part.parent).free < total - start:
        raise WeightsError(f"{part.parent} has no room for {total / 1e9:.1f} GB; free some or set another cache folder")
    name = part.name.removesuffix(".part")
    with tqdm(total=total, initial=start, unit="B", unit_scale=True, desc=name, mininterval=0.5) as bar:
        while block := response.read(CHUNK):
            file.write(block)
            bar.update(len(block))
    if total is not None and file.tell() != total:
        raise ConnectionResetError(f"the connection ended at {file.tell()} of {total} bytes")


def _give_up(url: str, error: Exception, last: bool) -> None:
    """Raise what cannot get better by trying again, and what did not."""
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        if error.code < 500 and error.code not in (408, 429):
            raise WeightsError(f"{url} cannot be fetched: the server answers {error.code} {error.reason}") from error
    if last:
        # URLError wraps what went wrong; HTTPError, its child, is what went wrong.
        reason = error.reason if type(error) is urllib.error.URLError else error
        raise DownloadError(
            f"{url} cannot be fetched ({reason}); check the network and run the same command again: "
            "it goes on where it stopped"
        ) from error
