"""Scores to meaning: which intents, which verdict, which spans. No models and no text of its own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from agent.checkpoint import Calibration
from agent.crf import FloatArray, IntArray, Transitions, best_paths, marginals
from agent.heads import Labels
from agent.types import Intent, Verdict
from agent.types import Span as Span

Pair = tuple[tuple[int, float], tuple[int, float]]
"""Two intents, by their place among the labels, each with its confidence."""

MARKS = ",;:?!"
"""Marks that end a clause, and no name."""

MOST_WANTED = 3
"""More intents than this are not read out of one sentence."""


class Meaning(NamedTuple):
    """Intents likeliest first, how many of them are wanted, the probability of being out of scope, the verdict."""

    intents: tuple[Intent, ...]
    wanted: int
    out_of_scope: float
    verdict: Verdict


def sigmoid(scores: FloatArray) -> FloatArray:
    """Element-wise logistic function."""
    result: FloatArray = 1.0 / (1.0 + np.exp(-np.clip(scores, -60, 60)))
    return result


def softmax(scores: FloatArray) -> FloatArray:
    """Over the last axis."""
    shifted = np.exp(scores - scores.max(axis=-1, keepdims=True))
    result: FloatArray = shifted / shifted.sum(axis=-1, keepdims=True)
    return result


def decode_intents(
    scores: FloatArray,
    scope: float,
    several: float,
    labels: Labels,
    calibration: Calibration,
    pair: Pair | None = None,
) -> Meaning:
    """Read one row of intent scores; see `decode_rows`."""
    return decode_rows(scores[None], np.array([scope]), np.array([several]), labels, calibration, [pair])[0]


def decode_rows(
    scores: FloatArray,
    scope: FloatArray,
    several: FloatArray,
    labels: Labels,
    calibration: Calibration,
    pairs: Sequence[Pair | None],
) -> list[Meaning]:
    """Read intent scores.

    Args:
        scores: (rows, number of intents), raw.
        scope, several: (rows,), raw scores of lying out of scope, of meaning more than one intent.
        labels, calibration: of the checkpoint.
        pairs: by row, what the halves of a turn of several wishes mean (`agent.clauses`), or None to read it whole.
    """
    chances = confidences(scores, several, calibration)
    for row, pair in enumerate(pairs):
        if pair is not None:
            chances[row] = confidences(scores[row], several[row], calibration, pair)
    outside = sigmoid(scope / calibration.scope_temperature).tolist()
    order = np.argsort(-chances, axis=-1)
    names = np.array(labels.intents, dtype=object)[order].tolist()
    sorted_ = np.take_along_axis(chances, order, axis=-1).tolist()
    return [
        _meaning(tuple(map(Intent, names[row], sorted_[row])), outside[row], float(several[row]), pair, calibration)
        for row, pair in enumerate(pairs)
    ]


def _meaning(
    intents: tuple[Intent, ...], outside: float, several: float, pair: Pair | None, calibration: Calibration
) -> Meaning:
    top = intents[0].confidence if intents else 0.0
    if outside >= calibration.out_of_scope or top < calibration.clarify:
        return Meaning(intents, 0, outside, "out_of_scope")
    if top < calibration.accept:
        return Meaning(intents, 0, outside, "unsure")
    if several <= calibration.several:
        return Meaning(intents, 1, outside, "ok")
    sure = sum(intent.confidence >= calibration.accept for intent in intents)
    return Meaning(intents, 2 if pair else min(sure, MOST_WANTED), outside, "ok")


def confidences(
    scores: FloatArray, several: FloatArray, calibration: Calibration, pair: Pair | None = None
) -> FloatArray:
    """Calibrated probability of each intent.

    One intent is one of all of them (softmax); of several each may hold on its own (sigmoid), unless the halves of the
    turn were read apart. Which of the two it is, is itself only probable.

    Args:
        scores: (..., number of intents), raw.
        several: (...), raw scores of meaning more than one.
        calibration: of the checkpoint.
        pair: what the halves of the one row mean, or None.
    """
    both = sigmoid(several - calibration.several)[..., None]
    alone = softmax(scores / calibration.intent_temperature)
    if pair is None:
        together = sigmoid((scores - calibration.pair_bias) / calibration.pair_temperature)
    else:
        together = np.zeros_like(alone)
        for intent, chance in pair:
            together[..., intent] = chance
    result: FloatArray = (1 - both) * alone + both * together
    return result


class Tagged(NamedTuple):
    """A text as the tagger saw it: raw scores (n, number of tags), each token's place in the text, the text."""

    scores: FloatArray
    places: Sequence[tuple[int, int]]
    text: str


