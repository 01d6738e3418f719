"""Typing errors put right before the text encoder reads: a noisy channel over bigrams.

After Kernighan, Church and Gale, "A spelling correction program based on a noisy channel model" (COLING 1990). Learns
from a company's own sentences which words its customers write and which follow each other. A text whose words are all
known is left alone; in one with unknown words, each word may stand for another that is an error or two away, and the
likeliest whole is taken. What was typed is never lost: spans lead back. Numbers, ids, addresses and names (capitals
within a sentence) are not touched.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from modalities.speech.language_model import known_words

START, END = "<s>", "</s>"
ALPHABET = "abcdefghijklmnopqrstuvwxyz'"
SLIP = 6.0
"""What one error in an unknown word costs, as minus a natural logarithm of its chance."""
SLIP_KNOWN = 8.0
"""The same for a word that is itself one of the language, in a text with unknown words."""
EASY = 1.5
"""By how much a slip that people make often is likelier: a letter doubled or not, two swapped."""
STRANGE = 17.0
"""What it costs that an unknown word is meant as typed: a name, a word of another trade."""
GENERAL = 0.03
"""Share of a text's words that no sentence of the company has."""
LANGUAGE = 100_000
"""Words of a language, among which `GENERAL` is shared out."""
BACKOFF = 3.0
"""Weight of a word's own frequency beside the counts of it after the word before."""
BEAM = 8
CACHED = 20_000
_WORD = re.compile(r"(?<![\w@#&/.'])(?<!\d-)[A-Za-z][A-Za-z']*(?![\w@#&/]|\.\w|-\d)")

Ways = tuple[tuple[str, float], ...]
"""What a typed word may stand for, and the logarithm of the chance of typing it so."""


