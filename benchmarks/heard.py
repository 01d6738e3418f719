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

from tqdm import tqdm

from agent.errors import InputError, MissingPartError
from benchmarks.quiet import over_telephone
from benchmarks.speech import word_errors
from modalities.audio import load
from modalities.segmenter import Segmenter
from modalities.speech.base import SpeechEngine, listen
from modalities.speech.language_model import tidy
from modalities.speech.spoken import say
from modalities.types import Audio, Transcript
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
        chances, chances_8k: of each hearing; empty where the engine did not tell.
        voice: a voice of Flite or of eSpeak NG.
        intent: what is meant, "" where not known or out of scope.
    """

    text: str
    spoken: str
    heard: tuple[str, ...]
    heard_8k: tuple[str, ...] | None
    voice: str
    intent: str = ""
    chances: tuple[float, ...] = ()
    chances_8k: tuple[float, ...] = ()

    def hearings(self, telephone: bool) -> tuple[str, ...] | None:
        """What was recognised, by telephone or not."""
        return self.heard_8k if telephone else self.heard

    def transcript(self, telephone: bool) -> Transcript:
        """The same as an engine tells it; empty where not tried."""
        text, *others = self.hearings(telephone) or ("",)
        chances = self.chances_8k if telephone else self.chances
        return Transcript(text, confidence=1.0, alternatives=tuple(others), chances=chances)


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
                told = listen(listener, segmenter, sounds)
                found = [(t.text, *t.alternatives) for t in told]
                line, chances_8k = (found[1], told[1].chances) if telephone else (None, ())
                intent = intents[i] if intents else ""
                done[text] = Heard(text, spoken, found[0], line, voice, intent, told[0].chances, chances_8k)
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
            by_line = None if row.heard_8k is None else tuple(row.heard_8k)
            chances, chances_8k = tuple(row.chances), tuple(row.chances_8k)
            yield replace(row, heard=tuple(row.heard), heard_8k=by_line, chances=chances, chances_8k=chances_8k)
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