def decode_tags(texts: Sequence[Tagged], labels: Labels, transitions: Transitions) -> list[list[Span]]:
    """Read each text's entity spans from tag scores: those of the likeliest sequence of tags.

    Spans hold whole words; a mark that ends a clause is not part of one. The confidence of a span is the mean, over
    its tokens, of the chance of lying in one of its type.

    Args:
        texts: with the tagger's scores.
        labels: of the checkpoint.
        transitions: of the checkpoint; those of a new `LinearChainCRF` take each token on its own.
    """
    found: list[list[Span]] = [[] for _ in texts]
    if not labels.entities:
        return found
    some = [i for i, one in enumerate(texts) if len(one.scores) and not _outside(one.scores, transitions.reach)]
    joined = [_joined(texts[i].places, texts[i].text) for i in some]
    paths = dict(zip(some, best_paths([texts[i].scores for i in some], transitions, joined), strict=True))
    some = [i for i in some if paths[i].any()]
    for i, chances in zip(some, marginals([texts[i].scores for i in some], transitions), strict=True):
        found[i] = _spans(texts[i], paths[i], chances, labels)
    return found


def _spans(tagged: Tagged, path: IntArray, chances: FloatArray, labels: Labels) -> list[Span]:
    """The spans of one text, by its tags (n,) and the chances of them (n, number of tags)."""
    spans: list[tuple[int, int, int, list[float]]] = []
    for i in np.flatnonzero(path).tolist():
        kind, (start, end) = (int(path[i]) - 1) // 2, tagged.places[i]
        if path[i] % 2 == 0 and spans:
            spans[-1] = (kind, spans[-1][1], end, [*spans[-1][3], _chance(chances[i], kind)])
        else:
            spans.append((kind, start, end, [_chance(chances[i], kind)]))
    return [(labels.entities[k], *_bounds(tagged.text, a, b), float(np.mean(chance))) for k, a, b, chance in spans]


def _joined(places: Sequence[tuple[int, int]], text: str) -> list[bool]:
    """Whether each token goes on with the word of the one before: "k48|2137", "E|-|type", "A|.|j|.", not "e.g|.|"."""
    joined = [False]
    for (start, end), (after, last) in pairwise(places):
        left, right = text[start:end], text[after:last]
        joined.append(after < end or (after == end and _in_word(left, right, text[:start], text[last : last + 1])))
    return joined


def _in_word(left: str, right: str, before: str, behind: str) -> bool:
    """Whether two pieces of text without a gap belong to one word, by them and by what stands around them."""
    if left[-1:].isalnum() and right[:1].isalnum():
        return True
    if right == "-" or left == "-":
        return (left if right == "-" else before)[-1:].isalnum() and (behind if right == "-" else right)[:1].isalnum()
    if right == ".":
        return len(left) == 1 and left.isalpha() and not before[-1:].isalnum() and behind.isalpha()
    if left == ".":
        return right[:1].isalpha() and before[-1:].isalpha() and not before[-2:-1].isalnum()
    return False


def _bounds(text: str, start: int, end: int) -> tuple[int, int]:
    """Whole words, without the marks around them."""
    start, end = whole_words(text, start, end)
    first, last = start, end
    while first < last and (text[first] in MARKS or text[first].isspace()):
        first += 1
    while first < last and text[last - 1] in MARKS:
        last -= 1
    return (first, last) if first < last else (start, end)


def _chance(chances: FloatArray, kind: int) -> float:
    """The chance that a token begins or goes on with a type."""
    return float(chances[1 + 2 * kind] + chances[2 + 2 * kind])


def _outside(scores: FloatArray, reach: float) -> bool:
    """Whether no token can lie in a span; `reach` is how much the neighbours may say for a tag."""
    return bool((scores[:, 1:].max(axis=1) + reach < scores[:, 0]).all())


def whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen a span that begins or ends inside a run of letters and digits."""
    while start > 0 and text[start].isalnum() and text[start - 1].isalnum():
        start -= 1
    while end < len(text) and text[end - 1].isalnum() and text[end].isalnum():
        end += 1
    return start, end
