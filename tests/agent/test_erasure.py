"""Who asks to be forgotten is: rows, tickets, letters and every word of their calls; others keep theirs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from agent.erasure import LONGEST_CALL, sweep
from agent.tables import Base, Call, CallEvent, Customer, Erasure, Mail, Order, Performed, Review, Ticket, utc_now
from demos.forget import main
from tests.calls import Shop

WORDS = "the strap broke while I was hiking near Ashford"


@pytest.fixture(params=["memory", "postgresql"])
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    made = Shop("sqlite://" if request.param == "memory" else request.getfixturevalue("postgres_url"))
    ready(made)
    yield made
    made.store.close()


def ready(shop: Shop) -> None:
    """Nothing is on its way to customer 1, who left words in a call, a ticket, a letter and a review."""
    for status in ("processing", "paid", "shipped"):
        while (order := shop.order(status)) != "None":
            shop.set(Order, order, status="delivered")
    call = shop.call("earlier", known=True)
    call.say(WORDS, "complaint")
    shop.call("of another").say("hello from somebody else", "greeting")
    with shop.store.session(write=True) as session:
        session.add(Mail(id="M1", kind="invoice", email="ada@example.com", created_on=dt.date(2026, 5, 1)))
        session.add(Review(customer_id=1, product_id="rain-jacket", rating=2, text=WORDS))
        session.add(
            Ticket(
                id="T99", customer_id=1, kind="complaint", detail={"said": WORDS}, status="open",
                opened_on=dt.date(2026, 5, 1),
            )
        )  # fmt: skip


def everything(shop: Shop, *, but: str = "") -> str:
    """All that the database holds, the events and results of one call left out."""
    with shop.store.session() as session:
        rows = [
            row
            for table in Base.metadata.sorted_tables
            for row in session.execute(select(table)).mappings()
            if not but or but not in (row.get("call_id"), row.get("id"))
        ]
    return str([dict(row) for row in rows])


def later(shop: Shop, by: dt.timedelta = LONGEST_CALL * 2) -> None:
    """Let time pass: all that was is longer ago."""
    with shop.store.session(write=True) as session:
        for column in (Call.opened_at, Erasure.asked_at):
            for row in session.scalars(select(column.class_)):
                setattr(row, column.key, getattr(row, column.key) - by)


def test_rows_and_past_calls_go_at_once_and_the_call_itself_when_it_is_over(shop: Shop) -> None:
    later(shop)
    call = shop.call("closing", known=True)
    call.say("close my account", "delete_account")
    assert "Ada" in everything(shop), "seen beforehand, and undone"
    assert WORDS in everything(shop)
    assert call.say("yes", "affirm").action.name == "delete_account"
    left = everything(shop, but="closing")
    assert not any(gone in left for gone in ("Ada", "ada@", "312-555-0100", "1 Mill Lane", WORDS))
    assert "hello from somebody else" in left
    assert "Ada" in everything(shop), "the call goes on"
    shop.manager.open("next")
    assert "Ada" in everything(shop)
    later(shop)
    shop.manager.open("after that")
    assert not any(gone in everything(shop) for gone in ("Ada", "ada@", "312-555-0100", "1 Mill Lane", WORDS))
    with shop.store.session() as session:
        assert session.get(Call, "earlier") is not None
        assert not session.scalars(select(CallEvent).where(CallEvent.call_id == "closing")).all()
        done = session.scalars(select(Performed).where(Performed.call_id == "closing")).one()
        assert (done.action.partition(":")[0], done.result["ok"], done.result["changes"]) == (
            "delete_account",
            True,
            [],
        )
        assert session.get_one(Erasure, 1).done_at is not None


def test_sweeping_again_finds_nothing(shop: Shop) -> None:
    later(shop)
    with shop.store.session(write=True) as session:
        session.execute(update(Order).where(Order.customer_id == 1).values(status="delivered"))
    call = shop.call("closing", known=True)
    call.say("close my account", "delete_account")
    call.say("yes", "affirm")
    later(shop)
    with shop.store.session(write=True) as session:
        assert sweep(session, utc_now()) == 1, "the earlier one went at once"
        assert sweep(session, utc_now()) == 0


def test_by_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"sqlite:///{tmp_path / 'shop.sqlite'}"
    shop = Shop(url)
    ready(shop)
    later(shop)
    assert main(["--store", url, "--customer", "ADA@example.com"]) == 0
    assert "1 calls erased, 0 recordings; 1 customers wait" in capsys.readouterr().out
    assert not any(gone in everything(shop) for gone in ("Ada", "ada@", WORDS))
    with shop.store.session() as session:
        assert session.get_one(Customer, 1).status == "erased"
    later(shop)
    assert main(["--store", url]) == 0
    assert "0 calls erased, 0 recordings; 0 customers wait" in capsys.readouterr().out
    shop.store.close()


@pytest.mark.parametrize(
    ("name", "message"), [("nobody@example.com", "no active customer"), ("1", "on their way"), ("²", "no active")]
)
def test_the_command_refuses_whom_it_cannot_forget(tmp_path: Path, name: str, message: str) -> None:
    url = f"sqlite:///{tmp_path / 'shop.sqlite'}"
    shop = Shop(url)
    before = everything(shop)
    with pytest.raises(Exception, match=message) as raised:
        main(["--store", url, "--customer", name])
    assert type(raised.value).__name__ == "InputError"
    assert everything(shop) == before
    shop.store.close()


def test_words_of_callers_who_proved_nothing_go_by_age(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"sqlite:///{tmp_path / 'shop.sqlite'}"
    shop = Shop(url)
    shop.call("unknown").say(WORDS, "inform")
    with shop.store.session(write=True) as session:
        for number, status in enumerate(("solved", "open")):
            session.add(
                Ticket(id=f"T{number}", kind="complaint", detail={"said": status}, status=status, opened_on=utc_now())
            )
    later(shop, dt.timedelta(days=31))
    shop.call("of today").say("hello there", "greet")
    with shop.store.session(write=True) as session:
        session.execute(update(Ticket).values(opened_on=utc_now().date() - dt.timedelta(days=31)))
    assert main(["--store", url, "--older-than", "40"]) == 0
    assert "0 calls erased" in capsys.readouterr().out
    assert main(["--store", url, "--older-than", "30"]) == 0
    assert "1 calls erased" in capsys.readouterr().out
    left = everything(shop)
    assert WORDS not in left
    assert "hello there" in left
    with shop.store.session() as session:
        assert [session.get_one(Ticket, name).detail for name in ("T0", "T1")] == [{}, {"said": "open"}]
    with pytest.raises(Exception, match="number of days from 1 on, not 0"):
        main(["--store", url, "--older-than", "0"])
    shop.store.close()
