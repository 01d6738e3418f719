"""Help articles and hybrid search over them: full text (SQLite FTS5, BM25) and, where given, sentence vectors.

An article is a Markdown file whose name is its id, with a head between `---` lines: `title`, `intents` (those it
answers) and `keywords` (words people use that the text does not).
"""

from __future__ import annotations

import math
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Sequence
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

_KEYS = frozenset({"title", "intents", "keywords"})
_STOP = frozenset(
    "a about after all am an and any are as at be because been before but by can could did do does for from get got "
    "had has have he her him his how i if in into is it its just like me my no not of on one or our out she should so "
    "some that the their them then there these they this to up us was we were what when where which who why will with "
    "would you your yours im ive id dont whats please thanks hi hello want need tell know help guys".split()
)
_WEIGHTS = (4.0, 3.0, 1.0)
"""How much a word counts in the title, the keywords and the text."""
_K1 = 1.2
"""FTS5's own BM25 constant: one word contributes at most idf * (k1 + 1)."""
_VECTOR_SHARE = 0.85
_MAX_WORDS = 64
_LIKELY = 10
"""How many articles are compared sentence by sentence."""


@dataclass(frozen=True)
class Article:
    """One help page: what it is called, the intents it answers, words it is found by, and its text."""

    id: str
    title: str
    intents: tuple[str, ...]
    keywords: tuple[str, ...]
    text: str


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
        self._share = (_VECTOR_SHARE if words else 1.0) if embed else 0.0
        self._edited = Edited(
            "the articles",
            lambda: folder.glob("*.md"),
            lambda before: _Edition(_read_all(folder), embed, before.vectors if before else None),
            clock,
        )
        usual = 0.22 if embed else 0.13
        self.threshold = usual if threshold is None else threshold

    def articles(self) -> tuple[Article, ...]:
        """Every article, in the order of their ids."""
        return self._edited.now().articles

    def reload(self) -> bool:
        """Look for edits now; see `agent.edited.Edited.reload`."""
        return self._edited.reload()

    def search(self, query: str, k: int = 3, about: str = "") -> tuple[Hit, ...]:
        """The articles that answer a question, best first; none when nothing fits.

        Args:
            query: the question.
            k: at most so many.
            about: the intent of the question, where it is known: articles that name it come first.
        """
        edition = self._edited.now()
        if not query.strip() or not edition.articles:
            return ()
        scores = edition.index.scores(query)
        if edition.vectors is not None:
            scores = scores if self._share < 1 else np.zeros_like(scores)
            scores = self._share * edition.vectors.scores(query, scores) + (1 - self._share) * scores
        named = np.array([bool(about) and about in article.intents for article in edition.articles])
        best = np.lexsort((-scores, ~named))[:k]
        found = ((edition.articles[i], float(scores[i])) for i in best if scores[i] >= self.threshold or named[i])
        return tuple(Hit(article.id, article.title, article.text, score) for article, score in found)


class _FullText:
    """How much of a question's weight an article covers: the sum of its words' BM25 over the most they could give."""

    def __init__(self, articles: Sequence[Article]) -> None:
        self._size = len(articles)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(":memory:", check_same_thread=False)
        self._db.execute("CREATE VIRTUAL TABLE page USING fts5(title, keywords, text, tokenize = 'porter unicode61')")
        rows = ((i, a.title, " ".join(a.keywords), a.text) for i, a in enumerate(articles))
        self._db.executemany("INSERT INTO page (rowid, title, keywords, text) VALUES (?, ?, ?, ?)", rows)

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
        sql = "SELECT rowid, -bm25(page, ?, ?, ?) FROM page WHERE page MATCH ?"
        with self._lock:
            return self._db.execute(sql, (*_WEIGHTS, f'"{word}"')).fetchall()


class _Vectors:
    """How near a question is to an article: to its title and keywords, and to its nearest sentence.

    Nothing is embedded before the first question, and sentences only of the articles that a question comes near to,
    so that neither opening the articles nor the first question takes long.
    """

    def __init__(self, articles: Sequence[Article], embed: Embed, before: _Vectors | None = None) -> None:
        self._articles = articles
        self._embed = embed
        self._lock = threading.Lock()
        self._known = before.known() if before else {}
        self._heads: npt.NDArray[np.float64] | None = None
        self._sentences: dict[int, npt.NDArray[np.float64]] = {}

    def known(self) -> dict[Article, tuple[npt.NDArray[np.float64], npt.NDArray[np.float64] | None]]:
        """What was embedded of each article: its head, and its sentences where they were; so an edit costs one page."""
        with self._lock:
            if self._heads is None:
                return dict(self._known)
            return {a: (self._heads[i], self._sentences.get(i)) for i, a in enumerate(self._articles)}

    def scores(self, query: str, lexical: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Scores (0..1) of all articles; those far from the question by title and words stay below a half."""
        with self._lock:
            if self._heads is None:
                self._heads = self._read_heads()
            vector = _unit(self._embed([query]))[0]
            near = np.asarray(self._heads @ vector)
            likely = [int(i) for i in np.argsort(-(near + lexical), kind="stable")[:_LIKELY]]
            self._read([i for i in likely if i not in self._sentences])
        nearest = np.zeros(len(near))
        for i in likely:
            nearest[i] = (self._sentences[i] @ vector).max()
        return np.clip(0.5 * nearest + 0.5 * near, 0.0, 1.0)

    def _read_heads(self) -> npt.NDArray[np.float64]:
        fresh = [a for a in self._articles if a not in self._known]
        made = _unit(self._embed([f"{a.title}: {', '.join(a.keywords)}" for a in fresh])) if fresh else ()
        heads = {a: head for a, (head, _) in self._known.items()} | dict(zip(fresh, made, strict=True))
        for i, article in enumerate(self._articles):
            _, sentences = self._known.get(article, (None, None))
            if sentences is not None:
                self._sentences[i] = sentences
        return np.stack([heads[a] for a in self._articles])

    def _read(self, fresh: list[int]) -> None:
        parts = [re.split(r"(?<=[.?!])\s+", self._articles[i].text) for i in fresh]
        titled = [f"{self._articles[i].title}. {one}" for i, part in zip(fresh, parts, strict=True) for one in part]
        vectors = _unit(self._embed(titled)) if titled else np.zeros((0, 0))
        ends = np.cumsum([len(part) for part in parts])
        self._sentences |= dict(zip(fresh, np.split(vectors, ends[:-1]), strict=True)) if fresh else {}


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
    return Article(path.stem, head["title"], _list(head.get("intents", "")), _list(head.get("keywords", "")), text)


def _key(path: Path, number: int, line: str) -> tuple[str, str]:
    key, colon, value = line.partition(":")
    if not colon or key.strip() not in _KEYS:
        raise PackError(f"{path}:{number}: expected one of {', '.join(sorted(_KEYS))}: and its value")
    return key.strip(), value.strip()


def _list(value: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in value.split(",") if item.strip())
