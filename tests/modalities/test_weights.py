"""Fetching what a stack names, from a server on the loopback address."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from modalities import download, weights
from modalities.download import fetch
from modalities.errors import DownloadError, InputError, WeightsError
from modalities.locate import ROOT
from modalities.speech import whisper
from modalities.voice import catalogue, coqui
from tests.loopback import Server, serve

BODY = bytes(range(256)) * 2_000  # 512,000 bytes, five breaks of 100,000
CHECKSUM = sha256(BODY).hexdigest()


@pytest.fixture
def server() -> Iterator[Server]:
    with serve() as state:
        state.files["/model.pt"] = BODY
        yield state


def stack_file(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text)
    return str(path)


# -- single files


def test_fetches_and_verifies(server: Server, tmp_path: Path) -> None:
    path = fetch(f"{server.url}/model.pt", tmp_path / "deep" / "model.pt", CHECKSUM)
    assert path.read_bytes() == BODY
    assert [file.name for file in path.parent.iterdir()] == ["model.pt"]


def test_a_file_that_is_here_is_not_fetched_again(server: Server, tmp_path: Path) -> None:
    for _ in range(2):
        fetch(f"{server.url}/model.pt", tmp_path / "model.pt", CHECKSUM)
    assert len(server.requests) == 1


def test_a_damaged_file_is_fetched_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "model.pt").write_bytes(BODY[:-1])
    assert fetch(f"{server.url}/model.pt", tmp_path / "model.pt", CHECKSUM).read_bytes() == BODY


def test_a_broken_line_is_taken_up_where_it_broke(server: Server, tmp_path: Path) -> None:
    server.breaks = 5
    assert fetch(f"{server.url}/model.pt", tmp_path / "model.pt", CHECKSUM, pause=0).read_bytes() == BODY
    assert [wanted for _, _, wanted in server.requests] == ["", *(f"bytes={n}00000-" for n in range(1, 6))]


def test_the_next_call_goes_on_where_the_last_one_stopped(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    (tmp_path / "model.pt.part").write_bytes(BODY[:400_000])
    assert fetch(f"{server.url}/model.pt", path, CHECKSUM).read_bytes() == BODY
    assert server.requests == [("GET", "/model.pt", "bytes=400000-")]


def test_a_whole_part_needs_no_bytes(server: Server, tmp_path: Path) -> None:
    (tmp_path / "model.pt.part").write_bytes(BODY)
    assert fetch(f"{server.url}/model.pt", tmp_path / "model.pt", CHECKSUM).read_bytes() == BODY


def test_a_part_that_is_too_long_is_thrown_away(server: Server, tmp_path: Path) -> None:
    (tmp_path / "model.pt.part").write_bytes(BODY + b"more")
    assert fetch(f"{server.url}/model.pt", tmp_path / "model.pt", CHECKSUM, pause=0).read_bytes() == BODY


def test_a_server_without_ranges_starts_over(server: Server, tmp_path: Path) -> None:
    server.ranges = False
    server.breaks = 1
    assert fetch(f"{server.url}/model.pt", tmp_path / "model.pt", CHECKSUM, pause=0).read_bytes() == BODY


def test_a_wrong_checksum_is_refused_and_leaves_nothing(server: Server, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="checksum"):
        fetch(f"{server.url}/model.pt", tmp_path / "model.pt", "0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_a_line_that_stays_broken_is_retryable_and_keeps_its_part(server: Server, tmp_path: Path) -> None:
    server.breaks, server.break_after = 1_000, 0
    (tmp_path / "model.pt.part").write_bytes(BODY[:1_000])
    with pytest.raises(DownloadError, match="goes on where it stopped") as raised:
        fetch(f"{server.url}/model.pt", tmp_path / "model.pt", CHECKSUM, pause=0)
    assert raised.value.retryable
    assert len(server.requests) == download.ATTEMPTS
    assert (tmp_path / "model.pt.part").read_bytes() == BODY[:1_000]
    assert not (tmp_path / "model.pt").exists()


@pytest.mark.parametrize(
    ("status", "retryable", "tries"), [(403, False, 1), (404, False, 1), (503, True, 4), (429, True, 4)]
)
def test_servers_that_refuse(server: Server, tmp_path: Path, status: int, retryable: bool, tries: int) -> None:
    server.status = status
    with pytest.raises(WeightsError, match=str(status)) as raised:
        fetch(f"{server.url}/model.pt", tmp_path / "model.pt", CHECKSUM, pause=0)
    assert raised.value.retryable == retryable
    assert len(server.requests) == tries
    assert list(tmp_path.iterdir()) == []


def test_no_network_is_retryable(tmp_path: Path) -> None:
    with serve() as gone:
        pass
    with pytest.raises(DownloadError, match="check the network"):
        fetch(f"{gone.url}/model.pt", tmp_path / "model.pt", pause=0)
    assert list(tmp_path.iterdir()) == []


def test_no_room_is_said_before_a_byte_is_written(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1_000}))
    with pytest.raises(WeightsError, match="no room"):
        fetch(f"{server.url}/model.pt", tmp_path / "model.pt")
    assert not (tmp_path / "model.pt").exists()


def test_progress_is_on_stderr(server: Server, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    fetch(f"{server.url}/model.pt", tmp_path / "model.pt")
    shown = capfd.readouterr()
    assert shown.out == ""
    assert "model.pt" in shown.err
    assert "100%" in shown.err


# -- stacks


@pytest.mark.parametrize("stack", ["embedded", "gpu", str(ROOT / "agent" / "stacks" / "gpu.toml")])
def test_reads_the_stacks_that_ship(stack: str) -> None:
    jobs = [model.job for model in weights.read(stack)]
    assert jobs[:5] == ["speech", "text", "vision", "ocr", "voice"]
    assert set(jobs[5:]) == {"fusion"}


def test_every_packaged_model_of_the_embedded_stack_is_here() -> None:
    found = {model.job: model.place.find() for model in weights.read("embedded")}
    for job in ("speech", "text", "ocr", "voice"):
        path = found[job]
        assert path is not None
        assert weights.size_of(path) > 1e6


@pytest.mark.parametrize(
    ("text", "message"),
    [("speech = [", "not readable TOML"), ("\xff", "not readable TOML"), ('[vision]\nengine = "x"', "vision.model")],
)
def test_broken_stacks_are_named(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=message):
        weights.read(str(path))


def test_list_tells_what_is_here(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "here.pt").write_bytes(BODY)
    text = f"""
        [speech]\nengine = "whisper"\nmodel = {str(tmp_path / "here.pt")!r}
        [vision]\nmodel = {str(tmp_path / "gone")!r}
    """
    assert weights.main(["list", stack_file(tmp_path, text)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert any("speech" in line and "0.5 MB" in line and line.endswith("here.pt") for line in shown)
    assert any("vision" in line and line.endswith("missing") for line in shown)


def test_list_without_a_stack_shows_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert weights.main(["list"]) == 0
    shown = capsys.readouterr().out
    assert "embedded\n" in shown
    assert "gpu\n" in shown


@pytest.mark.parametrize("command", ["list", "pull"])
def test_an_unknown_stack_names_the_known(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert weights.main([command, "nonsense"]) == 1
    shown = capsys.readouterr()
    assert "embedded, gpu" in shown.err
    assert shown.out == ""


def test_the_environment_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.pt").write_bytes(b"x")
    monkeypatch.setenv("CALLSIGHT_SPEECH_MODEL", str(tmp_path / "mine.pt"))
    assert weights.read("gpu")[0].place.find() == tmp_path / "mine.pt"


# -- whole pulls


def test_pulls_a_whisper_by_size(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server.files[f"/whisper/{CHECKSUM}/tiny.pt"] = BODY
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(whisper, "published", lambda: {"tiny": f"{server.url}/whisper/{CHECKSUM}/tiny.pt"})
    stack = stack_file(tmp_path, '[speech]\nengine = "whisper"\nmodel = "tiny"')
    assert weights.main(["pull", stack]) == 0
    assert (tmp_path / "whisper" / "tiny.pt").read_bytes() == BODY
    assert str(tmp_path / "whisper" / "tiny.pt") in capsys.readouterr().out
    assert weights.main(["pull", stack]) == 0
    assert len(server.requests) == 1


def test_one_failure_does_not_keep_the_rest(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    server.files[f"/whisper/{CHECKSUM}/tiny.pt"] = BODY
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(whisper, "published", lambda: {"tiny": f"{server.url}/whisper/{CHECKSUM}/tiny.pt"})
    text = '[speech]\nengine = "whisper"\nmodel = "tiny"\n[text]\nmodel = "./nowhere"\n[voice]\nengine = "espeak"'
    assert weights.main(["pull", stack_file(tmp_path, text)]) == 1
    shown = capsys.readouterr()
    assert "'./nowhere'" in shown.err
    assert "speech: tiny is at" in shown.out
    assert "voice: espeak is at" in shown.out


def archive(files: dict[str, bytes]) -> bytes:
    memory = BytesIO()
    with zipfile.ZipFile(memory, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return memory.getvalue()


@pytest.fixture
def voice(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A voice in a catalogue that points to the server; its name."""
    from TTS.utils.manage import ModelManager

    def local(self: Any, *arguments: Any, **options: Any) -> None:
        original(self, *arguments, **options)
        voices = {
            "vits": {"github_rls_url": f"{server.url}/voice.zip", "license": "apache 2.0"},
            "many": {"github_rls_url": [f"{server.url}/config.json", f"{server.url}/model.pth"]},
            "bound": {"github_rls_url": f"{server.url}/voice.zip", "license": "CPML", "tos_required": True},
        }
        self.models_dict = {"tts_models": {"en": {"test": voices}}}

    original = ModelManager.__init__
    monkeypatch.setattr(ModelManager, "__init__", local)
    monkeypatch.setenv("TTS_HOME", str(tmp_path))
    config = b'{"model": "vits", "audio": {"sample_rate": 22050}}'
    server.files["/voice.zip"] = archive({"top/config.json": config, "top/model_file.pth": BODY, "top/.hidden": b"x"})
    server.files |= {"/config.json": config, "/model.pth": BODY}
    return "tts_models/en/test/vits"


