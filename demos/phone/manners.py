"""How calls are held: times, limits, and the few words that are the line's own rather than the pack's."""

from __future__ import annotations

from dataclasses import dataclass

from agent.errors import InputError


@dataclass(frozen=True)
class Manners:
    """Settings of the telephone. Times in seconds.

    Attributes:
        silence: quiet after the agent's words until it asks whether somebody is there.
        hold: the same after the caller asked for a moment.
        keys: pause after a key that ends what was keyed in; `#` ends it at once.
        patience: after which the caller is told that an answer takes longer: a slow database, a busy machine.
        longest: of a call.
        lead: how far ahead of the far end's clock sound is sent, where the far end can throw it away again.
        short_lead: the same where it cannot: so much is still heard after an interruption.
        calls: at once; more are told that the line is busy.
        drain: how long calls may go on once the server is told to stop.
        failures: turns in a row that may fail before the call ends.
        person: whom to transfer to: a number, or whatever the dialplan understands; empty for nobody.
        recorded: what callers are told first where calls are recorded.
    """

    silence: float = 8.0
    hold: float = 60.0
    keys: float = 2.5
    patience: float = 4.0
    longest: float = 1800.0
    lead: float = 0.2
    short_lead: float = 0.08
    calls: int = 8
    drain: float = 60.0
    failures: int = 3
    person: str = ""
    recorded: str = "This call is recorded. If you don't want that, press star."

    def __post_init__(self) -> None:
        times = (
            self.silence,
            self.hold,
            self.keys,
            self.patience,
            self.longest,
            self.lead,
            self.short_lead,
            self.drain,
        )
        if min(times) <= 0 or self.calls < 1 or self.failures < 1:
            raise InputError("times of the telephone must be above 0, and calls and failures at least 1")


SORRY = "Sorry, something went wrong on my side. Could you say that again?"
GIVING_UP = "I'm sorry, this isn't working right now. Please call again in a few minutes. Goodbye."
TOO_LONG = "We have reached the longest time a call can take. Please call again, and we go on from here. Goodbye."
CLOSING = "I'm sorry, I have to end this call now. Please call again in a moment, and we go on from here. Goodbye."
BUSY = "All our lines are busy right now. Please call again in a few minutes."
LINK_COMES = "I'm sending a link to your phone: open it to take the photo, and stay on the line."
LINK_FAILED = "I'm sorry, I couldn't send you the link. Let's go on without a photo."
MOMENT = "One moment, please."
MOST_KEYS = 32
"""Keys of one input; more are dropped."""
