"""How near two pronunciations sound: an edit distance over ARPAbet phones in which likely confusions are cheap.

Costs follow the classes of phonetics (voicing pairs, manner of articulation, neighbouring vowels), as in Ladefoged and
Johnson, A Course in Phonetics.
"""

from __future__ import annotations

from functools import cache

PHONES = (
    "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH"
).split()
VOWELS = frozenset(phone for phone in PHONES if phone[0] in "AEIOU")

_PAIRS = "P B|T D|K G|F V|TH DH|S Z|SH ZH|CH JH|M N|N NG|F TH|DH D|DH V|SH CH|ZH JH|IY IH|EH AE|AA AO|AH UH|UW UH|AH ER"
_GROUPS = (
    "P T K B D G|F TH S SH HH V DH Z ZH CH JH|M N NG|L R W Y|IY IH EY EH AH|EH AE AH AY|AA AO AH OW AW UH|"
    "OW UW UH OY|ER AH R AO"
)
_FLEETING = frozenset("AH HH T D R L IH".split())
PAIR, GROUP, KIND, OTHER = 0.3, 0.55, 0.85, 1.2
LOST, FLEETING = 0.75, 0.55


def encode(phones: str) -> str:
    """Phones ("K AE T") as one character each; what is no phone is left out."""
    return "".join(chr(ord("0") + index) for index in map(_INDEX.get, phones.split()) if index is not None)


def distance(a: str, b: str) -> float:
    """Cost of turning one encoded pronunciation into another; 0 for homophones, about 1 a wholly different phone."""
    row = [0.0]
    for phone in b:
        row.append(row[-1] + _lost(phone))
    for phone in a:
        diagonal, row[0] = row[0], row[0] + _lost(phone)
        for j, other in enumerate(b, 1):
            swapped = diagonal + _swapped(phone, other)
            diagonal, row[j] = row[j], min(row[j] + _lost(phone), row[j - 1] + _lost(other), swapped)
    return row[-1]


_INDEX = {phone: i for i, phone in enumerate(PHONES)}


@cache
def _lost(code: str) -> float:
    return FLEETING if PHONES[ord(code) - ord("0")] in _FLEETING else LOST


@cache
def _swapped(a: str, b: str) -> float:
    if a == b:
        return 0.0
    both = {PHONES[ord(a) - ord("0")], PHONES[ord(b) - ord("0")]}
    if any(both == set(pair.split()) for pair in _PAIRS.split("|")):
        return PAIR
    if any(both <= set(group.split()) for group in _GROUPS.split("|")):
        return GROUP
    return KIND if len(both & VOWELS) != 1 else OTHER
