"""The retail examples: enough, spread over everything, spans right, and the same every time they are written."""

from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path

import pytest

from agent.checksums import luhn
from agent.domain import Pack
from agent.examples import Example, read_examples
from training import spoken, surface
from training.examples import TEMPLATES, Generator, main, write
from training.frames import Piece, Templates, join

PACK = Pack.load("retail")
EXAMPLES = PACK.examples()
HELD_OUT = read_examples(
    Path(__file__).parents[2] / "training" / "heldout" / "retail.jsonl",
    frozenset(PACK.intents),
    frozenset(PACK.entities),
)
TALK = {"greet", "goodbye", "thanks", "affirm", "deny", "repeat", "capabilities", "never_mind", "wait"}


def words(example: Example, type_: str) -> list[str]:
    return [example.text[start:end] for name, start, end in example.entities if name == type_]


def test_the_file_is_what_the_generator_writes(tmp_path: Path) -> None:
    out = tmp_path / "examples.jsonl"
    write(PACK, TEMPLATES / "retail", 7, out)
    assert out.read_bytes() == (PACK.root / "examples.jsonl").read_bytes()


def test_another_seed_gives_other_examples(tmp_path: Path) -> None:
    rows = Generator(PACK, TEMPLATES / "retail", 8).rows()
    texts = {example.text for example in EXAMPLES}
    assert sum(next(rows)["text"] not in texts for _ in range(100)) > 50


def test_there_is_enough_of_everything() -> None:
    assert len(EXAMPLES) >= 6000
    intents = Counter(intent for e in EXAMPLES for intent in e.intents)
    assert {name for name in PACK.intents if intents[name] < (70 if name in TALK else 100)} == set()
    entities = Counter(name for e in EXAMPLES for name, _, _ in e.entities)
    assert {name for name in PACK.entities if entities[name] < 10} == set()
    assert sum(not e.intents for e in EXAMPLES) >= 400
    assert sum(len(e.intents) == 2 for e in EXAMPLES) >= 300
    assert sum(e.image is not None for e in EXAMPLES) >= 600


def test_no_words_are_given_two_meanings() -> None:
    meanings: dict[tuple[str, str | None], set[tuple[str, ...]]] = {}
    for e in EXAMPLES:
        meanings.setdefault((e.text.lower(), e.image), set()).add(e.intents)
    assert [text for text, found in meanings.items() if len(found) > 1] == []


def test_the_same_words_mean_different_things_with_different_photos() -> None:
    meanings: dict[str, set[tuple[str, ...]]] = {}
    for e in EXAMPLES:
        if e.image:
            meanings.setdefault(re.sub(r"\W+", " ", e.text.lower()).strip(), set()).add((e.image, *e.intents))
    assert sum(len({found[1:] for found in kinds}) > 1 for kinds in meanings.values()) >= 15


def test_spans_are_whole_words() -> None:
    for e in EXAMPLES:
        for name, start, end in e.entities:
            text = e.text[start:end]
            assert text == text.strip(), e
            assert start == 0 or not e.text[start - 1].isalnum(), e
            assert end == len(e.text) or not e.text[end].isalnum(), (name, e)


@pytest.mark.parametrize("examples", [EXAMPLES, HELD_OUT], ids=["examples", "heldout"])
@pytest.mark.parametrize(("type_", "digits"), [("order_id", 6), ("tracking_number", 9)])
def test_written_ids_have_right_check_digits(examples: list[Example], type_: str, digits: int) -> None:
    written = [text for e in examples for text in words(e, type_) if re.search(r"\d", text)]
    assert written
    for text in written:
        number = re.sub(r"\D", "", text)
        assert len(number) == digits
        assert luhn(number), text


@pytest.mark.parametrize("type_", ["order_id", "money", "date", "email", "phone", "postcode", "address", "promo_code"])
def test_facts_are_written_and_said(type_: str) -> None:
    texts = [text for e in EXAMPLES for text in words(e, type_)]
    assert sum(bool(re.search(r"\d|@", text)) for text in texts) >= 20
    assert sum(not re.search(r"\d|@", text) for text in texts) >= 12


def test_the_held_out_set_is_apart_and_covers_everything() -> None:
    assert len(HELD_OUT) >= 300
    assert {intent for e in HELD_OUT for intent in e.intents} == set(PACK.intents)
    assert {name for e in HELD_OUT for name, _, _ in e.entities} == set(PACK.entities)
    assert any(not e.intents for e in HELD_OUT)
    trained = {re.sub(r"\W+", " ", e.text.lower()).strip() for e in EXAMPLES}
    assert [e.text for e in HELD_OUT if re.sub(r"\W+", " ", e.text.lower()).strip() in trained] == []


