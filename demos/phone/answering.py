"""Pipecat processor that answers: the caller's turns and keys in, the agent's words out, and when the call is over.

One task holds the conversation, one thing after the other; frames only fill its queue. Whatever a model or the
database does, the caller hears a sensible sentence and the call goes on or ends.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    CancelFrame,
    EndFrame,
    EndWorkerFrame,
    Frame,
    InputDTMFFrame,
    InterruptionFrame,
    StartFrame,
    UserStartedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

from agent.types import Turn, Understanding
from demos.phone.agent import Answered, PhoneAgent
from demos.phone.frames import AgentAsks, CallerNodded, CallerPaused, CallerTurn, LineSounds, MachineHeard, Say
from demos.phone.ledger import Ending, Entry
from demos.phone.manners import (
    CLOSING,
    GIVING_UP,
    LINK_COMES,
    LINK_FAILED,
    MOMENT,
    MOST_KEYS,
    SORRY,
    TOO_LONG,
    Manners,
)
from demos.phone.playout import Playout
from demos.phone.taping import Taping

log = logging.getLogger(__name__)

Got = TypeVar("Got")
Understand = Callable[[Turn], Awaitable[Understanding]]
Run = Callable[[Callable[[], Any]], Awaitable[Any]]

KEY_WORDS = {"0": "I want to talk to a person", "1": "yes", "2": "no"}
"""What single keys mean: 0 always; 1 and 2 where the agent asked to confirm."""
NO_SPEECH = ("silence", "noise")


@dataclass
class Timings:
    """What a call's turns took, in seconds: from the turn's end to the words, and the waiting before it."""

    answers: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)


class Answering(FrameProcessor):
    """Holds the conversation of one call.

    Args:
        agent: who answers.
        entry: the call.
        understand: asks the shared queue before the models.
        run: runs something in a worker.
        playout: knows what the caller heard.
        manners: times and limits.
        transfers: the line can be handed to a person once the call is over.
        ended: is told how the call ends, before the line is closed.
        taping: records the call, of which the caller is told first.
        send_link: has a link for a photo sent to the caller; None where nobody can.

    Attributes:
        ending: how the call ended; empty while it goes on.
        timings: of its turns.
    """

    def __init__(
        self,
        agent: PhoneAgent,
        entry: Entry,
        understand: Understand,
        run: Run,
        playout: Playout,
        manners: Manners,
        *,
        transfers: bool = True,
        ended: Callable[[Ending], None] = lambda ending: None,
        taping: Taping | None = None,
        send_link: Callable[[], None] | None = None,
    ) -> None:
        super().__init__()
        self._agent, self._entry, self._understand, self._run = agent, entry, understand, run
        self._playout, self._manners = playout, manners
        self._transfers, self._ended, self._taping = transfers and bool(manners.person), ended, taping
        self._came: asyncio.Queue[CallerTurn | Turn | Say | str] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._begun = self._active = time.monotonic()
        self._talking = self._speaking = self._waiting = False
        self._sounds = False  # the line is loud all the time: music, most likely
        self._keys = ""
        self._last = Answered("")
        self._cut: tuple[str, str] | None = None  # heard and left of words that were interrupted
        self._early: tuple[int, asyncio.Future[Understanding]] | None = None  # end of the speech, what it may mean
        self._failed = 0
        self._send_link, self._linking = send_link, set[asyncio.Future[None]]()
        self.ending: Ending | None = None
        self.timings = Timings()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Turns and keys are kept, everything else passes."""
        await super().process_frame(frame, direction)
        if isinstance(frame, CallerTurn):
            self._talking = False
            self._came.put_nowait(frame)
        elif isinstance(frame, CallerPaused):
            self._begin_early(frame)
        elif isinstance(frame, InputDTMFFrame):
            await self._key(str(frame.button.value))
        elif isinstance(frame, CallerNodded):
            self._talking = False
        elif isinstance(frame, LineSounds):
            self._sounds, self._active = frame.on, time.monotonic()
        elif isinstance(frame, MachineHeard):
            await self._break_off()
            self._came.put_nowait("machine")
        else:
            await self._notice(frame)
            await self.push_frame(frame, direction)

    async def _notice(self, frame: Frame) -> None:
        now = time.monotonic()
        if isinstance(frame, StartFrame):
            self._task = self.create_task(self._converse())
        elif isinstance(frame, UserStartedSpeakingFrame):
            self._talking, self._active = True, now
        elif isinstance(frame, BotStartedSpeakingFrame):
            self._speaking = True
        elif isinstance(frame, BotStoppedSpeakingFrame):
            self._speaking, self._active = False, max(now, self._playout.until)
            if self._cut is None:
                self._playout.done()
        elif isinstance(frame, InterruptionFrame) and self._speaking:
            self._cut = self._playout.cut(now)
        elif isinstance(frame, (EndFrame, CancelFrame)):
            await self._stop()

    async def cleanup(self) -> None:
        """Answer no more."""
        await self._stop()
        await super().cleanup()  # type: ignore[no-untyped-call]

    async def _stop(self) -> None:
        self._drop_early()
        if self._task is not None and self._task is not asyncio.current_task():
            task, self._task = self._task, None
            await self.cancel_task(task)

    def _begin_early(self, paused: CallerPaused) -> None:
        """Begin to understand what may be the whole turn."""
        self._drop_early()
        turn = Turn(audio=paused.audio, call_id=self._entry.call_id, channel="phone")
        work = asyncio.ensure_future(self._understand(turn))
        work.add_done_callback(lambda done: done.cancelled() or done.exception())  # or it would be reported as lost
        self._early = (paused.end, work)

    def _drop_early(self) -> None:
        if self._early is not None:
            self._early[1].cancel()
            self._early = None

    async def _key(self, key: str) -> None:
        """A key stops the agent's words, as a voice would."""
        self._active = time.monotonic()
        if len(self._keys) < MOST_KEYS:
            self._keys += key
        await self._break_off()
        self._came.put_nowait("key")

    async def _break_off(self) -> None:
        """Stop the agent's words."""
        if self._speaking and self._cut is None:
            self._cut = self._playout.cut(self._active)
            await self.broadcast_interruption()  # type: ignore[no-untyped-call]

    async def give(self, turn: Turn) -> None:
        """Something typed or shown during the call; it stops the agent's words, as a voice would."""
        self._active = time.monotonic()
        await self._break_off()
        self._came.put_nowait(turn)

    async def say(self, words: str) -> None:
        """Words that answer no turn: a person's, who has taken the call over."""
        self._came.put_nowait(Say(words))

    async def close(self) -> None:
        """The server stops: say so and end the call."""
        self._came.put_nowait("close")

    async def _converse(self) -> None:
        greeting = await self._try(partial(self._agent.greet, self._entry.call_id, self._entry.resumed))
        told = self._manners.recorded if self._taping else ""
        await self._say(Answered(f"{told} {greeting or 'Hello. How can I help?'}".strip(), asks=False))
        while self.ending is None:
            await self._one(await self._upcoming())

    async def _upcoming(self) -> CallerTurn | Turn | Say | str:
        """What comes next: a turn, words to say, "key", "keys" (all of them), "silence", "longest", "close", "machine".

        Where the line is loud and nobody speaks, somebody has put the agent on hold: it asks more seldom.
        """
        while True:
            now = time.monotonic()
            if now - self._begun >= self._manners.longest:
                return "longest"
            quiet = self._manners.hold if self._waiting or self._sounds else self._manners.silence
            busy = self._talking or self._speaking
            waits = {"longest": self._begun + self._manners.longest}
            if self._keys:
                waits["keys"] = self._active + self._manners.keys
            elif not busy:
                waits["silence"] = self._active + quiet
            what = min(waits, key=lambda name: waits[name])
            try:
                return await asyncio.wait_for(self._came.get(), min(max(0.01, waits[what] - now), 0.5))
            except TimeoutError:
                if time.monotonic() >= waits[what]:
                    return what

    async def _one(self, came: CallerTurn | Turn | Say | str) -> None:
        """Deal with one thing that came."""
        if came == "key":
            if not self._keys.endswith("#"):
                return
            came = "keys"
        if came == "longest":
            await self._end("longest", TOO_LONG)
        elif came == "machine":
            await self._end("machine")
        elif came == "close":
            await self._end("drained", CLOSING)
        elif came == "keys":
            await self._keyed()
        elif isinstance(came, CallerTurn):
            await self._heard(came)
        elif isinstance(came, Turn):
            await self._given(came)
        elif isinstance(came, Say):
            await self._say(Answered(came.text))
        elif not (self._talking or self._speaking):
            await self._answer(Understanding())

    async def _keyed(self) -> None:
        keys, self._keys = self._keys.strip("*#"), ""
        asked = await self._try(partial(self._agent.asked, self._entry.call_id))
        if keys and (keys == "0" or (asked == "confirm" and keys in KEY_WORDS)):
            keys = KEY_WORDS[keys]
        if keys:
            await self._given(Turn(text=keys, call_id=self._entry.call_id, channel="phone"))

    async def _given(self, turn: Turn) -> None:
        understood = await self._settle(turn)
        if understood is not None:
            await self._answer(understood)

    async def _heard(self, came: CallerTurn) -> None:
        began = time.monotonic()
        early, self._early = self._early, None
        if early is not None and early[0] != came.end:
            early[1].cancel()
            early = None
        turn = Turn(audio=came.audio, call_id=self._entry.call_id, channel="phone")
        understood = await self._settle(turn, early[1] if early else None)
        if self._taping is not None:
            self._taping.understood(understood)
        if understood is None:
            return
        heard = understood.transcript
        if understood.verdict == "no_speech" and (heard is None or heard.rejected in NO_SPEECH):
            await self._go_on()
            return
        await self._answer(understood)
        self.timings.answers.append(time.monotonic() - began)
        self.timings.waits.append(came.waited)

    async def _settle(self, turn: Turn, early: asyncio.Future[Understanding] | None = None) -> Understanding | None:
        """What a turn means, begun early or not; None where that failed, and the caller was told."""
        try:
            return await self._patiently(early or self._understand(turn))
        except Exception as error:  # noqa: BLE001 - the call must survive a model
            log.error("a turn could not be understood: %s", type(error).__name__)
            await self._apologise()
            return None

    async def _go_on(self) -> None:
        """It was no speech: say again what it cut short."""
        cut, self._cut = self._cut, None
        self._active = time.monotonic()
        if cut is not None and cut[1]:
            await self.push_frame(Say(cut[1]))

    async def _answer(self, understood: Understanding) -> None:
        try:
            answered = await self._patiently(self._decide(understood))
        except Exception as error:  # noqa: BLE001 - the call must survive its database
            log.error("a turn could not be answered: %s", type(error).__name__)
            await self._apologise()
            return
        self._failed = 0
        if answered.photo and self._send_link is not None:
            answered = self._with_link(answered, self._send_link)
        if self._talking and not (answered.ends or answered.person):
            self._cut = ("", answered.text)  # the caller goes on: what comes next is answered instead
            self._last = answered
            return
        await self._say(answered)
        if answered.person and self._transfers:
            await self._end("person")
        elif answered.ends:
            await self._end("silence" if understood.verdict == "no_speech" else "done")

    async def _decide(self, understood: Understanding) -> Answered:
        cut, self._cut = self._cut, None
        if cut is not None and cut[1]:
            await self._try(partial(self._agent.heard, self._entry.call_id, self._last.turn, cut[0]))
        answered: Answered = await self._run(partial(self._agent.answer, self._entry.call_id, understood))
        return answered

    async def _patiently(self, work: Awaitable[Got]) -> Got:
        """What comes of some work; the caller is told once where it takes long."""
        future = asyncio.ensure_future(work)
        try:
            done, _ = await asyncio.wait({future}, timeout=self._manners.patience)
            if not done and not self._talking:
                self._playout.done()
                await self.push_frame(Say(MOMENT))
            return await future
        finally:
            future.cancel()

    def _with_link(self, answered: Answered, send: Callable[[], None]) -> Answered:
        """A link for the photo is sent meanwhile, once a call, and the caller told of it."""
        if self._linking:
            return answered
        work = asyncio.ensure_future(self._link(send))
        self._linking.add(work)
        return replace(answered, text=f"{answered.text} {LINK_COMES}")

    async def _link(self, send: Callable[[], None]) -> None:
        try:
            await self._run(send)
        except Exception as error:  # noqa: BLE001 - the call goes on without a photo
            log.error("a link for a photo could not be sent: %s", type(error).__name__)
            await self.say(LINK_FAILED)

    async def _say(self, answered: Answered) -> None:
        self._last, self._waiting = answered, answered.waits
        await self.push_frame(AgentAsks(answered.asks), FrameDirection.UPSTREAM)
        self._active = time.monotonic()
        if answered.text:
            self._playout.done()
            await self.push_frame(Say(answered.text))

    async def _apologise(self) -> None:
        self._failed += 1
        if self._failed >= self._manners.failures:
            await self._end("failed", GIVING_UP)
        else:
            await self._say(Answered(SORRY))

    async def _end(self, ending: Ending, words: str = "") -> None:
        self.ending = ending
        self._ended(ending)
        if words:
            await self._say(Answered(words))
        await self.push_frame(EndWorkerFrame(), FrameDirection.UPSTREAM)

    async def _try(self, work: Callable[[], Got]) -> Got | None:
        """Something done in a worker; None where it failed."""
        try:
            done: Got = await self._run(work)
        except Exception as error:  # noqa: BLE001 - the call must survive its database
            log.error("the telephone's own book-keeping failed: %s", type(error).__name__)
            return None
        return done
