"""The page behind its doors, for tests: real dialogue over a small shop, with models that go by rule."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import SimpleNamespace
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.testclient import TestClient

from agent.domain import Pack
from agent.types import Intent, Turn, Understanding
from demos.page.agent import PageAgent
from demos.page.guard import Guard, Rules
from demos.page.house import House
from demos.page.routes import routes
from demos.phone.manners import Manners
from modalities.types import Audio
from tests.calls import Shop
from tests.demos.phone_line import Ears
from tests.fakes import FakeAgent, tone

MEANT = {"person": "human_agent", "damaged": "report_damaged", "bye": "goodbye"}


class PageFake(FakeAgent):
    """Understands by words, decides by the retail pack's flows, speaks tones.

    Attributes:
        pause: seconds it takes to understand.
        spoken: sentences said.
    """

    def __init__(self, pause: float = 0.0, **more: Any) -> None:
        super().__init__(**more)
        self.pause = pause
        self.manager = Shop().manager
        self.spoken: list[str] = []
        self.parts = SimpleNamespace(pack=Pack.load("retail", with_examples=False))

    def _understanding(self, turn: Turn) -> Understanding:
        time.sleep(self.pause)
        found = super()._understanding(turn)
        meant = next((intent for word, intent in MEANT.items() if word in found.text), "")
        if not meant:
            return found
        return Understanding(**{**vars(found), "intents": (Intent(meant, 0.95),), "wanted": 1})

    def say(self, text: str) -> Audio:
        self.spoken.append(text)
        return tone(0.6, 22_050)


def inside(agent: Any, rules: Rules | None = None, *, turns: int = 4, calls: int = 8) -> TestClient:
    """A client of the page's own connections, without Gradio; use it as a context."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.house = House(PageAgent(agent), Ears, Manners(calls=calls, silence=60.0, lead=0.05), turns)
        yield
        await app.state.house.close()

    app = Starlette(routes=routes(), lifespan=lifespan)
    if rules is not None:
        app.add_middleware(Guard, rules=rules)
    return TestClient(app, base_url="http://127.0.0.1:7860", follow_redirects=False)


@contextmanager
def serving(server: uvicorn.Server) -> Iterator[None]:
    """A server in a thread, for the block."""
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 60
    while not server.started:
        assert thread.is_alive(), "the server ended before it began"
        assert time.monotonic() < until, "the server does not begin"
        time.sleep(0.02)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(20)
