"""Turns of several wishes, read in halves: which cut, and what each half means.

A turn has about as many cuts as words. The token vectors that are there already tell roughly what the halves of each
would mean. Where that leaves a doubt, the most promising cuts are encoded anew, each half on its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch

from agent.clauses import CLEAR, Cut, Halves, at_gaps, at_joints, best_cut, worths
from agent.crf import FloatArray
from agent.decode import Pair, sigmoid, softmax
from agent.scoring import Scorer, Scores, Words
from modalities.types import Encoding

SHORTLIST = 2
"""Cuts of a turn that are read in full (docs/experiments.md)."""

SURE = 0.85
"""From how likely halves on they need no reading in full."""


class Look(NamedTuple):
    """What a turn's own token vectors say: its best cut, if any makes sense, and the cuts that look clearest."""

    best: Cut | None
    clearest: Sequence[Halves]


class HalfReader:
    """Reads halves with a scorer's models."""

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer

    def pairs(
        self, turns: Sequence[Words], scores: Sequence[Scores | None], encodings: Sequence[Encoding | None]
    ) -> list[Pair | None]:
        """What turns of several wishes mean; None where one wish is likelier, or no cut is clear.

        Cuts at joining words and marks come first, those at any gap where none of them is believed.

        Args:
            turns: their words.
            scores: of the turns, read whole.
            encodings: of their words, spans into them as they came.
        """
        least = self.scorer.parts.checkpoint.calibration.several
        several = [i for i, scored in enumerate(scores) if scored is not None and scored.several > least]
        joints = {i: at_joints(turns[i].text) for i in several}
        cuts = {i: joints[i] or at_gaps(turns[i].text) for i in several}
        found = self._believed(cuts, turns, scores, encodings)
        cuts = {i: at_gaps(turns[i].text) for i in several if joints[i] and i not in found}
        found |= self._believed(cuts, turns, scores, encodings)
        return [found.get(i) for i in range(len(turns))]

    def _believed(
        self,
        cuts: Mapping[int, Sequence[Halves]],
        turns: Sequence[Words],
        scores: Sequence[Scores | None],
        encodings: Sequence[Encoding | None],
    ) -> dict[int, Pair]:
        """By turn, what the halves of its best cut mean, where that is believed."""
        looked = self.glance(cuts, turns, encodings)
        found = {i: seen for i, look in looked.items() if (seen := self._belief(look.best, scores[i], SURE))}
        unsure = {i: look.clearest for i, look in looked.items() if i not in found}
        chances, done = self._chances([(half, turns[i]) for i in unsure for cut in unsure[i] for half in cut]), 0
        for i, mine in unsure.items():
            read = chances[done : done + 2 * len(mine)]
            done += len(read)
            if pair := self._belief(best_cut(read[::2], read[1::2]), scores[i], CLEAR):
                found[i] = pair
        return found

    def _belief(self, cut: Cut | None, scores: Scores | None, least: float) -> Pair | None:
        """What a cut's halves mean, where they are so likely at least, and likelier than one wish."""
        if cut is None or scores is None or cut.likelihood < least:
            return None
        calibration = self.scorer.parts.checkpoint.calibration
        both = float(sigmoid(np.asarray(scores.several - calibration.several)))
        whole = float(softmax(scores.intents / calibration.intent_temperature).max())
        return cut.pair if both * cut.likelihood > (1 - both) * whole else None

    def glance(
        self, cuts: Mapping[int, Sequence[Halves]], turns: Sequence[Words], encodings: Sequence[Encoding | None]
    ) -> dict[int, Look]:
        """What the token vectors of each turn, read whole, say about its cuts.

        Args:
            cuts: by turn; first halves begin the turn's text, second ones end it.
            turns, encodings: as of `pairs`.
        """
        means, places = [], []
        for i, mine in cuts.items():
            encoding, length = encodings[i], len(turns[i].text)
            if encoding is None:
                continue
            starts, ends = np.array(encoding.spans).reshape(-1, 2).T
            for k, (first, second) in enumerate(mine):
                before, after = ends <= len(first), starts >= length - len(second)
                if before.any() and after.any():
                    means += [encoding.vectors[before].mean(axis=0), encoding.vectors[after].mean(axis=0)]
                    places.append((i, k))
        chances = self._glanced(np.stack(means)) if means else np.zeros((0, 1))
        looks = {}
        for i, mine in cuts.items():
            rows = [row for row, place in enumerate(places) if place[0] == i]
            firsts, seconds = chances[::2][rows], chances[1::2][rows]
            order = [places[rows[k]][1] for k in np.argsort(-worths(firsts, seconds), kind="stable")]
            rest = [k for k in range(len(mine)) if k not in order]
            looks[i] = Look(best_cut(firsts, seconds), [mine[k] for k in [*order, *rest][:SHORTLIST]])
        return looks

    def _glanced(self, vectors: FloatArray) -> FloatArray:
        """Chances of each intent (n, intents) by mean vectors alone, which is the fusion without its attention."""
        checkpoint, device = self.scorer.parts.checkpoint, self.scorer.parts.device
        with torch.inference_mode():
            pooled = checkpoint.model.fusion.shortcut["text"](torch.from_numpy(vectors).to(device))
            intents = checkpoint.model.read(pooled, {}).intents.float().cpu().numpy()
        return softmax(intents / checkpoint.calibration.intent_temperature)

    def _chances(self, halves: Sequence[tuple[str, Words]]) -> FloatArray:
        """Chances of each intent (n, intents) of parts of turns, by their words alone; zeros where nothing is read."""
        checkpoint = self.scorer.parts.checkpoint
        nothing = np.zeros(len(checkpoint.model.labels.intents))
        if not halves:
            return nothing[None][:0]
        typed = [0 if words.spoken else len(half) for half, words in halves]
        encodings = self.scorer.encoded([half for half, _ in halves], typed)
        scores = self.scorer.scores([{"text": encoding} for encoding in encodings])
        temperature = checkpoint.calibration.intent_temperature
        return np.stack([nothing if found is None else softmax(found.intents / temperature) for found in scores])
