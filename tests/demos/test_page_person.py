"""A person takes a conversation over, answers in it and gives it back; and stored calls are replayed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from agent.errors import InputError
from agent.types import Event
from demos.page.desk import Desk
from demos.page.replay import choices, shown, turns
from tests.demos.page_fakes import PageFake, inside
from tests.demos.test_page import Tab


@pytest.fixture
def agent() -> PageFake:
    return PageFake()


@pytest.fixture
def client(agent: PageFake) -> Iterator[TestClient]:
    with inside(agent) as one:
        yield one


@pytest.fixture
def desk(client: TestClient) -> Desk:
    app: Any = client.app
    return Desk(lambda: app.state.house)


def handed_over(tab: Tab, desk: Desk) -> str:
    """A conversation that waits for a person: its ticket."""
    assert "colleague" in tab.said("a person please")
    tab.until("ready")
    ((name, ticket),) = desk.choices("Ada")
    assert name.startswith("Waiting")
    return ticket


def test_a_person_takes_over_answers_and_gives_back(client: TestClient, desk: Desk, agent: PageFake) -> None:
    with Tab(client) as tab:
        tab.said("Where is K123455?")
        ticket = handed_over(tab, desk)
        page = desk.claim(ticket, "Ada")
        assert "a person please" in page
        assert "Ada has joined" in tab.until("note")["text"]
        assert desk.choices("Ada")[0][0].startswith("Yours")
        assert desk.choices("Bob") == []
        tab.send("are you there?")
        tab.until("ready")
        assert "are you there?" in desk.taken(ticket, "Ada")
        before = tab.sounds
        desk.answer(ticket, "Ada", " I am. Your parcel comes today. ")
        told = tab.until("person")
        assert (told["name"], told["text"]) == ("Ada", "I am. Your parcel comes today.")
        desk.close(ticket, "Ada", "told")
        assert "assistant answers again" in tab.until("note")["text"]
        assert "e-mail" in tab.said("Where is K123455?")
        assert tab.sounds > before
        assert "colleague" in tab.said("a person please")
    assert "I am." in agent.spoken
    assert len(desk.choices("Bob")) == 1


def test_an_answer_waits_for_a_customer_who_is_away(client: TestClient, desk: Desk) -> None:
    with Tab(client) as tab:
        ticket = handed_over(tab, desk)
        desk.claim(ticket, "Ada")
        token = tab.welcome["token"]
    desk.answer(ticket, "Ada", "It is on its way.")
    with Tab(client, token) as back:
        assert back.welcome["lines"][-1] == {"who": "person", "text": "It is on its way.", "name": "Ada"}


def test_a_call_is_one_persons(client: TestClient, desk: Desk) -> None:
    with Tab(client) as tab:
        ticket = handed_over(tab, desk)
        with pytest.raises(InputError, match="claim it first"):
            desk.answer(ticket, "Ada", "hello")
        with pytest.raises(InputError, match="name"):
            desk.claim(ticket, " ")
        desk.claim(ticket, "Ada")
        with pytest.raises(InputError, match="claimed by 'Ada'"):
            desk.claim(ticket, "Bob")
        for person, text in (("Bob", "hello"), ("Ada", "  "), ("Ada", "x" * 5000)):
            with pytest.raises(InputError):
                desk.answer(ticket, person, text)
        with pytest.raises(InputError, match="claim it first"):
            desk.close(ticket, "Bob", "")
        assert "claim it" in desk.taken(ticket, "Bob")
        assert "claim it" in desk.taken("guess", "Ada")


def test_words_of_customers_and_people_are_never_markup(client: TestClient, desk: Desk, agent: PageFake) -> None:
    with Tab(client) as tab:
        tab.said("<img src=x onerror=alert(1)>")
        ticket = handed_over(tab, desk)
        desk.claim(ticket, "Ada")
        desk.answer(ticket, "Ada", "<script>alert(1)</script>")
        page = desk.taken(ticket, "Ada")
        replayed = shown(agent.manager.store, choices(agent.manager.store)[0][1])
    for html in (page, replayed):
        assert "<img" not in html
        assert "<script" not in html
        assert "&lt;script" in html


def test_a_stored_call_is_replayed_turn_by_turn(client: TestClient, agent: PageFake) -> None:
    with Tab(client) as tab:
        reply = tab.said("Where is K123455?")
        tab.said("a person please")
    ((name, call_id),) = choices(agent.manager.store)
    assert "2 turns" in name
    first, second = turns(agent.manager.store.events(call_id))
    assert (first.number, first.customer) == (1, "Where is K123455?")
    assert first.meant == [("track_order", 0.9)]
    assert first.facts == [("order_id", "K123455")]
    assert first.said[0] == ("Agent", reply)
    assert any("because" in step for step in first.steps)
    assert "track order" in first.stands
    assert any("handoff" in step for step in second.steps)
    html = shown(agent.manager.store, call_id)
    for wanted in ("Turn 2", "human agent", "because"):
        assert wanted in html


@pytest.mark.parametrize(("heard", "wanted"), [("", "nothing"), ("What's the", "What's the")])
def test_what_was_heard_of_an_answer_cut_short_is_shown(heard: str, wanted: str) -> None:
    whole = Event("said", {"text": "What's the number?"})
    (turn,) = turns([whole, Event("said", {"text": heard, "cut_short": True})])
    assert turn.said == [("Agent", "What's the number?"), ("Of this was heard", wanted)]


def test_no_call_is_no_page(agent: PageFake) -> None:
    for nothing in (None, "", "guess"):
        assert "Choose a call" in shown(agent.manager.store, nothing)
