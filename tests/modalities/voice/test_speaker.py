"""What all voices share: prompts kept, an end at once; and their sound on a telephone line."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from modalities.audio import decode_alaw, decode_mulaw, resample
from modalities.errors import InputError
from modalities.types import Audio
from modalities.voice import base
from modalities.voice.base import Speaker, Voice
from modalities.voice.telephone import frames


class Counting(Speaker):
    """Says a tenth of a second for each letter, and counts."""

    def __init__(self) -> None:
        super().__init__("counting", 16_000, str.strip)
        self.said: list[str] = []

    def say(self, sentence: str, stopped: Callable[[], bool]) -> Audio:
        self.said.append(sentence)
        return tone(0.1 * len(sentence), 16_000)


def tone(seconds: float, rate: int) -> Audio:
    t = np.arange(round(seconds * rate)) / rate
    return Audio((0.3 * np.sin(2 * np.pi * 440 * t)).astype(np.float32), rate)


def test_learnt_prompts_are_made_once_and_others_never_kept() -> None:
    voice = Counting()
    assert isinstance(voice, Voice)
    voice.learn(["Hello there. How can I help?", "Hello there."])
    assert voice.said == ["Hello there.", "How can I help?"]
    first = voice.speak("Hello there. Your order is K1.")
    again = voice.speak("Hello there. Your order is K1.")
    assert voice.said[2:] == ["Your order is K1."] * 2
    assert first.seconds == pytest.approx(0.1 * (12 + 17))
    assert np.array_equal(first.samples, again.samples)


def test_too_many_prompts_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "MAX_LEARNT", 2.0)
    voice = Counting()
    with pytest.raises(InputError, match="learn fewer"):
        voice.learn(["0123456789.", "Abcdefghijklmn."])
    voice.said.clear()
    voice.speak("0123456789.")
    assert voice.said == []  # what was learnt before stays


def test_cancel_ends_what_is_being_said_and_only_that() -> None:
    voice = Counting()
    voice.learn(["One.", "Two."])
    pieces = voice.stream("One. Two. Three.")
    next(pieces)
    voice.cancel()
    assert list(pieces) == []
    assert voice.said == ["One.", "Two."]
    assert voice.speak("Three.").seconds > 0


@pytest.mark.parametrize(("codec", "decode"), [("mulaw", decode_mulaw), ("alaw", decode_alaw)])
def test_frames_carry_the_same_sound(codec: str, decode: Callable[[bytes], Audio]) -> None:
    whole = tone(1.013, 22_050)
    pieces = [Audio(part, whole.rate) for part in np.array_split(whole.samples, 7)]
    sent = list(frames(pieces, codec))  # type: ignore[arg-type]
    assert {len(frame) for frame in sent} == {160}
    assert len(sent) == 51
    heard, wanted = decode(b"".join(sent)), resample(whole, 8_000)
    assert np.abs(heard.samples[: len(wanted.samples)] - wanted.samples)[100:-100].max() < 0.03
    assert np.abs(heard.samples[len(wanted.samples) :]).max() < 0.01


def test_frames_come_as_the_sound_does() -> None:
    taken = []

    def pieces() -> Iterator[Audio]:
        for i in range(3):
            taken.append(i)
            yield tone(0.5, 16_000)

    line = frames(pieces())
    assert len(next(line)) == 160
    assert taken == [0]


def test_bad_input_of_the_line_is_named() -> None:
    assert list(frames([])) == []
    with pytest.raises(InputError, match="mulaw, alaw"):
        list(frames([tone(0.1, 8_000)], "opus"))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="one rate"):
        list(frames([tone(0.1, 8_000), tone(0.1, 16_000)]))
