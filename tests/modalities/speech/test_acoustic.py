"""Adapted acoustic models: written, read back, refused, and used by the engine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from modalities.errors import WeightsError
from modalities.speech import acoustic
from modalities.speech.acoustic import Acoustics, codebooks, folder, load, read_engine, save, write


@pytest.fixture(scope="module")
def engine() -> Acoustics:
    return read_engine()


def changed(engine: Acoustics) -> Acoustics:
    weights = engine.weights.copy()
    weights[:, :, 100] = 42
    return Acoustics(engine.means + np.float32(0.5), engine.variances, weights)


def test_the_wheels_model_is_read_whole(engine: Acoustics) -> None:
    assert engine.means.shape == engine.variances.shape == (42, 3, 128, 13)
    assert (engine.variances > 0).all()
    sums = np.exp(-acoustic.UNIT * engine.weights.astype(float)).sum(axis=1)
    assert sums.mean() == pytest.approx(0.95, abs=0.05)  # each state's weights make one, less what 8 bits lose
    books = codebooks()
    assert len(books) == engine.weights.shape[-1]
    assert set(books) == set(range(42))
    assert list(books[:6]) == [0, 0, 0, 1, 1, 1]  # three states of each phone come first


def test_what_is_saved_is_read_back(engine: Acoustics, tmp_path: Path) -> None:
    save(changed(engine), tmp_path / "a.safetensors", made_from="nothing")
    found = load(tmp_path / "a.safetensors")
    assert np.allclose(found.means, engine.means + 0.5, rtol=1e-3, atol=1e-3)
    assert (found.weights == changed(engine).weights).all()
    assert (tmp_path / "a.safetensors").stat().st_size < 1_000_000  # only what differs


def test_the_engine_reads_what_is_written(engine: Acoustics, tmp_path: Path) -> None:
    write(engine, tmp_path)
    source = acoustic.engine_folder()
    assert np.array_equal(acoustic._read_gaussians(tmp_path / "means"), engine.means)
    assert (tmp_path / "sendump").read_bytes() == (source / "sendump").read_bytes()
    import pocketsphinx

    decoder = pocketsphinx.Decoder(hmm=str(tmp_path), dict=None, lm=None, loglevel="FATAL")
    assert decoder.config["hmm"] == str(tmp_path)


def test_none_is_the_wheels_own(tmp_path: Path, engine: Acoustics) -> None:
    with folder(None) as found:
        assert found == acoustic.engine_folder()
    save(engine, tmp_path / "a.safetensors")
    with folder(tmp_path / "a.safetensors") as found:
        assert {path.name for path in found.iterdir()} >= {"means", "variances", "sendump", "mdef", "feat.params"}
    assert not found.exists()


def test_models_that_do_not_fit_are_refused(tmp_path: Path, engine: Acoustics, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.safetensors"
    with pytest.raises(WeightsError, match="missing"):
        load(path)
    path.write_bytes(b"\x80\x04not a model")
    with pytest.raises(WeightsError, match="damaged"):
        load(path)
    save(replace(engine, means=engine.means[:41]), path)
    with pytest.raises(WeightsError, match="another shape"):
        load(path)
    save(engine, path)
    monkeypatch.setattr(acoustic, "fingerprint", lambda: "other")
    with pytest.raises(WeightsError, match="installed pocketsphinx"):
        load(path)
