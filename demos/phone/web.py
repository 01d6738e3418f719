"""The telephone's web server: webhooks that announce calls, and the media connections they announce.

POST /twilio, /twilio/after, /twilio/summary     signed by Twilio
POST /telnyx, /plivo; GET /vonage, /exotel       ?token=
GET  /asterisk/call, /freeswitch/call            ?token=&caller=&line= -> a ticket, or "busy"
GET  /asterisk/after, /freeswitch/after          ?token=&line=         -> whom to transfer to, or nothing
POST /telnyx/after                               ?token=&line=         -> the same as TeXML
WS   /CARRIER/media                              with the ticket
GET  /calls/ID                                   ?token= -> what a person who takes over needs
GET  /photo/NAME, then POST                      a page that sends one photo into a call
POST /calls/ID/recording                         ?token=&state=pause|resume|discard
GET  /health
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from urllib.parse import parse_qsl, quote, urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute

from agent.errors import CallsightError, InputError
from demos.carriers import answers
from demos.carriers.events import MAX_NAME
from demos.carriers.tickets import same, twilio_signature
from demos.phone.desk import Desk
from demos.phone.media import Media
from demos.phone.photos import GONE, HEADERS, LARGEST, OVER, PAGE, THANKS, TOO_LARGE, UNUSABLE
from modalities.types import Image

log = logging.getLogger(__name__)

MAX_FORM = 64 * 1024
HOOKS = {"telnyx": "CallSid", "plivo": "CallUUID", "vonage": "conversation_uuid", "exotel": "CallSid"}
"""Carriers whose webhook connects a call, and what they call the call."""
CALLERS = ("From", "from", "CallFrom", "caller")
SWITCHES = ("asterisk", "audiosocket", "freeswitch")


@dataclass(frozen=True)
class Secrets:
    """What callers of webhooks must know. An unset secret lets nobody in.

    Attributes:
        twilio: the auth token of the Twilio account, which signs its webhooks.
        token: what everybody else shows as `token`.
        public: the address by which carriers reach this server, such as https://phone.example.com.
    """

    twilio: str = ""
    token: str = ""
    public: str = ""


class Web:
    """The routes.

    Args:
        desk: holds the calls.
        secrets: who may call.
    """

    def __init__(self, desk: Desk, secrets: Secrets) -> None:
        self._desk, self._secrets = desk, secrets
        self.media = Media(desk, secrets.token)

    def app(self) -> Starlette:
        """The application."""
        any_of = ["GET", "POST"]
        return Starlette(
            routes=[
                Route("/health", self.health),
                Route("/calls/{call_id}", self.summary),
                Route("/calls/{call_id}/recording", self.recording, methods=["POST"]),
                Route("/photo/{name}", self.photo, methods=any_of),
                Route("/twilio", self.twilio, methods=["POST"]),
                Route("/twilio/after", self.twilio_after, methods=["POST"]),
                Route("/twilio/summary", self.twilio_summary, methods=any_of),
                Route("/{carrier}/call", self.switch_call),
                Route("/{carrier}/after", self.switch_after, methods=any_of),
                Route("/{carrier}", self.hook, methods=any_of),
                WebSocketRoute("/{carrier}/media", self.media.websocket),
            ]
        )

    async def health(self, _: Request) -> Response:
        """How many calls there are, and how many tasks on the event loop."""
        desk, tasks = self._desk, len(asyncio.all_tasks())
        limit = desk.models.manners.calls
        return JSONResponse({"calls": desk.calls, "limit": limit, "draining": desk.draining, "tasks": tasks})

    async def summary(self, request: Request) -> Response:
        """What a person who takes over needs."""
        if not self._known(request):
            return _refused()
        try:
            work = partial(self._desk.models.agent.summary, request.path_params["call_id"][:MAX_NAME])
            return JSONResponse(await self._desk.models.run(work))
        except CallsightError:
            return PlainTextResponse("the database does not answer", 503)

    async def photo(self, request: Request) -> Response:
        """The page behind a link, or the photo that it sends: its bytes."""
        photos, name = self._desk.photos, request.path_params["name"]
        call_id = photos.call_of(name) if photos else ""
        if photos is None or not call_id:
            return HTMLResponse(GONE, 410, HEADERS)
        if request.method != "POST":
            return HTMLResponse(PAGE, 200, HEADERS)
        data = await _bytes(request, LARGEST)
        if data is None:
            return PlainTextResponse(TOO_LARGE, 413, HEADERS)
        try:
            image = await self._desk.models.run(partial(Image.open, BytesIO(data)))
        except InputError:
            photos.refused(name)
            return PlainTextResponse(UNUSABLE, 422, HEADERS)
        once = photos.call_of(name) == call_id
        photos.used(name)
        if not once or not await self._desk.show(call_id, image):
            return PlainTextResponse(OVER, 410, HEADERS)
        return PlainTextResponse(THANKS, 200, HEADERS)

    async def recording(self, request: Request) -> Response:
        """Somebody pauses a recording, lets it go on, or has it thrown away."""
        tapes, call_id = self._desk.models.tapes, request.path_params["call_id"]
        if not self._known(request):
            return _refused()
        tape, state = tapes.live.get(call_id) if tapes else None, request.query_params.get("state")
        if tapes is None or tape is None or state not in ("pause", "resume", "discard"):
            return PlainTextResponse("no such recording or state", 404)
        if state == "discard":
            await self._desk.models.run(partial(tapes.discard, call_id))
        else:
            tape.paused = state == "pause"
        return PlainTextResponse(state)

    async def twilio(self, request: Request) -> Response:
        """A call comes in by Twilio."""
        fields = await self._signed(request)
        if fields is None:
            return _refused()
        if _machine(fields):
            return _xml(answers.hang_up())
        ticket = self._ticket("twilio", fields.get("CallSid", ""), fields.get("From", ""))
        if not ticket:
            return Response(answers.busy(), media_type=answers.XML)
        after = f"{self._public(request)}/twilio/after"
        return _xml(answers.twilio_connect(self._socket(request, "twilio"), ticket, after))

    async def twilio_after(self, request: Request) -> Response:
        """The stream is over: Twilio asks what follows."""
        fields = await self._signed(request)
        if fields is None:
            return _refused()
        ending, _ = self._desk.ending(fields.get("CallSid", ""))
        number = self._desk.models.manners.person
        if ending != "person" or not number:
            return _xml(answers.hang_up())
        whisper = f"{self._public(request)}/twilio/summary?line={quote(fields.get('CallSid', ''))}"
        return _xml(answers.twilio_person(number, whisper))

    async def twilio_summary(self, request: Request) -> Response:
        """What the person hears before the caller is put through."""
        if await self._signed(request) is None:
            return _refused()
        _, call_id = self._desk.ending(request.query_params.get("line", ""))
        try:
            summary = await self._desk.models.run(partial(self._desk.models.agent.summary, call_id))
        except CallsightError:
            summary = {}
        return _xml(answers.say(briefing(summary)))

    async def hook(self, request: Request) -> Response:
        """A call comes in by a carrier that shows a token."""
        carrier = request.path_params["carrier"]
        if carrier not in HOOKS or not self._known(request):
            return _refused()
        fields = {**await _form(request), **request.query_params}
        if _machine(fields) and carrier in ("telnyx", "plivo"):
            return _xml(answers.hang_up())
        caller = next((fields[name] for name in CALLERS if fields.get(name)), "")
        ticket = self._ticket(carrier, fields.get(HOOKS[carrier], ""), caller)
        if not ticket:
            return _busy(carrier)
        line, token = quote(fields.get(HOOKS[carrier], "")), quote(self._secrets.token)
        after = f"{self._public(request)}/{carrier}/after?token={token}&line={line}"
        return _connect(carrier, f"{self._socket(request, carrier)}?ticket={ticket}", after)

    async def switch_call(self, request: Request) -> Response:
        """A switch announces a call and gets its ticket, or "busy"."""
        carrier = request.path_params["carrier"]
        if carrier not in SWITCHES or not self._known(request):
            return _refused()
        asked = request.query_params
        ticket = self._ticket(carrier, asked.get("line", ""), asked.get("caller", ""))
        return PlainTextResponse(ticket or "busy")

    async def switch_after(self, request: Request) -> Response:
        """A switch, or Telnyx, asks what follows a call: whom to transfer to, or nothing."""
        carrier = request.path_params["carrier"]
        if carrier not in (*SWITCHES, "telnyx") or not self._known(request):
            return _refused()
        ending, _ = self._desk.ending(request.query_params.get("line", ""))
        number = self._desk.models.manners.person if ending == "person" else ""
        if carrier == "telnyx":
            return _xml(answers.person(number) if number else answers.hang_up())
        return PlainTextResponse(number)

    def _ticket(self, carrier: str, line: str, caller: str) -> str:
        """A ticket; empty where the desk is full."""
        if not self._desk.free:
            return ""
        try:
            return self._desk.tickets.issue(carrier, line[:MAX_NAME], caller[:MAX_NAME])
        except CallsightError as error:
            log.warning("no ticket was given: %s", type(error).__name__)
            return ""

    def _known(self, request: Request) -> bool:
        return same(request.query_params.get("token", ""), self._secrets.token)

    async def _signed(self, request: Request) -> dict[str, str] | None:
        """The form of a request that Twilio signed; None where it did not."""
        fields = await _form(request)
        query = f"?{request.url.query}" if request.url.query else ""
        url = f"{self._public(request)}{request.url.path}{query}"
        if not self._secrets.twilio:
            return None
        wanted = twilio_signature(self._secrets.twilio, url, fields)
        return fields if same(request.headers.get("x-twilio-signature", ""), wanted) else None

    def _public(self, request: Request) -> str:
        return self._secrets.public.rstrip("/") or f"http://{request.url.netloc}"

    def _socket(self, request: Request, carrier: str) -> str:
        public = urlsplit(self._public(request))
        scheme = "wss" if public.scheme == "https" else "ws"
        return f"{scheme}://{public.netloc}{public.path}/{carrier}/media"


async def _bytes(request: Request, most: int) -> bytes | None:
    """What a request brings; None where it is too long."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > most:
            return None
    return bytes(body)


