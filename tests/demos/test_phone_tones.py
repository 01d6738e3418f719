"""Faxes and music on the line: told from voices, and left alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from demos.phone.manners import Manners
from demos.phone.tones import LOUD_SECONDS, Tones
from demos.phone.web import Secrets
from modalities.audio import encode_pcm16, load, resample
from modalities.types import Audio
from tests.demos.phone_line import Office, RuleAgent, Wire, until
from tests.demos.test_phone_web import asked, post

RATE = 8_000
Sound = np.ndarray[Any, np.dtype[np.float64]]


def tone(seconds: float, *hertz: float, level: float = 0.2) -> Sound:
    at = np.arange(round(seconds * RATE)) / RATE
    found: Sound = np.asarray(level * sum(np.sin(2 * np.pi * one * at) for one in hertz) / max(1, len(hertz)))
    return found


def quiet(seconds: float) -> Sound:
    return np.random.default_rng(0).standard_normal(round(seconds * RATE)) * 3e-4


def followed(sound: Sound, step: int = 160) -> Tones:
    tones, pcm = Tones(RATE), encode_pcm16(Audio(sound.astype(np.float32), RATE))
    for start in range(0, len(pcm), 2 * step):
        tones.feed(pcm[start : start + 2 * step])
    return tones


CALLING = [tone(0.5, 1_100), quiet(3.0)]


@pytest.mark.parametrize(
    ("parts", "fax"),
    [
        ([quiet(1.0), *CALLING * 2], True),
        ([quiet(1.0), tone(0.5, 1_120), quiet(3.0), tone(0.52, 1_085), quiet(0.2)], True),
        ([tone(3.0, 2_100)], True),
        ([*CALLING], False),  # once is a whistle
        ([tone(5.0, 1_100)], False),  # too long
        ([tone(0.1, 1_100), quiet(1.0)] * 5, False),  # too short
        ([tone(3.0, 440)], False),
        ([tone(0.5, 350, 440), quiet(0.5)] * 4, False),  # busy
        ([tone(0.5, 697, 1_209), quiet(0.5)] * 4, False),  # keys
        ([tone(0.5, 1_100, level=1e-3), quiet(3.0)] * 3, False),  # a hum far away
        ([np.random.default_rng(1).standard_normal(5 * RATE) * 0.1], False),
    ],
)
@pytest.mark.parametrize("step", [160, 240])
def test_a_fax_is_told_by_its_tones(parts: Sequence[Sound], fax: bool, step: int) -> None:
    assert followed(np.concatenate(parts), step).fax is fax


@pytest.mark.parametrize("name", ["return", "yes", "address", "goodbye"])
def test_voices_are_no_fax_and_no_music(name: str) -> None:
    from benchmarks.call_sounds import SAMPLES

    tones = followed(resample(load(SAMPLES / f"{name}.flac"), RATE).samples.astype(np.float64))
    assert not tones.fax
    assert not tones.sounds


def test_a_line_that_is_loud_throughout_sounds_until_it_is_quiet() -> None:
    music = tone(LOUD_SECONDS + 0.5, 220, 330, 440, level=0.3)
    assert followed(music).sounds
    assert not followed(music[: round((LOUD_SECONDS - 0.5) * RATE)]).sounds
    assert not followed(np.concatenate([music, quiet(2.0)])).sounds


def send(wire: Wire, sound: Sound) -> None:
    from base64 import b64encode

    from modalities.audio import encode_mulaw

    for start in range(0, len(sound) - 159, 160):
        payload = encode_mulaw(Audio(sound[start : start + 160].astype(np.float32), RATE))
        wire.put(event="media", streamSid="MZ", media={"payload": b64encode(payload).decode()})


def call(sound: Sound, silence: float, seconds: float) -> tuple[Any, RuleAgent]:
    """A call in which the far end is this sound, over and over in real time; ended after so many seconds."""
    office = Office(RuleAgent(), Manners(silence=silence, keys=0.1, lead=0.05, drain=0.2))

    async def run() -> Any:
        desk, wire = office.desk(), Wire()
        held = office.call(desk, wire)
        await until(lambda: wire.seconds >= office.agent.seconds)
        for start in range(0, round(seconds * RATE), 800):
            send(wire, np.resize(np.roll(sound, -start), 800))
            await asyncio.sleep(0.1)
            if held.done():
                break
        else:
            wire.hang_up()
        ending = await asyncio.wait_for(held, 20)
        await desk.models.close()
        return ending

    return asyncio.run(run()), office.agent


def test_a_fax_is_hung_up_on_without_a_word() -> None:
    ending, agent = call(tone(2.0, 2_100), 60.0, 6.0)
    assert ending == "machine"
    assert [words for what, words in agent.log if what == "say"] == ["Hello."]
    assert agent.turns == 0


def test_music_is_not_asked_whether_it_is_still_there() -> None:
    ending, agent = call(tone(1.0, 220, 330), LOUD_SECONDS + 1.5, LOUD_SECONDS + 4.0)
    assert ending == "caller"
    assert agent.turns == 0


@pytest.mark.parametrize("answered", ["machine_start", "machine_end_beep", "fax", "human", ""])
def test_a_placed_call_that_a_machine_answered_is_left_alone(answered: str) -> None:
    async def ask(client: Any, web: Any, desk: Any) -> tuple[str, int]:
        got = await post(client, "/twilio", CallSid="CA1", From="+1", AnsweredBy=answered)
        return got.text, len(desk.tickets)

    text, tickets = asked(ask, Secrets(twilio="auth", token="secret", public="https://phone.example.com"))
    left_alone = answered.startswith(("machine", "fax"))
    assert ("<Hangup" in text) is left_alone
    assert tickets == (0 if left_alone else 1)
