"""People who talk to the page at the same time, each over the page's own connection, at the pace of speech."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import websockets

from modalities.audio import encode_pcm16
from modalities.types import Audio

STEP_SECONDS = 0.02
THINKS = (1.0, 3.0)  # seconds between the agent's last sound and the next words
MOST_SECONDS = 120.0


@dataclass
class Person:
    """One visitor: what was said, what came back, and how soon.

    Attributes:
        waits: seconds from the end of a press to the first sound of the answer.
        lines: the conversation as it came, customer's and agent's words.
        kept: the same as the server tells it to the same visitor who comes back.
        failed: turns without an answer.
    """

    waits: list[float] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    failed: int = 0


async def crowd(address: str, said: Sequence[Sequence[Audio]], seed: int) -> list[Person]:
    """As many people as there are lists, each saying its own."""
    where = address.replace("http", "ws") + "/page/talk"
    rng = random.Random(seed)
    begins = [rng.uniform(0, 4.0) for _ in said]
    return await asyncio.gather(*(_person(where, one, at, rng) for one, at in zip(said, begins, strict=True)))


async def _person(where: str, said: Sequence[Audio], begins: float, rng: random.Random) -> Person:
    person = Person()
    origin = websockets.Origin(where.replace("ws", "http", 1).removesuffix("/page/talk"))
    await asyncio.sleep(begins)
    async with websockets.connect(where, origin=origin, max_size=None) as socket:
        token = (await _hello(socket, ""))["token"]
        for one in said:
            try:
                await asyncio.wait_for(_turn(socket, one, person), MOST_SECONDS)
            except TimeoutError:
                person.failed += 1
            await asyncio.sleep(rng.uniform(*THINKS))
    async with websockets.connect(where, origin=origin, max_size=None) as socket:
        person.kept = [line["text"] for line in (await _hello(socket, token))["lines"]]
    return person


async def _hello(socket: Any, token: str) -> dict[str, Any]:
    await socket.send(json.dumps({"event": "hello", "token": token}))
    while True:
        message: dict[str, Any] = json.loads(await socket.recv())
        if message["event"] == "welcome":
            return message


async def _turn(socket: Any, said: Audio, person: Person) -> None:
    """Press, speak, let go, and listen to all of the answer."""
    await socket.send(json.dumps({"event": "press", "rate": said.rate}))
    pcm, step = encode_pcm16(said), 2 * round(STEP_SECONDS * said.rate)
    began = time.monotonic()
    for place in range(0, len(pcm), step):
        await asyncio.sleep(max(0.0, began + place / (2 * said.rate) - time.monotonic()))
        await socket.send(pcm[place : place + step])
    await asyncio.sleep(max(0.0, began + said.seconds - time.monotonic()))
    await socket.send(json.dumps({"event": "release"}))
    released, first, rate, sound = time.monotonic(), 0.0, 1, 0.0
    while True:
        message = await socket.recv()
        if isinstance(message, bytes):
            first = first or time.monotonic()
            sound += len(message) / (2 * rate)
            continue
        told = json.loads(message)
        rate = told.get("rate", rate)
        if told["event"] in ("heard", "reply") and told["text"]:
            person.lines.append(told["text"])
        if told["event"] == "ready":
            break
    if first:
        person.waits.append(first - released)
        await asyncio.sleep(max(0.0, first + sound - time.monotonic()))
    else:
        person.failed += 1
