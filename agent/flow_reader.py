"""Read and check a flows.toml: whatever is wrong is refused by name, with the file and the line.

What each table means is told in `agent.flows`; nothing here takes part in a call.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn

from agent.errors import PackError
from agent.flows import (
    ANSWER,
    MOVES,
    SOURCES,
    Flow,
    Flows,
    Identify,
    Limits,
    OperationLike,
    Outcome,
    Photos,
    Request,
    Slot,
)


def read_flows(
    path: Path, intents: frozenset[str], entities: frozenset[str], operations: Mapping[str, OperationLike]
) -> Flows:
    """Read and check one file; see `agent.flows.Flows.load`."""
    return _Reader(path, intents, entities, operations).read()


class _Reader:
    """One flows.toml while it is read: knows the line of everything it complains about."""

    def __init__(
        self, path: Path, intents: frozenset[str], entities: frozenset[str], operations: Mapping[str, OperationLike]
    ) -> None:
        self.path, self.intents, self.entities, self.operations = path, intents, entities, operations
        try:
            self.source = path.read_text(encoding="utf-8")
            self.table = tomllib.loads(self.source)
        except (OSError, UnicodeDecodeError) as error:
            raise PackError(f"{path}: missing or not readable as UTF-8 text") from error
        except tomllib.TOMLDecodeError as error:
            raise PackError(f"{path}: not valid TOML: {error}") from error

    def read(self) -> Flows:
        top = ("limits", "identify", "photos", "words", "help", "slots", "operations", "errors", "flows")
        self.known("", self.table, top)
        slots = {name: self.slot(name) for name in self.section("slots")}
        self.slots = slots
        for slot in slots.values():
            if slot.after:
                self.slot_name(f"slots.{slot.name}", "after", slot.after)
        requests = {name: self.request(name) for name in self.section("operations")}
        self.operations = {**self.operations, **requests}
        names = self.section("flows")
        flows = {name: self.flow(name) for name in names}
        loaded = Flows(
            flows=flows,
            slots=slots,
            errors={code: self.outcome("errors", code, entry) for code, entry in self.section("errors").items()},
            limits=self.limits(),
            identify=self.identification(),
            photos=self.pictures(),
            requests=requests,
            old_words=self.words("old"),
            join_words=self.words("join"),
            place_words=(self.words("first"), self.words("second")),
            handoff_words=self.words("handoff"),
            lack_words=self.words("lack"),
            help=self.help(),
        )
        self.reachable(loaded)
        self.loops(loaded)
        return loaded

    def fail(self, section: str, key: str, problem: str) -> NoReturn:
        """Refuse the file, naming the line of a key in a section."""
        raise PackError(f"{self.path}:{_line(self.source, section, key)}: {problem}")

    def section(self, name: str, within: Mapping[str, Any] | None = None, at: str = "") -> dict[str, Any]:
        value = (self.table if within is None else within).get(name, {})
        if not isinstance(value, dict):
            self.fail(at, name, f"{name} must be a table")
        return value

    def known(self, at: str, table: Mapping[str, Any], allowed: Collection[str]) -> None:
        for key in table:
            if key not in allowed:
                self.fail(at, key, f"unknown key {key!r}; it takes {', '.join(sorted(allowed))}")

    def strings(self, at: str, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            self.fail(at, key, f"{key} must be a list of texts")
        return tuple(value)

    def string(self, at: str, table: Mapping[str, Any], key: str) -> str:
        value = table.get(key, "")
        if not isinstance(value, str):
            self.fail(at, key, f"{key} must be a text")
        return value

    def flag(self, at: str, table: Mapping[str, Any], key: str) -> bool:
        value = table.get(key, False)
        if not isinstance(value, bool):
            self.fail(at, key, f"{key} must be true or false")
        return value

    def words(self, key: str) -> tuple[str, ...]:
        table = self.section("words")
        self.known("words", table, ("old", "join", "first", "second", "handoff", "lack"))
        return self.strings("words", table, key)

    def help(self) -> str:
        table = self.section("help")
        self.known("help", table, ("done",))
        return self.string("help", table, "done")

    def slot(self, name: str) -> Slot:
        at = f"slots.{name}"
        table = self.section(name, self.table["slots"], "slots")
        self.known(at, table, ("entity", "from", "carry", "free", "form", "after"))
        entity = self.string(at, table, "entity")
        if entity and entity not in self.entities:
            self.fail(at, "entity", f"unknown entity {entity!r}; the pack has {', '.join(sorted(self.entities))}")
        sources = self.strings(at, table, "from") or ("words",)
        for source in sources:
            if source not in SOURCES:
                self.fail(at, "from", f"unknown source {source!r}; it is one of {', '.join(SOURCES)}")
        form = self.string(at, table, "form")
        try:
            re.compile(form)
        except re.error as error:
            self.fail(at, "form", f"form is no regular expression: {error}")
        return Slot(
            name,
            entity,
            sources,
            self.flag(at, table, "carry"),
            self.flag(at, table, "free"),
            form,
            self.string(at, table, "after"),
        )

    def slot_name(self, at: str, key: str, name: str) -> str:
        if name not in self.slots:
            self.fail(at, key, f"unknown slot {name!r}; there are {', '.join(sorted(self.slots))}")
        return name

    def request(self, name: str) -> Request:
        at = f"operations.{name}"
        table = self.section(name, self.table["operations"], "operations")
        self.known(at, table, ("ticket", "arguments", "customer"))
        if name in self.operations or name == ANSWER:
            self.fail(at, "", f"{name!r} is the backend's own; call it otherwise")
        ticket = self.string(at, table, "ticket")
        if not ticket:
            self.fail(at, "ticket", "needs the kind of ticket it opens")
        arguments = (self.slot_name(at, "arguments", slot) for slot in self.strings(at, table, "arguments"))
        return Request(name, ticket, frozenset(arguments), self.flag(at, {"customer": True, **table}, "customer"))

    def group(self, at: str, key: str, text: str) -> tuple[str, ...]:
        return tuple(self.slot_name(at, key, name) for name in text.split("|"))

    def outcome(self, at: str, code: str, entry: Any) -> Outcome:
        if not isinstance(entry, dict):
            self.fail(at, code, f"{code} must be a table such as {{ say = ..., ask = ... }}")
        allowed = sorted(f.name for f in fields(Outcome))
        for key in entry:
            if key not in allowed:
                self.fail(at, code, f"unknown key {key!r}; it takes {', '.join(allowed)}")
        say, ask, offer, then = (self.string(at, entry, k) for k in ("say", "ask", "offer", "then"))
        if ask:
            self.slot_name(at, code, ask)
        for name in (offer, then):
            if name and name not in self.section("flows"):
                self.fail(at, code, f"unknown flow {name!r}; there are {', '.join(sorted(self.section('flows')))}")
        handoff = self.flag(at, entry, "handoff")
        if sum(map(bool, (ask, offer, then, handoff))) > 1:
            self.fail(
                at, code, f"{code} can lead to one thing only: ask, offer, then or handoff; the others are unreachable"
            )
        return Outcome(say, ask, offer, then, handoff)

    def flow(self, name: str) -> Flow:
        at = f"flows.{name}"
        table = self.section(name, self.table["flows"], "flows")
        self.known(at, table, {f.name for f in fields(Flow)} - {"name", "changes"})
        if name in MOVES:
            self.fail(at, "", f"{name!r} is a move of the conversation and takes no flow")
        action = self.string(at, table, "action")
        operation = self.operations.get(action)
        if operation is None and action != ANSWER:
            choices = ", ".join(sorted((*self.operations, ANSWER)))
            self.fail(at, "action", f"unknown action {action!r}; the backend can {choices}")
        errors = self.section("errors", table, at)
        limit = table.get("handoff_above", 0)
        if not isinstance(limit, (int, float)) or isinstance(limit, bool):
            self.fail(at, "handoff_above", "handoff_above must be a number")
        flow = Flow(
            name=name,
            action=action,
            customer=self.flag(at, table, "customer"),
            needs=tuple(self.group(at, "needs", text) for text in self.strings(at, table, "needs")),
            once=tuple(self.slot_name(at, "once", text) for text in self.strings(at, table, "once")),
            takes=tuple(self.slot_name(at, "takes", text) for text in self.strings(at, table, "takes")),
            query=self.string(at, table, "query"),
            confirm=self.string(at, table, "confirm"),
            unsure=self.string(at, table, "unsure"),
            done=self.string(at, table, "done"),
            next=self.outcome(at, "next", table["next"]) if "next" in table else None,
            denied=self.outcome(at, "denied", table["denied"]) if "denied" in table else Outcome("not_done"),
            handoff_above=float(limit),
            checks=self.section("checks", table, at),
            errors={code: self.outcome(f"{at}.errors", code, entry) for code, entry in errors.items()},
            sorry=self.flag(at, table, "sorry"),
            alone=self.flag(at, table, "alone"),
            changes=operation is not None and operation.changes,
        )
        self.steps(at, flow, operation)
        return flow

    def steps(self, at: str, flow: Flow, operation: OperationLike | None) -> None:
        """Every step of a flow must be one that can be come to, and that its action takes notice of."""
        if not flow.done:
            self.fail(at, "", "a flow needs `done`, the reply for its good end")
        if flow.next and flow.next.ask:
            self.fail(at, "next", "a flow that is done has nothing left to ask: next takes offer, then or handoff")
        for key, words in (("confirm", flow.confirm), ("unsure", flow.unsure)):
            if words and not flow.changes:
                self.fail(at, key, f"{key} is unreachable: {flow.action!r} changes nothing")
        if flow.confirm and flow.unsure:
            self.fail(at, "unsure", "unsure is unreachable: confirm always asks")
        seen: set[str] = set()
        asked = [("needs", name) for group in flow.needs for name in group]
        for key, name in (*asked, *(("once", n) for n in flow.once), *(("takes", n) for n in flow.takes)):
            if name in seen:
                self.fail(at, key, f"slot {name!r} comes twice; the second is unreachable")
            seen.add(name)
            if operation is None or name not in operation.arguments:
                self.fail(at, key, f"slot {name!r} is no argument of {flow.action!r}")
        for code, outcome in flow.errors.items():
            if outcome.ask and outcome.ask not in seen:
                self.fail(f"{at}.errors", code, f"asks for {outcome.ask!r}, which the flow does not use")

    def limits(self) -> Limits:
        table = self.section("limits")
        self.known("limits", table, [f.name for f in fields(Limits)])
        for key, value in table.items():
            if not isinstance(value, (int, float)) or isinstance(value, bool) or value <= 0:
                self.fail("limits", key, f"{key} must be a number above 0")
        return Limits(**table)

    def identification(self) -> Identify:
        at, table = "identify", self.section("identify")
        self.known(at, table, [f.name for f in fields(Identify)])
        action = self.string(at, table, "action")
        if table and action not in self.operations:
            self.fail(at, "action", f"unknown action {action!r}; the backend can {', '.join(sorted(self.operations))}")
        facts = tuple(self.slot_name(at, "facts", name) for name in self.strings(at, table, "facts"))
        ask = tuple(self.group(at, "ask", text) for text in self.strings(at, table, "ask"))
        return Identify(action, facts, ask, int(table.get("needs", 2)))

    def pictures(self) -> Photos:
        at, table = "photos", self.section("photos")
        self.known(at, table, [f.name for f in fields(Photos)])
        match, slot = self.string(at, table, "match"), self.string(at, table, "slot")
        if match and match not in self.operations:
            self.fail(at, "match", f"unknown action {match!r}; the backend can {', '.join(sorted(self.operations))}")
        if slot:
            self.slot_name(at, "slot", slot)
        suggests = self.section("suggests", table, at)
        lists = {kind: self.strings(f"{at}.suggests", suggests, kind) for kind in suggests}
        for kind, wishes in lists.items():
            for wish in wishes:
                if wish not in self.section("flows"):
                    self.fail(f"{at}.suggests", kind, f"unknown flow {wish!r}")
        return Photos(match, slot, lists)

    def reachable(self, loaded: Flows) -> None:
        """Each intent has a flow, and each flow an intent or another flow that leads to it."""
        missing = self.intents - MOVES - loaded.flows.keys()
        if missing:
            self.fail("flows", "", f"no flow for the intents {', '.join(sorted(missing))}")
        led = {o.offer or o.then for o in loaded.errors.values()}
        led |= {o.offer or o.then for f in loaded.flows.values() for o in f.outcomes}
        for name in loaded.flows:
            if name not in self.intents and name not in led:
                self.fail(f"flows.{name}", "", f"flow {name!r} is unreachable: unknown intent, and no flow leads to it")
        used = {slot for flow in loaded.flows.values() for slot in flow.slots} | set(loaded.identify.facts)
        for name in loaded.slots:
            if name not in used:
                self.fail(f"slots.{name}", "", f"slot {name!r} is unreachable: no flow uses it")

    def loops(self, loaded: Flows) -> None:
        """`then` starts a flow without asking, so a circle of them would never end."""
        for start in loaded.flows:
            trail, ahead = {start}, self.followers(loaded, start)
            while ahead:
                name = ahead.pop()
                if name == start:
                    self.fail(f"flows.{start}", "", f"flow {start!r} leads back to itself: a loop of `then`")
                if name not in trail:
                    trail.add(name)
                    ahead |= self.followers(loaded, name)

    @staticmethod
    def followers(loaded: Flows, name: str) -> set[str]:
        flow = loaded.flows[name]
        return {o.then for o in flow.outcomes if o.then}


def _line(source: str, section: str, key: str) -> int:
    """The line of a key within a section, of the section where the key is not found there, or 1."""
    where, header = 1, ""
    last = section.rsplit(".", 1)[-1]
    for number, line in enumerate(source.splitlines(), start=1):
        if match := re.match(r"\s*\[+\s*([^\]]+?)\s*\]+", line):
            header = match[1].replace('"', "").replace(" ", "")
            if header == section or (not section and header.split(".")[0] == key):
                where = number
        elif header == section and key and re.match(rf"\s*\"?{re.escape(key)}\"?\s*[=.]", line):
            return number
        elif where == 1 and f"{header}.{last}" == section and re.match(rf"\s*\"?{re.escape(last)}\"?\s*[=.]", line):
            where = number
    return where
