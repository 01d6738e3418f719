"""Erase what a customer asked to have forgotten: their rows in the shop, the words of their calls and recordings.

python -m demos.forget [--store URL]                     calls of those who closed their account, once they are over
python -m demos.forget --customer ID [--store URL]       a customer who asked in another way, by number or e-mail
python -m demos.forget --older-than DAYS [--store URL]   all calls older than that, whoever called

Nothing brings it back. Every new call does what the first form does.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from agent.erasure import expire, forget, pending, sweep
from agent.errors import InputError
from agent.operations.orders import OPEN
from agent.store import DEFAULT_URL, Store
from agent.tables import Customer, Order, utc_now
from demos import cli
from demos.phone.tapes import erase


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m demos.forget", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--store", default=DEFAULT_URL, help="SQLAlchemy URL of the database")
    parser.add_argument("--customer", help="number or e-mail address of the customer to forget")
    parser.add_argument("--older-than", type=int, metavar="DAYS", help="erase the words of all calls older than this")
    options = parser.parse_args(arguments)
    if options.older_than is not None and options.older_than < 1:
        raise InputError(f"--older-than takes a number of days from 1 on, not {options.older_than!r}")
    store = Store(options.store)
    try:
        if options.customer:
            erased = store.write(lambda session: forget(session, _customer(session, options.customer), utc_now()))
            print("customer forgotten")
        elif options.older_than:
            keep = dt.timedelta(days=options.older_than)
            erased = store.write(lambda session: expire(session, utc_now(), keep))
        else:
            erased = store.write(lambda session: sweep(session, utc_now()))
        recorded = erase(store)
        with store.session() as session:
            waiting = pending(session)
    finally:
        store.close()
    print(f"{erased} calls erased, {recorded} recordings; {waiting} customers wait for calls that may not be over")
    return cli.OK


def _customer(session: Session, name: str) -> Customer:
    by_number = name.isascii() and name.isdigit() and len(name) < 10
    row = (
        session.get(Customer, int(name))
        if by_number
        else session.scalars(select(Customer).where(func.lower(Customer.email) == name.lower())).first()
    )
    if row is None or row.status != "active":
        raise InputError("the store has no active customer of this number or e-mail address")
    wanted = select(func.count()).select_from(Order).where(Order.customer_id == row.id, Order.status.in_(OPEN))
    if orders := session.scalar(wanted):
        raise InputError(f"this customer has {orders} orders on their way; forget them once those are delivered")
    return row


if __name__ == "__main__":
    sys.exit(cli.run(main))
