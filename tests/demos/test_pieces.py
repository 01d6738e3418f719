from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from agent.errors import InputError
from agent.types import Entity, Evidence, Intent, Sentiment, Understanding
from demos.pieces import joined, pieces
from modalities.types import Transcript, Word
from tests.fakes import tone


def written(tmp_path: Path, samples: Any, rate: Any = 8_000) -> Any:
    soundfile.write(tmp_path / "x.wav", samples, rate, subtype="FLOAT")
    return tmp_path / "x.wav"


@pytest.mark.parametrize("seconds", [0.4, 29.9, 30.0, 30.1, 61.0, 200.0])
def test_pieces_are_the_whole_recording(tmp_path: Path, seconds: float) -> None:
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, int(8_000 * seconds)).astype(np.float32)
    parts = list(pieces(written(tmp_path, samples)))
    assert np.array_equal(np.concatenate([p.samples for p in parts]), samples)
    assert all(p.seconds <= 30.0 for p in parts)


def test_cuts_fall_into_pauses(tmp_path: Path) -> None:
    samples = tone(90.0, rate=8_000).samples.copy()
    for pause in (25.0, 52.0):
        samples[int(pause * 8_000) : int((pause + 0.5) * 8_000)] = 0.0
    at = np.cumsum([p.seconds for p in pieces(written(tmp_path, samples))])
    assert 25.0 < at[0] < 25.5
    assert 52.0 < at[1] < 52.5


def test_what_comes_before_the_damage_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from modalities import audio as sound

    def damaged(source: Any, seconds: float) -> Any:
        yield tone(10.0)
        raise InputError("cut off")

    monkeypatch.setattr(sound, "blocks", damaged)
    stream = pieces("x")
    assert next(stream).seconds == 10.0
    with pytest.raises(InputError, match="cut off"):
        next(stream)


def part(text: str, intents: Any, wanted: Any, entity_at: Any, score: Any, label: Any, verdict: Any = "ok") -> Any:
    entities = (Entity("date", "today", "2026-01-01", entity_at, entity_at + 5, "pattern", 0.9),)
    words = (Word("w", 1.0, 2.0, 0.5),)
    return Understanding(
        text=text,
        transcript=Transcript(text, words, 0.5),
        intents=intents,
        wanted=wanted,
        entities=entities,
        verdict=verdict,
        sentiment=Sentiment(label, score),
        timings_ms={"speech": 10.0},
    )


def test_joining_keeps_places_and_the_surest_intents() -> None:
    first = part("come today", (Intent("wait", 0.6), Intent("greet", 0.2)), 1, 5, -0.8, "negative", "unsure")
    quiet = Understanding(transcript=Transcript("", rejected="silence"), timings_ms={"speech": 1.0})
    last = part("or today", (Intent("greet", 0.9), Intent("wait", 0.7)), 2, 3, -0.2, "neutral")
    whole = joined([(0.0, first), (30.0, quiet), (55.0, last)])
    assert whole.text == "come today or today"
    assert [whole.text[e.start : e.end] for e in whole.entities] == ["today", "today"]
    assert whole.transcript is not None
    assert [w.start for w in whole.transcript.words] == [1.0, 56.0]
    assert whole.meant == (Intent("greet", 0.9), Intent("wait", 0.7))
    assert whole.verdict == "ok"
    assert whole.sentiment.score == pytest.approx(-0.5)
    assert whole.timings_ms == {"speech": 21.0}


def test_joining_keeps_the_evidence_of_the_surest_piece() -> None:
    first, last = (
        replace(
            part(text, (Intent("greet", sure),), 1, 0, 0.0, "neutral"),
            evidence=(Evidence("text", "greet", share, text[at : at + 5], at, at + 5),),
        )
        for text, sure, share, at in (("today hello", 0.6, 1.0, 6), ("today hallo", 0.9, -1.0, 6))
    )
    whole = joined([(0.0, first), (30.0, last)])
    (piece,) = whole.evidence
    assert (piece.weight, whole.text[piece.start : piece.end]) == (-1.0, "hallo")


def test_joining_silence_is_no_speech() -> None:
    quiet = Understanding(transcript=Transcript("", rejected="noise"))
    whole = joined([(0.0, quiet), (30.0, quiet)])
    assert whole.transcript is not None
    assert (whole.text, whole.verdict, whole.transcript.rejected) == ("", "no_speech", "noise")
