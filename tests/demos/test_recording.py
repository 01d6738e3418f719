from typing import Any

import numpy as np
import pytest

from demos.recording import PAUSE_SECONDS, RATE, Exchange, audible, mix
from modalities.types import Audio
from tests.fakes import tone


def loud(audio: Any, start: float, stop: float) -> Any:
    return float(np.abs(audio.samples[round(start * RATE) : round(stop * RATE)]).max(initial=0.0)) > 0.1


def test_each_side_speaks_at_its_time_on_its_channel() -> None:
    exchanges = [Exchange(tone(2.0), tone(1.0, 22_050), 0.5), Exchange(None, tone(1.0, 22_050), 0.25)]
    (customer, agent), places = mix(exchanges)
    assert customer.rate == agent.rate == RATE
    assert len(customer.samples) == len(agent.samples)
    assert [(p.customer_at, p.agent_at) for p in places] == [(0.0, 2.5), (3.5 + PAUSE_SECONDS, 4.75 + PAUSE_SECONDS)]
    assert loud(customer, 0.1, 1.9)
    assert not loud(customer, 2.05, 100)
    assert not loud(agent, 0, 2.45)
    assert loud(agent, 2.55, 3.45)
    assert loud(agent, 5.35, 6.2)


@pytest.mark.parametrize(
    ("audio", "heard"),
    [
        (tone(1.0), True),
        (tone(1.0, level=0.001), False),
        (tone(0.1), False),
        (None, False),
        (Audio(np.full(16_000, np.nan, np.float32), 16_000), False),
    ],
)
def test_what_can_be_heard(audio: Any, heard: Any) -> None:
    assert audible(audio) is heard
