"""The store: transactions, at most once, events in order, and threads."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from agent.errors import BackendError, ConfigError
from agent.store import Store
from agent.tables import Customer, Promotion, Subscription, Variant
from agent.types import Action, Change, Event, Result
from tests.calls import Shop


@pytest.fixture(params=["memory", "file", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    urls = {"memory": "sqlite://", "file": f"sqlite:///{tmp_path / 'deep' / 'shop.sqlite'}"}
    made = Store(urls.get(request.param) or request.getfixturevalue("postgres_url"))
    yield made
    made.close()


def promote(store: Store, percent: int = 10) -> None:
    with store.session(write=True) as session:
        session.add(Promotion(code="SPRING20", percent=percent, ends_on=dt.date(2026, 5, 31)))


def percent(store: Store) -> int:
    with store.session() as session:
        return session.get_one(Promotion, "SPRING20").percent


def raise_percent(session: Session) -> Result:
    row = session.get_one(Promotion, "SPRING20")
    row.percent += 1
    return Result(True, {"percent": row.percent})


def test_a_raise_in_the_block_undoes_all_of_it(store: Store) -> None:
    promote(store)

    def fail() -> None:
        with store.session(write=True) as session:
            raise_percent(session)
            session.flush()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert percent(store) == 10


def test_events_come_back_in_order_and_only_grow(store: Store) -> None:
    store.open_call("c", "voice")
    store.open_call("c", "voice")
    first = [Event("heard", {"text": "hé\u0000llo", "n": [1, None, True]}, 1), Event("said", {"text": "hi"}, 1)]
    store.append("c", first)
    store.append("c", [])
    store.append("c", [Event("heard", {}, 2)])
    assert store.events("c") == (*first, Event("heard", {}, 2))
    assert store.events("unknown") == ()


def test_events_of_no_call_are_refused(store: Store) -> None:
    with pytest.raises(BackendError):
        store.append("never-opened", [Event("heard")])


def test_the_same_key_works_once_and_tells_the_same(store: Store) -> None:
    promote(store)
    first = store.run_once(("c", 1, "a"), raise_percent)
    again = store.run_once(("c", 1, "a"), raise_percent)
    assert percent(store) == 11
    assert first == again
    assert first.changes == (Change("promotions", "SPRING20", {"percent": 10}, {"percent": 11}),)
    for other in (("c", 2, "a"), ("d", 1, "a"), ("c", 1, "b")):
        store.run_once(other, raise_percent)
    assert percent(store) == 14


def test_a_result_that_is_not_ok_undoes_its_changes_and_may_be_tried_again(store: Store) -> None:
    promote(store)

    def refused(session: Session) -> Result:
        raise_percent(session)
        session.flush()
        return Result(False, error="not_allowed")

    assert store.run_once(("c", 1, "a"), refused) == Result(False, error="not_allowed")
    assert percent(store) == 10
    assert store.run_once(("c", 1, "a"), raise_percent).ok


def test_a_preview_tells_the_changes_and_makes_none(store: Store) -> None:
    promote(store)
    assert store.preview(raise_percent).changes[0].after == {"percent": 11}
    assert percent(store) == 10


def test_changes_cover_added_altered_twice_and_removed_rows(store: Store) -> None:
    promote(store)
    with store.session(write=True) as session:
        session.add(Subscription(email="a@example.com", status="subscribed"))

    def work(session: Session) -> Result:
        raise_percent(session)
        session.flush()
        raise_percent(session)
        session.delete(session.get_one(Subscription, "a@example.com"))
        session.add(Subscription(email="b@example.com", status="subscribed"))
        session.flush()
        session.get_one(Subscription, "b@example.com").status = "unsubscribed"
        return Result(True)

    changes = store.run_once(("c", 1, "a"), work).changes
    assert changes == (
        Change("promotions", "SPRING20", {"percent": 10}, {"percent": 12}),
        Change("subscriptions", "a@example.com", {"email": "a@example.com", "status": "subscribed"}, {}),
        Change("subscriptions", "b@example.com", {}, {"email": "b@example.com", "status": "unsubscribed"}),
    )


def test_a_row_set_to_what_it_was_is_no_change(store: Store) -> None:
    promote(store)

    def work(session: Session) -> Result:
        row = session.get_one(Promotion, "SPRING20")
        row.percent = 99
        session.flush()
        row.percent = 10
        return Result(True)

    assert store.run_once(("c", 1, "a"), work).changes == ()


def test_threads_never_act_on_the_same_stale_row(store: Store) -> None:
    promote(store, 0)
    failures: list[BaseException] = []

    def work(worker: int) -> None:
        try:
            store.open_call(f"c{worker}")
            for turn in range(10):
                store.run_once((f"c{worker}", turn, "a"), raise_percent)
                store.append(f"c{worker}", [Event("heard", {"n": turn}, turn)])
        except BaseException as error:  # noqa: BLE001 - told in the test's own thread
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert percent(store) == 60
    assert [e.turn for e in store.events("c3")] == list(range(10))


def test_a_broken_database_is_a_retryable_error(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'shop.sqlite'}")
    with store.session(write=True) as session:
        session.execute(text("DROP TABLE events"))
    with pytest.raises(BackendError) as caught:
        store.events("c")
    assert caught.value.retryable


def test_rows_that_point_nowhere_are_refused(store: Store) -> None:
    with pytest.raises(BackendError), store.session(write=True) as session:
        session.execute(text("INSERT INTO gift_cards (id, customer_id, balance_cents) VALUES ('GC1', 99, 0)"))


def test_two_stores_on_one_file_see_each_other(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shop.sqlite'}"
    one, two = Store(url), Store(url)
    promote(one)
    assert two.run_once(("c", 1, "a"), raise_percent).ok
    assert one.run_once(("c", 1, "a"), raise_percent).data == {"percent": 11}
    with one.session() as session:
        assert session.scalars(select(Customer)).all() == []


@pytest.mark.parametrize("url", ["", "no url", "oracle://user@host/db", "nosuch://"])
def test_a_url_that_cannot_be_used_is_named(url: str) -> None:
    with pytest.raises(ConfigError):
        Store(url)


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "shop.sqlite"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(BackendError, match="does not answer"):
        Store(f"sqlite:///{path}")


def test_a_whole_call_over_a_server(postgres_url: str) -> None:
    shop = Shop(postgres_url)
    call, order = shop.call(known=True), shop.order("paid")
    call.say(f"cancel {order}", "cancel_order", order_id=order)
    assert {c.table for c in call.say("yes", "affirm").changes} == {"orders", "refunds", "variants"}
    again = Shop(postgres_url, seeded=True)
    assert again.rows()[f"orders/{order}"]["status"] == "cancelled"
    for each in (shop, again):
        each.store.close()


def test_two_processes_that_sell_the_last_one_sell_it_once(postgres_url: str) -> None:
    shop = Shop(postgres_url)
    shop.set(Variant, "mug", stock=1)
    desks = [shop, *(Shop(postgres_url, seeded=True) for _ in range(3))]
    results: list[Result] = []

    def buy(number: int) -> None:
        action = Action("place_order", {"product": "Harbor Mug"})
        results.append(desks[number].backend.run(action, (f"c{number}", 1), customer_id=1, preview=False))

    threads = [threading.Thread(target=buy, args=(n,)) for n in range(len(desks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(result.error for result in results) == ["", "out_of_stock", "out_of_stock", "out_of_stock"]
    assert shop.rows()["variants/mug"]["stock"] == 0
    for desk in desks:
        desk.store.close()
