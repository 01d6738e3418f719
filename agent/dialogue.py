"""The policy: from where a call stands and what was understood to what is done next. Pure and deterministic.

No input, output, clock, chance or model: the same state and understanding give the same step, so a stored call can
be replayed with its reasons. The actions are a closed set - the operations the flows name, and `SPEECH` - and
nothing a customer says or shows can add to it: words only ever fill slots.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agent.flows import ANSWER, Flow, Flows, Outcome, question
from agent.slots import Fact, facts_of, free_fact, heard, known
from agent.state import DialogueState, Question, apply
from agent.types import Action, Event, Result, Understanding, to_json

SPEECH = frozenset({"ask", "confirm", "clarify", "say", "hang_up", "listen"})
"""The actions that end a turn with words; every other one is performed first."""

HANDOFF = "handoff"


@dataclass(frozen=True)
class Step:
    """What the policy decided.

    Attributes:
        events: what this adds to the call.
        action: what to do: perform it when it is no `SPEECH`, else say it and listen.
        reason: why, in one line, for people.
    """

    events: tuple[Event, ...]
    action: Action
    reason: str


class Draft:
    """A step in the making: events so far, and the state they lead to."""

    def __init__(self, state: DialogueState, flows: Flows) -> None:
        self.state, self.flows = state, flows
        self.events: list[Event] = []

    def add(self, type_: str, **data: Any) -> None:
        """One more event, and the state after it."""
        event = Event(type_, data, self.state.turn + (type_ == "heard"))
        self.events.append(event)
        self.state = apply(self.state, event)

    @property
    def flow(self) -> Flow | None:
        """The wish being fulfilled."""
        return self.flows.flows.get(self.state.flow)

    def own_slots(self) -> list[str]:
        """The slots that end with the wish being fulfilled."""
        return [name for name in (self.flow.slots if self.flow else ()) if not self.flows.slots[name].carry]

    def say(self, key: str, **facts: Any) -> None:
        """Words to come before whatever ends the turn."""
        if key:
            self.add("part", key=key, facts=facts)

    def end(self, outcome: str) -> None:
        """Be done with the wish being fulfilled."""
        if self.state.flow:
            self.add("ended", outcome=outcome, slots=self.own_slots())

    def step(self, action: Action, reason: str) -> Step:
        """The finished step."""
        self.add("decided", action=action.name, reason=reason)
        return Step(tuple(self.events), action, reason)

    def perform(self, name: str, arguments: Mapping[str, Any], reason: str, *, preview: bool = False) -> Step:
        """A step whose action must be performed."""
        action = Action(name, dict(arguments))
        self.add("act", name=name, arguments=action.arguments, preview=preview)
        return self.step(action, reason)

    def speak(self, name: str, reason: str, key: str = "", facts: Mapping[str, Any] | None = None) -> Step:
        """A step that ends the turn with words."""
        arguments = {"key": key, "facts": dict(facts or {})} if key else {}
        return self.step(Action(name, arguments), reason)


@dataclass(frozen=True)
class Turn:
    """One turn as the policy looks at it: what was meant, and how the call stood before it."""

    understanding: Understanding
    before: DialogueState
    meant: tuple[str, ...]

    def means(self, *moves: str) -> bool:
        """Whether any of these was meant."""
        return any(move in self.meant for move in moves)


class Policy:
    """Decides, by the flows of a pack.

    Args:
        flows: the pack's flows.
    """

    def __init__(self, flows: Flows) -> None:
        self.flows = flows

    # ---- the customer's turn

    def take(self, state: DialogueState, understanding: Understanding) -> Step:
        """What to do about a customer's turn."""
        draft = Draft(state, self.flows)
        draft.add("heard", **heard(understanding))
        turn = Turn(understanding, state, tuple(intent.name for intent in understanding.meant))
        moves: Sequence[Callable[[Draft, Turn], Step | None]] = (
            self._silence,
            self._person,
            self._mood,
            self._aside,
            self._wishes,
            self._answer,
            self._talk,
        )
        for move in moves:
            step = move(draft, turn)
            if step is not None:
                return step
        return self._puzzled(draft, turn)

    def _silence(self, draft: Draft, turn: Turn) -> Step | None:
        silences = draft.state.silences
        if not silences:
            return None
        if silences >= self.flows.limits.silences:
            return self._close(draft, f"nothing was said {silences} times", "silent_goodbye")
        return draft.speak("say", "nothing was said", "no_speech" if silences == 1 else "silent_help")

    def _person(self, draft: Draft, turn: Turn) -> Step | None:
        return self._handoff(draft, "asked_for") if turn.means("human_agent") else None

    def _mood(self, draft: Draft, turn: Turn) -> Step | None:
        if draft.state.negatives >= self.flows.limits.negatives and not draft.state.handed_off:
            return self._handoff(draft, "unhappy")
        if draft.state.negatives == 1:
            draft.say("sorry")
        return None

    def _aside(self, draft: Draft, turn: Turn) -> Step | None:
        """Moves that leave everything as it stands."""
        if turn.means("repeat") and draft.state.said:
            return draft.speak("say", "asked to repeat", "repeat", {"said": draft.state.said})
        if turn.means("wait") and not self._new_wishes(turn):
            return draft.speak("listen", "asked to wait", "wait")
        return None

    def _new_wishes(self, turn: Turn) -> list[str]:
        """The flows this turn asks for beside the one going on, in order."""
        before, understanding = turn.before, turn.understanding
        flow = self.flows.flows.get(before.flow)
        facts = facts_of(understanding, flow, before.question, self.flows)
        answers = {"slot": before.question.slots, "confirm": flow.slots if flow else ()}.get(before.question.kind, ())
        fits = any(fact.slot in answers for fact in facts)
        fits = fits or (before.question.kind == "slot" and self._is_free(before.question))
        return [
            intent.name
            for intent in understanding.meant
            if intent.name in self.flows.flows
            and intent.name != before.flow
            and not (fits and intent.confidence < self.flows.limits.switch)
        ]

    def _is_free(self, asked: Question) -> bool:
        return any(self.flows.slots[name].free for name in asked.slots if name in self.flows.slots)

    def _wishes(self, draft: Draft, turn: Turn) -> Step | None:
        """Start what is wished for; a wish going on is put off, or given up when the customer says so."""
        wishes, before = self._new_wishes(turn), turn.before
        gave_up = turn.means("never_mind") or (turn.means("deny") and bool(wishes))
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
        later = wishes if before.question.kind == "confirm" and turn.means("affirm") and draft.flow else wishes[1:]
        for wish in later:
            facts = self._facts(draft, turn, wish, (wishes.index(wish), len(wishes)))
            draft.add("queued", intent=wish, facts={f.slot: f.value for f in facts})
        if later is wishes:
            return None
        if draft.flow:
            draft.add("paused", slots=draft.own_slots())
        return self._start(draft, turn, wishes[0], (0, len(wishes)))

    def _start(self, draft: Draft, turn: Turn, wish: str, share: tuple[int, int] = (0, 1)) -> Step:
        draft.add("started", intent=wish)
        self._note(draft, self._facts(draft, turn, wish, share))
        story = free_fact(turn.understanding.text, Question(), draft.flow, self.flows, fresh=True)
        self._note(draft, [story] if story else [])
        return self._advance(draft)

    def _facts(self, draft: Draft, turn: Turn, wish: str, share: tuple[int, int] = (0, 1)) -> list[Fact]:
        return facts_of(turn.understanding, self.flows.flows.get(wish), Question(), self.flows, share)

    def _note(self, draft: Draft, facts: Sequence[Fact]) -> list[str]:
        """Keep facts; gives back the slots whose value is new."""
        fresh = [fact for fact in facts if draft.state.facts.get(fact.slot) != fact.value]
        for fact in fresh:
            draft.add("fact", slot=fact.slot, value=fact.value, source=fact.source)
        if any(fact.slot == "receipt_total" for fact in fresh):
            draft.add("forgot", slots=["receipt", "receipt_unproved"])
        return [fact.slot for fact in fresh]

    def _answer(self, draft: Draft, turn: Turn) -> Step | None:
        """Take the turn as an answer to what was asked, a correction, or a fact for later."""
        asked = turn.before.question
        fresh = self._note(draft, facts_of(turn.understanding, draft.flow, asked, self.flows))
        small = turn.means("affirm", "deny", "repeat", "thanks", "greet", "goodbye", "capabilities", "wait")
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

    def _confirmed(self, draft: Draft, turn: Turn) -> Step | None:
        flow = draft.flow
        if flow is None:
            return None
        if turn.means("affirm") and not turn.means("deny"):
            draft.add("answered")
            return draft.perform(flow.action, self._arguments(draft, flow), f"{flow.name} confirmed")
        if turn.means("deny"):
            draft.add("answered")
            return self._outcome(draft, flow.denied, {}, "declined")
        return None

    def _offered(self, draft: Draft, turn: Turn) -> Step | None:
        if turn.means("affirm") and not turn.means("deny"):
            draft.add("answered")
            return self._start(draft, turn, turn.before.question.intents[0])
        if turn.means("deny"):
            draft.add("answered")
            draft.say("all_right")
            return self._next(draft)
        return None

    def _clarified(self, draft: Draft, turn: Turn) -> Step | None:
        choices = turn.before.question.intents
        if turn.means("affirm") and not turn.means("deny"):
            return self._start(draft, turn, choices[0])
        if turn.means("deny"):
            draft.add("answered")
            return draft.speak("ask", "neither was meant", "rephrase")
        return None

    def _unable(self, draft: Draft, turn: Turn) -> Step | None:
        """A "no" to a question for a fact: do without it, or try another way."""
        if not turn.means("deny"):
            return None
        draft.add("declined", slots=list(turn.before.question.slots))
        return self._advance(draft)

    def _talk(self, draft: Draft, turn: Turn) -> Step | None:
        """Courtesies, and photos or facts that came on their own."""
        if turn.means("goodbye") or (turn.means("deny") and turn.before.question.kind == "more"):
            draft.end("abandoned")
            return self._close(draft, "the customer is done", "goodbye")
        for move in ("greet", "thanks", "capabilities"):
            if turn.means(move):
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

    def _puzzled(self, draft: Draft, turn: Turn) -> Step:
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
        key = "out_of_scope" if verdict == "out_of_scope" else "not_understood"
        if draft.flow:
            draft.say(key)
            return self._advance(draft)
        return draft.speak("ask", "no wish was recognised", key)

    def _clarify(self, draft: Draft, wishes: Sequence[str], reason: str, intro: str = "") -> Step:
        draft.say(intro)
        draft.add("asked", kind="clarify", intents=list(wishes))
        tasks = {"first": wishes[0]} | ({"second": wishes[1]} if len(wishes) > 1 else {})
        return draft.speak("clarify", reason, "clarify" if len(wishes) > 1 else "clarify_one", tasks)

    # ---- the wish being fulfilled

    def _advance(self, draft: Draft) -> Step:
        """The next thing the wish needs."""
        flow = draft.flow
        if flow is None:
            return self._next(draft)
        if draft.state.actions >= self.flows.limits.actions:
            return self._outcome(draft, self.flows.errors.get("stuck", Outcome(handoff=True)), {}, "failed")
        self._profile(draft, flow)
        step = self._receipt(draft, flow)
        if step is None and flow.customer and draft.state.customer is None:
            step = self._identify(draft, flow)
        return step or self._missing(draft, flow) or self._do(draft, flow)

    def _profile(self, draft: Draft, flow: Flow) -> None:
        """Fill in what is known of the customer."""
        profile = draft.state.customer or {}
        for name in flow.slots:
            if name not in draft.state.facts and "profile" in self.flows.slots[name].sources and profile.get(name):
                draft.add("fact", slot=name, value=profile[name], source="profile")

    def _receipt(self, draft: Draft, flow: Flow) -> Step | None:
        """Find the order a receipt is for; again once the customer is proved, when it told too little before."""
        photos, state = self.flows.photos, draft.state
        tried = "receipt" if state.customer else "receipt_unproved"
        if not photos.match or photos.slot not in flow.slots or photos.slot in state.facts:
            return None
        if "receipt_total" not in state.facts or tried in state.declined:
            return None
        arguments = {k: state.facts[k] for k in ("receipt_date", "receipt_total") if k in state.facts}
        return draft.perform(photos.match, arguments, "the receipt may tell which order")

    def _identify(self, draft: Draft, flow: Flow) -> Step:
        """Ask for the next fact that proves who is calling, or try those there are."""
        identify, state = self.flows.identify, draft.state
        facts = {name: state.facts[name] for name in identify.facts if name in state.facts}
        if len(facts) >= identify.needs:
            return draft.perform(identify.action, facts, "enough to find the customer")
        for group in identify.ask:
            if group == (self.flows.photos.slot,) and group[0] not in flow.slots:
                continue
            if not known(facts, group) and not set(group) <= state.declined:
                return self._ask(draft, [name for name in group if name not in state.declined], group)
        return self._handoff(draft, "not_identified")

    def _missing(self, draft: Draft, flow: Flow) -> Step | None:
        """Ask for what the action cannot do without, and once for what would help."""
        for group in flow.needs:
            found = draft.state.customer and any("backend" in self.flows.slots[name].sources for name in group)
            if not known(draft.state.facts, group) and not found:
                return self._ask(draft, group, group)
        for name in flow.once:
            if name not in draft.state.facts and name not in draft.state.declined:
                if draft.state.tries.get(name):
                    draft.add("declined", slots=[name])
                else:
                    return self._ask(draft, (name,), (name,))
        return None

    def _ask(
        self,
        draft: Draft,
        slots: Sequence[str],
        group: Sequence[str],
        key: str = "",
        facts: Mapping[str, Any] | None = None,
    ) -> Step:
        if draft.state.tries.get("|".join(slots), 0) >= self.flows.limits.tries:
            return self._handoff(draft, "no_answer")
        key = key or question(group)
        draft.add("asked", kind="slot", slots=list(slots), key=key)
        return draft.speak("ask", f"{draft.state.flow} needs {' or '.join(slots)}", key, facts)

    def _arguments(self, draft: Draft, flow: Flow) -> dict[str, Any]:
        if flow.action == ANSWER:
            return {"query": f"{draft.state.text} {flow.query}".strip()}
        return {name: draft.state.facts[name] for name in flow.slots if name in draft.state.facts}

    def _do(self, draft: Draft, flow: Flow) -> Step:
        """Carry it out; what needs a confirmation is previewed, so that the question tells what will happen."""
        arguments = self._arguments(draft, flow)
        if not flow.confirm:
            return draft.perform(flow.action, arguments, f"{flow.name} has all it needs")
        if draft.state.preview is None or draft.state.previewed != arguments:
            return draft.perform(flow.action, arguments, f"see what {flow.name} would come to", preview=True)
        return self._confirm(draft, flow)

    def _confirm(self, draft: Draft, flow: Flow) -> Step:
        draft.add("asked", kind="confirm", key=flow.confirm)
        return draft.speak("confirm", f"{flow.name} changes something", flow.confirm, draft.state.preview)

    # ---- after an action was performed

    def after(self, state: DialogueState, result: Result) -> Step:
        """What follows from the result of the action that was pending."""
        draft = Draft(state, self.flows)
        name, previewing = state.pending.name if state.pending else "", state.previewing
        draft.add("result", name=name, preview=previewing, **to_json(result))
        if name == HANDOFF:
            return self._handed_off(draft, result)
        if name == self.flows.identify.action:
            return self._identified(draft, result)
        if name == self.flows.photos.match:
            return self._matched(draft, result)
        flow = draft.flow
        if flow is None:
            return self._next(draft)
        if not result.ok:
            outcome = flow.errors.get(result.error) or self.flows.errors.get(result.error) or Outcome("cannot")
            return self._outcome(draft, outcome, result.data, "failed")
        if previewing and flow.confirm:
            limit, amount = flow.handoff_above, _amount(result.data)
            return self._handoff(draft, "large_amount") if limit and amount > limit else self._confirm(draft, flow)
        draft.say(flow.done, **result.data)
        draft.end("done")
        return self._next(draft, flow)

    def _identified(self, draft: Draft, result: Result) -> Step:
        if result.ok:
            draft.add("customer", **result.data)
            return self._advance(draft)
        if result.error != "not_identified":
            return self._outcome(draft, self.flows.errors.get(result.error, Outcome(handoff=True)), {}, "failed")
        draft.add("refused")
        if draft.state.refused >= self.flows.limits.tries:
            return self._handoff(draft, "not_identified")
        draft.add("forgot", slots=list(self.flows.identify.facts))
        draft.say("not_identified")
        return self._advance(draft)

    def _matched(self, draft: Draft, result: Result) -> Step:
        slot = self.flows.photos.slot
        if result.ok:
            draft.add("fact", slot=slot, value=result.data[slot], source="photo")
        else:
            draft.add("declined", slots=["receipt" if draft.state.customer else "receipt_unproved"])
            if draft.state.customer:
                draft.say("receipt_unmatched")
        return self._advance(draft)

    def _outcome(self, draft: Draft, outcome: Outcome, facts: Mapping[str, Any], ending: str) -> Step:
        """What a flow says follows: words, and then one thing."""
        if outcome.ask and draft.flow and outcome.ask in draft.flow.slots:
            draft.add("forgot", slots=[outcome.ask])
            return self._ask(draft, (outcome.ask,), (outcome.ask,), outcome.say, facts)
        draft.say(outcome.say, **facts)
        if outcome.handoff:
            return self._handoff(draft, "failed")
        if outcome.then:
            kept = {k: v for k, v in draft.state.facts.items() if k in self.flows.flows[outcome.then].slots}
            draft.end(ending)
            draft.add("started", intent=outcome.then)
            self._note(draft, [Fact(slot, value, "words") for slot, value in kept.items()])
            return self._advance(draft)
        draft.end(ending)
        if outcome.offer:
            draft.add("asked", kind="offer", intents=[outcome.offer])
            return draft.speak("ask", f"offers {outcome.offer} instead", f"offer_{outcome.offer}", facts)
        return self._next(draft)

    def _next(self, draft: Draft, done: Flow | None = None) -> Step:
        """Go on with what was put off or is still to come, else ask whether there is more."""
        if draft.state.paused:
            draft.add("resumed")
            draft.say("back_to", task=draft.state.flow)
            return self._advance(draft)
        if draft.state.queue:
            wish = draft.state.queue[0]
            draft.add("started", intent=wish.intent, queued=True)
            self._note(draft, [Fact(slot, str(value), "words") for slot, value in wish.facts.items()])
            draft.say("next_task", task=wish.intent)
            return self._advance(draft)
        draft.add("asked", kind="more")
        more = done is None or done.changes
        return draft.speak("say", "nothing left to do", "anything_else" if more else "")

    def _close(self, draft: Draft, reason: str, key: str) -> Step:
        draft.add("dropped")
        draft.add("closed")
        return draft.speak("hang_up", reason, key)

    def _handoff(self, draft: Draft, reason: str) -> Step:
        """Pass the call to a person, with everything known so far."""
        state = draft.state
        if state.handed_off:
            return draft.speak("say", "a person is already on the way", "handoff_waiting")
        summary = {
            "reason": reason,
            "customer_id": state.customer_id,
            "wish": state.flow,
            "facts": dict(state.facts),
            "done": [list(entry) for entry in state.history],
            "still_to_do": [wish.intent for wish in (*state.paused, *state.queue)],
            "turns": state.turn,
        }
        draft.end(HANDOFF)
        draft.add("dropped")
        return draft.perform(HANDOFF, {"summary": summary}, f"for a person: {reason}")

    def _handed_off(self, draft: Draft, result: Result) -> Step:
        if not result.ok:
            return draft.speak("say", "no person can be reached", "handoff_failed")
        draft.add("handed_off")
        return draft.speak("say", "a person takes over", "handed_off", result.data)


def _amount(facts: Mapping[str, Any]) -> float:
    """The money a preview moves, in whole units."""
    written = str(facts.get("amount") or facts.get("refund") or "0")
    return float(written.split()[0])
