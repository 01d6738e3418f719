"""One visitor's messages, one after the other: understood, answered in writing at once, then spoken sentence by
sentence until the visitor stops it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from agent.errors import CallsightError
from agent.types import Reply, Turn, Understanding
from demos import view
from demos.page.house import House
from demos.page.visitors import Visitor
from demos.phone.playout import Playout
from demos.why import why
from modalities.types import Image
from modalities.voice.base import breaths

log = logging.getLogger(__name__)

MOST_WAITING = 3  # messages of one visitor that wait behind the one being answered
SORRY = "Something went wrong on our side. Please send that again."
ONE_BY_ONE = "Please wait for the answers to your last messages."


class Talk:
    """Answers one visitor.

    Args:
        house: what all visitors share.
        visitor: this one.
    """

    def __init__(self, house: House, visitor: Visitor) -> None:
        self._house, self._visitor = house, visitor
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._spoken = Playout()
        self._speaking = 0  # counts what was stopped: words of an earlier count are said no more
        self._turn = 0

    def send(self, turn: Turn) -> None:
        """Answer a message; at once, or after those before it."""
        if len(self._tasks) > MOST_WAITING:
            self._visitor.tell("problem", text=ONE_BY_ONE)
            return
        task = asyncio.get_running_loop().create_task(self._answer(turn))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def stop(self, heard: float = 0.0) -> None:
        """Say no more; of the last words the visitor heard so many seconds, and the history says so."""
        self._speaking += 1
        spoken, self._spoken = self._spoken, Playout()
        said, left = spoken.cut(heard)
        if left:
            work = partial(self._house.agent.heard, self._visitor.call_id, self._turn, said)
            self._house.keep(self._house.models.run(work))

    def leave(self) -> None:
        """The visitor is gone: what waits is not answered, what was begun is finished and kept."""
        self._speaking += 1

    async def anew(self) -> None:
        """Another conversation."""
        self.leave()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._visitor.anew()

    async def why(self) -> None:
        """Tell what carried the decision of the last message; measured only now."""
        asked = self._visitor.asked
        if asked is None:
            self._visitor.tell("why", html=reasons())
            return
        html = await self._house.models.run(partial(self._explained, asked))
        self._visitor.tell("why", html=html)

    def _explained(self, asked: Turn) -> str:
        return view.render("reasons.html", asked=True, why=why(self._house.agent.explained(asked), asked.image))

    async def _answer(self, turn: Turn) -> None:
        async with self._lock:
            try:
                await self._one(turn)
            except CallsightError as error:
                self._visitor.tell("problem", text=str(error))
            except Exception as error:  # noqa: BLE001 - the page must survive a model
                log.error("a message could not be answered: %s", type(error).__name__)
                self._visitor.tell("problem", text=SORRY)
            finally:
                self._visitor.tell("ready")

    async def _one(self, turn: Turn) -> None:
        visitor, house = self._visitor, self._house
        async with house.turns.turn(lambda ahead: visitor.tell("place", ahead=ahead)):
            began = time.perf_counter()
            understood = await house.models.understand(turn)
        if turn.audio is not None:
            understood = heard_in(understood, 1000 * (time.perf_counter() - began))
        visitor.asked = asked(turn, understood)
        heard = understood.transcript
        if heard is not None:
            visitor.tell("heard", text=heard.text)
        if await house.models.run(partial(listened, house, visitor.call_id, understood)):
            return
        reply: Reply = await house.models.run(partial(house.agent.reply, visitor.call_id, understood, turn.channel))
        self._turn = reply.events[-1].turn if reply.events else 0
        visitor.tell("reply", text=reply.text)
        await self._speak(reply, turn.image)

    async def _speak(self, reply: Reply, image: Image | None) -> None:
        """Say the words, and after the first of them show what led to them."""
        mine, began, shown = self._speaking, time.perf_counter(), False
        self._spoken = Playout()
        for sentence in breaths(reply.text):
            if mine != self._speaking:
                break
            pcm, rate = await self._house.said(sentence)
            if mine != self._speaking:
                break
            self._spoken.add(sentence, len(pcm) / (2 * rate))
            self._spoken.wrote(len(pcm) / (2 * rate), 0.0)
            self._visitor.tell("speech", rate=rate)
            self._visitor.sound(pcm)
            if not shown:
                shown = True
                await self._show(timed(reply, 1000 * (time.perf_counter() - began)), image)
        if not shown:
            await self._show(reply, image)

    async def _show(self, reply: Reply, image: Image | None) -> None:
        self._visitor.tell("panel", html=await self._house.models.run(partial(panel, reply, image)))


def listened(house: House, call_id: str, understood: Understanding) -> bool:
    """Whether a person has the call; then what the customer says is kept for the person, and not answered."""
    if not house.people.holder(call_id):
        return False
    house.people.listen(call_id, understood)
    return True


def asked(turn: Turn, understood: Understanding) -> Turn:
    """The turn as it was understood, so that nothing is heard twice."""
    return replace(turn, text=understood.text, audio=None)


def heard_in(understood: Understanding, milliseconds: float) -> Understanding:
    """The turn with the time that hearing took: what is left of the whole, wherever it was done."""
    rest = {stage: ms for stage, ms in understood.timings_ms.items() if stage != "hear"}
    return replace(understood, timings_ms={"hear": max(0.0, milliseconds - sum(rest.values())), **rest})


def timed(reply: Reply, speak_ms: float) -> Reply:
    """The reply with the time its first sentence took to be spoken."""
    timings: Mapping[str, float] = {**reply.timings_ms, "speak": speak_ms}
    return replace(reply, timings_ms=timings)


def panel(reply: Reply | None = None, image: Image | None = None) -> str:
    """What Callsight did, as HTML: a reply and what led to it, or how to begin."""
    return view.render("panel.html", view=None if reply is None else view.view(reply, image))


def reasons() -> str:
    """The place of what carried the decision before there is any, as HTML."""
    return view.render("reasons.html", asked=False, why=None)
