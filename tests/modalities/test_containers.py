import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modalities import audio as sound
from modalities.errors import InputError
from modalities.types import Audio

RATE = 16_000


def contained(kind: str, codec: str, seconds: float = 2.0, rate: int = RATE, channels: int = 1) -> bytes:
    """A tone in a container, made by PyAV."""
    import av

    layout = "mono" if channels == 1 else "stereo"
    data = io.BytesIO()
    with av.open(data, "w", format=kind) as container:
        stream: Any = container.add_stream(codec, rate=rate)
        stream.layout = layout
        wave = 0.3 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)
        levels = np.array([[1.0], [0.5]])[:channels]
        frame = av.AudioFrame.from_ndarray((levels * wave).astype(np.float32), format="fltp", layout=layout)
        frame.sample_rate = rate
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return data.getvalue()


@pytest.mark.parametrize(
    ("kind", "codec", "rate"), [("ipod", "aac", 44_100), ("mp4", "aac", RATE), ("webm", "libopus", 48_000)]
)
def test_sound_in_containers_is_read(kind: str, codec: str, rate: int) -> None:
    read = sound.load(contained(kind, codec, rate=rate))
    assert read.rate == rate
    assert read.seconds == pytest.approx(2.0, abs=0.15)
    middle = read.samples[rate // 2 : rate]
    assert np.abs(middle).max() == pytest.approx(0.3, abs=0.06)
    assert np.abs(np.fft.rfft(middle)).argmax() * rate / len(middle) == pytest.approx(440, abs=5)


def test_channels_keep_apart_block_by_block(tmp_path: Path) -> None:
    path = tmp_path / "wrongly named.wav"
    path.write_bytes(contained("ipod", "aac", channels=2))
    blocks = list(sound.channel_blocks(path, 0.5))
    assert all(len(block) == 2 for block in blocks)
    assert [round(block[0].seconds, 3) for block in blocks[:4]] == [0.5] * 4
    left, right = (np.abs(channel.samples).max() for channel in blocks[1])
    assert left == pytest.approx(2 * right, rel=0.2)


def test_damage_and_what_is_no_sound_are_told() -> None:
    with pytest.raises(InputError, match="damaged or cut off at its beginning"):
        sound.load(contained("ipod", "aac")[:3_000])
    with pytest.raises(InputError, match="is a video; save its sound"):
        sound.load(video())


def video() -> bytes:
    import av

    data = io.BytesIO()
    with av.open(data, "w", format="mp4") as container:
        stream: Any = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return data.getvalue()


@pytest.mark.parametrize(("ending", "encode"), [(".ulaw", sound.encode_mulaw), (".alaw", sound.encode_alaw)])
def test_telephone_sound_without_a_header_goes_by_its_ending(tmp_path: Path, ending: str, encode: Any) -> None:
    tone = Audio((0.3 * np.sin(np.arange(8_000) / 5)).astype(np.float32), 8_000)
    path = tmp_path / f"call{ending}"
    path.write_bytes(encode(tone))
    read = sound.load(path)
    assert read.rate == 8_000
    assert np.abs(read.samples - tone.samples).max() < 0.02
    (tmp_path / "call.wav").write_bytes(encode(tone))
    with pytest.raises(InputError, match="not sound in a known format"):
        sound.load(tmp_path / "call.wav")
