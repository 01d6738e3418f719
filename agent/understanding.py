"""Turns to Understandings: hear, see, read, fuse, decode. Takes a batch; knows nothing of dialogue.

The stages, in order, are the methods of `Understander.understand`.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from agent.clock import Clock
from agent.decode import Pair, Span, Tagged, decode_rows, decode_tags, softmax
from agent.entities import Recognizers, merge
from agent.evidence import Given, evidence_for
from agent.fusion import ModalityBatch
from agent.halves import HalfReader
from agent.ids import id_finds
from agent.names import Names
from agent.parts import Parts
from agent.receipts import read_receipt
from agent.scoring import Reading, Scorer, Scores, Words
from agent.secrets import concealed
from agent.sight import by_print, codes, kind_of, may_be_receipt
from agent.types import Entity, Photo, Receipt, Sentiment, Turn, Understanding
from modalities.speech.written import to_written
from modalities.types import Barcode, Encoding, TextLine, Transcript, join_lines

logger = logging.getLogger(__name__)

MAX_CHARACTERS = 4_000
"""Characters of one message that are read; a message is rarely over 300."""

MAX_LINES = 160
"""Lines of one photo that are read by the fusion; a long till receipt has about 100."""

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
    readings: Sequence[Reading] = ()
    photo: Photo | None = None

    @property
    def words(self) -> Words:
        """The words, which of them were typed, and what else may have been said."""
        if self.transcript is None or self.typed:
            return Words(self.text, self.typed, self.transcript is not None)
        return Words(self.text, 0, True, self.transcript.alternatives, self.transcript.chances)


class Understander:
    """Understands batches of turns with the models of a stack."""

    def __init__(
        self, parts: Parts, catalogue: Names | None = None, today: Callable[[], dt.date] = dt.date.today
    ) -> None:
        self.parts = parts
        self.scorer = Scorer(parts)
        self.halves = HalfReader(self.scorer)
        self.recognizers = Recognizers(parts.pack, catalogue, today)

    def understand(self, turns: Sequence[Turn], *, explain: bool = False) -> list[Understanding]:
        """Understand turns, each on its own; results in the same order. `explain` adds the evidence."""
        clock, timings = Clock(), dict[str, float]()
        works = [_Work(turn, transcript=turn.transcript) for turn in turns]
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
            results = self._decode(works, scores, pairs, timings)
        if explain:
            with clock("explain"):
                results = [self._explained(work, result) for work, result in zip(works, results, strict=True)]
        timings.update((name, value / max(1, len(turns))) for name, value in clock.milliseconds.items())
        return [concealed(result, self.recognizers.types) for result in results]

    def _hear(self, works: Sequence[_Work]) -> None:
        spoken = [work for work in works if work.turn.audio is not None]
        if spoken:
            from modalities.speech.base import listen

            unheard = [work for work in spoken if work.transcript is None]
            recordings = [work.turn.audio for work in unheard if work.turn.audio is not None]
            heard_now = listen(self.parts.speech, self.parts.segmenter, recordings) if unheard else []
            for work, transcript in zip(unheard, heard_now, strict=True):
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
        from modalities.ocr import read_barcodes
        from modalities.quality import problem

        model, device = self.parts.checkpoint.model, self.parts.device
        images = [work.turn.image for work in shown if work.turn.image is not None]
        for work, image, encoding in zip(shown, images, self.parts.vision.encode(images), strict=True):
            work.encodings["image"] = encoding
            work.barcodes = read_barcodes(image)
            work.photo = replace(kind_of(encoding, model, device), problem=problem(image))
            if (
                work.photo.kind in PRINTED
                or work.photo.kind_confidence < 0.8
                or may_be_receipt(image, self.parts.vision.encode, model)
            ):
                work.lines = self.parts.reader.read(image)
                work.photo = by_print(work.photo, work.lines)

    def _encode(self, works: Sequence[_Work]) -> None:
        for work, readings in zip(works, self.scorer.readings([work.words for work in works]), strict=True):
            if len(readings[0].encoding):
                work.encodings["text"] = readings[0].encoding
                work.readings = readings
        for work in works:
            if work.lines and "ocr" in self.parts.checkpoint.encoders:
                work.encodings["ocr"] = self.parts.text.encode_lines(work.lines[:MAX_LINES])

    def _fuse(self, works: Sequence[_Work]) -> list[Scores | None]:
        """Scores of each turn over all its readings, None where there is nothing to read."""
        others = [(work, reading) for work in works for reading in work.readings[1:]]
        scores = self.scorer.scores(
            [work.encodings for work in works] + [work.encodings | {"text": other.encoding} for work, other in others]
        )
        more = iter(scores[len(works) :])
        return [
            self._over(scored, [next(more) for _ in work.readings[1:]], work)
            for work, scored in zip(works, scores, strict=False)
        ]

    def _over(self, best: Scores | None, others: Sequence[Scores | None], work: _Work) -> Scores | None:
        """One turn's scores over its readings; a reading without words says nothing."""
        known = [(scored, r.chance) for scored, r in zip([best, *others], work.readings, strict=False) if scored]
        if best is None or len(known) < 2:
            return best
        total = sum(chance for _, chance in known)
        return self.scorer.mixed(best, [scored for scored, _ in known[1:]], [chance / total for _, chance in known])

    def _pairs(self, works: Sequence[_Work], scores: Sequence[Scores | None]) -> list[Pair | None]:
        """What turns of several wishes mean."""
        return self.halves.pairs([work.words for work in works], scores, [work.encodings.get("text") for work in works])

    def _decode(
        self,
        works: Sequence[_Work],
        scores: Sequence[Scores | None],
        pairs: Sequence[Pair | None],
        timings: Mapping[str, float],
    ) -> list[Understanding]:
        """What the scores say, with the facts in words and photos."""
        found = [
            Understanding(text=work.text, transcript=work.transcript, image=work.photo, timings_ms=timings)
            for work in works
        ]
        rows = [(i, scored, pairs[i]) for i, scored in enumerate(scores) if scored is not None]
        if not rows:
            return found
        checkpoint = self.parts.checkpoint
        labels = checkpoint.model.labels
        scope, several = (
            np.array(column) for column in zip(*((s.out_of_scope, s.several) for _, s, _ in rows), strict=True)
        )
        meanings = decode_rows(
            np.stack([scored.intents for _, scored, _ in rows]), scope, several, labels, checkpoint.calibration,
            [pair for _, _, pair in rows],
        )  # fmt: skip
        moods = softmax(np.stack([scored.sentiment for _, scored, _ in rows])).tolist()
        read = [(works[i], scored) for i, scored, _ in rows]
        said = self._spans("text", read, [work.text for work, _ in read])
        on_photo = self._spans("ocr", read, [join_lines(work.lines) for work, _ in read])
        for k, (i, _, _) in enumerate(rows):
            work = works[i]
            meaning, mood = meanings[k], moods[k]
            photo, printed = self._read_photo(work, on_photo[k])
            words = self._words(work, said[k])
            found[i] = Understanding(
                text=work.text, transcript=work.transcript, intents=meaning.intents, wanted=meaning.wanted,
                entities=words + printed, verdict=meaning.verdict, out_of_scope=meaning.out_of_scope,
                sentiment=Sentiment(labels.sentiments[mood.index(max(mood))], mood[2] - mood[0]), image=photo,
                timings_ms=timings,
            )  # fmt: skip
        return found

    def _explained(self, work: _Work, result: Understanding) -> Understanding:
        """With what carried the first intent."""
        if not result.intents:
            return result
        model, intent = self.parts.checkpoint.model, result.intents[0].name
        typed = work.typed if work.transcript is None else 0
        column, device = model.labels.intents.index(intent), torch.device(self.parts.device)

        def score(inputs: Mapping[str, ModalityBatch]) -> torch.Tensor:
            logits = self.scorer.run({name: batch.to(device) for name, batch in inputs.items()})
            if logits is None:
                raise ValueError(f"the model knows none of {sorted(inputs)!r}")
            return logits.intents[:, column].float().cpu()

        encodings = {name: found for name, found in work.encodings.items() if name in model.fusion.project}
        given = Given(work.text, work.lines[:MAX_LINES], encodings)
        return replace(
            result,
            evidence=evidence_for(given, intent, score, lambda texts: self.scorer.encoded(texts, [typed] * len(texts))),
        )

    def _spans(self, name: str, read: Sequence[tuple[_Work, Scores]], texts: Sequence[str]) -> list[list[Span]]:
        """What the tagger marked in one modality of turns; its tokens point into the texts."""
        tagged = []
        for (work, scores), text in zip(read, texts, strict=True):
            encoding, tags = work.encodings.get(name), scores.tags.get(name)
            if encoding is None or tags is None:
                tagged.append(Tagged(np.zeros((0, 0)), (), text))
            else:
                tagged.append(Tagged(tags[: len(encoding)], encoding.spans, text))
        return decode_tags(tagged, self.parts.checkpoint.model.labels, self.scorer.transitions)

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

    def _read_photo(self, work: _Work, spans: Sequence[Span]) -> tuple[Photo | None, tuple[Entity, ...]]:
        if work.photo is None:
            return None, ()
        photo = replace(work.photo, lines=work.lines, barcodes=work.barcodes)
        text = join_lines(work.lines)
        found = codes(text, work.barcodes, self.recognizers.types.values())
        if photo.kind == "receipt" and work.lines:
            fields = read_receipt(work.lines, spans)
            photo = replace(photo, receipt=fields.receipt, problem=photo.problem or _unread(work, fields.receipt))
            found = [*found, *fields.entities]
        return photo, tuple(found)


def _unread(work: _Work, receipt: Receipt) -> str:
    """Why a receipt's total was not read; empty when it was."""
    from modalities.quality import print_problem

    return "" if receipt.total or work.turn.image is None else print_problem(work.turn.image, work.lines)


def clean(text: str) -> str:
    """A message without control and direction characters, cut to what is read."""
    return _UNSAYABLE.sub(" ", text[: 2 * MAX_CHARACTERS])[:MAX_CHARACTERS].strip()
