"""Packs load by name or folder, and what is wrong in one is named with its file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.domain import EntityType, Pack, Thresholds, names
from agent.errors import PackError

MINIMAL = 'name = "tiny"\n[intents]\nhello = "Hello"\n'
HELLO = '{"text": "hi there", "intents": ["hello"]}\n'
TYPED = MINIMAL + '[entities.city]\ndescription = "A town"\n'


def write(folder: Path, toml: str | bytes = MINIMAL, examples: str | bytes = HELLO) -> Path:
    for name, content in (("pack.toml", toml), ("examples.jsonl", examples)):
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def test_a_minimal_pack_loads(tmp_path: Path) -> None:
    pack = Pack.load(write(tmp_path))
    assert (pack.name, pack.title, pack.root) == ("tiny", "tiny", tmp_path)
    assert pack.intents == {"hello": "Hello"}
    assert pack.entities == {}
    assert pack.thresholds == Thresholds()
    (example,) = pack.examples()
    assert (example.text, example.intents, example.entities, example.line) == ("hi there", ("hello",), (), 1)


def test_entities_thresholds_and_spans_are_read(tmp_path: Path) -> None:
    toml = (
        "[thresholds]\naccept = 0.7\nclarify = 0.2\n[intents]\nfly = ''\n"
        '[entities.city]\nrecognizer = "lexicon"\n[entities.city.values]\nRome = ["roma"]\nOslo = []\n'
        '[entities.flight]\nrecognizer = "id"\npattern = "F\\\\d+"\nchecksum = "luhn"\n'
    )
    row = (
        '{"text": "to roma on F18", "intents": ["fly"], "image": "kind:receipt",'
        ' "entities": [{"type": "flight", "start": 11, "end": 14}, {"type": "city", "start": 3, "end": 7}]}'
    )
    pack = Pack.load(write(tmp_path, 'name = "air"\n' + toml, "\n" + row + "\n\n"))
    assert pack.thresholds == Thresholds(accept=0.7, clarify=0.2, out_of_scope=0.5)
    assert pack.entities["city"] == EntityType("city", "", "lexicon", "", "", {"Rome": ("roma",), "Oslo": ()})
    assert pack.entities["flight"].checksum == "luhn"
    (example,) = pack.examples()
    assert example.entities == (("city", 3, 7), ("flight", 11, 14))
    assert (example.image, example.line) == ("kind:receipt", 2)


def test_examples_may_be_left_unread(tmp_path: Path) -> None:
    (write(tmp_path) / "examples.jsonl").unlink()
    assert Pack.load(tmp_path, with_examples=False).examples() == []


def test_retail_ships_and_loads_by_name_and_by_folder() -> None:
    assert "retail" in names()
    pack = Pack.load("retail")
    assert Pack.load(pack.root) == pack
    assert len(pack.intents) == 50
    assert len(pack.entities) >= 15
    assert pack.examples()


def test_files_of_the_pack_may_be_named_by_examples(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(b"x")
    pack = Pack.load(write(tmp_path, examples='{"text": "", "intents": ["hello"], "image": "photo.png"}'))
    assert pack.examples()[0].image == "photo.png"


def test_windows_files_load(tmp_path: Path) -> None:
    examples = b"\xef\xbb\xbf" + (HELLO + HELLO).replace("\n", "\r\n").encode()
    assert len(Pack.load(write(tmp_path, b"\xef\xbb\xbf" + MINIMAL.encode(), examples)).examples()) == 2


@pytest.mark.parametrize("name", ["nowhere", "", "no/such/folder", "retail "])
def test_an_unknown_name_lists_the_packs_there_are(name: str) -> None:
    with pytest.raises(PackError, match=r"no pack .*retail"):
        Pack.load(name)


@pytest.mark.parametrize("missing", ["pack.toml", "examples.jsonl"])
def test_a_missing_file_is_named(tmp_path: Path, missing: str) -> None:
    (write(tmp_path) / missing).unlink()
    with pytest.raises(PackError, match=rf"{missing}: missing"):
        Pack.load(tmp_path)


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("", r"pack\.toml: empty"),
        ("# only a comment\n", r"pack\.toml: empty"),
        ('name = "x"\n[intents]\n', r"pack\.toml: no intents"),
        ('name = "x"\n', r"pack\.toml: no intents"),
        ("[intents]\na = ''\n", r"name must be a non-empty string, got None"),
        ("name = 3\n[intents]\na = ''\n", r"pack\.toml:1: name must be a non-empty string, got 3"),
        ('name = "x"\nintents = 3\n', r"pack\.toml:2: \[intents\] must be a table"),
        ('name = "x"\n[intents]\na = 1\n', r"pack\.toml:3: a must be a non-empty string, got 1"),
        ('name = "x"\n[intents]\na = ""\na = ""\n', r"not valid TOML: .*line 4"),
        ('name = "x"\n[intents\n', r"not valid TOML: .*line 2"),
        (MINIMAL + "[colours]\n", r"pack\.toml:4: unknown key 'colours'; known: .*intents"),
        (MINIMAL + "[thresholds]\naccept = 2\n", r"pack\.toml:5: accept must be a number from 0 to 1, got 2"),
        (MINIMAL + "[thresholds]\nclarify = 0.9\n", r"pack\.toml:5: clarify \(0\.9\) must not exceed accept"),
        (MINIMAL + "[thresholds]\nsure = 0.9\n", r"pack\.toml:5: unknown threshold 'sure'; known: accept"),
        (MINIMAL + "[entities]\ncity = 3\n", r"pack\.toml:5: \[entities\.city\] must be a table"),
        (TYPED + 'recognizer = "magic"\n', r"pack\.toml:4: unknown recognizer 'magic' of city; known: tagger"),
        (TYPED + 'checksum = "crc"\n', r"pack\.toml:4: unknown checksum 'crc' of city; known: luhn"),
        (TYPED + 'recognizer = "id"\n', r"pack\.toml:4: entity city is recognised as an id and needs a pattern"),
        (TYPED + 'recognizer = "id"\npattern = "("\n', r"pack\.toml:4: pattern of city is no regular expression"),
        (TYPED + "values = 3\n", r"pack\.toml:4: values of city must be a table"),
        (TYPED + "values = {Rome = 'roma'}\n", r"Rome must be a list of non-empty strings"),
        (TYPED + "colour = 3\n", r"pack\.toml:6: unknown key in \[entities\.city\] 'colour'"),
        ('languages = ["English"]\n' + MINIMAL, r"pack\.toml:1: languages must hold codes such as 'en', got 'English'"),
        ("languages = []\n" + MINIMAL, r"pack\.toml:1: languages must hold codes such as 'en', got ''"),
        ('currency = "dollars"\n' + MINIMAL, r"pack\.toml:1: currency must hold codes such as 'USD', got 'dollars'"),
        ('country = "us"\n' + MINIMAL, r"pack\.toml:1: country must hold codes such as 'US', got 'us'"),
        (b'name = "x"\n# caf\xe9\n', r"pack\.toml:2: not UTF-8 \(byte 0xe9\)"),
    ],
)
def test_errors_in_pack_toml_name_the_line(tmp_path: Path, toml: str | bytes, message: str) -> None:
    with pytest.raises(PackError, match=message):
        Pack.load(write(tmp_path, toml))


def row(entities: str = "[]", intents: str = '["hello"]', more: str = "") -> str:
    return f'{{"text": "to Rome", "intents": {intents}, "entities": {entities}{more}}}'


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("3", "must be a JSON object, got int"),
        ('{"text": "a", "text": "b", "intents": []}', "duplicate key 'text'"),
        ('{"text": "a", "intent": ["hello"]}', "unknown key 'intent'; known: audio, entities"),
        ('{"text": "a"}', 'needs "intents", a list'),
        ('{"text": "a", "intents": "hello"}', 'needs "intents", a list'),
        ('{"text": 3, "intents": []}', "text must be a string, got 3"),
        ('{"text": " ", "intents": []}', "needs text, an image or audio"),
        (row(intents='["bye"]'), "unknown intent 'bye'"),
        (row(intents="[1]"), "unknown intent 1"),
        (row(intents='["hello", "hello"]'), "an intent is named twice"),
        (row("3"), "entities must be a list"),
        (row("[3]"), "each entity must be"),
        (row('[{"type": "town", "start": 3, "end": 7}]'), "unknown entity type 'town'; known: city"),
        (row('[{"type": "city", "start": 3, "end": 8}]'), r"span 3\.\.8 of city lies outside the text of 7"),
        (row('[{"type": "city", "start": -1, "end": 2}]'), r"span -1\.\.2 of city lies outside"),
        (row('[{"type": "city", "start": 3, "end": 3}]'), r"span 3\.\.3 of city lies outside"),
        (row('[{"type": "city", "start": 3.0, "end": 7}]'), r"span 3\.0\.\.7 of city"),
        (row('[{"type": "city", "start": true, "end": 7}]'), r"span True\.\.7 of city"),
        (row('[{"type": "city", "start": 3}]'), r"span 3\.\.None of city"),
        (row('[{"type": "city", "start": 3, "end": 7, "value": "x"}]'), "unknown key 'value'"),
        (
            row('[{"type": "city", "start": 3, "end": 7}, {"type": "city", "start": 0, "end": 4}]'),
            "entities city and city overlap at character 3",
        ),
        (row(more=', "image": ""'), "image must be a non-empty string"),
        (row(more=', "image": "kind:Big Cat"'), "is no kind"),
        (row(more=', "image": "gone.png"'), r"image 'gone\.png' is no file inside"),
        (row(more=', "image": "../pack.toml"'), "is no file inside"),
        (row(more=', "audio": "/etc/passwd"'), "is no file inside"),
        (b'{"text": "caf\xe9", "intents": []}', r"not UTF-8 \(byte 0xe9\)"),
    ],
)
def test_errors_in_examples_name_the_line(tmp_path: Path, line: str | bytes, message: str) -> None:
    content = HELLO.encode() + b"\n" + (line if isinstance(line, bytes) else line.encode())
    with pytest.raises(PackError, match=rf"(?s)examples\.jsonl:3: .*{message}"):
        Pack.load(write(tmp_path, TYPED, content))


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_a_pack_without_examples_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(PackError, match=r"examples\.jsonl: holds no examples"):
        Pack.load(write(tmp_path, MINIMAL, content))
