"""What was meant, what to do, what to say.

from agent import build, Turn
agent = build(stack="embedded", domain="retail")
reply = agent.respond(Turn(text="Where is my order?", call_id="c1"))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.types import Entity, Intent, Reply, Turn, Understanding

if TYPE_CHECKING:
    from agent.agent import Agent

__all__ = ["Entity", "Intent", "Reply", "Turn", "Understanding", "build"]


def build(stack: str = "embedded", domain: str = "retail", **overrides: Any) -> Agent:
    """Put an agent together; see `agent.agent.build`, which is imported only when called."""
    from agent.agent import build as build_agent

    return build_agent(stack, domain, **overrides)
