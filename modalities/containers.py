"""Sound in files that libsndfile does not know: M4A and other MP4 (AAC), WebM and Matroska (Opus), AMR. By PyAV, which
brings FFmpeg's libraries in its wheel; no program is started.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from modalities.errors import InputError, MissingPartError
from modalities.types import FloatArray

CONTENT = {  # (offset, first bytes)
    (4, b"ftyp"): "MP4/M4A",
    (0, b"\x1aE\xdf\xa3"): "WebM/Matroska",
    (0, b"#!AMR"): "AMR",
}


class Contained:
    """The sound of one container, read from front to back as `soundfile.SoundFile` reads.

    Attributes:
        samplerate: samples per second.
        channels: how many.

    Raises:
        InputError: no sound in it, a video, encrypted, or damaged.
        MissingPartError: PyAV is not installed.
    """

    def __init__(self, stream: Any, name: str, kind: str) -> None:
        try:
            import av
        except ImportError as error:
            raise MissingPartError(f"{name} holds {kind}, which needs the package av; pip install av") from error
        av.logging.set_level(av.logging.PANIC)
        self._name, self._errors = name, (av.FFmpegError, OSError, ValueError, EOFError)
        try:
            self._container = av.open(stream)
        except self._errors as error:
            raise InputError(
                f"{name} holds {kind}, and is damaged or cut off at its beginning; send it again"
            ) from error
        self._frames = self._decoded(self._sound(kind))
        self._held: list[FloatArray] = []
        self._at = 0

    def __enter__(self) -> Contained:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def read(self, frames: int) -> FloatArray:
        """The next samples, shape (at most `frames`, channels), float32; none at the end.

        Raises:
            InputError: damaged from here on.
        """
        held = sum(map(len, self._held))
        while held < frames and (part := next(self._frames, None)) is not None:
            self._held.append(part)
            held += len(part)
        if not held:
            return np.zeros((0, self.channels), np.float32)
        samples = np.concatenate(self._held)
        self._held = [samples[frames:]] if len(samples) > frames else []
        self._at += min(frames, len(samples))
        return samples[:frames]

    def tell(self) -> int:
        """How many samples of each channel were read."""
        return self._at

    def _sound(self, kind: str) -> Any:
        from av.stream import Disposition

        films = [s for s in self._container.streams.video if not s.disposition & Disposition.attached_pic]
        if films:
            raise InputError(f"{self._name} is a video; save its sound as WAV, FLAC, OGG, MP3 or M4A")
        if not self._container.streams.audio:
            raise InputError(f"{self._name} holds {kind} without any sound; send the recording itself")
        sound = self._container.streams.audio[0]
        if sound.codec_context is None or not sound.codec_context.sample_rate:
            raise InputError(f"{self._name} holds {kind} that is encrypted or of an unknown codec; save it as FLAC")
        self.samplerate = int(sound.codec_context.sample_rate)
        self.channels = int(sound.codec_context.layout.nb_channels)
        return sound

    def _decoded(self, sound: Any) -> Iterator[FloatArray]:
        from av import AudioResampler

        planes = AudioResampler(format="fltp", layout=sound.codec_context.layout, rate=self.samplerate)
        try:
            for frame in self._container.decode(sound):
                yield from (part.to_ndarray().T.astype(np.float32) for part in planes.resample(frame))
        except self._errors as error:
            at = self._at / self.samplerate
            raise InputError(
                f"{self._name} is damaged, cut off or encrypted about {at:.1f} s in; send it again"
            ) from error
