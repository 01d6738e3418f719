"""Recordings in and out: files, telephone codecs, sampling rates. numpy, soundfile (libsndfile) and soxr; no models.

Reads WAV (PCM, float, mu-law, A-law), FLAC, OGG, MP3, AIFF and whatever else libsndfile knows, and what
`modalities.containers` does (M4A, WebM, AMR), by content and not by the file's name; only sound without any header is
known by its name (`HEADERLESS`). Samples come out as float32 within -1..1; values that are no numbers become silence.
"""

from __future__ import annotations

import io
import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from modalities.containers import CONTENT, Contained
from modalities.errors import InputError
from modalities.types import Audio, FloatArray, Source

if TYPE_CHECKING:
    import soundfile

MAX_SECONDS = 3600.0
"""`load` refuses longer recordings: one hour at 16 kHz is 230 MB of samples."""
MAX_VALUES = 3600 * 48_000  # frames x channels held in memory by `load_channels`: 690 MB
MAX_CHANNELS = 32
PHONE_RATE = 8_000
READ_FRAMES = 1 << 18  # frames read at a time: 16 s at 16 kHz

REMEDY = "convert it to WAV, FLAC, OGG, MP3 or M4A"
KNOWN_CONTENT = {  # (offset, first bytes) of files people send as recordings by mistake
    (0, b"\xff\xd8\xff"): "a JPEG picture",
    (0, b"\x89PNG"): "a PNG picture",
    (0, b"%PDF"): "a PDF document",
    (0, b"PK\x03\x04"): "a ZIP archive",
}
HEADERLESS = {  # endings of telephone sound that has no header: 8 kHz, one byte a sample
    **dict.fromkeys((".ul", ".ulaw", ".mulaw", ".mu", ".pcmu"), "ULAW"),
    **dict.fromkeys((".al", ".alaw", ".pcma"), "ALAW"),
}

log = logging.getLogger(__name__)


def load(source: Source, *, channel: int | None = None) -> Audio:
    """Read one recording of at most an hour.

    Args:
        source: a path, the file's bytes, or an open binary file.
        channel: which channel to take, from 0; None averages them all.

    Raises:
        InputError: missing, empty, damaged, over an hour, not sound, or without that channel.
    """
    name = describe(source)
    parts, rate = _read(source, lambda part: _mix(part, channel, name))
    return Audio(_clean(np.concatenate(parts)), rate)


def load_channels(source: Source) -> tuple[Audio, ...]:
    """Read every channel of a recording on its own (a call recorded with the customer left, the agent right).

    Raises:
        InputError: as for `load`.
    """
    parts, rate = _read(source, lambda part: part)
    return tuple(Audio(np.ascontiguousarray(column), rate) for column in _clean(np.concatenate(parts)).T)


def blocks(source: Source, seconds: float = 60.0, *, channel: int | None = None) -> Iterator[Audio]:
    """Read a recording of any length, `seconds` at a time, in memory that does not grow with it.

    Raises:
        InputError: as for `load`, save for the length; from a damaged file, after the blocks that could be read.
    """
    if not seconds > 0:
        raise InputError(f"seconds must be above 0, got {seconds!r}")
    name = describe(source)
    with _open(source) as file:
        frames, any_sound = max(1, round(seconds * file.samplerate)), False
        while len(samples := _read_frames(file, frames, name)):
            any_sound = True
            yield Audio(_mix(_clean(samples), channel, name), file.samplerate)
    if not any_sound:
        raise InputError(f"{name} holds no sound (0 samples); record or send it again")


def channel_blocks(source: Source, seconds: float = 60.0) -> Iterator[tuple[Audio, ...]]:
    """Every channel of a recording of any length, `seconds` at a time, as `blocks` reads one.

    Raises:
        InputError: as for `blocks`.
    """
    name, any_sound = describe(source), False
    with _open(source) as file:
        while len(samples := _read_frames(file, max(1, round(seconds * file.samplerate)), name)):
            any_sound = True
            yield tuple(Audio(np.ascontiguousarray(column), file.samplerate) for column in _clean(samples).T)
    if not any_sound:
        raise InputError(f"{name} holds no sound (0 samples); record or send it again")


def save(audio: Audio | Sequence[Audio], path: str | os.PathLike[str]) -> Path:
    """Write a recording; several `Audio`s become its channels, the shorter ones ended with silence.

    The kind of file follows the name (.wav, .flac, .ogg, .mp3). The file appears whole or not at all.

    Raises:
        InputError: an unknown ending, differing rates, or nothing to write.
    """
    import soundfile

    target, channels = Path(path), [audio] if isinstance(audio, Audio) else list(audio)
    if not channels or len({c.rate for c in channels}) != 1:
        raise InputError(f"channels must be one or more of the same rate, got {[c.rate for c in channels]!r}")
    samples = np.zeros((max(len(c.samples) for c in channels), len(channels)), dtype=np.float32)
    for column, one in enumerate(channels):
        samples[: len(one.samples), column] = np.clip(one.samples, -1.0, 1.0)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=target.parent, suffix=target.suffix)
    os.close(handle)
    try:
        soundfile.write(temporary, samples, channels[0].rate)
        os.chmod(temporary, 0o644)
        os.replace(temporary, target)
    except (soundfile.SoundFileError, TypeError, ValueError) as error:
        raise InputError(f"cannot write {str(target)!r} ({error}); name it .wav, .flac, .ogg or .mp3") from error
    finally:
        Path(temporary).unlink(missing_ok=True)
    return target


