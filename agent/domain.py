"""A domain pack: one folder that holds everything about one kind of company.

    pack.toml        name, intents, entity types, thresholds (only name and intents are needed)
    examples.jsonl   {"text", "intents": [..], "entities": [{"type", "start", "end"}], "image"?, "audio"?,
                      "sentiment"?, "speaker"?, "sender"?}
    flows.toml, replies.toml, knowledge/, speech/   optional, read by the modules that use them

Everything is checked when a pack is loaded, and every error names the file and the line. What the intents and
entities are for is not known here.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from agent.checksums import CHECKSUMS
from agent.errors import PackError
from agent.examples import Example, read_examples, read_text

PACKS = Path(__file__).parent / "domains"
RECOGNIZERS = (
    "tagger", "lexicon", "catalogue", "id", "number", "money", "date", "email", "phone", "card", "iban", "country",
    "currency",
)  # fmt: skip
_PACK_KEYS = frozenset({"name", "title", "languages", "currency", "country", "thresholds", "intents", "entities"})
_CODES = {"languages": ("[a-z]{2,3}", "en"), "currency": ("[A-Z]{3}", "USD"), "country": ("[A-Z]{2}", "US")}
_ENTITY_KEYS = frozenset({"description", "recognizer", "pattern", "checksum", "values", "secret"})


@dataclass(frozen=True)
class EntityType:
    """One kind of fact.

    Attributes:
        name, description: what it is called, and what it is in a few words.
        recognizer: who finds it: one of `RECOGNIZERS`; "tagger" alone means only the trained tagger does.
        pattern: for "id": the regular expression of its written form.
        checksum: for "id": a name in `agent.checksums.CHECKSUMS`, or empty.
        values: for "lexicon": value -> other ways to say it.
        secret: kept from everything that is stored or printed, but for its last four characters; cards always are.
    """

    name: str
    description: str = ""
    recognizer: str = "tagger"
    pattern: str = ""
    checksum: str = ""
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    secret: bool = False


@dataclass(frozen=True)
class Thresholds:
    """Confidences (0..1): taken as meant from `accept`, asked about from `clarify`, refused from `out_of_scope`."""

    accept: float = 0.5
    clarify: float = 0.25
    out_of_scope: float = 0.5


@dataclass(frozen=True)
class Pack:
    """One company's domain, read and checked.

    Attributes:
        name: what `--domain` calls it.
        root: its folder.
        intents: name -> description, in the order of the file.
        entities: name -> type, in the order of the file.
        thresholds: how sure is sure.
        title: the company's name.
        languages: ISO 639-1 codes, at least one: what customers speak and the examples are in.
        currency, country: ISO 4217 and ISO 3166 codes, for money and postal addresses.
    """

    name: str
    root: Path
    intents: dict[str, str]
    entities: dict[str, EntityType]
    thresholds: Thresholds = Thresholds()
    title: str = ""
    languages: tuple[str, ...] = ("en",)
    currency: str = "USD"
    country: str = "US"
    _examples: tuple[Example, ...] = field(default=(), repr=False, compare=False)

    @classmethod
    def load(cls, name_or_dir: str | PathLike[str], *, with_examples: bool = True) -> Pack:
        """Read a pack.

        Args:
            name_or_dir: the name of one that ships ("retail") or a folder.
            with_examples: read and check the examples too; without them `examples()` is empty.

        Raises:
            PackError: no such pack, a file missing, or something wrong in a file; names the file and line.
        """
        root = _find(name_or_dir)
        path = root / "pack.toml"
        source = _Toml(path, read_text(path))
        source.check_keys(source.table, _PACK_KEYS, "key")
        name = source.string(source.table, "name")
        intents = _intents(source)
        entities = {key: _entity(source, key, value) for key, value in source.section("entities").items()}
        examples: list[Example] = []
        if with_examples:
            examples = read_examples(root / "examples.jsonl", frozenset(intents), frozenset(entities))
        return cls(
            name=name,
            root=root,
            intents=intents,
            entities=entities,
            thresholds=_thresholds(source),
            title=source.string(source.table, "title", name),
            languages=_codes(source, "languages", source.strings(source.table, "languages", ("en",))),
            currency=_codes(source, "currency", (source.string(source.table, "currency", "USD"),))[0],
            country=_codes(source, "country", (source.string(source.table, "country", "US"),))[0],
            _examples=tuple(examples),
        )

    def examples(self) -> list[Example]:
        """The examples, in the order of the file."""
        return list(self._examples)


def names() -> tuple[str, ...]:
    """The packs that ship, by name."""
    return tuple(sorted(path.parent.name for path in PACKS.glob("*/pack.toml")))


class _Toml:
    """A TOML file with typed look-ups whose errors name the file and, where the key can be found, its line."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.text = text
        try:
            self.table: dict[str, Any] = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise PackError(f"{path}: not valid TOML: {error}") from error
        if not self.table:
            raise PackError(f"{path}: empty; a pack needs at least name and [intents]")

    def error(self, key: str, message: str) -> PackError:
        pattern = rf"(?m)^\s*(?:\[[\w.\-\"]*{re.escape(key)}[\"\]]|\"?{re.escape(key)}\"?\s*=)"
        found = re.search(pattern, self.text)
        line = f":{self.text.count(chr(10), 0, found.end()) + 1}" if found else ""
        return PackError(f"{self.path}{line}: {message}")

    def check_keys(self, table: Mapping[str, Any], known: frozenset[str], what: str) -> None:
        for key in table:
            if key not in known:
                raise self.error(key, f"unknown {what} {key!r}; known: {', '.join(sorted(known))}")

    def section(self, key: str) -> dict[str, Any]:
        table = self.table.get(key, {})
        if not isinstance(table, dict):
            raise self.error(key, f"[{key}] must be a table, got {table!r}")
        return table

    def string(self, table: Mapping[str, Any], key: str, default: str | None = None) -> str:
        value = table.get(key, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise self.error(key, f"{key} must be a non-empty string, got {value!r}")
        return value

    def truth(self, table: Mapping[str, Any], key: str, default: bool) -> bool:
        value = table.get(key, default)
        if not isinstance(value, bool):
            raise self.error(key, f"{key} must be true or false, got {value!r}")
        return value

    def strings(self, table: Mapping[str, Any], key: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        value = table.get(key, default)
        if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) and item for item in value):
            raise self.error(key, f"{key} must be a list of non-empty strings, got {value!r}")
        return tuple(value)


