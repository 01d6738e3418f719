"""An address as it was printed, where the reader slipped: "SHAH ALAN" is Shah Alam, "4D170" is 40170.

Words that addresses are made of (streets, floors, the towns and states of Malaysia) are known; a word one slip
away from exactly one of them, or two slips if it is long, was that word. Names that are not known stay as read.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

_WORDS = """
jalan taman bandar baru kampung lorong persiaran lebuh lebuhraya seksyen section kawasan perindustrian perusahaan
industrial industri industries perniagaan pusat dagangan kompleks complex wisma menara plaza bangunan building tingkat
level floor ground first second third block tower batu bukit sungai sungei lapangan terbang desa mukim jaya indah
utama setia permas perdana sultan ismail ibrahim abdullah street road avenue boulevard square park centre center
shopping village garden gardens city office medan pasar besar utara selatan timur barat lama tengah darul ehsan takzim
ridzuan makmur khusus aman naim iman wilayah persekutuan malaysia selangor johor bahru kuala lumpur perak penang pulau
pinang melaka pahang kedah perlis kelantan terengganu sabah sarawak negeri sembilan labuan putrajaya cyberjaya shah
alam petaling subang klang kajang cheras ampang puchong rawang buloh kembangan balakong semenyih bangi serdang gombak
selayang kepong setapak damansara bangsar dengkil sepang banting kapar ipoh taiping seremban nilai kuantan bentong
raub temerloh brinchang cameron highlands skudai masai gudang kulai senai tampoi tebrau pelangi muar kluang segamat
pontian mersing pahat butterworth seberang perai setar kangar kinabalu kuching sibu
""".split()
_KNOWN = frozenset(_WORDS)
_ALIKE = frozenset(
    frozenset(pair)
    for pair in (
        "i1",
        "l1",
        "il",
        "it",
        "o0",
        "od",
        "d0",
        "oq",
        "s5",
        "b8",
        "z2",
        "g6",
        "nm",
        "mh",
        "ce",
        "oa",
        "ea",
        "un",
        "vy",
        "lt",
    )
)  # letters and digits that readers of print take for each other
_SHORT = {
    "j1n": "jln",
    "jin": "jln",
    "jlm": "jln",
    "1ot": "lot",
    "l0t": "lot",
    "10t": "lot",
    "lut": "lot",
    "b1k": "blk",
    "bik": "blk",
}
_DIGITS = str.maketrans("ODQUoISZBl", "0000015281")
_POSTCODE = re.compile(r"\b(?=(?:\w?\d){3})[\dODQUoISZBl]{5}\b")
_TOKEN = re.compile(r"[^\W\d_][\w:!|]*[^\W_]|[^\W_]+")
_FEW = 0.02  # share of letters with accents up to which they are slips of the reader, not of the language


def respelt(text: str, whole: str = "") -> str:
    """An address with the reader's slips put right, on one line.

    Args:
        text: the address as read.
        whole: all that was read; tells whether its language writes accents.
    """
    plain = _without_accents(text, whole or text)
    digits = _POSTCODE.sub(lambda found: found[0].translate(_DIGITS), plain)
    return _TOKEN.sub(lambda found: _as_known(found[0]), digits)


def _without_accents(text: str, whole: str) -> str:
    """Without accents, where hardly any letter of the paper has one."""
    letters = [c for c in whole if c.isalpha()]
    if sum(not c.isascii() for c in letters) > max(2.0, _FEW * len(letters)):
        return text
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def _as_known(word: str) -> str:
    """The known word that a word was, in its own case; the word itself where there is none or more than one."""
    small = word.lower()
    meant = _SHORT.get(small) or ("" if small in _KNOWN or len(small) < 4 else _nearest(small))
    if not meant:
        return word
    return meant.upper() if word.isupper() else meant.title() if word[0].isupper() else meant


@cache
def _nearest(word: str) -> str:
    """The one known word within reach; empty for none or several."""
    reach = {known: slips for known in _KNOWN if (slips := _slips(word, known)) is not None}
    best = min(reach.values(), default=0)
    near = [known for known, slips in reach.items() if slips == best]
    return near[0] if len(near) == 1 else ""


def _slips(word: str, known: str) -> int | None:
    """How many slips lead from a known word to what was read; None for more than are believed."""
    allowed = 2 if len(known) >= 8 and word[0] == known[0] else 1
    if abs(len(word) - len(known)) > allowed:
        return None
    if len(word) == len(known):
        wrong = [frozenset(pair) for pair in zip(word, known, strict=True) if pair[0] != pair[1]]
        believed = len(known) >= 6 or all(pair in _ALIKE or not all(c.isalpha() for c in pair) for pair in wrong)
        return len(wrong) if len(wrong) <= allowed and believed else None
    return 1 if len(known) >= 6 and _one_more_or_less(word, known) else None


def _one_more_or_less(a: str, b: str) -> bool:
    """Whether one string is the other with one character left out."""
    short, long = sorted((a, b), key=len)
    return len(long) == len(short) + 1 and any(long[:i] + long[i + 1 :] == short for i in range(len(long)))