def resample(audio: Audio, rate: int) -> Audio:
    """The same sound at another rate (soxr, high quality)."""
    if audio.rate == rate:
        return audio
    import soxr

    samples: FloatArray = soxr.resample(audio.samples, audio.rate, rate).astype(np.float32)
    return Audio(samples, rate)


def level(audio: Audio) -> float:
    """Loudest 30 ms as decibels under full scale; -120 for digital silence."""
    frame = max(1, round(audio.rate * 0.03))
    padded = np.pad(audio.samples, (0, -len(audio.samples) % frame))
    power = np.square(padded.reshape(-1, frame), dtype=np.float64).mean(axis=1)
    return float(10 * np.log10(max(power.max(initial=0.0), 1e-12)))


# -- codecs ------------------------------------------------------------------------------------------------------


def encode_pcm16(audio: Audio) -> bytes:
    """Signed 16-bit little-endian samples, at the audio's own rate; what is over full scale is clipped."""
    return _to_int16(audio.samples).astype("<i2").tobytes()


def decode_pcm16(data: bytes, rate: int) -> Audio:
    """Sound from signed 16-bit little-endian samples.

    Raises:
        InputError: an odd number of bytes.
    """
    if len(data) % 2:
        raise InputError(f"16-bit samples need an even number of bytes, got {len(data)}")
    return Audio(np.frombuffer(data, dtype="<i2").astype(np.float32) / np.float32(32768), rate)


def encode_mulaw(audio: Audio) -> bytes:
    """G.711 mu-law, one byte a sample at the audio's own rate (`resample` to 8000 first for a telephone)."""
    return _mulaw_encoder()[_to_int16(audio.samples).view(np.uint16)].tobytes()


def decode_mulaw(data: bytes, rate: int = PHONE_RATE) -> Audio:
    """Sound from G.711 mu-law bytes."""
    return Audio(_mulaw_decoder()[np.frombuffer(data, dtype=np.uint8)], rate)


def encode_alaw(audio: Audio) -> bytes:
    """G.711 A-law, one byte a sample at the audio's own rate."""
    return _alaw_encoder()[_to_int16(audio.samples).view(np.uint16)].tobytes()


def decode_alaw(data: bytes, rate: int = PHONE_RATE) -> Audio:
    """Sound from G.711 A-law bytes."""
    return Audio(_alaw_decoder()[np.frombuffer(data, dtype=np.uint8)], rate)


@cache
def _mulaw_decoder() -> FloatArray:
    """All 256 codes of ITU-T G.711, table 2a: sign, 3-bit segment, 4-bit step, all inverted on the line."""
    code = ~np.arange(256, dtype=np.uint8)
    segment, step = (code >> 4) & 7, code & 15
    magnitude = (((step.astype(np.int32) << 3) + 132) << segment) - 132
    return (np.where(code & 128, -magnitude, magnitude) / 32768).astype(np.float32)


@cache
def _alaw_decoder() -> FloatArray:
    """All 256 codes of ITU-T G.711, table 1a: even bits inverted on the line, sign bit set for positive."""
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    segment, step = ((code >> 4) & 7).astype(np.int32), (code & 15).astype(np.int32)
    linear = (step << 4) + 8
    magnitude = np.where(segment == 0, linear, (linear + 256) << np.maximum(segment - 1, 0))
    return (np.where(code & 128, magnitude, -magnitude) / 32768).astype(np.float32)


@cache
def _mulaw_encoder() -> npt.NDArray[np.uint8]:
    return _nearest_code(_mulaw_decoder())


@cache
def _alaw_encoder() -> npt.NDArray[np.uint8]:
    return _nearest_code(_alaw_decoder())


def _nearest_code(decoder: FloatArray) -> npt.NDArray[np.uint8]:
    """For each 16-bit sample (read as unsigned) the code whose decoded value is nearest."""
    order = np.argsort(decoder, kind="stable")
    values = decoder[order].astype(np.float64) * 32768
    samples = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.float64)
    return order[np.searchsorted((values[1:] + values[:-1]) / 2, samples)].astype(np.uint8)


def _to_int16(samples: FloatArray) -> npt.NDArray[np.int16]:
    scaled = np.rint(np.nan_to_num(samples).astype(np.float64) * 32768)
    return np.asarray(np.clip(scaled, -32768, 32767), dtype=np.int16)


# -- reading -----------------------------------------------------------------------------------------------------


def describe(source: Source) -> str:
    """How errors name a source: its path, or how many bytes it holds."""
    if isinstance(source, bytes):
        return f"<{len(source)} bytes>"
    if isinstance(source, (str, os.PathLike)):
        return repr(os.fspath(source))
    return repr(getattr(source, "name", "<open file>"))


