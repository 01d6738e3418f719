"""Words for what was decided, fit to be spoken: short, in variants, and with no fact that was not given.

A pack's replies.toml:

    [tasks]     INTENT = "cancel an order"        what a wish is called
    [labels]    VALUE = "on its way"              what a stored value is called
    [say]       KEY = ["variant", ...]            or a table: by = FACT, VALUE = [...], other = [...]
    [aloud]     the same, where speech should differ from writing
    [upset]     the same, to somebody who is unhappy: plainer, and never cheerful

Placeholders take the facts that came with the decision: {order_id}, {total:money}, {due:date}, {items:list},
{options:or}, {status:label}, {task:task}. A variant whose facts are not all there is passed over; of the rest those
that tell most are taken, and one of them by call, turn and key, so that a replayed call says the same.
"""

from __future__ import annotations

import datetime as dt
import logging
import string
import tomllib
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from agent.errors import PackError
from agent.types import Action, Channel

log = logging.getLogger(__name__)

POLICY_KEYS = frozenset(
    """all_right anything_else back_to capabilities capabilities_short cannot clarify clarify_one dropped dropped_all
    goodbye greet greet_short handed_off handoff_failed handoff_waiting how_can_i_help keypad next_task
    no_speech not_done not_identified not_understood out_of_scope photo_damaged photo_problem photo_receipt
    receipt_unmatched receipt_unproved repeat rephrase silent_goodbye silent_help sorry thanks thanks_short wait
    what_about_it what_about_photo""".split()
)
"""The keys the policy uses whatever the flows."""

Part = tuple[str, Mapping[str, Any]]
Variants = tuple[str, ...]


@dataclass(frozen=True)
class Wording:
    """The variants of one key; by the value of a fact where `by` names one."""

    variants: Mapping[str, Variants]
    by: str = ""

    def of(self, facts: Mapping[str, Any]) -> Variants:
        """The variants for these facts."""
        return self.variants.get(str(facts.get(self.by, "")), self.variants.get("other", ()))


class Replies:
    """The wording of one pack.

    Args:
        say: key -> wording.
        aloud: the same for speech; what is missing is taken from `say`.
        upset: the same for customers who are unhappy, spoken or written; what is missing is taken from the others.
        tasks: intent -> what it is called.
        labels: stored value -> what it is called.
        clock: today, to leave out the year of a day in it.
    """

    def __init__(
        self,
        say: Mapping[str, Wording],
        aloud: Mapping[str, Wording],
        tasks: Mapping[str, str],
        labels: Mapping[str, str],
        clock: Callable[[], dt.date] = dt.date.today,
        upset: Mapping[str, Wording] | None = None,
    ) -> None:
        self._say, self._aloud, self._upset = say, aloud, upset or {}
        self._formatter = _Formatter(tasks, labels, clock)

    @classmethod
    def load(
        cls,
        path: str | PathLike[str],
        keys: Collection[str],
        tasks: Collection[str],
        clock: Callable[[], dt.date] = dt.date.today,
    ) -> Replies:
        """Read a replies.toml.

        Args:
            path: the file.
            keys: every key the pack's flows come to (`Flows.keys`).
            tasks: every flow.
            clock: gives today.

        Raises:
            PackError: a key or task has no words, or a placeholder is wrong; names the file and the key.
        """
        path = Path(path)
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise PackError(f"{path}: missing or not readable as UTF-8 text") from error
        except tomllib.TOMLDecodeError as error:
            raise PackError(f"{path}: not valid TOML: {error}") from error
        say, aloud, upset = (
            {key: _wording(path, key, value) for key, value in table.get(tone, {}).items()}
            for tone in ("say", "aloud", "upset")
        )
        if missing := (POLICY_KEYS | set(keys)) - say.keys():
            raise PackError(f"{path}: [say] lacks {', '.join(sorted(missing))}")
        if unused := (say.keys() | aloud.keys() | upset.keys()) - POLICY_KEYS - set(keys):
            raise PackError(f"{path}: nothing ever says {', '.join(sorted(unused))}")
        if missing := set(tasks) - table.get("tasks", {}).keys():
            raise PackError(f"{path}: [tasks] lacks {', '.join(sorted(missing))}")
        return cls(say, aloud, table["tasks"], table.get("labels", {}), clock, upset)

    def render(
        self,
        parts: Sequence[Part],
        action: Action,
        *,
        call_id: str,
        turn: int,
        channel: Channel,
        upset: bool = False,
    ) -> str:
        """What to say.

        Args:
            parts: keys and facts to be said first.
            action: what ends the turn; its arguments hold a key and facts, or nothing to say.
            call_id: with `turn`, chooses among variants.
            turn: number of the turn.
            channel: speech may be worded otherwise than writing.
            upset: whether the customer is unhappy.
        """
        last = [(str(action.arguments["key"]), action.arguments.get("facts", {}))] if "key" in action.arguments else []
        said = [self.phrase(key, facts, f"{call_id}:{turn}", channel, upset) for key, facts in (*parts, *last)]
        return " ".join(text for text in said if text)

    def phrase(self, key: str, facts: Mapping[str, Any], chooser: str, channel: Channel, upset: bool = False) -> str:
        """One key in words; empty when the facts do not suffice for any variant."""
        wording = self._say.get(key)
        if channel != "text":
            wording = self._aloud.get(key, wording)
        if upset:
            wording = self._upset.get(key, wording)
        given = {name: value for name, value in facts.items() if value not in (None, "", [], ())}
        fitting = [v for v in (wording.of(given) if wording else ()) if _names(v) <= given.keys()]
        if not fitting:
            log.error("no wording of %s fits the facts %s", key, ", ".join(sorted(given)))
            return ""
        most = max(len(_names(v)) for v in fitting)
        richest = [v for v in fitting if len(_names(v)) == most]
        variant = richest[zlib.crc32(f"{chooser}:{key}".encode()) % len(richest)]
        return self._formatter.vformat(variant, (), given)


