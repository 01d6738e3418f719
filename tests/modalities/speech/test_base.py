from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from modalities.segmenter import Segmenter
from modalities.speech.base import Capabilities, cleaned, join, listen, split
from modalities.types import Audio, Encoding, Segment, Transcript, Word

RATE = 16_000


class FixedSegmenter(Segmenter):
    """Speech wherever samples are not zero."""

    def __init__(self) -> None:
        pass

    def segments(self, audio: Audio) -> tuple[Segment, ...]:
        padded = np.concatenate([[0], (audio.samples > 0.5).astype(int), [0]])
        starts, ends = np.flatnonzero(np.diff(padded) == 1), np.flatnonzero(np.diff(padded) == -1)
        return tuple(Segment(a / audio.rate, b / audio.rate) for a, b in zip(starts, ends, strict=True))


@dataclass
class CountingEngine:
    """Hears a word per piece, and remembers how long the pieces were."""

    capabilities: Capabilities = field(default_factory=lambda: Capabilities(max_seconds=5.0))
    heard: list[float] = field(default_factory=list)
    name: str = "counting"

    def transcribe(self, recordings: Sequence[Audio]) -> list[Transcript]:
        assert all(recording.rate == self.capabilities.rate for recording in recordings)
        result = []
        for recording in recordings:
            self.heard.append(recording.seconds)
            word = f"w{len(self.heard)}"
            result.append(Transcript(word, (Word(word, 0.1, 0.2, 0.5),), 0.5, (f"{word}x",)))
        return result


def recording(*parts: tuple[float, float], rate: int = RATE) -> Audio:
    """Stretches of (seconds, value)."""
    return Audio(np.concatenate([np.full(round(s * rate), v, dtype=np.float32) for s, v in parts]), rate)


def test_only_speech_is_heard_and_words_count_from_the_start() -> None:
    engine = CountingEngine()
    first = recording((1, 0), (2, 1), (3, 0), (1, 1))
    second = recording((2, 0), (1, 1))
    results = listen(engine, FixedSegmenter(), [first, second])
    assert engine.heard == [2, 1, 1]
    assert [r.text for r in results] == ["w1 w2", "w3"]
    assert [word.start for word in results[0].words] == pytest.approx([1.1, 6.1])
    assert results[0].alternatives == ("w1x w2", "w1 w2x")
    assert results[1].words[0].start == pytest.approx(2.1)


def test_recordings_of_other_rates_are_resampled() -> None:
    engine = CountingEngine()
    assert listen(engine, FixedSegmenter(), [recording((1, 0), (1, 1), rate=8_000)])[0].text == "w1"
    assert engine.heard == pytest.approx([1], abs=0.01)


@pytest.mark.parametrize(
    ("sound", "reason"),
    [
        (recording((2, 0)), "silence"),
        (recording((2, 0.001)), "silence"),
        (recording(*[(0.001, 0.4), (0.001, -0.4)] * 1000), "noise"),
        (recording((2, 0.4)), "silence"),  # nothing but a shifted mean
        (recording((1, float("nan")), (1, float("inf"))), "silence"),
        (Audio(np.zeros(0, dtype=np.float32), RATE), "silence"),
        (Audio(np.zeros(1, dtype=np.float32), RATE), "silence"),
    ],
)
def test_nothing_is_heard_where_nobody_speaks(sound: Audio, reason: str) -> None:
    engine = CountingEngine()
    (transcript,) = listen(engine, FixedSegmenter(), [sound])
    assert (transcript.text, transcript.words, transcript.rejected) == ("", (), reason)
    assert engine.heard == []


def test_a_bad_recording_is_put_right_and_spoils_no_other() -> None:
    bad = Audio(np.full(RATE, np.nan, dtype=np.float32), RATE)
    loud = Audio(recording((3, 0), (1, 1)).samples * np.float32(30), RATE)
    results = listen(CountingEngine(), FixedSegmenter(), [bad, recording((3, 0), (1, 1)), loud])
    assert [(r.text, r.rejected) for r in results] == [("", "silence"), ("w1", ""), ("w2", "")]
    assert cleaned(loud).samples.max() <= 1
    good = recording((1, 0.2), (1, -0.2))
    assert cleaned(good) is good


@dataclass
class Babbler(CountingEngine):
    """Says the same of whatever it hears."""

    text: str = ""

    def transcribe(self, recordings: Sequence[Audio]) -> list[Transcript]:
        return [Transcript(self.text, (Word("w", 0, 1, 0.9),), 0.9, ("other",)) for _ in recordings]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("where is my order", ""),
        ("Thanks for watching!", "phantom"),
        ("and then and then and then and then and then and then", "repetition"),
        ("a b c d e f g h i j k l m n o p q r s t u", "too_fast"),
    ],
)
def test_every_engine_is_guarded(text: str, reason: str) -> None:
    (heard,) = listen(Babbler(text=text), FixedSegmenter(), [recording((3, 0), (2, 1), (1, 0))])
    assert heard.rejected == reason
    assert (heard.text, heard.words, heard.alternatives) == (
        ("", (), ()) if reason else (text, heard.words, ("other",))
    )
    assert bool(heard.words) == (not reason)


def test_no_recordings_no_transcripts() -> None:
    assert listen(CountingEngine(), FixedSegmenter(), []) == []


@pytest.mark.parametrize(
    ("segments", "pieces"),
    [
        ([], []),
        ([(0, 1)], [(0, 1)]),
        ([(0, 1), (2, 3)], [(0, 3)]),  # a short pause stays within the piece
        ([(0, 1), (4, 5)], [(0, 1), (4, 5)]),  # a long one does not
        ([(0, 6), (7, 12)], [(0, 6), (7, 12)]),  # too long together
        ([(0, 25)], [(0, 25 / 3), (25 / 3, 50 / 3), (50 / 3, 25)]),  # too long by itself
    ],
)
def test_split_keeps_sentences_whole(segments: list[tuple[float, float]], pieces: list[tuple[float, float]]) -> None:
    found = split([Segment(*s) for s in segments], max_seconds=10)
    assert [time for piece in found for time in (piece.start, piece.end)] == pytest.approx(
        [time for piece in pieces for time in piece]
    )


def test_join_passes_over_what_was_rejected() -> None:
    heard, noise = Transcript("yes", confidence=0.9), Transcript("", rejected="noise")
    assert join([noise, heard, noise]) is heard
    assert join([noise, noise]).rejected == "noise"


def test_join_weighs_confidence_by_words_and_keeps_states_only_when_all_have_them() -> None:
    states = Encoding("speech", np.zeros((3, 4), dtype=np.float32))
    joined = join([Transcript("a b c", confidence=1.0, states=states), Transcript("d", confidence=0.0, states=states)])
    assert joined.confidence == pytest.approx(0.75)
    assert joined.states is not None
    assert joined.states.vectors.shape == (6, 4)
    assert join([Transcript("a", states=states), Transcript("b")]).states is None


def test_join_tells_chances_only_when_all_do() -> None:
    first = Transcript("a", alternatives=("b", "c"), chances=(0.5, 0.25, 0.25))
    second = Transcript("d", alternatives=("e",), chances=(0.8, 0.2))
    joined = join([first, second])
    assert (joined.text, *joined.alternatives) == ("a d", "b d", "a e", "c d")
    assert joined.chances == pytest.approx((4 / 9, 2 / 9, 1 / 9, 2 / 9))
    assert join([first, Transcript("d", alternatives=("e",))]).chances == ()
