import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.errors import InputError, PackError
from agent.examples import Example, read_examples, scan_examples
from agent.problems import MOST
from training.rows import Row, read_rows, rows_of

INTENTS, ENTITIES = frozenset({"fly", "stay"}), frozenset({"city"})
GOOD = '{"text": "to Rome", "intents": ["fly"], "entities": [{"type": "city", "start": 3, "end": 7}]}'


def write(folder: Path, *lines: str) -> Path:
    path = folder / "examples.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_every_wrong_line_and_everything_wrong_in_it_is_told_at_once(tmp_path: Path) -> None:
    two = '{"text": "to Rome", "intents": ["swim"], "entities": [{"type": "town", "start": 0, "end": 2}]}'
    path = write(tmp_path, GOOD, "{", two, '{"text": "x", "intents": [], "sentiment": "glad"}')
    with pytest.raises(PackError) as caught:
        read_examples(path, INTENTS, ENTITIES)
    lines = str(caught.value).split("\n")
    assert [line.removeprefix(f"{path}:").split(":")[0] for line in lines] == ["2", "3", "3", "4"]
    assert "unknown intent 'swim'" in lines[1]
    assert "unknown entity type 'town'; known: city" in lines[2]
    assert "unknown sentiment 'glad'; known: negative, neutral, positive" in lines[3]


def test_beyond_fifty_problems_only_their_number_is_told(tmp_path: Path) -> None:
    path = write(tmp_path, *["3"] * (MOST + 7))
    with pytest.raises(PackError) as caught:
        read_examples(path, INTENTS, ENTITIES)
    lines = str(caught.value).split("\n")
    assert len(lines) == MOST + 1
    assert lines[-1] == "and 7 more like these"


def test_the_lines_that_are_right_are_read_beside_those_that_are_wrong(tmp_path: Path) -> None:
    examples, problems = scan_examples(write(tmp_path, GOOD, "3", GOOD), INTENTS, ENTITIES)
    assert [example.line for example in examples] == [1, 3]
    assert [problem.line for problem in problems] == [2]


def test_people_and_sentiment_are_read(tmp_path: Path) -> None:
    line = '{"text": "a", "intents": [], "speaker": "7", "sender": "b", "sentiment": "negative"}'
    (example,) = read_examples(write(tmp_path, line), INTENTS, ENTITIES)
    assert (example.speaker, example.sender, example.sentiment) == ("7", "b", "negative")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": "a", "intents": [], "speaker": 7}', "speaker must be a non-empty string, got 7"),
        ('{"text": "a", "intents": [], "sender": ""}', "sender must be a non-empty string, got ''"),
        ('{"text": "a \\ud800", "intents": []}', "half of a surrogate pair"),
        ('{"text": "", "intents": [], "image": "a\\u0000b"}', "is no file inside"),
        (json.dumps({"text": "", "intents": [], "audio": "x" * 5000}), "is no file inside"),
        ('{"text": "a", "intents": [' + "9" * 5000 + "]}", "not valid JSON"),
        ('{"text": "a", "intents": [], "entities": [{"type": "city", "start": 0, "end": 1e999}]}', r"span 0\.\.inf"),
    ],
)
def test_values_that_would_fail_later_are_refused(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(PackError, match=rf"examples\.jsonl:1: .*{message}"):
        read_examples(write(tmp_path, line), INTENTS, ENTITIES)


def test_an_error_never_carries_a_sentence(tmp_path: Path) -> None:
    sentence = "my card number is 4929 0000 1111 2222 and I live in Rome"
    wrong = json.dumps({"text": sentence, "intents": ["swim"], "entities": [{"type": "city", "start": 0, "end": 999}]})
    with pytest.raises(PackError) as caught:
        read_examples(write(tmp_path, wrong, wrong.removesuffix("}")), INTENTS, ENTITIES)
    assert "4929" not in str(caught.value)


def test_a_file_of_rows_is_read_as_a_packs_examples_are(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")
    (tmp_path / "a.wav").write_bytes(b"x")
    path = write(tmp_path, GOOD, '{"text": "", "intents": [], "image": "a.png", "audio": "a.wav", "sender": "s"}')
    first, second = read_rows(path, INTENTS, ENTITIES)
    assert first == Row("to Rome", ("fly",), (("city", 3, 7),))
    assert second == Row("", (), (), photo=tmp_path / "a.png", audio=tmp_path / "a.wav", group="s")
    assert read_rows(write(tmp_path, '{"text": "a", "intents": [], "image": "kind:receipt"}'), INTENTS)[0].image == (
        "receipt"
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"text": "a", "intents": ["swim"]}', ":1: unknown intent 'swim'"),
        ('{"text": "a b", "intents": [], "entities": [{"type": "town", "start": 0, "end": 1}]}', ":1: unknown entity"),
        ('{"text": "a", "intents": [], "image": "/etc/hostname"}', ":1: image '/etc/hostname' is no file inside"),
        ("", "holds no examples"),
    ],
)
def test_a_file_of_rows_is_refused_by_line(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_rows(write(tmp_path, line), INTENTS, ENTITIES)


def test_a_person_who_speaks_in_one_example_and_sends_a_photo_in_another_is_one_group(tmp_path: Path) -> None:
    def by(**people: str) -> Example:
        return Example("a", (), **people)  # type: ignore[arg-type]

    examples = [by(speaker="a"), by(speaker="a", sender="b"), by(sender="b"), by(sender="c"), by()]
    groups = [row.group for row in rows_of(examples, tmp_path)]
    assert groups[0] == groups[1] == groups[2] is not None
    assert groups[3] not in (None, groups[0])
    assert groups[4] is None


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
places = st.integers(-2, 9)
spans = st.fixed_dictionaries({"type": st.sampled_from(["city", "town"]), "start": places, "end": places})
keys = st.sampled_from(["text", "intents", "entities", "image", "audio", "sentiment", "speaker", "sender", "other"])
objects = st.dictionaries(keys, values, max_size=6) | st.fixed_dictionaries(
    {"text": st.text(max_size=9), "intents": st.lists(st.sampled_from(["fly", "stay"]), max_size=2)},
    optional={"entities": st.lists(spans, max_size=3), "image": st.text(max_size=9), "speaker": st.text(max_size=3)},
)


def readable(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "examples.jsonl"
        path.write_bytes(data)
        try:
            examples = read_examples(path, INTENTS, ENTITIES)
            named = True
        except PackError as error:
            examples, named = [], str(path) in str(error)
    assert named
    for example in examples:
        assert set(example.intents) <= INTENTS
        assert all(name in ENTITIES for name, _, _ in example.entities)
        edges = [edge for _, start, end in example.entities for edge in (start, end)]
        assert edges == sorted(edges)
        assert all(0 <= edge <= len(example.text) for edge in edges)
        example.text.encode()


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    readable(data)


@settings(deadline=None, max_examples=60)
@given(st.lists(objects | values, max_size=4))
def test_any_json_is_read_or_refused(lines: list[Any]) -> None:
    readable("\n".join(json.dumps(line) for line in lines).encode())
