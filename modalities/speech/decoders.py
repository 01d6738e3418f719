"""PocketSphinx's decoders: made from a language model and an acoustic model, shared by threads, read out."""

from __future__ import annotations

import gzip
import math
import os
import queue
import re
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from modalities.errors import MissingPartError, WeightsError
from modalities.speech import language_model
from modalities.types import Word

NBEST_TRIES = 60  # hypotheses looked at for other hearings; most differ only in pauses
LEAST = 1e-300  # of scores, which are probabilities


class Language:
    """A model folder made by `language_model.compile_model`, read whole: decoders are made when first asked for, and
    the folder may be gone by then.

    Raises:
        WeightsError: the folder holds no whole model.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        language_model.read_meta(self.folder)
        self._arpa = (self.folder / language_model.ARPA).read_bytes()
        self._words = (self.folder / language_model.WORDS).read_text(encoding="utf-8")

    def pronunciations(self) -> Iterator[tuple[str, str]]:
        """Words, the second ways to say them numbered ("a(2)"), and their phones."""
        for line in self._words.splitlines():
            word, _, phones = line.partition(" ")
            yield word, phones

    def decoder(self, hmm: Path, settings: Mapping[str, Any], said: Callable[[str], str] = str) -> Any:
        """A decoder.

        Args:
            hmm: folder of the acoustic model.
            settings: PocketSphinx's, by name.
            said: makes the dictionary's phones those of the acoustic model.

        Raises:
            MissingPartError: pocketsphinx is not installed.
            WeightsError: the model is damaged.
        """
        try:
            import pocketsphinx
        except ImportError as error:
            raise MissingPartError(
                "this speech engine needs the package pocketsphinx; pip install pocketsphinx"
            ) from error
        with tempfile.TemporaryDirectory() as folder:
            arpa, words = Path(folder) / "lm.arpa", Path(folder) / language_model.WORDS
            try:
                words.write_text("".join(f"{word} {said(phones)}\n" for word, phones in self.pronunciations()), "utf-8")
                arpa.write_bytes(gzip.decompress(self._arpa))
                return pocketsphinx.Decoder(
                    hmm=str(hmm), lm=str(arpa), dict=str(words), loglevel="FATAL", logfn=os.devnull, **settings
                )
            except (OSError, EOFError, RuntimeError, ValueError) as error:
                raise WeightsError(f"the speech model in {str(self.folder)!r} is damaged; compile it again") from error


class Pool:
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
        """One for a while, as soon as one is free; one that failed in the middle of a recording is made anew."""
        self.fill()
        decoder = self._free.get()
        try:
            yield decoder
        except BaseException:
            decoder = self._make()
            raise
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


def words(decoder: Any, frames_per_second: int, seconds: float) -> Iterator[Word]:
    """The words of a decoder's best hypothesis, in a recording of so many seconds."""
    for segment in decoder.seg() or ():  # None where nothing was found
        if text := written(segment.word):
            start = min(segment.start_frame / frames_per_second, seconds)
            end = min((segment.end_frame + 1) / frames_per_second, seconds)
            yield Word(text, start, end, min(1.0, max(0.0, float(segment.prob))))


def hearings(decoder: Any) -> dict[str, float]:
    """What a decoder's lattice holds, likeliest first, with the logarithms of its scores (nats, scaled down)."""
    found: dict[str, float] = {}
    for _, hypothesis in zip(range(NBEST_TRIES), decoder.nbest() or (), strict=False):
        text = " ".join(word for word in map(written, hypothesis.hypstr.split() if hypothesis else ()) if word)
        if text and text not in found:
            found[text] = math.log(max(hypothesis.best_score, LEAST))
    return found


def written(token: str) -> str:
    """A decoder's token as a word: no pauses, noises, sentence marks, pronunciation numbers or places."""
    if token.startswith(("<", "[", "+")):
        return ""
    return language_model.unmarked(re.sub(r"\(\d+\)$", "", token))
