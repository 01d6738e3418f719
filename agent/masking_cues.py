"""What words announce something personal: "my name is", "you can reach me on", or the question before them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from agent.masking_numbers import Token
from agent.private import Private

MOST_NAMES = 4
"""Words of one name at most: "Mary Ann van Dyke"."""

_LOCAL = 4
MOST_ANSWERED = 9
"""Words of an answer that is nothing but a name."""

_NUMBERED: tuple[tuple[str, Private], ...] = (
    (r"\bcards?\b|\bdebit\b|\bcredit\b|\bending (?:in|with)|\blast four\b|\bcvv\b|\bsecurity code", "card"),
    (r"\baccount\b|\biban\b|\brouting\b|\bsort code", "account"),
    (r"\bphone\b|\bmobile\b|\bcell\b|\btelephone\b|\b(?:call|reach|text|ring) (?:me|us|him|her)\b"
     r"|\bcall back\b|\bbest number|\bcontact number|\bcallback", "phone"),
    (r"\b(?:order|reference|tracking|customer|member|policy|passport|licen[cs]e|ticket|case|transfer|booking|loyalty)"
     r"(?: \w+)? ?(?:number|code|id)?\b|\bsocial security\b|\bnumber(?:'s)?\b|\bid\b|\bcode\b", "id"),
    (r"\bzip\b|\bpost ?code\b|\bpostal\b", "address"),
)  # fmt: skip
NUMBERED = tuple((re.compile(pattern), kind) for pattern, kind in _NUMBERED)

_ASKED: tuple[tuple[str, Private], ...] = (
    (r"\bname\b|who am i (?:speaking|talking)|who(?:'s| is) (?:calling|this)", "name"),
    (r"\be-?mail(?: address)?\b", "email"),
    (r"(?<!mail )\baddress\b|\bzip\b|\bpost ?code\b|\bpostal\b"
     r"|where (?:do|should|shall|can).{0,30}(?:live|deliver|send|ship)", "address"),
    (r"\bcard\b|\blast four\b", "card"),
    (r"\baccount number\b|\biban\b", "account"),
    (r"\bphone\b|\bmobile\b|\bcall you\b|\breach you\b", "phone"),
    (r"\bnumber\b|\breference\b|\bid\b", "id"),
)  # fmt: skip
ASKED = tuple((re.compile(pattern), kind) for pattern, kind in _ASKED)

NAMED = re.compile(
    r"\b(?:(?:full |first |last |middle |maiden |sur)?name(?:'s| is| was|:)|under the name(?: of)?|"
    r"(?:name(?:d)? )?(?:of )?(?:mr|mrs|ms|miss|doctor|dr)\.?|called|on behalf of|registered to|"
    r"account holder(?: is)?|i spoke (?:to|with)|speaking (?:to|with)|belongs to|addressed to|made out to|"
    r"(?:is|in) the name(?: of)?)\s+",
    re.IGNORECASE,
)
"""What only a name follows."""

THIS_IS = re.compile(r"\b(?:this is|i am|i'm|it's|it is|here is|thanks|thank you|hello|hi|dear|sincerely|regards),?\s+",
                     re.IGNORECASE)  # fmt: skip
"""What a name may follow, and much else."""

OPENING = re.compile(r"(?:hi|hello|hey|good \w+)? ?this is ", re.IGNORECASE)
"""How callers begin who then say their name."""

_GOES_ON = frozenset("and i'm calling about from i please can could because my want with regarding".split())
_WRITTEN = frozenset("please thanks thank when because if send".split())
"""What ends an e-mail address that was misheard."""

EMAILED = re.compile(
    r"\be-?mail(?: address)?(?: is| was|'s|:| to| me at| it to)|\bwrite to me at|\bplease (?:write|right) (?:to|a)\b",
    re.IGNORECASE,
)
_TOPS = frozenset(("com", "net", "org", "edu", "gov", "info"))
HOUSED = re.compile(
    r"\b(?:address(?: is|'s| to| was|:)?|(?:live|living|lives|i love|i leave) (?:at|on|in|of|a)|"
    r"(?:deliver|ship|send|mail|move)(?:ed|ing)? (?:it |that |them |everything )?to|moved? to|house is at|going to|"
    r"located at)\s+(?=(?:\S+\s+){0,2}?\S)",
    re.IGNORECASE,
)
_STREET = (
    r"street|st|avenue|ave|road|rd|lane|ln|drive|dr|boulevard|blvd|court|ct|place|square|terrace|way|parkway|circle|"
    r"crescent|close|alley|highway|trail|gardens?|row|hill"
)
STREET = re.compile(rf"\b(?:{_STREET})\b", re.IGNORECASE)
_ENDS = frozenset(
    "please thanks thank because since but so if when instead from now and or i my you it's that's is was can could "
    "would will ok okay yes no the with about calling speaking here by for".split()
)


_LEADING = frozenset(
    "it's it is its yes yeah yep sure okay ok my name address email e mail um uh hi hello this the that's that i am "
    "i'm live at well of course so".split()
)
_TRAILING = frozenset("thanks thank you please okay".split())


@dataclass(frozen=True)
class Lexicon:
    """Given and family names, in lower case."""

    given: frozenset[str]
    family: frozenset[str]


@cache
def lexicon() -> Lexicon:
    """Names common in the United States (Faker's lists of the Census and the Social Security Administration)."""
    from faker.providers.person.en_US import Provider

    given = frozenset(name.lower() for name in Provider.first_names)
    return Lexicon(given, frozenset(name.lower() for name in Provider.last_names))


@cache
def common() -> frozenset[str]:
    """Words that are hardly anybody's name: scikit-learn's English stop words, and what callers say all day."""
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    return frozenset((*ENGLISH_STOP_WORDS, *_ENDS, *_DAILY.split()))


_DAILY = (
    "calling looking trying having waiting hoping wondering asking speaking writing sorry glad happy upset angry fine "
    "good great really just still very so not sure afraid going order orders refund return card account number name "
    "email address phone help hello hi hey thanks thank yes no yeah okay ok please today tomorrow yesterday there "
    "sir madam everyone ma'am right correct under spelled spelling again actually well um uh it's that's a an the this "
    "that customer agent manager service bank shop store company team support about regarding because missing late "
    "broken damaged wrong one two three four five six seven eight nine ten unhappy interested confused calling ready "
    "done back over out in on at to of for with from and or but urgent important possible terrible ridiculous awful "
    "unacceptable nice perfect new black white red blue green size shoes jacket shirt dollars been gone got lost moved "
    "stolen charged locked want need like would could listening here home harbor lane worries problem course"
)


def names(text: str, words: Sequence[Token], *, heard: bool) -> Iterator[tuple[int, int]]:
    """Where a text names somebody; in one that was heard the name may have become any words."""
    for match in NAMED.finditer(text):
        yield from _misheard(words, match.end()) if heard else _named(words, match.end(), sure=True)
    for match in THIS_IS.finditer(text):
        yield from _named(words, match.end(), sure=False, text=text)
    if heard and (opening := OPENING.match(text)):
        yield from _misheard(words, opening.end())
    yield from _before_calling(words)
    known = lexicon()
    for i, word in enumerate(words[:-1]):
        after = words[i + 1]
        if word.word in known.given and after.word in known.family and not {word.word, after.word} & common():
            yield word.start, after.end


def _named(words: Sequence[Token], at: int, *, sure: bool, text: str = "") -> Iterator[tuple[int, int]]:
    """The name that begins at a character, up to a common word or the end of the clause."""
    following = [word for word in words if word.start >= at][:MOST_NAMES]
    taken: list[Token] = []
    for word in following:
        if not word.word or word.word in common() or word.figures > 1:
            break
        if not sure and not taken and not _may_begin(text, word):
            break
        taken.append(word)
        if word.end - word.start > len(word.word):  # a mark ends it
            break
    if taken:
        yield taken[0].start, taken[-1].end


def _misheard(words: Sequence[Token], at: int) -> Iterator[tuple[int, int]]:
    """What stands where a name must, up to what goes on with the sentence."""
    following = [word for word in words if word.start >= at][: MOST_NAMES + 1]
    taken: list[Token] = []
    for word in following:
        sure = word.word in common() and not word.unsure
        if word.word in _GOES_ON or (sure and len(taken) > 1):
            break
        taken.append(word)
    if taken:
        yield taken[0].start, taken[-1].end


def _before_calling(words: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """What is heard unsurely at the beginning of a turn, before "calling": who calls."""
    calling = next((i for i, word in enumerate(words[: 3 * MOST_NAMES]) if word.word == "calling"), 0)
    unsure = [word for word in words[:calling] if word.unsure]
    if len(unsure) > 1:
        yield unsure[0].start, unsure[-1].end


def _may_begin(text: str, word: Token) -> bool:
    return text[word.start].isupper() or word.word in lexicon().given or word.unsure


def answers(kind: Private, words: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """What of a turn answers a question for a name or an address."""
    longest = MOST_ANSWERED if kind == "name" else 2 * MOST_ANSWERED
    if kind not in ("name", "address", "email") or len(words) > longest + len(_LEADING):
        return
    first, last = 0, len(words)
    while first < last and words[first].word in _LEADING:
        first += 1
    while last > first and words[last - 1].word in _TRAILING:
        last -= 1
    told = [i for i in range(first, last) if words[i].figures or words[i].unsure or words[i].word not in common()]
    if told and last - first <= longest:
        yield words[first].start, words[last - 1].end


def addresses(text: str, words: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """Where a text tells a postal address: a number before a street, or whatever "deliver it to" is followed by."""
    for match in HOUSED.finditer(text):
        first = next((i for i, word in enumerate(words) if word.start >= match.end()), None)
        if first is not None and any(word.figures for word in words[first : first + 3]):
            yield words[first].start, words[_until(words, first) - 1].end
    for match in STREET.finditer(text):
        street = next((i for i, word in enumerate(words) if word.start <= match.start() < word.end), 0)
        first = street
        while first and street - first < 7 and words[first - 1].word not in common() - {"one", "two"} | _ENDS:
            first -= 1
            if words[first].word.isdigit():
                break
        while first < street and not words[first].figures:
            first += 1
        if first < street and (words[first].figures > 1 or words[first + 1].figures or words[first].word.isdigit()):
            yield words[first].start, words[_until(words, street) - 1].end


def _until(words: Sequence[Token], first: int) -> int:
    """One after the last word of an address that goes on from a word: up to 9 words, or what never is in one."""
    for i in range(first + 1, min(first + 10, len(words))):
        ends = words[i].word in _ENDS
        if ends or (
            words[i - 1].end - words[i - 1].start > len(words[i - 1].word) and _full_stop(words[i - 1], words[i])
        ):
            return i
    return min(first + 10, len(words))


def _full_stop(before: Token, after: Token) -> bool:
    """Whether a mark between two words may end the address; the comma before a town does not."""
    return after.word in common() and not after.figures


def emails(text: str, words: Sequence[Token], *, heard: bool) -> Iterator[tuple[int, int]]:
    """Where a text says an e-mail address in words, well or badly heard."""
    for match in EMAILED.finditer(text):
        following = [word for word in words if word.start >= match.end()]
        taken = following[:14]
        dot = next(
            (i for i in range(len(taken) - 1, -1, -1) if taken[i].word in ("com", "net", "org", "dot", "at")), None
        )
        if heard and taken:
            end = next((i for i, word in enumerate(taken) if word.word in _WRITTEN), min(len(taken), 10))
            if end:
                yield taken[0].start, taken[end - 1].end
        elif dot is not None:
            yield taken[0].start, taken[min(dot + (taken[dot].word in ("dot", "at")), len(taken) - 1)].end
        elif taken:
            yield taken[0].start, taken[_until(taken, 0) - 1].end
    for i, word in enumerate(words[:-1]):
        hosted = word.word == "dot" and words[i + 1].word in _TOPS
        if hosted or (word.word == "dot" and "at" in [w.word for w in words[max(0, i - 4) : i]]):
            at = next((j for j in range(i - 1, -1, -1) if words[j].word == "at"), i)
            first = at
            while first and _local(words[first - 1], at - first):
                first -= 1
            yield words[first].start, words[i + 1].end


def _local(word: Token, before: int) -> bool:
    """Whether a word so many before the "at" belongs to an e-mail address: the last four may, spelled ones all."""
    spelled = bool(word.figures or word.joins or len(word.word) == 1)
    return spelled or (before < _LOCAL and word.word not in _ENDS | {"email", "at", "to", "it"})


def announced(text: str, before: int) -> Private | None:
    """What a number is, by the words shortly before it."""
    near = text[max(0, before - 60) : before].lower()
    found = [(match.end(), kind) for pattern, kind in NUMBERED for match in pattern.finditer(near)]
    return max(found)[1] if found else None


def asked(question: str) -> Private | None:
    """What personal thing a question asks for, by its last words."""
    near = question.lower()[-160:]
    found = [(match.end(), kind) for pattern, kind in ASKED for match in pattern.finditer(near)]
    return max(found)[1] if found else None
