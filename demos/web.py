"""The web page: talk, attach a photo, type; hear and read the reply; see what was understood.

python -m demos.web --port 7860
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
from collections.abc import Sequence

from agent.errors import InputError
from demos import cli


def main(argv: Sequence[str] | None = None, build: cli.Builder | None = None) -> int:
    """Serves the page until interrupted."""
    options = _parser().parse_args(argv)
    if not 1 <= options.port <= 65_535:
        raise InputError(f"--port must be 1 to 65535, got {options.port}")
    check_free(options.host, options.port)
    os.environ.update(GRADIO_ANALYTICS_ENABLED="False", HF_HUB_DISABLE_TELEMETRY="1")
    with cli.libraries_on_stderr():
        agent = cli.build_agent(options, build)
        agent.warm()
        from demos import page

        demo = page.blocks(agent)
        where = {"server_name": options.host, "server_port": options.port}
        demo.launch(prevent_thread_lock=True, **where, **page.launch_options())
    print(f"Callsight listens on http://{options.host}:{options.port} (Ctrl-C ends it)", flush=True)
    demo.block_thread()
    return cli.OK


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
    parser.add_argument("--port", type=int, default=7860, metavar="P", help="port (7860)")
    parser.add_argument("--host", default="127.0.0.1", metavar="H", help="address to listen on (127.0.0.1)")
    cli.add_agent_options(parser)
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(main))
