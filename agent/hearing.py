"""What a pack's customers are expected to say: its examples as spoken sentences, and the speech model made of them.

Each example becomes several sentences: facts in it are replaced by others of their kind (another order number,
another product), and everything written is put into words. Digits of ids carry the count of characters said so far,
so that the model knows how long an id is (see `modalities.speech.language_model`).
"""

from __future__ import annotations

import logging
import os
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from agent.domain import Pack
from agent.errors import PackError
from agent.examples import Example
from agent.facts import Facts
from modalities.speech import spoken
from modalities.speech.language_model import compile_model, fingerprint, is_current, known_words, tidy
from modalities.speech.spoken import say

log = logging.getLogger(__name__)

VARIANTS = 6  # sentences per example that holds facts
BARE = 250  # sentences of a fact alone ("it's k four ..."), per kind that has a form
OPENERS = ("", "", "", "it's", "it is", "sure it's", "yes it's", "okay it's", "that's", "um")
RARE = 5  # examples that a word no dictionary has must turn up in, or be a name of the pack's, not to count as a typo
SEED = 7

SHORTHAND = {
    "thx": "thanks", "pls": "please", "plz": "please", "u": "you", "ur": "your", "usd": "dollars", "cya": "see you",
    "smth": "something", "w": "with", "bday": "birthday", "cant": "can't",
    "wont": "won't", "im": "i'm", "lets": "let's", "uhm": "um",
}  # fmt: skip


def model_for(pack: Pack) -> Path:
    """The folder of the pack's speech model: the one that ships with it where it is current, else one compiled now.

    A model compiled here is kept in the user's cache folder, by what it was compiled from.

    Raises:
        PackError: the pack has no examples, or its pronunciations are wrong.
    """
    wanted = sources(pack)
    shipped = pack.root / "speech"
    if is_current(shipped, wanted):
        return shipped
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cached = caches / "callsight" / "speech" / wanted[:16]
    if is_current(cached, wanted):
        return cached
    log.info("compiling the speech model of pack %r into %s", pack.name, cached)
    return compile_pack(pack if pack.examples() else Pack.load(pack.root), cached)


def compile_pack(pack: Pack, out_dir: Path, examples: Sequence[Example] | None = None) -> Path:
    """Compile the speech model of a pack (or of some of its examples) into a folder; takes seconds."""
    said = sentences(pack, pack.examples() if examples is None else examples)
    return compile_model(said, out_dir, pronunciations=pronunciations(pack), fingerprint=sources(pack))


def sources(pack: Pack) -> str:
    """Fingerprint of everything a pack's speech model is made from."""
    names = ("pack.toml", "examples.jsonl", "knowledge/products.ttl", "speech/words.toml")
    files = [pack.root / name for name in names]
    code = [Path(__file__), Path(__file__).with_name("facts.py"), Path(spoken.__file__)]
    return fingerprint(*(path.read_bytes() if path.is_file() else b"" for path in [*files, *code]))


def pronunciations(pack: Pack) -> dict[str, tuple[str, ...]]:
    """The pack's own pronunciations, from `speech/words.toml`: word = ["ARPABET PHONES", ...].

    Raises:
        PackError: the file is not of that form.
    """
    path = pack.root / "speech" / "words.toml"
    if not path.is_file():
        return {}
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PackError(f"{path}: not valid TOML: {error}") from error
    for word, ways in table.items():
        if not (isinstance(ways, list) and ways and all(isinstance(way, str) for way in ways)):
            raise PackError(f'{path}: {word} must be a list of pronunciations such as ["D UW V EY"], got {ways!r}')
    return {word: tuple(ways) for word, ways in table.items()}


def sentences(pack: Pack, examples: Sequence[Example], seed: int = SEED) -> list[str]:
    """Spoken sentences for a language model, several per example, the same for the same seed."""
    rng = Random(seed)
    facts = Facts(pack, examples)
    said = [list(_spoken(example, facts, rng)) for example in examples]
    said += [[f"{rng.choice(OPENERS)} {fact}"] for kind in facts.formed for fact in facts.spoken(kind, BARE, rng)]
    said += [[f"{rng.choice(OPENERS)} {name}" for _ in range(2)] for name in facts.names]
    tidied = [[" ".join(map(_longhand, tidy(s))) for s in some] for some in said]
    return list(_without_typos(tidied, " ".join(facts.names)))


def _spoken(example: Example, facts: Facts, rng: Random) -> Iterator[str]:
    """The sentence with its facts replaced, in words."""
    for _ in range(VARIANTS if example.entities else 1):
        parts, at = [], 0
        for kind, start, end in example.entities:
            parts += [say(example.text[at:start], rng), facts.another(kind, example.text[start:end], rng)]
            at = end
        yield " ".join([*parts, say(example.text[at:], rng)])


def _longhand(word: str) -> str:
    """A word as it is said: shorthand spelled out, apostrophes put back."""
    if word in SHORTHAND:
        return SHORTHAND[word]
    if len(word) > 3 and word not in known_words():
        for ending in ("s", "t", "re", "ve", "ll", "d"):
            cut = word[: -len(ending)]
            if word.endswith(ending) and f"{cut}'{ending}" in known_words():
                return f"{cut}'{ending}"
    return word


def _without_typos(said: Sequence[Sequence[str]], names: str) -> Iterator[str]:
    """The sentences, of those said for one example each, without those that hold a word nobody knows."""
    known = known_words() | set(tidy(names))
    strange = [{word for s in some for word in _plain(s)} - known for some in said]
    counts = Counter(word for words in strange for word in words)
    typos = {word for word, count in counts.items() if count < RARE}
    for some in said:
        yield from (s for s in some if s and not typos.intersection(_plain(s)))


def _plain(sentence: str) -> Iterator[str]:
    return (re.sub("~.*", "", word) for word in sentence.split())
