"""Carriers' and switches' protocols as they themselves speak them: the far ends of `benchmarks.carrier`."""

from __future__ import annotations

import asyncio
import json
import re
import struct
import urllib.parse
import urllib.request
import uuid
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from html import unescape
from typing import Any

import numpy as np

from benchmarks.carrier import RATE, Busy, Place, Samples, Speaker
from modalities.audio import decode_mulaw, decode_pcm16, encode_mulaw, encode_pcm16


def mulaw(samples: Samples) -> bytes:
    """A tick as mu-law."""
    return encode_mulaw(decode_pcm16(samples.tobytes(), RATE))


def linear(payload: bytes) -> Samples:
    """Mu-law as samples."""
    return np.frombuffer(encode_pcm16(decode_mulaw(payload, RATE)), dtype=np.int16)


async def fetch(url: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None) -> str:
    """A webhook's answer, as text."""
    body = urllib.parse.urlencode(form).encode() if form is not None else None

    def get() -> str:
        with urllib.request.urlopen(urllib.request.Request(url, body, dict(headers or {})), timeout=10) as answer:
            return str(answer.read().decode())

    return await asyncio.to_thread(get)


class _Socket:
    """What the WebSocket carriers share."""

    def __init__(self) -> None:
        self.line = f"CA{uuid.uuid4().hex}"
        self.stream = f"MZ{uuid.uuid4().hex}"
        self._socket: Any = None
        self._count = 0

    async def connect(self, url: str, protocols: Sequence[str] = ()) -> None:
        """Open the media connection."""
        from websockets.asyncio.client import connect

        self._socket = await connect(url, subprotocols=list(protocols) or None, compression=None, max_queue=None)  # type: ignore[arg-type]

    async def put(self, message: str | bytes) -> None:
        """Send a message; nothing where the connection is gone."""
        from websockets.exceptions import ConnectionClosed

        try:
            await self._socket.send(message)
        except ConnectionClosed:
            return

    async def say(self, **fields: object) -> None:
        """Send a message in JSON."""
        await self.put(json.dumps(fields))

    async def close(self) -> None:
        """Close the connection."""
        await self._socket.close()

    async def read(self, speaker: Speaker) -> None:
        """Read until it closes."""
        from websockets.exceptions import ConnectionClosed

        try:
            async for message in self._socket:
                self.take(message, speaker)
        except ConnectionClosed:
            return

    def take(self, message: str | bytes, speaker: Speaker) -> None:
        """One message of the server."""
        raise NotImplementedError


class TwilioWire(_Socket):
    """Twilio: a signed webhook, TwiML, a Media Stream."""

    def __init__(self) -> None:
        super().__init__()
        self.place = Place()
        self.after = ""

    async def post(self, path: str, **fields: str) -> str:
        """A signed webhook."""
        from demos.carriers.tickets import twilio_signature

        url = f"{self.place.http}{path}"
        form = {"CallSid": self.line, "AccountSid": "AC0", **fields}
        return await fetch(url, form, {"X-Twilio-Signature": twilio_signature(self.place.twilio, url, form)})

    async def open(self, place: Place, caller: str) -> None:
        """Announce and connect."""
        self.place = place
        answer = await self.post("/twilio", From=caller, To="+15550000")
        if "<Reject" in answer:
            raise Busy
        ticket = _attribute(answer, 'name="ticket" value="')
        self.after = _attribute(answer, 'Connect action="')
        await self.connect(_attribute(answer, 'Stream url="'))
        await self.say(event="connected", protocol="Call", version="1.0.0")
        start = {"streamSid": self.stream, "callSid": self.line, "customParameters": {"ticket": ticket}}
        form = {"encoding": "audio/x-mulaw", "sampleRate": RATE, "channels": 1}
        start = {**start, "accountSid": "AC0", "tracks": ["inbound"], "mediaFormat": form}
        await self.say(event="start", sequenceNumber="1", streamSid=self.stream, start=start)

    async def send(self, samples: Samples) -> None:
        """A media message."""
        self._count += 1
        payload = b64encode(mulaw(samples)).decode()
        media = {"track": "inbound", "chunk": str(self._count), "timestamp": str(self._count * 20), "payload": payload}
        await self.say(event="media", sequenceNumber=str(self._count + 1), streamSid=self.stream, media=media)

    async def key(self, key: str) -> None:
        """A dtmf message."""
        await self.say(event="dtmf", streamSid=self.stream, dtmf={"track": "inbound_track", "digit": key})

    async def hang_up(self) -> None:
        """A stop message, and the end."""
        await self.say(event="stop", streamSid=self.stream, stop={"callSid": self.line})
        await self.close()

    async def reached(self, name: str) -> None:
        """The mark comes back."""
        await self.say(event="mark", streamSid=self.stream, mark={"name": name})

    def take(self, message: str | bytes, speaker: Speaker) -> None:
        """Media, mark or clear."""
        fields = json.loads(message)
        if fields["event"] == "media":
            speaker.play(linear(b64decode(fields["media"]["payload"])))
        elif fields["event"] == "mark":
            speaker.mark(fields["mark"]["name"])
        elif fields["event"] == "clear":
            speaker.clear()


