"""The banking pack is data alone: it loads, its files fit each other, and its calls run on operations it declares."""

from __future__ import annotations

import datetime as dt
import logging
import re
import string
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from agent import build
from agent.actions import ShopBackend
from agent.checksums import luhn
from agent.config import load_settings
from agent.domain import Pack
from agent.draft import HANDOFF
from agent.examples import Example
from agent.flows import ANSWER, MOVES, Flows
from agent.hearing import sources
from agent.knowledge import Articles
from agent.manager import Answer, Manager
from agent.operations import OPERATIONS
from agent.replies import Replies
from agent.shop import NoProducts, seed
from agent.store import Store
from agent.tables import Customer, Ticket
from modalities.speech.language_model import is_current
from tests.calls import TODAY, heard

FACTS = {
    "person": "Ada Thorne", "card_last4": "4417", "card_kind": "virtual_card", "amount": "250.00 USD",
    "merchant": "Orbit",
    "date": "2026-04-20", "transfer_ref": "PW12345674", "recipient": "Tom Reyes", "address": "1 Mill Lane, Salem",
    "new_postcode": "01970", "new_phone": "+13125550199", "new_email": "a@example.com", "new_name": "Ada Reyes",
    "email": "ada@example.com", "ticket_id": "T1000018", "text": "Cards are free.", "said": "Hello.",
    "task": "block_card", "first": "block_card", "second": "replace_card", "problem": "blurred",
}  # fmt: skip


@cache
def pack() -> Pack:
    return Pack.load("banking")


@cache
def flows() -> Flows:
    return Flows.load(pack().root / "flows.toml", pack().intents, pack().entities, OPERATIONS)


@cache
def replies() -> Replies:
    return Replies.load(pack().root / "replies.toml", flows().keys, flows().flows, lambda: TODAY)


@cache
def articles() -> Articles:
    return Articles(pack().root / "knowledge")


def plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def alone() -> Counter[str]:
    return Counter(e.intents[0] for e in pack().examples() if len(e.intents) == 1)


# ---- the files


def test_the_pack_holds_no_code() -> None:
    kinds = {path.suffix for path in pack().root.rglob("*") if path.is_file()}
    assert kinds <= {".toml", ".jsonl", ".md", ".gz", ".json", ".dict"}


def test_seventy_seven_intents_and_every_move() -> None:
    assert pack().intents.keys() >= MOVES
    assert len(pack().intents.keys() - MOVES) == 77
    assert all(pack().intents.values())


@pytest.mark.parametrize("intent", sorted(pack().intents))
def test_each_intent_has_thirty_examples(intent: str) -> None:
    assert alone()[intent] >= 30


def test_enough_is_out_of_scope_and_enough_is_two_wishes() -> None:
    counts = Counter(len(e.intents) for e in pack().examples())
    assert counts[0] >= 150
    assert counts[2] >= 140
    assert max(counts) == 2


def test_no_example_comes_twice() -> None:
    seen = Counter(plain(e.text) for e in pack().examples())
    assert [text for text, count in seen.items() if count > 1] == []


def _crooked(example: Example) -> list[str]:
    text = example.text
    found = []
    for kind, start, end in example.entities:
        inside = text[start:end]
        borders = (start > 0 and text[start - 1].isalnum() and text[start].isalnum()) or (
            end < len(text) and text[end - 1].isalnum() and text[end].isalnum()
        )
        if inside != inside.strip(" ,.?!") or borders:
            found.append(f"line {example.line}: {kind} {inside!r}")
    return found


def test_spans_lie_on_word_borders() -> None:
    assert [problem for e in pack().examples() for problem in _crooked(e)] == []


def test_every_entity_type_is_seen_but_whole_card_numbers() -> None:
    seen = Counter(kind for e in pack().examples() for kind, _, _ in e.entities)
    assert pack().entities.keys() - seen.keys() == {"card_number"}
    assert min(seen.values()) >= 15


def test_references_carry_true_check_digits() -> None:
    spans = [e.text[a:b] for e in pack().examples() for kind, a, b in e.entities if kind == "transfer_ref"]
    written = [re.sub(r"\D", "", span) for span in spans if re.search(r"\d", span)]
    assert len(written) > 20
    assert all(luhn(number) for number in written)


def test_no_pin_is_asked_for_kept_or_said() -> None:
    assert not any("pin" in name.split("_") for name in (*pack().entities, *flows().slots))
    table = tomllib.loads((pack().root / "replies.toml").read_text(encoding="utf-8"))["say"]
    asked = [text for key, variants in table.items() if key.startswith("ask_") for text in variants]
    assert not [text for text in asked if "PIN" in text]


@pytest.mark.parametrize("article", articles().articles(), ids=lambda a: a.id)
def test_articles_name_known_wishes_and_are_short(article: Any) -> None:
    assert set(article.intents) <= flows().flows.keys()
    assert article.intents
    assert 20 <= len(article.text.split()) <= 110


