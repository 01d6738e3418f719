import pytest

from modalities.speech.weighing import ALONE, Hearing, weighed, worded
from modalities.types import Transcript, Word


def heard(text: str, confidence: float, *others: str) -> Transcript:
    words = tuple(Word(word, i, i + 1.0, confidence) for i, word in enumerate(text.split()))
    return Transcript(text, words, confidence if text else 0.0, others)


def by_wheel(transcript: Transcript, step: float = 1.0) -> Hearing:
    texts = (transcript.text, *transcript.alternatives) if transcript.text else ()
    return Hearing(transcript, {text: -50.0 - step * i for i, text in enumerate(texts)})


@pytest.mark.parametrize(
    ("wheel", "phones", "wanted"),
    [
        (heard("nine", 0.6, "five"), heard("five", 0.7), "five"),  # fits much better
        (heard("nine", 0.6, "five"), heard("", 0.0), "five"),  # what the wheel's model heard second
        (heard("nine", 0.6), heard("mine", 0.7), "nine"),  # fits a little better
        (heard("nine", 0.6), heard("five", 0.7, "mine"), "five"),
        (heard("nine", 0.6), heard("mine", 0.7, "five"), "five"),  # what the phones heard second
        (heard("five", 0.3), heard("five", 0.8), "five"),
        (heard("", 0.0), heard("five", ALONE), "five"),
        (heard("", 0.0), heard("five", ALONE - 0.1), ""),
        (heard("", 0.0), heard("", 0.95), ""),
        (heard("nine", 0.05), heard("", 0.0), ""),  # neither sure nor heard by the phones
        (heard("nine", 0.05), heard("mine", 0.6, "nine"), "nine"),
        (heard("nine", 0.6), heard("", 0.0), "nine"),
    ],
)
def test_what_fits_best_of_all_hearings_is_taken(wheel: Transcript, phones: Transcript, wanted: str) -> None:
    fit = {"five": -1.0, "nine": -20.0, "mine": -17.0}
    best = weighed(by_wheel(wheel), phones, lambda texts: [fit[text] for text in texts])
    assert best.text == wanted
    assert best.text not in best.alternatives
    if best.text:
        ours = [found for found in (wheel, phones) if found.text]
        texts = {text for found in ours for text in (found.text, *found.alternatives)}
        assert set(best.alternatives) == texts - {best.text}
        assert [word.text for word in best.words] == best.text.split()
        assert best.rejected == ""
        assert len(best.chances) == 1 + len(best.alternatives)
        assert sum(best.chances) == pytest.approx(1.0)
        assert list(best.chances) == sorted(best.chances, reverse=True)


def test_the_wheels_model_holds_no_more_against_others_than_it_may() -> None:
    sure = by_wheel(heard("nine", 0.9, "five"), step=1_000.0)
    assert (
        weighed(sure, heard("", 0.0), lambda texts: [{"nine": -9.0, "five": -2.0}[text] for text in texts]).text
        == "five"
    )


def test_words_keep_their_times_and_others_share_those_of_what_they_stand_for() -> None:
    nearest = heard("where is my older k for", 0.8)
    found = worded("where is my order k four five", [heard("what", 0.9), nearest])
    assert [(word.text, word.start, word.end) for word in found.words] == [
        ("where", 0, 1), ("is", 1, 2), ("my", 2, 3), ("order", 3, 4), ("k", 4, 5), ("four", 5, 5.5), ("five", 5.5, 6),
    ]  # fmt: skip
    assert [word.confidence for word in found.words] == [0.8, 0.8, 0.8, 0.4, 0.8, 0.4, 0.4]


@pytest.mark.parametrize(("text", "times"), [("a b c", [(0, 1), (1, 1), (1, 2)]), ("b a", [(0, 0), (0, 1)])])
def test_words_nobody_heard_take_no_time(text: str, times: list[tuple[float, float]]) -> None:
    found = worded(text, [heard("a c" if "c" in text else "a", 0.8)])
    assert [(word.start, word.end) for word in found.words] == times
