"""A TCP connection that Pipecat's WebSocket transport can use: AudioSocket needs no transport of its own."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.datastructures import Headers
from starlette.websockets import WebSocketState

READ = 16 * 1024  # bytes taken at once


class TcpSocket:
    """The part of `starlette.websockets.WebSocket` that Pipecat's transport uses, over a stream of bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.client_state = self.application_state = WebSocketState.CONNECTED
        self.headers = Headers()

    async def receive(self) -> dict[str, Any]:
        """The next bytes, or that the far end is gone."""
        try:
            data = await self._reader.read(READ)
        except OSError:
            data = b""
        if data:
            return {"type": "websocket.receive", "bytes": data}
        self.client_state = WebSocketState.DISCONNECTED
        return {"type": "websocket.disconnect", "code": 1006}

    async def send_bytes(self, data: bytes) -> None:
        """Send bytes; waits where the far end reads too slowly.

        Raises:
            OSError: the far end is gone.
        """
        self._writer.write(data)
        await self._writer.drain()

    async def send_text(self, data: str) -> None:
        """Nothing: the protocol has no text."""

    async def close(self, code: int = 1000, reason: str | None = None) -> None:
        """Close the connection."""
        self.application_state = WebSocketState.DISCONNECTED
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except OSError:
            return
