"""Text fit to be said: what is written in signs, digits and codes becomes the words an English speaker would read.

Markup goes, the ordered rules of `modalities.voice.rules` apply, and what is left is made regular: Latin letters,
apostrophes and . , ? ! only. Normalising the result again changes nothing.
"""

from __future__ import annotations

import datetime
import html
import re
import unicodedata

from modalities.voice.rules import rules

_MARKUP = (
    (re.compile(r"\x1b\[[\d;]{0,20}[A-Za-z]"), ""),  # terminal colours
    (re.compile(r"</?[A-Za-z!?][^<>]{0,500}>"), " "),  # HTML and SSML tags
    (re.compile(r"!?\[([^\[\]\n]{1,300})\]\([^()\s]{0,500}\)"), r"\1"),  # Markdown links and pictures
    (re.compile(r"(?m)^[ \t]{0,8}(?:[#>*+-]{1,6}[ \t]+|`{3}.*$)"), ""),  # headings, bullets, quotes, fences
    (re.compile(r"[*_~`]{2,3}|(?<!\w)[*_~`]|[*_~`](?!\w)"), ""),  # emphasis
)


_SIGNS = str.maketrans(
    {"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": ", ", "−": "-", "×": "x", "…": ". ", "⁄": "/", "™": " "}
)


def normalize(text: str, today: datetime.date | None = None) -> str:
    """The text as English words to be said; empty when nothing in it can be.

    Args:
        text: anything: plain words, Markdown, SSML, emoji, control characters.
        today: dates of its year are said without the year; the computer's date unless given.

    Returns:
        One line of English words, sentences kept apart by their marks.
    """
    text = _calm(clean(text))
    for pattern, say in rules(today or datetime.date.today()):
        text = pattern.sub(say, text)
    return _tidy(text)


def clean(text: str) -> str:
    """The text without markup and control characters: all that is done to languages other than English."""
    text = unicodedata.normalize("NFKC", html.unescape(text).translate(_SIGNS)).translate(_SIGNS)
    for pattern, plain in _MARKUP:
        text = pattern.sub(plain, text)
    return "".join(mark if mark == "\n" or unicodedata.category(mark)[0] != "C" else " " for mark in text)


def _calm(text: str) -> str:
    """Shouted sentences in small letters, or every short word of theirs would be taken for initials and spelled."""
    words = re.findall(r"[A-Za-z]{2,40}", text)
    loud = sum(word.isupper() for word in words)
    return text.lower() if len(words) >= 4 and loud > 0.7 * len(words) else text


def _tidy(text: str) -> str:
    """What no rule took and no voice can say goes; marks and spaces are made regular."""
    text = re.sub(r"[\r\n]+\s*", ". ", text.strip())
    text = text.replace(";", ",").replace(":", ",")
    text = "".join(mark if _keeps(mark) else " " for mark in text)
    text = re.sub(r"([A-Za-z])\1{3,}", r"\1\1\1", text)
    text = re.sub(r"(?<!\w)'|'(?!\w)", " ", text)
    text = re.sub(r"\s+(?=[.,?!])", "", re.sub(r"\s+", " ", text))
    text = re.sub(r"[.,?!]+", _one_mark, text)
    text = re.sub(r"([.,?!])(?=\w)", r"\1 ", text)
    text = re.sub(r"^[\s.,?!]+", "", text).strip()
    return text if re.search(r"\w", text) else ""


def _one_mark(match: re.Match[str]) -> str:
    """Of several marks the one that shapes the sentence most."""
    return next(mark for mark in "?!.," if mark in match[0])


def _keeps(mark: str) -> bool:
    """Latin letters and the marks that shape a sentence."""
    if mark in "'.,?! ":
        return True
    return mark.isalpha() and (mark.isascii() or unicodedata.name(mark, "").startswith("LATIN"))
