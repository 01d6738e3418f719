"""Which words, lines of print and parts of a photo carried a decision.

Everything is measured on the model's own score for one intent, by taking things away (feature ablation, Zeiler &
Fergus 2014, arXiv:1311.2901, through `captum`), so it holds for any encoder and needs no gradients:

1. What each source (words, print, photo) gives is its Shapley value among those present (Shapley 1953): at most
   eight combinations.
2. Words are masked in the fusion, which is cheap and finds the weighty ones. Since a word's vector knows its
   neighbours, those are then cut out of the text, each on its own, and the text encoded anew: what falls counts.
3. A part of the photo is masked, and also left alone; the mean of the fall and the rise counts. A line of print is
   only left alone: a receipt has a hundred, and repeats itself.
4. A source's value is shared out among its units by their effects.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any, get_args

import torch
from torch import Tensor

from agent.errors import MissingPartError
from agent.fusion import ModalityBatch, collate
from agent.types import Evidence, EvidenceSource
from modalities.types import Box, Encoding, TextLine, join_lines

if TYPE_CHECKING:
    from captum.attr import FeatureAblation, ShapleyValues

SHOWN = 8
"""Pieces of evidence of one turn; the rest stand near zero."""

CUT_OUT = 6
"""Words whose text is encoded anew without them: each costs as much as the turn's own encoding."""

MOST_WORDS = 24
"""Units the words of a turn are measured in; a longer text is measured in runs of words."""

Score = Callable[[Mapping[str, ModalityBatch]], Tensor]
"""A batch of turns to the raw score of one intent, shape (batch,). A modality of a row may have no vectors."""

Encode = Callable[[Sequence[str]], Sequence[Encoding]]

_WORD = re.compile(r"\w(?:\S*\w)?")
_SOURCES: tuple[EvidenceSource, ...] = get_args(EvidenceSource)


@dataclass(frozen=True)
class _Unit:
    """A piece of a turn that is taken away whole, and which vectors of its modality it is."""

    source: EvidenceSource
    vectors: tuple[int, ...]
    text: str | None = None
    start: int | None = None
    end: int | None = None
    box: Box | None = None


@dataclass(frozen=True, eq=False)
class Given:
    """One turn as the fusion gets it.

    Attributes:
        text: the words.
        lines: the print of the photo.
        encodings: by modality; those that evidence does not know are left out of the measurements.
    """

    text: str
    lines: Sequence[TextLine]
    encodings: Mapping[str, Encoding]


def evidence_for(given: Given, intent: str, score: Score, encode: Encode) -> tuple[Evidence, ...]:
    """What spoke for and against an intent, weightiest first, at most `SHOWN`; absolute weights add to 1.

    Args:
        given: the turn.
        intent: whose score it is.
        score: the model.
        encode: the text encoder.

    Raises:
        MissingPartError: `captum` is not installed.
    """
    units = {source: found for source in _SOURCES if (found := _units(given, source))}
    if not units:
        return ()
    values = _source_values({source: given.encodings[source] for source in units}, score)
    weighed = []
    for source, found in units.items():
        effects = _effects(found, given, score, encode)
        whole = sum(map(abs, effects)) or 1.0
        weighed += [(abs(values[source]) * e / whole, unit) for e, unit in zip(effects, found, strict=True)]
    kept = sorted((pair for pair in weighed if pair[0]), key=lambda pair: -abs(pair[0]))[:SHOWN]
    whole = sum(abs(weight) for weight, _ in kept)
    return tuple(Evidence(u.source, intent, w / whole, u.text, u.start, u.end, u.box) for w, u in kept)


def _units(given: Given, source: EvidenceSource) -> list[_Unit]:
    """What a source is cut into; nothing that has no vector."""
    encoding = given.encodings.get(source)
    if encoding is None:
        return []
    if source == "image":
        return [_Unit("image", (i,), box=box) for i, box in enumerate(encoding.boxes)]
    if source == "text":
        words = [found.span() for found in _WORD.finditer(given.text)] or [(0, len(given.text))]
        cut = [_unit(source, given.text, span, encoding) for span in _runs(words, MOST_WORDS)]
    else:
        text, ends = join_lines(given.lines), list(accumulate(len(line.text) + 1 for line in given.lines))
        spans = [(end - 1 - len(line.text), end - 1) for line, end in zip(given.lines, ends, strict=True)]
        cut = [_unit(source, text, span, encoding, line.box) for line, span in zip(given.lines, spans, strict=True)]
    return [unit for unit in cut if unit.vectors]


