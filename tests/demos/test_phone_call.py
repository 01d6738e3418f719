"""Whole calls over a line in memory: turns, interruptions, keys, silence, bad luck, and how calls end."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from agent.errors import BackendError
from agent.types import Turn
from demos.phone import pipeline
from demos.phone.agent import Answered
from demos.phone.answering import Answering
from demos.phone.desk import Desk
from demos.phone.ledger import Ledger, PhoneCall
from demos.phone.manners import CLOSING, GIVING_UP, MOMENT, SORRY, TOO_LONG, Manners
from tests.demos.phone_line import (
    BEGIN,
    BREAK_IN,
    CALM,
    FINISH,
    NOD,
    NOISE,
    PAUSE,
    STIR,
    Office,
    RuleAgent,
    Wire,
    until,
)

Play = Callable[[Wire, RuleAgent], Awaitable[None]]
SHORT: dict[str, Any] = {"keys": 0.1, "lead": 0.05, "drain": 0.2}


def held(play: Play, agent: RuleAgent | None = None, **manners: Any) -> tuple[Any, Wire, RuleAgent, Office]:
    """A call that goes as `play` says: how it ended, what the line carried, what the agent was asked."""
    office = Office(agent or RuleAgent(), Manners(**{"silence": 60.0, **SHORT, **manners}))

    async def run() -> tuple[Any, Wire]:
        desk, wire = office.desk(), Wire()
        call = office.call(desk, wire)
        try:
            await play(wire, office.agent)
            ending = await asyncio.wait_for(call, 20)
        except BaseException:
            wire.vanish()  # a call that is cancelled instead may never end
            await asyncio.wait([call], timeout=10)
            raise
        finally:
            call.cancel()
            await desk.models.close()
        return ending, wire

    ending, wire = asyncio.run(run())
    return ending, wire, office.agent, office


def said(agent: RuleAgent) -> list[str]:
    return [entry[1] for entry in agent.log if entry[0] == "say"]


async def greeted(wire: Wire, agent: RuleAgent) -> None:
    await until(lambda: wire.seconds >= agent.seconds)


def test_a_turn_is_answered_and_the_caller_hangs_up() -> None:
    async def play(wire: Wire, agent: RuleAgent) -> None:
        await greeted(wire, agent)
        wire.turn()
        await until(lambda: wire.seconds >= 2 * agent.seconds)
        wire.hang_up()

    ending, wire, agent, office = held(play)
    assert ending == "caller"
    assert said(agent) == ["Hello.", "You said 1."]
    assert wire.seconds == pytest.approx(0.6, abs=0.05)
    with office.store.session() as session:
        row = session.get(PhoneCall, 1)
        assert row is not None
        assert (row.carrier, row.caller, row.ending) == ("twilio", "+1555", "caller")


def test_nothing_is_computed_on_the_event_loop() -> None:
    async def play(wire: Wire, agent: RuleAgent) -> None:
        await greeted(wire, agent)
        wire.turn()
        await until(lambda: agent.turns == 1)
        wire.hang_up()

    _, _, agent, _ = held(play)
    assert agent.threads
    assert threading.main_thread().name not in agent.threads


def test_the_agent_ends_the_call_once_its_words_are_played() -> None:
    async def play(wire: Wire, agent: RuleAgent) -> None:
        await greeted(wire, agent)
        wire.turn()

    ending, wire, _, _ = held(play, RuleAgent({1: Answered("Goodbye.", ends=True)}))
    assert ending == "done"
    assert wire.seconds == pytest.approx(0.6, abs=0.05)
    assert wire.sent[-1]["event"] == "mark"  # it waited to be told that all was played


@pytest.mark.parametrize(("more", "understood"), [(False, 1), (True, 2)])
def test_a_pause_is_understood_ahead_and_dropped_where_the_caller_goes_on(more: bool, understood: int) -> None:
    async def play(wire: Wire, agent: RuleAgent) -> None:
        await greeted(wire, agent)
        wire.level(BEGIN)
        wire.level(PAUSE, 10)
        await until(lambda: agent.understood == 1)
        assert agent.turns == 0
        if more:
            wire.level(BEGIN)
        wire.level(FINISH)
        await until(lambda: agent.turns == 1)
        wire.hang_up()

    _, _, agent, _ = held(play)
    assert agent.understood == understood


def test_an_interruption_clears_the_line_and_the_history_holds_what_was_heard() -> None:
    async def play(wire: Wire, agent: RuleAgent) -> None:
        agent.seconds = 2.0
        await until(lambda: wire.seconds > 0.3)
        wire.level(BEGIN)
        await until(lambda: wire.events("clear"))
        before = wire.seconds
        wire.level(BREAK_IN)
        await asyncio.sleep(0.3)
        assert wire.seconds - before < 0.05  # quiet from the first word on, but for a frame on its way
        wire.level(FINISH)
        await until(lambda: agent.turns == 1)
        wire.hang_up()

    _, wire, agent, _ = held(play)
    assert wire.events("clear") >= 1
    assert ("heard", "") in agent.log  # of one word of two seconds, not even that
    assert agent.log.index(("heard", "")) < agent.log.index(("answer", "spoken"))


def test_an_mhm_does_not_cut_the_agent_short() -> None:
    async def play(wire: Wire, agent: RuleAgent) -> None:
        agent.seconds = 1.0
        await until(lambda: wire.seconds > 0.3)
        wire.level(BEGIN)
        await until(lambda: wire.events("clear"))
        wire.level(NOD)
        await until(lambda: wire.seconds >= 0.99)
        await asyncio.sleep(0.2)
        wire.hang_up()

    _, wire, agent, _ = held(play)
    assert agent.turns == 0
    assert said(agent) == ["Hello."]
    assert 1.0 <= wire.seconds <= 1.2  # what was thrown away was sent again


def test_words_thrown_away_at_their_very_end_are_sent_again_where_it_was_nothing() -> None:
    async def play(wire: Wire, agent: RuleAgent) -> None:
        await until(lambda: wire.seconds >= agent.seconds)  # all is sent, and the last of it not played
        wire.level(STIR)
        await until(lambda: wire.events("clear"))
        before = wire.seconds
        wire.level(CALM)
        await until(lambda: wire.seconds > before)
        wire.hang_up()

    held(play, lead=0.5)  # all is sent at once, and Pipecat takes it for said


def test_a_caller_is_told_that_an_answer_takes_long_and_gets_it() -> None:
    class Slow(RuleAgent):
        def answer(self, call_id: str, understood: Any) -> Answered:
            time.sleep(1.0)
            return super().answer(call_id, understood)

    async def play(wire: Wire, agent: RuleAgent) -> None:
        await greeted(wire, agent)
        wire.turn()
        await until(lambda: said(agent)[-1] == "You said 1.")
        wire.hang_up()

    ending, _, agent, _ = held(play, Slow(), patience=0.3)
    assert ending == "caller"
    assert said(agent) == ["Hello.", MOMENT, "You said 1."]


@pytest.mark.parametrize("follows", [CALM, NOD])
def test_the_agent_falls_quiet_at_the_first_sound_and_goes_on_where_it_was_nothing(follows: float) -> None:
    async def play(wire: Wire, agent: RuleAgent) -> None:
        agent.seconds = 1.0
        await until(lambda: wire.seconds > 0.3)
        wire.level(STIR)
        await until(lambda: wire.events("clear"))
        before = wire.seconds
        await asyncio.sleep(0.2)
        assert wire.seconds - before < 0.05
        if follows == NOD:
            wire.level(BEGIN)
        wire.level(follows)
        await until(lambda: wire.seconds >= 0.99)
        await asyncio.sleep(0.2)
        wire.hang_up()

    _, wire, agent, _ = held(play)
    assert agent.turns == 0
    assert said(agent) == ["Hello."]
    assert wire.events("clear") == 1
    assert 1.0 <= wire.seconds <= 1.2


def test_noise_that_broke_in_is_no_turn_and_the_agent_says_it_again() -> None:
    async def play(wire: Wire, agent: RuleAgent) -> None:
        agent.seconds = 1.0
        await until(lambda: wire.seconds > 0.3)
        for level in (NOISE, BREAK_IN, FINISH):
            wire.level(level)
        await until(lambda: said(agent) == ["Hello.", "Hello."])
        wire.hang_up()

    _, _, agent, _ = held(play)
    assert agent.turns == 0


@pytest.mark.parametrize(
    ("keys", "question", "text"),
    [
        ("877019#", "slot", "877019"),
        ("97103", "slot", "97103"),
        ("0", "", "I want to talk to a person"),
        ("1", "confirm", "yes"),
        ("2", "confirm", "no"),
        ("1", "slot", "1"),
    ],
)
def test_keys_are_a_turn(keys: str, question: str, text: str) -> None:
    async def play(wire: Wire, agent: RuleAgent) -> None:
        agent.question = question
        await greeted(wire, agent)
        for key in keys:
            wire.key(key)
        await until(lambda: agent.turns == 1)
        wire.hang_up()

    _, _, agent, _ = held(play)
    assert ("answer", text) in agent.log


def test_what_is_typed_in_a_call_is_a_turn_and_a_person_can_speak_in_it() -> None:
    found: list[Any] = []

    class Watched(Answering):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            found.append(self)

    async def play(wire: Wire, agent: RuleAgent) -> None:
        await greeted(wire, agent)
        await found[0].give(Turn(text="typed"))
        await until(lambda: wire.seconds >= 2 * agent.seconds)
        await found[0].say("A person speaks.")
        await until(lambda: wire.seconds >= 3 * agent.seconds)
        wire.hang_up()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "Answering", Watched)
        _, _, agent, _ = held(play)
    assert ("answer", "typed") in agent.log
    assert said(agent) == ["Hello.", "You said 1.", "A person speaks."]


def test_a_flood_of_keys_is_one_short_turn() -> None:
    async def play(wire: Wire, agent: RuleAgent) -> None:
        await greeted(wire, agent)
        for _ in range(2_000):
            wire.key("7")
        await until(lambda: agent.turns >= 1)
        wire.hang_up()

    _, _, agent, _ = held(play)
    answers = [entry[1] for entry in agent.log if entry[0] == "answer"]
    assert all(len(words) <= 32 for words in answers)
    assert len(answers) < 5


def test_silence_is_a_turn_and_after_a_request_to_wait_a_late_one() -> None:
    async def play(wire: Wire, agent: RuleAgent) -> None:
        await until(lambda: agent.turns == 2)
        await asyncio.sleep(1.0)
        assert agent.turns == 2
        wire.hang_up()

    script: dict[int, Any] = {1: Answered("Still there?"), 2: Answered("Take your time.", waits=True)}
    _, _, agent, _ = held(play, RuleAgent(script), silence=0.2, hold=60.0)
    assert [entry for entry in agent.log if entry[0] == "answer"] == [("answer", "no_speech")] * 2


def test_a_call_has_a_longest_time() -> None:
    async def play(wire: Wire, agent: RuleAgent) -> None:
        await greeted(wire, agent)

    ending, _, agent, _ = held(play, longest=0.8)
    assert ending == "longest"
    assert " ".join(said(agent)[1:]) == TOO_LONG


def test_a_person_takes_over_where_there_is_one() -> None:
    async def play(wire: Wire, agent: RuleAgent) -> None:
        await greeted(wire, agent)
        wire.turn()

    ending, _, _, _ = held(play, RuleAgent({1: Answered("I pass you on.", person=True)}), person="+1999")
    assert ending == "person"


@pytest.mark.parametrize("broken", ["understand", "answer"])
def test_a_turn_that_fails_is_apologised_for_and_the_call_goes_on(broken: str) -> None:
    agent = RuleAgent({1: BackendError("down")} if broken == "answer" else {}, bad_turns={1} - {broken == "answer"})

    async def play(wire: Wire, agent: RuleAgent) -> None:
        await greeted(wire, agent)
        wire.turn()
        await until(lambda: len(said(agent)) == 3)
        wire.turn()
        await until(lambda: said(agent)[-1].startswith("You said"))
        wire.hang_up()

    ending, _, agent, _ = held(play, agent)
    assert ending == "caller"
    assert " ".join(said(agent)[1:3]) == SORRY


def test_a_call_that_keeps_failing_ends_with_a_sensible_sentence() -> None:
    async def play(wire: Wire, agent: RuleAgent) -> None:
        await greeted(wire, agent)
        for turn in range(3):
            wire.turn()
            await until(lambda turn=turn: agent.turns == turn + 1)  # type: ignore[misc]
            await asyncio.sleep(0.8)

    ending, _, agent, _ = held(play, RuleAgent({n: BackendError("down") for n in (1, 2, 3)}))
    assert ending == "failed"
    assert " ".join(said(agent)).endswith(GIVING_UP)


def test_a_far_end_that_vanishes_leaves_a_call_to_go_on_with() -> None:
    agent, office = RuleAgent(), Office()

    async def run() -> list[Any]:
        desk, endings = office.desk(), []
        for _ in range(2):
            wire = Wire()
            call = office.call(desk, wire)
            await until(lambda wire=wire: wire.seconds > 0.1)  # type: ignore[misc]
            wire.vanish()
            endings.append(await asyncio.wait_for(call, 10))
        await desk.models.close()
        return endings

    office.agent = agent
    assert asyncio.run(run()) == ["lost", "lost"]
    assert [entry for entry in agent.log if entry[0] == "greet"] == [("greet", "new"), ("greet", "again")]


def test_a_call_is_answered_though_the_book_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: object) -> None:
        raise BackendError("down")

    monkeypatch.setattr(Ledger, "begin", down)

    async def play(wire: Wire, agent: RuleAgent) -> None:
        await greeted(wire, agent)
        wire.turn()
        await until(lambda: agent.turns == 1)
        wire.hang_up()

    ending, _, agent, _ = held(play)
    assert ending == "caller"
    assert said(agent)[0] == "Hello."


def test_a_full_desk_takes_no_more_and_a_draining_one_ends_its_calls() -> None:
    office = Office(manners=Manners(silence=60.0, calls=1, **SHORT))

    async def run() -> tuple[Any, Any]:
        desk: Desk = office.desk()
        wire = Wire()
        call = office.call(desk, wire)
        await until(lambda: wire.seconds > 0.1)
        turned_away = await office.call(desk, Wire())
        await desk.drain()
        ending = await asyncio.wait_for(call, 10)
        assert not desk.free
        await desk.models.close()
        return turned_away, ending

    assert asyncio.run(run()) == (None, "drained")
    assert " ".join(said(office.agent)[1:]) == CLOSING


def test_many_calls_leave_no_thread_and_no_task() -> None:
    office = Office()

    async def run() -> tuple[int, int, int]:
        desk = office.desk()
        counts = []
        for number in range(12):
            wire = Wire()
            call = office.call(desk, wire)
            await until(lambda wire=wire: wire.seconds > 0.05)  # type: ignore[misc]
            wire.hang_up()
            await asyncio.wait_for(call, 10)
            if number in (5, 11):
                counts.append((threading.active_count(), len(asyncio.all_tasks())))
        await desk.models.close()
        assert counts[0][1] == counts[1][1]
        assert counts[1][0] <= counts[0][0] + 2, "six calls, one leak each, would be six; a pool may still fill"
        return desk.calls, len(desk._live), len(desk.held)

    assert asyncio.run(run()) == (0, 0, 12)
