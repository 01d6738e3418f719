"""eSpeak NG's real voices."""

from __future__ import annotations

import builtins
import threading
from typing import Any

import numpy as np
import pytest

from modalities.errors import InputError, MissingPartError
from modalities.types import Audio
from modalities.voice import espeak
from modalities.voice.base import Voice
from modalities.voice.espeak import ESpeak


def loudness(audio: Audio) -> float:
    return float(np.sqrt(np.mean(audio.samples**2)))


def test_speaks() -> None:
    voice: Voice = ESpeak()
    said = voice.speak("Your order K123456 ships tomorrow, and the total is $12.50.")
    assert said.rate == voice.rate == 22_050
    assert 4 < said.seconds < 15
    assert loudness(said) > 0.02
    assert np.abs(said.samples).max() <= 1


def test_is_loud_where_words_are_and_silent_at_the_end() -> None:
    said = ESpeak().speak("Hello.")
    tail = Audio(said.samples[-len(said.samples) // 20 :], said.rate)
    assert loudness(tail) < loudness(said) / 20


def test_longer_text_is_longer_sound() -> None:
    voice = ESpeak()
    one, five = (voice.speak("Your parcel is on the way. " * count).seconds for count in (1, 5))
    assert 4 * one < five < 6 * one


@pytest.mark.parametrize("text", ["", "   ", "...", "😀👍", "<b></b>", "你好", "\x00\x01\x02"])
def test_nothing_to_say_is_empty_sound(text: str) -> None:
    assert ESpeak().speak(text).seconds == 0
    assert list(ESpeak().stream(text)) == []


@pytest.mark.parametrize("text", ["hello there " * 834, "x" * 10_000, "<b>hi</b> 😀 \x01 " * 600, "[[fI'r]] " * 50])
def test_odd_text_is_spoken(text: str) -> None:
    assert ESpeak().speak(text).seconds > 0.3


def test_control_codes_cannot_change_the_voice() -> None:
    # Ctrl-A starts an embedded command in eSpeak's input: here "speed 450".
    plain, coded = (ESpeak(speed=100).speak(text).seconds for text in ("Hello my friend", "\x01450S Hello my friend"))
    assert coded > plain * 0.9


def test_streams_the_first_sentence_before_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    voice, spoken = ESpeak(), []
    original = espeak.Engine.synthesize

    def record(self: Any, text: str, *args: Any) -> Any:
        spoken.append(text)
        return original(self, text, *args)

    monkeypatch.setattr(espeak.Engine, "synthesize", record)
    pieces = voice.stream("The first one. The second one.")
    first = next(pieces)
    assert spoken == ["The first one."]
    assert first.seconds > 0.5
    assert len(list(pieces)) == 1


def test_streamed_sound_is_the_spoken_sound() -> None:
    voice = ESpeak()
    text = "The first one. The second one."
    # The engine's oscillators run on between calls, so lengths differ by some samples.
    assert sum(piece.seconds for piece in voice.stream(text)) == pytest.approx(voice.speak(text).seconds, abs=0.01)


def test_cancel_ends_the_stream_and_only_that() -> None:
    voice = ESpeak()
    pieces = voice.stream("One thing. " * 50)
    next(pieces)
    voice.cancel()
    assert list(pieces) == []
    assert voice.speak("Hello.").seconds > 0.2


def test_cancel_from_another_thread_cuts_a_sentence_short() -> None:
    engine = espeak.engine()
    text = "and so on " * 1000
    asked = iter([False, False])
    cut = engine.synthesize(text, "en-us", 80, lambda: next(asked, True))
    assert 0 < len(cut) / engine.rate < 30


def test_speed_and_voices_differ() -> None:
    slow, fast = (ESpeak(speed=speed).speak("How can I help you today?").seconds for speed in (100, 300))
    assert slow > 1.8 * fast
    man, woman = (ESpeak(voice).speak("How can I help you today?") for voice in ("en-us", "en-us+f4"))
    length = min(len(man.samples), len(woman.samples))
    assert not np.allclose(man.samples[:length], woman.samples[:length], atol=0.05)


def test_other_languages_are_read_in_their_own_letters() -> None:
    assert ESpeak("ru").speak("Привет, как дела?").seconds > 0.8
    assert ESpeak("de").speak("<b>12</b>").seconds > 0.4


def test_threads_do_not_mix_their_voices() -> None:
    voices = [ESpeak(speed=speed) for speed in (100, 200, 400)]
    expected = [voice.speak("Hello there my friend.").seconds for voice in voices]
    heard: list[list[float]] = [[], [], []]

    def talk(index: int) -> None:
        heard[index] = [voices[index].speak("Hello there my friend.").seconds for _ in range(20)]

    threads = [threading.Thread(target=talk, args=(index,)) for index in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index in range(3):
        assert heard[index] == pytest.approx([expected[index]] * 20, abs=0.01)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"voice": "klingon"}, "en-us"),
        ({"voice": "en-us+nobody"}, "f3"),
        ({"voice": ""}, "en-us"),
        ({"speed": 10}, "80 to 450"),
        ({"speed": 9000}, "80 to 450"),
    ],
)
def test_unknown_voices_and_speeds_name_the_valid_ones(arguments: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        ESpeak(**arguments)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "espeakng_loader":
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingPartError, match="espeakng-loader"):
        espeak.Engine()


def test_phonemes_are_parted() -> None:
    assert espeak.engine().phonemes("Hello there.", "en-us") == "h_ə_l_ˈoʊ ð_ˈɛɹ"
    assert espeak.engine().phonemes("", "en-us") == ""
