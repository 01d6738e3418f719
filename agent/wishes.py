"""What one turn asks for beside the wish going on, and whether what sounds like a wish only answers a question.

Pure: reads a turn and how the call stood before it, changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agent.flows import Flows
from agent.slots import facts_of, free_fact
from agent.state import DialogueState, Question
from agent.types import Intent, Understanding

YES_NO = ("confirm", "offer", "clarify")
"""Questions that a yes or a no answers."""


@dataclass(frozen=True)
class Heard:
    """One turn as the policy looks at it: what was meant, and how the call stood before it."""

    understanding: Understanding
    before: DialogueState
    meant: tuple[str, ...]

    def means(self, *moves: str) -> bool:
        """Whether any of these was meant."""
        return any(move in self.meant for move in moves)

    def agrees(self, margin: float) -> bool:
        """Whether this is a yes, and surely no "no"."""
        return self.means("affirm") and self.sure("affirm") - self.sure("deny") >= margin

    def refuses(self) -> bool:
        """Whether this is a "no", rather than a yes."""
        return self.means("deny") and self.sure("deny") >= self.sure("affirm")

    def sure(self, move: str) -> float:
        """How sure it is that this was meant; 0 when it was not."""
        return max((intent.confidence for intent in self.understanding.meant if intent.name == move), default=0.0)


class Wishes:
    """Finds what turns ask for, by the flows of a pack."""

    def __init__(self, flows: Flows) -> None:
        self.flows = flows

    def new(self, turn: Heard) -> list[str]:
        """The flows this turn asks for beside the one going on, in order.

        A second wish must be sure, and needs a word that ties it to the first: one sentence often sounds like several.
        While a question is open, so must any other wish: an answer that was misheard often sounds like one. What is
        said in anger beside a wish, or in the middle of one, is no complaint to be filed.
        """
        before, understanding, limits = turn.before, turn.understanding, self.flows.limits
        wishes = [i for i in understanding.meant if i.name in self.flows.flows and not self._is_answer(turn, i)]
        sure = [i for i in wishes if i.confidence >= limits.switch and not self.flows.flows[i.name].alone]
        if (before.flow and not turn.means("never_mind")) or sure:
            wishes = [i for i in wishes if not self.flows.flows[i.name].alone]
        tied = _tied(understanding.text, self.flows.join_words)
        agreed = before.question.kind in YES_NO and turn.agrees(limits.margin)
        if not tied and (turn.means(before.flow) or agreed):
            return []
        new = [i for i in wishes if i.name != before.flow and (i.confidence >= limits.switch or not self._busy(before))]
        more = [intent for intent in new[1:] if tied and intent.confidence >= limits.switch]
        return [intent.name for intent in (*new[:1], *more)]

    def doubtful(self, turn: Heard) -> str:
        """What may be wanted in place of the wish going on, though not surely; empty when nothing is meant."""
        flows = self.flows.flows
        wishes = [i.name for i in turn.understanding.meant if i.name in flows and not flows[i.name].alone]
        return next((name for name in wishes if name != turn.before.flow), "")

    def _busy(self, before: DialogueState) -> bool:
        return bool(before.flow) and before.question.kind in ("slot", "confirm")

    def scolds(self, turn: Heard) -> bool:
        """Whether the turn is a complaint, or sounds like one: whoever says so is unhappy, however it is put."""
        return any(name in self.flows.flows and self.flows.flows[name].alone for name in turn.meant)

    def vents(self, turn: Heard) -> bool:
        """Whether anger is all that is new: a complaint in the middle of a wish."""
        return bool(turn.before.flow) and self.scolds(turn)

    def chosen(self, turn: Heard) -> str:
        """Which of two wishes offered is chosen: by its place ("the second one"), or by what comes nearest to it."""
        choices = turn.before.question.intents
        for place, wish in enumerate(choices):
            words = self.flows.place_words[place] if place < len(self.flows.place_words) else ()
            if has_phrase(turn.understanding.text, words):
                return wish
        named = [i.name for i in turn.understanding.intents if i.name in choices or i.name in self.flows.flows]
        return named[0] if named and named[0] in choices and not turn.means("affirm", "deny") else ""

    def _is_answer(self, turn: Heard, wish: Intent) -> bool:
        """Whether what sounds like a wish only answers the question: "my e-mail is ..." wants no other address."""
        before, flow = turn.before, self.flows.flows.get(turn.before.flow)
        asked = before.question
        answers = {"slot": asked.slots, "confirm": flow.slots if flow else ()}.get(asked.kind, ())
        facts = facts_of(turn.understanding, flow, asked, self.flows)
        filled = {self.flows.slots[f.slot].entity for f in facts if f.slot in answers and f.slot in self.flows.slots}
        if not filled:
            open_ = asked.kind == "slot" and (self._is_free(asked) or self._has_form(turn, asked))
            return open_ and wish.confidence < self.flows.limits.switch
        own = {self.flows.slots[name].entity for name in self.flows.flows[wish.name].slots}
        told_apart = filled & own == set() or filled == {self._order_entity()}
        return wish.confidence < self.flows.limits.switch or not told_apart

    def _order_entity(self) -> str:
        slot = self.flows.slots.get(self.flows.photos.slot)
        return slot.entity if slot else ""

    def _is_free(self, asked: Question) -> bool:
        return any(self.flows.slots[name].free for name in asked.slots if name in self.flows.slots)

    def _has_form(self, turn: Heard, asked: Question) -> bool:
        flow = self.flows.flows.get(turn.before.flow)
        return free_fact(turn.understanding.text, asked, flow, self.flows, fresh=False) is not None


def has_phrase(text: str, phrases: Sequence[str]) -> bool:
    """Whether one of these phrases stands in a text, as whole words."""
    words = "|".join(re.escape(phrase) for phrase in phrases)
    return bool(words) and re.search(rf"(?<!\w)(?:{words})(?!\w)", text.lower()) is not None


def _tied(text: str, join_words: Sequence[str]) -> bool:
    """Whether the words may hold two wishes: two sentences, or a word that ties one to another."""
    words = "|".join(re.escape(word) for word in join_words)
    return re.search(rf"\w\W*[.?!;]\s+\w|\w\W+(?:{words})\W+\w" if words else "", text.lower()) is not None
