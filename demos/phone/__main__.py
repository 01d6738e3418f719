"""The telephone: live calls over Twilio, Telnyx, Plivo, Vonage, Exotel, Genesys, Asterisk and FreeSWITCH.

python -m demos.phone --port 8700 --public https://phone.example.com
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.errors import InputError
from demos import cli
from demos.phone.manners import Manners
from demos.web import check_free

if TYPE_CHECKING:
    from agent.agent import Agent

TWILIO, TOKEN = "CALLSIGHT_TWILIO_AUTH_TOKEN", "CALLSIGHT_PHONE_TOKEN"
"""Environment variables with the secrets: a command line would show them to everybody on the machine."""


def main(argv: Sequence[str] | None = None, build: cli.Builder | None = None) -> int:
    """Answers calls until interrupted; calls that go on are let finish."""
    options = _parser().parse_args(argv)
    ports = [options.port, *([options.audiosocket] if options.audiosocket else [])]
    if options.photo_hook and not (options.public and os.environ.get(TOKEN)):
        raise InputError(f"--photo-hook needs --public, where links lead, and {TOKEN}, which signs them")
    for port in ports:
        if not 1 <= port <= 65_535:
            raise InputError(f"ports must be 1 to 65535, got {port}")
        check_free(options.host, port)
    manners = Manners(
        calls=options.calls, silence=options.silence, longest=options.longest, drain=options.drain,
        person=options.person, **({"recorded": options.recorded} if options.recorded else {}),
    )  # fmt: skip
    with cli.libraries_on_stderr():
        agent: Any = cli.build_agent(options, build)
        agent.warm(audio=False, image=False)
        quiet()
        asyncio.run(_serve(agent, manners, options))
    return cli.OK


async def _serve(agent: Agent, manners: Manners, options: argparse.Namespace) -> None:
    from demos.phone.photos import Photos
    from demos.phone.server import Server, desk_of
    from demos.phone.web import Secrets

    secrets = Secrets(os.environ.get(TWILIO, ""), os.environ.get(TOKEN, ""), options.public)
    if not (secrets.twilio or secrets.token):
        print(f"no secret is set: every call is turned away; set {TWILIO} or {TOKEN}", file=sys.stderr)
    photos = Photos(options.public, options.photo_hook, secrets.token) if options.photo_hook else None
    desk = desk_of(agent, manners, options.resume, options.hearing, options.record, photos)
    server = Server(desk, secrets, options.host, options.port, options.audiosocket)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, server.stop)
    await server.run()


def quiet() -> None:
    """Keep Pipecat silent: its log lines hold what callers and carriers sent."""
    from loguru import logger

    logger.disable("pipecat")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m demos.phone", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--port", type=int, default=8700, metavar="P", help="port of webhooks and WebSockets (8700)")
    parser.add_argument("--audiosocket", type=int, default=0, metavar="P", help="port of AudioSocket (none)")
    parser.add_argument("--host", default="127.0.0.1", metavar="H", help="address to listen on (127.0.0.1)")
    parser.add_argument("--public", default="", metavar="URL", help="address by which carriers reach this server")
    parser.add_argument("--calls", type=int, default=8, metavar="N", help="calls at once; more are told it is busy (8)")
    parser.add_argument("--person", default="", metavar="NUMBER", help="whom to transfer to (nobody)")
    parser.add_argument("--silence", type=float, default=8.0, metavar="S", help="quiet before the agent asks (8)")
    parser.add_argument("--longest", type=float, default=1800.0, metavar="S", help="longest call (1800)")
    parser.add_argument(
        "--drain", type=float, default=60.0, metavar="S", help="calls may go on so long at the end (60)"
    )
    parser.add_argument("--hearing", type=int, metavar="N", help="processes that hear (2; none for engines on a GPU)")
    parser.add_argument(
        "--record", type=Path, metavar="DIR", help="record calls into this folder (nothing is recorded)"
    )
    parser.add_argument("--photo-hook", default="", metavar="URL", help="sends links for photos to callers (nobody)")
    parser.add_argument("--recorded", metavar="WORDS", help="what callers are told first then")
    parser.add_argument("--resume", type=float, default=300.0, metavar="S", help="broken calls may go on so long (300)")
    cli.add_agent_options(parser)
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(main))
