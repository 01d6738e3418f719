from pathlib import Path

import pytest

from agent.config import load_settings
from agent.errors import ConfigError


def test_embedded_needs_nothing_from_outside() -> None:
    settings = load_settings("embedded")
    assert settings.device == "cpu"
    assert settings.text.model.startswith("package:")


@pytest.mark.parametrize("name", ["embedded", "gpu"])
def test_stacks_that_ship_are_valid(name: str) -> None:
    assert load_settings(name).name == name


def test_unknown_stack_lists_the_known() -> None:
    with pytest.raises(ConfigError, match=r"'nope'.*embedded.*gpu"):
        load_settings("nope")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("[speech]\nengin = 'x'", "speech.engin"),
        ("[spech]\nengine = 'x'", "spech"),
        ("device = 3", "device"),
        ("[speech]\nmodel = 3", "speech.model"),
        ("speech = 'x'", "speech"),
        ("= x", "TOML"),
        ("[text]\nprecision = 'int4'", "text.precision.*int4.*float32.*int8"),
        ("[vision]\nprecision = 'int8'", "vision.precision"),
    ],
)
def test_bad_keys_are_named(tmp_path: Path, body: str, named: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(body)
    with pytest.raises(ConfigError, match=named):
        load_settings(str(path))


def test_a_precision_is_the_stacks_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings("embedded").text.precision == "int8"
    assert load_settings("gpu").text.precision == "bfloat16"
    monkeypatch.setenv("CALLSIGHT_TEXT_PRECISION", "float32")
    assert load_settings("embedded").text.precision == "float32"


def test_environment_and_overrides_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALLSIGHT_STORE_URL", "sqlite://")
    monkeypatch.setenv("CALLSIGHT_DEVICE", "cuda:1")
    assert load_settings("embedded").store_url == "sqlite://"
    assert load_settings("embedded").device == "cuda:1"
    assert load_settings("embedded", device="cpu").device == "cpu"
    with pytest.raises(ConfigError, match="colour"):
        load_settings("embedded", colour="blue")
