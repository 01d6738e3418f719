"""Why a hearing is not believed: guards against invented text, for every speech engine.

Engines that always answer write something for silence, noise and music too: nothing but a repeated word, the last
line of a film's subtitles, more words than fit the time. Each check here is of text and a few figures, and says why.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from modalities.speech.phantoms import COURTESIES, PHANTOMS
from modalities.types import Transcript

SENTENCE_END = re.compile(r"[!?…。！？♪\n]+|\.(?=\s|$)")


class Reason(StrEnum):
    """Why sound was not taken for words. An engine may give others of its own."""

    SILENCE = "silence"
    """Too quiet to hold speech."""
    NOISE = "noise"
    """Sound, and nobody speaks in it."""
    NO_SPEECH = "no_speech"
    """The engine itself doubts that somebody speaks, and is unsure of the words."""
    UNINTELLIGIBLE = "unintelligible"
    """The engine is unsure of the words."""
    REPETITION = "repetition"
    """The same over and over."""
    TOO_FAST = "too_fast"
    """More words than anybody can say in the time."""
    PHANTOM = "phantom"
    """A phrase known to be written where nobody speaks."""


@dataclass(frozen=True)
class Guards:
    """When a hearing is not believed. The first three are the paper's (Radford et al. 2022, section 4.5).

    Attributes:
        no_speech: probability of no speech above which a doubtful hearing is taken for none.
        log_probability: mean log-probability of a token, below which a hearing is doubtful.
        compression: ratio of the text's length to its zlib-compressed length, above which it repeats itself.
        temperatures: of the first and the further tries at a window whose hearing is doubtful or repeats itself.
        words_per_second: more than anybody can say, however short the sound.
        loop: times in a row that a phrase of two words or more is said, from which on it is a loop.
        loop_word: the same for a single word; digits are said in rows of the same.
        courtesy_no_speech: probability of no speech from which on a lone courtesy ("thank you") is not believed.
        courtesy_log_probability: mean log-probability below which it is not.
        courtesy_seconds: sound longer than this holds more than a lone courtesy.
    """

    no_speech: float = 0.6
    log_probability: float = -1.0
    compression: float = 2.4
    temperatures: tuple[float, ...] = (0.0, 0.4, 0.8)
    words_per_second: float = 8.0
    loop: int = 5
    loop_word: int = 9
    courtesy_no_speech: float = 0.3
    courtesy_log_probability: float = -0.7
    courtesy_seconds: float = 8.0


@dataclass(frozen=True)
class Hearing:
    """What the guards look at.

    Attributes:
        text: the words.
        seconds: length of the sound they were heard in.
        language: code of their language; empty when not known.
        log_probability: mean over the tokens, where the engine has it.
        no_speech: probability that nobody speaks, where the engine has it.
    """

    text: str
    seconds: float
    language: str = ""
    log_probability: float | None = None
    no_speech: float | None = None


def doubt_of(hearing: Hearing, guards: Guards) -> Reason | None:
    """Why a hearing is not believed; None when it is."""
    unsure = hearing.log_probability is not None and hearing.log_probability < guards.log_probability
    silent = hearing.no_speech is not None and hearing.no_speech > guards.no_speech
    if not hearing.text.strip() or (silent and unsure):
        return Reason.NO_SPEECH
    if repeats(hearing.text, guards):
        return Reason.REPETITION
    if len(hearing.text.split()) > guards.words_per_second * max(hearing.seconds, 1.0):
        return Reason.TOO_FAST
    if is_phantom(hearing, guards):
        return Reason.PHANTOM
    return Reason.UNINTELLIGIBLE if unsure else None


def guarded(transcript: Transcript, seconds: float, guards: Guards | None = None) -> Transcript:
    """The transcript itself, or an empty one that says why: what the text alone tells, whatever the engine.

    Args:
        transcript: what an engine heard.
        seconds: length of the sound.
        guards: when a hearing is not believed.
    """
    if not transcript.text:
        return transcript
    reason = doubt_of(Hearing(transcript.text, seconds, transcript.language), guards or Guards())
    if reason is None:
        return transcript
    return replace(transcript, text="", words=(), alternatives=(), chances=(), rejected=reason.value)


def compression(text: str) -> float:
    """How many times smaller zlib makes the text."""
    data = text.encode()
    return len(data) / len(zlib.compress(data))


def repeats(text: str, guards: Guards) -> bool:
    """Whether the text is a loop: as a whole by how well it compresses, or a phrase said many times in a row."""
    if compression(text) > guards.compression:
        return True
    words = plain(text).split()
    if any(_in_a_row(words, size) >= guards.loop for size in range(2, len(words) // guards.loop + 1)):
        return True
    return any(not words[at].isdigit() for at in _rows_of_one(words, guards.loop_word))


def _in_a_row(words: Sequence[str], size: int) -> int:
    """How often, at most, a phrase of so many differing words comes in a row."""
    most = 0
    for shift in range(size):
        phrases = [tuple(words[at : at + size]) for at in range(shift, len(words) - size + 1, size)]
        run = 0
        for at, phrase in enumerate(phrases):
            run = run + 1 if at and phrase == phrases[at - 1] else 1
            if len(set(phrase)) > 1:
                most = max(most, run)
    return most


def _rows_of_one(words: Sequence[str], least: int) -> list[int]:
    """Where so many of the same word begin."""
    return [at for at in range(len(words) - least + 1) if len(set(words[at : at + least])) == 1]


def is_phantom(hearing: Hearing, guards: Guards) -> bool:
    """Whether every sentence is one known to be written where nobody speaks.

    A courtesy, which customers do say, is one only where the sound or the engine speaks against it.
    """
    sentences = [plain(part) for part in SENTENCE_END.split(hearing.text)]
    sentences = [sentence for sentence in sentences if sentence]
    if not sentences:
        return True  # marks alone, such as notes of music
    known = PHANTOMS.get(hearing.language) if hearing.language else None
    phantoms = known if known is not None else frozenset().union(*PHANTOMS.values())
    if all(sentence in phantoms for sentence in sentences):
        return True
    if not all(sentence in phantoms or sentence in COURTESIES for sentence in sentences):
        return False
    return (
        (hearing.no_speech is not None and hearing.no_speech > guards.courtesy_no_speech)
        or (hearing.log_probability is not None and hearing.log_probability < guards.courtesy_log_probability)
        or hearing.seconds > guards.courtesy_seconds * len(sentences)
    )


def plain(text: str) -> str:
    """Words in lower case, one space between them, without marks."""
    return " ".join(re.findall(r"\w+(?:['’.]\w+)*", text.lower().replace("’", "'")))