class _Formatter(string.Formatter):
    """Facts in written form: the voice makes them fit to be heard."""

    def __init__(self, tasks: Mapping[str, str], labels: Mapping[str, str], clock: Callable[[], dt.date]) -> None:
        self.tasks, self.labels, self.clock = tasks, labels, clock

    def format_field(self, value: Any, format_spec: str) -> str:
        match format_spec:
            case "money":
                return _money(str(value))
            case "date":
                return self._date(str(value))
            case "list" | "or":
                items = [str(item) for item in value] if isinstance(value, (list, tuple)) else [str(value)]
                return _join([_prices(item) for item in items], "or" if format_spec == "or" else "and")
            case "label":
                return self.labels.get(str(value), str(value).replace("_", " "))
            case "task":
                return self.tasks.get(str(value), str(value).replace("_", " "))
        return str(value)

    def _date(self, value: str) -> str:
        day = dt.date.fromisoformat(value)
        year = "" if day.year == self.clock().year else f", {day.year}"
        return f"{day:%B} {day.day}{year}"


FORMATS = frozenset({"", "money", "date", "list", "or", "label", "task"})


def _money(value: str) -> str:
    """Money as written: "12.50 USD" is "$12.50"."""
    amount, _, currency = value.partition(" ")
    return f"${float(amount):,.2f}" if currency == "USD" else value


def _prices(text: str) -> str:
    """A text with the money in it as written."""
    head, found, amount = text.rpartition(" at ")
    return f"{head} at {_money(amount)}" if found and amount.endswith(" USD") else text


def _join(items: Sequence[str], word: str) -> str:
    # Things with a comma inside, such as "Linen Shirt in blue, size M", are told apart by semicolons.
    comma = "; " if any("," in item for item in items) else ", "
    return comma.join(items[:-1]) + f" {word} " + items[-1] if len(items) > 1 else "".join(items)


def _names(variant: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in string.Formatter().parse(variant) if name)


def _wording(path: Path, key: str, value: Any) -> Wording:
    table = value if isinstance(value, dict) else {"other": value}
    by = table.get("by", "")
    variants = {str(name): _variants(path, key, entry) for name, entry in table.items() if name != "by"}
    if "other" not in variants or bool(by) != isinstance(value, dict):
        raise PackError(f"{path}: {key} needs a list of variants, or a table with `by` and `other`")
    return Wording(variants, by)


def _variants(path: Path, key: str, value: Any) -> Variants:
    if not isinstance(value, list) or not value or not all(isinstance(v, str) and v for v in value):
        raise PackError(f"{path}: {key} needs a list of texts")
    for variant in value:
        try:
            parsed = list(string.Formatter().parse(variant))
        except ValueError as error:
            raise PackError(f"{path}: {key} has a broken placeholder: {error}") from error
        for _, name, spec, conversion in parsed:
            if name is not None and (not name.isidentifier() or (spec or "") not in FORMATS or conversion):
                raise PackError(f"{path}: {key} has the placeholder {name!r}:{spec!r}; formats are {sorted(FORMATS)}")
    return tuple(value)
