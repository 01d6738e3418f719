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
        end: sample of the stream at which the speech ended.
        waited: seconds between that and when it was taken to be over.
    """

    audio: Audio
    end: int = 0
    waited: float = 0.0


@dataclass
class CallerPaused(SystemFrame):
    """The caller pauses and may have finished: time to begin to understand, in case.

    Attributes:
        audio: the turn's sound so far.
        end: sample of the stream at which the speech ended; the turn's own if nothing follows.
    """

    audio: Audio
    end: int


@dataclass
class CallerNodded(SystemFrame):
    """The caller said "mhm": nothing is to stop, and nothing to be answered."""


@dataclass
class MachineHeard(SystemFrame):
    """The far end is a fax: nothing is to be said to it."""


@dataclass
class LineSounds(SystemFrame):
    """The line begins, or ceases, to be loud all the time: music, perhaps, and nobody listens."""

    on: bool


@dataclass
class AgentAsks(SystemFrame):
    """Whether "yes" may answer what the agent says from now on. Goes to where is listened."""

    on: bool


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
