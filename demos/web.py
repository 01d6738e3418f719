"""The web page: talk, attach or take a photo, type; read and hear the reply; see what was understood; take over.

python -m demos.web --port 7860
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent.errors import InputError
from demos import cli

LOCAL = ("127.0.0.1", "localhost", "::1")


def main(argv: Sequence[str] | None = None, build: cli.Builder | None = None) -> int:
    """Serves the page until interrupted."""
    options = _parser().parse_args(argv)
    if not 1 <= options.port <= 65_535:
        raise InputError(f"--port must be 1 to 65535, got {options.port}")
    if bool(options.certificate) != bool(options.key):
        raise InputError("--certificate and --key go together; give both or neither")
    check_free(options.host, options.port)
    os.environ.update(GRADIO_ANALYTICS_ENABLED="False", HF_HUB_DISABLE_TELEMETRY="1")
    with cli.libraries_on_stderr():
        agent: Any = cli.build_agent(options, build)
        agent.warm(explain=True)
        serving = _server(agent, options)
    if options.login is None and options.host not in LOCAL:
        print("no --login is set: the page is open to all who reach it, without desk and stored calls", file=sys.stderr)
    scheme = "https" if options.certificate else "http"
    print(f"Callsight listens on {scheme}://{options.host}:{options.port} (Ctrl-C ends it)", flush=True)
    serving.run()
    return cli.OK


def _server(agent: Any, options: argparse.Namespace) -> Any:
    from demos.login import Accounts
    from demos.page import server
    from demos.page.agent import PageAgent
    from demos.page.guard import Rules
    from demos.phone.__main__ import quiet
    from demos.phone.manners import Manners
    from demos.phone.server import hearers, listeners

    quiet()
    accounts = None if options.login is None else Accounts.load(options.login)
    who = PageAgent(agent)
    rules = Rules(accounts, options.host in LOCAL, f"Callsight for {who.pack.title}", bool(options.certificate))
    manners, hearing = Manners(calls=options.calls), hearers(agent, options.hearing)
    app = server.application(who, listeners(agent), manners, rules, options.turns, hearing)
    return server.server(app, options.host, options.port, options.certificate, options.key)


def check_free(host: str, port: int) -> None:
    """Refuses an address before any model is loaded for it.

    Raises:
        InputError: something listens there, or it is not ours to listen on.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise InputError(f"--port {port} on --host {host} cannot be used: {error.strerror}; give another") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m demos.web", description=(__doc__ or "").split("\n", 1)[0])
    add = parser.add_argument
    add("--port", type=int, default=7860, metavar="P", help="port (7860)")
    add("--host", default="127.0.0.1", metavar="H", help="address to listen on (127.0.0.1)")
    add("--login", type=Path, metavar="FILE", help="who may log in; python -m demos.login writes it (nobody has to)")
    add("--certificate", default="", metavar="FILE", help="serve over TLS, which browsers want for microphones")
    add("--key", default="", metavar="FILE", help="the certificate's key")
    add("--turns", type=int, default=3, metavar="N", help="messages understood at once: 8 on a GPU; others queue (3)")
    add("--hearing", type=int, metavar="N", help="processes that hear (2; none for engines on a GPU)")
    add("--calls", type=int, default=8, metavar="N", help="hands-free calls at once; others wait in a queue (8)")
    cli.add_agent_options(parser)
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(main))
