"""A plain Pipecat pipeline to compare with: Pipecat's own transport, Twilio serializer, Silero, Smart Turn and turn
strategies as they come, the same recogniser in a process of its own, a fixed reply, and the same voice.

    python -m benchmarks.plain_pipeline --port P      serves until it is ended; `benchmarks.calls` does both

It understands nothing, decides nothing and keeps nothing. Anybody who reaches the port gets in: loopback only.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import (
    Frame,
    StartFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSSpeakFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.audio.vad_processor import VADProcessor
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.services.stt_service import SegmentedSTTService
from pipecat.services.tts_service import TTSService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.turns.user_turn_processor import UserTurnProcessor
from pipecat.utils.time import time_now_iso8601
from pipecat.workers.runner import WorkerRunner
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from benchmarks.carrier import RATE
from demos.carriers import answers
from demos.carriers.payload import read, table
from demos.phone.hearing import Hearers, hearing
from modalities.audio import decode_pcm16, encode_pcm16, resample
from modalities.voice.base import Voice

GREETING, REPLY = "Hello. How can I help?", "Thank you. Is there anything else?"
NOTHING = "nothing"  # so that a turn that could not be heard is answered too


class Recogniser(SegmentedSTTService):
    """The same recogniser, as Pipecat wants services."""

    wants_wav_segments = False

    def __init__(self, hearers: Hearers, pool: ThreadPoolExecutor) -> None:
        super().__init__(ttfs_p99_latency=1.0)
        self._hearers, self._pool = hearers, pool

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        """One stretch of speech."""
        sound = decode_pcm16(audio, self.sample_rate)
        heard = await asyncio.get_running_loop().run_in_executor(self._pool, self._hearers.hear, sound)
        yield TranscriptionFrame(heard.text or NOTHING, "customer", time_now_iso8601(), finalized=True)


class Replying(FrameProcessor):
    """In the place of a model: the same reply to every turn."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Greet at the start and reply at the end of each turn."""
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)
        if isinstance(frame, StartFrame):
            await self.push_frame(TTSSpeakFrame(GREETING))
        elif isinstance(frame, UserStoppedSpeakingFrame) and direction is FrameDirection.DOWNSTREAM:
            await self.push_frame(TTSSpeakFrame(REPLY))


class Speaker(TTSService):
    """The same voice, as Pipecat wants services."""

    def __init__(self, voice: Voice) -> None:
        super().__init__(push_start_frame=True, push_stop_frames=True)
        self._voice = voice

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        """One sentence."""
        sound = encode_pcm16(resample(await asyncio.to_thread(self._voice.speak, text), self.sample_rate))
        yield TTSAudioRawFrame(sound, self.sample_rate, 1, context_id=context_id)


class Plain:
    """Answers Twilio's webhook and its Media Streams."""

    def __init__(self, hearers: Hearers, voice: Voice) -> None:
        self._hearers, self._voice = hearers, voice
        self._pool = ThreadPoolExecutor(hearers.count, "plain-hear")

    def app(self) -> Starlette:
        """The application."""
        return Starlette(
            routes=[
                Route("/health", lambda _: JSONResponse({})),
                Route("/twilio", self.webhook, methods=["POST"]),
                WebSocketRoute("/twilio/media", self.media),
            ]
        )

    async def webhook(self, request: Request) -> Response:
        """Connect the call."""
        place = request.url.netloc
        body = answers.twilio_connect(f"ws://{place}/twilio/media", "none", f"http://{place}/twilio")
        return Response(body, media_type=answers.XML)

    async def media(self, socket: WebSocket) -> None:
        """One call."""
        await socket.accept()
        start: Any = {}
        while not start:
            start = table(read(await socket.receive_text()) or {}, "start")
        serializer = TwilioFrameSerializer(
            start["streamSid"], params=TwilioFrameSerializer.InputParams(auto_hang_up=False)
        )
        await self._hold(socket, serializer)

    async def _hold(self, socket: WebSocket, serializer: TwilioFrameSerializer) -> None:
        params = FastAPIWebsocketParams(serializer=serializer, audio_in_enabled=True, audio_out_enabled=True)
        transport = FastAPIWebsocketTransport(socket, params)  # type: ignore[arg-type]
        pipeline = Pipeline(
            [
                transport.input(),
                VADProcessor(vad_analyzer=SileroVADAnalyzer()),
                Recogniser(self._hearers, self._pool),
                UserTurnProcessor(),
                Replying(),
                Speaker(self._voice),
                transport.output(),
            ]
        )
        worker = PipelineWorker(
            pipeline, params=PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=RATE), enable_rtvi=False,
            idle_timeout_secs=None,
        )  # fmt: skip

        async def gone(_: object, __: object) -> None:
            await worker.cancel()

        transport.add_event_handler("on_client_disconnected", gone)
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(worker)
        await runner.run()


def main() -> None:
    """Serve until ended."""
    import uvicorn

    from agent.config import load_settings
    from agent.domain import Pack
    from demos.phone.__main__ import quiet
    from modalities.voice.espeak import ESpeak

    parser = argparse.ArgumentParser(prog="python -m benchmarks.plain_pipeline")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--hearing", type=int, default=2, help="processes that hear, as many as the telephone has")
    options = parser.parse_args()
    quiet()
    settings, pack = load_settings("embedded"), Path(Pack.load("retail").root)
    hearers = Hearers(partial(hearing, settings, pack), options.hearing)
    hearers.wait()
    voice = ESpeak(settings.voice.model)
    try:
        uvicorn.run(Plain(hearers, voice).app(), port=options.port, log_config=None, access_log=False)
    finally:
        hearers.close()


if __name__ == "__main__":
    main()
