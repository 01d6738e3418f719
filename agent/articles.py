"""Help articles and hybrid search over them: full text (SQLite FTS5, BM25) and, where given, sentence vectors.

An article is a Markdown file whose name is its id, with a head between `---` lines: `title`, `intents` (those it
answers), `keywords` (words people use that the text does not) and `questions` (what it answers, as one would ask).
"""

from __future__ import annotations

import math
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from agent.edited import Edited
from agent.errors import PackError
from agent.examples import read_text

Embed = Callable[[Sequence[str]], npt.NDArray[np.float32]]
"""Texts to vectors, shape (len(texts), width)."""

Passages = npt.NDArray[np.float64]
"""Unit vectors of an article's passages, shape (passages, width)."""

_KEYS = frozenset({"title", "intents", "keywords", "questions"})
_STOP = frozenset(
    "a about after all am an and any are as at be because been before but by can could did do does for from get got "
    "had has have he her him his how i if in into is it its just like me my no not of on one or our out she should so "
    "some that the their them then there these they this to up us was we were what when where which who why will with "
    "would you your yours im ive id dont whats please thanks hi hello want need tell know help guys".split()
)
_WEIGHTS = (4.0, 3.0, 2.0, 1.0)
"""How much a word counts in the title, the keywords, the questions and the text."""
_K1 = 1.2
"""FTS5's own BM25 constant: one word contributes at most idf * (k1 + 1)."""
_NEAREST = 2
"""An article is as near to a question as so many of its passages are, the nearest ones."""
_WORDS_SHARE, _LIKELY_SHARE, _STRANGE_SHARE = 0.15, 0.15, 0.2
"""What words in common, a likely intent and being out of scope count beside the nearness."""
_UNKNOWN = 0.3
"""Taken for the chance of a question to be out of scope where it was not understood first."""
_MAX_WORDS = 64
_LIKELY = 10
"""How many articles are compared sentence by sentence."""


@dataclass(frozen=True)
class Article:
    """One help page: what it is called, the intents it answers, words and questions it is found by, and its text."""

    id: str
    title: str
    intents: tuple[str, ...]
    keywords: tuple[str, ...]
    text: str
    questions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Hit:
    """An article that fits a question; the score (0..1) says how well."""

    article_id: str
    title: str
    text: str
    score: float


class _Edition:
    """The articles as they stood at one moment, and their index; never altered, only replaced as a whole."""

    def __init__(self, articles: tuple[Article, ...], embed: Embed | None, before: _Vectors | None) -> None:
        self.articles = articles
        self.index = _FullText(articles)
        self.vectors = _Vectors(articles, embed, before) if embed and articles else None


