"""Splits without leaks: near-duplicate texts stay on one side.

Texts are compared as TF-IDF vectors of character 3- to 5-grams of their normalised words; pairs at or above a
cosine are tied together, and each tied group goes to one part as a whole.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Hashable, Sequence

NEAR = 0.9
"""Cosine from which two texts count as near-duplicates: the same sentence but for an article, a typo or a plural."""


def normalise(text: str) -> str:
    """Lower case, words and digits only."""
    return " ".join(re.findall(r"\w+", text.lower()))


def near_duplicate_groups(texts: Sequence[str], near: float = NEAR) -> list[int]:
    """Group number of each text; near-duplicates, directly or through others, share one."""
    from scipy.sparse.csgraph import connected_components
    from sklearn.feature_extraction.text import TfidfVectorizer

    if len(texts) < 2:
        return list(range(len(texts)))
    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), preprocessor=normalise, sublinear_tf=True)
    matrix = vectors.fit_transform([text or "empty" for text in texts]).astype("float32")
    links = None
    for first in range(0, matrix.shape[0], 2048):
        block = matrix[first : first + 2048] @ matrix.T
        block.data[block.data < near] = 0
        block.eliminate_zeros()
        links = _stack(links, block)
    return [int(group) for group in connected_components(links, directed=False)[1]]


def _stack(upper: object, lower: object) -> object:
    from scipy.sparse import vstack

    return lower if upper is None else vstack([upper, lower]).tocsr()


def split(
    texts: Sequence[str], labels: Sequence[Hashable], shares: Sequence[float] = (0.7, 0.15, 0.15), seed: int = 7
) -> list[list[int]]:
    """Row numbers of each part: stratified by label, near-duplicates never apart.

    Args:
        texts: one a row.
        labels: one a row; each label is spread over the parts by `shares` as far as its groups allow.
        shares: of each part, adding up to 1.
        seed: of the shuffle.
    """
    groups: dict[int, list[int]] = defaultdict(list)
    for row, group in enumerate(near_duplicate_groups(texts)):
        groups[group].append(row)
    order = sorted(groups.values(), key=lambda rows: rows[0])
    random.Random(seed).shuffle(order)
    order.sort(key=len, reverse=True)
    parts: list[list[int]] = [[] for _ in shares]
    filled: dict[Hashable, list[int]] = defaultdict(lambda: [0] * len(shares))
    for rows in order:
        counts = filled[labels[rows[0]]]
        emptiest = min(range(len(shares)), key=lambda part: (counts[part] + len(rows)) / shares[part])
        parts[emptiest].extend(rows)
        counts[emptiest] += len(rows)
    return [sorted(part) for part in parts]
