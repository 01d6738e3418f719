"""What carried a decision, ready to be shown: words shaded by their share, the photo with a shade over its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.types import Evidence, Understanding
from demos import overlay
from demos.lines import place
from modalities.types import Box, Image

_LONG_SIDE = 640  # pixels of the photo under the shades
_SOURCES = {"text": "words", "ocr": "print", "image": "photo"}


@dataclass(frozen=True)
class Shade:
    """A stretch of the words, a line of print or a part of the photo.

    Attributes:
        text: the words or the print; of a part of the photo, where it is.
        percent: its share of the evidence, below 0 against; 0 for words that carry none.
        strength: 0..1, the share against the turn's largest.
        box: where it is in the photo.
    """

    text: str
    percent: int = 0
    strength: float = 0.0
    box: Box | None = None


@dataclass(frozen=True)
class Why:
    """The evidence of one turn.

    Attributes:
        intent: what it speaks of.
        certain: whether the intent was taken as meant, or only came nearest.
        shares: the share of each source in percent, largest first.
        words: all the words of the turn, cut where evidence begins and ends.
        prints, parts: in the photo, weightiest first.
        photo: a `data:` URL, or empty; `size` (width, height) in pixels.
    """

    intent: str
    certain: bool
    shares: tuple[tuple[str, int], ...]
    words: tuple[Shade, ...] = ()
    prints: tuple[Shade, ...] = ()
    parts: tuple[Shade, ...] = ()
    photo: str = ""
    size: tuple[int, int] = (0, 0)


def why(understood: Understanding, image: Image | None = None) -> Why | None:
    """The evidence as it is shown; None where there is none.

    Args:
        understood: the turn.
        image: its photo, if it had one.
    """
    pieces = understood.evidence
    if not pieces:
        return None
    largest = max(abs(piece.weight) for piece in pieces)
    drawn = image is not None and any(piece.box is not None for piece in pieces)
    return Why(
        intent=pieces[0].intent,
        certain=understood.verdict == "ok",
        shares=_shares(pieces),
        words=_words(understood.text, [p for p in pieces if p.source == "text"], largest),
        prints=tuple(_shade(p, p.text or "", largest) for p in pieces if p.source == "ocr"),
        parts=tuple(_shade(p, place(p.box), largest) for p in pieces if p.source == "image"),
        photo=overlay.data_url(image, _LONG_SIDE) if drawn and image is not None else "",
        size=overlay.shown_size(image, _LONG_SIDE) if drawn and image is not None else (0, 0),
    )


def _shares(pieces: Sequence[Evidence]) -> tuple[tuple[str, int], ...]:
    found = {p.source: 0.0 for p in pieces}
    for piece in pieces:
        found[piece.source] += abs(piece.weight)
    ranked = sorted(found.items(), key=lambda share: -share[1])
    return tuple((_SOURCES[source], round(100 * share)) for source, share in ranked)


def _shade(piece: Evidence, text: str, largest: float) -> Shade:
    return Shade(text, round(100 * piece.weight), abs(piece.weight) / largest, piece.box)


def _words(text: str, pieces: Sequence[Evidence], largest: float) -> tuple[Shade, ...]:
    parts, at = [], 0
    for piece in sorted(pieces, key=lambda piece: piece.start or 0):
        start, end = piece.start or 0, piece.end or 0
        parts += [Shade(text[at:start]), _shade(piece, text[start:end], largest)]
        at = end
    return tuple(part for part in (*parts, Shade(text[at:])) if part.text)
