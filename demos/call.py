"""A scripted call on real inputs, played against the agent turn by turn.

    python -m demos.call demos/scenarios/demo.toml

Prints what was heard, seen, understood, decided, done and said, and each stage's time. Leaves call.wav (customer
left, agent right), report.html and call.json in the scenario's folder. Exit code 0 only when every row that the
scenario promises has changed and every spoken reply can be heard.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from agent.types import Turn
from demos import cli, customer, report, rows, scenario, shop
from demos.lines import reply_lines, shown
from demos.record import CallRecord, TurnRecord, record_json
from demos.recording import mix
from demos.scenario import Scenario, ScriptedTurn
from modalities import audio as sound
from modalities.types import Audio, Image


def main(argv: Sequence[str] | None = None, build: cli.Builder | None = None) -> int:
    """Plays the call and returns the exit code."""
    options = _parser().parse_args(argv)
    script = scenario.load(options.scenario)
    script = replace(script, **{k: v for k in ("stack", "out") if (v := getattr(options, k)) is not None})
    record = play(script, options.device, build)
    for path in leave(record, script.out):
        print(f"left        {path}")
    print(_verdict(record))
    return cli.OK if record.ok else cli.FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m demos.call", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("scenario", type=Path, metavar="SCENARIO.toml", help="the call to play")
    parser.add_argument("--stack", metavar="S", help="stack: a name or a TOML file (the scenario's)")
    parser.add_argument("--device", metavar="DEV", help="where the models run (the stack's own)")
    parser.add_argument("--out", metavar="DIR", type=Path, help="folder for what the call leaves (the scenario's)")
    return parser


def play(script: Scenario, device: str | None = None, build: cli.Builder | None = None) -> CallRecord:
    """Runs the whole call in a fresh shop, printing each turn as it happens."""
    started = time.perf_counter()
    turns = [_turn(scripted, script.voice) for scripted in script.turns]
    with cli.libraries_on_stderr():
        url = shop.fresh(script)
        chosen = argparse.Namespace(stack=script.stack, domain=script.domain, device=device, store=url)
        agent = cli.build_agent(chosen, build, clock=lambda: script.today)
        agent.warm(explain=True)
    print(f"{script.title}\nready       {time.perf_counter() - started:.1f} s, stack {script.stack}, shop in {url}")
    before = rows.read(url, script.expected)
    call_id, done = uuid.uuid4().hex, []
    for number, (scripted, turn) in enumerate(zip(script.turns, turns, strict=True), start=1):
        print("\n".join(["", f"--- turn {number}", *_given_lines(scripted, turn)]))
        done.append(_respond(agent, replace(turn, call_id=call_id), scripted, number))
        print("\n".join(reply_lines(done[-1].reply)), flush=True)
    after = rows.read(url, script.expected)
    checks = tuple(rows.RowCheck(*check) for check in zip(script.expected, before, after, strict=True))
    _, places = mix([turn.exchange for turn in done])
    return CallRecord(
        title=script.title,
        scenario=script.path,
        customer=script.customer,
        domain=script.domain,
        stack=script.stack,
        turns=tuple(done),
        places=places,
        checks=checks,
    )


def _turn(scripted: ScriptedTurn, voice: str) -> Turn:
    """The real inputs of a scripted turn: the recording read or the words spoken, the photo opened."""
    heard: Audio | None = None
    if scripted.recording is not None:
        heard = Audio.open(scripted.recording)
    elif scripted.say is not None:
        heard = customer.speak(scripted.say, voice)
    image = None if scripted.image is None else Image.open(scripted.image)
    return Turn(text=scripted.text, audio=heard, image=image, channel="text" if heard is None else "voice")


def _respond(agent: cli.Door, turn: Turn, scripted: ScriptedTurn, number: int) -> TurnRecord:
    started = time.perf_counter()
    with cli.libraries_on_stderr():
        reply = agent.respond(turn, speak=True, explain=True)
    return TurnRecord(
        number=number,
        turn=turn,
        script=scripted.say or "",
        photo_name="" if scripted.image is None else scripted.image.name,
        reply=reply,
        seconds=time.perf_counter() - started,
    )


def _given_lines(scripted: ScriptedTurn, turn: Turn) -> list[str]:
    lines = []
    if turn.audio is not None:
        lines.append(f"speaks      {shown(scripted.say or '(a recording)')} ({turn.audio.seconds:.1f} s)")
    if scripted.text is not None:
        lines.append(f"types       {shown(scripted.text)}")
    if scripted.image is not None and turn.image is not None:
        lines.append(f"shows       {scripted.image.name} ({turn.image.width} x {turn.image.height})")
    return lines


def leave(record: CallRecord, out: Path) -> tuple[Path, ...]:
    """Writes the call's sound, report and data into a folder, each whole or not at all."""
    channels, _ = mix([turn.exchange for turn in record.turns])
    out.mkdir(parents=True, exist_ok=True)
    wav, page, data = out / "call.wav", out / "report.html", out / "call.json"
    sound.save(channels, wav)
    _write(page, report.render(record, channels))
    _write(data, json.dumps(record_json(record), ensure_ascii=False, indent=1))
    return wav, page, data


def _write(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def _verdict(record: CallRecord) -> str:
    lines = []
    for check in record.checks:
        row = check.expected
        found = f"{shown(check.before or 'nothing')} -> {shown(check.after or 'nothing')}"
        lines.append(f"{'ok  ' if check.ok else 'FAIL'}        {row.table} {row.key} {row.column}: {found}")
        if not check.ok:
            lines[-1] += f", expected {shown(row.value)}"
    lines += [f"FAIL        the reply of turn {number} cannot be heard" for number in record.unheard]
    took = sum(turn.seconds for turn in record.turns)
    lines.append(f"{'SUCCESS' if record.ok else 'FAILURE'}: {len(record.turns)} turns answered in {took:.1f} s")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(cli.run(main))
