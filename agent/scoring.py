"""Texts and encodings to raw scores: spelled, encoded, fused in batches of like length."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch

from agent.crf import FloatArray, Transitions
from agent.fusion import ModalityBatch, collate
from agent.heads import Logits
from agent.parts import Parts
from agent.words_graph import WordsModel
from modalities.spelling import Corrected
from modalities.text import CPU_PADDED, DEVICE_PADDED, autocast, batches
from modalities.types import Encoding

FUSED_CPU, FUSED_DEVICE = 64, 1024
"""Turns that share a forward pass of the fusion, on a CPU and on a CUDA device."""

READINGS = 8
"""Ways to put typed words right that are followed up (docs/experiments.md)."""
UNLIKELY = 0.03
"""Chance below which another of them is left aside."""
AS_TYPED = 0.1
"""What mistyped words as they stand count for, beside the ways to put them right."""
HEARINGS = 6
"""Ways to hear a recording that are followed up."""
OTHER_HEARINGS = 0.5
"""What the other hearings of a recording count for together where the engine does not tell their chances."""


@dataclass(frozen=True, eq=False)
class Scores:
    """Raw scores of one turn, as `agent.heads.Logits` has them of a batch; tags (n, number of tags), n padded."""

    intents: FloatArray
    out_of_scope: float
    several: float
    sentiment: FloatArray
    tags: Mapping[str, FloatArray]


@dataclass(frozen=True)
class Words:
    """The words of a turn.

    Attributes:
        text: typed, then heard.
        typed: how many characters were typed.
        spoken: whether any were heard.
        others: other texts that may have been said, likeliest first.
        chances: of the words heard and of each of the others; empty where nobody knows.
    """

    text: str
    typed: int
    spoken: bool
    others: tuple[str, ...] = ()
    chances: tuple[float, ...] = ()

    def hearings(self) -> tuple[float, list[tuple[str, float]]]:
        """The chance of the text, and the others that are followed up with theirs."""
        others = self.others[: HEARINGS - 1]
        shares = self.chances[: 1 + len(others)] or (
            1 - OTHER_HEARINGS * bool(others),
            *(OTHER_HEARINGS / len(others) for _ in others),
        )
        best, *rest = (share / sum(shares) for share in shares)
        return best, list(zip(others, rest, strict=True))


@dataclass(frozen=True, eq=False)
class Reading:
    """One way to read the words of a turn, and the chance that it is what was meant."""

    encoding: Encoding
    chance: float


class Scorer:
    """Scores turns with the models of a stack."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    @cached_property
    def _words(self) -> WordsModel | None:
        """What words alone are scored with where a stack asks for speed on a CPU; None where torch does it."""
        model, parts = self.parts.checkpoint.model, self.parts
        if parts.precision != "int8" or "text" not in model.fusion.project:
            return None
        return WordsModel(model, parts.settings.threads)

    @cached_property
    def transitions(self) -> Transitions:
        """What follows what among tags."""
        return self.parts.checkpoint.model.crf.transitions()

    def readings(self, turns: Sequence[Words]) -> list[list[Reading]]:
        """The ways to read each turn's words, best first, with their chances.

        Those who mistype and those who are misheard have others: what else may have been meant (`Speller.readings`),
        the words as typed, what else may have been said. Spans of the best point into the text as it came.
        """
        speller = self.parts.speller
        found: list[list[tuple[Corrected, float]]] = []
        for words in turns:
            ways = [(Corrected(words.text), 1.0)]
            if speller is not None and words.typed:
                ways = speller.readings(words.text, words.typed, READINGS)
                ways = [ways[0], *((way, chance) for way, chance in ways[1:] if chance >= UNLIKELY)]
                if ways[0][0].changes:
                    ways = [(way, chance * (1 - AS_TYPED)) for way, chance in ways]
                    ways.append((Corrected(words.text), AS_TYPED))
            best, others = words.hearings()
            ways = [(way, chance * best) for way, chance in ways]
            found.append([*ways, *((Corrected(other), chance) for other, chance in others)])
        encodings = iter(self.parts.text.encode([way.text for ways in found for way, _ in ways]))
        return [[Reading(_placed(next(encodings), way), chance) for way, chance in ways] for ways in found]

    def mixed(self, best: Scores, others: Sequence[Scores], chances: Sequence[float]) -> Scores:
        """Scores of one turn over all its readings: their means, weighted by chance; tags are those of the best.

        The mean of scores is the logarithmic opinion pool (Genest & Zidek 1986): an intent that one reading rules out
        is not made up for by another.

        Args:
            best: of the best reading.
            others: of the rest.
            chances: of all, the best's first.
        """
        if not others:
            return best
        weights, every = np.array(chances, np.float32), [best, *others]
        return replace(
            best,
            intents=weights @ np.stack([scores.intents for scores in every]),
            out_of_scope=float(weights @ [scores.out_of_scope for scores in every]),
            several=float(weights @ [scores.several for scores in every]),
            sentiment=weights @ np.stack([scores.sentiment for scores in every]),
        )

    def encoded(self, texts: Sequence[str], typed: Sequence[int]) -> list[Encoding]:
        """Encode texts, the first `typed` characters put right first; spans point into the texts as they came."""
        speller = self.parts.speller
        if speller is None:
            return self.parts.text.encode(texts)
        meant = [speller.correct(text, until) for text, until in zip(texts, typed, strict=True)]
        encodings = self.parts.text.encode([found.text for found in meant])
        return [_placed(encoding, found) for encoding, found in zip(encodings, meant, strict=True)]

    def scores(self, turns: Sequence[Mapping[str, Encoding]]) -> list[Scores | None]:
        """Scores of each turn's encodings, None where there is nothing to read."""
        found: list[Scores | None] = [None] * len(turns)
        size, padded = (FUSED_CPU, CPU_PADDED) if self.parts.device == "cpu" else (FUSED_DEVICE, DEVICE_PADDED)
        some = [i for i, encodings in enumerate(turns) if any(map(len, encodings.values()))]
        lengths = [sum(map(len, turns[i].values())) for i in some]
        for batch in batches(lengths, size, padded):
            rows = [some[k] for k in batch]
            together = [turns[i] for i in rows]
            names = {name for encodings in together for name in encodings}
            logits = self.run({name: collate([e.get(name) for e in together], self.parts.device) for name in names})
            for i, scored in zip(rows, _rows(logits) if logits is not None else (), strict=False):
                found[i] = scored
        return found

    def run(self, given: Mapping[str, ModalityBatch | None]) -> Logits | None:
        """Scores of a batch; None where the model knows none of its modalities."""
        model = self.parts.checkpoint.model
        inputs = {name: batch for name, batch in given.items() if batch is not None and name in model.fusion.project}
        if not inputs:
            return None
        with torch.inference_mode(), autocast(self.parts.device, self.parts.precision):
            quick = self._words if inputs.keys() == {"text"} else None
            logits: Logits = quick(inputs["text"]) if quick is not None else model(inputs)
        return logits


def _placed(encoding: Encoding, found: Corrected) -> Encoding:
    """An encoding of a text put right, with spans into the text as it came."""
    if not found.changes:
        return encoding
    return replace(encoding, spans=tuple(found.original(a, b) for a, b in encoding.spans))


def _rows(logits: Logits) -> Iterator[Scores]:
    """A batch's scores, row by row; one copy off the device serves all rows."""
    tags = {name: _numpy(scores) for name, scores in logits.tags.items()}
    intents, sentiment = _numpy(logits.intents), _numpy(logits.sentiment)
    scope, several = logits.out_of_scope.tolist(), logits.several.tolist()
    for row in range(len(intents)):
        mine = {name: found[row] for name, found in tags.items()}
        yield Scores(intents[row], scope[row], several[row], sentiment[row], mine)


def _numpy(tensor: torch.Tensor) -> FloatArray:
    array: FloatArray = tensor.float().cpu().numpy()
    return array
