"""Recordings of calls: each side in its place, silence where numbers were said, and gone when nobody wants them."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from agent.errors import InputError
from agent.store import Store
from agent.tables import Customer, Erasure, utc_now
from agent.types import Event, Understanding
from demos.phone.ledger import Ledger
from demos.phone.manners import Manners
from demos.phone.pipeline import Models
from demos.phone.tape import KEPT, LONGEST_OPEN, Tape
from demos.phone.tapes import Tapes, erase, recordings
from modalities.types import Transcript
from tests.demos.phone_line import Ears, Office, RuleAgent, Wire, until

RATE = 8_000


def pcm(level: int, seconds: float = 0.02) -> bytes:
    return np.full(round(seconds * RATE), level, "<i2").tobytes()


def tape(folder: Path) -> Tape:
    made = Tape(folder / "call.wav", RATE, 100.0)
    made.muted = False
    return made


def played(path: Path) -> Any:
    samples, rate = soundfile.read(path, dtype="int16")
    assert rate == RATE
    return samples


def ticks(made: Tape, first: float, seconds: float, caller: int, agent: int = 0) -> None:
    for step in range(round(seconds / 0.02)):
        at = first + 0.02 * step
        made.caller(pcm(caller), at + 0.02)
        if agent:
            made.agent(pcm(agent), at)


def test_each_side_stands_at_the_time_it_was_heard(tmp_path: Path) -> None:
    made = tape(tmp_path)
    ticks(made, 100.0, 2.0, 7)
    made.agent(pcm(9, 1.0), 102.0)
    ticks(made, 102.0, 3.0, 7)
    made.close()
    samples = played(made.path)
    assert made.path.stat().st_mode & 0o077 == 0
    assert len(samples) == 5 * RATE
    assert (samples[:, 0] == 7).all()
    (heard,) = np.nonzero(samples[:, 1])
    assert (heard[0] / RATE, heard[-1] / RATE) == (pytest.approx(2.0, abs=0.03), pytest.approx(3.0, abs=0.03))


def test_frames_that_come_unevenly_leave_no_holes_and_lost_ones_do(tmp_path: Path) -> None:
    made = tape(tmp_path)
    for at in (100.02, 100.07, 100.075, 100.08, 101.1):
        made.caller(pcm(7), at)
    made.close()
    samples = played(made.path)[:, 0]
    assert (samples[:640] == 7).all()
    assert (samples[640 : round(1.08 * RATE)] == 0).all()
    assert (samples[-160:] == 7).all()


def test_words_that_were_thrown_away_unheard_are_not_on_it(tmp_path: Path) -> None:
    made = tape(tmp_path)
    made.agent(pcm(9, 0.5), 100.0)
    made.cleared(100.2)
    made.agent(pcm(8, 0.1), 100.3)
    made.close()
    agent = played(made.path)[:, 1]
    assert (agent[: round(0.2 * RATE)] == 9).all()
    assert not (agent[round(0.2 * RATE) :] == 9).any()
    assert (agent == 8).sum() == round(0.1 * RATE)


@pytest.mark.parametrize("secret", [True, False])
def test_a_turn_with_a_secret_is_silence_and_the_rest_stays(tmp_path: Path, secret: bool) -> None:
    made = tape(tmp_path)
    ticks(made, 100.0, 5.0, 7)
    made.speaks(105.0)
    ticks(made, 105.0, 30.0, 5)  # longer than what is kept
    made.understood(secret)
    ticks(made, 135.0, 5.0, 3)
    made.close()
    caller = played(made.path)[:, 0]
    assert (caller[: round((5 - KEPT) * RATE)] == 7).all()
    assert bool((caller == 5).any()) is not secret
    assert (caller == 3).sum() == 5 * RATE


def test_a_turn_that_nobody_understood_is_silence(tmp_path: Path) -> None:
    made = tape(tmp_path)
    made.speaks(100.0)
    ticks(made, 100.0, LONGEST_OPEN + 10, 5)
    made.close()
    caller = played(made.path)[:, 0]
    assert not caller[: round(LONGEST_OPEN * RATE)].any()


def test_paused_and_before_the_caller_knows_there_is_silence(tmp_path: Path) -> None:
    made = Tape(tmp_path / "call.wav", RATE, 100.0)
    ticks(made, 100.0, 2.0, 7, 9)
    made.muted = False
    ticks(made, 102.0, 2.0, 7, 9)
    made.paused = True
    ticks(made, 104.0, 2.0, 7, 9)
    made.close()
    samples = played(made.path)
    assert [(samples[:, side] != 0).sum() / RATE for side in (0, 1)] == [2.0, 4.0]


def test_a_full_disk_ends_the_recording_and_not_the_call(tmp_path: Path) -> None:
    made = tape(tmp_path)

    def full(_: object) -> None:
        raise OSError(28, "no space")

    made._file.write = full
    ticks(made, 100.0, 5.0, 7)
    made.close()


Play = Callable[[Wire, RuleAgent], Awaitable[None]]


def held(folder: Path, play: Play, agent: RuleAgent) -> tuple[Office, list[Path]]:
    office = Office(agent, Manners(silence=60.0, keys=0.1, lead=0.05, drain=0.2))

    async def run() -> list[Path]:
        desk = office.desk()
        tapes = Tapes(office.store, folder)
        desk.models = Models(office.agent, Ears, office.manners, tapes=tapes)
        wire = Wire()
        call = office.call(desk, wire)
        await play(wire, agent)
        await asyncio.wait_for(call, 20)
        await desk.models.close()
        assert not tapes.live
        with office.store.session() as session:
            from demos.phone.ledger import PhoneCall

            row = session.get(PhoneCall, 1)
            assert row is not None
        return list(recordings(office.store, row.call_id))

    return office, asyncio.run(run())


async def greeted(wire: Wire, agent: RuleAgent) -> None:
    await until(lambda: wire.seconds >= 2 * agent.seconds)
    await asyncio.sleep(0.7)  # the agent's last word is over


class Heard(RuleAgent):
    words = ""

    def understand(self, turns: Any) -> list[Understanding]:
        return [Understanding(text=self.words, verdict="ok", transcript=Transcript(self.words)) for _ in turns]


@pytest.mark.parametrize(("words", "loud"), [("where is my order", True), ("my card is •••• ••••", False)])
def test_a_call_is_recorded_after_the_caller_was_told_but_no_numbers(tmp_path: Path, words: str, loud: bool) -> None:
    async def play(wire: Wire, agent: RuleAgent) -> None:
        await greeted(wire, agent)
        wire.turn()
        await until(lambda: agent.turns == 1)
        await asyncio.sleep(0.3)
        wire.hang_up()

    agent = Heard()
    agent.words = words
    _, (path,) = held(tmp_path, play, agent)
    assert agent.log[1] == ("say", "This call is recorded.")
    samples = played(path)
    assert samples[:, 1].any()
    assert bool(samples[:, 0].any()) is loud


def test_star_throws_the_recording_away(tmp_path: Path) -> None:
    async def play(wire: Wire, agent: RuleAgent) -> None:
        await greeted(wire, agent)
        assert list(tmp_path.glob("*.wav"))
        wire.key("*")
        await until(lambda: not list(tmp_path.glob("*.wav")))
        wire.turn()
        await until(lambda: agent.turns == 1)
        wire.hang_up()

    _, paths = held(tmp_path, play, RuleAgent())
    assert paths == []
    assert not list(tmp_path.glob("*.wav"))


def test_whoever_is_forgotten_is_not_on_tape_either(tmp_path: Path) -> None:
    store = Store("sqlite://")
    ledger, tapes = Ledger(store), Tapes(store, tmp_path)
    names = {}
    for who in ("forgotten", "other"):
        entry = ledger.begin("twilio", who, f"+1{who}")
        store.open_call(entry.call_id, "phone")
        if who == "other":
            store.append(entry.call_id, [Event("said", {"text": "Hello."}, 0)])
        names[who] = tapes.begin(entry.call_id, RATE, 0.0).path
        tapes.end(entry.call_id)
        ledger.end(entry, "done")
    assert erase(store) == 0, "nobody asked to be forgotten"
    with store.session(write=True) as session:
        session.add(Customer(id=1, name="gone"))
        session.flush()
        session.add(Erasure(customer_id=1, asked_at=utc_now() - dt.timedelta(days=1)))
    assert erase(store) == 1
    assert [names[who].exists() for who in ("forgotten", "other")] == [False, True]
    with store.session() as session:
        from demos.phone.ledger import PhoneCall

        callers = [row.caller for row in session.query(PhoneCall).order_by(PhoneCall.id)]
    assert callers == ["", "+1other"]
    assert erase(store) == 0


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="recordings cannot be kept"):
        Tapes(Store("sqlite://"), tmp_path / "file" / "folder")
