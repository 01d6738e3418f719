"""The telephone's pipeline, in one place, and one call run through it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.workers.runner import WorkerRunner

from agent.errors import CallsightError
from agent.types import Turn, Understanding
from demos.carriers.serializers import Serializer
from demos.carriers.transport import PhoneTransport
from demos.phone.agent import PhoneAgent
from demos.phone.answering import Answering, Timings
from demos.phone.batches import Batches
from demos.phone.hearing import Hearers
from demos.phone.ledger import Ending, Entry
from demos.phone.listening import Ears, Listening
from demos.phone.manners import Manners
from demos.phone.playout import Playout
from demos.phone.speaking import Speaking
from demos.phone.tapes import Tapes
from demos.phone.taping import Taping
from demos.phone.tones import Screening

log = logging.getLogger(__name__)

WORKERS = 4
"""Threads that listen and speak; each call's listening is one at a time."""


class Models:
    """What all calls share: who answers, and the queues and workers before the models.

    Args:
        agent: who answers.
        ears: makes what follows one stream, for its rate.
        manners: how calls are held.
        hearers: what hears turns before the agent understands them; None where the agent hears them itself.
        tapes: makes recordings; None records nothing.
    """

    def __init__(
        self,
        agent: PhoneAgent,
        ears: Callable[[int], Ears],
        manners: Manners,
        hearers: Hearers | None = None,
        tapes: Tapes | None = None,
    ) -> None:
        self.agent, self.ears, self.manners, self._hearers, self.tapes = agent, ears, manners, hearers, tapes
        self.pool = ThreadPoolExecutor(WORKERS, "phone")
        self._thinking = ThreadPoolExecutor(1, "phone-model")
        self._deciding = ThreadPoolExecutor(WORKERS, "phone-decide")
        self._hearing = ThreadPoolExecutor(hearers.count if hearers else 1, "phone-hear")  # waits for the processes
        self.batches: Batches[Turn, Understanding] = Batches(self._understand, self._thinking)

    def _understand(self, turns: Sequence[Turn]) -> Sequence[Understanding]:
        return self.agent.understand(turns)

    async def understand(self, turn: Turn) -> Understanding:
        """What was meant: heard by the next free process, then understood with what else waits."""
        if turn.audio is not None and self._hearers is not None:
            loop = asyncio.get_running_loop()
            turn = replace(turn, transcript=await loop.run_in_executor(self._hearing, self._hearers.hear, turn.audio))
        return await self.batches.ask(turn)

    async def run(self, work: Callable[[], Any]) -> Any:
        """Something that waits for the database or a model, in a worker."""
        return await asyncio.get_running_loop().run_in_executor(self._deciding, work)

    async def close(self) -> None:
        """Let go of queues and workers."""
        await self.batches.close()
        for pool in (self.pool, self._thinking, self._deciding, self._hearing):
            pool.shutdown(wait=False, cancel_futures=True)
        if self._hearers is not None:
            await asyncio.to_thread(self._hearers.close)


@dataclass(frozen=True)
class Line:
    """An authorised connection whose stream has begun.

    Attributes:
        socket: the connection: a WebSocket, or a `TcpSocket`.
        serializer: reads and writes its messages.
        rate: samples per second.
        clears: it can throw away sound it was sent and has not played.
        transfers: it can be handed to a person once the call is over.
        tells: it says so when the caller hangs up; else a closed connection means just that.
    """

    socket: Any
    serializer: Serializer
    rate: int
    clears: bool = True
    tells: bool = True
    transfers: bool = True


async def _taping(line: Line, entry: Entry, models: Models) -> Taping | None:
    """What records a call, where calls are recorded; one whose recording cannot begin is held all the same."""
    tapes = models.tapes
    if tapes is None:
        return None
    try:
        tape = await models.run(partial(tapes.begin, entry.call_id, line.rate, time.monotonic()))
    except (CallsightError, OSError) as error:
        log.error("a call is not recorded: %s", type(error).__name__)
        return None
    return Taping(tape, lambda: models.run(partial(tapes.discard, entry.call_id)))


@dataclass(frozen=True)
class Held:
    """A call that is over: how it ended, what its turns took, times the far end ran out of sound."""

    ending: Ending
    timings: Timings
    gaps: Sequence[float]


async def hold(
    line: Line,
    entry: Entry,
    models: Models,
    closing: Callable[[Callable[[], Awaitable[None]]], Any],
    ended: Callable[[Ending], None],
    *,
    agent: PhoneAgent | None = None,
    begun: Callable[[Answering], None] = lambda answering: None,
    send_link: Callable[[], None] | None = None,
) -> Held:
    """Hold one call to its end.

    Args:
        line: its connection.
        entry: the call in the book.
        models: what all calls share.
        closing: is given what ends the call early, politely.
        ended: is told how the agent ends the call, before the line is closed: switches ask as soon as it is.
        agent: who answers this call, where it is not who answers all.
        begun: is given what holds the conversation, so that more than the line can take part.
        send_link: has a link for a photo sent to the caller.
    """
    manners, playout = models.manners, Playout()
    lead = manners.lead if line.clears else manners.short_lead
    taping = await _taping(line, entry, models)
    transport = PhoneTransport(
        line.socket, line.serializer, playout, rate=line.rate, lead=lead, clears=line.clears,
        tape=taping.tape if taping else None,
    )  # fmt: skip
    answering = Answering(
        agent or models.agent, entry, models.understand, models.run, playout, manners,
        transfers=line.transfers, ended=ended, taping=taping, send_link=send_link,
    )  # fmt: skip
    pipeline = Pipeline(
        [
            transport.input(),  # the carrier's messages -> the caller's sound and keys
            Screening(line.rate),  # a fax, music
            Listening(models.ears(line.rate), models.pool),  # sound -> turns, interruptions
            *([taping] if taping else []),  # what a recording must know
            answering,  # turns -> words
            Speaking(models.agent.say, models.pool, playout, line.rate),  # words -> the agent's sound
            transport.output(),  # sound, kept to the line's time -> the carrier's messages
        ]
    )
    params = PipelineParams(audio_in_sample_rate=line.rate, audio_out_sample_rate=line.rate)
    worker = PipelineWorker(
        pipeline, params=params, enable_rtvi=False, enable_turn_tracking=False, idle_timeout_secs=None
    )

    async def gone(_: object, __: object) -> None:
        await worker.cancel()

    transport.add_event_handler("on_client_disconnected", gone)
    closing(answering.close)
    begun(answering)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    try:
        await runner.run()
    finally:
        if models.tapes is not None:
            await models.run(partial(models.tapes.end, entry.call_id))
    ending = answering.ending or ("caller" if line.serializer.stopped or not line.tells else "lost")
    return Held(ending, answering.timings, tuple(playout.gaps))