@contextmanager
def _open(source: Source) -> Iterator[soundfile.SoundFile | Contained]:
    name = describe(source)
    with _stream(source, name) as stream:
        head = stream.read(16)
        if not head:
            raise InputError(f"{name} is empty (0 bytes); record or send it again")
        for (offset, magic), kind in KNOWN_CONTENT.items():
            if head[offset : offset + len(magic)] == magic:
                raise InputError(f"{name} holds {kind}, which cannot be read as sound here; {REMEDY}")
        stream.seek(0)
        contained = [kind for (offset, magic), kind in CONTENT.items() if head[offset : offset + len(magic)] == magic]
        with (
            Contained(stream, name, contained[0])
            if contained
            else _sound_file(stream, name, _headerless(source)) as file
        ):
            if file.channels > MAX_CHANNELS:
                raise InputError(f"{name} has {file.channels} channels; at most {MAX_CHANNELS} are read")
            yield file


def _headerless(source: Source) -> str:
    """The code of telephone sound without a header, by the file's ending; empty for any other."""
    return HEADERLESS.get(Path(source).suffix.lower(), "") if isinstance(source, (str, os.PathLike)) else ""


def _sound_file(stream: Any, name: str, headerless: str) -> soundfile.SoundFile:
    import soundfile

    try:
        return soundfile.SoundFile(_Nameless(stream))
    except (soundfile.SoundFileError, TypeError, RuntimeError) as error:
        if headerless:
            stream.seek(0)
            return soundfile.SoundFile(
                _Nameless(stream), format="RAW", subtype=headerless, samplerate=PHONE_RATE, channels=1
            )
        raise InputError(
            f"{name} is not sound in a known format, or its beginning is damaged; {REMEDY} "
            "(headerless telephone sound: name it .ulaw or .alaw, or use decode_mulaw, decode_alaw or decode_pcm16)"
        ) from error


@contextmanager
def _stream(source: Source, name: str) -> Iterator[Any]:
    """A seekable binary stream over any kind of source, closed afterwards only if it was opened here."""
    if isinstance(source, bytes):
        yield io.BytesIO(source)
    elif isinstance(source, (str, os.PathLike)):
        try:
            file = open(source, "rb")  # noqa: SIM115 - closed below, opened apart so that only opening is guarded
        except OSError as error:
            raise InputError(f"cannot open {name}: {error.strerror or error}; check the path") from error
        with file:
            yield file
    else:
        seekable = hasattr(source, "seekable") and source.seekable()
        yield source if seekable else io.BytesIO(source.read())


class _Nameless:
    """A stream without its name, which soundfile would otherwise trust over the content."""

    def __init__(self, stream: Any) -> None:
        self.read, self.readinto = stream.read, getattr(stream, "readinto", None)
        self.seek, self.tell, self.write = stream.seek, stream.tell, None


def _read(source: Source, keep: Callable[[FloatArray], FloatArray]) -> tuple[list[FloatArray], int]:
    """What `keep` makes of each stretch of a recording of at most an hour, and the rate."""
    name, parts, frames = describe(source), [], 0
    with _open(source) as file:
        rate = int(file.samplerate)
        longest = min(MAX_SECONDS * rate, MAX_VALUES / file.channels)
        while frames <= longest and len(part := _read_frames(file, READ_FRAMES, name)):
            frames += len(part)
            parts.append(keep(part))
    if frames > longest:
        raise InputError(
            f"{name} is longer than the {longest / rate / 3600:.3g} h that are read at once; read it piece by piece "
            "with modalities.audio.blocks, or run demos.batch on it"
        )
    if not parts:
        raise InputError(f"{name} holds no sound (0 samples); record or send it again")
    return parts, rate


def _read_frames(file: soundfile.SoundFile | Contained, frames: int, name: str) -> FloatArray:
    if isinstance(file, Contained):
        return file.read(frames)
    import soundfile

    try:
        samples: FloatArray = file.read(frames, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError) as error:
        at = file.tell() / file.samplerate
        raise InputError(f"{name} is damaged or cut off about {at:.1f} s in; send it again") from error
    return samples


def _clean(samples: FloatArray) -> FloatArray:
    """Values that are no numbers become silence; float recordings above full scale are brought down to it."""
    if not (good := np.isfinite(samples)).all():
        log.warning("%d of %d samples are no numbers and were silenced", int((~good).sum()), samples.size)
        samples = np.where(good, samples, np.float32(0))
    peak = float(np.abs(samples).max(initial=0.0))
    return samples / np.float32(peak) if peak > 1.0 else samples


def _mix(samples: FloatArray, channel: int | None, name: str) -> FloatArray:
    if channel is None:
        return samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1, dtype=np.float32)
    if not 0 <= channel < samples.shape[1]:
        raise InputError(f"{name} has no channel {channel!r}; it has {samples.shape[1]}, counted from 0")
    return np.ascontiguousarray(samples[:, channel])
