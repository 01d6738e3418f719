"""A call as it sounded: the customer on the left, the agent on the right, each at the time it really came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from modalities import audio as sound
from modalities.types import Audio

RATE = 22_050
SILENT_TURN_SECONDS = 1.0
"""How long the line is quiet while a customer types or sends a photo; scripted turns come at no time of their own."""
PAUSE_SECONDS = 0.5
AUDIBLE_DECIBELS = -40.0
"""A reply whose loudest 30 ms stay below this (under full scale) was not heard."""
AUDIBLE_SECONDS = 0.2


@dataclass(frozen=True)
class Exchange:
    """One turn's sounds.

    Attributes:
        customer: what the customer said aloud, or None.
        agent: the spoken reply, or None.
        wait: seconds the agent took before it began to answer.
    """

    customer: Audio | None
    agent: Audio | None
    wait: float


@dataclass(frozen=True)
class Placed:
    """When a turn's two sides begin, in seconds from the start of the call."""

    customer_at: float
    agent_at: float


def audible(audio: Audio | None) -> bool:
    """Whether there is a reply to be heard: long and loud enough, without a sample that is no number."""
    if audio is None or audio.seconds < AUDIBLE_SECONDS or not np.isfinite(audio.samples).all():
        return False
    return sound.level(audio) > AUDIBLE_DECIBELS


def mix(exchanges: Sequence[Exchange]) -> tuple[tuple[Audio, Audio], tuple[Placed, ...]]:
    """The call's two channels (customer, agent) at `RATE`, and where each turn lies in them."""
    left, right, places, now = [], [], [], 0.0
    for exchange in exchanges:
        spoken = exchange.customer.seconds if exchange.customer is not None else SILENT_TURN_SECONDS
        place = Placed(now, now + spoken + exchange.wait)
        left.append((place.customer_at, exchange.customer))
        right.append((place.agent_at, exchange.agent))
        places.append(place)
        now = place.agent_at + (exchange.agent.seconds if exchange.agent is not None else 0.0) + PAUSE_SECONDS
    return (_channel(left, now), _channel(right, now)), tuple(places)


def _channel(parts: Sequence[tuple[float, Audio | None]], seconds: float) -> Audio:
    samples = np.zeros(round(seconds * RATE) + 1, dtype=np.float32)
    for at, audio in parts:
        if audio is None:
            continue
        start, heard = round(at * RATE), sound.resample(audio, RATE).samples
        stop = min(start + len(heard), len(samples))
        samples[start:stop] += heard[: stop - start]
    return Audio(samples, RATE)
