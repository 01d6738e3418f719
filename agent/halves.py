"""Turns of several wishes, read in halves: which cut, and what each half means.

A turn has about as many cuts as words. The token vectors that are there already tell roughly what the halves of each
would mean; only the most promising cuts are encoded anew, each half on its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from agent.clauses import CLEAR, Halves, at_gaps, at_joints, best_cut, worths
from agent.decode import FloatArray, Pair, sigmoid, softmax
from agent.scoring import Scorer, Scores, Words
from modalities.types import Encoding

SHORTLIST = 2
"""Cuts of a turn that are read in full (docs/experiments.md)."""


@dataclass(frozen=True)
class Doubt:
    """What two wishes have to overcome: the chances that there are two, and of the one that is likeliest alone."""

    both: float
    whole: float

    def overcome(self, likelihood: float) -> bool:
        """Whether halves that are so likely together are clear, and likelier than one wish."""
        return likelihood >= CLEAR and self.both * likelihood > (1 - self.both) * self.whole


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
        chosen = self.shortlist(cuts, turns, encodings)
        halves = [(half, turns[i]) for i in chosen for cut in chosen[i] for half in cut]
        chances, done = self._chances(halves), 0
        found = {}
        for i, mine in chosen.items():
            read = chances[done : done + 2 * len(mine)]
            done += len(read)
            scored, cut = scores[i], best_cut(read[::2], read[1::2])
            if scored is not None and cut is not None and self._doubt(scored).overcome(cut.likelihood):
                found[i] = cut.pair
        return found

    def shortlist(
        self, cuts: Mapping[int, Sequence[Halves]], turns: Sequence[Words], encodings: Sequence[Encoding | None]
    ) -> dict[int, list[Halves]]:
        """The cuts of each turn whose halves look clearest in its token vectors, clearest first.

        Args:
            cuts: by turn; first halves begin the turn's text, second ones end it.
            turns, encodings: as of `pairs`.
        """
        means, places = [], []
        for i, mine in cuts.items():
            encoding, length = encodings[i], len(turns[i].text)
            if encoding is None or len(mine) <= SHORTLIST:
                continue
            starts, ends = np.array(encoding.spans).reshape(-1, 2).T
            for k, (first, second) in enumerate(mine):
                before, after = ends <= len(first), starts >= length - len(second)
                if before.any() and after.any():
                    means += [encoding.vectors[before].mean(axis=0), encoding.vectors[after].mean(axis=0)]
                    places.append((i, k))
        chances = self._glance(np.stack(means)) if means else np.zeros((0, 1))
        clear = dict(zip(places, worths(chances[::2], chances[1::2]).tolist(), strict=True))
        best = {i: sorted(range(len(cuts[i])), key=lambda k: -clear.get((i, k), 0.0))[:SHORTLIST] for i in cuts}
        return {i: [cuts[i][k] for k in ks] for i, ks in best.items()}

    def _glance(self, vectors: FloatArray) -> FloatArray:
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

    def _doubt(self, scores: Scores) -> Doubt:
        calibration = self.scorer.parts.checkpoint.calibration
        whole = softmax(scores.intents / calibration.intent_temperature).max()
        return Doubt(float(sigmoid(np.asarray(scores.several - calibration.several))), float(whole))
