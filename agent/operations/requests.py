"""Operations that a pack declares in its flows.toml: each writes the facts given into a ticket of its kind."""

from __future__ import annotations

from collections.abc import Mapping

from agent.flows import Request
from agent.operations.base import Desk, Facts, Operation


def declared(requests: Mapping[str, Request]) -> dict[str, Operation]:
    """The operations of a pack's requests, by name."""
    return {name: _operation(request) for name, request in requests.items()}


def _operation(request: Request) -> Operation:
    def work(desk: Desk) -> Facts:
        given = {name: desk.text(name) for name in sorted(request.arguments) if desk.text(name)}
        return {**given, "ticket_id": desk.ticket(request.ticket, None, **given).id}

    return Operation(request.name, work, request.arguments, request.changes, request.customer)
