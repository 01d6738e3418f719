"""What an engine expects to hear: sentences -> a trigram language model and a dictionary for PocketSphinx.

A word may carry a mark after "~" (`four~3`): it sounds and reads like the word without it, and lets the model tell
places apart, so that six digits of an order number are six. The trigram is interpolated Kneser-Ney (Chen and Goodman,
"An empirical study of smoothing techniques for language modeling", 1998) written in the ARPA format.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

from modalities.errors import InputError, MissingPartError, WeightsError
from modalities.speech.pronunciation import guess

MARK = "~"
START, END = "<s>", "</s>"
ARPA, WORDS, META = "lm.arpa.gz", "words.dict", "model.json"
ABBREVIATION = 4
"""Letters of the longest word that may be said letter by letter."""
VERSION = 2  # raised when models compiled by older code must be made again

NAMES_OF_LETTERS = {"a": "EY", "e": "IY", "i": "AY", "o": "OW"}
"""Of letters that the dictionary takes for words, or says as `SINGLE_PHONES` has it."""

Gram = tuple[str, ...]

# A word of a single phone fits badly into PocketSphinx's search, which joins words by the phones at their edges; said
# as two it is heard far better: spelled letters and digits of AN4 at 12.5% word error rate instead of 15.3%.
SINGLE_PHONES: Mapping[str, tuple[str, ...]] = {
    "a": ("AH", "EY EY"),
    "e": ("IY IY",),
    "i": ("AY", "AY AY"),
    "o": ("OW OW",),
    "oh": ("OW", "OW OW"),
}


def compile_model(
    sentences: Iterable[str],
    out_dir: str | Path,
    *,
    pronunciations: Mapping[str, Sequence[str]] | None = None,
    fingerprint: str = "",
) -> Path:
    """Compile sentences into a model folder for `PocketSphinx`.

    Args:
        sentences: spoken words, lower case, parted by spaces; a sentence given twice weighs double.
        out_dir: folder to write `lm.arpa.gz`, `words.dict` and `model.json` into.
        pronunciations: word -> its ways to be said, each as ARPAbet phones ("K AE L S AY T"); they go before the
            engine's own dictionary. Words in neither are said as eSpeak NG says them.
        fingerprint: of what the sentences were made from, kept in `model.json` (see `is_current`).

    Raises:
        InputError: there are no sentences, or a pronunciation has unknown phones.
        MissingPartError: pocketsphinx is not installed, or espeakng-loader is not and a word needs it.
    """
    lines = [[START, *words, END] for words in (tidy(sentence) for sentence in sentences) if words]
    if not lines:
        raise InputError("a language model needs at least one sentence with words in it")
    dictionary = pronounce({word for line in lines for word in line[1:-1]}, pronunciations or {})
    grams = _Trigrams(lines)
    out = Path(out_dir)
    out.mkdir(parents=True, exist_ok=True)
    # mtime 0: the same sentences give the same bytes
    (out / ARPA).write_bytes(gzip.compress("".join(grams.arpa()).encode(), mtime=0))
    (out / WORDS).write_text("".join(_dictionary_lines(dictionary)), encoding="utf-8")
    meta = {"version": VERSION, "fingerprint": fingerprint, "sentences": len(lines), "words": len(dictionary)}
    (out / META).write_text(json.dumps({**meta, "ngrams": grams.sizes}, indent=1) + "\n", encoding="utf-8")
    return out


def fingerprint(*parts: bytes) -> str:
    """Hash of what a model is compiled from; changes with any of it and with the compiler's version."""
    digest = hashlib.sha256(f"callsight language model {VERSION}".encode())
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()


def is_current(model_dir: str | Path, wanted: str) -> bool:
    """Whether the folder holds a whole model compiled from what `wanted` is the fingerprint of."""
    try:
        return bool(read_meta(model_dir)["fingerprint"] == wanted)
    except WeightsError:
        return False


def read_meta(model_dir: str | Path) -> dict[str, object]:
    """What `model.json` says.

    Raises:
        WeightsError: a file is missing or damaged, or the model was compiled by other code than this.
    """
    folder = Path(model_dir)
    for name in (ARPA, WORDS, META):
        if not (folder / name).is_file():
            raise WeightsError(
                f"no speech model in {str(folder)!r} ({name} is missing); compile one with compile_model"
            )
    try:
        meta = dict(json.loads((folder / META).read_text(encoding="utf-8")))
        if meta["version"] != VERSION:
            raise WeightsError(f"the speech model in {str(folder)!r} is of another version; compile it again")
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{str(folder / META)!r} is damaged; compile the model again") from error
    return meta


def tidy(sentence: str) -> list[str]:
    """The words of a sentence as the model knows them: lower case, apostrophes and marks kept, no other punctuation."""
    plain = sentence.lower().replace("’", "'").replace("-", " ")
    return [w for w in (re.sub(rf"[^a-z0-9'{MARK}]|^'+|'+$", "", word) for word in plain.split()) if w]


def known_words() -> frozenset[str]:
    """The words of the engine's own dictionary."""
    return _engine_words()


def engine_pronunciations() -> Mapping[str, tuple[str, ...]]:
    """The engine's own dictionary: word -> its pronunciations, the commonest first."""
    return _engine_dictionary()


def unmarked(word: str) -> str:
    """The word as it reads, without its mark."""
    return word.partition(MARK)[0]


# -- dictionary --------------------------------------------------------------------------------------------------


