"""Splits without leaks: what belongs together stays on one side.

Near-duplicate texts, rows of one speaker or sender, and rows with the same photo or recording are tied together, also
through others, and each tied group goes to one part as a whole.
"""

from __future__ import annotations

import hashlib
import logging
import random
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from training.near import near_duplicate_groups, normalise

if TYPE_CHECKING:
    from training.rows import Row

LARGE = 0.2
"""A group with more than this share of the rows is warned about: the parts cannot have their shares."""

log = logging.getLogger(__name__)


def split_rows(rows: Sequence[Row], shares: Sequence[float] = (0.7, 0.15, 0.15), seed: int = 7) -> list[list[Row]]:
    """The rows of each part; see `split`. People, photos and recordings are never in two of them."""
    texts, labels = [row.text for row in rows], [row.intents for row in rows]
    return [[rows[i] for i in part] for part in split(texts, labels, shares, seed, links_of(rows))]


def split(
    texts: Sequence[str],
    labels: Sequence[Hashable],
    shares: Sequence[float] = (0.7, 0.15, 0.15),
    seed: int = 7,
    links: Sequence[Collection[Hashable]] = (),
) -> list[list[int]]:
    """Row numbers of each part: near-duplicates and linked rows never apart, labels spread as far as that allows.

    Groups are dealt out one by one, the largest and rarest first, each to the part that most lacks its labels
    (after iterative stratification: Sechidis et al. 2011).

    Args:
        texts: one a row.
        labels: one a row; each of a tuple's members counts, an empty tuple is a label of its own.
        shares: of each part, adding up to 1.
        seed: of the shuffle.
        links: of each row; rows that share one are never apart.
    """
    duplicates = near_duplicate_groups(texts)
    others = links or [()] * len(texts)
    tied = tie([[("near", group), *more] for group, more in zip(duplicates, others, strict=True)])
    groups: dict[int, list[int]] = defaultdict(list)
    for row, group in enumerate(tied):
        groups[group].append(row)
    _warn(list(groups.values()), len(texts))
    order = list(groups.values())
    random.Random(seed).shuffle(order)
    return _deal(order, [_members(label) for label in labels], shares)


def tie(links: Sequence[Collection[Hashable]]) -> list[int]:
    """Group of each row, named by its first row: rows that share a link, directly or through others, are one group."""
    parent = list(range(len(links)))
    first: dict[Hashable, int] = {}

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = row = parent[parent[row]]
        return row

    for row, names in enumerate(links):
        for name in names:
            one, other = root(row), root(first.setdefault(name, row))
            parent[max(one, other)] = min(one, other)
    return [root(row) for row in range(len(links))]


def links_of(rows: Sequence[Row]) -> list[list[Hashable]]:
    """What each row may share with others: who is behind it, and what its files hold."""
    contents = _contents({path for row in rows for path in (row.photo, row.audio) if path is not None})
    return [
        [("person", row.group)] * (row.group is not None)
        + [("file", contents[path]) for path in (row.photo, row.audio) if path is not None]
        for row in rows
    ]


def _contents(paths: Collection[Path]) -> dict[Path, Hashable]:
    """What tells files apart: their size, and the SHA-256 of those that share it; the path of one that is missing."""
    sizes = {path: path.stat().st_size if path.is_file() else None for path in paths}
    shared = Counter(sizes.values())
    contents: dict[Path, Hashable] = {}
    for path, size in sizes.items():
        if size is None:
            contents[path] = str(path)
        else:
            contents[path] = (size, _sha256(path) if shared[size] > 1 else "")
    return contents


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _members(label: Hashable) -> tuple[Hashable, ...]:
    return label if isinstance(label, tuple) and label else (label,)


def _warn(groups: Sequence[Sequence[int]], count: int) -> None:
    largest = max(groups, key=len, default=[])
    if len(groups) > 1 and len(largest) <= LARGE * count:
        return
    if count > 1:
        log.warning(
            "%d of %d rows (%.0f%%, from row %d on) are tied into one group by like texts, people or files and stay "
            "in one part; the parts may miss their shares",
            len(largest), count, 100 * len(largest) / count, largest[0] + 1,
        )  # fmt: skip


def _deal(
    order: Sequence[Sequence[int]], labels: Sequence[tuple[Hashable, ...]], shares: Sequence[float]
) -> list[list[int]]:
    """Deal the groups out, each to the part furthest behind in its labels, relative to how common each label is.

    A part's lack of a label is its share of those dealt so far, these included, less what it has; the sum of squared
    lacks grows least where the lack is largest. All rows together count as one more label, which decides where labels
    are too rare to.
    """
    whole = object()
    totals = Counter(name for names in labels for name in (*names, whole))
    counts = [Counter(name for row in rows for name in (*labels[row], whole)) for rows in order]
    rarity = [min(totals[name] for name in names) for names in counts]
    parts: list[list[int]] = [[] for _ in shares]
    held = [Counter[Hashable]() for _ in shares]
    dealt = Counter[Hashable]()
    for group in sorted(range(len(order)), key=lambda i: (-len(order[i]), rarity[i])):
        names = counts[group]
        dealt.update(names)
        lacks = [
            sum(n * (share * dealt[name] - have[name]) / totals[name] for name, n in names.items())
            for share, have in zip(shares, held, strict=True)
        ]
        part = lacks.index(max(lacks))
        parts[part].extend(order[group])
        held[part].update(names)
    return [sorted(part) for part in parts]


__all__ = ["LARGE", "links_of", "near_duplicate_groups", "normalise", "split", "split_rows", "tie"]
