"""Models of the Hugging Face hub in its cache: which are here, and fetching one whole."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from modalities.errors import DownloadError, WeightsError

PATTERNS = ("*.json", "*.safetensors", "*.txt", "*.model")
"""What `from_pretrained` reads. Pickled weights are left out: they can run code."""


def find(repository: str, patterns: Sequence[str] = PATTERNS) -> Path | None:
    """The snapshot in the cache, or None when the config or the weights are missing."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(repository, allow_patterns=list(patterns), local_files_only=True))
    except (LocalEntryNotFoundError, ValueError):
        return None
    whole = (folder / "config.json").is_file() and (any(folder.glob("*.safetensors")) or any(folder.glob("*.pth")))
    return folder if whole else None


def pull(repository: str, patterns: Sequence[str] = PATTERNS) -> Path:
    """Fetch a snapshot (the hub's client resumes broken downloads) and check every file against its hash.

    Raises:
        DownloadError: no network, or the hub does not answer.
        WeightsError: no such model, no right to it, no weights in a safe format, or a file that is damaged.
    """
    import httpx2
    from huggingface_hub import snapshot_download

    try:
        snapshot_download(repository, allow_patterns=list(patterns))
    except (httpx2.HTTPError, OSError) as error:
        raise _explain(repository, error) from error
    except ValueError as error:
        raise WeightsError(f"{repository!r} is no name of a model on the hub; names are owner/model") from error
    folder = find(repository, patterns)
    if folder is None:
        raise WeightsError(f"{repository!r} has no config.json with safetensors weights; name another model")
    for file in folder.rglob("*"):
        if file.is_file():
            _verify(file)
    return folder


def _explain(repository: str, error: Exception) -> WeightsError:
    """What the client's error means; it wraps refusals in a LocalEntryNotFoundError."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    cause = error.__cause__ or error
    if isinstance(cause, OfflineModeIsEnabled):
        return WeightsError(f"{repository!r} cannot be fetched while HF_HUB_OFFLINE is set: unset it")
    if isinstance(cause, HfHubHTTPError) and cause.response.status_code < 500:
        status = cause.response.status_code
        return WeightsError(f"{repository!r} cannot be fetched, the hub answers {status}: check the name and HF_TOKEN")
    return DownloadError(
        f"{repository!r} cannot be fetched ({type(cause).__name__}); check the network and run the same command again: "
        "it goes on where it stopped"
    )


def _verify(file: Path) -> None:
    """A cached file is a link to a blob named by its hash: SHA-256 of large files, git's SHA-1 of small ones."""
    blob = file.resolve()
    content = blob.read_bytes() if len(blob.name) == 40 else b""
    if len(blob.name) == 64:
        with blob.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    elif len(blob.name) == 40:
        found = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    else:
        return
    if found != blob.name:
        blob.unlink()
        file.unlink(missing_ok=True)
        raise WeightsError(f"{file.name} arrived damaged (hash {found}) and was removed; run the same command again")
