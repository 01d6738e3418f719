"""The speech recognisers that `benchmarks.asr_throughput` compares, each doing the same work by its own public call."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from modalities.speech.guards import Guards
from modalities.types import Audio, FloatArray

RATE = 16_000
SECONDS = 30
NEVER = 10**9
BELIEVE_ALL = Guards(2.0, -NEVER, NEVER, (0.0,), NEVER, NEVER, NEVER)

Tokens = list[tuple[int, ...]]


@dataclass(frozen=True)
class Models:
    """One model in every system's form: a file, a folder of transformers, folders of CTranslate2 by precision."""

    openai: Path
    transformers: Path
    ctranslate2: dict[str, Path]


@dataclass(frozen=True)
class Sounds:
    """Windows of 30 s at 16 kHz, how many tokens each is to give, and openai-whisper's tokens once they are known."""

    windows: tuple[FloatArray, ...]
    tokens: int
    reference: Tokens = field(default_factory=list)

    def first(self, count: int) -> Sounds:
        """The first windows."""
        return Sounds(self.windows[:count], self.tokens, self.reference)


def sounds(count: int, tokens: int, seed: int) -> Sounds:
    """Synthetic windows: a gliding voice-like tone and noise, swelling at the pace of syllables."""
    rng, times = np.random.default_rng(seed), np.arange(SECONDS * RATE) / RATE
    made = []
    for _ in range(count):
        pitch = np.interp(times, np.linspace(0, SECONDS, 60), rng.uniform(90, 300, 60))
        swell = np.interp(times, np.linspace(0, SECONDS, 240), rng.random(240) ** 2)
        phase = 2 * np.pi * np.cumsum(pitch) / RATE
        voice = sum(np.sin(phase * harmonic) / harmonic for harmonic in range(1, 9))
        made.append(((0.1 * voice + 0.02 * rng.normal(size=len(times))) * swell).astype(np.float32))
    return Sounds(tuple(made), tokens)


def our_precisions(device: str) -> tuple[str, ...]:
    """What ours is measured in."""
    return ("float16",) if device.startswith("cuda") else ("float32", "int8")


def faster_whisper_precisions(device: str) -> tuple[str, ...]:
    """What faster-whisper is measured in."""
    return ("float16", "int8_float16") if device.startswith("cuda") else ("float32", "int8")


def tokenizer_of(model: Any) -> Any:
    """The model's tokenizer, for English."""
    from whisper.tokenizer import get_tokenizer

    return get_tokenizer(model.is_multilingual, num_languages=model.num_languages, language="en", task="transcribe")


def suppressed(tokenizer: Any, vocabulary: int) -> list[int]:
    """Tokens that no system may emit: what is not spoken, the end mark, and timestamps."""
    return [*tokenizer.non_speech_tokens, tokenizer.eot, *range(tokenizer.timestamp_begin, vocabulary)]


def both(made: Models, part: Sounds, options: argparse.Namespace, timestamps: bool) -> list[tuple[Any, Any]]:
    """Tokens of each window by ours and by `whisper.decode`, in float32 on the same encoder states."""
    import torch
    from whisper.decoding import DecodingOptions, DecodingTask

    from modalities.speech.whisper_decoder import Decoder
    from modalities.speech.whisper_model import encode, load
    from modalities.speech.whisper_rules import Rules

    model = load(made.openai, options.device)
    tokenizer = tokenizer_of(model)
    never = None if timestamps else suppressed(tokenizer, model.dims.n_vocab)
    wanted = DecodingOptions(
        language="en",
        without_timestamps=not timestamps,
        sample_len=part.tokens,
        suppress_tokens="-1" if never is None else never,
        fp16=False,
    )
    rules = Rules(tokenizer, model.dims.n_vocab, options.device, timestamps=timestamps, suppress=never)
    with torch.inference_mode():
        features = encode(model, part.windows)
        task = DecodingTask(model, wanted)
        theirs = [tuple(result.tokens) for result in task.run(features)]
        prompts = torch.tensor([task.initial_tokens] * len(features), device=options.device)
        ours = Decoder(model, rules).decode(features, prompts, part.tokens, start=task.sot_index)
    return list(zip([one.tokens for one in ours], theirs, strict=True))


class System:
    """One recogniser. `start` loads it; `run` gives the tokens of each window."""

    least = 2  # windows of the first run

    def __init__(self, precision: str, made: Models, options: argparse.Namespace) -> None:
        self.precision, self.made, self.device = precision, made, options.device
        self.cuda, self.threads = options.device.startswith("cuda"), options.threads
        self.batch = options.batch or (32 if self.cuda else 8)

    @staticmethod
    def make(name: str, made: Models, options: argparse.Namespace) -> System:
        """A system by the name it has in the report: its kind, then its precision."""
        kind, _, precision = name.partition(" ")
        return KINDS[kind](precision, made, options)

    def start(self) -> System:
        """Load."""
        raise NotImplementedError

    def run(self, part: Sounds) -> Tokens:
        """Recognise."""
        raise NotImplementedError


