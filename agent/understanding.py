"""Turns to Understandings: hear, see, read, fuse, decode. Takes a batch; knows nothing of dialogue.

The stages, in order, are the methods of `Understander.understand`.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from agent.clauses import CLEAR, MOST_CHARACTERS, Cut, at_gaps, at_joints, best_cut
from agent.clock import Clock
from agent.decode import FloatArray, Pair, Span, decode_intents, decode_tags, sigmoid, softmax
from agent.entities import Recognizers, merge
from agent.evidence import Given, evidence_for
from agent.fusion import ModalityBatch, collate
from agent.heads import Logits
from agent.ids import id_finds
from agent.names import Names
from agent.parts import Parts
from agent.receipts import read_receipt
from agent.secrets import concealed
from agent.sight import codes, kind_of
from agent.types import Entity, Photo, Sentiment, Turn, Understanding
from modalities.speech.written import to_written
from modalities.text import autocast
from modalities.types import Barcode, Encoding, TextLine, Transcript, join_lines

logger = logging.getLogger(__name__)

MAX_CHARACTERS = 4_000
"""Characters of one message that are read; a message is rarely over 300."""

MAX_LINES = 160
"""Lines of one photo that are read by the fusion; a long till receipt has about 100."""

FUSED_CPU, FUSED_DEVICE = 32, 1024
"""Turns that share a forward pass of the fusion, on a CPU and on a CUDA device."""

PRINTED = ("receipt", "other")
"""Photo kinds whose print is read; a product's own print would cost a second and say little."""

_UNSAYABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


@dataclass
class _Work:
    """One turn on its way through the stages."""

    turn: Turn
    text: str = ""
    typed: int = 0
    transcript: Transcript | None = None
    lines: tuple[TextLine, ...] = ()
    barcodes: tuple[Barcode, ...] = ()
    encodings: dict[str, Encoding] = field(default_factory=dict)
    photo: Photo | None = None

    @property
    def vectors(self) -> int:
        """How many vectors the fusion gets."""
        return sum(map(len, self.encodings.values()))


@dataclass(frozen=True, eq=False)
class _Scores:
    """Raw scores of one turn, as `agent.heads.Logits` has them of a batch; tags (n, number of tags), n padded."""

    intents: FloatArray
    out_of_scope: float
    several: float
    sentiment: FloatArray
    tags: Mapping[str, FloatArray]


