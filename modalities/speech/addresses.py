"""E-mail addresses said aloud or half written: "jane dot doe at gmail dot com", "jane doe all one word at mail.com"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from modalities.speech.numerals import LETTERS, Piece, Token, end_of, said_unit

JOINTS = {"dot": ".", "(dot)": ".", "[dot]": ".", "point": ".", "period": ".", "underscore": "_", "dash": "-",
          "hyphen": "-", "minus": "-", "plus": "+"}  # fmt: skip
DOTS = frozenset(("dot", "(dot)", "[dot]"))
SIGNS = frozenset(("at", "@", "(at)", "[at]"))
ENDINGS = frozenset(
    "com net org edu gov io co example us uk info biz me de fr es it nl be ch eu ca au nz ie in jp cn br mx pl se no "
    "dk fi pt za dev app shop store online test".split()
)
ASIDES = (("all", "one", "word"), ("all", "in", "one", "word"), ("one", "word"), ("no", "spaces"), ("all", "together"),
          ("all", "lowercase"), ("all", "lower", "case"))  # fmt: skip
NO_NAMES = frozenset(
    "am is it's its address email mail mails to at from use with my the a an and or not but for on me was be of that "
    "this i'm im it account under by says say send sent reach change please new old no yes now instead look looked "
    "bought ordered order found shopping saw see got available buy".split()
)
MOST_WORDS = 24
"""Words that a name or a domain has at most."""


def email(tokens: Sequence[Token], at: int) -> tuple[int, list[Piece]]:
    """An e-mail address that begins here: name, "at", domain, "dot", ending."""
    sign = next((i for i in range(at + 1, min(at + MOST_WORDS, len(tokens))) if _bare(tokens[i]) in SIGNS), 0)
    if not sign or tokens[at].word in JOINTS or at < _name_start(tokens, sign):
        return 0, []
    host = sign + 1 + (sign + 1 < len(tokens) and tokens[sign + 1].word == "sign")
    end = _domain_end(tokens, host)
    if not end:
        return 0, []
    name = _address(tokens, at, sign)
    if not any(character.isalnum() for written, _, _ in name for character in written):
        return 0, []
    return end - at, [*name, ("@", tokens[sign].start, end_of(tokens[host - 1])), *_address(tokens, host, end)]


def _bare(token: Token) -> str:
    """The word with the brackets that the tokens' punctuation took."""
    return token.word + ")" if token.word.startswith("(") else token.word


def _name_start(tokens: Sequence[Token], sign: int) -> int:
    """Where the name before "at" begins: words joined by dots and the like, spelled characters, at most two words."""
    at, words = sign, 0
    together = False
    while at > 0 and sign - at < MOST_WORDS:
        if aside := _aside(tokens, at):
            at, together = at - aside, True
            continue
        word, joined = tokens[at - 1].word, at < sign and (tokens[at].word in JOINTS or tokens[at - 1].word in JOINTS)
        plain = not (said_unit(tokens, at - 1)[0] or word in JOINTS)
        spelled = at < sign and len(word) == len(tokens[at].word) == 1
        if (word in NO_NAMES and not (joined or spelled)) or (tokens[at - 1].tail and at < sign and not together):
            break
        if plain and not joined:
            words += 1
            if words > 2 + together:
                break
        at -= 1
    return at


def _aside(tokens: Sequence[Token], end: int) -> int:
    """How many words before here say how the name is written: "all one word"."""
    for said in ASIDES:
        if end > len(said) and tuple(token.word for token in tokens[end - len(said) : end]) == said:
            return len(said)
    return 0


def _domain_end(tokens: Sequence[Token], at: int) -> int:
    """Behind the ending of the domain that begins here; 0 when none does."""
    if at < len(tokens) and re.fullmatch(rf"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:{'|'.join(ENDINGS)})", tokens[at].word):
        return at + 1
    for dot in range(at + 1, min(at + 12, len(tokens) - 1)):
        if _bare(tokens[dot]) in DOTS and tokens[dot + 1].word in ENDINGS:
            end = dot + 2
            last = min(len(tokens) - 1, end + MOST_WORDS)
            while end < last and tokens[end].word == "dot" and tokens[end + 1].word in ENDINGS:
                end += 2
            return end
    return 0


def _address(tokens: Sequence[Token], at: int, end: int) -> list[Piece]:
    """The characters of a name or domain, in lower case."""
    pieces: list[Piece] = []
    while at < end:
        token = tokens[at]
        if aside := next((len(a) for a in ASIDES if tuple(t.word for t in tokens[at : min(at + len(a), end)]) == a), 0):
            at += aside
            continue
        taken, unit = said_unit(tokens[:end], at)
        if _bare(token) in JOINTS:
            pieces.append((JOINTS[_bare(token)], token.start, token.end))
        elif taken and token.word not in LETTERS:
            pieces += [(written.lower(), start, stop) for written, start, stop in unit]
            at += taken - 1
        else:
            pieces.append((re.sub(r"[^\w.+-]", "", token.word), token.start, end_of(token)))
        at += 1
    return pieces
