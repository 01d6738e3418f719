"""What an acoustic model is adapted on: recordings as the engine's features under several conditions, and which tied
state each frame of them belongs to.

Features come out of PocketSphinx itself, noise removal included, so that adaptation and recognition see the same. The
states come from its forced alignment of the clean sound, and hold for every condition.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from modalities.audio import decode_mulaw, encode_mulaw, encode_pcm16, resample
from modalities.speech.acoustic import WIDTH, engine_folder
from modalities.speech.language_model import WORDS, compile_model
from modalities.speech.pocketsphinx import RATE, with_floor
from modalities.types import Audio, FloatArray

States = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Said:
    """A recording and the words said in it."""

    audio: Audio
    text: str


@dataclass(frozen=True, eq=False)
class Frames:
    """Frames of one or many recordings.

    Attributes:
        vectors: shape (n, 3, 13): cepstra less their mean, first and second differences.
        states: shape (n,), the tied state each belongs to.
    """

    vectors: FloatArray
    states: States


class Aligner:
    """Tells which state each frame of a recording belongs to.

    Args:
        texts: everything that is said; their words make the dictionary.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        import pocketsphinx

        with tempfile.TemporaryDirectory() as folder:
            words = compile_model(texts, folder) / WORDS
            self._log = Path(tempfile.mkdtemp())  # the engine writes features to files only
            weakref.finalize(self, shutil.rmtree, self._log, ignore_errors=True)
            common = {"hmm": str(engine_folder()), "dict": str(words), "lm": None, "loglevel": "FATAL", "cmn": "batch"}
            self._aligner = pocketsphinx.Decoder(**common)
            self._features = pocketsphinx.Decoder(**common, mfclogdir=str(self._log))
        self._features.set_align_text(texts[0].split()[0])

    def states(self, said: Said) -> States | None:
        """The state of each frame of 10 ms; None where the words do not fit the sound."""
        sound, decoder = encode_pcm16(with_floor(resample(said.audio, RATE))), self._aligner
        try:
            decoder.set_align_text(said.text)  # words first, then their states
            for prepare in (decoder.reinit_feat, decoder.set_alignment):
                prepare()
                decoder.start_utt()
                decoder.process_raw(sound, full_utt=True)
                decoder.end_utt()
        except RuntimeError:
            _stop(decoder)
            return None
        runs = [(int(s.name), s.duration) for word in decoder.get_alignment() for phone in word for s in phone]
        return np.repeat([state for state, _ in runs], [frames for _, frames in runs])

    def vectors(self, audio: Audio) -> FloatArray:
        """The engine's features of a recording, shape (n, 3, 13)."""
        decoder = self._features
        decoder.reinit_feat()
        decoder.start_utt()
        decoder.process_raw(encode_pcm16(with_floor(resample(audio, RATE))), no_search=True, full_utt=True)
        decoder.end_utt()
        (path,) = self._log.iterdir()
        cepstra = np.fromfile(path, dtype=">f4")[1:].reshape(-1, WIDTH).astype(np.float32)
        path.unlink()
        return with_differences(cepstra)

    def frames(self, said: Said, sounds: Sequence[Audio]) -> Frames | None:
        """Frames of the same words in several sounds; None where they do not fit."""
        states = self.states(said)
        if states is None:
            return None
        parts = [self.vectors(sound) for sound in sounds]
        lengths = [min(len(part), len(states)) for part in parts]
        vectors = np.concatenate([part[:n] for part, n in zip(parts, lengths, strict=True)])
        return Frames(vectors, np.concatenate([states[:n] for n in lengths]))


def with_differences(cepstra: FloatArray) -> FloatArray:
    """Sphinx's "1s_c_d_dd" features: cepstra less the mean of frames with energy, differences over 4 and 2 frames."""
    alive = cepstra[cepstra[:, 0] >= 0]
    level = cepstra - (alive if len(alive) else cepstra).mean(axis=0)
    n, padded = len(level), np.pad(level, ((3, 3), (0, 0)), mode="edge")
    first = padded[5 : 5 + n] - padded[1 : 1 + n]
    second = (padded[6 : 6 + n] - padded[2 : 2 + n]) - (padded[4 : 4 + n] - padded[:n])
    found: FloatArray = np.stack([level, first, second], axis=1)
    return found


def over_telephone(audio: Audio) -> Audio:
    """The sound after an 8 kHz mu-law line."""
    return decode_mulaw(encode_mulaw(resample(audio, 8_000)))


def in_noise(audio: Audio, noises: Mapping[str, FloatArray], chance: np.random.Generator) -> Audio:
    """The sound in a stretch of recorded noise, or in noise of a random slope, 5 to 20 dB below its louder half."""
    samples = resample(audio, RATE).samples
    if noises and chance.random() < 0.5:
        noise = noises[str(chance.choice(sorted(noises)))]
        noise = np.resize(noise[int(chance.integers(0, max(1, len(noise) - len(samples)))) :], len(samples))
    else:
        white = np.fft.rfft(chance.standard_normal(len(samples)))
        hertz = np.maximum(np.fft.rfftfreq(len(samples), 1 / RATE), 60)
        noise = np.fft.irfft(white * hertz ** -chance.uniform(0, 1.2), len(samples)).astype(np.float32)
    power = np.sort(np.square(samples[: len(samples) // 160 * 160]).reshape(-1, 160).mean(axis=1))
    wanted = power[-max(1, len(power) // 2) :].mean() / 10 ** (chance.uniform(5, 20) / 10)
    scale = np.sqrt(wanted / max(float(np.square(noise).mean()), 1e-12))
    return Audio((samples + noise * scale).astype(np.float32), RATE)


def _stop(decoder: Any) -> None:
    """Leave an alignment that failed."""
    try:
        decoder.end_utt()
    except RuntimeError:
        return