def pronounce(words: Iterable[str], extra: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Each word's pronunciations: those given, else the engine's dictionary, else as eSpeak NG says it.

    A short word that no dictionary has may be an abbreviation, and is known letter by letter too ("APR").
    """
    known, phones = _engine_dictionary(), _engine_phones()
    for word, ways in extra.items():
        if wrong := {p for way in ways for p in way.split()} - phones:
            raise InputError(f"pronunciation of {word!r} has unknown phones {sorted(wrong)!r}; known: {sorted(phones)}")
    wanted = sorted(set(words))
    plain = {unmarked(word) for word in wanted}
    unknown = sorted(word for word in plain if word not in extra and word not in known)
    guessed = dict(zip(unknown, guess(unknown), strict=True)) if unknown else {}
    said = {w: tuple(extra[w]) if w in extra else known[w] if w in known else _unknown(w, guessed[w]) for w in plain}
    return {word: said[unmarked(word)] for word in wanted if all(said[unmarked(word)])}


def _unknown(word: str, guessed: str) -> tuple[str, ...]:
    """The ways to say a word that no dictionary has."""
    if not guessed or len(word) > ABBREVIATION or not (word.isascii() and word.isalpha()):
        return (guessed,)
    ways = (_engine_dictionary()[letter] for letter in word)
    letters = " ".join(NAMES_OF_LETTERS.get(letter, way[0]) for letter, way in zip(word, ways, strict=True))
    return tuple(dict.fromkeys((guessed, letters)))


def engine_model() -> Path:
    """The US English model in pocketsphinx's wheel.

    Raises:
        MissingPartError: pocketsphinx is not installed.
    """
    spec = find_spec("pocketsphinx")
    if spec is None or not spec.submodule_search_locations:
        raise MissingPartError("this speech engine needs the package pocketsphinx; pip install pocketsphinx")
    return Path(spec.submodule_search_locations[0]) / "model" / "en-us"


@cache
def _engine_dictionary() -> Mapping[str, tuple[str, ...]]:
    """CMUdict as the wheel has it: word -> its pronunciations, the first the commonest."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for line in (engine_model() / "cmudict-en-us.dict").read_text(encoding="utf-8").splitlines():
        word, _, phones = line.partition(" ")
        found[word.partition("(")[0]].append(phones.strip())
    return {**{word: tuple(ways) for word, ways in found.items()}, **SINGLE_PHONES}


@cache
def _engine_words() -> frozenset[str]:
    return frozenset(_engine_dictionary())


@cache
def _engine_phones() -> frozenset[str]:
    return frozenset(p for ways in _engine_dictionary().values() for way in ways for p in way.split())


def _dictionary_lines(dictionary: Mapping[str, Sequence[str]]) -> Iterable[str]:
    for word, ways in sorted(dictionary.items()):
        for i, phones in enumerate(ways, 1):
            yield f"{word} {phones}\n" if i == 1 else f"{word}({i}) {phones}\n"


# -- trigram -----------------------------------------------------------------------------------------------------


class _Trigrams:
    """Interpolated Kneser-Ney over sentences that begin with <s> and end with </s>."""

    def __init__(self, lines: Sequence[Sequence[str]]) -> None:
        three = Counter(g for line in lines for g in zip(line, line[1:], line[2:], strict=False))
        two = Counter(g for line in lines for g in pairwise(line))
        # Below the highest order a word counts by how many words it follows, save after <s>, which follows none.
        follows = Counter(g[1:] for g in three)
        self._counts: list[Counter[Gram]] = [
            Counter(g[1:] for g in two),
            Counter({g: n if g[0] == START else follows[g] or 1 for g, n in two.items()}),
            Counter(three),
        ]
        self._counts[0][(START,)] = 0
        self._probabilities, self._backoffs = self._smooth()

    @property
    def sizes(self) -> list[int]:
        """How many grams of each order."""
        return [len(grams) for grams in self._probabilities]

    def arpa(self) -> Iterable[str]:
        """The model in the ARPA format, line by line."""
        yield "\\data\\\n" + "".join(f"ngram {n}={size}\n" for n, size in enumerate(self.sizes, 1))
        for order, grams in enumerate(self._probabilities, 1):
            yield f"\n\\{order}-grams:\n"
            for gram, probability in sorted(grams.items()):
                backoff = self._backoffs.get(gram) if order < 3 else None
                tail = f" {_log10(backoff):.4f}" if backoff is not None else ""
                yield f"{_log10(probability):.4f} {' '.join(gram)}{tail}\n"
        yield "\n\\end\\\n"

    def _smooth(self) -> tuple[list[dict[Gram, float]], dict[Gram, float]]:
        probabilities: list[dict[Gram, float]] = []
        backoffs: dict[Gram, float] = {}
        for grams in self._counts:
            lower = probabilities[-1] if probabilities else None
            discount = _discount(grams.values())
            total: Counter[Gram] = Counter()
            kinds: Counter[Gram] = Counter()
            for gram, n in grams.items():
                total[gram[:-1]] += n
                kinds[gram[:-1]] += n > 0
            left = {history: discount * kinds[history] / total[history] for history in total}
            uniform = 1 / (len(self._counts[0]) - 1)  # no word is <s>
            probabilities.append(
                {
                    gram: max(n - discount, 0) / total[gram[:-1]]
                    + left[gram[:-1]] * (lower[gram[1:]] if lower is not None else uniform)
                    for gram, n in grams.items()
                }
            )
            probabilities[0][(START,)] = 0.0
            backoffs.update({history: share for history, share in left.items() if history})
        return probabilities, backoffs


def _discount(counts: Iterable[int]) -> float:
    """Ney's estimate of the absolute discount from how many grams were seen once and twice."""
    seen = Counter(counts)
    return seen[1] / (seen[1] + 2 * seen[2]) if seen[1] and seen[2] else 0.5


def _log10(value: float) -> float:
    return math.log10(value) if value > 0 else -99.0
