"""Company, date, address and total of a receipt, from its lines as they were read and what the tagger marked.

Written rules that stand on their own; spans from the tagger, where there are any, are one more piece of evidence.
Pure functions; nothing here reads pictures.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from modalities.ocr import rows
from modalities.types import TextLine

_TOTAL = re.compile(
    r"t[o0]ta[l1i]|amount\s*(due|payable)|net{1,2}\s*am|balance\s*due|jumlah|total\b|(?<!sub)total", re.I
)
_NOT_TOTAL = re.compile(
    r"sub\s*-?\s*t[o0]ta|qty|quantity|item|saving|disc|excl|before|tax\s*total|total\s*tax|total\s*gst|gst\s*total|point|"
    r"tender|change",
    re.I,
)


def total_rows(lines: Sequence[TextLine]) -> set[int]:
    """Positions of the lines in printed rows that speak of a total to pay."""
    found: set[int] = set()
    for row in rows(lines):
        text = " ".join(lines[i].text for i in row)
        if _TOTAL.search(text) and not _NOT_TOTAL.search(text):
            found.update(row)
    return found
