"""PocketSphinx with a compiled language model: speech to words on one CPU core, nothing downloaded.

CMU PocketSphinx (https://github.com/cmusphinx/pocketsphinx) brings its US English acoustic model in its wheel; what
it expects to hear comes from `modalities.speech.language_model.compile_model`.
"""

from __future__ import annotations

import gzip
import math
import os
import queue
import re
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from modalities.audio import PHONE_RATE, encode_pcm16, level, resample
from modalities.errors import InputError, MissingPartError, WeightsError
from modalities.locate import ROOT
from modalities.speech import acoustic, language_model
from modalities.speech.base import MAX_ALTERNATIVES, SILENCE_DB, Capabilities
from modalities.types import Audio, Transcript, Word

RATE = 16_000
FRAMES_PER_SECOND = 100
LEAST_COVERED = 0.12  # share of a recording's time that words must take; scattered bits of noise take less
UNSURE, LEAST_FIT = 0.10, -4.5  # mean confidence and fit that together are no hearing at all
NOISE_FLOOR = 10 ** (-80 / 20)  # of full scale
WINDOW = 512  # samples of one look at a recording's band
NARROW_DB = -37.0  # AN4's microphones put at least -35 dB above 4.3 kHz, a telephone line at most -40 dB
NOISY_DB = 23.0  # between quiet and loud frames: AN4 has at least 26 dB, in noise 10 dB below it at most 22 dB
KINDS = ("quiet", "noisy", "telephone")
ACOUSTICS = ROOT / "weights" / "hearing"
NBEST_TRIES = 60  # hypotheses looked at for other hearings; most differ only in pauses

TUNING: Mapping[str, Any] = MappingProxyType(
    {
        "cmn": "batch",  # over the whole recording: nothing is carried from one customer to the next
        "wip": 0.1,  # words are not split into shorter ones
        "topn": 2,  # Gaussians per frame: a fifth quicker than 4, no less right
    }
)


class PocketSphinx:
    """A `SpeechEngine` over a model folder made by `compile_model`.

    Safe to use from several threads: a decoder serves one recording at a time, and callers wait for a free one.

    Args:
        model_dir: folder with `lm.arpa.gz`, `words.dict` and `model.json`.
        decoders: how many recordings may be decoded at once.
        streams: how many turns may be heard as they are spoken, at once; each takes a decoder of its own.
        tuning: PocketSphinx settings that differ from `TUNING`.
        acoustics: folder with the adapted acoustic models, `noisy.safetensors` for microphones in noise and
            `telephone.safetensors` for lines of 8 kHz; None takes the wheel's own, as quiet wide-band sound does.

    Raises:
        MissingPartError: pocketsphinx is not installed.
        WeightsError: the folder holds no whole model.
    """

    def __init__(
        self,
        model_dir: str | Path,
        *,
        decoders: int = 1,
        streams: int = 0,
        tuning: Mapping[str, Any] | None = None,
        acoustics: str | Path | None = ACOUSTICS,
    ) -> None:
        if decoders < 1 or streams < 0:
            raise InputError(f"decoders must be at least 1 and streams at least 0, got {decoders!r} and {streams!r}")
        self.model_dir = Path(model_dir)
        language_model.read_meta(self.model_dir)
        settings = {**TUNING, **(tuning or {})}
        # Read now: decoders are made when first asked for, and the folder may be gone by then.
        files = {name: (self.model_dir / name).read_bytes() for name in (language_model.ARPA, language_model.WORDS)}
        self._streams = streams
        self._pools: dict[tuple[str, str], _Pool] = {}
        for kind in KINDS:
            model = None if acoustics is None or kind == "quiet" else Path(acoustics) / f"{kind}.safetensors"
            make = partial(_decoder, self.model_dir, files, settings, model)
            self._pools[kind, "whole"] = _Pool(make, decoders)
            self._pools[kind, "stream"] = _Pool(make, streams)
        self._pools["quiet", "whole"].fill()

    @property
    def name(self) -> str:
        """Engine and model folder."""
        return f"pocketsphinx:{self.model_dir.name}"

    @property
    def capabilities(self) -> Capabilities:
        """16 kHz, word times and other hearings."""
        partials = self._streams > 0
        return Capabilities(rate=RATE, max_seconds=30.0, word_times=True, alternatives=True, partials=partials)

    def transcribe(self, recordings: Sequence[Audio]) -> list[Transcript]:
        """What was said in each recording, in order.

        Recordings of another rate are resampled. What is not speech comes back empty, with `rejected` telling why:
        "silence", "noise" (no words, or few and far between), "unclear" (words that fit the sound badly).
        """
        sounds = [resample(recording, RATE) for recording in recordings]
        kinds = [kind_of(sound) for sound in sounds]
        found: dict[int, Transcript] = {}
        for kind in sorted(set(kinds)):
            with self._pools[kind, "whole"].decoder() as decoder:
                found.update((i, _decode(decoder, sound)) for i, sound in enumerate(sounds) if kinds[i] == kind)
        return [found[i] for i in range(len(sounds))]

    def stream(self, rate: int = RATE) -> Stream | None:
        """Hear a turn as it is spoken; None where all `streams` are taken. Close it when the turn is over.

        What it hears is quicker and less right than `transcribe`, which knows the whole turn.

        Args:
            rate: samples per second of the sound it will be fed.
        """
        pool = self._pools["quiet" if rate > PHONE_RATE else "telephone", "stream"]
        decoder = pool.try_take()
        return None if decoder is None else Stream(decoder, pool)