class Articles:
    """The help pages of a folder, `*.md`; edited, added and removed ones are served within a second.

    A page that cannot be read after an edit is logged by name, and the edition before it goes on being served.

    Args:
        folder: where they lie.
        embed: gives vectors; without it the full text alone decides.
        threshold: articles that score less are no answer; by default what suits the kind of search.
        words: whether the full text counts too; without it the vectors alone decide.
        clock: seconds, to look for edits from time to time.

    Raises:
        PackError: a file cannot be read or its head is wrong; names the file and line.
    """

    def __init__(
        self,
        folder: str | PathLike[str],
        embed: Embed | None = None,
        *,
        threshold: float | None = None,
        words: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        folder = Path(folder)
        self._words = words
        self._edited = Edited(
            "the articles",
            lambda: folder.glob("*.md"),
            lambda before: _Edition(_read_all(folder), embed, before.vectors if before else None),
            clock,
        )
        usual = 0.3 if embed else 0.13
        self.threshold = usual if threshold is None else threshold

    def articles(self) -> tuple[Article, ...]:
        """Every article, in the order of their ids."""
        return self._edited.now().articles

    def reload(self) -> bool:
        """Look for edits now; see `agent.edited.Edited.reload`."""
        return self._edited.reload()

    def search(
        self,
        query: str,
        k: int = 3,
        about: str = "",
        likely: Mapping[str, float] | None = None,
        strange: float | None = None,
    ) -> tuple[Hit, ...]:
        """The articles that answer a question, best first; none when not even the best fits.

        Args:
            query: the question.
            k: at most so many.
            about: the intent of the question, where it is known: articles that name it come first.
            likely: what the question may mean: intents and their chances.
            strange: the chance that it is about nothing the company deals with; a guess where nobody looked.
        """
        edition = self._edited.now()
        if not query.strip() or not edition.articles or k < 1:
            return ()
        scores = self._scores(edition, query)
        scores = scores + _LIKELY_SHARE * np.array([_chance(article, likely or {}) for article in edition.articles])
        guess = _UNKNOWN if edition.vectors else 0.0
        scores = np.clip(scores - _STRANGE_SHARE * (guess if strange is None else strange), 0.0, 1.0)
        named = np.array([bool(about) and about in article.intents for article in edition.articles])
        best = np.lexsort((-scores, ~named))[:k]
        if scores[best[0]] < self.threshold and not named[best[0]]:
            return ()
        found = ((edition.articles[i], float(scores[i])) for i in best if scores[i] >= self.threshold / 2 or named[i])
        return tuple(Hit(article.id, article.title, article.text, score) for article, score in found)

    def _scores(self, edition: _Edition, query: str) -> npt.NDArray[np.float64]:
        """How well each article fits by its words, its vectors, or both."""
        words = edition.index.scores(query) if self._words else np.zeros(len(edition.articles))
        if edition.vectors is None:
            return words
        return edition.vectors.scores(query, words) + _WORDS_SHARE * words


class _FullText:
    """How much of a question's weight an article covers: the sum of its words' BM25 over the most they could give."""

    def __init__(self, articles: Sequence[Article]) -> None:
        self._size = len(articles)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(":memory:", check_same_thread=False)
        stems = "tokenize = 'porter unicode61'"
        self._db.execute(f"CREATE VIRTUAL TABLE page USING fts5(title, keywords, questions, text, {stems})")
        rows = ((i, a.title, " ".join(a.keywords), " ".join(a.questions), a.text) for i, a in enumerate(articles))
        self._db.executemany("INSERT INTO page (rowid, title, keywords, questions, text) VALUES (?, ?, ?, ?, ?)", rows)

    def scores(self, query: str) -> npt.NDArray[np.float64]:
        """Scores (0..1) of all articles."""
        scores = np.zeros(self._size)
        most = 0.0
        for word in _words(query):
            found = self._match(word)
            idf = math.log((self._size - len(found) + 0.5) / (len(found) + 0.5))
            most += max(idf, 0.1) * (_K1 + 1)
            for row, score in found:
                scores[row] += score
        return np.minimum(scores / most, 1.0) if most else scores

    def _match(self, word: str) -> list[tuple[int, float]]:
        sql = "SELECT rowid, -bm25(page, ?, ?, ?, ?) FROM page WHERE page MATCH ?"
        with self._lock:
            return self._db.execute(sql, (*_WEIGHTS, f'"{word}"')).fetchall()


class _Vectors:
    """How near a question is to an article: to the nearest few of its passages.

    Passages are the title with the keywords, the questions, and the sentences. Nothing is embedded before the first
    question, and sentences only of the articles that a question comes near to, so that opening the articles takes no
    time and the first question little.
    """

    def __init__(self, articles: Sequence[Article], embed: Embed, before: _Vectors | None = None) -> None:
        self._articles = articles
        self._embed = embed
        self._lock = threading.Lock()
        self._heads = before.known(articles)[0] if before else {}
        self._bodies = before.known(articles)[1] if before else {}

    def known(self, articles: Sequence[Article]) -> tuple[dict[Article, Passages], dict[Article, Passages]]:
        """What was embedded of these articles: their heads, and their sentences where they were."""
        with self._lock:
            heads, bodies = ({a: of[a] for a in articles if a in of} for of in (self._heads, self._bodies))
            return heads, bodies

    def scores(self, query: str, lexical: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Cosines (1 at most) of all articles; those far from the question by head and words go by their heads."""
        with self._lock:
            self._read(self._heads, self._articles, _head)
            vector = _unit(self._embed([query]))[0]
            near = np.array([_nearest(self._heads[a] @ vector) for a in self._articles])
            likely = [int(i) for i in np.argsort(-(near + lexical), kind="stable")[:_LIKELY]]
            self._read(self._bodies, [self._articles[i] for i in likely], _body)
            for i in likely:
                article = self._articles[i]
                near[i] = _nearest(np.concatenate([self._heads[article], self._bodies[article]]) @ vector)
            return near

    def _read(
        self, known: dict[Article, Passages], wanted: Sequence[Article], parts: Callable[[Article], Sequence[str]]
    ) -> None:
        """Embed the passages of the articles that are not known yet; so an edit costs one page."""
        fresh = [article for article in wanted if article not in known]
        texts = [parts(article) for article in fresh]
        if fresh:
            vectors = _unit(self._embed([one for part in texts for one in part]))
            ends = np.cumsum([len(part) for part in texts])
            known.update(zip(fresh, np.split(vectors, ends[:-1]), strict=True))


def _head(article: Article) -> Sequence[str]:
    return (f"{article.title}: {', '.join(article.keywords)}", *article.questions)


def _body(article: Article) -> Sequence[str]:
    return [f"{article.title}. {one}" for one in _sentences(article.text)]


def _sentences(text: str) -> tuple[str, ...]:
    return tuple(one for one in re.split(r"(?<=[.?!])\s+", text.strip()) if one)


def _nearest(cosines: npt.NDArray[np.float64]) -> float:
    """The mean of the highest few."""
    return float(np.sort(cosines)[-_NEAREST:].mean())


def _chance(article: Article, likely: Mapping[str, float]) -> float:
    """The chance that one of the article's intents is meant."""
    return max((likely.get(intent, 0.0) for intent in article.intents), default=0.0)


def _unit(vectors: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    vectors = np.asarray(vectors, dtype=np.float64)
    unit: npt.NDArray[np.float64] = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return unit


def _words(query: str) -> Iterable[str]:
    words = dict.fromkeys(re.findall(r"\w+", query.lower().replace("'", "")))
    return [word for word in words if word not in _STOP][:_MAX_WORDS]


def _read_all(folder: Path) -> tuple[Article, ...]:
    return tuple(read_article(path) for path in sorted(folder.glob("*.md")))


def read_article(path: Path) -> Article:
    """One help page.

    Raises:
        PackError: it has no head, or no title or text; names the line.
    """
    lines = read_text(path).split("\n")
    if lines[0].strip() != "---" or "---" not in (line.strip() for line in lines[1:]):
        raise PackError(f"{path}:1: an article starts with a head between two lines of ---")
    end = [line.strip() for line in lines].index("---", 1)
    head = dict(_key(path, number, line) for number, line in enumerate(lines[1:end], 2) if line.strip())
    text = " ".join(" ".join(lines[end + 1 :]).split())
    if not head.get("title") or not text:
        raise PackError(f"{path}:1: an article needs a title and a text")
    intents, keywords = (_list(head.get(key, "")) for key in ("intents", "keywords"))
    return Article(path.stem, head["title"], intents, keywords, text, _sentences(head.get("questions", "")))


def _key(path: Path, number: int, line: str) -> tuple[str, str]:
    key, colon, value = line.partition(":")
    if not colon or key.strip() not in _KEYS:
        raise PackError(f"{path}:{number}: expected one of {', '.join(sorted(_KEYS))}: and its value")
    return key.strip(), value.strip()


def _list(value: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in value.split(",") if item.strip())
