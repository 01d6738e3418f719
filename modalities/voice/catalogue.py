"""Fetching Coqui's published voices to where Coqui keeps them.

Coqui's own download cannot resume and leaves a half-filled folder that later passes for the model; here the folder
appears only when it is whole.
"""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

from modalities import hub
from modalities.download import fetch
from modalities.errors import InputError, WeightsError
from modalities.voice.coqui import HUB_PATTERNS, folder_of, manager, published, quiet


def pull(model: str) -> None:
    """Fetch a voice, and the vocoder it needs, unless they are here.

    Raises:
        DownloadError: the network failed; the same call goes on where it stopped.
        InputError: its licence has to be agreed to first.
        WeightsError: no such voice, or one that is not offered for download.
    """
    item = published(model)
    _check_license(model, item)
    try:
        folder_of(model)
    except WeightsError:
        _fetch(model, item)
    if vocoder := item.get("default_vocoder"):
        pull(vocoder)


def _fetch(model: str, item: dict[str, Any]) -> None:
    """Into a folder of another name first; Coqui then writes the final paths into config.json."""
    if "repo_id" in item:
        hub.pull(item["repo_id"], item.get("allow") or HUB_PATTERNS)
        return
    addresses = item.get("github_rls_url")
    if not addresses:
        raise WeightsError(f"voice model {model!r} is not offered for download; fetch it yourself and give its path")
    final = Path(manager().output_prefix) / model.replace("/", "--")
    unpacked = final.with_name(final.name + ".part")
    shutil.rmtree(unpacked, ignore_errors=True)
    downloads = final.with_name(final.name + ".downloads")
    for url in [addresses] if isinstance(addresses, str) else addresses:
        file = fetch(url, downloads / url.rpartition("/")[2])
        _unpack(file, unpacked)
    os.replace(unpacked, final)
    shutil.rmtree(downloads)
    with quiet():
        manager().download_model(model)  # finds it there: sets paths, downloads nothing


def _unpack(file: Path, folder: Path) -> None:
    """All files of a zip into one folder, without the archive's own; any other file as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    if file.suffix != ".zip":
        shutil.copyfile(file, folder / file.name)
        return
    try:
        with zipfile.ZipFile(file) as archive:
            for entry in archive.infolist():
                name = Path(entry.filename).name
                if not entry.is_dir() and not name.startswith("."):
                    with archive.open(entry) as source, (folder / name).open("wb") as target:
                        shutil.copyfileobj(source, target)  # reading to the end checks the entry's CRC
    except zipfile.BadZipFile as error:
        file.unlink()
        shutil.rmtree(folder)
        raise WeightsError(f"{file.name} arrived damaged and was removed; run the same command again") from error


def _check_license(model: str, item: dict[str, Any]) -> None:
    """Some weights may be used only after their terms are agreed to, in Coqui's own way."""
    if item.get("tos_required") and os.environ.get("COQUI_TOS_AGREED") != "1":
        raise InputError(
            f"voice model {model!r} is under the licence {item.get('license')!r} (https://tts-hub.github.io/cpml: no "
            "commercial use without a licence from its owner); to agree, set COQUI_TOS_AGREED=1 and run again"
        )
