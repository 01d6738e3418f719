"""A far end with a ticket that then sends whatever it likes: malformed, reordered, oversized and hostile messages."""

from __future__ import annotations

import asyncio
import json
import time
from base64 import b64encode
from random import Random
from typing import Any

from benchmarks.carrier import Place, Speaker
from benchmarks.carrier_wires import WIRES, AudioSocketWire

AT_ONCE = 2_500  # messages of one connection; the next one takes up where it ended


async def attack(name: str, place: Place, count: int, seed: int) -> tuple[int, float]:
    """Send so many messages on one protocol; how many were sent and the seconds it took."""
    rng, sent, began = Random(seed), 0, time.monotonic()
    while sent < count:
        wire = WIRES[name]()
        await wire.open(place, f"+1444{sent}")
        reading = asyncio.create_task(wire.read(Speaker()))
        for _ in range(min(AT_ONCE, count - sent)):
            await _put(wire, message(name, rng))
            sent += 1
            if sent % 50 == 0:
                await asyncio.sleep(0)
        await wire.hang_up()
        await asyncio.wait({reading}, timeout=10)
        reading.cancel()
    return sent, time.monotonic() - began


async def _put(wire: Any, one: str | bytes) -> None:
    if isinstance(wire, AudioSocketWire):
        data = one if isinstance(one, bytes) else one.encode(errors="replace")
        await wire.raw(data)
    else:
        await wire.put(one)


def message(name: str, rng: Random) -> str | bytes:
    """One message that the protocol does not foresee, or foresees elsewhere."""
    kind = rng.randrange(7)
    if name == "audiosocket":
        return _packet(kind, rng)
    if kind == 0:
        return rng.randbytes(rng.randrange(1, 400))
    if kind == 1:
        return "".join(chr(rng.randrange(32, 0x2FF)) for _ in range(rng.randrange(1, 300)))
    if kind == 2:
        return "[" * rng.randrange(1, 3_000)
    if kind == 3:
        return json.dumps({"event": rng.choice(["start", "mark", "stop!", "dtmf", "MEDIA_START", 7, None]), "start": 3})
    if kind == 4:
        chunk = rng.choice([rng.randrange(10**12), -1, "x", None, rng.randrange(40)])
        payload = rng.choice([b64encode(rng.randbytes(160)).decode(), "%%%", "", 5, None, "A" * 40_000])
        return json.dumps({"event": "media", "media": {"chunk": chunk, "payload": payload}})
    if kind == 5:
        return f"{rng.choice(['MEDIA_XOFF', 'MEDIA_XON', 'STATUS', 'DTMF_END'])} digit:{rng.choice('0123456789#*AZ')}"
    return json.dumps({"event": "dtmf", "dtmf": {"digit": rng.choice("0123456789*#XYZ")}})


def _packet(kind: int, rng: Random) -> bytes:
    """An AudioSocket message: of unknown kinds, odd sound, keys that are none. Its length is true: a false one only
    shifts where the next begins, which the first wrong kind then shows.
    """
    number = rng.choice([0x02, 0x03, 0x10, 0x11, 0x7F, 0x01, 0x10])
    payload = rng.randbytes(rng.choice([0, 1, 3, 160, 320, 321, 4_000]))
    false = len(payload) if kind else rng.randrange(len(payload) + 1)
    return bytes([number]) + false.to_bytes(2, "big") + payload
