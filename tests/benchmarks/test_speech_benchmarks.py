"""The benchmarks of hearing measure what they say: ends of speech, cut turns, noise levels, digits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.digits import DIGITS, expected, strings
from benchmarks.endpoint import BEFORE, Played, measure, room, stretches
from benchmarks.speech import with_noise
from modalities import segmenter
from modalities.audio import save
from modalities.speech.live import Listener, TurnTiming
from modalities.types import Audio, FloatArray

RATE = 16_000


def spoken(*seconds: float, rate: int = RATE) -> np.ndarray:
    """Faint hiss and loud noise in turn, beginning with hiss."""
    rng = np.random.default_rng(3)
    parts = [rng.normal(size=round(s * rate)) * (0.2 if i % 2 else 0.001) for i, s in enumerate(seconds)]
    return np.concatenate(parts).astype(np.float32)


def test_the_end_of_speech_is_read_off_the_energy() -> None:
    found = stretches(spoken(0.3, 0.5, 0.2, 0.4, 0.3))
    assert found[0] == pytest.approx((0.3, 0.8), abs=0.02)
    assert found[-1] == pytest.approx((1.0, 1.4), abs=0.02)
    assert len(stretches(spoken(0.3, 0.5, 0.3, 0.005, 0.3))) == 1  # nor is a click


def test_room_noise_is_as_loud_as_the_recordings_quiet() -> None:
    noise = room(spoken(0.5, 0.5, 0.5), 2.0, np.random.default_rng(1))
    assert len(noise) == 2 * RATE
    assert float(noise.std()) == pytest.approx(0.001, rel=0.3)


class LoudIsSpeech:
    """In the place of Silero VAD."""

    def reset(self) -> None:
        pass

    def probabilities(self, frames: FloatArray) -> FloatArray:
        loud: FloatArray = (np.abs(frames).max(axis=1, initial=0.0) > 0.1).astype(np.float32)
        return loud


def test_turns_cut_short_are_counted(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(segmenter, "SpeechModel", LoudIsSpeech)
    listener = Listener(RATE, timing=TurnTiming(looks=(), longest_pause=0.4))
    turns = [
        Played("whole", Audio(spoken(BEFORE, 1.0, 1.0), RATE), 1.5),
        Played("paused", Audio(spoken(BEFORE, 1.0, 0.6, 1.0, 1.0), RATE), 3.1),
        Played("silent", Audio(spoken(2.0), RATE), 1.0),
    ]
    measure("line", turns, listener)
    out = capsys.readouterr().out
    assert "3 turns, cut short 1 (33.3%), never heard 1" in out
    assert "1 turns came in several pieces" in out
    median = float(out.split("median ")[1].split(" ms")[0])
    assert 390 <= median <= 460


def test_noise_is_as_far_below_the_speech_as_said() -> None:
    quiet, rng = Audio(spoken(0.5, 0.5), RATE), np.random.default_rng(5)
    hiss = rng.normal(size=3 * RATE).astype(np.float32)
    added = with_noise(quiet, [hiss], 10, rng).samples - quiet.samples
    speech = float(np.square(quiet.samples[RATE // 2 :]).mean())
    assert 10 * np.log10(speech / float(np.square(added).mean())) == pytest.approx(10, abs=0.5)


def test_digit_strings_are_put_together_from_one_speaker(tmp_path: Path) -> None:
    folder = tmp_path / "speech" / "spoken_digits"
    for speaker, level in (("ann", 0.2), ("bob", 0.6)):
        for digit in range(10):
            save(Audio(np.full(2_000, level, dtype=np.float32), 8_000), folder / f"{digit}_{speaker}_0.flac")
    said = list(strings(tmp_path, 3, 7))
    assert [one.speaker for one in said] == ["ann"] * 3 + ["bob"] * 3
    for one, level in zip(said, [0.2] * 3 + [0.6] * 3, strict=True):
        assert len(one.text.split()) == 6
        assert set(one.text.split()) <= set(DIGITS)
        loud = (np.abs(one.audio.samples - level) < 0.05).sum()
        assert loud == pytest.approx(6 * 2_000, abs=100)


def test_the_language_model_of_digits_knows_no_length() -> None:
    assert {len(line.split()) for line in expected(7)} == set(range(2, 11))
