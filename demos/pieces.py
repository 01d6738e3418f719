"""Recordings of any length as pieces that a model can take, cut where nobody speaks, and what was understood of the
pieces put together again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from agent.errors import InputError
from agent.types import Entity, Evidence, Intent, Sentiment, Understanding, Verdict
from modalities import audio as sound
from modalities.types import Audio, Source, Transcript, Word

PIECE_SECONDS = 30.0
_SEARCHED_SECONDS = 8.0  # of a piece's end, for the quietest place to cut
_FRAME_SECONDS = 0.1
Parts = Sequence[tuple[float, Understanding]]
_BEST_FIRST: tuple[Verdict, ...] = ("ok", "unsure", "out_of_scope", "no_speech")


def pieces(source: Source, seconds: float = PIECE_SECONDS) -> Iterator[Audio]:
    """A recording as consecutive pieces of at most `seconds` each, in memory that does not grow with it.

    Raises:
        InputError: as for `modalities.audio.blocks`, where there is damage after the pieces before it.
    """
    rest: Audio | None = None
    try:
        for block in sound.blocks(source, seconds / 2):
            rest = block if rest is None else Audio(np.concatenate([rest.samples, block.samples]), block.rate)
            if rest.seconds > seconds:
                cut = _quietest(rest, round(seconds * rest.rate))
                yield Audio(rest.samples[:cut], rest.rate)
                rest = Audio(rest.samples[cut:], rest.rate)
    except InputError:
        if rest is not None:
            yield rest
        raise
    if rest is not None:
        yield rest


def _quietest(audio: Audio, stop: int) -> int:
    """The middle of the quietest frame among the last seconds before `stop`."""
    frame = round(_FRAME_SECONDS * audio.rate)
    start = max(frame, stop - round(_SEARCHED_SECONDS * audio.rate))
    frames = audio.samples[start : start + (stop - start) // frame * frame].reshape(-1, frame)
    return start + int(np.square(frames).mean(axis=1).argmin()) * frame + frame // 2


def joined(parts: Parts) -> Understanding:
    """One understanding of a whole recording.

    Words and entities keep their places in the whole; an intent is as sure as where it was surest; the mood is the
    mean over what was said; the verdict is the best of any piece; the evidence is that of the piece where the first
    intent was surest.

    Args:
        parts: for each piece, in order, the second it begins at and what was understood of it.
    """
    if len(parts) == 1:
        return parts[0][1]
    heard = [(at, u) for at, u in parts if u.text]
    meant = _surest([intent for _, u in heard for intent in u.meant])
    others = [i for i in _surest([i for _, u in heard for i in u.intents]) if i.name not in {m.name for m in meant}]
    intents = (*meant, *others)
    return Understanding(
        text=" ".join(u.text for _, u in heard),
        transcript=_transcript(heard, parts),
        intents=intents,
        wanted=len(meant),
        entities=tuple(_moved(heard)),
        verdict=min((u.verdict for _, u in parts), key=_BEST_FIRST.index, default="no_speech"),
        out_of_scope=min((u.out_of_scope for _, u in heard), default=0.0),
        sentiment=_mood([u.sentiment for _, u in heard]),
        timings_ms=_summed([u for _, u in parts]),
        evidence=tuple(_carried(heard, intents[0])) if intents else (),
    )


def _surest(intents: Sequence[Intent]) -> list[Intent]:
    best: dict[str, float] = {}
    for intent in intents:
        best[intent.name] = max(best.get(intent.name, 0.0), intent.confidence)
    return [Intent(name, confidence) for name, confidence in sorted(best.items(), key=lambda kv: -kv[1])]


def _transcript(
    heard: Sequence[tuple[float, Understanding]], parts: Sequence[tuple[float, Understanding]]
) -> Transcript:
    said = [(at, u.transcript) for at, u in heard if u.transcript is not None]
    if not said:
        reasons = [u.transcript.rejected for _, u in parts if u.transcript is not None and u.transcript.rejected]
        return Transcript("", rejected=reasons[0] if reasons else "")
    words = [Word(w.text, w.start + at, w.end + at, w.confidence) for at, t in said for w in t.words]
    return Transcript(
        text=" ".join(t.text for _, t in said),
        words=tuple(words),
        confidence=sum(t.confidence for _, t in said) / len(said),
    )


def _moved(heard: Parts) -> Iterator[Entity]:
    for offset, understanding in _placed(heard):
        for entity in understanding.entities:
            yield replace(entity, start=entity.start + offset, end=entity.end + offset)


def _carried(heard: Parts, intent: Intent) -> Iterator[Evidence]:
    """The evidence of the piece that was as sure of the intent as the whole is, its words where they are there."""
    for offset, understanding in _placed(heard):
        if intent in understanding.intents:
            for piece in understanding.evidence:
                if piece.intent == intent.name and piece.start is not None and piece.end is not None:
                    yield replace(piece, start=piece.start + offset, end=piece.end + offset)
            return


def _placed(heard: Parts) -> Iterator[tuple[int, Understanding]]:
    """Each piece with the character of the whole text that it begins at."""
    offset = 0
    for _, understanding in heard:
        yield offset, understanding
        offset += len(understanding.text) + 1


def _mood(moods: Sequence[Sentiment]) -> Sentiment:
    """The mean score, labelled as the piece nearest to it was."""
    if not moods:
        return Sentiment("neutral", 0.0)
    score = sum(mood.score for mood in moods) / len(moods)
    return Sentiment(min(moods, key=lambda mood: abs(mood.score - score)).label, score)


def _summed(understandings: Sequence[Understanding]) -> dict[str, float]:
    total: dict[str, float] = {}
    for understanding in understandings:
        for stage, ms in understanding.timings_ms.items():
            total[stage] = total.get(stage, 0.0) + ms
    return total
