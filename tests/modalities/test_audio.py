import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from modalities import audio as sound
from modalities.errors import InputError
from modalities.types import Audio

RATE = 16_000


def tone(seconds: float = 0.5, rate: int = RATE, hertz: float = 440.0) -> Audio:
    return Audio((0.4 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32), rate)


def as_file(samples: np.ndarray, rate: int = RATE, kind: str = "WAV", subtype: str | None = None) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=kind, subtype=subtype)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("kind", "subtype", "tolerance"),
    [
        ("WAV", "PCM_16", 1e-4), ("WAV", "PCM_24", 1e-4), ("WAV", "PCM_U8", 1e-2), ("WAV", "FLOAT", 1e-6),
        ("WAV", "ULAW", 0.02), ("WAV", "ALAW", 0.02), ("FLAC", None, 1e-4), ("AIFF", None, 1e-4), ("OGG", None, 0.1),
        ("MP3", None, 0.1),
    ],
)  # fmt: skip
def test_formats_are_read_by_content(kind: str, subtype: str | None, tolerance: float, tmp_path: Path) -> None:
    original = tone()
    mislabelled = tmp_path / "call.raw"
    mislabelled.write_bytes(as_file(original.samples, kind=kind, subtype=subtype))
    with mislabelled.open("rb") as file:
        reads = [sound.load(source) for source in (mislabelled, str(mislabelled), mislabelled.read_bytes(), file)]
        assert not file.closed
    for read in reads:
        assert read.rate == RATE
        assert len(read.samples) == len(original.samples)
        middle = slice(2000, 6000)
        assert np.abs(read.samples[middle] - original.samples[middle]).max() < tolerance


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_100, 48_000, 96_000])
def test_any_rate_resamples_to_the_same_sound(rate: int) -> None:
    read = sound.resample(sound.load(as_file(tone(1.0, rate).samples, rate)), RATE)
    assert read.rate == RATE
    assert abs(len(read.samples) - RATE) <= 1
    spectrum = np.abs(np.fft.rfft(read.samples))
    assert abs(int(spectrum.argmax()) * read.rate / len(read.samples) - 440) < 2


def test_channels_average_or_stand_alone() -> None:
    left, right = tone(hertz=300), tone(hertz=900)
    data = as_file(np.stack([left.samples, right.samples], axis=1))
    assert np.allclose(sound.load(data).samples, (left.samples + right.samples) / 2, atol=1e-3)
    assert np.allclose(sound.load(data, channel=1).samples, right.samples, atol=1e-3)
    assert [len(c.samples) for c in sound.load_channels(data)] == [len(left.samples)] * 2
    with pytest.raises(InputError, match="no channel 2; it has 2"):
        sound.load(data, channel=2)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (as_file(np.zeros(0, dtype=np.float32)), "no sound"),
        (b"RIFF", "known format"),
        (as_file(tone().samples)[:30], "known format"),
        (np.random.default_rng(1).bytes(4000), "decode_mulaw"),
        (b"\0" * 4000, "known format"),
        (as_file(tone(2).samples, kind="FLAC")[:9000], "damaged or cut off"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 400, "JPEG picture"),
        (b"\0\0\0\x20ftypM4A " + b"\0" * 400, "M4A"),
        (b"\x1aE\xdf\xa3" + b"\0" * 400, "WebM"),
        (b"%PDF-1.7 " + b"\0" * 400, "PDF"),
    ],
)
def test_bad_recordings_are_named(data: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        sound.load(data)
    path = tmp_path / "call.wav"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"call\.wav"):
        list(sound.blocks(path))


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    for path in (tmp_path / "nothing.wav", tmp_path):
        with pytest.raises(InputError, match="check the path"):
            sound.load(path)


