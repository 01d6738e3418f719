"""The surface of a sentence: how the same words look typed with care, typed in haste, or said aloud."""

from __future__ import annotations

import random
import re
from dataclasses import replace

from training.frames import Piece

STYLES = {"careful": 0.34, "lower": 0.2, "terse": 0.14, "chat": 0.08, "loud": 0.02, "spoken": 0.22}
"""Each style's share. Facts are said ("k four eight ...") in "spoken" and written in the others."""

_OPENERS = (
    "hi, |hi, |hello, |hey, |hey there, |hello there, |good morning, |good afternoon, |hi there, |excuse me, |"
    "sorry to bother you, |quick question, |ok so |so |well, |um, |hi team, |dear support, |please help, |"
    "i was wondering, |listen, |right, |hi again, |yeah hi, |oh and "
).split("|")
_CLOSERS = (
    " please|, please|, thanks| thanks|, thank you|, cheers| asap|, can you help?|, any ideas?| if possible|"
    ", thanks in advance|, thx|, it's urgent| if you can|, appreciate it| right now|, many thanks"
).split("|")
_FILLERS = ("um", "uh", "er", "like", "you know", "i mean", "well", "uhm")
_SPOKEN_FORMS = {"want to": "wanna", "going to": "gonna", "got to": "gotta", "kind of": "kinda", "let me": "lemme"}
_ASKS = re.compile(
    r"(what|when|where|which|who|how|why|can|could|do|does|did|is|are|will|would|may|has|have|am)(?!,)\b", re.IGNORECASE
)
_CHAT_FORMS = {
    "please": "pls",
    "you": "u",
    "your": "ur",
    "are": "r",
    "because": "cuz",
    "thanks": "thx",
    "tomorrow": "tmrw",
    "what": "wat",
    "order number": "order no",
    "okay": "ok",
    "don't know": "dunno",
    "something": "smth",
}


def style(rng: random.Random) -> str:
    """A style, drawn by its share."""
    return rng.choices(list(STYLES), list(STYLES.values()))[0]


def wrap(pieces: list[Piece], rng: random.Random) -> list[Piece]:
    """Put a greeting before and a "please" after, now and then."""
    if rng.random() < 0.2:
        pieces = [Piece(rng.choice(_OPENERS)), *pieces]
    if rng.random() < 0.16:
        pieces = [*pieces, Piece(rng.choice(_CLOSERS))]
    return pieces


def dress(pieces: list[Piece], style: str, rng: random.Random) -> list[Piece]:
    """The same sentence in one style of `STYLES`; entity pieces keep their words, at most losing capitals."""
    if style == "careful":
        return _careful(pieces, rng)
    if style == "loud":
        return [replace(piece, text=piece.text.upper()) for piece in pieces] + [Piece(rng.choice(("!", "!!", "")))]
    pieces = [replace(piece, text=piece.text.lower()) for piece in pieces]
    if style == "lower":
        return pieces
    pieces = [piece if piece.type else replace(piece, text=_bare(piece.text)) for piece in pieces]
    if style == "spoken":
        return _spoken(pieces, rng)
    if style == "chat":
        pieces = [
            piece if piece.type else replace(piece, text=_forms(piece.text, _CHAT_FORMS, rng)) for piece in pieces
        ]
        return _slip(pieces, rng)
    return pieces if rng.random() < 0.6 else [replace(p, text=p.text.replace("'", "")) for p in pieces]


def _careful(pieces: list[Piece], rng: random.Random) -> list[Piece]:
    first = next((i for i, piece in enumerate(pieces) if piece.text.strip()), 0)
    out = []
    for i, piece in enumerate(pieces):
        text = piece.text if piece.type else re.sub(r"\bi\b(?=[ ']|$)", "I", piece.text)
        text = re.sub(r"([.?!] )([a-z])", lambda m: m[1] + m[2].upper(), text) if not piece.type else text
        out.append(replace(piece, text=_capital(text) if i == first else text))
    if not out[-1].text.rstrip().endswith(("?", "!", ".")) and rng.random() < 0.6:
        asks = re.match(_ASKS, "".join(piece.text for piece in pieces).strip())
        out.append(Piece("?" if asks else "."))
    return out


def _capital(text: str) -> str:
    stripped = text.lstrip()
    return text[: len(text) - len(stripped)] + stripped[:1].upper() + stripped[1:]


def _bare(text: str) -> str:
    return re.sub(r"[-/]", " ", re.sub(r"[,.?!;:\"()]", "", text))


def _forms(text: str, forms: dict[str, str], rng: random.Random) -> str:
    for long, short in forms.items():
        if rng.random() < 0.6:
            text = re.sub(rf"\b{long}\b", short, text)
    return text


def _spoken(pieces: list[Piece], rng: random.Random) -> list[Piece]:
    pieces = [p if p.type else replace(p, text=_forms(p.text, _SPOKEN_FORMS, rng)) for p in pieces]
    if rng.random() < 0.25:
        pieces = [Piece(rng.choice(_FILLERS) + " "), *pieces]
    if rng.random() < 0.25:
        places = [i for i, piece in enumerate(pieces) if not piece.type and piece.text.count(" ") > 1]
        if places:
            i = rng.choice(places)
            words = pieces[i].text.split(" ")
            words.insert(rng.randrange(1, len(words)), rng.choice(_FILLERS))
            pieces[i] = replace(pieces[i], text=" ".join(words))
    return pieces


def _slip(pieces: list[Piece], rng: random.Random) -> list[Piece]:
    """One slip of the finger in one longer word."""
    found = [(i, m.span()) for i, p in enumerate(pieces) if not p.type for m in re.finditer(r"[a-z]{5,}", p.text)]
    if not found or rng.random() < 0.35:
        return pieces
    i, (start, end) = rng.choice(found)
    text, at = pieces[i].text, rng.randrange(start + 1, end - 1)
    slips = (
        text[:at] + text[at + 1 :],
        text[:at] + text[at] + text[at:],
        text[:at] + text[at + 1] + text[at] + text[at + 2 :],
    )
    return [*pieces[:i], replace(pieces[i], text=rng.choice(slips)), *pieces[i + 1 :]]
