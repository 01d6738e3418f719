"""The desk of the people who take over calls: see who waits, claim a call with all that is known of it, close it.

python -m demos.desk list
python -m demos.desk claim TICKET --name NAME
python -m demos.desk show TICKET
python -m demos.desk close TICKET --name NAME [--note TEXT]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from agent.types import to_json
from demos import cli


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m demos.desk", description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("what", choices=("list", "claim", "show", "close"))
    add("ticket", nargs="?", default="")
    add("--name", default="", help="who claims or closes")
    add("--note", default="", help="what came of it")
    add("--store", metavar="URL", help="database (the stack's)")
    add("--stack", default="embedded")
    add("--domain", default="retail", help="the pack whose calls they are")
    options = parser.parse_args(arguments)
    from agent.config import load_settings
    from agent.handoff import Queue
    from agent.store import Store

    store = Store(options.store or load_settings(options.stack).store_url.replace("{domain}", options.domain))
    queue = Queue(store)
    try:
        if options.what == "list":
            print("\n".join(queue.waiting()))
        elif options.what == "close":
            queue.close(options.ticket, options.name, options.note)
        else:
            claimed = options.what == "claim"
            found = queue.claim(options.ticket, options.name) if claimed else queue.package(options.ticket)
            print(json.dumps(to_json(found), indent=2, ensure_ascii=False))
    finally:
        store.close()
    return cli.OK


if __name__ == "__main__":
    sys.exit(cli.run(main))
