"""The phone door's place: live calls over telephone lines are not built yet, and this says so."""

from __future__ import annotations

import sys

from demos.cli import BAD_INPUT


def main() -> int:
    """Says that there is no phone door yet and what to use meanwhile; returns 2."""
    print(
        "error: the phone door is not built yet. Recordings of calls go through `python -m demos.batch`, "
        "talking to the agent through `python -m demos.web`.",
        file=sys.stderr,
    )
    return BAD_INPUT


if __name__ == "__main__":
    sys.exit(main())
