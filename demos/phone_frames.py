"""The telephone's own Pipecat frames. Other processors let them pass."""

from __future__ import annotations

from dataclasses import dataclass

from pipecat.frames.frames import DataFrame, SystemFrame

from modalities.types import Audio


@dataclass
class CallerTurn(SystemFrame):
    """The caller said something.

    Attributes:
        audio: the sound of it.
        waited: seconds between the end of the speech and when it was taken to be over.
    """

    audio: Audio
    waited: float = 0.0


@dataclass
class CallerNodded(SystemFrame):
    """The caller said "mhm": nothing is to stop, and nothing to be answered."""


@dataclass
class Hold(SystemFrame):
    """Somebody speaks while the agent does: be quiet at once, and keep what was to be said."""


@dataclass
class GoOn(SystemFrame):
    """It was only an "mhm": go on where the agent fell quiet."""


@dataclass
class Say(DataFrame):
    """Words for the caller. An interruption throws away those not said yet."""

    text: str
