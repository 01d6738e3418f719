import datetime as dt

import pytest

from agent.amounts import money
from agent.contacts import email, phone
from agent.days import date
from agent.values import number
from modalities.speech.written import to_written

TODAY = dt.date(2026, 11, 22)  # a Sunday


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("today", "2026-11-22"),
        ("yesterday", "2026-11-21"),
        ("the day before yesterday", "2026-11-20"),
        ("tomorrow", "2026-11-23"),
        ("last friday", "2026-11-20"),
        ("sunday", "2026-11-15"),
        ("next monday", "2026-11-23"),
        ("3 days ago", "2026-11-19"),
        ("a week ago", "2026-11-15"),
        ("last week", "2026-11-15"),
        ("november 30", "2026-11-30"),
        ("Nov. 3rd, 2025", "2025-11-03"),
        ("the 5th of january", "2027-01-05"),
        ("12/25/2025", "2025-12-25"),
        ("2026-02-28", "2026-02-28"),
        ("february 31", None),
        ("2026-13-01", None),
        ("soon", None),
    ],
)
def test_dates(text: str, value: str | None) -> None:
    assert date(text, TODAY) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("$12.50", "12.50 USD"),
        ("12 dollars 50", "12.50 USD"),
        ("12 dollars and 5 cents", "12.05 USD"),
        ("1,250 bucks", "1250.00 USD"),
        ("€ 9", "9.00 EUR"),
        ("30", "30.00 USD"),
        ("a lot", None),
    ],
)
def test_money(text: str, value: str | None) -> None:
    assert money(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Ana.Lopez@Mail.com", "ana.lopez@mail.com"),
        ("ana dot lopez at mail dot com", "ana.lopez@mail.com"),
        ("it is ana underscore b at mail dot co dot uk", "ana_b@mail.co.uk"),
        ("at home", None),
    ],
)
def test_email(text: str, value: str | None) -> None:
    assert email(to_written(text).text) == value


@pytest.mark.parametrize("text", ["555 123 4567", "(555) 123-4567", "5551234567", "+1 555.123.4567"])
def test_phone(text: str) -> None:
    assert phone(text) == "+15551234567"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3 pieces", "3"),
        ("a pair", "2"),
        ("one of them", "1"),
        ("three", "3"),
        ("half a dozen", "6"),
        ("them", None),
        ("another", "1"),
    ],
)
def test_number(text: str, value: str | None) -> None:
    assert number(text) == value
