"""Adapting the acoustic model: what frames say moves it, the rest stays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from modalities.audio import resample
from modalities.speech.acoustic import codebooks, read_engine
from modalities.types import Audio
from training.acoustic import adapt, collect
from training.acoustic_features import Aligner, Frames, Said, in_noise, over_telephone, with_differences


def test_gaussians_move_towards_the_frames_and_others_stay() -> None:
    engine, books = read_engine(), codebooks()
    state, rng = 2_000, np.random.default_rng(5)
    book = int(books[state])
    weighed = engine.weights[:, :, state].argmin(axis=1)  # the likeliest Gaussian of each stream
    centre = engine.means[book, range(3), weighed] + 0.3 * np.sqrt(engine.variances[book, range(3), weighed])
    vectors = (centre + 0.01 * rng.normal(size=(400, 3, 13))).astype(np.float32)
    found = adapt(Frames(vectors, np.full(400, state)), books)
    before = np.abs(engine.means[book, range(3), weighed] - centre).mean()
    after = np.abs(found.means[book, range(3), weighed] - centre).mean()
    assert after < 0.5 * before
    others = [i for i in range(42) if i != book]
    assert np.array_equal(found.means[others], engine.means[others])
    assert (np.delete(found.weights, state, axis=2) == np.delete(engine.weights, state, axis=2)).all()
    assert (found.weights[range(3), weighed, state] <= engine.weights[range(3), weighed, state]).all()
    assert (found.variances > 0).all()


def test_differences_are_sphinxs() -> None:
    ramp = np.tile(np.arange(10, dtype=np.float32)[:, None], (1, 13))
    vectors = with_differences(ramp)
    assert vectors.shape == (10, 3, 13)
    assert vectors[:, 0].mean() == pytest.approx(0, abs=1e-5)
    assert (vectors[4:6, 1] == 4).all()  # over four frames
    assert (vectors[4:6, 2] == 0).all()


@pytest.mark.weights
def test_recordings_become_frames_with_states() -> None:
    from modalities.voice.espeak import ESpeak

    sound = resample(ESpeak("en-us").speak("Yes, my order."), 16_000)
    aligner, books = Aligner(["yes my order", "no"]), codebooks()
    rng = np.random.default_rng(1)
    ways = [lambda a: a, over_telephone, lambda a: in_noise(a, {}, rng)]
    frames = collect([Said(sound, "yes my order"), Said(Audio(np.zeros(800, np.float32), 16_000), "no")], aligner, ways)
    assert len(frames.states) == len(frames.vectors) == pytest.approx(3 * 100 * sound.seconds, abs=15)
    phones = len(set(books[frames.states].tolist()))
    assert 8 <= phones <= 11  # Y EH S M AY AO R D ER and silence
    assert np.isfinite(frames.vectors).all()


@pytest.mark.weights
def test_speakers_are_left_out(tmp_path: Path) -> None:
    from modalities.audio import save
    from training.acoustic import read_an4

    folder = tmp_path / "speech" / "an4"
    save(Audio(np.zeros(1_000, np.float32), 16_000), folder / "a.wav")
    rows = "".join(f"a.wav\ts{i}\t0.1\tYES\n" for i in range(6))
    (folder / "manifest.tsv").write_text("path\tspeaker\tseconds\ttext\n" + rows)
    assert len(read_an4(tmp_path, 2, 7)) == 4
    assert read_an4(tmp_path, 0, 7)[0].text == "yes"