def test_pulls_a_voice(voice: str, server: Server, tmp_path: Path) -> None:
    server.breaks = 2
    assert weights.main(["pull", stack_file(tmp_path, f'[voice]\nengine = "coqui"\nmodel = "{voice}"')]) == 0
    folder = tmp_path / "tts" / "tts_models--en--test--vits"
    assert sorted(file.name for file in folder.iterdir()) == ["config.json", "model_file.pth"]
    assert (folder / "model_file.pth").read_bytes() == BODY
    assert coqui.find(voice).checkpoint == folder / "model_file.pth"
    assert [file.name for file in (tmp_path / "tts").iterdir()] == [folder.name]


def test_pulls_a_voice_of_single_files(voice: str, tmp_path: Path) -> None:
    catalogue.pull("tts_models/en/test/many")
    assert coqui.find("tts_models/en/test/many").checkpoint.read_bytes() == BODY


def test_a_damaged_archive_is_refused_and_leaves_no_voice(voice: str, server: Server, tmp_path: Path) -> None:
    damaged = bytearray(server.files["/voice.zip"])
    damaged[len(damaged) // 2] ^= 0xFF
    server.files["/voice.zip"] = bytes(damaged)
    with pytest.raises(WeightsError, match="damaged"):
        catalogue.pull(voice)
    with pytest.raises(WeightsError, match="pull gpu"):
        coqui.find(voice)


def test_an_archive_cannot_write_outside_its_folder(voice: str, server: Server, tmp_path: Path) -> None:
    config = server.files["/config.json"]
    server.files["/voice.zip"] = archive({"../../evil.pth": BODY, "/etc/x.json": b"{}", "config.json": config})
    catalogue.pull(voice)
    inside = tmp_path / "tts" / "tts_models--en--test--vits"
    assert sorted(file.name for file in inside.iterdir()) == ["config.json", "evil.pth", "x.json"]
    assert not list(tmp_path.glob("*.pth"))


def test_terms_have_to_be_agreed_to(voice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COQUI_TOS_AGREED", raising=False)
    with pytest.raises(InputError, match="CPML"):
        catalogue.pull("tts_models/en/test/bound")
    monkeypatch.setenv("COQUI_TOS_AGREED", "1")
    catalogue.pull("tts_models/en/test/bound")
    assert coqui.find("tts_models/en/test/bound").checkpoint.is_file()


def pull_from_hub(server: Server, folder: Path, repository: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own, as the hub's address is read once at import."""
    environment = {**os.environ, "HF_ENDPOINT": server.url, "HF_HOME": str(folder / "hub"), "HF_HUB_OFFLINE": "0"}
    stack = stack_file(folder, f'[vision]\nmodel = "{repository}"')
    command = [sys.executable, "-m", "modalities.weights", "pull", stack]
    return subprocess.run(command, env={**environment, **more}, cwd=ROOT, capture_output=True, text=True, check=False)


def test_pulls_from_the_hub(server: Server, tmp_path: Path) -> None:
    files = {"config.json": b"{}", "model.safetensors": BODY, "pytorch_model.bin": b"pickle", "README.md": b"#"}
    server.host_model("someone/encoder", files)
    server.breaks = 1
    done = pull_from_hub(server, tmp_path, "someone/encoder")
    assert done.returncode == 0, done.stderr
    folder = Path(done.stdout.strip().rpartition(" is at ")[2])
    assert sorted(file.name for file in folder.iterdir()) == ["config.json", "model.safetensors"]
    assert (folder / "model.safetensors").read_bytes() == BODY
    assert server.breaks == 0


def test_a_hub_model_without_safe_weights_is_refused(server: Server, tmp_path: Path) -> None:
    server.host_model("someone/old", {"config.json": b"{}", "pytorch_model.bin": b"pickle"})
    done = pull_from_hub(server, tmp_path, "someone/old")
    assert done.returncode == 1
    assert "safetensors" in done.stderr


def test_a_hub_without_the_model(server: Server, tmp_path: Path) -> None:
    done = pull_from_hub(server, tmp_path, "someone/nothing")
    assert done.returncode == 1
    assert "404" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_hub_out_of_reach(server: Server, tmp_path: Path) -> None:
    with serve() as gone:
        pass
    done = pull_from_hub(gone, tmp_path, "someone/encoder")
    assert done.returncode == 1
    assert "check the network" in done.stderr
    offline = pull_from_hub(server, tmp_path, "someone/encoder", HF_HUB_OFFLINE="1")
    assert "unset" in offline.stderr


def test_a_hub_file_that_is_damaged_is_removed(tmp_path: Path) -> None:
    from modalities import hub

    good, bad = sha256(b"good").hexdigest(), sha256(b"other").hexdigest()
    for name in (good, bad):
        (tmp_path / name).write_bytes(b"good")
        (tmp_path / f"{name}.safetensors").symlink_to(tmp_path / name)
    hub._verify(tmp_path / f"{good}.safetensors")
    with pytest.raises(WeightsError, match="damaged"):
        hub._verify(tmp_path / f"{bad}.safetensors")
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([good, f"{good}.safetensors"])