def _unit(
    source: EvidenceSource, text: str, span: tuple[int, int], encoding: Encoding, box: Box | None = None
) -> _Unit:
    start, end = span
    inside = tuple(i for i, (a, b) in enumerate(encoding.spans) if a < end and start < b)
    return _Unit(source, inside, text[start:end], start, end, box)


def _runs(spans: Sequence[tuple[int, int]], most: int) -> list[tuple[int, int]]:
    """Neighbours joined, as many together as it takes for there to be at most `most`."""
    size = -(-len(spans) // most)
    return [(spans[i][0], spans[min(i + size, len(spans)) - 1][1]) for i in range(0, len(spans), size)]


def _source_values(encodings: Mapping[str, Encoding], score: Score) -> dict[str, float]:
    """The Shapley value of each source."""
    count = len(encodings)
    table = torch.tensor([[row >> i & 1 for i in range(count)] for row in range(2**count)], dtype=torch.bool)
    scores = score(
        {name: _batch(e, table[:, i : i + 1].expand(-1, len(e))) for i, (name, e) in enumerate(encodings.items())}
    )
    places = 2.0 ** torch.arange(count)
    method: ShapleyValues = _captum().ShapleyValues(lambda kept: scores[(kept @ places).long()])
    values = method.attribute(torch.ones(1, count), baselines=0, perturbations_per_eval=count)
    return dict(zip(encodings, values[0].tolist(), strict=True))


def _effects(units: Sequence[_Unit], given: Given, score: Score, encode: Encode) -> list[float]:
    """What each unit of one source does to the score, the other sources away."""
    source = units[0].source
    encoding = given.encodings[source]
    owner = torch.zeros(len(units), len(encoding))
    for row, unit in enumerate(units):
        owner[row, list(unit.vectors)] = 1.0

    def masked(kept: Tensor) -> Tensor:
        return score({source: _batch(encoding, kept @ owner > 0)})

    if source == "text":
        order = range(len(units)) if len(units) <= CUT_OUT else _by_size(_falls(masked, len(units)))
        return _cut_out(units, order[:CUT_OUT], given, score, encode)
    if source == "ocr":
        return _rises(masked, len(units))
    both = zip(_falls(masked, len(units)), _rises(masked, len(units)), strict=True)
    return [(fall + rise) / 2 for fall, rise in both]


def _by_size(effects: Sequence[float]) -> Sequence[int]:
    return sorted(range(len(effects)), key=lambda i: -abs(effects[i]))


def _cut_out(units: Sequence[_Unit], chosen: Sequence[int], given: Given, score: Score, encode: Encode) -> list[float]:
    """How the score falls when each of the chosen words is not in the text at all; 0 for the other words."""
    shorter = encode([given.text[: units[i].start] + given.text[units[i].end :] for i in chosen])
    batch = collate([given.encodings["text"], *shorter])
    scores = score({"text": batch} if batch is not None else {})
    numbers = torch.arange(1.0, len(chosen) + 1)
    falls = _falls(lambda kept: scores[((1 - kept) @ numbers).long()], len(chosen))
    found = dict(zip(chosen, falls, strict=True))
    return [found.get(i, 0.0) for i in range(len(units))]


def _falls(forward: Callable[[Tensor], Tensor], count: int) -> list[float]:
    """How far the score falls as each unit is taken from all of them."""
    return _ablated(forward, torch.ones(1, count), 0.0)


def _rises(forward: Callable[[Tensor], Tensor], count: int) -> list[float]:
    """How far the score rises as each unit is added to none."""
    return [-effect for effect in _ablated(forward, torch.zeros(1, count), 1.0)]


def _ablated(forward: Callable[[Tensor], Tensor], kept: Tensor, other: float) -> list[float]:
    method: FeatureAblation = _captum().FeatureAblation(forward)
    effects: Tensor = method.attribute(kept, baselines=other, perturbations_per_eval=kept.shape[1])
    values: list[float] = effects[0].tolist()
    return values


def _batch(encoding: Encoding, kept: Tensor) -> ModalityBatch:
    """Rows of one modality with only some of its vectors: `kept` is (rows, vectors)."""
    longest = max(1, int(kept.sum(dim=1).max()))
    order = kept.int().argsort(dim=1, descending=True, stable=True)[:, :longest]
    boxes = torch.tensor(encoding.boxes, dtype=torch.float32)[order] if encoding.boxes else None
    capitals = torch.tensor(encoding.capitals)[order] if encoding.capitals else None
    return ModalityBatch(torch.from_numpy(encoding.vectors)[order], kept.gather(1, order), boxes, capitals)


def _captum() -> Any:
    try:
        import captum.attr
    except ImportError as error:
        raise MissingPartError("evidence needs the package captum: pip install captum") from error
    return captum.attr
