import pytest

from agent.types import Action, Change, Reply, Understanding
from demos import lines
from modalities.types import Transcript


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("two\nlines\tand  spaces", "two lines and spaces"),
        ("\x1b[31mred\x07", "[31mred"),
        ("\u202eevil", "evil"),
        ("é🧥", "é🧥"),
        ("x" * 1000, "x" * 400 + "... (1000 characters)"),
    ],
)
def test_what_comes_from_outside_is_one_harmless_line(text: str, shown: str) -> None:
    assert lines.shown(text) == shown


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (Change("orders", "K1", {"status": "paid"}, {"status": "cancelled"}), "orders K1: status paid -> cancelled"),
        (Change("orders", "K1", {"a": 1, "b": 2}, {"a": 1, "b": None}), "orders K1: b 2 -> nothing"),
        (Change("refunds", "R1", {}, {"id": "R1", "cents": 5, "note": None}), "refunds R1: new, id R1, cents 5"),
    ],
)
def test_changes_say_what_differs(change: Change, line: str) -> None:
    assert lines.change_line(change) == line


def test_an_action_is_shown_with_its_plain_arguments() -> None:
    action = Action("confirm", {"key": "k", "facts": {"a": 1}, "items": [1], "none": None})
    reply = Reply("text", action, Understanding(), reason="because")
    assert lines.action_line(reply) == "confirm (key=k): because"


def test_nothing_heard_says_why() -> None:
    understanding = Understanding(transcript=Transcript("", rejected="noise"))
    assert lines.understanding_lines(understanding)[0] == "heard       nothing (noise), confidence 0.00"
