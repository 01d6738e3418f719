"""Sentences said by voices and heard by the embedded PocketSphinx, kept in a file so that models can be compared.

What voices say is synthetic speech: it stands for how words go wrong, not for how well people are heard.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from tqdm import tqdm

from agent.errors import InputError, MissingPartError
from benchmarks.speech import over_telephone, word_errors
from modalities.audio import load
from modalities.segmenter import Segmenter
from modalities.speech.base import SpeechEngine, listen
from modalities.speech.language_model import tidy
from modalities.speech.spoken import say
from modalities.types import Audio
from modalities.voice.espeak import ESpeak

FLITE = ("slt", "rms", "awb", "kal16")
VOICES = (*FLITE, "en-us+f2", "en-gb+m3")


@dataclass(frozen=True)
class Heard:
    """A sentence and what became of it.

    Attributes:
        text: as written.
        spoken: the words said.
        heard: the words recognised, lower case; may be empty.
        heard_8k: the same through an 8 kHz mu-law telephone line; None where not tried.
        voice: a voice of Flite or of eSpeak NG.
        intent: what is meant, "" where not known or out of scope.
    """

    text: str
    spoken: str
    heard: str
    heard_8k: str | None
    voice: str
    intent: str = ""

    def words(self, telephone: bool) -> str | None:
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
                heard: list[str | None] = [transcript.text for transcript in listen(listener, segmenter, sounds)]
                clear, line = (*heard, None)[:2]
                done[text] = Heard(text, spoken, clear or "", line, voice, intents[i] if intents else "")
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
            yield Heard(**json.loads(line))
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
    pairs = [(row.spoken, heard) for row in rows if (heard := row.words(telephone)) is not None]
    return sum(word_errors(*pair) for pair in pairs) / max(1, sum(len(spoken.split()) for spoken, _ in pairs))
