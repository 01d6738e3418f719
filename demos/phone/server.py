"""The telephone's server: one event loop with the web server and AudioSocket's, started and drained together."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import uvicorn

from agent.agent import Agent
from agent.errors import PackError
from demos.phone.agent import Answerer
from demos.phone.desk import Desk
from demos.phone.hearing import Hearers
from demos.phone.hearing import hearing as speech
from demos.phone.ledger import Ledger
from demos.phone.listening import Ears
from demos.phone.manners import Manners
from demos.phone.photos import Photos
from demos.phone.pipeline import Models
from demos.phone.tapes import Tapes
from demos.phone.web import Secrets, Web
from modalities.speech.live import Listener

MAX_MESSAGE = 64 * 1024  # longest WebSocket message that is read at all
LOCKING = ("pocketsphinx",)
"""Speech engines that hold Python's lock while they hear."""
HEARING = 2
"""Processes that hear with such an engine: as many as there are cores where least is asked for."""


class Server:
    """Serves until `stop` is called, then lets the calls end.

    Args:
        desk: holds the calls.
        secrets: who may call.
        host, port: of the web server.
        audiosocket: port of AudioSocket; 0 for none.
    """

    def __init__(self, desk: Desk, secrets: Secrets, host: str, port: int, audiosocket: int = 0) -> None:
        self.desk, self.web = desk, Web(desk, secrets)
        self._host, self._port, self._audiosocket = host, port, audiosocket
        self._stop = asyncio.Event()
        self.ready = asyncio.Event()

    def stop(self) -> None:
        """Let nobody in any more and end once the calls have."""
        self._stop.set()

    async def run(self) -> None:
        """Serve."""
        config = uvicorn.Config(
            self.web.app(), self._host, self._port, log_config=None, access_log=False, lifespan="off",
            ws_max_size=MAX_MESSAGE, ws_per_message_deflate=False, timeout_graceful_shutdown=5,
        )  # fmt: skip
        web = _Uvicorn(config)
        serving = asyncio.create_task(web.serve())
        lines = await self._listen() if self._audiosocket else None
        while not web.started and not serving.done():
            await asyncio.sleep(0.01)
        self.ready.set()
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        await self.desk.drain()
        if lines is not None:
            lines.close()
        web.should_exit = True
        stopping.cancel()
        await serving
        await self.desk.models.close()

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self.web.media.audiosocket, self._host, self._audiosocket)


class _Uvicorn(uvicorn.Server):
    """Leaves signals to whoever runs it: calls must be drained before connections are closed."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def desk_of(
    agent: Agent,
    manners: Manners,
    resume: float = 300.0,
    hearing: int | None = None,
    recordings: Path | None = None,
    photos: Photos | None = None,
) -> Desk:
    """A desk whose calls the agent answers.

    Args:
        agent: who answers.
        manners: how calls are held.
        resume: seconds; see `Ledger`.
        hearing: processes that hear; 0 hears in this one; None is what suits the stack's speech engine.
        recordings: folder for recordings of calls; None records nothing.
        photos: sends links for photos.

    Raises:
        PackError: the pack can understand, but not answer.
        MissingPartError: a package that listening needs is not installed.
        InputError: the folder for recordings cannot be written to.
    """
    if agent.manager is None:
        raise PackError(f"the pack {agent.parts.pack.name!r} has no flows.toml: it can understand, but not answer")
    store = agent.manager.store
    tapes = Tapes(store, recordings) if recordings else None
    models = Models(Answerer(agent), listeners(agent), manners, hearers(agent, hearing), tapes)
    return Desk(models, Ledger(store, resume), photos)


def hearers(agent: Agent, count: int | None = None) -> Hearers | None:
    """So many processes that hear, ready; by default `HEARING` where the engine holds Python's lock, else none."""
    settings = agent.parts.settings
    count = HEARING * (settings.speech.engine in LOCKING) if count is None else count
    if not count:
        return None
    begun = Hearers(partial(speech, settings, agent.parts.pack.root), count)
    begun.wait()
    return begun


def listeners(agent: Agent) -> Callable[[int], Ears]:
    """What makes a call's listener; the models in it are shared. "Mhm" is told only where English is spoken."""
    from modalities.speech.live_aside import Acknowledgements
    from modalities.speech.live_turn import SmartTurn

    english = "en" in agent.parts.pack.languages
    return partial(Listener, turns=SmartTurn(), asides=Acknowledgements() if english else None)
