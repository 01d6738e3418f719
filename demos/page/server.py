"""The page's server: the gate, the page's own connections, and Gradio's pages, in one application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import uvicorn

from demos.page import frame
from demos.page.agent import PageAgent
from demos.page.guard import STAFF, Guard, Rules
from demos.page.house import TURNS, House
from demos.page.routes import MAX_MESSAGE, routes
from demos.phone.hearing import Hearers
from demos.phone.listening import Ears
from demos.phone.manners import Manners

if TYPE_CHECKING:
    from fastapi import FastAPI, Request

OPEN = "anybody"
"""What Gradio calls those who need not log in."""
WEIGHT = 512  # connections at once


def application(
    agent: PageAgent,
    ears: Callable[[int], Ears],
    manners: Manners,
    rules: Rules,
    turns: int = TURNS,
    hearers: Hearers | None = None,
) -> FastAPI:
    """The whole page.

    Args:
        agent: who answers.
        ears: makes what follows a hands-free call's sound, for its rate.
        manners: how hands-free calls are held.
        rules: who may see what.
        turns: messages understood at once.
        hearers: what hears before the agent understands; ended with the application.
    """
    import gradio as gr
    from fastapi import FastAPI

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.house = House(agent, ears, manners, turns, hearers)
        try:
            yield
        finally:
            await app.state.house.close()

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.router.routes.extend(routes())
    examples, login = frame.examples_of(agent.pack), rules.accounts is not None

    def house() -> House:
        found: House = app.state.house
        return found

    for path, staff in ((STAFF, True), ("/", False)):
        made = frame.blocks(rules.title, agent.pack.title, examples, house, agent.store, staff=staff, login=login)
        gr.mount_gradio_app(app, made, path, auth_dependency=_who, **frame.options())
    app.add_middleware(Guard, rules=rules)
    return app


def _who(request: Request) -> str:
    """Who asks, as the gate found."""
    return str(request.scope.get("state", {}).get("user", "")) or OPEN


def server(app: FastAPI, host: str, port: int, certificate: str = "", key: str = "") -> uvicorn.Server:
    """What serves it; `run` returns once it is told to end."""
    config = uvicorn.Config(
        app, host, port, log_config=None, access_log=False, ws_max_size=MAX_MESSAGE, ws_per_message_deflate=False,
        timeout_graceful_shutdown=3, limit_concurrency=WEIGHT, server_header=False,
        ssl_certfile=certificate or None, ssl_keyfile=key or None,
    )  # fmt: skip
    return uvicorn.Server(config)
