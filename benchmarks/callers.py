"""Simulated customers: each has goals, a manner, and says one thing after another until the goals are met or given up.

An agenda-based user simulator (Schatzmann et al. 2007, "Agenda-based user simulation for bootstrapping a POMDP dialogue
system"): a customer looks at what was asked, as a person would hear it, and never at what the agent understood.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from agent.operations import OPERATIONS
from agent.shop import FIRST, LAST
from agent.state import DialogueState
from agent.types import Event
from benchmarks.goals import ANSWERED, PROOFS, Goal
from benchmarks.said import Said, joined, placeholders, plain

MANNERS = ("terse", "chatty", "unsure", "angry", "changing", "mistaken", "straying", "double")
MOST_TURNS = 24
PATIENCE = 3
"""How often a wish is put anew before the customer gives up."""

_SPOKEN = {
    "XS": "extra small",
    "S": "small",
    "M": "medium",
    "L": "large",
    "XL": "extra large",
    "XXL": "double extra large",
    "express": "express delivery",
    "standard": "standard delivery",
    "pickup": "store pickup",
    "paypal": "PayPal",
}
_HEARD = {"item": ("old", "item", "items"), "size": ("item",), "color": ("item",), "product": ("item",)}
_HEARD |= {"address": ("address",), "new_postcode": ("address",), "person": ("name",)}
"""In which words of a preview a customer hears whether a slot was understood."""

Words = Mapping[str, Any]


def wordings() -> Words:
    """What customers say: `customers.toml`."""
    return tomllib.loads(Path(__file__).with_name("customers.toml").read_text(encoding="utf-8"))


@dataclass
class Caller:
    """One customer on the line.

    Attributes:
        goals: wanted, in this order.
        manner: one of `MANNERS`.
        known: whether the line or a login has proved who it is.
        keypad: digits can be typed where words fail, as on any telephone.
        turns: said so far, up to the last goal met.
        fewest: turns that nobody could have done without.
    """

    goals: Sequence[Goal]
    manner: str
    rng: Random
    words: Words
    known: bool = False
    keypad: bool = False
    turns: int = 0
    fewest: int = 0
    _goal: int = 0
    _told: dict[str, int] = field(default_factory=dict)
    _slips: dict[str, str] = field(default_factory=dict)
    _strayed: bool = False
    _opened: bool = False
    _put: int = 0
    _count: int = 0
    _early: set[int] = field(default_factory=set)

    @property
    def goal(self) -> Goal:
        """What is wanted now."""
        return self.goals[min(self._goal, len(self.goals) - 1)]

    @property
    def done(self) -> bool:
        """Whether every goal was met, as far as the customer can tell."""
        return self._goal >= len(self.goals)

    def opening(self) -> Said:
        """The first words."""
        goal = self.goal
        self._slip(goal)
        self._count = 1
        if goal.intent in ("person", "legal", "anger", "strange"):
            self.fewest = 1 if goal.intent in ("person", "legal") else 3
            return self._outburst()
        if self.manner == "unsure":
            self.fewest = 1
            move = self.rng.choice(("help", "hello"))
            return self._say(move, "capabilities" if move == "help" else "greet")
        if self.manner == "changing" and not self._slips:
            self.fewest, self._strayed = 1, False
            other = self.rng.choice([i for i in ("track_order", "return_item", "exchange_item") if i != goal.intent])
            return self._fill(self.rng.choice(self.words["open"][other]["short"]), other)
        return self._open()

    def hear(self, events: Iterable[Event]) -> None:
        """Take in what the agent did."""
        for event in events:
            if event.type != "result" or event.data.get("preview") or not event.data.get("ok"):
                continue
            for i, goal in enumerate(self.goals[self._goal :], self._goal):
                told = event.data["data"]
                named = [k for k in ("order_id", "product") if k in goal.arguments]
                if goal.action == event.data["name"] and all(
                    told.get(k, goal.arguments[k]) == goal.arguments[k] for k in named
                ):
                    self._early.add(i)
        while self._goal in self._early:
            self._goal += 1
            self.turns = self._count
            self._put = 0

    def next(self, state: DialogueState) -> Said | None:
        """What is said next; None when there is nothing more to say."""
        if state.closed or state.handed_off or self.done or self._count >= MOST_TURNS:
            self.turns = self.turns or self._count
            return None
        self._count += 1
        asked = state.question
        if self.goal.intent in ("person", "legal", "anger", "strange"):
            return self._outburst() if self._count <= 5 else self._leave()
        if asked.kind in ("slot", "confirm") and (detour := self._detour(state)):
            return detour
        answers = {
            "slot": self._answer,
            "confirm": self._confirm,
            "offer": self._offer,
            "clarify": self._clarify,
        }
        return answers.get(asked.kind, self._again)(state)

    # ---- ways to speak

    def _open(self) -> Said:
        """The wish, as full or as short as the customer's manner has it; two wishes at once from a "double" one."""
        goal, self._opened = self.goal, True
        said = self._wish(goal, full=self.manner != "terse")
        if self.manner == "double" and len(self.goals) > 1 and self._goal == 0:
            second = self._wish(self.goals[1], full=True)
            said = joined(said, self.rng.choice(self.words["say"]["join"]), second)
            self.fewest += self._needed(self.goals[1]) - 1
        if self.manner == "chatty":
            said = self._chatty(said)
        if self.manner == "angry":
            said = joined(self._say("anger", goal.intent, unhappy=True), "", said, dot=True)
        self._tell(said)
        self.fewest += self._needed(goal)
        return said

    def _needed(self, goal: Goal) -> int:
        """Turns that fulfilling a goal takes at the least, its opening among them."""
        asked = {name for name in goal.needs if name not in self._told}
        proofs = (set(goal.needs) | set(self._told)) & {"order_id", *PROOFS}
        proving = 0 if self.known or not goal.owner else max(0, 2 - len(proofs))
        photo = "photo" in goal.facts
        unsure = self.keypad and not goal.confirms and goal.action in OPERATIONS and OPERATIONS[goal.action].changes
        return 1 + len(asked) + proving + (goal.confirms or unsure) + photo + bool(goal.declines)

    def _wish(self, goal: Goal, *, full: bool) -> Said:
        table = self.words["open"][goal.intent]
        known = {name for name in goal.facts if name != "photo"}
        fitting = [w for w in table.get("full", ()) if placeholders(w) <= known]
        fit = [w for w in fitting if all(n in placeholders(w) for n in ("size", "color") if n in goal.arguments)]
        choices = (fit or fitting or table.get("short")) if full else table.get("short") or fitting
        return self._fill(self.rng.choice(choices), goal.intent, goal=goal)

    def _chatty(self, said: Said) -> Said:
        before, after = (self.rng.choice(self.words["chat"][key]) for key in ("before", "after"))
        said = joined(Said(before, ()), "", said)
        if self.goal.owner and not self.known and self.goal.customer:
            said = joined(said, "", self._fill("I'm {person}, my e-mail is {email}.", ""), dot=True)
        return joined(said, "", Said(after, ()), dot=True)

    def _fill(self, template: str, *intents: str, photo: str = "", goal: Goal | None = None) -> Said:
        """A template with the customer's values; a value the customer is mistaken in is told wrong once."""
        text, slots, at = "", [], 0
        facts = (goal or self.goal).facts
        for match in re.finditer(r"\{(\w+)\}", template):
            name = match[1]
            value = self._slips.pop(name, "") or facts[name]
            text += template[at : match.start()]
            shown = self._shown(name, value)
            slots.append((name, value, len(text), len(text) + len(shown)))
            text, at = text + shown, match.end()
        return Said(text + template[at:], tuple(i for i in intents if i), tuple(slots), photo)

    def _shown(self, name: str, value: str) -> str:
        if name in ("item", "product"):
            return value.lower()
        if name in ("size", "delivery_option", "payment_method"):
            return _SPOKEN.get(value, value.replace("_", " "))
        return value

    def _say(self, key: str, *intents: str, unhappy: bool = False) -> Said:
        return Said(self.rng.choice(self.words["say"][key]), intents, unhappy=unhappy)

    def _tell(self, said: Said) -> Said:
        for name, *_ in said.slots:
            self._told[name] = self._told.get(name, 0) + 1
        return said

    # ---- ways to go on

    def _slip(self, goal: Goal) -> None:
        """What a mistaken or mind-changing customer says first."""
        choices = {"delivery_option": ("express", "standard", "pickup"), "quantity": ("1", "2", "3", "4")}
        choices |= {"payment_method": ("paypal", "debit_card", "credit_card", "bank_transfer")}
        if self.manner == "mistaken" and "order_id" in goal.needs and goal.ends == "done":
            self._slips["order_id"] = "K999997"
        elif self.manner == "mistaken" and "new_email" in goal.needs:
            self._slips["new_email"] = f"{self.rng.choice(FIRST)}.{self.rng.choice(LAST)}@example.com".lower()
        elif self.manner == "changing":
            for name in goal.needs:
                if name in choices and goal.confirms:
                    self._slips[name] = self.rng.choice([v for v in choices[name] if v != goal.facts[name]])
                    break
        self.fewest += bool(self._slips)

    def _detour(self, state: DialogueState) -> Said | None:
        """Once, something beside the matter."""
        if self._strayed:
            return None
        self._strayed = True
        if self.manner == "changing" and state.flow not in (self.goal.intent, self.goal.then):
            opened = self._open()
            return joined(self._say("before", "never_mind"), "", opened, dot=True)
        self.fewest += self.manner in ("unsure", "straying")
        if self.manner == "unsure":
            return self._say(*self.rng.choice((("repeat", "repeat"), ("wait", "wait"))))
        if self.manner == "straying":
            other = self.rng.choice([i for i in ANSWERED if i != self.goal.intent])
            return Said(self.rng.choice(self.words["open"][other]["short"]), (other,))
        return None

    def _answer(self, state: DialogueState) -> Said:
        """What was asked for, or that it is not at hand."""
        if not self._placed(state):
            return self._again(state)
        slots, goal = state.question.slots, self.goal
        if "photo" in slots:
            shows = goal.facts.get("photo", "")
            return self._fill(self.rng.choice(self.words["answer"]["photo"]), "inform", photo=shows) if shows else (
                self._say("no_photo", "deny")
            )  # fmt: skip
        known = [name for name in slots if name in goal.facts and name in self.words["answer"]]
        if not known or (known == ["order_id"] and "order_id" not in goal.needs and self.rng.random() < 0.5):
            return self._say("lack", "deny")
        aloud = ("postcode", "phone") if self.keypad else ()  # what the spoken question asks for
        name = min(known, key=lambda n: (n not in aloud, self._told.get(n, 0), slots.index(n)))
        value = goal.facts[name]
        if self.keypad and self._told.get(name, 0) > 0 and name in ("order_id", "postcode", "phone", "new_postcode"):
            digits = re.sub(r"\D", "", value)
            return self._tell(Said(digits, ("inform",), ((name, value, 0, len(digits)),)))
        if name == "story":
            return Said(self.rng.choice(self.words["answer"]["story"]), ("inform",))
        said = self._fill(self.rng.choice(self.words["answer"][name]), "inform")
        if self.manner == "angry" and not self._strayed:
            self._strayed = True
        return self._tell(said)

    def _placed(self, state: DialogueState) -> bool:
        """Whether the agent is at this customer's wish, or only finds out who is calling."""
        mine = {goal.intent for goal in self.goals} | {goal.then for goal in self.goals}
        return not state.flow or state.flow in mine or bool(set(state.question.slots) & {"order_id", *PROOFS})

    def _confirm(self, state: DialogueState) -> Said:
        goal = next((g for g in self.goals if state.flow in (g.intent, g.then)), None)
        if goal is None or goal.ends == "refused":
            return self._say("no", "deny")
        wrong = self._misheard(goal, state.preview or {})
        if wrong:
            return self._tell(self._fill(self.rng.choice(self.words["correct"][wrong[0]]), "deny"))
        if goal.declines == state.flow:
            return self._say("no", "deny")
        return self._say("yes", "affirm")

    def _misheard(self, goal: Goal, told: Mapping[str, Any]) -> list[str]:
        """What the agent wants to do otherwise than it was meant, by the words of its question."""
        wrong = []
        for name, value in goal.arguments.items():
            keys = _HEARD.get(name, (name,))
            heard = " ".join(str(told[k]) for k in keys if k in told)
            meant = f"size {value}" if name == "size" else str(value)
            if name in self.words["correct"] and heard and f" {plain(meant)} " not in f" {plain(heard)} ":
                wrong.append(name)
        return wrong

    def _offer(self, state: DialogueState) -> Said:
        wanted = {g.intent for g in self.goals} | {g.then for g in self.goals}
        return self._say("yes", "affirm") if set(state.question.intents) & (wanted - {""}) else self._say("no", "deny")

    def _clarify(self, state: DialogueState) -> Said:
        choices = state.question.intents
        if self.goal.intent not in choices:
            return self._again(state)
        if len(choices) == 1:
            return self._say("yes", "affirm")
        return self._fill(self.rng.choice(self.words["say"]["first" if choices[0] == self.goal.intent else "second"]))

    def _again(self, state: DialogueState) -> Said:
        """The wish put again, in other words; a wish refused is left after a while."""
        if self.goal.ends != "done" and state.question.kind == "more" and self._told:
            return self._leave()
        self._put += 1
        if self._put > PATIENCE:
            return self._leave()
        if not self._opened:
            return self._open()
        return self._tell(self._wish(self.goal, full=self.rng.random() < 0.6))

    def _outburst(self) -> Said:
        """A person asked for, legal words, anger, or something pasted that is no wish."""
        kind = self.goal.intent
        if kind == "person":
            return self._say("person", "human_agent")
        if kind == "strange":
            return Said(self.rng.choice(self.words["strange"]["lines"]), ())
        said = self._say(kind, "complaint", unhappy=True)
        return said

    def _leave(self) -> Said:
        self._count = MOST_TURNS
        return self._say("bye", "goodbye")
