"""One-time passes: a webhook that proved who it is gets one, and the media connection of that call must show it.

So a connection that anybody could open reaches a model only after an authorised webhook announced it, whatever the
carrier can or cannot sign on its media connection. A ticket is a random UUID (122 bits), because AudioSocket carries
nothing else.
"""

from __future__ import annotations

import hmac
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from modalities.errors import InputError

LIFE = 60.0  # seconds until a ticket that was not used is worth nothing
MOST = 2_000  # tickets that may wait to be used


@dataclass(frozen=True)
class Ticket:
    """What the webhook told of the call.

    Attributes:
        carrier: who may use it.
        call_id: what the carrier calls the call.
        caller: the caller's number, where the carrier gives it; empty when withheld.
    """

    carrier: str
    call_id: str
    caller: str


class Tickets:
    """Issues and redeems tickets, in one process's memory.

    Args:
        clock: seconds, never going back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting: dict[str, tuple[float, Ticket]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def issue(self, carrier: str, call_id: str, caller: str = "") -> str:
        """A ticket for one call.

        Raises:
            InputError: too many wait to be used.
        """
        self._forget()
        if len(self._waiting) >= MOST:
            raise InputError(f"{MOST} calls were announced and did not come; try again in {LIFE:.0f} s")
        name = str(uuid.uuid4())
        self._waiting[name] = (self._clock() + LIFE, Ticket(carrier, call_id or name, caller))
        return name

    def redeem(self, name: str, carrier: str) -> Ticket | None:
        """What the ticket stands for, once; None where it is unknown, used, too old or another carrier's."""
        self._forget()
        _, ticket = self._waiting.get(name, (0.0, None))
        if ticket is None or ticket.carrier != carrier:
            return None
        del self._waiting[name]
        return ticket

    def _forget(self) -> None:
        now = self._clock()
        while self._waiting and next(iter(self._waiting.values()))[0] < now:  # the first are the oldest
            del self._waiting[next(iter(self._waiting))]


def same(given: str, wanted: str) -> bool:
    """Whether a secret is the right one, in a time that tells nothing of it; no secret is ever right when unset."""
    return bool(wanted) and hmac.compare_digest(given.encode(errors="replace"), wanted.encode())


def twilio_signature(token: str, url: str, fields: Mapping[str, str]) -> str:
    """What Twilio sends as X-Twilio-Signature (https://www.twilio.com/docs/usage/security).

    Args:
        token: the account's auth token.
        url: the address Twilio called, as it is written in its console, query included.
        fields: the form's fields; none for GET.
    """
    from base64 import b64encode

    signed = url + "".join(name + fields[name] for name in sorted(fields))
    return b64encode(hmac.digest(token.encode(), signed.encode(errors="replace"), "sha1")).decode()
