"""The policy: from where a call stands and what was understood to what is done next. Pure and deterministic.

No input, output, clock, chance or model: the same state and understanding give the same step, so a stored call can
be replayed with its reasons. The actions are a closed set - the operations the flows name, and `SPEECH` - and
nothing a customer says or shows can add to it: words only ever fill slots.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from agent.draft import HANDOFF, SPEECH, Draft, Step
from agent.flows import MOVES, Flows
from agent.fulfilment import Fulfilment
from agent.slots import Fact, facts_of, free_fact, heard, known
from agent.state import DialogueState, Question
from agent.types import Understanding
from agent.wishes import Heard, Wishes, has_phrase

__all__ = ["HANDOFF", "SPEECH", "Policy", "Step"]


SHORT = 4
"""A courtesy, a yes or a no in fewer words than this is nothing but that, and does not tell a story."""


class Policy(Fulfilment):
    """Decides what to do about each turn, by the flows of a pack.

    Args:
        flows: the pack's flows.
    """

    def __init__(self, flows: Flows) -> None:
        super().__init__(flows)
        self.wishes = Wishes(flows)

    def take(self, state: DialogueState, understanding: Understanding) -> Step:
        """What to do about a customer's turn."""
        draft = Draft(state, self.flows)
        draft.add("heard", **heard(understanding))
        turn = Heard(understanding, state, tuple(intent.name for intent in understanding.meant))
        moves: Sequence[Callable[[Draft, Heard], Step | None]] = (
            self._silence,
            self._person,
            self._mood,
            self._aside,
            self._wishes,
            self._answer,
            self._vented,
            self._talk,
        )
        for move in moves:
            step = move(draft, turn)
            if step is not None:
                return step
        return self._puzzled(draft, turn)

    def _silence(self, draft: Draft, turn: Heard) -> Step | None:
        silences = draft.state.silences
        if not silences:
            return None
        if silences >= self.flows.limits.silences:
            return self._close(draft, f"nothing was said {silences} times", "silent_goodbye")
        return draft.speak("say", "nothing was said", "no_speech" if silences == 1 else "silent_help")

    def _person(self, draft: Draft, turn: Heard) -> Step | None:
        if has_phrase(turn.understanding.text, self.flows.handoff_words):
            return self._handoff(draft, "legal")
        return self._handoff(draft, "asked_for") if turn.means("human_agent") else None

    def _mood(self, draft: Draft, turn: Heard) -> Step | None:
        """Return a greeting that came with a wish, apologise to who is unhappy, and not for ever."""
        unhappy = turn.before.negatives + 1 if self.wishes.vents(turn) else 1
        if self.wishes.scolds(turn) and draft.state.negatives < unhappy:
            draft.add("upset", times=unhappy)
        if turn.before.turn == 0 and turn.means("greet") and turn.means(*self.flows.flows):
            draft.say("greet_short")
        if draft.state.negatives >= self.flows.limits.negatives and not draft.state.handed_off:
            return self._handoff(draft, "unhappy")
        if draft.state.negatives == 1:
            self._apologise(draft)
        return None

    def _apologise(self, draft: Draft) -> None:
        """Say sorry, once a turn."""
        if all(key != "sorry" for key, _ in draft.state.parts):
            draft.say("sorry")

    def _aside(self, draft: Draft, turn: Heard) -> Step | None:
        """Moves that leave everything as it stands."""
        if turn.means("repeat") and draft.state.said:
            return draft.speak("say", "asked to repeat", "repeat", {"said": draft.state.said})
        if turn.means("wait") and not self.wishes.new(turn):
            return draft.speak("listen", "asked to wait", "wait")
        return None

    def _wishes(self, draft: Draft, turn: Heard) -> Step | None:
        """Start what is wished for; a wish going on is put off, or given up when the customer says so."""
        wishes, before = self.wishes.new(turn), turn.before
        gave_up = turn.means("never_mind") or (turn.refuses() and bool(wishes))
        if before.flow and gave_up:
            draft.end("abandoned")
            if not wishes:
                draft.say("dropped")
                return self._next(draft)
        elif turn.means("never_mind") and not wishes:
            draft.add("dropped")
            draft.add("asked", kind="more")
            return draft.speak("say", "gave up", "dropped_all")
        if not wishes:
            return None
        later = (
            wishes
            if before.question.kind == "confirm" and turn.agrees(self.flows.limits.margin) and draft.flow
            else wishes[1:]
        )
        for wish in later:
            facts = self._facts(draft, turn, wish, (wishes.index(wish), len(wishes)))
            draft.add("queued", intent=wish, facts={f.slot: f.value for f in facts})
        if later is wishes:
            return None
        if draft.flow:
            draft.add("paused", slots=draft.own_slots())
        return self._start(draft, turn, wishes[0], (0, len(wishes)))

    def _start(self, draft: Draft, turn: Heard, wish: str, share: tuple[int, int] = (0, 1)) -> Step:
        draft.add("started", intent=wish, sure=turn.sure(wish) >= self.flows.limits.sure)
        if draft.flow and draft.flow.sorry:
            self._apologise(draft)
        self._note(draft, self._facts(draft, turn, wish, share))
        story = free_fact(turn.understanding.text, Question(), draft.flow, self.flows, fresh=True)
        self._note(draft, [story] if story else [])
        return self._advance(draft)

    def _facts(self, draft: Draft, turn: Heard, wish: str, share: tuple[int, int] = (0, 1)) -> list[Fact]:
        return facts_of(turn.understanding, self.flows.flows.get(wish), Question(), self.flows, share)

    def _answer(self, draft: Draft, turn: Heard) -> Step | None:
        """Take the turn as an answer to what was asked, a correction, or a fact for later."""
        asked = turn.before.question
        fresh = self._note(draft, facts_of(turn.understanding, draft.flow, asked, self.flows))
        small = turn.means(*MOVES - {"inform"}) and len(turn.understanding.text.split()) < SHORT
        if asked.kind == "slot" and not known(dict.fromkeys(fresh), asked.slots) and not small:
            own_words = free_fact(turn.understanding.text, asked, draft.flow, self.flows, fresh=False)
            fresh += self._note(draft, [own_words] if own_words else [])
        if draft.flow and any(
            name in (*draft.flow.slots, *self.flows.identify.facts, "receipt_total") for name in fresh
        ):
            draft.add("answered")
            return self._advance(draft)
        replies = {"confirm": self._confirmed, "offer": self._offered, "clarify": self._clarified, "slot": self._unable}
        reply = replies.get(asked.kind)
        return reply(draft, turn) if reply else None

    def _confirmed(self, draft: Draft, turn: Heard) -> Step | None:
        flow = draft.flow
        if flow is None:
            return None
        if turn.agrees(self.flows.limits.margin):
            draft.add("answered")
            return draft.perform(flow.action, self._arguments(draft, flow), f"{flow.name} confirmed")
        if turn.refuses():
            draft.add("answered")
            return self._outcome(draft, flow.denied, {}, "declined")
        return None

    def _offered(self, draft: Draft, turn: Heard) -> Step | None:
        if turn.agrees(self.flows.limits.margin):
            draft.add("answered")
            offer = turn.before.question
            draft.add("started", intent=offer.intents[0])
            self._note(draft, [Fact(slot, str(value), "words") for slot, value in offer.facts.items()])
            self._note(draft, self._facts(draft, turn, offer.intents[0]))
            return self._advance(draft)
        if turn.refuses():
            draft.add("answered")
            draft.say("all_right")
            return self._next(draft)
        return None

    def _clarified(self, draft: Draft, turn: Heard) -> Step | None:
        choices = turn.before.question.intents
        wish = choices[0] if turn.agrees(self.flows.limits.margin) else self.wishes.chosen(turn)
        if wish:
            if draft.flow:
                draft.add("paused", slots=draft.own_slots())
            return self._start(draft, turn, wish)
        if turn.refuses():
            draft.add("answered")
            if draft.flow:
                return self._advance(draft)
            return draft.speak("ask", "neither was meant", "rephrase")
        return None

    def _unable(self, draft: Draft, turn: Heard) -> Step | None:
        """A "no" to a question for a fact: do without it, try another way, or leave the wish where there is none."""
        slots = turn.before.question.slots
        lacks = turn.refuses() or has_phrase(turn.understanding.text, self.flows.lack_words)
        if not lacks or draft.flow is None:
            return None
        if set(slots) & set(draft.state.declined):
            draft.say("dropped")
            draft.end("abandoned")
            return self._next(draft)
        draft.add("declined", slots=list(slots))
        return self._advance(draft)

    def _vented(self, draft: Draft, turn: Heard) -> Step | None:
        """Anger in the middle of a wish gets an apology, and the question again."""
        if not self.wishes.vents(turn):
            return None
        self._apologise(draft)
        return self._advance(draft)

    def _talk(self, draft: Draft, turn: Heard) -> Step | None:
        """Courtesies, and photos or facts that came on their own."""
        if turn.means("goodbye") or (turn.refuses() and turn.before.question.kind == "more"):
            draft.end("abandoned")
            return self._close(draft, "the customer is done", "goodbye")
        told = not draft.flow and any(e.type for e in turn.understanding.entities)
        for move in ("greet", "thanks", "capabilities"):
            if turn.means(move) and not (told and move != "capabilities"):
                return self._courtesy(draft, move)
        if draft.flow:
            return None
        photo = turn.understanding.image
        if photo is not None and not turn.means("affirm", "deny"):
            return self._photo(draft, photo.condition if photo.kind != "receipt" else photo.kind, photo.problem)
        if turn.means("affirm") and turn.before.question.kind == "more":
            return draft.speak("ask", "more to come", "how_can_i_help")
        if turn.understanding.verdict == "ok" and any(e.type for e in turn.understanding.entities):
            return draft.speak("ask", "facts without a wish", "what_about_it")
        return None

    def _courtesy(self, draft: Draft, move: str) -> Step:
        person = {"person": draft.state.customer["person"]} if draft.state.customer else {}
        if draft.flow:
            draft.say(f"{move}_short")
            return self._advance(draft)
        draft.add("asked", kind="more")
        return draft.speak("say", f"answers {move}", move, person)

    def _photo(self, draft: Draft, shows: str | None, problem: str) -> Step:
        if problem:
            return draft.speak("ask", "the photo cannot be used", "photo_problem", {"problem": problem})
        wishes = self.flows.photos.suggests.get(shows or "", ())
        if not wishes:
            return draft.speak("ask", "a photo without a wish", "what_about_photo")
        return self._clarify(draft, wishes, f"a photo that shows {shows}", f"photo_{shows}")

    def _puzzled(self, draft: Draft, turn: Heard) -> Step:
        """Nothing fitted: say so, offer the likeliest wishes, or come back to the question."""
        photo = turn.understanding.image
        if photo is not None and photo.problem:
            draft.say("photo_problem", problem=photo.problem)
        draft.add("failed")
        if draft.state.failures >= self.flows.limits.failures:
            return self._handoff(draft, "not_understood")
        verdict = turn.understanding.verdict
        if verdict == "unsure" and not draft.flow:
            wishes = [i.name for i in turn.understanding.intents[:2] if i.name in self.flows.flows]
            if wishes:
                return self._clarify(draft, wishes, "not sure which of these was meant")
        if draft.flow and (doubtful := self.wishes.doubtful(turn)):
            return self._clarify(draft, [doubtful], "perhaps something else is wanted")
        key = "out_of_scope" if verdict == "out_of_scope" else "not_understood"
        if draft.flow:
            draft.say(key)
            return self._advance(draft)
        if self.flows.help and len(turn.understanding.text.split()) >= SHORT:
            return self._look_up(draft, key)
        return draft.speak("ask", "no wish was recognised", key)

    def _clarify(self, draft: Draft, wishes: Sequence[str], reason: str, intro: str = "") -> Step:
        draft.say(intro)
        draft.add("asked", kind="clarify", intents=list(wishes))
        tasks = {"first": wishes[0]} | ({"second": wishes[1]} if len(wishes) > 1 else {})
        return draft.speak("clarify", reason, "clarify" if len(wishes) > 1 else "clarify_one", tasks)
