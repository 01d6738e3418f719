"""The web page: talk, attach a photo, type; hear and read the reply; see what was understood.

python -m demos.web --port 7860
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from agent.errors import InputError
from demos import cli


def main(argv: Sequence[str] | None = None, build: cli.Builder | None = None) -> int:
    """Serves the page until interrupted."""
    options = _parser().parse_args(argv)
    if not 1 <= options.port <= 65_535:
        raise InputError(f"--port must be 1 to 65535, got {options.port}")
    os.environ.update(GRADIO_ANALYTICS_ENABLED="False", HF_HUB_DISABLE_TELEMETRY="1")
    with cli.libraries_on_stderr():
        agent = cli.build_agent(options, build)
        agent.warm()
        from demos import page

        demo = page.blocks(agent)
        try:
            demo.launch(
                server_name=options.host, server_port=options.port, prevent_thread_lock=True, **page.launch_options()
            )
        except OSError:
            raise InputError(f"--port {options.port} on {options.host} is taken or not ours; give another") from None
    print(f"Callsight listens on http://{options.host}:{options.port} (Ctrl-C ends it)", flush=True)
    demo.block_thread()
    return cli.OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m demos.web", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--port", type=int, default=7860, metavar="P", help="port (7860)")
    parser.add_argument("--host", default="127.0.0.1", metavar="H", help="address to listen on (127.0.0.1)")
    cli.add_agent_options(parser)
    return parser


if __name__ == "__main__":
    sys.exit(cli.run(main))
