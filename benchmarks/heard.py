"""Sentences said by voices and heard by the embedded PocketSphinx, kept in a file so that models can be compared.

What voices say is synthetic speech: it stands for how words go wrong, not for how well people are heard.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random

import numpy as np
from tqdm import tqdm

from agent.errors import InputError, MissingPartError
from benchmarks.quiet import over_telephone
from benchmarks.speech import word_errors
from modalities.audio import load
from modalities.segmenter import Segmenter
from modalities.speech.base import Capabilities, SpeechEngine, listen
from modalities.speech.language_model import tidy
from modalities.speech.spoken import say
from modalities.types import Audio, Segment, Transcript
from modalities.voice.espeak import ESpeak

FLITE = ("slt", "rms", "awb", "kal16")
VOICES = (*FLITE, "en-us+f2", "en-gb+m3")


@dataclass(frozen=True)
class Heard:
    """A sentence and what became of it.

    Attributes:
        text: as written.
        spoken: the words said.
        heard: the hearings, likeliest first; the words of the first may be none.
        heard_8k: the same through an 8 kHz mu-law telephone line; None where not tried.
        voice: a voice of Flite or of eSpeak NG.
        intent: what is meant, "" where not known or out of scope.
    """

    text: str
    spoken: str
    heard: tuple[str, ...]
    heard_8k: tuple[str, ...] | None
    voice: str
    intent: str = ""

    def hearings(self, telephone: bool) -> tuple[str, ...] | None:
        """What was recognised, by telephone or not."""
        return self.heard_8k if telephone else self.heard


def hear(
    texts: Sequence[str],
    engine: Callable[[], SpeechEngine],
    cache: Path,
    seed: int,
    *,
    telephone: bool = True,
    intents: Sequence[str] | None = None,
) -> list[Heard]:
    """Each text said by one voice after the other and heard; what the file already holds is not done again.

    Args:
        texts: what to say.
        engine: makes one that learned other sentences than these; called when there is something to hear.
        cache: a JSON Lines file, one text a line as each is done; a run that was cut off goes on where it ended.
        seed: of the ways numbers are said.
        telephone: hear each through a telephone line too.
        intents: one a text, kept beside it.

    Raises:
        InputError: the file holds something else.
        MissingPartError: Flite is not installed.
    """
    done = {row.text: row for row in read(cache)} if cache.is_file() else {}
    jobs = [
        (i, text) for i, text in enumerate(texts) if text not in done or (telephone and done[text].heard_8k is None)
    ]
    cache.parent.mkdir(parents=True, exist_ok=True)
    if jobs:
        listener, segmenter = engine(), Segmenter()
        with cache.open("a", encoding="utf-8") as file:
            for i, text in tqdm(jobs, desc="hear", unit="sentence", mininterval=10):
                voice, spoken = VOICES[i % len(VOICES)], words_of(text, Random(seed + i))
                sound = speak(spoken, voice)
                sounds = [sound, over_telephone(sound)] if telephone else [sound]
                found = [(t.text, *t.alternatives) for t in listen(listener, segmenter, sounds)]
                line = found[1] if telephone else None
                done[text] = Heard(text, spoken, found[0], line, voice, intents[i] if intents else "")
                file.write(json.dumps(asdict(done[text])) + "\n")
                file.flush()
    return [done[text] for text in texts]


def read(cache: Path) -> Iterator[Heard]:
    """The rows of a file that `hear` wrote; of one text the last counts.

    Raises:
        InputError: a line is of another form; names the file and line.
    """
    for number, line in enumerate(cache.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = Heard(**json.loads(line))
            if isinstance(row.heard, str):
                raise TypeError("a file of an older form")
            yield replace(row, heard=tuple(row.heard), heard_8k=None if row.heard_8k is None else tuple(row.heard_8k))
        except (TypeError, ValueError) as error:
            raise InputError(f"{cache}:{number}: no sentence heard; delete the file to make it again") from error


def words_of(text: str, rng: Random) -> str:
    """The words a voice says for a text."""
    return " ".join(tidy(say(text, rng)))


def speak(spoken: str, voice: str) -> Audio:
    """The words, said by a voice of Flite or of eSpeak NG.

    Raises:
        MissingPartError: Flite is not installed.
    """
    if voice not in FLITE:
        return ESpeak(voice).speak(spoken)
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/said.wav"
        try:
            subprocess.run(["flite", "-voice", voice, "-t", spoken, "-o", path], check=True, capture_output=True)
        except FileNotFoundError as error:
            raise MissingPartError("the test voices need Flite; install it with: apt install flite") from error
        return load(path)


def error_rate(rows: Sequence[Heard], telephone: bool = False) -> float:
    """Word error rate over all rows heard that way."""
    pairs = [(row.spoken, hearings[0]) for row in rows if (hearings := row.hearings(telephone)) is not None]
    return sum(word_errors(*pair) for pair in pairs) / max(1, sum(len(spoken.split()) for spoken, _ in pairs))


class Remembered:
    """A `SpeechEngine` that hears again what was heard: sound of `LEAST` + i samples is the i-th row.

    Serves as a segmenter too: all of a sound is speech.
    """

    name = "remembered"
    capabilities = Capabilities(alternatives=True)
    LEAST = 20 * 16_000

    def __init__(self, hearings: Sequence[Sequence[str]]) -> None:
        self._hearings = hearings

    def sounds(self) -> Iterator[Audio]:
        """One of each row."""
        return (Audio(np.zeros(self.LEAST + i, np.float32), 16_000) for i in range(len(self._hearings)))

    def segments(self, audio: Audio) -> tuple[Segment, ...]:
        """All of it."""
        return (Segment(0.0, audio.seconds),)

    def transcribe(self, recordings: Sequence[Audio]) -> list[Transcript]:
        """What was heard then."""
        rows = [self._hearings[len(recording.samples) - self.LEAST] for recording in recordings]
        return [Transcript(row[0], confidence=1.0, alternatives=tuple(row[1:])) for row in rows]
