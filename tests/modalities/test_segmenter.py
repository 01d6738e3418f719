import numpy as np
import pytest

from modalities.audio import resample
from modalities.errors import InputError
from modalities.segmenter import FRAME, FRAME_SECONDS, Endpointer, Segmenter, SpeechEvent, SpeechModel, State, Timing
from modalities.types import Audio

TIMING = Timing(start=2 * FRAME_SECONDS, stop=3 * FRAME_SECONDS, pad=FRAME_SECONDS)


def run(probabilities: str, timing: Timing = TIMING) -> tuple[list[str], list[tuple[str, int]]]:
    """Feed one digit a frame (tenths of probability); the states after each and the events, in frames."""
    machine = Endpointer(timing)
    states, events = [], []
    for digit in probabilities:
        event = machine.push(int(digit) / 10)
        states.append(machine.state.value[:4])
        events += [event] if event else []
    events += [event] if (event := machine.finish()) else []
    return states, [(event.kind, round(event.time / FRAME_SECONDS)) for event in events]


@pytest.mark.parametrize(
    ("probabilities", "events"),
    [
        ("0000000000", []),
        ("0000900000", []),  # one frame is a click
        ("0009900000", [("start", 2), ("end", 6)]),
        ("9990000000", [("start", 0), ("end", 4)]),  # nothing lies before the stream
        ("0009900990000", [("start", 2), ("end", 10)]),  # a pause too short to end it
        ("0009999999", [("start", 2), ("end", 10)]),  # still speaking when the stream ends
        ("0009990", [("start", 2), ("end", 7)]),
        ("0009944440000", [("start", 2), ("end", 10)]),  # speech goes on above the release threshold
        ("0004444400", []),  # and does not begin there
        ("0990009900000", [("start", 0), ("end", 4), ("start", 5), ("end", 9)]),
    ],
)
def test_frames_make_starts_and_ends(probabilities: str, events: list[tuple[str, int]]) -> None:
    assert run(probabilities)[1] == events


def test_states_have_names() -> None:
    assert run("0990900000")[0] == ["quie", "star", "spea", "stop", "spea", "stop", "stop", "quie", "quie", "quie"]


def test_stretches_never_overlap() -> None:
    rng = np.random.default_rng(7)
    for _ in range(50):
        machine = Endpointer(Timing(start=0, stop=FRAME_SECONDS, pad=0.3))
        found = [machine.push(float(p)) for p in rng.random(200)] + [machine.finish()]
        events = [event for event in found if event]
        assert [event.kind for event in events] == ["start", "end"] * (len(events) // 2)
        times = [event.time for event in events]
        assert times == sorted(times)
        assert all(event.time <= event.known for event in events)


@pytest.mark.parametrize("wrong", [{"threshold": 1.0}, {"threshold": 0.3, "release": 0.4}, {"pad": -1.0}])
def test_timing_is_checked(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError):
        Timing(**wrong)


def test_rates_are_checked() -> None:
    with pytest.raises(InputError, match="8000 or 16000"):
        Segmenter(44_100)
    with pytest.raises(InputError, match="16000 samples"):
        Segmenter().feed(Audio(np.zeros(100, dtype=np.float32), 8_000))


@pytest.fixture(scope="module")
def conversation() -> Audio:
    """Two sentences, a second of silence before, two between and one after."""
    from modalities.voice.espeak import ESpeak

    gap = np.zeros(16_000, dtype=np.float32)
    first, second = (
        resample(ESpeak("en-us").speak(text), 16_000).samples for text in ("Where is my order?", "Thank you.")
    )
    return Audio(np.concatenate([gap, first, gap, gap, second, gap]), 16_000)


@pytest.mark.weights
def test_speech_is_found_in_a_recording_of_any_rate(conversation: Audio) -> None:
    for rate in (8_000, 16_000, 44_100):
        segments = Segmenter().segments(resample(conversation, rate))
        assert len(segments) == 2
        assert 0.6 < segments[0].start < 1.3
        assert segments[0].end + 1.0 < segments[1].start
        assert segments[1].end <= conversation.seconds


@pytest.mark.weights
@pytest.mark.parametrize(("rate", "chunk"), [(16_000, 320), (16_000, 7_001), (8_000, 160)])
def test_live_sound_gives_the_same_stretches(conversation: Audio, rate: int, chunk: int) -> None:
    live, sound = Segmenter(rate), resample(conversation, rate)
    events: list[SpeechEvent] = []
    for start in range(0, len(sound.samples), chunk):
        events += live.feed(Audio(sound.samples[start : start + chunk], rate))
    assert live.state is State.QUIET
    events += live.finish()
    assert [event.kind for event in events] == ["start", "end"] * 2
    expected = [time for segment in Segmenter().segments(sound) for time in (segment.start, segment.end)]
    assert [event.time for event in events] == pytest.approx(expected, abs=0.07)
    assert all(event.known <= sound.seconds for event in events)
    assert live.finish() == ()


@pytest.mark.weights
def test_one_frame_at_a_time_judges_like_all_at_once(conversation: Audio) -> None:
    frames = conversation.samples[: len(conversation.samples) // FRAME * FRAME].reshape(-1, FRAME)
    model = SpeechModel()
    single = np.concatenate([model.probabilities(frame[None]) for frame in frames])
    assert np.allclose(single, SpeechModel().probabilities(frames), atol=1e-5)
    model.reset()
    assert np.allclose(model.probabilities(frames), single, atol=1e-5)


@pytest.mark.weights
@pytest.mark.parametrize(
    "samples", [np.zeros(0), np.zeros(1), np.zeros(16_000), np.sin(np.arange(32_000) * 0.17) * 0.3]
)
def test_no_speech_in_silence_and_tones(samples: np.ndarray) -> None:
    assert Segmenter().segments(Audio(samples.astype(np.float32), 16_000)) == ()


@pytest.mark.weights
def test_no_speech_in_noise() -> None:
    noise = np.random.default_rng(3).normal(size=48_000) * 0.1
    assert Segmenter().segments(Audio(noise.astype(np.float32), 16_000)) == ()
