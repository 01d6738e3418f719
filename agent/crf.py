"""Which tags follow each other: a linear-chain conditional random field over the tagger's scores.

Lafferty, McCallum & Pereira 2001. Training makes the sentence's whole sequence of tags likely; reading takes the
likeliest sequence, and each token's marginal probability for its confidence. Sums run over probabilities that are
scaled at each step (Rabiner 1989), not over logarithms: a step is one small matrix product.

Tags are O, then B- and I- of every type. Reading keeps to what that means: nothing goes on that did not begin, and
within a word nothing begins or ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

FloatArray = npt.NDArray[np.floating[Any]]

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
        """The scores by the rules, for `best_path` and `marginals`."""
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


def best_path(
    scores: FloatArray, transitions: Transitions, joined: Sequence[bool] | None = None
) -> npt.NDArray[np.int_]:
    """The likeliest sequence of tags, (n,): the algorithm of Viterbi (1967).

    Args:
        scores: (n, number of tags) of one sentence, at least one token.
        transitions: of the model.
        joined: (n,), whether a token goes on with the word of the one before; none does by default.
    """
    so_far, came_from, tags = transitions.first + scores[0], [], np.arange(scores.shape[1])
    for i, each in enumerate(scores[1:], 1):
        ways = so_far[:, None] + (transitions.going_on if joined is not None and joined[i] else transitions.follow)
        origins = ways.argmax(axis=0)
        came_from.append(origins)
        so_far = ways[origins, tags] + each
    path = [int(so_far.argmax())]
    for origins in reversed(came_from):
        path.append(int(origins[path[-1]]))
    return np.array(path[::-1])


def marginals(scores: FloatArray, transitions: Transitions) -> FloatArray:
    """Probability of each tag at each token, all sequences considered: the forward-backward algorithm.

    Args:
        scores: (n, number of tags) of one sentence, at least one token.
        transitions: of the model.
    """
    each = np.exp((scores - scores.max(axis=1, keepdims=True)).astype(float))
    first, follow = transitions.odds
    forward, backward = np.empty_like(each), np.ones_like(each)
    forward[0] = first * each[0]
    forward[0] /= forward[0].sum()
    for i in range(1, len(each)):
        forward[i] = (forward[i - 1] @ follow) * each[i]
        forward[i] /= forward[i].sum()
    for i in range(len(each) - 2, -1, -1):
        backward[i] = follow @ (each[i + 1] * backward[i + 1])
        backward[i] /= backward[i].sum()
    chances = forward * backward
    result: FloatArray = chances / chances.sum(axis=1, keepdims=True)
    return result
