"""A stored call, step by step: what was heard, what the policy decided and why, what was done, what was said.

    python -m demos.replay CALL [--store URL] [--domain D] [--json]
    python -m demos.replay --list

Nothing is done again: where the call stood is derived from its events alone.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from agent.errors import CallsightError, InputError
from agent.state import DialogueState, apply
from agent.types import Event, to_json

NOTES = ("fact", "forgot", "declined", "queued", "started", "paused", "resumed", "ended", "customer", "refused")
"""Events told as notes between what was heard and what was decided."""


@dataclass(frozen=True)
class Step:
    """One event and where the call stood after it."""

    number: int
    event: Event
    state: DialogueState


def steps(events: Sequence[Event]) -> Iterator[Step]:
    """Every event of a call, with the state it led to."""
    state = DialogueState()
    for number, event in enumerate(events, 1):
        state = apply(state, event)
        yield Step(number, event, state)


def told(step: Step) -> str:
    """A step in one line; empty for what needs no words."""
    event, data, state = step.event, step.event.data, step.state
    match event.type:
        case "heard":
            meant = ", ".join(f"{name} {sure:.2f}" for name, sure in data["intents"][: data["wanted"]])
            found = ", ".join(f"{kind}={value}" for kind, value, _ in data["entities"])
            said = f"turn {event.turn}  customer: {data['text']!r}"
            return f"{said}\n    meant: {meant or data['verdict']}; facts: {found or '-'}"
        case "decided":
            return f"    decided: {data['action']} because {data['reason']} [{_where(state)}]"
        case "act":
            return f"    {'sees what would come of' if data['preview'] else 'does'}: {data['name']}"
        case "result":
            what = "done" if data["ok"] else data["error"]
            rows = ", ".join(f"{c['table']}/{c['key']}" for c in data["changes"])
            return f"    came of it: {what}" + (f"; rows {rows}" if rows and not data["preview"] else "")
        case "said":
            return f"  {data.get('by') or 'agent'}: {data['text']!r}"
        case kind if kind in NOTES:
            return f"    {kind}: " + ", ".join(f"{k}={v}" for k, v in data.items() if v not in ("", [], {}))
    return ""


def _where(state: DialogueState) -> str:
    asked = state.question
    about = "/".join(asked.slots or asked.intents)
    return f"wish {state.flow or '-'}, open question {asked.kind or '-'}{' ' + about if about else ''}"


def as_json(call_id: str, events: Sequence[Event]) -> dict[str, Any]:
    """The call as plain values, each event with the wish and question it led to."""
    rows = [
        {"step": s.number, **to_json(s.event), "wish": s.state.flow, "question": to_json(s.state.question)}
        for s in steps(events)
    ]
    return {"call": call_id, "steps": rows}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m demos.replay", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("call", nargs="?", help="the call's id")
    add("--list", action="store_true", help="name the stored calls, the latest first")
    add("--store", metavar="URL", help="database (the stack's)")
    add("--stack", default="embedded")
    add("--domain", default="retail", help="the pack whose calls they are")
    add("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    try:
        return _run(options)
    except CallsightError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def _run(options: argparse.Namespace) -> int:
    from agent.config import load_settings
    from agent.store import Store

    url = options.store or load_settings(options.stack).store_url.replace("{domain}", options.domain)
    store = Store(url)
    try:
        if options.list or not options.call:
            for call_id, channel, opened, turns in store.calls():
                print(f"{call_id}  {channel}  {opened:%Y-%m-%d %H:%M}  {turns} turns")
            return 0
        events = store.events(options.call)
        if not events:
            raise InputError(f"no call {options.call!r} is stored; --list names those that are")
        if options.json:
            print(json.dumps(as_json(options.call, events), indent=2))
        else:
            print("\n".join(line for step in steps(events) if (line := told(step))))
    finally:
        store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
