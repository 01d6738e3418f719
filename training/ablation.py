"""What each modality is worth: the same rows with all they have, with one alone, and with one left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from agent.types import Turn, Understanding
from training.cases import Case
from training.figures import figures
from training.measure import flat
from training.rows import Row

Understand = Callable[[Iterable[Turn]], list[Understanding]]
Kept = frozenset[str]

TYPED = frozenset({"text"})


def ablate(cases: Sequence[Case], whole: Sequence[Understanding], understand: Understand) -> dict[str, Any]:
    """Figures of the rows that have more than one modality, and of recordings against their words typed.

    Args:
        cases: every case measured.
        whole: what was understood from all that each has, in the same order.
        understand: understands turns; asked once for each case and set of modalities.

    Returns:
        "several": rows of two modalities or more: "all", "alone" and "without" by modality (of the rows that have
        it); "heard": recordings whose words are known: "heard" as played and "typed" in their place. Parts without
        rows are left out. Figures as by `training.measure.flat`.
    """
    plan = _plan(cases)
    keys = list(dict.fromkeys(key for part in plan.values() for key in part))
    full = {(i, case.modalities): u for i, (case, u) in enumerate(zip(cases, whole, strict=True))}
    missing = [key for key in keys if key not in full]
    answers = full | dict(zip(missing, understand(cases[i].turn(kept) for i, kept in missing), strict=True))

    result: dict[str, Any] = {}
    for (part, *names), chosen in plan.items():
        if chosen:
            table = result.setdefault(part, {})
            for name in names[:-1]:
                table = table.setdefault(name, {})
            rows = [_told(cases[i], kept) for i, kept in chosen]
            table[names[-1]] = flat(figures(rows, [answers[key] for key in chosen]))
    return result


def _told(case: Case, kept: Kept) -> Row:
    """What can be known from the modalities kept: entities in words only where there are words."""
    return replace(case.row, spans=None) if kept == {"image"} else case.row


def _plan(cases: Sequence[Case]) -> dict[tuple[str, ...], list[tuple[int, Kept]]]:
    """Where each figure stands, and the (case, modalities kept) that it rests on."""
    plan: dict[tuple[str, ...], list[tuple[int, Kept]]] = {}
    several = [(i, case.modalities) for i, case in enumerate(cases) if len(case.modalities) > 1]
    plan["several", "all"] = several
    for name in ("text", "audio", "image"):
        having = [(i, has) for i, has in several if name in has]
        plan["several", "alone", name] = [(i, frozenset({name})) for i, _ in having]
        plan["several", "without", name] = [(i, has - {name}) for i, has in having]
    heard = [(i, c.modalities) for i, c in enumerate(cases) if "audio" in c.modalities and c.row.text.strip()]
    plan["heard", "heard"] = heard
    plan["heard", "typed"] = [(i, has - {"audio"} | TYPED) for i, has in heard]
    return plan