@dataclass(frozen=True)
class Corrected:
    """A text put right.

    Attributes:
        text: as it was probably meant.
        changes: (start, end, typed start, typed end) of what was changed, in order; the rest is as typed.
    """

    text: str
    changes: tuple[tuple[int, int, int, int], ...] = ()

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The typed stretch behind `text[start:end]`; whole words where the stretch lies in a changed word."""
        first, last = start, end
        for a, b, typed_a, typed_b in self.changes:
            if b <= start:
                first = start + typed_b - b
            elif a <= start:
                first = typed_a
            if b <= end:
                last = end + typed_b - b
            elif a < end:
                last = typed_b
        return first, last


@dataclass(frozen=True)
class _Token:
    word: str
    start: int
    end: int
    ways: Ways


class Speller:
    """Puts typing errors right.

    Args:
        sentences: what customers write and the names that occur (a pack's examples, its catalogue).
        known: gives the words of the language, lower case; called when a word is in none of the sentences.
    """

    def __init__(self, sentences: Iterable[str], known: Callable[[], Collection[str]] = known_words) -> None:
        lines = [re.findall(r"[a-z][a-z']*", sentence.lower().replace("’", "'")) for sentence in sentences]
        self._words = Counter(word for line in lines for word in line)
        self._pairs = Counter(pair for line in lines for pair in pairwise([START, *line, END]))
        self._begun = Counter({START: len(lines), **self._words})
        self._total = max(1, sum(self._words.values()))
        self._long = [word for word in self._words if len(word) > 3]
        self._known = known
        self._ways: dict[tuple[str, bool], Ways] = {}

    def correct(self, text: str, until: int | None = None) -> Corrected:
        """The text as it was probably meant.

        Args:
            text: as typed.
            until: characters from here on (what was said, not typed) are left alone.
        """
        places = list(_WORD.finditer(text.replace("’", "'"), 0, len(text) if until is None else until))
        if all(self._is_known(m.group().lower()) or _is_name(m, text) for m in places):
            return Corrected(text)
        tokens = [_Token(m.group(), m.start(), m.end(), self._ways_of(m, text)) for m in places]
        return _rewritten(text, tokens, self._best(tokens))

    def _is_known(self, word: str) -> bool:
        return word in self._words or word in self._known() or word.removesuffix("'s") in self._known()

    def _ways_of(self, match: re.Match[str], text: str) -> Ways:
        word = match.group().lower()
        if _is_name(match, text):
            return ((word, 0.0),)
        known = self._is_known(word)
        if (word, known) not in self._ways:
            if len(self._ways) > CACHED:
                self._ways.clear()
            self._ways[word, known] = tuple(self._meant(word, known).items())
        return self._ways[word, known]

    def _meant(self, word: str, known: bool) -> dict[str, float]:
        """What a word may stand for."""
        slip = SLIP_KNOWN if known else SLIP
        near = edits(word) if len(word) > 1 else set()
        real = (other for other in near if other in self._words or (not known and other in self._known()))
        ways = {other: EASY * _is_easy(word, other) - slip for other in real}
        if not known:
            ways.update(dict.fromkeys(self._halves(word), -slip))
            for other, errors in self._two_away(word):
                ways.setdefault(other, -slip * errors)
        ways[word] = 0.0 if known else SLIP - STRANGE
        return ways

    def _two_away(self, word: str) -> list[tuple[str, int]]:
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        if len(word) < 4:
            return []
        found = process.extract(word, self._long, scorer=OSA.distance, score_cutoff=2, limit=None)
        return [(other, int(errors)) for other, errors, _ in found]

    def _halves(self, word: str) -> list[str]:
        """Two words written as one, or with a letter for the blank, where they are seen beside each other."""
        cuts = ((word[:i], word[i + gap :]) for gap in (1, 0) for i in range(1, len(word) - gap))
        return [f"{a} {b}" for a, b in cuts if self._pairs[a, b]]

    def _best(self, tokens: Sequence[_Token]) -> tuple[str, ...]:
        """The likeliest sequence (Viterbi, of the best `BEAM` states)."""
        paths: dict[str, tuple[float, tuple[str, ...]]] = {START: (0.0, ())}
        for token in tokens:
            reached: dict[str, tuple[float, tuple[str, ...]]] = {}
            for meant, chance in token.ways:
                first, _, second = meant.partition(" ")
                score, path = max((score + self._log(last, first), path) for last, (score, path) in paths.items())
                score += chance + (self._log(first, second) if second else 0.0)
                state = second or first
                if state not in reached or reached[state][0] < score:
                    reached[state] = score, (*path, meant)
            paths = dict(sorted(reached.items(), key=lambda item: -item[1][0])[:BEAM])
        return max((score + self._log(last, END), path) for last, (score, path) in paths.items())[1]

    def _log(self, first: str, second: str) -> float:
        count = max(1, self._begun[START]) if second == END else self._words[second]
        alone = (1 - GENERAL) * count / self._total + GENERAL / LANGUAGE
        return math.log((self._pairs[first, second] + BACKOFF * alone) / (self._begun[first] + BACKOFF))


def edits(word: str) -> set[str]:
    """Everything one typing error away: a letter lost, added, wrong, or two swapped."""
    cuts = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    lost = {a + b[1:] for a, b in cuts if b}
    swapped = {a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1}
    wrong = {a + letter + b[1:] for a, b in cuts if b for letter in ALPHABET}
    added = {a + letter + b for a, b in cuts for letter in ALPHABET}
    return (lost | swapped | wrong | added) - {word, ""}


def _is_easy(typed: str, meant: str) -> bool:
    """Whether one edit between two words swaps letters or doubles one."""
    return sorted(typed) == sorted(meant) or re.sub(r"(.)\1", r"\1", typed) == re.sub(r"(.)\1", r"\1", meant)


def _is_name(match: re.Match[str], text: str) -> bool:
    """Whether a word has capitals although no sentence begins with it, in a text that is not all capitals."""
    if match.group().islower() or text.isupper():
        return False
    before = text[: match.start()].rstrip()
    return (bool(before) and before[-1] not in ".!?\n") or not match.group()[1:].islower()


def _rewritten(text: str, tokens: Sequence[_Token], meant: Sequence[str]) -> Corrected:
    changed = [(token, new) for token, new in zip(tokens, meant, strict=True) if new != token.word.lower()]
    parts, at, changes, length = [], 0, [], 0
    for token, new in changed:
        cased = new.upper() if text.isupper() else new[0].upper() + new[1:] if token.word[0].isupper() else new
        parts += [text[at : token.start], cased]
        length += token.start - at
        changes.append((length, length + len(cased), token.start, token.end))
        length += len(cased)
        at = token.end
    return Corrected("".join([*parts, text[at:]]), tuple(changes))