async def _form(request: Request) -> dict[str, str]:
    """A form's fields; nothing of one that is too long."""
    body = await _bytes(request, MAX_FORM) or b""
    return dict(parse_qsl(body.decode("utf-8", errors="replace"), keep_blank_values=True, max_num_fields=None))


def _xml(text: str) -> Response:
    return Response(text, media_type=answers.XML)


def _machine(fields: Mapping[str, str]) -> bool:
    """Whether the carrier told that a call it placed was answered by a machine or a fax: those are left alone."""
    return fields.get("AnsweredBy", "").startswith(("machine", "fax")) or fields.get("Machine", "") == "true"


def _refused() -> Response:
    return PlainTextResponse("not authorised", 403)


def _busy(carrier: str) -> Response:
    if carrier == "vonage":
        return Response(answers.vonage_busy(), media_type=answers.JSON)
    if carrier == "exotel":
        return PlainTextResponse("busy", 503)
    return _xml(answers.busy())


def _connect(carrier: str, media: str, after: str) -> Response:
    if carrier == "vonage":
        return Response(answers.vonage_connect(media), media_type=answers.JSON)
    if carrier == "exotel":
        return Response(answers.exotel_connect(media), media_type=answers.JSON)
    return _xml(answers.telnyx_connect(media, after) if carrier == "telnyx" else answers.plivo_connect(media))


def briefing(summary: object) -> str:
    """A call in two sentences, for the ear of whoever takes it over."""
    table = summary if isinstance(summary, dict) else {}
    name = dict(table.get("customer") or {}).get("name", "")
    wish = str(table.get("doing") or next(iter(table.get("waiting") or []), "") or "").replace("_", " ")
    who = f"Call from {name}." if name else "Call from a customer who was not identified."
    return f"{who} It is about: {wish}." if wish else who