def test_the_command_writes_and_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frames = tmp_path / "frames"
    frames.mkdir()
    (frames / "a.txt").write_text("# greet bare x2\n[hi|hello] there\n")
    out = tmp_path / "out.jsonl"
    assert main(["--domain", "retail", "--templates", str(frames), "--out", str(out)]) == 1
    heard = capsys.readouterr()
    assert "greet 3" in heard.out or "greet 2" in heard.out
    assert "no examples of: affirm" in heard.err
    assert len(out.read_text().splitlines()) >= 2


def fill(name: str) -> list[Piece]:
    return [Piece(name.upper(), name)]


def expand(tmp_path: Path, frame: str, lists: str = "") -> tuple[str, list[tuple[str, int, int]]]:
    (tmp_path / "x.txt").write_text(f"{lists}\n# greet\n{frame}\n")
    (section,) = Templates(tmp_path).sections()
    return join(section.frames[0].expand(random.Random(1), fill))


@pytest.mark.parametrize(
    ("frame", "text", "spans"),
    [
        ("plain words", "plain words", []),
        ("my {size}, please", "my SIZE, please", [("size", 3, 7)]),
        ("a [|]  b [] c?", "a b c?", []),
        ("it is {reason: too [big|big]} now", "it is too big now", [("reason", 6, 13)]),
        ("{size}{color} .", "SIZECOLOR.", [("size", 0, 4), ("color", 4, 9)]),
        ("<who> [is|is] here", "ann is here", []),
    ],
)
def test_frames_expand(tmp_path: Path, frame: str, text: str, spans: list[tuple[str, int, int]]) -> None:
    assert expand(tmp_path, frame, "<who> = ann\n  |ann") == (text, spans)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("a frame first", r"x\.txt:1: a frame before the first heading"),
        ("# greet\n[a|b", r"x\.txt:2: '\[' without '\]'"),
        ("# greet\na]", r"x\.txt:2: unmatched '\]'"),
        ("# greet\n{size", r"x\.txt:2: stray character"),
        ("# x9", r"x\.txt:1: heading 'x9' names no intent"),
        ("; nothing", "no sections"),
    ],
)
def test_a_wrong_template_is_named(tmp_path: Path, source: str, message: str) -> None:
    (tmp_path / "x.txt").write_text(source)
    with pytest.raises(ValueError, match=message):
        Templates(tmp_path)


@pytest.mark.parametrize("style", surface.STYLES)
def test_no_style_touches_a_fact(style: str) -> None:
    pieces = [Piece("so i want to cancel "), Piece("K482137", "order_id"), Piece(", please tell me")]
    for seed in range(30):
        text, ((name, start, end),) = join(surface.dress(pieces, style, random.Random(seed)))
        assert name == "order_id"
        assert text[start:end].upper() == "K482137"


@pytest.mark.parametrize(
    ("said", "words_"),
    [
        (spoken.number(0), "zero"),
        (spoken.number(215), "two hundred fifteen"),
        (spoken.number(1999), "one thousand nine hundred ninety nine"),
        (spoken.ordinal(3), "third"),
        (spoken.ordinal(30), "thirtieth"),
        (spoken.ordinal(21), "twenty first"),
        (spoken.year(2026), "twenty twenty six"),
        (spoken.year(2005), "two thousand five"),
        (spoken.pairs("482107"), "forty eight twenty one oh seven"),
        (spoken.pairs("100"), "one double oh"),
    ],
)
def test_numbers_are_said(said: str, words_: str) -> None:
    assert said == words_


@pytest.mark.parametrize(
    ("make", "forms"),
    [
        (lambda rng: spoken.identifier("K482", rng), {"k four eight two", "k four eighty two"}),
        (lambda rng: spoken.money(1250, rng), {"twelve dollars fifty", "twelve fifty", "twelve bucks fifty"}),
        (lambda rng: spoken.money(4000, rng), {"forty dollars", "forty bucks"}),
        (lambda rng: spoken.email("ana.lopez@mail.com", rng), {"ana dot lopez at mail dot com"}),
        (lambda rng: spoken.digits("2066", rng), {"two oh six six", "two zero six six", "two oh double six"}),
    ],
)
def test_there_are_several_ways_to_say_a_fact(make: object, forms: set[str]) -> None:
    assert callable(make)
    assert forms <= {make(random.Random(seed)) for seed in range(200)}
