"""Other words for the same: contractions, set phrases, polite frames. Used to vary training sentences.

Own tables, small on purpose: what is here means the same in any sentence a customer may say.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

Edit = tuple[int, int, str]
"""Characters start..end of a text become a new string."""

_NEGATED = "do does did is are was were could would should have has had need must".split()
_SHORT = {
    "i am": "i'm", "i have": "i've", "i will": "i'll", "i would": "i'd", "you are": "you're", "you have": "you've",
    "we are": "we're", "we have": "we've", "they are": "they're", "they have": "they've", "it will": "it'll",
    "what is": "what's", "where is": "where's", "who is": "who's", "how is": "how's", "when is": "when's",
    "that is": "that's", "it is": "it's", "there is": "there's", "cannot": "can't", "can not": "can't",
    "will not": "won't", **{f"{verb} not": f"{verb}n't" for verb in _NEGATED},
}  # fmt: skip
_AMBIGUOUS = frozenset({"i'd", "it's", "that's", "there's", "when's"})
"""Short forms with two long ones ("it's been", "i'd had"): never written out."""

_SAME = """
i want to|i'd like to|i would like to|i need to|i wanna
can you|could you|would you
can i|could i|may i|am i able to
how do i|how can i|how would i
tell me|let me know
do you know|can you tell me
thanks|thank you
hi|hello|hey
okay|ok
going to|gonna
want to|wanna
need to|have to|got to
buy|purchase
picture|photo
wrong|incorrect
assistance|help
help me|assist me
at the moment|right now|currently
near me|nearby|close to me
begin|start
recently|lately
also|as well|too
because|since
a lot of|lots of|plenty of
get rid of|remove
how come|why
until|till
perhaps|maybe
speak to|talk to|speak with|talk with
a person|a human|a real person
find out|learn
""".strip()

_OPENERS = (
    "hi, |hello, |hey, |hi there, |good morning, |good evening, |excuse me, |quick question, |so |okay so |well "
    "|um |uh |yeah |sorry, |hi i have a question, |hello can you help me, |listen, |please "
).split("|")
_CLOSERS = " please|, please| thanks|, thanks|, thank you| if you can| for me| now".split("|")
_ASKS = ("can you ", "could you ", "please ", "could you please ", "would you ", "i need you to ", "help me ")
_WISHES = ("i want to ", "i'd like to ", "i need to ", "i would like to ", "i'm trying to ", "can i ", "i wanna ")
_TOLD = frozenset("tell show give remind explain read play turn send let list translate convert".split())
_DONE = frozenset(
    "add book buy cancel change check close delete find freeze get know make open order pay replace report request "
    "reset return schedule set speak stop switch talk track transfer update".split()
)


def _table() -> dict[str, tuple[str, ...]]:
    """Phrase -> what may stand for it; a short form also without its apostrophe, as people type."""
    table: dict[str, list[str]] = {}
    for long, short in _SHORT.items():
        bare = short.replace("'", "")
        typed = [bare] if bare not in {"ill", "id", "were", "wed", "its"} else []
        table.setdefault(long, []).extend([short, short, *typed])
        if short not in _AMBIGUOUS:
            for form in {short, *typed}:
                table.setdefault(form, []).append(long)
        table.setdefault(short, []).extend(typed)
    for line in _SAME.splitlines():
        phrases = line.split("|")
        for phrase in phrases:
            table.setdefault(phrase, []).extend(other for other in phrases if other != phrase)
    return {phrase: tuple(others) for phrase, others in table.items() if others}


PHRASES = _table()
LONGEST = max(phrase.count(" ") for phrase in PHRASES) + 1
_WORD = re.compile(r"[A-Za-z']+")


def reword(text: str, rng: random.Random, share: float = 0.5) -> Iterator[Edit]:
    """Replacements of phrases by others that mean the same, each found phrase with a chance of `share`."""
    words = [(match.group().lower(), match.start(), match.end()) for match in _WORD.finditer(text)]
    i = 0
    while i < len(words):
        for count in range(min(LONGEST, len(words) - i), 0, -1):
            start, end = words[i][1], words[i + count - 1][2]
            others = PHRASES.get(" ".join(word for word, _, _ in words[i : i + count]))
            if others and end - start == sum(len(w) for w, _, _ in words[i : i + count]) + count - 1:
                if rng.random() < share:
                    new = rng.choice(others)
                    yield start, end, new[0].upper() + new[1:] if text[start].isupper() and start == 0 else new
                i += count - 1
                break
        i += 1


def frame(text: str, rng: random.Random) -> Iterator[Edit]:
    """Words before or after a sentence that change nothing in it: a greeting, a polite frame, thanks."""
    first = _WORD.match(text)
    if first is None:
        return
    verb, where = first.group().lower(), rng.random()
    lower = text[0].lower() if text[0] != "I" and text[1:2].islower() else text[0]
    if verb in _DONE and where < 0.7:
        yield 0, 1, rng.choice(_WISHES if where < 0.4 else _ASKS) + lower
    elif verb in _TOLD and where < 0.7:
        yield 0, 1, rng.choice(_ASKS) + lower
    elif where < 0.75:
        yield 0, 1, rng.choice(_OPENERS) + lower
    else:
        end = len(text.rstrip(" .!?"))
        yield end, len(text), rng.choice(_CLOSERS) + text[end:].rstrip(" ")
