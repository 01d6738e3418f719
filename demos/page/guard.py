"""Who may see what of the page: one gate before all of it, Gradio's parts included.

Without a login everybody on this machine may see everything; on any other address nobody sees the desk or stored calls.
Pages of other sites can neither read this one nor speak for its visitors (the `Origin` and `Host` of what they ask
are checked, against cross-site WebSockets and DNS rebinding).
"""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from demos import view
from demos.login import Account, Accounts

COOKIE = "callsight"
LASTS = 12 * 3600.0  # seconds a login lasts
MOST_SESSIONS = 10_000
WRONG_SECONDS = 1.0  # a wrong password is answered no sooner
TRIES = 2  # passwords checked at once
MAX_FORM = 8 * 1024
STAFF = "/staff"
LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
CLOSED = tuple(f"/gradio_api/{part}" for part in ("upload", "file", "stream", "component_server", "proxy"))
"""Parts of Gradio that this page does not use."""


@dataclass(frozen=True)
class Rules:
    """How the gate is set.

    Attributes:
        accounts: who may log in; None where nobody has to.
        local: the server listens on this machine alone, so only its own names are answered to.
        title: of the page.
        secure: the page is served over TLS.
    """

    accounts: Accounts | None = None
    local: bool = True
    title: str = "Callsight"
    secure: bool = False


class Guard:
    """The gate, as ASGI middleware. It puts `user` and `staff` into the scope's state.

    Args:
        app: what it guards.
        rules: how it is set.
    """

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app, self._rules = app, rules
        self._sessions: dict[str, tuple[float, Account]] = {}
        self._trying = asyncio.Semaphore(TRIES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it pass, or answer it here."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        answer = await self._answer(scope, receive)
        if answer is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response | None:
        """What is answered instead of passing it on."""
        headers, path = Headers(scope=scope), scope["path"]
        if not self._ours(scope, headers):
            return PlainTextResponse("This page answers only to its own address.", 403)
        if any(part in path for part in CLOSED):
            return PlainTextResponse("not found", 404)
        if path == "/login" and self._rules.accounts is not None:
            return await self._login(Request(scope, receive))
        account = self._account(HTTPConnection(scope))
        open_to_all = self._rules.accounts is None
        staff = self._rules.local if account is None else account.role == "staff"
        if account is None and not open_to_all:
            return _to("/login") if scope["type"] == "http" and scope["method"] == "GET" else _refused()
        if path == "/logout":
            return self._logout(HTTPConnection(scope))
        if path == "/" and staff:
            return _to(f"{STAFF}/")
        if path.startswith(STAFF) and not staff:
            return _refused()
        scope.setdefault("state", {}).update(user=account.name if account else "", staff=staff)
        return None

    def _ours(self, scope: Scope, headers: Headers) -> bool:
        """Whether it was asked by this page, or by hand, and under a name of this server."""
        host = headers.get("host", "")
        if self._rules.accounts is None and self._rules.local and urlsplit(f"//{host}").hostname not in LOCAL:
            return False
        origin = headers.get("origin")
        asking = bool(scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD", "OPTIONS"))
        if origin is None:
            return bool(scope["type"] != "websocket")
        return not asking or urlsplit(origin).netloc == host

    def _account(self, request: HTTPConnection) -> Account | None:
        begun, account = self._sessions.get(request.cookies.get(COOKIE, ""), (0.0, None))
        return account if account is not None and time.monotonic() - begun < LASTS else None

    async def _login(self, request: Request) -> Response:
        if request.method != "POST":
            return self._form()
        fields = await _form(request)
        async with self._trying:
            name, password = fields.get("name", ""), fields.get("password", "")
            assert self._rules.accounts is not None
            account = await run_in_threadpool(self._rules.accounts.check, name, password)
            if account is None:
                await asyncio.sleep(WRONG_SECONDS)
                return self._form("Name or password is wrong.", 401)
        self._forget()
        token = secrets.token_urlsafe(32)
        self._sessions[token] = (time.monotonic(), account)
        answer = _to("/")
        answer.set_cookie(
            COOKIE, token, max_age=int(LASTS), httponly=True, samesite="strict", secure=self._rules.secure
        )
        return answer

    def _form(self, problem: str = "", status: int = 200) -> Response:
        return HTMLResponse(view.render("login.html", title=self._rules.title, problem=problem), status)

    def _logout(self, request: HTTPConnection) -> Response:
        self._sessions.pop(request.cookies.get(COOKIE, ""), None)
        answer = _to("/")
        answer.delete_cookie(COOKIE)
        return answer

    def _forget(self) -> None:
        now = time.monotonic()
        fresh = [(t, one) for t, one in self._sessions.items() if now - one[0] < LASTS]
        self._sessions = dict(fresh[-(MOST_SESSIONS - 1) :])


async def _form(request: Request) -> dict[str, str]:
    """A form's fields; nothing of one that is too long."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_FORM:
            return {}
    return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


def _to(path: str) -> RedirectResponse:
    return RedirectResponse(path, 303)


def _refused() -> Response:
    return PlainTextResponse("You may not see this. Log in under another name.", 403)
