"""What could not be understood, put together by likeness: TF-IDF of words and pairs, average linkage (scikit-learn)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from demos.batches.measures import NOT_UNDERSTOOD
from demos.batches.rows import Row

FAR = 0.85  # cosine distance from which turns are not alike
MOST = 1_500  # turns compared with each other; of more, those heard most surely
EXAMPLES = 3
_MASK = re.compile(r"\[[a-z]+\]")


@dataclass(frozen=True)
class Cluster:
    """Turns alike that were not understood: the words they share, some of them whole, and how many there are."""

    about: str
    examples: tuple[str, ...]
    count: int
    calls: int


def not_understood(rows: Sequence[Row]) -> list[tuple[str, str, float]]:
    """(path, words, how surely they were heard) of the customers' turns that were not understood."""
    return [
        (row["path"], turn["text"], turn["heard"] or 0.0)
        for row in rows
        for turn in row["turns"]
        if turn["who"] == "customer" and turn["verdict"] in NOT_UNDERSTOOD and len(turn["text"].split()) > 1
    ]


def clusters(rows: Sequence[Row]) -> list[Cluster]:
    """The groups of what was not understood, the largest first; what is like nothing else comes last, as one."""
    turns = sorted(not_understood(rows), key=lambda turn: -turn[2])[:MOST]
    texts = [_MASK.sub(" ", text).lower() for _, text, _ in turns]
    if len(texts) < 2:
        return [_cluster("", turns)] if turns else []
    import numpy as np
    from sklearn.cluster import AgglomerativeClustering
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(ngram_range=(1, 2), stop_words="english", sublinear_tf=True)
    try:
        vectors = vectorizer.fit_transform(texts).toarray()
    except ValueError:  # nothing but stop words
        return [_cluster("", turns)]
    blank = ~vectors.any(axis=1)
    vectors[blank, 0] = 1e-9
    model = AgglomerativeClustering(None, metric="cosine", linkage="average", distance_threshold=FAR)
    labels = np.where(blank, -1, model.fit_predict(vectors))
    words, found, rest = vectorizer.get_feature_names_out(), [], []
    for label in sorted(set(labels.tolist())):
        members = [i for i, other in enumerate(labels) if other == label]
        if label < 0 or len(members) < 2:
            rest += [turns[i] for i in members]
            continue
        weight = vectors[members].sum(axis=0)
        about = ", ".join(str(words[i]) for i in weight.argsort()[::-1][:3] if weight[i] > 1e-6)
        nearest = (vectors[members] @ weight).argsort()[::-1]
        found.append(_cluster(about, [turns[members[i]] for i in nearest]))
    found.sort(key=lambda cluster: -cluster.count)
    return [*found, _cluster("", rest)] if rest else found


def _cluster(about: str, turns: Sequence[tuple[str, str, float]]) -> Cluster:
    examples = tuple(dict.fromkeys(text for _, text, _ in turns))[:EXAMPLES]
    return Cluster(about, examples, len(turns), len({path for path, _, _ in turns}))