@pytest.mark.parametrize("name", sorted(n for n, f in flows().flows.items() if f.action == ANSWER))
def test_each_question_has_its_article(name: str) -> None:
    """One names it; and by full text alone, without any model, the flow's topic finds one that does."""
    naming = {a.id for a in articles().articles() if name in a.intents}
    assert articles().search("hm", k=1, about=name)[0].article_id in naming
    assert naming & {hit.article_id for hit in articles().search(flows().flows[name].query, k=2)}


@pytest.mark.parametrize("table", ["say", "aloud"])
def test_every_wording_renders(table: str, caplog: pytest.LogCaptureFixture) -> None:
    words = tomllib.loads((pack().root / "replies.toml").read_text(encoding="utf-8"))[table]
    for key, variants in words.items():
        for variant in variants:
            names = [name for _, name, _, _ in string.Formatter().parse(variant) if name]
            facts = {name: FACTS[name] for name in names}
            text = replies().phrase(key, facts, "c:1", "text" if table == "say" else "phone")
            assert text
            assert "{" not in text
    assert not [r for r in caplog.records if r.levelno >= logging.ERROR]


# ---- calls over it, with meanings given by hand


class Bank:
    """A bank with three customers; the first is known by e-mail and ZIP."""

    def __init__(self) -> None:
        self.store = Store("sqlite://")
        seed(self.store, NoProducts(), customers=3, orders=0, today=TODAY)
        with self.store.session(write=True) as session:
            me = session.get_one(Customer, 1)
            me.email, me.postcode = "ada@example.com", "04101"
        backend = ShopBackend(self.store, NoProducts(), lambda: TODAY, flows().checks, flows().requests)
        self.manager = Manager(flows(), replies(), backend, articles(), self.store)

    def say(self, text: str, *intents: str, **facts: Any) -> Answer:
        return self.manager.turn("c", heard(text, *intents, **facts))

    def known(self) -> Bank:
        self.manager.open("c", customer_id=1)
        return self

    def tickets(self) -> list[tuple[str, dict[str, Any]]]:
        with self.store.session() as session:
            return [(t.kind, t.detail) for t in session.scalars(select(Ticket).order_by(Ticket.id))]


@pytest.fixture
def bank() -> Bank:
    return Bank()


def test_a_lost_card_is_blocked_once_proved_and_confirmed_and_a_new_one_offered(bank: Bank) -> None:
    assert "e-mail" in bank.say("I lost my card", "lost_or_stolen_card").text
    assert "ZIP" in bank.say("ada@example.com", "inform", email="ada@example.com").text
    assert "last four digits" in bank.say("04101", "inform", postcode="04101").text
    asked = bank.say("4417", "inform", card_last4="4417")
    assert asked.action.name == "confirm"
    assert "4417" in asked.text
    assert bank.tickets() == []
    done = bank.say("yes", "affirm")
    assert [(c.table, c.after["kind"]) for c in done.changes] == [("tickets", "card_block")]
    assert "Would you like a new card" in done.text
    bank.say("yes please", "affirm")
    assert bank.tickets() == [("card_block", {"card_last4": "4417"}), ("card_order", {"card_last4": "4417"})]


def test_a_card_is_blocked_without_its_digits_too(bank: Bank) -> None:
    bank.known().say("my wallet was stolen", "lost_or_stolen_card")
    assert bank.say("no I don't have them", "deny").action.name == "confirm"
    bank.say("yes", "affirm")
    assert bank.tickets() == [("card_block", {})]


@pytest.mark.parametrize("words", [("no, don't", "deny"), ("never mind", "never_mind")])
def test_without_a_yes_nothing_is_blocked(bank: Bank, words: tuple[str, str]) -> None:
    bank.known().say("block card 4417", "lost_or_stolen_card", card_last4="4417")
    bank.say(*words)
    bank.say("yes", "affirm")
    assert bank.tickets() == []


def test_fraud_ends_with_a_person_who_knows_what_was_done(bank: Bank) -> None:
    bank.known().say("someone has my card 4417", "compromised_card", card_last4="4417")
    answer = bank.say("yes", "affirm")
    assert answer.action.name in (HANDOFF, "say")
    assert "fraud team" in answer.text
    (block, _), (handoff, summary) = bank.tickets()
    assert (block, handoff, summary["reason"]) == ("card_block", "handoff", "follow_up")
    assert summary["done"] == [["compromised_card", "done"]]
    assert "colleague has your case" in bank.say("a person please", "human_agent").text


