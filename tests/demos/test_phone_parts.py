"""The telephone's parts without a call: order of what was heard, batches, tickets, signatures, the book of calls."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from agent.errors import InputError
from agent.store import Store
from demos.carriers.tickets import LIFE, MOST, Tickets, same, twilio_signature
from demos.phone.batches import Batches
from demos.phone.ledger import Ending, Ledger
from demos.phone.manners import Manners
from demos.phone.playout import Playout


def spoken() -> Playout:
    playout = Playout()
    playout.add("Your order is on its way.", 2.0)
    playout.add("Anything else?", 1.0)
    return playout


@pytest.mark.parametrize(
    ("sent", "left_to_play", "heard", "left"),
    [
        (3.0, 0.0, "Your order is on its way. Anything else?", ""),
        (3.0, 1.0, "Your order is on its way.", "Anything else?"),
        (1.2, 0.2, "Your order is", "Your order is on its way. Anything else?"),
        (0.2, 0.2, "", "Your order is on its way. Anything else?"),
    ],
)
def test_what_was_heard_ends_where_the_far_end_stopped_playing(
    sent: float, left_to_play: float, heard: str, left: str
) -> None:
    playout = spoken()
    playout.wrote(sent, 100.0)
    assert playout.cut(100.0 + sent - left_to_play) == (heard, left)
    assert playout.cut(200.0) == ("", "")


def test_sound_that_was_thrown_away_was_not_heard() -> None:
    playout = spoken()
    playout.wrote(3.0, 100.0)
    assert playout.cleared(101.0) == pytest.approx(2.0)
    assert playout.cut(110.0)[0] == "Your order is"


def test_a_gap_is_sound_that_came_too_late_and_not_a_rest() -> None:
    playout = spoken()
    playout.wrote(0.02, 100.0)
    playout.wrote(0.02, 100.05)
    playout.rest()
    playout.wrote(0.02, 102.0)
    assert playout.gaps == [pytest.approx(0.03)]


def test_what_waits_is_taken_together_and_one_bad_item_spoils_no_other() -> None:
    gate, sizes = threading.Event(), []

    def work(items: Sequence[int]) -> list[int]:
        gate.wait(5)
        sizes.append(len(items))
        if 3 in items:
            raise ValueError("three")
        return [item * 10 for item in items]

    async def ask() -> list[int | BaseException]:
        with ThreadPoolExecutor(1) as pool:
            batches = Batches(work, pool, most=4)
            asked = [asyncio.ensure_future(batches.ask(n)) for n in range(5)]
            await asyncio.sleep(0.05)
            gate.set()
            done = await asyncio.gather(*asked, return_exceptions=True)
            await batches.close()
            return list(done)

    done = asyncio.run(ask())
    assert [repr(one) for one in done] == ["0", "10", "20", "ValueError('three')", "40"]
    assert max(sizes) == 4


def test_who_left_is_not_worked_for() -> None:
    seen: list[int] = []

    def work(items: Sequence[int]) -> Sequence[int]:
        seen.extend(items)
        return items

    async def ask() -> None:
        with ThreadPoolExecutor(1) as pool:
            batches = Batches(work, pool)
            gone = asyncio.ensure_future(batches.ask(1))
            await asyncio.sleep(0)
            gone.cancel()
            assert await batches.ask(2) == 2
            await batches.close()

    asyncio.run(ask())
    assert seen == [2]


def test_a_ticket_works_once_for_its_carrier_and_not_for_long() -> None:
    now = [0.0]
    tickets = Tickets(lambda: now[0])
    one, old = tickets.issue("twilio", "CA1", "+1555"), tickets.issue("twilio", "CA2")
    assert tickets.redeem(one, "telnyx") is None
    found = tickets.redeem(one, "twilio")
    assert found is not None
    assert (found.call_id, found.caller) == ("CA1", "+1555")
    assert tickets.redeem(one, "twilio") is None
    now[0] = LIFE + 1
    assert tickets.redeem(old, "twilio") is None
    assert len(tickets) == 0


def test_tickets_are_bounded() -> None:
    tickets = Tickets(lambda: 0.0)
    for _ in range(MOST):
        tickets.issue("twilio", "x")
    with pytest.raises(InputError, match="try again"):
        tickets.issue("twilio", "x")


def test_twilios_signature_is_that_of_its_documentation() -> None:
    fields = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert twilio_signature("12345", url, fields) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


@pytest.mark.parametrize(
    ("given", "wanted", "right"), [("a", "a", True), ("a", "b", False), ("", "", False), ("\ud800", "a", False)]
)
def test_an_unset_secret_lets_nobody_in(given: str, wanted: str, right: bool) -> None:
    assert same(given, wanted) is right


@pytest.mark.parametrize(
    ("ending", "minutes", "caller", "goes_on"),
    [
        (None, 1, "+1555", True),
        ("lost", 1, "+1555", True),
        ("drained", 1, "+1555", True),
        ("caller", 1, "+1555", False),
        ("done", 1, "+1555", False),
        ("lost", 6, "+1555", False),
        ("lost", 1, "+1666", False),
    ],
)
def test_a_broken_call_goes_on_when_its_caller_calls_back_soon(
    ending: Ending | None, minutes: int, caller: str, goes_on: bool
) -> None:
    store, now = Store("sqlite://"), [dt.datetime(2026, 5, 1, 12)]
    before = Ledger(store, now=lambda: now[0])
    first = before.begin("twilio", "CA1", "+1555")
    if ending is not None:
        before.end(first, ending)
    now[0] += dt.timedelta(minutes=minutes)
    after = Ledger(store, now=lambda: now[0])  # another process: it knows only the book
    second = after.begin("twilio", "CA2", caller)
    assert (second.call_id == first.call_id, second.resumed) == (goes_on, goes_on)
    third = after.begin("twilio", "CA3", caller)
    assert third.call_id != first.call_id
    store.close()


def test_a_call_that_is_going_on_is_no_broken_one() -> None:
    store = Store("sqlite://")
    ledger = Ledger(store)
    first = ledger.begin("twilio", "CA1", "+1555")
    assert ledger.begin("twilio", "CA2", "+1555").call_id != first.call_id
    store.close()


def test_manners_without_sense_are_refused() -> None:
    with pytest.raises(InputError):
        Manners(silence=0.0)
