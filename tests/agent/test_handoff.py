"""Calls passed to a person: the rules, the package, and the queue."""

from __future__ import annotations

import json

import pytest

from agent.draft import HANDOFF
from agent.errors import InputError
from agent.handoff import Queue
from demos import desk
from tests.calls import Shop, product_photo


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.mark.parametrize("words", ["you'll hear from my lawyer", "I will SUE you", "I'm taking legal action"])
def test_legal_words_are_for_a_person(shop: Shop, words: str) -> None:
    assert shop.call(known=True).say(words, "complaint").action.name == HANDOFF


@pytest.mark.parametrize("words", ["it's an issue with my suede shoes", "I pursue other plans"])
def test_words_that_only_contain_legal_ones_are_not(shop: Shop, words: str) -> None:
    assert shop.call(known=True).say(words, "complaint").action.name != HANDOFF


def passed_on(shop: Shop) -> str:
    call, order = shop.call(known=True), shop.order("delivered")
    call.say("it came torn", "damaged_item", order_id=order, photo=product_photo("damaged"))
    call.say("a person please", "human_agent")
    (ticket,) = Queue(shop.store).waiting()
    return ticket


def test_the_package_holds_what_was_said_proved_shown_and_tried(shop: Shop) -> None:
    found = Queue(shop.store).package(passed_on(shop))
    assert found.reason == "asked_for"
    assert found.proved["person"] == "Ada Thorne"
    assert found.facts["order_id"] == shop.order("delivered")
    assert found.still_to_do == ("damaged_item",)
    assert found.photos[0]["condition"] == "damaged"
    assert [who for who, _ in found.transcript] == ["customer", "agent", "customer", "agent"]
    assert "Ada Thorne wants: damaged item." in found.summary
    assert found.next_step


def test_a_ticket_is_claimed_by_one_and_closed_by_that_one(shop: Shop) -> None:
    queue, ticket = Queue(shop.store), passed_on(shop)
    assert queue.claim(ticket, "Mia").ticket_id == ticket
    assert queue.waiting() == ()
    assert queue.claim(ticket, "Mia").ticket_id == ticket
    for act in (queue.claim, queue.close):
        with pytest.raises(InputError, match="Mia"):
            act(ticket, "Ben")
    queue.close(ticket, "Mia", "settled")
    assert shop.rows()[f"tickets/{ticket}"]["status"] == "closed"
    with pytest.raises(InputError, match="is not"):
        queue.claim(ticket, "Mia")


@pytest.mark.parametrize(("ticket", "name"), [("T1", "Mia"), ("", ""), ("T1", " ")])
def test_what_cannot_be_claimed_is_named(shop: Shop, ticket: str, name: str) -> None:
    with pytest.raises(InputError):
        Queue(shop.store).claim(ticket, name)


def test_the_desk_from_the_command_line(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path_factory.mktemp('desk') / 'shop.sqlite'}"
    shop = Shop(url)
    ticket = passed_on(shop)
    assert desk.main(["list", "--store", url]) == 0
    assert capsys.readouterr().out.split() == [ticket]
    assert desk.main(["claim", ticket, "--name", "Mia", "--store", url]) == 0
    assert json.loads(capsys.readouterr().out)["call_id"] == "c"
    assert desk.main(["close", ticket, "--name", "Mia", "--store", url]) == 0
    shop.store.close()