class _Pool:
    """Decoders of one kind, made when first asked for."""

    def __init__(self, make: Callable[[], Any], count: int) -> None:
        self._make, self._count = make, count
        self._free: queue.Queue[Any] = queue.Queue()
        self._lock = threading.Lock()

    def fill(self) -> None:
        """Make the decoders, unless that is done."""
        with self._lock:
            while self._count:
                self._free.put(self._make())
                self._count -= 1

    @contextmanager
    def decoder(self) -> Iterator[Any]:
        """One for a while, as soon as one is free."""
        self.fill()
        decoder = self._free.get()
        try:
            yield decoder
        finally:
            self._free.put(decoder)

    def try_take(self) -> Any:
        """One to keep, or None when none is free."""
        self.fill()
        try:
            return self._free.get_nowait()
        except queue.Empty:
            return None

    def give_back(self, decoder: Any) -> None:
        """Take back what `try_take` gave."""
        self._free.put(decoder)


class Stream:
    """One turn as it is spoken: sound in, the words heard so far out. Made by `PocketSphinx.stream`."""

    def __init__(self, decoder: Any, pool: _Pool) -> None:
        self._decoder, self._pool = decoder, pool
        self._resampler: Any = None
        decoder.reinit_feat()
        decoder.start_utt()

    def feed(self, audio: Audio) -> str:
        """Take the next sound, all of one rate; return all words heard so far."""
        if self._resampler is None:
            import soxr

            self._resampler = soxr.ResampleStream(audio.rate, RATE, 1, dtype="float32", quality="LQ")
        sound = Audio(self._resampler.resample_chunk(audio.samples), RATE)
        if len(sound.samples):
            self._decoder.process_raw(encode_pcm16(with_floor(sound)))
        heard = self._decoder.hyp()
        return " ".join(word for word in map(_written, heard.hypstr.split() if heard else ()) if word)

    def close(self) -> None:
        """Hear no more; the decoder serves the next turn."""
        decoder, self._decoder = self._decoder, None
        if decoder is not None:
            decoder.end_utt()
            self._pool.give_back(decoder)


def _decoder(model_dir: Path, files: Mapping[str, bytes], settings: Mapping[str, Any], model: Path | None) -> Any:
    try:
        import pocketsphinx
    except ImportError as error:
        raise MissingPartError("this speech engine needs the package pocketsphinx; pip install pocketsphinx") from error
    with acoustic.folder(model) as hmm, tempfile.TemporaryDirectory() as folder:
        arpa, words = Path(folder) / "lm.arpa", Path(folder) / language_model.WORDS
        words.write_bytes(files[language_model.WORDS])
        try:
            arpa.write_bytes(gzip.decompress(files[language_model.ARPA]))
            return pocketsphinx.Decoder(
                hmm=str(hmm), lm=str(arpa), dict=str(words), loglevel="FATAL", logfn=os.devnull, **settings
            )
        except (OSError, EOFError, RuntimeError, ValueError) as error:
            raise WeightsError(f"the speech model in {str(model_dir)!r} is damaged; compile it again") from error