@pytest.mark.parametrize(
    ("intent", "facts", "kind"),
    [
        ("cancel_transfer", {"transfer_ref": "PW12345674"}, "transfer_recall"),
        ("cancel_transfer", {"person": "Tom Reyes", "money": "80.00 USD"}, "transfer_recall"),
        ("card_payment_not_recognised", {"merchant": "Orbit Travel", "money": "80.00 USD"}, "dispute"),
        ("cash_withdrawal_not_recognised", {"money": "200.00 USD"}, "cash_dispute"),
        ("direct_debit_payment_not_recognised", {"merchant": "Arden Fitness"}, "debit_dispute"),
        ("transaction_charged_twice", {"merchant": "Lotus Diner"}, "dispute"),
        ("wrong_amount_of_cash_received", {"money": "40.00 USD"}, "cash_dispute"),
        ("request_refund", {"merchant": "Orbit Travel"}, "refund_claim"),
        ("edit_personal_details", {"address": "22 Alder Street, Salem"}, "details"),
        ("edit_personal_details", {"email": "new@example.com"}, "details"),
        ("pin_blocked", {"card_last4": "4417"}, "pin_unblock"),
        ("card_swallowed", {"card_last4": "4417"}, "card_block"),
        ("lost_or_stolen_phone", {}, "app_lock"),
        ("order_physical_card", {}, "card_order"),
        ("terminate_account", {}, "account_closure"),
    ],
)
def test_what_cannot_be_undone_is_confirmed(bank: Bank, intent: str, facts: dict[str, str], kind: str) -> None:
    answer = bank.known().say("please " + " ".join(facts.values()), intent, **facts)
    if answer.action.name == "ask":
        answer = bank.say("it simply happened to me yesterday", "inform")
    assert answer.action.name == "confirm"
    assert bank.tickets() == []
    bank.say("yes", "affirm")
    kinds = [found for found, _ in bank.tickets()]
    assert kinds[0] == kind


def test_a_refused_closure_explains_instead(bank: Bank) -> None:
    bank.known().say("close my account", "terminate_account")
    assert "Closing the account is free" in bank.say("no", "deny").text
    assert bank.tickets() == []


def test_a_question_is_answered_from_the_articles_and_a_broken_card_replaced(bank: Bank) -> None:
    assert "4 pm" in bank.known().say("how long does a transfer take", "transfer_timing").text
    broken = bank.say("my card is broken and does not work", "card_not_working")
    assert "Would you like a new card" in broken.text
    bank.say("yes", "affirm")
    assert bank.tickets() == [("card_order", {})]


def test_two_wishes_are_done_one_after_the_other(bank: Bank) -> None:
    bank.known()
    bank.say("my card 4417 is lost and cancel PW12345674", "lost_or_stolen_card", "cancel_transfer", card_last4="4417")
    bank.say("yes", "affirm")
    answers = [bank.say("no", "deny"), bank.say("PW12345674", "inform", transfer_ref="PW12345674")]
    assert answers[-1].action.name == "confirm"
    bank.say("yes", "affirm")
    assert [kind for kind, _ in bank.tickets()] == ["card_block", "transfer_recall"]


def test_a_stranger_blocks_nothing(bank: Bank) -> None:
    bank.say("block card 4417", "lost_or_stolen_card", card_last4="4417")
    answers = []
    for i in range(3):
        answers.append(bank.say(f"eve{i}@example.com", "inform", email=f"eve{i}@example.com"))
        answers.append(bank.say(f"0410{i}", "inform", postcode=f"0410{i}"))
    assert HANDOFF in [answer.action.name for answer in answers]
    assert [kind for kind, _ in bank.tickets()] == ["handoff"]


def test_a_story_is_put_into_the_ticket(bank: Bank) -> None:
    bank.known().say("I can't get verified", "unable_to_verify_identity")
    bank.say("the camera says my passport is blurred", "inform")
    assert bank.tickets() == [("identity_review", {"story": "the camera says my passport is blurred"})]


# ---- the whole agent, as far as it goes without trained weights


def test_it_builds_with_its_own_weights_folder() -> None:
    agent = build(domain="banking", store_url="sqlite://", clock=lambda: dt.date(2026, 5, 1))
    try:
        assert agent.manager is not None
        assert agent.parts.settings.fusion_weights.format(domain=agent.parts.pack.name) == "weights/banking"
        agent.manager.open("c", customer_id=1)
        answer = agent.manager.turn("c", heard("I lost card 4417", "lost_or_stolen_card", card_last4="4417"))
        assert answer.action.name == "confirm"
    finally:
        agent.close()


def test_the_speech_model_that_ships_is_current_and_small() -> None:
    folder = pack().root / "speech"
    assert is_current(folder, sources(pack()))
    assert sum(path.stat().st_size for path in folder.iterdir()) < 3_000_000


def test_each_pack_has_a_database_of_its_own(tmp_path: Path) -> None:
    agent = build(domain="banking", store_url=f"sqlite:///{tmp_path}/{{domain}}.sqlite")
    agent.close()
    assert [path.name for path in tmp_path.glob("*.sqlite")] == ["banking.sqlite"]
    assert "{domain}" in load_settings("embedded").store_url
