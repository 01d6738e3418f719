"""PocketSphinx with a compiled language model: speech to words on one CPU core, nothing downloaded.

CMU PocketSphinx (https://github.com/cmusphinx/pocketsphinx) brings its US English acoustic model in its wheel; what
it expects to hear comes from `modalities.speech.language_model.compile_model`. Whole turns are heard by
`modalities.speech.phone_listener` and, unless that leaves no doubt, by the wheel's acoustic model too; `weighing` then
tells which of all hearings was said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from modalities.audio import PHONE_RATE, encode_pcm16, level, resample
from modalities.errors import InputError
from modalities.locate import ROOT
from modalities.speech import acoustic
from modalities.speech.base import MAX_ALTERNATIVES, SILENCE_DB, Capabilities
from modalities.speech.decoders import Language, Pool, hearings, words, written
from modalities.speech.weighing import UNSURE, Hearing, weighed
from modalities.types import Audio, Transcript, Word

if TYPE_CHECKING:
    from modalities.speech.phone_listener import PhoneListener

RATE = 16_000
FRAMES_PER_SECOND = 100
LEAST_COVERED = 0.12  # share of a recording's time that words must take; scattered bits of noise take less
LEAST_FIT = -4.5  # fit that with a mean confidence below UNSURE is no hearing at all
WHEEL = 60.0  # what a nat of PocketSphinx's scores, which it scales down, counts for beside a nat of the phones
NOISE_FLOOR = 10 ** (-80 / 20)  # of full scale
WINDOW = 512  # samples of one look at a recording's band
NARROW_DB = -37.0  # AN4's microphones put at least -35 dB above 4.3 kHz, a telephone line at most -40 dB
NOISY_DB = 23.0  # between quiet and loud frames: AN4 has at least 26 dB, in noise 10 dB below it at most 22 dB
KINDS = ("quiet", "noisy", "telephone")
ACOUSTICS = ROOT / "weights" / "hearing"
PHONES = "phones.safetensors"

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
        acoustics: folder with `phones.safetensors` and the adapted acoustic models, `noisy.safetensors` for
            microphones in noise and `telephone.safetensors` for lines of 8 kHz; None hears everything once, by the
            wheel's own.

    Raises:
        MissingPartError: pocketsphinx is not installed, or what the phones are told from is not.
        WeightsError: the folder holds no whole model, or the phones are missing or damaged.
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
        settings, language = {**TUNING, **(tuning or {})}, Language(self.model_dir)
        self._streams = streams
        self._listener: PhoneListener | None = None
        if acoustics is not None:
            from modalities.speech.phone_listener import PhoneListener

            self._listener = PhoneListener(language, Path(acoustics) / PHONES, decoders)
        self._pools: dict[tuple[str, str], Pool] = {}
        for kind in KINDS:
            model = None if acoustics is None or kind == "quiet" else Path(acoustics) / f"{kind}.safetensors"
            make = partial(_decoder, language, settings, model)
            self._pools[kind, "whole"] = Pool(make, decoders)
            self._pools[kind, "stream"] = Pool(make, streams)
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
        return [self._heard(resample(recording, RATE)) for recording in recordings]

    def _heard(self, sound: Audio) -> Transcript:
        """By the phones, and unless those leave no doubt by the wheel's model too."""
        if level(sound) < SILENCE_DB:
            return Transcript("", rejected="silence")
        listener = self._listener
        if listener is None:
            return self._by_wheel(sound).transcript
        phones = listener.log_probabilities(sound)
        found = listener.transcribe(phones)
        if scattered(found.words, sound.seconds):
            return self._by_wheel(sound).transcript
        if listener.clear(found, phones):
            return found
        return weighed(self._by_wheel(sound), found, lambda texts: listener.fits(texts, phones))

    def _by_wheel(self, sound: Audio) -> Hearing:
        with self._pools[kind_of(sound), "whole"].decoder() as decoder:
            return _decode(decoder, sound)

    def stream(self, rate: int = RATE) -> Stream | None:
        """Hear a turn as it is spoken; None where all `streams` are taken. Close it when the turn is over.

        What it hears is quicker and less right than `transcribe`, which knows the whole turn.

        Args:
            rate: samples per second of the sound it will be fed.
        """
        pool = self._pools["quiet" if rate > PHONE_RATE else "telephone", "stream"]
        decoder = pool.try_take()
        return None if decoder is None else Stream(decoder, pool)


class Stream:
    """One turn as it is spoken: sound in, the words heard so far out. Made by `PocketSphinx.stream`."""

    def __init__(self, decoder: Any, pool: Pool) -> None:
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
        return " ".join(word for word in map(written, heard.hypstr.split() if heard else ()) if word)

    def close(self) -> None:
        """Hear no more; the decoder serves the next turn."""
        decoder, self._decoder = self._decoder, None
        if decoder is not None:
            decoder.end_utt()
            self._pool.give_back(decoder)


def _decoder(language: Language, settings: Mapping[str, Any], model: Path | None) -> Any:
    with acoustic.folder(model) as hmm:
        return language.decoder(hmm, settings)


def _decode(decoder: Any, audio: Audio) -> Hearing:
    decoder.reinit_feat()  # forgets the noise and mean of the recording before
    decoder.start_utt()
    decoder.process_raw(encode_pcm16(with_floor(audio)), full_utt=True)
    decoder.end_utt()
    found = tuple(words(decoder, FRAMES_PER_SECOND, audio.seconds))
    if not found:
        return Hearing(Transcript("", rejected="noise"))
    confidence = sum(word.confidence for word in found) / len(found)
    if scattered(found, audio.seconds):
        return Hearing(Transcript("", confidence=confidence, rejected="noise"))
    if confidence < UNSURE and _fit(decoder) < LEAST_FIT:
        return Hearing(Transcript("", confidence=confidence, rejected="unclear"))
    text = " ".join(word.text for word in found)
    scores = {other: WHEEL * score for other, score in hearings(decoder).items()}
    others = tuple(other for other in scores if other != text)[:MAX_ALTERNATIVES]
    return Hearing(Transcript(text, found, confidence, others), {text: max(scores.values(), default=0.0), **scores})


def scattered(found: Sequence[Word], seconds: float) -> bool:
    """Whether words take so little of a recording's time that they are bits of noise."""
    return seconds > 1 and sum(word.end - word.start for word in found) < LEAST_COVERED * seconds


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
    spoken = [segment for segment in decoder.seg() if written(segment.word)]
    frames = sum(segment.end_frame - segment.start_frame + 1 for segment in spoken)
    return float(sum(math.log(max(segment.ascore, 1e-300)) for segment in spoken) / frames)