class Ours(System):
    """`modalities.speech.whisper.Whisper.transcribe` on all recordings at once."""

    def start(self) -> Ours:
        """The engine as the product makes it, but for the tokens suppressed."""
        from modalities.speech.whisper import Whisper
        from modalities.speech.whisper_decoder import Decoder
        from modalities.speech.whisper_rules import Rules

        self.engine = engine = Whisper(
            str(self.made.openai), self.device, guards=BELIEVE_ALL, precision=self.precision, word_times=False
        )
        model, self.seen = engine._model, list[tuple[int, ...]]()
        never = suppressed(engine._tokenizer, model.dims.n_vocab)
        rules = Rules(engine._tokenizer, model.dims.n_vocab, self.device, suppress=never)
        engine._decoder = Decoder(model, rules, int8=engine.precision == "int8")
        judge = engine._judge

        def see(found: Any, seconds: float, language: str) -> Any:
            self.seen.append(found.tokens)
            return judge(found, seconds, language)

        engine._judge = see  # type: ignore[method-assign]
        return self

    def run(self, part: Sounds) -> Tokens:
        """All windows as recordings of their own."""
        self.seen.clear()
        self.engine._steps = part.tokens
        self.engine.transcribe([Audio(window, RATE) for window in part.windows])
        return list(self.seen)


class OpenAI(System):
    """`whisper.transcribe` of one recording with all windows in it."""

    def start(self) -> OpenAI:
        """The model as the package loads it."""
        import whisper

        self.model = whisper.load_model(str(self.made.openai), device=self.device)
        tokenizer = tokenizer_of(self.model)
        self.never = suppressed(tokenizer, self.model.dims.n_vocab)
        return self

    def run(self, part: Sounds) -> Tokens:
        """Without anything that would decode a window twice or end it early."""
        result = self.model.transcribe(
            np.concatenate(part.windows),
            language="en",
            temperature=0.0,
            compression_ratio_threshold=None,
            logprob_threshold=None,
            no_speech_threshold=None,
            condition_on_previous_text=False,
            without_timestamps=True,
            sample_len=part.tokens,
            suppress_tokens=self.never,
            fp16=self.cuda,
        )
        return [tuple(segment["tokens"]) for segment in result["segments"]]


class Transformers(System):
    """`WhisperForConditionalGeneration.generate` in batches."""

    def start(self) -> Transformers:
        """The model and its feature extractor."""
        import torch
        from transformers import WhisperFeatureExtractor, WhisperForConditionalGeneration
        from whisper.tokenizer import get_tokenizer

        self.type = torch.float16 if self.cuda else torch.float32
        self.model = WhisperForConditionalGeneration.from_pretrained(self.made.transformers, dtype=self.type)
        self.model.to(self.device).eval()
        bands, settings = self.model.config.num_mel_bins, self.model.generation_config.to_dict()
        self.features = WhisperFeatureExtractor(feature_size=bands)  # type: ignore[no-untyped-call]
        languages = len(settings["lang_to_id"])
        tokenizer = get_tokenizer(True, num_languages=languages, language="en", task="transcribe")
        marks = [tokenizer.transcribe, tokenizer.translate, tokenizer.sot, tokenizer.sot_prev, tokenizer.sot_lm]
        never = {*suppressed(tokenizer, self.model.config.vocab_size), *marks, tokenizer.no_speech}
        self.model.generation_config.max_length = None
        self.model.generation_config.suppress_tokens = sorted(never)
        self.model.generation_config.begin_suppress_tokens = [*tokenizer.encode(" "), tokenizer.eot]
        return self

    def run(self, part: Sounds) -> Tokens:
        """Batch after batch."""
        import torch

        found: Tokens = []
        for first in range(0, len(part.windows), self.batch):
            rows = list(part.windows[first : first + self.batch])
            mels = self.features(rows, sampling_rate=RATE, return_tensors="pt", device=self.device).input_features
            with torch.inference_mode():
                tokens = self.model.generate(
                    mels.to(self.device, self.type), language="en", task="transcribe", max_new_tokens=part.tokens
                )
            found += [tuple(row[-part.tokens :]) for row in tokens.tolist()]
        return found


class FasterWhisper(System):
    """`faster_whisper.BatchedInferencePipeline.transcribe`."""

    def start(self) -> FasterWhisper:
        """The converted model."""
        from faster_whisper import BatchedInferencePipeline, WhisperModel

        self.model = WhisperModel(
            str(self.made.ctranslate2[self.precision]),
            device="cuda" if self.cuda else "cpu",
            compute_type=self.precision,
            cpu_threads=self.threads,
        )
        self.pipeline = BatchedInferencePipeline(self.model)
        tokenizer = self.model.hf_tokenizer
        self.end = tokenizer.token_to_id("<|endoftext|>")
        first, last = tokenizer.token_to_id("<|0.00|>"), tokenizer.token_to_id("<|30.00|>")
        self.never = [-1, self.end, *range(first, last + 1)]
        return self

    def run(self, part: Sounds) -> Tokens:
        """All windows as clips of one recording, greedily.

        CTranslate2 stops at half of the length asked for, so that twice the tokens are asked for (its prompt has 4).
        """
        clips = [{"start": SECONDS * i, "end": SECONDS * (i + 1)} for i in range(len(part.windows))]
        segments, _ = self.pipeline.transcribe(
            np.concatenate(part.windows),
            language="en",
            beam_size=1,
            temperature=0.0,
            vad_filter=False,
            without_timestamps=True,
            clip_timestamps=clips,
            max_new_tokens=2 * part.tokens - 4,
            suppress_tokens=list(self.never),
            batch_size=self.batch,
        )
        return [tuple(token for token in segment.tokens if token != self.end) for segment in segments]


KINDS: dict[str, type[System]] = {
    "ours": Ours,
    "openai-whisper": OpenAI,
    "transformers": Transformers,
    "faster-whisper": FasterWhisper,
}
