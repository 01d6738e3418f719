"""Words: every key has some, facts are written right, nothing is said without its facts."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from agent.errors import PackError
from agent.replies import POLICY_KEYS, Replies
from agent.types import Action
from tests.calls import RETAIL, TODAY, retail_flows, retail_replies

BASE = "\n".join(f'{key} = ["{key}"]' for key in sorted(POLICY_KEYS))


def load(path: Path, say: str, aloud: str = "", extra: str = "", keys: tuple[str, ...] = ("x",)) -> Replies:
    file = path / "replies.toml"
    file.write_text(f"[tasks]\nbuy = 'buy a thing'\n{extra}\n[aloud]\n{aloud}\n[say]\n{BASE}\n{say}")
    return Replies.load(file, keys, ("buy",), lambda: TODAY)


def one(replies: Replies, facts: dict[str, Any], key: str = "x", chooser: str = "c:1", channel: Any = "text") -> str:
    return replies.phrase(key, facts, chooser, channel)


@pytest.mark.parametrize(
    ("template", "facts", "words"),
    [
        ("{a:money}", {"a": "12.5 USD"}, "$12.50"),
        ("{a:money}", {"a": "1234.00 USD"}, "$1,234.00"),
        ("{a:money}", {"a": "9.00 EUR"}, "9.00 EUR"),
        ("{a:date}", {"a": "2026-03-04"}, "March 4"),
        ("{a:date}", {"a": "2025-12-31"}, "December 31, 2025"),
        ("{a:list}", {"a": ["x"]}, "x"),
        ("{a:list}", {"a": ["x", "y"]}, "x and y"),
        ("{a:list}", {"a": ["x", "y", "z"]}, "x, y and z"),
        ("{a:or}", {"a": ["blue, size M", "red, size S", "mug"]}, "blue, size M; red, size S or mug"),
        ("{a:list}", {"a": ["Mug at 9.90 USD"]}, "Mug at $9.90"),
        ("{a:label}", {"a": "credit_card"}, "card"),
        ("{a:label}", {"a": "not_known"}, "not known"),
        ("{a:task}", {"a": "buy"}, "buy a thing"),
        ("{a}", {"a": "K123455"}, "K123455"),
        ("{a}", {"a": "{b} {0} {a.__class__}"}, "{b} {0} {a.__class__}"),
    ],
)
def test_facts_are_written_as_people_write_them(
    tmp_path: Path, template: str, facts: dict[str, Any], words: str
) -> None:
    replies = load(tmp_path, f'x = ["{template}"]', extra="[labels]\ncredit_card = 'card'")
    assert one(replies, facts) == words


def test_the_variant_that_tells_most_is_taken_and_none_without_its_facts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    replies = load(tmp_path, 'x = ["plain {a}", "rich {a} {b}"]')
    assert one(replies, {"a": 1, "b": 2}) == "rich 1 2"
    assert one(replies, {"a": 1, "b": ""}) == "plain 1"
    with caplog.at_level(logging.ERROR):
        assert one(replies, {"b": "secret"}) == ""
    assert "secret" not in caplog.text


def test_variants_are_chosen_by_call_and_turn_and_stay(tmp_path: Path) -> None:
    replies = load(tmp_path, 'x = ["one", "two", "three"]')
    said = {one(replies, {}, chooser=f"call:{turn}") for turn in range(50)}
    assert said == {"one", "two", "three"}
    assert one(replies, {}, chooser="call:7") == one(replies, {}, chooser="call:7")


def test_words_by_the_value_of_a_fact(tmp_path: Path) -> None:
    replies = load(tmp_path, '[say.x]\nby = "status"\nshipped = ["sent"]\nother = ["is {status}"]')
    assert one(replies, {"status": "shipped"}) == "sent"
    assert one(replies, {"status": "lost"}) == "is lost"


def test_speech_has_its_own_words_where_given(tmp_path: Path) -> None:
    replies = load(tmp_path, 'x = ["see below"]', aloud='x = ["listen"]')
    assert one(replies, {}) == "see below"
    assert one(replies, {}, channel="voice") == one(replies, {}, channel="phone") == "listen"
    assert one(replies, {}, key="sorry", channel="voice") == "sorry"


def test_the_unhappy_are_answered_in_words_of_their_own_where_given(tmp_path: Path) -> None:
    upset = "[upset]\nx = ['plainly {a}']\nthanks = ['{b}']"
    replies = load(tmp_path, 'x = ["gladly {a}"]', aloud='x = ["gladly, aloud {a}"]', extra=upset)
    for channel in ("text", "phone"):
        assert replies.phrase("x", {"a": "1"}, "c:1", channel, upset=True) == "plainly 1"
        assert "gladly" in replies.phrase("x", {"a": "1"}, "c:1", channel)
    assert replies.phrase("goodbye", {}, "c:1", "text", upset=True) == "goodbye"
    said = replies.render((("x", {"a": "2"}),), Action("say"), call_id="c", turn=1, channel="text", upset=True)
    assert said == "plainly 2"


def test_unused_words_for_the_unhappy_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="nothing ever says y"):
        load(tmp_path, 'x = ["a"]', extra="[upset]\ny = ['b']")


def test_parts_come_before_the_end(tmp_path: Path) -> None:
    replies = load(tmp_path, 'x = ["{n} left."]')
    action = Action("say", {"key": "sorry", "facts": {}})
    options: Any = {"call_id": "c", "turn": 1, "channel": "text"}
    assert replies.render([("x", {"n": 1}), ("x", {"n": 2})], action, **options) == "1 left. 2 left. sorry"
    assert replies.render([], Action("listen"), **options) == ""


@pytest.mark.parametrize(
    ("say", "names"),
    [
        ("", "x"),
        ('x = ["a"]\nzzz = ["b"]', "zzz"),
        ("x = []", "x"),
        ("x = [3]", "x"),
        ('x = ["{a:fancy}"]', "fancy"),
        ('x = ["{a.b}"]', "a.b"),
        ('x = ["{a!r}"]', "'a'"),
        ('x = ["{a"]', "placeholder"),
        ('[say.x]\nby = "s"\na = ["b"]', "other"),
        ('[say.x]\nother = ["b"]', "by"),
        ("x = [", "TOML"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(tmp_path: Path, say: str, names: str) -> None:
    with pytest.raises(PackError, match=r"replies\.toml") as caught:
        load(tmp_path, say)
    assert names in str(caught.value)


def test_a_task_without_a_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="sell"):
        Replies.load(RETAIL / "replies.toml", retail_flows().keys, {*retail_flows().flows, "sell"})


def test_the_retail_words_are_short_enough_to_be_heard() -> None:
    replies = retail_replies()
    for key, wording in {**replies._say, **replies._aloud}.items():
        for variants in wording.variants.values():
            for variant in variants:
                assert len(variant.split()) <= 40, key
                assert variant.endswith((".", "?", "!", "}")), key
