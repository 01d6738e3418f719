"""Which tags follow each other: a linear-chain conditional random field over the tagger's scores.

Lafferty, McCallum & Pereira 2001. Training makes the sentence's whole sequence of tags likely; reading takes the
likeliest sequence, and each token's marginal probability for its confidence. Sums run over probabilities that are
scaled at each step (Rabiner 1989), not over logarithms: a step is one small matrix product.

Tags are O, then B- and I- of every type. Reading keeps to what that means: nothing goes on that did not begin, and
within a word nothing begins or ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from modalities.text import batches

FloatArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.int_]

ROWS, PADDED = 256, 256
"""Sentences that are read side by side, and tokens of them that may be padding."""

NEVER = -1e4
"""Score of what cannot follow."""


@dataclass(frozen=True, eq=False)
class Transitions:
    """Scores of a tag as the first, (tags,), and after another, (tags, tags): `follow[a, b]` is of b after a."""

    first: FloatArray
    follow: FloatArray

    @cached_property
    def going_on(self) -> FloatArray:
        """What follows within a word: outside after outside, and what a span goes on with."""
        kept = np.full_like(self.follow, NEVER)
        begin, inside = np.arange(1, len(self.first), 2), np.arange(2, len(self.first), 2)
        kept[0, 0] = self.follow[0, 0]
        kept[begin, inside] = self.follow[begin, inside]
        kept[inside, inside] = self.follow[inside, inside]
        return kept

    @cached_property
    def odds(self) -> tuple[FloatArray, FloatArray]:
        """The same, not as logarithms."""
        return np.exp(self.first), np.exp(self.follow)

    @cached_property
    def reach(self) -> float:
        """How much more they may say for a tag than for the first, which is outside, at most."""
        most = max(float(self.first.max()), float(self.follow.max()))
        return 2 * (most - min(float(self.first[0]), float(self.follow[0, 0])))


class LinearChainCRF(nn.Module):
    """Scores of transitions; all zero at first, which is tagging each token on its own.

    Attributes:
        alone: (types,), of which no two spans follow each other directly; training tells (`training.targets.alone`).
    """

    alone: Tensor

    def __init__(self, tags: int) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.zeros(tags))
        self.follow = nn.Parameter(torch.zeros(tags, tags))
        self.register_buffer("alone", torch.zeros(tags // 2, dtype=torch.bool))

    def loss(self, scores: Tensor, tags: Tensor, ignored: int) -> Tensor:
        """Negative log-likelihood of the right sequences, per token.

        Args:
            scores: (batch, n, number of tags), the tagger's.
            tags: (batch, n); `ignored` where a token has no tag: those are left out, and their neighbours adjoin. Rows
                may have none.
            ignored: a number below 0.
        """
        known = tags != ignored
        if not known.any():
            return scores.sum() * 0.0
        rows = known.any(dim=1)
        scores, tags, known = scores[rows], tags[rows], known[rows]
        with torch.autocast(scores.device.type, enabled=False):
            longest = int(known.sum(dim=1).max())
            order = known.int().argsort(dim=1, descending=True, stable=True)[:, :longest]
            known, tags = known.gather(1, order), tags.gather(1, order).clamp(min=0)
            scores = scores.float().gather(1, order.unsqueeze(-1).expand(-1, -1, scores.shape[-1]))
            likelihood = self._score(scores, tags, known) - self._total(scores, known)
            return -likelihood.sum() / known.sum()

    def transitions(self) -> Transitions:
        """The scores by the rules, for `best_paths` and `marginals`."""
        first, follow = (p.detach().double().cpu().numpy().copy() for p in (self.first, self.follow))
        begin, inside = np.arange(1, len(first), 2), np.arange(2, len(first), 2)
        within = follow[begin, inside], follow[inside, inside]
        first[inside] = follow[:, inside] = NEVER
        follow[begin, inside], follow[inside, inside] = within
        again = begin[self.alone.cpu().numpy()]
        follow[again, again] = follow[again + 1, again] = NEVER
        return Transitions(first, follow)

    def _score(self, scores: Tensor, tags: Tensor, known: Tensor) -> Tensor:
        """Of the right sequences, (batch,); `known` tokens stand first."""
        each = scores.gather(2, tags.unsqueeze(-1)).squeeze(-1)
        steps = torch.cat([self.first[tags[:, :1]], self.follow[tags[:, :-1], tags[:, 1:]]], dim=1)
        return ((each + steps) * known).sum(dim=1)

    def _total(self, scores: Tensor, known: Tensor) -> Tensor:
        """Log of the sum over all sequences, (batch,): the forward algorithm."""
        highest = scores.detach().amax(dim=-1, keepdim=True)
        each, follow = (scores - highest).exp(), self.follow.exp()
        alpha = self.first.exp() * each[:, 0]
        total = (highest.squeeze(-1) * known).sum(dim=1)
        for step in range(scores.shape[1]):
            if step:
                alpha = torch.where(known[:, step : step + 1], (alpha @ follow) * each[:, step], alpha)
            size = alpha.sum(dim=1, keepdim=True)
            alpha, total = alpha / size, total + size.squeeze(1).log()
        return total


def best_paths(
    sentences: Sequence[FloatArray], transitions: Transitions, joined: Sequence[Sequence[bool]] | None = None
) -> list[IntArray]:
    """The likeliest sequence of tags of each sentence, (n,): the algorithm of Viterbi (1967).

    Args:
        sentences: each one's scores (n, number of tags), at least one token.
        transitions: of the model.
        joined: by sentence (n,), whether a token goes on with the word of the one before; none does by default.
    """
    found: dict[int, IntArray] = {}
    for side in _side_by_side(sentences):
        within = np.zeros(side.scores.shape[:2], bool)
        for column, row in enumerate(side.rows if joined is not None else ()):
            within[: len(sentences[row]), column] = joined[row]  # type: ignore[index]
        for column, (row, path) in enumerate(zip(side.rows, _best(side, within, transitions).T, strict=True)):
            found[row] = path[: len(sentences[side.rows[column]])]
    return [found[row] for row in range(len(sentences))]


def marginals(sentences: Sequence[FloatArray], transitions: Transitions) -> list[FloatArray]:
    """Probability of each tag at each token, all sequences considered: the forward-backward algorithm.

    Args:
        sentences: each one's scores (n, number of tags), at least one token.
        transitions: of the model.
    """
    found: dict[int, FloatArray] = {}
    for side in _side_by_side(sentences):
        chances = _chances(side, transitions)
        for column, row in enumerate(side.rows):
            found[row] = chances[: len(sentences[row]), column]
    return [found[row] for row in range(len(sentences))]


class _Side(NamedTuple):
    """Sentences side by side, longest first, so that those that go on at a step are the first ones.

    Attributes:
        rows: the number of each.
        scores: (longest, sentences, tags), zeros behind the end.
        going: by step, how many go on.
    """

    rows: list[int]
    scores: FloatArray
    going: list[int]


def _side_by_side(sentences: Sequence[FloatArray]) -> Iterator[_Side]:
    lengths = [len(scores) for scores in sentences]
    for rows in batches(lengths, ROWS, PADDED):
        rows.reverse()
        scores = np.zeros((lengths[rows[0]], len(rows), sentences[rows[0]].shape[1]))
        for column, row in enumerate(rows):
            scores[: lengths[row], column] = sentences[row]
        yield _Side(rows, scores, [sum(lengths[row] > step for row in rows) for step in range(len(scores))])


def _best(side: _Side, within: npt.NDArray[np.bool_], transitions: Transitions) -> IntArray:
    """The likeliest tags, (longest, sentences)."""
    so_far, came_from = transitions.first + side.scores[0], []
    for step, going in enumerate(side.going[1:], 1):
        follow = np.where(within[step, :going, None, None], transitions.going_on, transitions.follow)
        ways = so_far[:going, :, None] + follow
        origins = ways.argmax(axis=1)
        came_from.append(origins)
        so_far[:going] = np.take_along_axis(ways, origins[:, None], axis=1)[:, 0] + side.scores[step, :going]
    tags = so_far.argmax(axis=1)
    paths = [tags]
    for origins in reversed(came_from):
        tags = tags.copy()
        tags[: len(origins)] = origins[np.arange(len(origins)), tags[: len(origins)]]
        paths.append(tags)
    return np.stack(paths[::-1])


def _chances(side: _Side, transitions: Transitions) -> FloatArray:
    """The marginal probabilities, (longest, sentences, tags)."""
    each = np.exp(side.scores - side.scores.max(axis=-1, keepdims=True))
    first, follow = transitions.odds
    forward, backward = np.ones_like(each), np.ones_like(each)
    forward[0] = _scaled(first * each[0])
    for step, going in enumerate(side.going[1:], 1):
        forward[step, :going] = _scaled((forward[step - 1, :going] @ follow) * each[step, :going])
    for step in range(len(each) - 2, -1, -1):
        going = side.going[step + 1]
        backward[step, :going] = _scaled((each[step + 1, :going] * backward[step + 1, :going]) @ follow.T)
    return _scaled(forward * backward)


def _scaled(chances: FloatArray) -> FloatArray:
    """Adding up to 1 over the tags."""
    result: FloatArray = chances / chances.sum(axis=-1, keepdims=True)
    return result
