"""One turn from the command line: words, a recording and a photo in; what was understood and the reply out.

    python -m demos.turn --text "Where is my order K123455?"
    python -m demos.turn --audio call.wav --image receipt.jpg --speak reply.wav --json

Several turns make one call when they share `--call ID` (and the database).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent.errors import InputError
from agent.types import Photo, Reply, Turn, Understanding, to_json
from demos import cli
from demos.lines import reply_lines
from modalities import audio as sound
from modalities.types import Audio, Image, Transcript

SHOWN_INTENTS = 5
"""Intents printed at most, unless more are meant; a pack has dozens, and the rest stand near zero."""


def main(argv: Sequence[str] | None = None, build: cli.Builder | None = None) -> int:
    """Runs one turn and prints it; returns the exit code."""
    options = _parser().parse_args(argv)
    with cli.libraries_on_stderr(), cli.without_garbage_collection():
        turn, speak = _turn(options), _speak_path(options)
        agent = cli.build_agent(options, build)
        reply = agent.respond(turn, speak=speak is not None, explain=options.explain)
        if speak is not None and reply.audio is not None:
            _save(reply.audio, speak)
    if options.json:
        print(json.dumps(turn_json(reply, speak), ensure_ascii=False))
    else:
        print("\n".join(_listing(reply, speak)))
    return cli.OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m demos.turn", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--text", metavar="T", help="typed words; - reads them from standard input")
    parser.add_argument("--audio", metavar="F", type=Path, help="a recording of what was said")
    parser.add_argument("--image", metavar="F", type=Path, help="a photo")
    parser.add_argument("--call", metavar="ID", help="the call this turn belongs to (a call of its own)")
    parser.add_argument("--speak", metavar="OUT.wav", type=Path, help="speak the reply into this file")
    parser.add_argument("--explain", action="store_true", help=cli.EXPLAIN)
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    cli.add_agent_options(parser)
    return parser


def _turn(options: argparse.Namespace) -> Turn:
    """The turn the options describe, every input opened and checked before any model is loaded."""
    text: str | None = options.text
    if text == "-":
        text = sys.stdin.buffer.read().decode("utf-8", errors="surrogateescape")
    if text is None and options.audio is None and options.image is None:
        raise InputError("nothing to understand: give --text, --audio or --image")
    return Turn(
        text=None if text is None else cli.usable_text(text),
        audio=None if options.audio is None else Audio.open(options.audio),
        image=None if options.image is None else Image.open(options.image),
        call_id=options.call,
        channel="text" if options.audio is None else "voice",
    )


def _speak_path(options: argparse.Namespace) -> Path | None:
    """Where the reply is to be spoken, refused before the work when nothing could be written there."""
    path: Path | None = options.speak
    if path is None:
        return None
    if path.suffix.lower() != ".wav" or path.is_dir():
        raise InputError(f"--speak writes one .wav file, got {str(path)!r}")
    return path


def _save(audio: Audio, path: Path) -> None:
    try:
        sound.save(audio, path)
    except OSError as error:
        raise InputError(f"--speak cannot write {str(path)!r}: {error.strerror}; name another file") from None


def turn_json(reply: Reply, audio: Path | None = None) -> dict[str, Any]:
    """The reply as the one object that `--json` prints.

    Args:
        reply: what `Agent.respond` gave.
        audio: the file its sound went to, if any.
    """
    spoken = str(audio) if audio is not None and reply.audio is not None else None
    return {
        **understanding_json(reply.understanding),
        "action": to_json(reply.action),
        "reply": {"text": reply.text, "audio": spoken},
        "timings_ms": {stage: round(ms, 2) for stage, ms in reply.timings_ms.items()},
    }


def understanding_json(understanding: Understanding) -> dict[str, Any]:
    """The part of that object that says what was understood."""
    return {
        "transcript": _transcript_json(understanding.transcript),
        "intents": to_json(understanding.intents[: max(SHOWN_INTENTS, understanding.wanted)]),
        "entities": to_json(understanding.entities),
        "verdict": understanding.verdict,
        "sentiment": to_json(understanding.sentiment),
        "image": _photo_json(understanding.image),
        "evidence": to_json(understanding.evidence),
    }


def _transcript_json(transcript: Transcript | None) -> dict[str, Any] | None:
    return _picked(transcript, "text", "words", "confidence")


def _photo_json(photo: Photo | None) -> dict[str, Any] | None:
    return _picked(photo, "kind", "condition", "lines", "barcodes", "receipt")


def _picked(value: Transcript | Photo | None, *names: str) -> dict[str, Any] | None:
    if value is None:
        return None
    fields = to_json(value)
    return {name: fields[name] for name in names}


def _listing(reply: Reply, audio: Path | None) -> list[str]:
    lines = reply_lines(reply)
    if audio is not None and reply.audio is not None:
        lines.append(f"spoken to   {audio} ({reply.audio.seconds:.1f} s)")
    return lines


if __name__ == "__main__":
    sys.exit(cli.run(main))
