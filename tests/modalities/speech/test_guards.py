"""Why a hearing is not believed."""

from __future__ import annotations

import pytest

from modalities.speech.guards import Guards, Hearing, Reason, doubt_of, guarded, plain
from modalities.speech.phantoms import COURTESIES, PHANTOMS
from modalities.types import Transcript, Word


def doubt(
    text: str, seconds: float = 4.0, log: float | None = None, silent: float | None = None, language: str = ""
) -> Reason | None:
    return doubt_of(Hearing(text, seconds, language, log, silent), Guards())


@pytest.mark.parametrize(
    ("text", "log", "silent", "reason"),
    [
        ("where is my order", -0.2, 0.01, None),
        ("where is my order", -0.2, 0.9, None),  # sure of the words
        ("where is my order", -1.5, 0.01, Reason.UNINTELLIGIBLE),
        ("where is my order", -1.5, 0.9, Reason.NO_SPEECH),
        (" ", -0.1, 0.0, Reason.NO_SPEECH),
        ("where is my order", None, None, None),  # an engine that has neither figure
    ],
)
def test_what_the_engine_itself_thinks(
    text: str, log: float | None, silent: float | None, reason: Reason | None
) -> None:
    assert doubt(text, log=log, silent=silent) == reason


@pytest.mark.parametrize(
    ("text", "seconds", "reason"),
    [
        ("word " * 60, 30, Reason.REPETITION),
        ("and then and then and then and then and then", 30, Reason.REPETITION),
        ("I see. I see. I see. I see. I see.", 30, Reason.REPETITION),
        ("well la la la la la la la la la", 30, Reason.REPETITION),
        ("no no no no I said the blue one", 30, None),
        ("my number is 0 0 0 0 0 0 0 0 0 0", 30, None),
        ("zero five five five zero one two", 30, None),
        ("yes yes yes", 30, None),
        ("very very good and very very good", 30, None),
        ("one two three four five six seven eight nine ten eleven twelve", 1.0, Reason.TOO_FAST),
        ("one two three four five six seven eight", 0.3, None),
    ],
)
def test_loops_and_haste(text: str, seconds: float, reason: Reason | None) -> None:
    assert doubt(text, seconds) == reason


@pytest.mark.parametrize(
    ("text", "language", "reason"),
    [
        ("Thanks for watching!", "en", Reason.PHANTOM),
        ("Thank you for watching. Please subscribe.", "", Reason.PHANTOM),
        ("Vielen Dank fürs Zuschauen.", "de", Reason.PHANTOM),
        ("Sous-titres réalisés par la communauté d'Amara.org", "fr", Reason.PHANTOM),
        ("ご視聴ありがとうございました。", "ja", Reason.PHANTOM),
        ("♪♪♪", "en", Reason.PHANTOM),
        ("...", "en", Reason.PHANTOM),
        ("Thanks for watching over my parcel", "en", None),
        ("I want to see music stands", "en", None),
    ],
)
def test_phrases_nobody_says(text: str, language: str, reason: Reason | None) -> None:
    assert doubt(text, log=-0.1, silent=0.0, language=language) == reason


@pytest.mark.parametrize(
    ("seconds", "log", "silent", "reason"),
    [
        (1.0, -0.1, 0.0, None),
        (1.0, None, None, None),
        (1.0, -0.8, 0.0, Reason.PHANTOM),
        (1.0, -0.1, 0.5, Reason.PHANTOM),
        (20.0, -0.1, 0.0, Reason.PHANTOM),
    ],
)
def test_a_courtesy_is_believed_unless_something_speaks_against_it(
    seconds: float, log: float | None, silent: float | None, reason: Reason | None
) -> None:
    assert doubt("Thank you.", seconds, log, silent) == reason


def test_phrases_are_written_as_they_are_compared() -> None:
    for phrases in (*PHANTOMS.values(), COURTESIES):
        assert all(plain(phrase) == phrase for phrase in phrases)


def test_a_transcript_not_believed_says_why_and_keeps_nothing_of_it() -> None:
    said = Transcript("Thanks for watching!", (Word("Thanks", 0, 1, 0.9),), 0.9, ("Thank you for watching",))
    rejected = guarded(said, 3.0)
    assert (rejected.text, rejected.words, rejected.alternatives, rejected.rejected) == ("", (), (), "phantom")
    believed = Transcript("where is my order", confidence=0.9)
    assert guarded(believed, 3.0) is believed
    silent = Transcript("", rejected="noise")
    assert guarded(silent, 3.0) is silent
