"""Prosody: voices of known pitch, pace and loudness made here, clean and over a simulated line."""

from __future__ import annotations

import numpy as np
import pytest

from modalities.audio import decode_mulaw, encode_mulaw, resample
from modalities.prosody import MOST, NAMES, Prosody, arousal, manner_of
from modalities.types import Audio

RATE = 16_000


def voice(pitch: float = 120.0, syllables: float = 4.0, seconds: float = 2.0, glide: float = 0.0) -> Audio:
    """A buzz with the harmonics of a voice, swelling `syllables` times a second, rising by `glide` semitones."""
    t = np.arange(int(seconds * RATE)) / RATE
    hertz = pitch * 2 ** (glide / 12 * t / seconds)
    phase = 2 * np.pi * np.cumsum(hertz) / RATE
    buzz = sum(np.sin(k * phase) / k for k in range(1, int(3_000 / pitch)))
    swell = 0.02 + np.square(np.sin(np.pi * syllables * t))
    return Audio((0.15 * buzz * swell).astype(np.float32), RATE)


def column(audio: Audio, name: str) -> np.ndarray:
    return Prosody().encode(audio).vectors[:, NAMES.index(name)]


@pytest.mark.parametrize("hertz", [75.0, 120.0, 210.0, 380.0])
def test_pitch_is_found(hertz: float) -> None:
    manner = manner_of(voice(hertz))
    assert manner is not None
    assert manner.pitch == pytest.approx(12 * np.log2(hertz / 100), abs=0.3)


@pytest.mark.parametrize("pace", [2.0, 4.0, 6.0])
def test_pace_is_syllables_a_second(pace: float) -> None:
    spoken = voice(syllables=pace, seconds=3.0)
    manner = manner_of(spoken)
    assert manner is not None
    assert manner.pace * (1 - manner.pauses) == pytest.approx(pace, rel=0.15)


def test_ten_vectors_a_second_of_one_width() -> None:
    encoding = Prosody().encode(voice(seconds=2.0))
    assert encoding.kind == "speech"
    assert encoding.vectors.shape == (20, Prosody.width) == (20, len(NAMES))
    assert encoding.vectors.dtype == np.float32
    assert np.isfinite(encoding.vectors).all()


def test_long_speech_is_pooled() -> None:
    assert len(Prosody().encode(voice(seconds=20.0))) == MOST


@pytest.mark.parametrize("seconds", [0.05, 0.1, 0.3])
def test_a_syllable_is_enough(seconds: float) -> None:
    encoding = Prosody().encode(voice(syllables=0.5 / seconds, seconds=seconds))
    assert 1 <= len(encoding) <= 3
    assert np.isfinite(encoding.vectors).all()


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros(RATE), np.full(100, 0.5)])
def test_no_voice_no_vectors(samples: np.ndarray) -> None:
    audio = Audio(samples.astype(np.float32), RATE)
    assert Prosody().encode(audio).vectors.shape == (0, Prosody.width)
    assert manner_of(audio) is None


def test_a_rising_voice_rises() -> None:
    assert np.polyfit(np.arange(20), column(voice(glide=8.0), "pitch"), 1)[0] > 0.01
    assert np.polyfit(np.arange(20), column(voice(glide=-8.0), "pitch"), 1)[0] < -0.01


def test_speaker_and_gain_matter_little() -> None:
    low, high = voice(110.0, glide=3.0), voice(220.0, glide=3.0)
    pitch = column(low, "pitch")
    assert column(high, "pitch") == pytest.approx(pitch, abs=0.08)
    quiet = Audio(low.samples * np.float32(0.1), RATE)
    assert Prosody().encode(quiet).vectors == pytest.approx(Prosody().encode(low).vectors, abs=0.01)


def test_a_telephone_line_matters_little() -> None:
    clean = voice(140.0, glide=4.0)
    line = decode_mulaw(encode_mulaw(resample(clean, 8_000)))
    assert np.abs(Prosody().encode(clean).vectors - Prosody().encode(line).vectors).mean() < 0.02


def test_a_pause_is_seen() -> None:
    spoken = voice(seconds=1.0).samples
    audio = Audio(np.concatenate([spoken, np.zeros(RATE, np.float32), spoken]), RATE)
    pause = column(audio, "pause")
    assert pause[12:18].min() > 0.9
    assert pause[:8].mean() < 0.5
    manner = manner_of(audio)
    assert manner is not None
    assert 0.3 < manner.pauses < 0.6


def test_a_raised_voice_is_more_aroused_than_its_own_calm() -> None:
    calm = [manner_of(voice(120.0, syllables=3.0, glide=g)) for g in (-2.0, -3.0, -2.5)]
    usual = [manner for manner in calm if manner is not None]
    loud = voice(170.0, syllables=6.0, glide=9.0)
    raised = manner_of(Audio(np.clip(loud.samples * np.float32(2.5), -1, 1), RATE))
    again = manner_of(voice(121.0, syllables=3.0, glide=-2.2))
    assert raised is not None
    assert again is not None
    assert arousal(raised, usual) > 0.6
    assert arousal(again, usual) < 0.3


def test_nothing_is_said_of_a_voice_heard_for_the_first_time() -> None:
    manner = manner_of(voice())
    assert manner is not None
    assert arousal(manner, []) == 0.0
