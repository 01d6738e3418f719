"""Photos by link: who can send one, into which call, how often, and what the caller is told."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent.errors import CallsightError
from agent.types import Turn, Understanding
from demos import samples
from demos.phone.agent import Answered
from demos.phone.desk import Desk
from demos.phone.manners import LINK_COMES, LINK_FAILED
from demos.phone.photos import HEADERS, LARGEST, LIFE, MOST, OVER, THANKS, TRIES, Photos
from demos.phone.web import Secrets, Web
from tests.demos.phone_line import Office, RuleAgent, Wire, until

RECEIPT = (Path(samples.__file__).parent / "receipt.jpg").read_bytes()
HOME = "https://phone.example.com"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def name_of(link: str) -> str:
    assert link.startswith(f"{HOME}/photo/")
    return link.rpartition("/")[2]


def links(clock: Clock) -> Photos:
    return Photos(HOME + "/", "http://127.0.0.1:9", "secret", clock)


def test_a_link_works_once_for_a_while_for_one_call() -> None:
    clock = Clock()
    photos = links(clock)
    first, second = name_of(photos.link("a")), name_of(photos.link("b"))
    assert len(first) >= 32
    assert (photos.call_of(first), photos.call_of(second), photos.call_of("guess")) == ("a", "b", "")
    photos.used(first)
    assert photos.call_of(first) == ""
    again = name_of(photos.link("b"))
    assert (photos.call_of(second), photos.call_of(again)) == ("", "b")
    clock.now = LIFE + 1
    assert photos.call_of(again) == ""


def test_links_do_not_pile_up_and_bad_photos_end_one() -> None:
    photos = links(Clock())
    names = [name_of(photos.link(str(number))) for number in range(MOST + 3)]
    assert len(photos._links) == MOST
    assert photos.call_of(names[0]) == ""
    for _ in range(TRIES):
        assert photos.call_of(names[-1])
        photos.refused(names[-1])
    assert photos.call_of(names[-1]) == ""


@pytest.fixture
def hook() -> Iterator[tuple[str, list[tuple[Any, str]]]]:
    """A server that takes links as an operator's would."""
    came: list[tuple[Any, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            wanted = hmac.new(b"secret", body, hashlib.sha256).hexdigest()
            came.append((json.loads(body), "signed" if self.headers["X-Callsight-Signature"] == wanted else "forged"))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/sms", came
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_hook_is_told_whom_to_send_which_link(hook: tuple[str, list[tuple[Any, str]]]) -> None:
    url, came = hook
    photos = Photos(HOME, url, "secret")
    photos.send("call", "+1555")
    ((told, signed),) = came
    assert signed == "signed"
    assert (told["to"], told["call_id"]) == ("+1555", "call")
    assert photos.call_of(name_of(told["url"])) == "call"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "not an address"])
def test_a_hook_that_fails_leaves_no_link(url: str) -> None:
    photos = Photos(HOME, url, "secret")
    with pytest.raises(CallsightError, match="--photo-hook"):
        photos.send("call", "+1555")
    assert not photos._links


class Sees(RuleAgent):
    seen: list[Turn]

    def understand(self, turns: Sequence[Turn]) -> list[Understanding]:
        self.seen = [*getattr(self, "seen", []), *(turn for turn in turns if turn.image is not None)]
        return super().understand(turns)


Play = Callable[[httpx.AsyncClient, Wire, Desk], Awaitable[Any]]


def held(play: Play, agent: RuleAgent, photos: Photos | None) -> Any:
    """A call beside a web client."""
    office = Office(agent)

    async def run() -> Any:
        desk = office.desk()
        desk.photos = photos
        web, wire = Web(desk, Secrets("auth", "secret", HOME)), Wire()
        call = office.call(desk, wire)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=web.app()), base_url="http://inside") as client:
            found = await play(client, wire, desk)
        wire.hang_up()
        await asyncio.wait_for(call, 20)
        await desk.models.close()
        assert not desk._talks
        assert not (photos and photos._links)
        return found

    return asyncio.run(run())


def test_a_photo_becomes_a_turn_of_its_call(hook: tuple[str, list[tuple[Any, str]]]) -> None:
    url, came = hook
    agent = Sees({1: Answered("Can you send a photo of it?", photo=True)})

    async def play(client: httpx.AsyncClient, wire: Wire, desk: Desk) -> list[httpx.Response]:
        await until(lambda: wire.seconds >= agent.seconds)
        wire.turn()
        await until(lambda: came)
        path = "/photo/" + name_of(came[0][0]["url"])
        answers = [await client.get(path), await client.post(path, content=b"no photo")]
        answers.append(await client.post(path, content=RECEIPT))
        await until(lambda: agent.turns == 2)
        return [*answers, await client.post(path, content=RECEIPT), await client.get(path)]

    page, bad, good, again, gone = held(play, agent, Photos(HOME, url, "secret"))
    assert [one.status_code for one in (page, bad, good, again, gone)] == [200, 422, 200, 410, 410]
    assert good.text == THANKS
    assert all(one.headers["cache-control"] == "no-store" for one in (page, bad, good, again))
    assert "default-src 'none'" in HEADERS["Content-Security-Policy"]
    (turn,) = agent.seen
    assert turn.image is not None
    assert (turn.channel, turn.call_id) == ("phone", came[0][0]["call_id"])
    assert " ".join(words for what, words in agent.log if what == "say").count(LINK_COMES) == 1


def test_a_photo_that_is_too_large_or_for_a_call_that_is_over_is_refused() -> None:
    photos = links(Clock())

    async def play(client: httpx.AsyncClient, wire: Wire, desk: Desk) -> list[httpx.Response]:
        large = await client.post("/photo/" + name_of(photos.link("gone")), content=b"0" * (LARGEST + 1))
        return [large, await client.post("/photo/" + name_of(photos.link("gone")), content=RECEIPT)]

    large, over = held(play, Sees(), photos)
    assert (large.status_code, over.status_code, over.text) == (413, 410, OVER)


def test_where_the_link_cannot_be_sent_the_call_goes_on_without() -> None:
    agent = Sees({1: Answered("Can you send a photo of it?", photo=True)})

    async def play(client: httpx.AsyncClient, wire: Wire, desk: Desk) -> None:
        await until(lambda: wire.seconds >= agent.seconds)
        wire.turn()
        await until(lambda: LINK_FAILED in " ".join(words for what, words in agent.log if what == "say"))

    held(play, agent, links(Clock()))


def test_without_a_hook_there_are_no_links_and_no_page() -> None:
    agent = Sees({1: Answered("Can you send a photo of it?", photo=True)})

    async def play(client: httpx.AsyncClient, wire: Wire, desk: Desk) -> httpx.Response:
        await until(lambda: wire.seconds >= agent.seconds)
        wire.turn()
        await until(lambda: agent.turns == 1)
        return await client.get("/photo/anything")

    assert held(play, agent, None).status_code == 410
    assert all(LINK_COMES not in words for _, words in agent.log)
