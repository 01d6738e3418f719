import re
from pathlib import Path

import pytest

from agent.checksums import luhn
from agent.domain import Pack
from agent.errors import PackError
from agent.hearing import compile_pack, model_for, pronunciations, sentences, sources
from modalities.speech.language_model import is_current
from modalities.speech.written import readings

PACK = """
name = "kiosk"
[intents]
track = "Where is my order"
buy = "Buy something"
[entities.order_id]
recognizer = "id"
pattern = "K\\\\d{6}"
checksum = "luhn"
[entities.email]
recognizer = "email"
[entities.color]
recognizer = "lexicon"
values = { red = ["crimson"] }
"""
EXAMPLES = """
{"text": "where is K482137?", "intents": ["track"], "entities": [{"type": "order_id", "start": 9, "end": 16}]}
{"text": "thx, 2 red ones pls", "intents": ["buy"], "entities": [{"type": "color", "start": 7, "end": 10}]}
{"text": "wheres my ordrexx", "intents": ["track"], "entities": []}
{"text": "dont mail bo@mail.com", "intents": ["track"], "entities": [{"type": "email", "start": 10, "end": 21}]}
"""


@pytest.fixture
def pack(tmp_path: Path) -> Pack:
    (tmp_path / "pack.toml").write_text(PACK)
    (tmp_path / "examples.jsonl").write_text(EXAMPLES.strip())
    return Pack.load(tmp_path)


def test_examples_become_spoken_sentences_with_other_facts(pack: Pack) -> None:
    said = sentences(pack, pack.examples())
    assert said == sentences(pack, pack.examples())
    plain = [re.sub(r"~\w+", "", s) for s in said]
    assert not any(character.isdigit() for s in plain for character in s)
    assert any(s.startswith("thanks two crimson ones please") for s in plain)
    assert any(s.startswith("don't mail ") and " at " in s for s in plain)
    assert not any("ordrexx" in s for s in plain)  # a typo is nothing to listen for


def test_order_ids_are_counted_and_their_check_digit_is_right(pack: Pack) -> None:
    said = [s.removeprefix("where is ") for s in sentences(pack, pack.examples()) if s.startswith("where is ")]
    assert len(set(said)) == len(said) > 3
    for s in said:
        assert s.split()[-1].endswith("~a7")
        codes = [re.sub(r"\D", "", r.text) for r in readings(re.sub(r"~\w+", "", s))]
        assert any(len(code) == 6 and luhn(code) for code in codes)


def test_a_model_is_compiled_once_and_again_when_the_pack_changes(
    pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    first = model_for(pack)
    assert is_current(first, sources(pack))
    written = (first / "model.json").stat().st_mtime_ns
    assert model_for(pack) == first
    assert (first / "model.json").stat().st_mtime_ns == written
    with (pack.root / "examples.jsonl").open("a") as file:
        file.write('\n{"text": "hello", "intents": ["buy"], "entities": []}')
    assert model_for(Pack.load(pack.root)) != first
    shipped = compile_pack(Pack.load(pack.root), pack.root / "speech")
    assert model_for(Pack.load(pack.root, with_examples=False)) == shipped


def test_pronunciations_are_checked(pack: Pack) -> None:
    (pack.root / "speech").mkdir()
    (pack.root / "speech" / "words.toml").write_text('kiosk = ["K IY AA S K"]')
    assert pronunciations(pack) == {"kiosk": ("K IY AA S K",)}
    (pack.root / "speech" / "words.toml").write_text('kiosk = "K IY"')
    with pytest.raises(PackError, match="kiosk must be a list"):
        pronunciations(pack)


def test_the_retail_packs_model_is_of_its_examples() -> None:
    pack = Pack.load("retail", with_examples=False)
    assert is_current(pack.root / "speech", sources(pack)), "run python -m training.speech --domain retail"