class TelnyxWire(_Socket):
    """Telnyx: a webhook with a token, TeXML, a media stream whose numbered frames may come out of order."""

    async def open(self, place: Place, caller: str) -> None:
        """Announce and connect."""
        answer = await fetch(f"{place.http}/telnyx?token={place.token}", {"CallSid": self.line, "From": caller})
        if "<Reject" in answer:
            raise Busy
        await self.connect(_attribute(answer, 'Stream url="'))
        await self.say(event="connected", version="1.0.0")
        form = {"encoding": "PCMU", "sample_rate": RATE, "channels": 1}
        start = {"call_control_id": self.line, "media_format": form, "from": caller}
        await self.say(event="start", sequence_number="1", stream_id=self.stream, start=start)

    async def send(self, samples: Samples) -> None:
        """A media message."""
        self._count += 1
        payload = b64encode(mulaw(samples)).decode()
        media = {"track": "inbound", "chunk": str(self._count), "timestamp": str(self._count * 20), "payload": payload}
        await self.say(event="media", stream_id=self.stream, media=media)

    async def key(self, key: str) -> None:
        """A dtmf message."""
        await self.say(event="dtmf", stream_id=self.stream, dtmf={"digit": key})

    async def hang_up(self) -> None:
        """A stop message, and the end."""
        await self.say(event="stop", stream_id=self.stream, stop={})
        await self.close()

    async def reached(self, name: str) -> None:
        """Nothing is marked."""

    def take(self, message: str | bytes, speaker: Speaker) -> None:
        """Media or clear."""
        fields = json.loads(message)
        if fields["event"] == "media":
            speaker.play(linear(b64decode(fields["media"]["payload"])))
        elif fields["event"] == "clear":
            speaker.clear()


class AsteriskWire(_Socket):
    """Asterisk's chan_websocket with c(ulaw): MEDIA_START, binary sound, commands in words."""

    async def open(self, place: Place, caller: str) -> None:
        """Announce and connect."""
        ticket = await _announce(place, "asterisk", self.line, caller)
        await self.connect(f"ws://{place.host}:{place.port}/asterisk/media?ticket={ticket}", ["media"])
        about = f"connection_id:{self.stream} channel:WebSocket/callsight channel_id:{self.line} format:ulaw"
        await self.put(f"MEDIA_START {about} optimal_frame_size:160 ptime:20")

    async def send(self, samples: Samples) -> None:
        """A binary message."""
        await self.put(mulaw(samples))

    async def key(self, key: str) -> None:
        """DTMF_END."""
        await self.put(f"DTMF_END digit:{key} channel_id:{self.line}")

    async def hang_up(self) -> None:
        """The connection closes."""
        await self.close()

    async def reached(self, name: str) -> None:
        """MEDIA_MARK_PROCESSED."""
        await self.put(f"MEDIA_MARK_PROCESSED {name}")

    def take(self, message: str | bytes, speaker: Speaker) -> None:
        """Sound, FLUSH_MEDIA or MARK_MEDIA."""
        if isinstance(message, bytes):
            speaker.play(linear(message))
        elif message == "FLUSH_MEDIA":
            speaker.clear()
        elif message.startswith("MARK_MEDIA "):
            speaker.mark(message.split()[1])


class AudioSocketWire:
    """Asterisk's AudioSocket: the call's UUID, then frames of 320 bytes over TCP."""

    def __init__(self) -> None:
        self.line = uuid.uuid4().hex
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def open(self, place: Place, caller: str) -> None:
        """Announce and connect."""
        ticket = await _announce(place, "audiosocket", self.line, caller)
        self._reader, self._writer = await asyncio.open_connection(place.host, place.audiosocket)
        await self._put(0x01, uuid.UUID(ticket).bytes)

    async def _put(self, kind: int, payload: bytes) -> None:
        await self.raw(struct.pack(">BH", kind, len(payload)) + payload)

    async def raw(self, data: bytes) -> None:
        """Send bytes; nothing where the connection is gone."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(data)
            try:
                await self._writer.drain()
            except OSError:
                return

    async def send(self, samples: Samples) -> None:
        """A frame."""
        await self._put(0x10, samples.astype("<i2").tobytes())

    async def key(self, key: str) -> None:
        """A key."""
        await self._put(0x03, key.encode())

    async def hang_up(self) -> None:
        """The connection closes."""
        if self._writer is not None:
            self._writer.close()

    async def reached(self, name: str) -> None:
        """Nothing is marked."""

    async def read(self, speaker: Speaker) -> None:
        """Read until it closes."""
        assert self._reader is not None
        try:
            while True:
                kind, length = struct.unpack(">BH", await self._reader.readexactly(3))
                payload = await self._reader.readexactly(length)
                if kind == 0x00:
                    return
                speaker.play(np.frombuffer(payload, dtype="<i2"))
        except (asyncio.IncompleteReadError, OSError):
            return


WIRES: Mapping[str, Callable[[], Any]] = {
    "twilio": TwilioWire,
    "telnyx": TelnyxWire,
    "audiosocket": AudioSocketWire,
    "chan_websocket": AsteriskWire,
}


async def _announce(place: Place, switch: str, line: str, caller: str) -> str:
    query = urllib.parse.urlencode({"token": place.token, "line": line, "caller": caller})
    ticket = await fetch(f"{place.http}/{switch}/call?{query}")
    if ticket == "busy":
        raise Busy
    return ticket


def _attribute(text: str, before: str) -> str:
    found = re.search(re.escape(before) + r'([^"]*)"', text)
    if found is None:
        raise ValueError(f"the answer has no {before!r}")
    return unescape(found[1])
