"""What every command line shares: errors as one clear line, exit codes, and a stdout that libraries cannot soil."""

from __future__ import annotations

import argparse
import contextlib
import gc
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from agent.errors import CallsightError, ConfigError, DeviceError, InputError, MissingPartError, PackError
from agent.types import Reply, Turn, Understanding

OK = 0
FAILED = 1
BAD_INPUT = 2
INTERRUPTED = 130

_CALLER_CAN_FIX = (InputError, ConfigError, PackError, DeviceError, MissingPartError)
"""Errors that another input, option or installation cures; they exit with `BAD_INPUT`."""


def run(main: Callable[[], int]) -> int:
    """Runs a command line's body and turns its errors into one line on stderr and an exit code.

    Returns:
        What `main` returns, `BAD_INPUT` (2) for input or configuration that cannot be used, `FAILED` (1) for any
        other error raised on purpose, `INTERRUPTED` (130) after Ctrl-C.
    """
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    try:
        return main()
    except CallsightError as error:
        print(f"error: {_one_line(str(error))}", file=sys.stderr)
        return BAD_INPUT if isinstance(error, _CALLER_CAN_FIX) else FAILED
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # so that the interpreter's last flush cannot fail too
        return FAILED
    except OSError as error:
        print(f"error: {_one_line(f'{error.filename or error}: {error.strerror}')}", file=sys.stderr)
        return FAILED


def _one_line(message: str) -> str:
    """The message without line breaks or control characters, whatever name of a file it quotes."""
    return "".join(c if c.isprintable() else " " for c in message).strip()


@contextlib.contextmanager
def libraries_on_stderr() -> Iterator[None]:
    """Sends all that is written to stdout inside the block, by C libraries too, to stderr."""
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        os.dup2(2, 1)
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 1)
        os.close(kept)


@contextlib.contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Looks for no garbage inside the block: loading makes objects that stay, and looking at them all costs 14%."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def usable_text(text: str) -> str:
    """The text, if it can be encoded at all.

    Raises:
        InputError: it holds bytes that are not UTF-8 (they come from the shell as lone surrogates).
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(f"text is not valid UTF-8 at character {error.start}; pass it as UTF-8") from None
    return text


class Door(Protocol):
    """The part of `agent.Agent` that the doors use; tests put a fake in its place."""

    def understand(self, turns: Sequence[Turn], *, explain: bool = False) -> list[Understanding]:
        """Understands turns that have nothing to do with each other, in one batch; with evidence when asked for."""
        ...

    def warm(self, *, audio: bool = True, image: bool = True, explain: bool = False) -> None:
        """Loads the models now rather than at the first turn that needs them."""
        ...

    def respond(self, turn: Turn, *, speak: bool = False, explain: bool = False) -> Reply:
        """Runs one turn of a call to its reply, spoken when `speak`, with evidence when `explain`."""
        ...


EXPLAIN = "also say which words, print and parts of the photo carried the decision"
"""Help of the option `--explain`."""

Builder = Callable[..., Door]
"""`agent.build`, or a fake of it."""


def add_agent_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options that choose the agent: pack, stack, device and database."""
    parser.add_argument("--domain", default="retail", metavar="D", help="domain pack: a name or a folder (retail)")
    parser.add_argument("--stack", default="embedded", metavar="S", help="stack: a name or a TOML file (embedded)")
    parser.add_argument("--device", metavar="DEV", help="where the models run: cpu, cuda, cuda:1 (the stack's own)")
    parser.add_argument("--store", metavar="URL", help="database, such as sqlite:///out/my.sqlite (the stack's own)")


def build_agent(options: argparse.Namespace, build: Builder | None = None, **more: Any) -> Door:
    """The agent that the options of `add_agent_options` ask for; `more` goes to `agent.build` as it is."""
    if build is None:
        from agent import build as real

        build = real
    chosen = {"device": options.device, "store_url": options.store}
    given = {k: v for k, v in chosen.items() if v is not None}
    return build(stack=options.stack, domain=options.domain, **given, **more)
