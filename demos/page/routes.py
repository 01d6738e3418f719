"""The page's own connections, beside Gradio's:

WS   /page/talk            a visitor's conversation: JSON both ways, sound of the pressed button in, of the answers out
WS   /page/call?token=     a hands-free call
POST /page/files?token=&name=   a photo or a recording; answered with its id
GET  /page/assets/NAME     scripts
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from agent.errors import InputError
from demos import message
from demos.page.call import call
from demos.page.connection import Connection, close, fields
from demos.page.house import House
from demos.page.visitors import Visitor
from demos.phone.media import FULL, REFUSED
from modalities.types import Image

log = logging.getLogger(__name__)

ASSETS = Path(__file__).parents[1] / "assets"
MAX_UPLOAD = 20 * 1024 * 1024
MAX_MESSAGE = 1024 * 1024  # bytes of one message of a WebSocket; the longest text in the longest encoding
HELLO_SECONDS = 10.0
BUSY = "Too many people are here right now. Please try again in a few minutes."
GONE = "This page was opened a while ago. Please load it again."


def routes() -> list[BaseRoute]:
    """The routes; `app.state.house` is a `House`."""
    return [
        WebSocketRoute("/page/talk", talk),
        WebSocketRoute("/page/call", hands_free),
        Route("/page/files", files, methods=["POST"]),
        Mount("/page/assets", StaticFiles(directory=ASSETS)),
    ]


def _user(scope: Mapping[str, Any]) -> str:
    """Who logged in, as the guard found."""
    return str(scope.get("state", {}).get("user", ""))


async def talk(socket: WebSocket) -> None:
    """A visitor's conversation."""
    house: House = socket.app.state.house
    await socket.accept()
    try:
        hello = fields(await asyncio.wait_for(socket.receive_text(), HELLO_SECONDS))
    except (TimeoutError, WebSocketDisconnect, KeyError):
        await close(socket, REFUSED)
        return
    visitor = house.visitors.enter(str(hello.get("token", "")), _user(socket.scope))
    if visitor is None:
        await socket.send_text(json.dumps({"event": "problem", "text": BUSY}))
        await close(socket, FULL)
        return
    await Connection(house, visitor, socket).run()


async def hands_free(socket: WebSocket) -> None:
    """A hands-free call; it begins once there is a free line, and the page is told its place until then."""
    house: House = socket.app.state.house
    visitor = house.visitors.find(socket.query_params.get("token", ""), _user(socket.scope))
    if visitor is None or visitor.live is not None:
        await close(socket, REFUSED)
        return
    await socket.accept()
    if not await _let_in(house, visitor, socket):
        return
    try:
        await call(house, visitor, socket)
    except (WebSocketDisconnect, RuntimeError) as error:
        log.info("a call's page was closed: %s", type(error).__name__)
    finally:
        house.calls.leave()
        await close(socket)


async def _let_in(house: House, visitor: Visitor, socket: WebSocket) -> bool:
    """Wait for a free line; False where the page was closed before."""
    entering = asyncio.ensure_future(
        house.calls.enter(lambda ahead: visitor.tell("call", state="waiting", ahead=ahead))
    )
    going = asyncio.ensure_future(socket.receive())  # the page says nothing before the call is open, but that it goes
    await asyncio.wait({entering, going}, return_when=asyncio.FIRST_COMPLETED)
    gone = going.done()
    going.cancel()
    if entering.done() and gone:
        house.calls.leave()
    entering.cancel()
    return not gone


async def files(request: Request) -> Response:
    """A file to be sent with the next message; refused before it is read where it is too large."""
    house: House = request.app.state.house
    visitor = house.visitors.find(request.query_params.get("token", ""), _user(request.scope))
    if visitor is None:
        return _problem(GONE, 403)
    try:
        content = await _content(request)
        file = await house.models.run(lambda: message.opened(request.query_params.get("name", ""), content))
    except InputError as error:
        return _problem(str(error), 413 if isinstance(error, _TooLargeError) else 400)
    except ClientDisconnect:
        return _problem(GONE, 400)
    return JSONResponse({"id": visitor.attach(file), "kind": "photo" if isinstance(file, Image) else "recording"})


class _TooLargeError(InputError):
    pass


async def _content(request: Request) -> bytes:
    """The body, if it is small enough."""
    too_large = _TooLargeError(f"the file is larger than {MAX_UPLOAD >> 20} MB; send a smaller one")
    announced = request.headers.get("content-length", "0")
    if not announced.isdigit() or int(announced) > MAX_UPLOAD:
        raise too_large
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_UPLOAD:
            raise too_large
    return bytes(body)


def _problem(text: str, status: int) -> Response:
    return JSONResponse({"problem": text}, status)
