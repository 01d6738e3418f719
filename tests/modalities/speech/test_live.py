"""The turn logic on sound whose loudness stands for speech, then the real models on spoken turns."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO

import numpy as np
import pytest

from modalities import segmenter
from modalities.audio import encode_mulaw, encode_pcm16, resample
from modalities.errors import InputError
from modalities.speech.live import CALM, Listener, State, TurnTiming
from modalities.speech.live_events import Acknowledged, Interrupted, LiveEvent, Partial, TurnComplete
from modalities.types import Audio, FloatArray

RATE = 16_000
BLOCK = 512
TIMING = TurnTiming(looks=((0.25, 0.9), (0.5, 0.5)), longest_pause=1.2, longest_turn=4.0, interruption=0.9)


class LoudIsSpeech:
    """In the place of Silero VAD: a frame with a loud sample is speech."""

    def reset(self) -> None:
        pass

    def probabilities(self, frames: FloatArray) -> FloatArray:
        loud: FloatArray = (np.abs(frames).max(axis=1, initial=0.0) > 0.1).astype(np.float32)
        return loud


@dataclass
class Judge:
    """In the place of Smart Turn: answers as told, the last answer over and over."""

    answers: list[float]
    asked: list[float] = field(default_factory=list)

    def probability(self, audio: Audio) -> float:
        self.asked.append(audio.seconds)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@dataclass
class Asides:
    answer: bool
    asked: int = 0
    assent: bool = False

    def is_aside(self, audio: Audio, assent: bool = False) -> bool:
        self.asked += 1
        self.assent = assent
        return self.answer


class Words:
    """Hears one more word with every half second of sound."""

    def __init__(self) -> None:
        self.heard, self.closed, self.streams = 0, 0, 0

    def stream(self, rate: int) -> Words:
        self.streams, self.heard = self.streams + 1, 0
        return self

    def feed(self, audio: Audio) -> str:
        self.heard += len(audio.samples)
        return " ".join(["word"] * (self.heard // (RATE // 2)))

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def loud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segmenter, "SpeechModel", LoudIsSpeech)


def sound(*parts: float, rate: int = RATE) -> Audio:
    """Seconds of silence and of speech in turn, beginning with silence."""
    pieces = [np.full(round(s * rate), 0.5 * (i % 2), dtype=np.float32) for i, s in enumerate(parts)]
    return Audio(np.concatenate(pieces), rate)


def run(listener: Listener, audio: Audio, chunk: int = 320, finish: bool = False) -> list[LiveEvent]:
    events: list[LiveEvent] = []
    for start in range(0, len(audio.samples), chunk):
        events += listener.feed(Audio(audio.samples[start : start + chunk], audio.rate))
    return [*events, *(listener.finish() if finish else ())]


def kinds(events: Sequence[LiveEvent]) -> list[str]:
    return [type(event).__name__ for event in events]


def turns(events: Sequence[LiveEvent]) -> list[TurnComplete]:
    return [event for event in events if isinstance(event, TurnComplete)]


@pytest.mark.usefixtures("loud")
@pytest.mark.parametrize(
    ("answers", "reason", "pause"),
    [([0.95], "finished", 0.25), ([0.7], "finished", 0.5), ([0.1, 0.6], "finished", 0.5), ([0.2], "pause", 1.2)],
)
def test_the_surer_the_model_the_sooner_a_turn_is_over(answers: list[float], reason: str, pause: float) -> None:
    judge = Judge(answers)
    events = run(Listener(turns=judge, timing=TIMING), sound(1.0, 1.0, 2.0))
    assert kinds(events) == ["SpeechStarted", "TurnComplete"]
    (turn,) = turns(events)
    assert turn.reason == reason
    assert turn.start == pytest.approx(RATE, abs=BLOCK)
    assert turn.end == pytest.approx(2 * RATE, abs=BLOCK)
    assert 0 <= turn.at - turn.end - pause * RATE <= BLOCK
    assert turn.audio.seconds == pytest.approx((turn.at - turn.start) / RATE + TIMING.margin, abs=0.001)
    assert judge.asked == sorted(judge.asked)


@pytest.mark.usefixtures("loud")
def test_a_pause_within_a_turn_does_not_end_it() -> None:
    judge = Judge([0.1, 0.95])
    (turn,) = turns(run(Listener(turns=judge, timing=TIMING), sound(0.5, 0.6, 0.4, 0.6, 1.0)))
    assert turn.start == pytest.approx(0.5 * RATE, abs=BLOCK)
    assert turn.end == pytest.approx(2.1 * RATE, abs=BLOCK)
    assert turn.probability == 0.95


@pytest.mark.usefixtures("loud")
def test_without_a_model_every_turn_waits_for_the_longest_pause() -> None:
    (turn,) = turns(run(Listener(timing=TIMING), sound(0.5, 0.6, 0.8, 0.6, 1.5)))
    assert (turn.reason, turn.probability) == ("pause", 1.0)
    assert turn.at - turn.end == pytest.approx(1.2 * RATE, abs=BLOCK)


@pytest.mark.usefixtures("loud")
@pytest.mark.parametrize("chunk", [1, 160, 512, 7_001, 10**9])
def test_events_do_not_depend_on_the_frames(chunk: int) -> None:
    audio = sound(0.1, 0.6, 0.4, 0.6, 1.0) if chunk == 1 else sound(0.5, 0.6, 0.4, 0.6, 1.5, 0.5, 1.5)

    def seen(size: int) -> list[tuple[str, int]]:
        listener = Listener(turns=Judge([0.1, 0.95]), timing=TIMING)
        return [(type(event).__name__, event.at) for event in run(listener, audio, size)]

    assert seen(chunk) == seen(320)


@pytest.mark.usefixtures("loud")
def test_several_turns_hold_their_own_sound() -> None:
    found = turns(run(Listener(turns=Judge([0.95]), timing=TIMING), sound(5.0, 0.5, 3.0, 1.5, 1.0)))
    assert [round((turn.end - turn.start) / RATE, 1) for turn in found] == [0.5, 1.5]
    assert [round(float((turn.audio.samples > 0).mean() * turn.audio.seconds), 1) for turn in found] == [0.5, 1.5]


@pytest.mark.usefixtures("loud")
def test_speech_without_end_is_cut_and_goes_on_as_the_next_turn() -> None:
    found = turns(run(Listener(turns=Judge([0.95]), timing=TIMING), sound(0.5, 10.0, 1.0)))
    assert [turn.reason for turn in found] == ["longest", "longest", "finished"]
    assert found[1].start == found[0].at
    assert sum(turn.end - turn.start for turn in found) == pytest.approx(10 * RATE, abs=3 * BLOCK)


@pytest.mark.usefixtures("loud")
def test_the_end_of_the_stream_ends_the_turn() -> None:
    listener = Listener(turns=Judge([0.1]), timing=TIMING)
    (turn,) = turns(run(listener, sound(0.5, 1.0), finish=True))
    assert (turn.reason, turn.end) == ("ended", round(1.5 * RATE))
    assert listener.state is State.QUIET
    (again,) = turns(run(listener, sound(0.5, 1.0, 0.1), finish=True))  # and another stream begins
    assert again.start == turn.start
    assert listener.finish() == ()


@pytest.mark.usefixtures("loud")
@pytest.mark.parametrize(
    ("aside", "speech", "speaking", "expected"),
    [
        (True, 0.4, True, ["Stirred", "SpeechStarted", "Acknowledged"]),
        (False, 0.4, True, ["Stirred", "SpeechStarted", "Interrupted", "TurnComplete"]),
        (True, 1.5, True, ["Stirred", "SpeechStarted", "Interrupted", "TurnComplete"]),  # too long for an "mhm"
        (True, 0.4, False, ["SpeechStarted", "TurnComplete"]),  # an answer
    ],
)
def test_acknowledgements_do_not_interrupt(aside: bool, speech: float, speaking: bool, expected: list[str]) -> None:
    listener = Listener(turns=Judge([0.95]), asides=Asides(aside), timing=TIMING)
    listener.agent_speaking = speaking
    events = run(listener, sound(0.5, speech, 1.5))
    assert kinds(events) == expected
    for event in events:
        if isinstance(event, Acknowledged):
            assert (event.end - event.start) / RATE == pytest.approx(speech, abs=2 * BLOCK / RATE)
        if isinstance(event, Interrupted):
            known = speech + 0.25 if speech < TIMING.interruption else TIMING.interruption
            assert (event.at - event.start) / RATE == pytest.approx(known, abs=2 * BLOCK / RATE)


@pytest.mark.usefixtures("loud")
def test_an_interruption_is_told_once_and_asked_about_once() -> None:
    asides = Asides(False)
    listener = Listener(turns=Judge([0.1]), asides=asides, timing=TIMING)
    listener.agent_speaking = True
    told = kinds(run(listener, sound(0.5, 0.4, 0.4, 0.4, 2.0)))
    assert told == ["Stirred", "SpeechStarted", "Interrupted", "TurnComplete"]
    assert asides.asked == 1
    assert not asides.assent
    listener.agent_asks = False
    run(listener, sound(0.5, 0.4, 2.0))
    assert asides.assent


@pytest.mark.usefixtures("loud")
@pytest.mark.parametrize("speaking", [True, False])
def test_a_blip_while_the_agent_speaks_is_told_at_its_first_frame_and_when_it_was_nothing(speaking: bool) -> None:
    listener = Listener(turns=Judge([0.95]), timing=TIMING)
    listener.agent_speaking = speaking
    events = run(listener, sound(0.512, 0.03, 0.5, 0.03, 0.5))
    assert kinds(events) == ["Stirred", "Calmed"] * (2 * speaking)
    if speaking:
        first, second, third, _ = (event.at for event in events)
        assert first == 17 * BLOCK  # the frame it is in
        assert second == first + CALM * BLOCK
        assert third > second


@pytest.mark.usefixtures("loud")
def test_partial_results_come_while_the_customer_speaks() -> None:
    words = Words()
    listener = Listener(turns=Judge([0.95]), engine=words, timing=TIMING)
    events = run(listener, sound(0.5, 1.5, 1.0, 0.5, 1.0))
    first = [event for event in events if isinstance(event, Partial)]
    assert [event.text for event in first[:3]] == ["word", "word word", "word word word"]
    assert kinds(events).index("Partial") < kinds(events).index("TurnComplete")
    assert (words.streams, words.closed) == (2, 2)
    # Each turn's sound, margin and pause included, was heard once and whole.
    assert words.heard == len(turns(events)[-1].audio.samples)


@pytest.mark.usefixtures("loud")
@pytest.mark.parametrize("codec", ["pcm16", "mulaw"])
def test_bytes_are_read_by_the_lines_codec(codec: str) -> None:
    audio = sound(0.5, 1.0, 1.0, rate=8_000)
    data = {"pcm16": encode_pcm16, "mulaw": encode_mulaw}[codec](audio)
    listener = Listener(8_000, codec=codec, turns=Judge([0.95]), timing=TIMING)  # type: ignore[arg-type]
    step = 320 if codec == "pcm16" else 160
    events = [event for i in range(0, len(data), step) for event in listener.feed(data[i : i + step])]
    (turn,) = turns(events)
    assert turn.audio.rate == 8_000
    assert turn.end == pytest.approx(12_000, abs=2 * 256)


@pytest.mark.usefixtures("loud")
def test_what_is_kept_in_silence_does_not_grow() -> None:
    listener = Listener(timing=TIMING)
    run(listener, sound(60.0), chunk=RATE)
    assert sum(map(len, listener._kept)) < 2 * RATE


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"looks": ((0.5, 0.5), (0.2, 0.9))}, "rise"),
        ({"looks": ((2.0, 0.5),)}, "below 1.2"),
        ({"looks": ((0.2, 1.5),)}, "0 to 1"),
        ({"margin": -1.0}, "negative"),
        ({"longest_turn": 1.0}, "longest turn"),
    ],
)
def test_timing_is_checked(wrong: dict[str, object], named: str) -> None:
    with pytest.raises(InputError, match=named):
        TurnTiming(**wrong)  # type: ignore[arg-type]


@pytest.mark.usefixtures("loud")
def test_bad_frames_are_named() -> None:
    with pytest.raises(InputError, match="8000 or 16000"):
        Listener(44_100)
    with pytest.raises(InputError, match="pcm16, mulaw, alaw"):
        Listener(codec="opus")  # type: ignore[arg-type]
    listener = Listener()
    with pytest.raises(InputError, match="16000 samples"):
        listener.feed(sound(0.1, rate=8_000))
    with pytest.raises(InputError, match="even number"):
        listener.feed(b"\x00\x01\x02")
    assert listener.feed(b"") == listener.feed(Audio(np.zeros(1, np.float32), RATE)) == ()
    assert listener.feed(Audio(np.full(RATE, np.nan), RATE)) == ()


# -- the real models ---------------------------------------------------------------------------------------------


@cache
def spoken(text: str) -> Audio:
    """A sentence by an eSpeak NG of its own: in one process the library's sound depends on what it said before."""
    code = (
        "import sys, numpy as np; from modalities.voice.espeak import ESpeak; "
        "said = ESpeak('en-us').speak(sys.argv[1]); "
        "np.savez(sys.stdout.buffer, samples=said.samples, rate=said.rate)"
    )
    done = subprocess.run([sys.executable, "-c", code, text], capture_output=True, check=True, timeout=60)
    with np.load(BytesIO(done.stdout)) as found:
        return resample(Audio(found["samples"], int(found["rate"])), RATE)


