"""Which texts are near-duplicates: a search that takes a minute or two for 100,000 short texts on one core.

Texts are TF-IDF vectors of character 3- to 5-grams of their normalised words, of length 1. All pairs of the vectors
themselves take hours, so their random projections (Achlioptas 2003, "Database-friendly random projections") are
compared first, a dense product; those that may reach the cosine are then compared in full. A projection to d numbers
estimates a cosine c with a deviation of about (1 - c^2) / sqrt(d), 0.012 here: a pair is missed once in 10,000 times.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

NEAR = 0.9
"""Cosine from which two texts count as near-duplicates: the same sentence but for an article or a plural."""

READ = 1_000
"""Characters of a text that are compared; about as much as the text encoder reads."""

WIDTH = 256
MARGIN = 0.05
"""Numbers in a projection, and how far below the cosine pairs of projections are still compared in full."""

TILE = 4_096
"""Texts on each side of one product: 67 MB."""

MOST = 300_000
"""Pairs of one tile compared in full; where there are more, each text keeps only its `_NEAREST`."""

_NEAREST = 8
_SIGNS = 8  # numbers of a projection that one n-gram counts in

Ints = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float32]]


def normalise(text: str) -> str:
    """Lower case, words and digits only."""
    return " ".join(re.findall(r"\w+", text.lower()))


def near_duplicate_groups(texts: Sequence[str], near: float = NEAR) -> list[int]:
    """Group number of each text; near-duplicates, directly or through others, share one.

    Texts that differ only in capitals and punctuation are always together; blank texts are never.
    """
    numbers: dict[Any, int] = {}
    keys = [normalise(text) or text.strip() or row for row, text in enumerate(texts)]
    places = [numbers.setdefault(key, len(numbers)) for key in keys]
    worded = [place for key, place in numbers.items() if isinstance(key, str) and normalise(key)]
    groups = np.arange(len(numbers))
    if len(worded) > 1:
        by_place = {place: key for key, place in numbers.items()}
        groups[worded] = np.asarray(worded)[_groups([by_place[place] for place in worded], near)]
    return [int(groups[place]) for place in places]


def _groups(texts: Sequence[str], near: float) -> Ints:
    """Group of each of several distinct texts: the number of one of them."""
    matrix = _vectors(texts)
    projected = _project(matrix)
    groups = np.arange(len(texts))
    for first, second in _tiles(len(texts)):
        pairs = _candidates(projected, first, second, near - MARGIN)
        pairs = pairs[groups[pairs[:, 0]] != groups[pairs[:, 1]]]
        cosines = np.asarray(matrix[pairs[:, 0]].multiply(matrix[pairs[:, 1]]).sum(axis=1)).ravel()
        groups = _joined(groups, pairs[cosines >= near])
    return groups


def _vectors(texts: Sequence[str]) -> Any:
    """TF-IDF rows of length 1: scipy CSR (texts, n-grams)."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(3, 5), preprocessor=_head, sublinear_tf=True, dtype=np.float32
    )
    return vectorizer.fit_transform(texts)


def _head(text: str) -> str:
    return normalise(text)[:READ]


def _project(matrix: Any) -> Floats:
    """Random projections of length 1: (texts, WIDTH). Each n-gram adds itself to some numbers, each with its sign."""
    from scipy.sparse import csr_matrix

    rng = np.random.default_rng(0)
    grams = matrix.shape[1]
    columns = rng.integers(WIDTH, size=(grams, _SIGNS), dtype=np.int32)
    signs = rng.choice(np.array([-1, 1], np.float32), size=(grams, _SIGNS))
    places = np.arange(0, grams * _SIGNS + 1, _SIGNS)
    directions = csr_matrix((signs.ravel(), columns.ravel(), places), shape=(grams, WIDTH))
    blocks = [(matrix[i : i + TILE] @ directions).toarray() for i in range(0, matrix.shape[0], TILE)]
    projected = np.concatenate(blocks).astype(np.float32)
    norms = np.linalg.norm(projected, axis=1, keepdims=True)
    return np.asarray(projected / np.maximum(norms, 1e-9), np.float32)


def _tiles(count: int) -> Iterator[tuple[int, int]]:
    """First rows and first columns of the tiles on and above the diagonal."""
    starts = range(0, count, TILE)
    return ((first, second) for first in starts for second in starts if second >= first)


def _candidates(projected: Floats, first: int, second: int, least: float) -> Ints:
    """Pairs of a tile whose projections have a cosine of at least `least`: (pairs, 2), the lower number first."""
    cosines = projected[first : first + TILE] @ projected[second : second + TILE].T
    if first == second:
        cosines[np.tril_indices(len(cosines))] = -1.0
    rows, columns = np.divmod(np.flatnonzero(cosines.ravel() >= least), cosines.shape[1])
    if len(rows) > MOST:
        rows = np.argpartition(-cosines, min(_NEAREST, len(cosines) - 1), axis=0)[:_NEAREST]
        columns = np.broadcast_to(np.arange(cosines.shape[1]), rows.shape)
        kept = cosines[rows, columns] >= least
        rows, columns = rows[kept], columns[kept]
    return np.column_stack([rows + first, columns + second]).astype(np.int64)


def _joined(groups: Ints, pairs: Ints) -> Ints:
    """Groups after the groups of every pair have become one."""
    if not len(pairs):
        return groups
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    count = len(groups)
    links = coo_matrix((np.ones(len(pairs)), (groups[pairs[:, 0]], groups[pairs[:, 1]])), shape=(count, count))
    merged = connected_components(links, directed=False)[1]
    firsts = np.unique(merged, return_index=True)[1]
    return np.asarray(firsts[merged[groups]], np.int64)
