"""The score card of a call: rules of the pack, in its scorecard.toml.

[[rule]]
name = "Greets"              what the card calls it
who = "agent"                whose turns are looked at: agent (if left out) or customer
says = ["thank you for calling", "how can I help"]     any of these, or nearly
within = 2                   among the first so many turns; -2: the last so many; left out: anywhere
points = 10

[[rule]]
name = "Lets the customer talk"
measure = "talk_agent_share" a measure of the call, or "longest_silence", "interruptions", "not_understood"
most = 0.7
points = 10
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.errors import PackError
from demos.batches.rows import Row

MEASURES = ("talk_agent_share", "longest_silence", "interruptions", "not_understood")
NEARLY = 82.0  # likeness (0..100, rapidfuzz's partial ratio) of words that may be misheard
_KEYS = frozenset(("name", "who", "says", "within", "points", "measure", "most"))


@dataclass(frozen=True)
class Rule:
    """One line of the card."""

    name: str
    points: float
    who: str = "agent"
    says: tuple[str, ...] = ()
    within: int = 0
    measure: str = ""
    most: float = 0.0


@dataclass(frozen=True)
class Score:
    """A call's card: 0..100 of the points that could be had, and the rules it failed."""

    percent: float
    failed: tuple[str, ...]


def load(root: Path) -> tuple[Rule, ...]:
    """The rules of a pack; none where it has no scorecard.toml.

    Raises:
        PackError: the file is wrong; names the rule.
    """
    path = root / "scorecard.toml"
    if not path.is_file():
        return ()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PackError(f"{path}: not valid TOML: {error}") from None
    return tuple(_rule(path, number, rule) for number, rule in enumerate(table.get("rule", []), start=1))


def _rule(path: Path, number: int, given: Mapping[str, Any]) -> Rule:
    where = f"{path}: rule {number}"
    if unknown := sorted(set(given) - _KEYS):
        raise PackError(f"{where}: unknown key {unknown[0]!r}; known: {', '.join(sorted(_KEYS))}")
    if not given.get("name") or not isinstance(given.get("points"), (int, float)) or given["points"] <= 0:
        raise PackError(f"{where}: needs a name and points above 0")
    if bool(given.get("says")) == bool(given.get("measure")):
        raise PackError(f"{where}: needs either says = [...] or measure with most")
    if given.get("measure") and (given["measure"] not in MEASURES or not isinstance(given.get("most"), (int, float))):
        raise PackError(f"{where}: measure must be one of {', '.join(MEASURES)}, with most = a number")
    if given.get("who", "agent") not in ("agent", "customer"):
        raise PackError(f"{where}: who must be agent or customer, got {given['who']!r}")
    return Rule(**{**given, "says": tuple(given.get("says", ()))})


def score(rules: Sequence[Rule], row: Row, facts: Mapping[str, Any]) -> Score | None:
    """The card of a call; None where no rule can be told (one speaker alone, nothing heard, no rules)."""
    if row["speakers"] in (None, "one") or not row["turns"]:
        return None
    told = [(rule, kept) for rule in rules if (kept := _kept(rule, row["turns"], facts)) is not None]
    total = sum(rule.points for rule, _ in told)
    if not total:
        return None
    percent = 100 * sum(rule.points for rule, kept in told if kept) / total
    return Score(round(percent, 1), tuple(rule.name for rule, kept in told if not kept))


def _kept(rule: Rule, turns: Sequence[Row], facts: Mapping[str, Any]) -> bool | None:
    """Whether a call keeps to a rule; None where it cannot be told."""
    if rule.measure:
        value = _measure(rule.measure, facts)
        return None if value is None else value <= rule.most
    from rapidfuzz import fuzz

    said = [turn["text"].lower() for turn in turns if turn["who"] == rule.who]
    looked = said[: rule.within] if rule.within > 0 else said[rule.within :] if rule.within else said
    wanted = [phrase.lower() for phrase in rule.says]
    return any(len(t) >= len(p) * 0.6 and fuzz.partial_ratio(p, t) >= NEARLY for t in looked for p in wanted)


def _measure(name: str, facts: Mapping[str, Any]) -> float | None:
    if name != "talk_agent_share":
        value: float | None = facts[name]
        return value
    both = (facts["talk_agent"] or 0.0) + facts["talk_customer"]
    return facts["talk_agent"] / both if both and facts["talk_agent"] is not None else None