def _find(name_or_dir: str | PathLike[str]) -> Path:
    if isinstance(name_or_dir, str) and name_or_dir in names():
        return PACKS / name_or_dir
    path = Path(name_or_dir)
    if str(name_or_dir) and path.is_dir():
        return path
    raise PackError(f"no pack {str(name_or_dir)!r}: give a pack's folder, or one of: {', '.join(names())}")


def _intents(source: _Toml) -> dict[str, str]:
    intents = source.section("intents")
    if not intents:
        raise PackError(f'{source.path}: no intents; list them under [intents] as name = "description"')
    return {name: source.string(intents, name, "") for name in intents}


def _codes(source: _Toml, key: str, codes: tuple[str, ...]) -> tuple[str, ...]:
    pattern, example = _CODES[key]
    wrong = [code for code in codes if not re.fullmatch(pattern, code)]
    if wrong or not codes:
        raise source.error(key, f"{key} must hold codes such as {example!r}, got {(wrong or [''])[0]!r}")
    return codes


def _thresholds(source: _Toml) -> Thresholds:
    table = source.section("thresholds")
    source.check_keys(table, frozenset(Thresholds.__dataclass_fields__), "threshold")
    for key, value in table.items():
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0.0 <= value <= 1.0:
            raise source.error(key, f"{key} must be a number from 0 to 1, got {value!r}")
    thresholds = Thresholds(**{key: float(value) for key, value in table.items()})
    if thresholds.clarify > thresholds.accept:
        raise source.error("clarify", f"clarify ({thresholds.clarify}) must not exceed accept ({thresholds.accept})")
    return thresholds


def _entity(source: _Toml, name: str, table: Any) -> EntityType:
    if not isinstance(table, dict):
        raise source.error(name, f"[entities.{name}] must be a table, got {table!r}")
    source.check_keys(table, _ENTITY_KEYS, f"key in [entities.{name}]")
    recognizer = source.string(table, "recognizer", "tagger")
    if recognizer not in RECOGNIZERS:
        raise source.error(name, f"unknown recognizer {recognizer!r} of {name}; known: {', '.join(RECOGNIZERS)}")
    checksum = source.string(table, "checksum", "")
    if checksum and checksum not in CHECKSUMS:
        raise source.error(name, f"unknown checksum {checksum!r} of {name}; known: {', '.join(CHECKSUMS)}")
    values = table.get("values", {})
    if not isinstance(values, dict):
        raise source.error(name, f"values of {name} must be a table of value = [synonyms], got {values!r}")
    return EntityType(
        name=name,
        description=source.string(table, "description", ""),
        recognizer=recognizer,
        pattern=_pattern(source, name, table, recognizer),
        checksum=checksum,
        values={value: source.strings(values, value) for value in values},
        secret=source.truth(table, "secret", recognizer == "card"),
    )


def _pattern(source: _Toml, name: str, table: Mapping[str, Any], recognizer: str) -> str:
    pattern = source.string(table, "pattern", "")
    if recognizer == "id" and not pattern:
        raise source.error(name, f"entity {name} is recognised as an id and needs a pattern")
    try:
        re.compile(pattern)
    except re.error as error:
        raise source.error(name, f"pattern of {name} is no regular expression: {error}") from error
    return pattern


__all__ = ["PACKS", "RECOGNIZERS", "EntityType", "Example", "Pack", "Thresholds", "names"]
