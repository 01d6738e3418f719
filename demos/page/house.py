"""What all visitors of the page share: who answers, the queues before the models, who may wait for what."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from demos.page.agent import PageAgent
from demos.page.line import WaitingLine
from demos.page.person import People
from demos.page.visitors import Visitor, Visitors
from demos.phone.hearing import Hearers
from demos.phone.listening import Ears
from demos.phone.manners import Manners
from demos.phone.pipeline import Models
from modalities.audio import encode_pcm16
from modalities.voice.base import breaths

log = logging.getLogger(__name__)

TURNS = 3
"""Messages understood at once; others wait and see how many are before them. On a CPU a batch is hardly quicker than
its turns one by one, and keeps the first waiting for the last: each process that hears has one, and one is at hand."""


class House:
    """Made once, on the event loop that serves.

    Args:
        agent: who answers.
        ears: makes what follows a hands-free call's sound, for its rate.
        manners: how hands-free calls are held, and how many at once.
        turns: messages understood at once.
        hearers: what hears before the agent understands; None where the agent hears itself.
    """

    def __init__(
        self,
        agent: PageAgent,
        ears: Callable[[int], Ears],
        manners: Manners,
        turns: int = TURNS,
        hearers: Hearers | None = None,
    ) -> None:
        self.agent, self.manners = agent, manners
        self.models = Models(agent, ears, manners, hearers)
        self.people = People(agent.store)
        self.visitors = Visitors()
        self.turns, self.calls = WaitingLine(turns), WaitingLine(manners.calls)
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Future[Any]] = set()

    def soon(self, work: Callable[..., Any], *given: Any, **named: Any) -> None:
        """Do something on the event loop; for workers."""
        self._loop.call_soon_threadsafe(partial(work, *given, **named))

    async def said(self, sentence: str) -> tuple[bytes, int]:
        """A sentence in the agent's voice: 16-bit PCM and its rate."""

        def work() -> tuple[bytes, int]:
            audio = self.agent.say(sentence)
            return encode_pcm16(audio), audio.rate

        return await asyncio.get_running_loop().run_in_executor(self.models.pool, work)

    def person_says(self, call_id: str, name: str, text: str) -> None:
        """A person's answer, to the customer's page and ear; where the page is closed, it stands in the history."""
        visitor = self.visitors.of_call(call_id)
        if visitor is None:
            return
        visitor.tell("person", name=name, text=text)
        if visitor.live is not None:
            self.keep(visitor.live.say(text))
        else:
            self.keep(self.speak(visitor, text))

    def person_note(self, call_id: str, text: str) -> None:
        """A person came or went."""
        visitor = self.visitors.of_call(call_id)
        if visitor is not None:
            visitor.tell("note", text=text)

    async def speak(self, visitor: Visitor, text: str) -> None:
        """Words to a visitor's ear, sentence by sentence."""
        for sentence in breaths(text):
            pcm, rate = await self.said(sentence)
            visitor.tell("speech", rate=rate)
            visitor.sound(pcm)

    def keep(self, work: Awaitable[Any]) -> None:
        """Let something run to its end that nobody waits for."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Future[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("something at the page's back failed: %s", type(task.exception()).__name__)

    async def close(self) -> None:
        """Let go of queues and workers."""
        await self.models.close()
