"""Hearing in processes of its own: what comes back, who dies, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from agent.errors import CallsightError
from agent.types import Turn
from demos.phone.hearing import Hearers
from demos.phone.manners import Manners
from demos.phone.pipeline import Models
from modalities.types import Audio, Transcript
from tests.demos.phone_line import Ears, RuleAgent

DIES, FAILS, HANGS = 0.3, 0.5, 0.7
"""Levels of sound at which the child does so."""


def by_level() -> Callable[[Audio], Transcript]:
    def hear(audio: Audio) -> Transcript:
        level = round(float(np.abs(audio.samples).max()), 1)
        if level == DIES:
            os._exit(1)
        if level == FAILS:
            raise ValueError("a customer's words")
        if level == HANGS:
            time.sleep(60)
        return Transcript(f"heard by {os.getpid()}", confidence=0.9)

    return hear


def at(level: float) -> Audio:
    return Audio(np.full(800, level, dtype=np.float32), 8_000)


@contextmanager
def running(count: int = 1, longest: float = 30.0) -> Iterator[Hearers]:
    hearers = Hearers(by_level, count, longest)
    try:
        hearers.wait()
        yield hearers
    finally:
        hearers.close()


def pid_of(heard: Transcript) -> int:
    return int(heard.text.rpartition(" ")[2])


def test_another_process_hears_and_is_gone_after_close() -> None:
    with running() as hearers:
        pid = pid_of(hearers.hear(at(0.1)))
        assert pid != os.getpid()
    assert not Path(f"/proc/{pid}").exists()


def test_a_process_that_dies_is_begun_anew_and_one_that_fails_goes_on() -> None:
    with running() as hearers:
        first = pid_of(hearers.hear(at(0.1)))
        with pytest.raises(CallsightError, match="ValueError") as failed:
            hearers.hear(at(FAILS))
        assert "customer" not in str(failed.value)
        assert pid_of(hearers.hear(at(0.1))) == first
        with pytest.raises(CallsightError, match="another one was begun"):
            hearers.hear(at(DIES))
        assert pid_of(hearers.hear(at(0.1))) != first


def test_a_process_that_hangs_is_ended() -> None:
    with running(longest=20.0) as hearers:
        first = pid_of(hearers.hear(at(0.1)))
        hearers._longest = 0.2
        with pytest.raises(CallsightError, match="did not answer"):
            hearers.hear(at(HANGS))
        hearers._longest = 20.0
        assert pid_of(hearers.hear(at(0.1))) != first
        assert not Path(f"/proc/{first}").exists()


def test_turns_come_to_the_agent_with_what_was_heard() -> None:
    class Agent(RuleAgent):
        def understand(self, turns):  # type: ignore[no-untyped-def]
            seen.extend(turns)
            return super().understand(turns)

    seen: list[Turn] = []

    async def run() -> None:
        models = Models(Agent(), Ears, Manners(), Hearers(by_level, 1))
        await asyncio.gather(models.understand(Turn(audio=at(0.1))), models.understand(Turn(text="typed")))
        await models.close()

    asyncio.run(run())
    (spoken,) = [turn for turn in seen if turn.audio is not None]
    assert spoken.transcript is not None
    assert spoken.transcript.text.startswith("heard by")
    assert [turn.transcript for turn in seen if turn.text] == [None]