def test_cut_off_wav_gives_what_is_there() -> None:
    whole = as_file(tone(1.0).samples)
    read = sound.load(whole[: len(whole) // 2])
    assert 0.45 < read.seconds < 0.51


def test_hours_are_refused_at_once_and_streamed_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound, "MAX_SECONDS", 20.0)
    monkeypatch.setattr(sound, "READ_FRAMES", 4_000)
    path = sound.save(Audio(np.linspace(-1, 1, 25 * 1_000, dtype=np.float32), 1_000), tmp_path / "long.wav")
    with pytest.raises(InputError, match=r"blocks.*demos\.batch"):
        sound.load(path)
    parts = list(sound.blocks(path, 10))
    assert [part.seconds for part in parts] == [10, 10, 5]
    assert np.allclose(np.concatenate([p.samples for p in parts]), np.linspace(-1, 1, 25_000), atol=1e-4)


def test_values_that_are_no_numbers_become_silence_and_overload_is_scaled() -> None:
    samples = tone().samples.copy()
    samples[100:200], samples[300] = np.nan, np.inf
    read = sound.load(as_file(samples, subtype="FLOAT"))
    assert np.isfinite(read.samples).all()
    assert not read.samples[100:200].any()
    loud = sound.load(as_file(tone().samples * 20_000, subtype="FLOAT"))
    assert np.abs(loud.samples).max() == pytest.approx(1.0)


def test_one_sample_is_a_recording() -> None:
    assert sound.load(as_file(np.array([0.5], dtype=np.float32))).samples == pytest.approx([0.5], abs=1e-3)


@pytest.mark.parametrize(
    ("subtype", "encode", "decode"),
    [("ULAW", sound.encode_mulaw, sound.decode_mulaw), ("ALAW", sound.encode_alaw, sound.decode_alaw)],
)
def test_g711_agrees_with_libsndfile(subtype: str, encode: object, decode: object) -> None:
    assert callable(encode)
    assert callable(decode)
    codes = bytes(range(256))
    raw = {"format": "RAW", "subtype": subtype, "samplerate": 8_000, "channels": 1, "dtype": "float32"}
    expected, _ = soundfile.read(io.BytesIO(codes), **raw)
    decoded = decode(codes)
    assert decoded.rate == 8_000
    assert np.array_equal(decoded.samples, expected)
    assert np.array_equal(decode(encode(decoded)).samples, decoded.samples)
    ramp = Audio(np.linspace(-1, 1, 5_000, dtype=np.float32), 8_000)
    assert np.abs(decode(encode(ramp)).samples - ramp.samples).max() < 0.025


def test_pcm16_round_trip_clips_and_refuses_half_samples() -> None:
    audio = Audio(np.array([-2, -1, -0.5, 0, 0.5, 2], dtype=np.float32), RATE)
    decoded = sound.decode_pcm16(sound.encode_pcm16(audio), RATE)
    assert np.allclose(decoded.samples, [-1, -1, -0.5, 0, 0.5, 1], atol=1e-4)
    with pytest.raises(InputError, match="even number of bytes, got 3"):
        sound.decode_pcm16(b"abc", RATE)


def test_save_writes_channels_whole_or_not_at_all(tmp_path: Path) -> None:
    path = sound.save([tone(1.0), tone(0.5)], tmp_path / "deep" / "call.flac")
    left, right = sound.load_channels(path)
    assert left.seconds == right.seconds == 1.0
    assert not right.samples[RATE * 3 // 4 :].any()
    with pytest.raises(InputError, match=r"name it \.wav"):
        sound.save(tone(), tmp_path / "call.unknown")
    with pytest.raises(InputError, match="same rate"):
        sound.save([tone(), tone(rate=8_000)], tmp_path / "call.wav")
    assert [p.name for p in tmp_path.iterdir()] == ["deep"]


@pytest.mark.parametrize(("scale", "expected"), [(0.0, -120.0), (1.0, -3.0), (0.1, -23.0)])
def test_level_is_of_the_loudest_moment(scale: float, expected: float) -> None:
    quiet_then_tone = np.concatenate([np.zeros(RATE), np.sin(np.arange(RATE) / 5) * scale]).astype(np.float32)
    assert sound.level(Audio(quiet_then_tone, RATE)) == pytest.approx(expected, abs=0.3)
