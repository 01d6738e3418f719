"""Hearing by phones: whole turns to words by the probabilities of phones, and how well any words fit them.

PocketSphinx's search finds the words over `phone_model`'s acoustic model. How well words fit is the probability of
their phones summed over every way to lay them on the recording (connectionist temporal classification, Graves et al.
2006), each word said the way that fits best.
"""

from __future__ import annotations

import re
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from modalities.speech import phone_model
from modalities.speech.base import MAX_ALTERNATIVES
from modalities.speech.decoders import Language, Pool, hearings, words, written
from modalities.speech.expectation import Expectation
from modalities.speech.language_model import unmarked
from modalities.speech.phones import Phones
from modalities.speech.sound_encoder import PER_SECOND
from modalities.types import Audio, FloatArray, Transcript

LEAST_LIKELY = -4.0
"""Nats a word below the likeliest phones that are no hearing."""
LEAST_SURE = 0.5
"""Mean confidence below which it is none either."""
CLEAR, CLEAR_MISSING = 0.98, 0.03
"""Mean confidence from which on, and nats a frame below the likeliest phones up to which, a hearing is beyond doubt."""
MOST_TRIED = 40_000
"""States on which other pronunciations are tried, all hearings together; the words behind are said as is commonest."""
LANGUAGE = 0.5
"""What the language counts for beside the phones in how well words fit."""
ROOM = 4
"""States more than its phones that a hearing must have to be laid on a recording."""


class PhoneListener:
    """Hears whole turns. Safe to use from several threads."""

    def __init__(self, language: Language, path: Path, decoders: int) -> None:
        """Load the phones.

        Args:
            language: what is expected to be heard.
            path: the weights that `training.phone_head` made.
            decoders: how many recordings may be decoded at once.

        Raises:
            MissingPartError: pocketsphinx or the encoder is not installed.
            WeightsError: the phones are missing or damaged.
        """
        self._phones, self._language = Phones(path), language
        numbers = {name: number for number, name in enumerate(self._phones.names)}
        said: defaultdict[str, dict[tuple[int, ...], None]] = defaultdict(dict)
        for word, way in language.pronunciations():
            plain = unmarked(re.sub(r"\(\d+\)$", "", word))
            said[plain][tuple(numbers[phone] for phone in phone_model.once(way).split())] = None
        self._said = {word: tuple(ways) for word, ways in said.items()}
        self._expectation = Expectation(re.sub(r"\(\d+\)$", "", word) for word, _ in language.pronunciations())
        self._pool = Pool(self._decoder, decoders)
        self._pool.fill()  # no caller waits for it

    def _decoder(self) -> Any:
        with tempfile.TemporaryDirectory() as folder:
            phone_model.write(self._phones.names, Path(folder))
            return self._language.decoder(Path(folder), phone_model.TUNING, phone_model.once)

    def log_probabilities(self, audio: Audio) -> FloatArray:
        """Of blank and each phone, shape (n, 40), 50 a second."""
        return self._phones.log_probabilities(audio)

    def transcribe(self, log_probabilities: FloatArray) -> Transcript:
        """What was said where phones have these probabilities; `rejected` is "noise" or "unclear" as an engine's."""
        if not len(log_probabilities):
            return Transcript("", rejected="noise")
        seconds = len(log_probabilities) / PER_SECOND
        with self._pool.decoder() as decoder:
            decoder.start_utt()
            decoder.process_cep(phone_model.features(log_probabilities).tobytes(), full_utt=True)
            decoder.end_utt()
            found = tuple(words(decoder, PER_SECOND, seconds))
            if not found:
                return Transcript("", rejected="noise")
            text = " ".join(word.text for word in found)
            confidence = sum(word.confidence for word in found) / len(found)
            likely = [phone_model.likelihood(segment) for segment in decoder.seg() if written(segment.word)]
            if sum(likely) / len(likely) < LEAST_LIKELY or confidence < LEAST_SURE:
                return Transcript("", confidence=confidence, rejected="unclear")
            others = tuple(other for other in hearings(decoder) if other != text)[:MAX_ALTERNATIVES]
            chances = (confidence, *((1 - confidence) / len(others) for _ in others)) if others else (1.0,)
            return Transcript(text, found, confidence, others, chances)

    def clear(self, found: Transcript, log_probabilities: FloatArray) -> bool:
        """Whether what was found fits so well that no other hearing is worth the time."""
        if not found.text or found.confidence < CLEAR:
            return False
        missing = float(log_probabilities.max(axis=1).sum()) - self.likelihoods([found.text], log_probabilities)[0]
        return missing <= CLEAR_MISSING * len(log_probabilities)

    def fits(self, texts: Sequence[str], log_probabilities: FloatArray) -> list[float]:
        """How well each text fits the phones and the language, in nats; -inf as `likelihoods`."""
        with self._pool.decoder() as decoder:
            expected = self._expectation.log_chances(decoder, texts)
        likely = self.likelihoods(texts, log_probabilities)
        return [fit + LANGUAGE * chance for fit, chance in zip(likely, expected, strict=True)]

    def likelihoods(self, texts: Sequence[str], log_probabilities: FloatArray) -> list[float]:
        """Log likelihood of each text's words, in nats; -inf where a word is unknown or there is no room for them."""
        known = [[self._said.get(word, ()) for word in text.split()] for text in texts]
        found = [[ways[0] for ways in text] if all(text) else None for text in known]
        best, left = self._scores(found, log_probabilities), MOST_TRIED
        for place in range(max((len(text) for text in known), default=0)):
            tried = [
                (row, [*first[:place], way, *first[place + 1 :]])
                for row, first in enumerate(found)
                if first is not None and place < len(first)
                for way in known[row][place][1:]
            ]
            left -= len(tried) * len(log_probabilities)
            if left < 0:
                break
            for (row, said), score in zip(tried, self._scores([s for _, s in tried], log_probabilities), strict=True):
                if score > best[row]:
                    best[row], found[row] = score, said
        return best

    def _scores(self, said: Sequence[Sequence[Sequence[int]] | None], log_probabilities: FloatArray) -> list[float]:
        """Log likelihood of sequences of words' phones."""
        flat = [None if text is None else [phone for word in text for phone in word] for text in said]
        count = len(log_probabilities)
        rows = [row for row, phones in enumerate(flat) if phones is not None and len(phones) + ROOM <= count]
        scores = [-np.inf] * len(said)
        if rows:
            chosen = [flat[row] or [] for row in rows]
            losses = functional.ctc_loss(
                torch.from_numpy(log_probabilities)[:, None].expand(-1, len(rows), -1),
                torch.tensor([phone for phones in chosen for phone in phones], dtype=torch.long),
                torch.full((len(rows),), count),
                torch.tensor([len(phones) for phones in chosen]),
                reduction="none",
            )
            for row, loss in zip(rows, losses.tolist(), strict=True):
                scores[row] = -loss
        return scores