def say(text: str, rate: int = RATE) -> Audio:
    """A sentence by eSpeak NG between faint noise."""
    rng = np.random.default_rng(7)
    around = [rng.normal(size=n).astype(np.float32) * np.float32(0.001) for n in (RATE // 2, 2 * RATE)]
    return resample(Audio(np.concatenate([around[0], spoken(text).samples, around[1]]), RATE), rate)


@pytest.mark.weights
@pytest.mark.parametrize("rate", [8_000, 16_000])
def test_a_spoken_turn_is_taken_whole(rate: int) -> None:
    from modalities.speech.live_turn import SmartTurn

    audio = say("I would like to return my order, please.", rate)
    (turn,) = turns(run(Listener(rate, turns=SmartTurn()), audio, chunk=rate // 50))
    loud = np.flatnonzero(np.abs(audio.samples) > 0.02)
    assert turn.start / rate == pytest.approx(loud[0] / rate, abs=0.15)
    assert turn.end / rate == pytest.approx(loud[-1] / rate, abs=0.2)
    assert turn.at - turn.end < 1.3 * rate


@pytest.mark.weights
@pytest.mark.parametrize("change", [lambda x: x * 30, lambda x: x + 0.2, lambda x: x * 0.03])
def test_clipped_shifted_and_quiet_sound_is_heard(change: object) -> None:
    audio = say("Where is my order?")
    bent = Audio(change(audio.samples).astype(np.float32), RATE)  # type: ignore[operator]
    assert len(turns(run(Listener(), bent))) == 1


@pytest.mark.weights
def test_noise_and_tones_are_no_turns() -> None:
    rng = np.random.default_rng(3)
    t = np.arange(3 * RATE) / RATE
    for samples in (rng.normal(size=3 * RATE) * 0.1, 0.3 * np.sin(2 * np.pi * 440 * t), (t % 0.5 < 0.002) * 0.8):
        assert run(Listener(), Audio(samples.astype(np.float32), RATE), finish=True) == []


@pytest.mark.weights
def test_smart_turn_sees_the_features_it_was_trained_with() -> None:
    import librosa

    from modalities.speech.live_turn import SmartTurn, _filters, log_mel

    assert np.allclose(_filters(), librosa.filters.mel(sr=RATE, n_fft=400, n_mels=80), atol=1e-6)
    assert log_mel(np.zeros(RATE, dtype=np.float32)).shape == (80, 800)
    whole = say("Can you tell me where my order is?")
    cut = Audio(whole.samples[: round(1.35 * RATE)], RATE)  # within the sentence
    assert SmartTurn().probability(cut) < 0.5
    assert 0 <= SmartTurn().probability(Audio(np.zeros(0, np.float32), 8_000)) <= 1


@pytest.mark.weights
def test_acknowledgements_are_told_from_interruptions() -> None:
    from modalities.speech.live_aside import Acknowledgements

    model = Acknowledgements()
    for text, aside in (("okay", True), ("right", True), ("stop", False), ("wait", False)):
        sound = say(text).samples[RATE // 5 : -round(1.75 * RATE)]
        assert model.is_aside(Audio(sound, RATE)) is aside, text
    assert not model.is_aside(Audio(np.zeros(RATE, np.float32), RATE))


@pytest.mark.weights
def test_pocketsphinx_hears_while_one_speaks(tmp_path: object) -> None:
    from modalities.speech.language_model import compile_model
    from modalities.speech.pocketsphinx import PocketSphinx

    folder = compile_model(["where is my order", "cancel my order"] * 5, str(tmp_path))
    engine = PocketSphinx(folder, streams=1)
    assert engine.capabilities.partials
    assert not PocketSphinx(folder).capabilities.partials
    for rate in (16_000, 8_000):
        events = run(Listener(rate, engine=engine), say("Where is my order?", rate), finish=True)
        texts = [event.text for event in events if isinstance(event, Partial)]
        assert texts[-1].startswith("where")
        assert not texts[-1].startswith("cancel")
        assert len(texts) > 1
    first = engine.stream()
    assert first is not None
    assert engine.stream() is None  # all are taken
    first.close()
    first.close()
    again = engine.stream()
    assert again is not None
    again.close()