def _decode(decoder: Any, audio: Audio) -> Transcript:
    if level(audio) < SILENCE_DB:
        return Transcript("", rejected="silence")
    decoder.reinit_feat()  # forgets the noise and mean of the recording before
    decoder.start_utt()
    decoder.process_raw(encode_pcm16(with_floor(audio)), full_utt=True)
    decoder.end_utt()
    words = tuple(_words(decoder, audio.seconds))
    if not words:
        return Transcript("", rejected="noise")
    confidence = sum(word.confidence for word in words) / len(words)
    covered = sum(word.end - word.start for word in words)
    if audio.seconds > 1 and covered < LEAST_COVERED * audio.seconds:
        return Transcript("", confidence=confidence, rejected="noise")
    if confidence < UNSURE and _fit(decoder) < LEAST_FIT:
        return Transcript("", confidence=confidence, rejected="unclear")
    text = " ".join(word.text for word in words)
    return Transcript(text, words, confidence, tuple(_alternatives(decoder, text)))


def kind_of(audio: Audio) -> str:
    """Which acoustic model hears sound at 16 kHz best: "telephone", "noisy" or "quiet"."""
    if narrow(audio):
        return "telephone"
    if len(audio.samples) < 10 * WINDOW:
        return "quiet"
    frames = audio.samples[: len(audio.samples) // WINDOW * WINDOW].reshape(-1, WINDOW)
    levels = 10 * np.log10(np.maximum(np.square(frames).mean(axis=1), 1e-9))
    low, high = np.percentile(levels, [10, 90])
    return "noisy" if high - low < NOISY_DB else "quiet"


def narrow(audio: Audio) -> bool:
    """Whether sound at 16 kHz came over a line of 8 kHz: next to nothing of it lies above 4.3 kHz."""
    if len(audio.samples) < WINDOW:
        return False
    frames = np.lib.stride_tricks.sliding_window_view(audio.samples, WINDOW)[::WINDOW]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(WINDOW), axis=1))).mean(axis=0)
    hertz = np.fft.rfftfreq(WINDOW, 1 / RATE)
    above = power[(hertz > 4_300) & (hertz < 7_500)].mean()
    return bool(above < 10 ** (NARROW_DB / 10) * power[(hertz > 300) & (hertz < 3_700)].mean())


def with_floor(audio: Audio) -> Audio:
    """The sound with faint noise under it: digital silence has no logarithm, and would bend the features' mean."""
    noise = np.random.default_rng(0).standard_normal(len(audio.samples), dtype=np.float32)
    return Audio(audio.samples + noise * np.float32(NOISE_FLOOR), audio.rate)


def _fit(decoder: Any) -> float:
    """How well the words' sounds fit the recording: mean log likelihood a frame, relative to the best of any sound."""
    spoken = [segment for segment in decoder.seg() if _written(segment.word)]
    frames = sum(segment.end_frame - segment.start_frame + 1 for segment in spoken)
    return float(sum(math.log(max(segment.ascore, 1e-300)) for segment in spoken) / frames)


def _words(decoder: Any, seconds: float) -> Iterator[Word]:
    for segment in decoder.seg():
        if text := _written(segment.word):
            start = min(segment.start_frame / FRAMES_PER_SECOND, seconds)
            end = min((segment.end_frame + 1) / FRAMES_PER_SECOND, seconds)
            yield Word(text, start, end, min(1.0, max(0.0, float(segment.prob))))


def _alternatives(decoder: Any, best: str) -> Iterator[str]:
    seen = {best, ""}
    for _, hypothesis in zip(range(NBEST_TRIES), decoder.nbest() or (), strict=False):
        text = " ".join(word for word in map(_written, hypothesis.hypstr.split() if hypothesis else ()) if word)
        if text not in seen:
            seen.add(text)
            yield text
        if len(seen) > MAX_ALTERNATIVES + 1:
            return


def _written(token: str) -> str:
    """A decoder's token as a word: no pauses, noises, sentence marks, pronunciation numbers or places."""
    if token.startswith(("<", "[", "+")):
        return ""
    return language_model.unmarked(re.sub(r"\(\d+\)$", "", token))