class Understander:
    """Understands batches of turns with the models of a stack."""

    def __init__(
        self, parts: Parts, catalogue: Names | None = None, today: Callable[[], dt.date] = dt.date.today
    ) -> None:
        self.parts = parts
        self.recognizers = Recognizers(parts.pack, catalogue, today)

    def understand(self, turns: Sequence[Turn], *, explain: bool = False) -> list[Understanding]:
        """Understand turns, each on its own; results in the same order. `explain` adds the evidence."""
        clock = Clock()
        works = [_Work(turn) for turn in turns]
        with clock("hear"):
            self._hear(works)
        with clock("see"):
            self._see(works)
        with clock("encode"):
            self._encode(works)
        with clock("fuse"):
            scores = self._fuse(works)
        with clock("split"):
            pairs = self._pairs(works, scores)
        with clock("decode"):
            results = [self._decode(*given) for given in zip(works, scores, pairs, strict=True)]
        if explain:
            with clock("explain"):
                results = [self._explained(work, result) for work, result in zip(works, results, strict=True)]
        timings = {name: value / max(1, len(turns)) for name, value in clock.milliseconds.items()}
        types = self.recognizers.types
        return [concealed(replace(result, timings_ms=timings), types) for result in results]

    def _hear(self, works: Sequence[_Work]) -> None:
        spoken = [work for work in works if work.turn.audio is not None]
        if spoken:
            from modalities.speech.base import listen

            recordings = [work.turn.audio for work in spoken if work.turn.audio is not None]
            for work, transcript in zip(
                spoken, listen(self.parts.speech, self.parts.segmenter, recordings), strict=True
            ):
                work.transcript = transcript
            self._listen_to_manner(spoken)
        for work in works:
            typed, heard = clean(work.turn.text or ""), work.transcript.text if work.transcript else ""
            work.text, work.typed = "\n".join(text for text in (typed, heard) if text), len(typed)

    def _listen_to_manner(self, works: Sequence[_Work]) -> None:
        """How it was said, for checkpoints that were trained with recordings."""
        if "speech" not in self.parts.checkpoint.model.fusion.project:
            return
        from modalities.prosody import Prosody

        for work in works:
            if work.turn.audio is not None and len(manner := Prosody().encode(work.turn.audio)):
                work.encodings["speech"] = manner

    def _see(self, works: Sequence[_Work]) -> None:
        shown = [work for work in works if work.turn.image is not None]
        if not shown:
            return
        from modalities.image import problem
        from modalities.ocr import read_barcodes

        model, device = self.parts.checkpoint.model, self.parts.device
        images = [work.turn.image for work in shown if work.turn.image is not None]
        for work, image, encoding in zip(shown, images, self.parts.vision.encode(images), strict=True):
            work.encodings["image"] = encoding
            work.barcodes = read_barcodes(image)
            work.photo = replace(kind_of(encoding, model, device), problem=problem(image))
            if work.photo.kind in PRINTED or work.photo.kind_confidence < 0.8:
                work.lines = self.parts.reader.read(image)

    def _encode(self, works: Sequence[_Work]) -> None:
        encodings = self._encoded([work.text for work in works], [work.typed for work in works])
        for work, encoding in zip(works, encodings, strict=True):
            if len(encoding):
                work.encodings["text"] = encoding
        for work in works:
            if work.lines and "ocr" in self.parts.checkpoint.encoders:
                work.encodings["ocr"] = self.parts.text.encode_lines(work.lines[:MAX_LINES])

    def _encoded(self, texts: Sequence[str], typed: Sequence[int]) -> list[Encoding]:
        """Encode texts, the first `typed` characters put right first; spans point into the texts as they came."""
        speller = self.parts.speller
        if speller is None:
            return self.parts.text.encode(texts)
        meant = [speller.correct(text, until) for text, until in zip(texts, typed, strict=True)]
        encodings = self.parts.text.encode([found.text for found in meant])
        return [
            replace(encoding, spans=tuple(found.original(a, b) for a, b in encoding.spans))
            if found.changes
            else encoding
            for encoding, found in zip(encodings, meant, strict=True)
        ]

    def _fuse(self, works: Sequence[_Work]) -> list[_Scores | None]:
        """Scores of each turn, None where there is nothing to read; turns of like length share a forward pass."""
        scores: list[_Scores | None] = [None] * len(works)
        size = FUSED_CPU if self.parts.device == "cpu" else FUSED_DEVICE
        order = sorted((i for i, work in enumerate(works) if work.encodings), key=lambda i: works[i].vectors)
        for first in range(0, len(order), size):
            rows = order[first : first + size]
            together = [works[i].encodings for i in rows]
            names = {name for encodings in together for name in encodings}
            logits = self._run({name: collate([e.get(name) for e in together], self.parts.device) for name in names})
            for i, scored in zip(rows, _rows(logits) if logits is not None else (), strict=False):
                scores[i] = scored
        return scores

    def _run(self, batches: Mapping[str, ModalityBatch | None]) -> Logits | None:
        model = self.parts.checkpoint.model
        inputs = {name: batch for name, batch in batches.items() if batch is not None and name in model.fusion.project}
        if not inputs:
            return None
        with torch.inference_mode(), autocast(self.parts.device, self.parts.precision):
            logits: Logits = model(inputs)
        return logits

    def _pairs(self, works: Sequence[_Work], scores: Sequence[_Scores | None]) -> list[Pair | None]:
        """What turns of several wishes mean, read in halves; None where one wish is likelier, or no cut is clear."""
        pairs: list[Pair | None] = [None] * len(works)
        for cut in (at_joints, at_gaps):
            found = {
                i: cut(work.text)
                for i, (work, scored) in enumerate(zip(works, scores, strict=True))
                if pairs[i] is None and scored is not None and scored.several > 0 and len(work.text) <= MOST_CHARACTERS
            }
            chances = iter(self._chances([(half, works[i]) for i in found for halves in found[i] for half in halves]))
            for i, cuts in found.items():
                rows = np.array([next(chances) for _ in range(2 * len(cuts))])
                pairs[i] = self._believed(best_cut(rows[::2], rows[1::2]), scores[i])
        return pairs

    def _chances(self, halves: Sequence[tuple[str, _Work]]) -> FloatArray:
        """Chances of each intent (n, intents) of parts of turns, by their words alone."""
        size = len(self.parts.checkpoint.model.labels.intents)
        texts = [half for half, _ in halves]
        encodings = self._encoded(texts, [len(half) if work.transcript is None else 0 for half, work in halves])
        logits = self._run({"text": collate(encodings, self.parts.device)}) if texts else None
        if logits is None:
            return np.zeros((len(texts), size))
        return softmax(_numpy(logits.intents) / self.parts.checkpoint.calibration.intent_temperature)

    def _believed(self, cut: Cut | None, scores: _Scores | None) -> Pair | None:
        """The halves' meanings where they are clear, and likelier than one wish."""
        if cut is None or scores is None or cut.likelihood < CLEAR:
            return None
        whole = softmax(scores.intents / self.parts.checkpoint.calibration.intent_temperature).max()
        both = sigmoid(np.asarray(scores.several))
        return cut.pair if both * cut.likelihood > (1 - both) * whole else None

    def _decode(self, work: _Work, scores: _Scores | None, pair: Pair | None) -> Understanding:
        blank = Understanding(text=work.text, transcript=work.transcript, image=work.photo)
        if scores is None:
            return blank
        checkpoint = self.parts.checkpoint
        labels = checkpoint.model.labels
        intents, wanted, outside, verdict = decode_intents(
            scores.intents, scores.out_of_scope, scores.several, labels, checkpoint.calibration, pair
        )
        mood = softmax(scores.sentiment)
        sentiment = Sentiment(labels.sentiments[int(mood.argmax())], float(mood[2] - mood[0]))
        photo, printed = self._read_photo(work, scores)
        words = self._words(work, self._spans(work, scores, "text", work.text))
        return replace(
            blank, intents=intents, wanted=wanted, entities=words + printed, verdict=verdict, out_of_scope=outside,
            sentiment=sentiment, image=photo,
        )  # fmt: skip

    def _explained(self, work: _Work, result: Understanding) -> Understanding:
        """With what carried the first intent."""
        if not result.intents:
            return result
        model, intent = self.parts.checkpoint.model, result.intents[0].name
        typed = work.typed if work.transcript is None else 0
        column, device = model.labels.intents.index(intent), torch.device(self.parts.device)

        def score(inputs: Mapping[str, ModalityBatch]) -> torch.Tensor:
            logits = self._run({name: batch.to(device) for name, batch in inputs.items()})
            if logits is None:
                raise ValueError(f"the model knows none of {sorted(inputs)!r}")
            return logits.intents[:, column].float().cpu()

        encodings = {name: found for name, found in work.encodings.items() if name in model.fusion.project}
        given = Given(work.text, work.lines[:MAX_LINES], encodings)
        return replace(
            result,
            evidence=evidence_for(given, intent, score, lambda texts: self._encoded(texts, [typed] * len(texts))),
        )

    def _spans(self, work: _Work, scores: _Scores, name: str, text: str) -> list[Span]:
        encoding = work.encodings.get(name)
        if encoding is None or name not in scores.tags:
            return []
        return decode_tags(scores.tags[name][: len(encoding)], encoding.spans, self.parts.checkpoint.model.labels, text)

    def _words(self, work: _Work, spans: Sequence[Span]) -> tuple[Entity, ...]:
        tagged = self.recognizers.tagged(work.text, spans)
        found = merge([*tagged, *self.recognizers.find(work.text)])
        if work.transcript is None or not work.transcript.alternatives:
            return found
        return tuple(self._reheard(entity, work.transcript.alternatives) for entity in found)

    def _reheard(self, entity: Entity, alternatives: Sequence[str]) -> Entity:
        """An id whose check digit is wrong, as another hearing has it where that one's check digit is right."""
        kind = self.recognizers.types[entity.type]
        if not kind.checksum or entity.source == "checksum":
            return entity
        for text in alternatives:
            for find in id_finds(kind, to_written(text).text):
                if find.source == "checksum":
                    return replace(entity, value=find.value, source="checksum", confidence=0.7)
        return entity

    def _read_photo(self, work: _Work, scores: _Scores) -> tuple[Photo | None, tuple[Entity, ...]]:
        if work.photo is None:
            return None, ()
        photo = replace(work.photo, lines=work.lines, barcodes=work.barcodes)
        text = join_lines(work.lines)
        found = codes(text, work.barcodes, self.recognizers.types.values())
        if photo.kind == "receipt" and work.lines:
            fields = read_receipt(work.lines, self._spans(work, scores, "ocr", text))
            photo = replace(photo, receipt=fields.receipt)
            found = [*found, *fields.entities]
        return photo, tuple(found)


def clean(text: str) -> str:
    """A message without control and direction characters, cut to what is read."""
    return _UNSAYABLE.sub(" ", text[: 2 * MAX_CHARACTERS])[:MAX_CHARACTERS].strip()


def _rows(logits: Logits) -> Iterator[_Scores]:
    """A batch's scores, row by row; one copy off the device serves all rows."""
    tags = {name: _numpy(scores) for name, scores in logits.tags.items()}
    plain = (logits.intents, logits.out_of_scope, logits.several, logits.sentiment)
    for row, (intents, scope, several, mood) in enumerate(zip(*map(_numpy, plain), strict=True)):
        yield _Scores(intents, float(scope), float(several), mood, {name: found[row] for name, found in tags.items()})


def _numpy(tensor: torch.Tensor) -> FloatArray:
    array: FloatArray = tensor.float().cpu().numpy()
    return array
