"""How the wish at hand is fulfilled: prove who is calling, ask for what is missing, confirm, do, and go on.

The lower half of the policy (`agent.dialogue` is the upper): everything here follows from the flows and the results
of actions, nothing from how the customer put it. As pure as the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent.draft import HANDOFF, Draft, Step
from agent.flows import ANSWER, Flow, Flows, Outcome, question
from agent.slots import Fact, known
from agent.state import DialogueState
from agent.types import Result, to_json


class Fulfilment:
    """Carries a wish forward, by the flows of a pack.

    Args:
        flows: the pack's flows.

    Attributes:
        look_ups: actions taken on the way to the wish's own.
    """

    def __init__(self, flows: Flows) -> None:
        self.flows = flows
        self.look_ups = frozenset({flows.identify.action, flows.photos.match}) - {""}

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
        if len(facts) >= identify.needs and facts != state.tried:
            return draft.perform(identify.action, facts, "enough to find the customer")
        for group in identify.ask:
            if group == (self.flows.photos.slot,) and group[0] not in flow.slots:
                continue
            if not known(facts, group) and not set(group) <= state.declined:
                return self._ask(draft, [name for name in group if name not in state.declined], group)
        if len(facts) >= identify.needs:
            draft.add("forgot", slots=list(facts))
            return self._identify(draft, flow)
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
        if draft.state.tries.get("|".join(slots)) and any("keypad" in self.flows.slots[n].sources for n in slots):
            draft.say("keypad")
        key = key or question(group)
        draft.add("asked", kind="slot", slots=list(slots), key=key)
        return draft.speak("ask", f"{draft.state.flow} needs {' or '.join(slots)}", key, facts)

    def _arguments(self, draft: Draft, flow: Flow) -> dict[str, Any]:
        if flow.action == ANSWER:
            return {**_asked(draft.state), "topic": flow.query, "about": flow.name}
        return {name: draft.state.facts[name] for name in flow.slots if name in draft.state.facts}

    def _do(self, draft: Draft, flow: Flow) -> Step:
        """Carry it out; what needs a confirmation is previewed, so that the question tells what will happen."""
        arguments = self._arguments(draft, flow)
        if not self._question(draft.state, flow):
            return draft.perform(flow.action, arguments, f"{flow.name} has all it needs")
        if draft.state.preview is None or draft.state.previewed != arguments:
            return draft.perform(flow.action, arguments, f"see what {flow.name} would come to", preview=True)
        return self._confirm(draft, flow)

    @staticmethod
    def _question(state: DialogueState, flow: Flow) -> str:
        """The reply key that asks before something is changed, or nothing when it can be done at once."""
        return flow.confirm or (flow.unsure if state.spoken or state.unsure else "")

    def _confirm(self, draft: Draft, flow: Flow) -> Step:
        key = self._question(draft.state, flow)
        draft.add("asked", kind="confirm", key=key)
        why = "changes something" if flow.confirm else "was not sure"
        return draft.speak("confirm", f"{flow.name} {why}", key, draft.state.preview)

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
            return self._looked_up(draft, state, result) if name == ANSWER else self._next(draft)
        if not result.ok:
            outcome = flow.errors.get(result.error) or self.flows.errors.get(result.error) or Outcome("cannot")
            if not (outcome.ask or outcome.handoff) and self._stale(draft, flow):
                return self._advance(draft)
            return self._outcome(draft, outcome, result.data, "failed")
        if previewing and self._question(draft.state, flow):
            limit, amount = flow.handoff_above, _amount(result.data)
            return self._handoff(draft, "large_amount") if limit and amount > limit else self._confirm(draft, flow)
        draft.say(flow.done, **result.data)
        if flow.next:
            return self._outcome(draft, flow.next, result.data, "done")
        draft.end("done")
        return self._next(draft, flow)

    def _look_up(self, draft: Draft, otherwise: str) -> Step:
        """See whether a help article answers what no flow does; `otherwise` is said when none does."""
        return draft.perform(ANSWER, {**_asked(draft.state), "otherwise": otherwise}, "perhaps an article answers it")

    def _looked_up(self, draft: Draft, before: DialogueState, result: Result) -> Step:
        otherwise = str(before.pending.arguments.get("otherwise", "")) if before.pending else ""
        if not result.ok:
            return draft.speak("ask", "no wish was recognised, and no article fits", otherwise)
        draft.add("answered")
        draft.say(self.flows.help, **result.data)
        return self._next(draft)

    def _stale(self, draft: Draft, flow: Flow) -> bool:
        """Whether an order named for an earlier wish stood in the way; if so it is let go of, for the shop to find."""
        state = draft.state
        stale = [
            name
            for name in flow.slots
            if state.sources.get(name) == "carried" and "backend" in self.flows.slots[name].sources
        ]
        if not stale or not state.customer:
            return False
        draft.add("forgot", slots=stale)
        return True

    def _identified(self, draft: Draft, result: Result) -> Step:
        if result.ok:
            draft.add("customer", **result.data)
            return self._advance(draft)
        if result.error != "not_identified":
            return self._outcome(draft, self.flows.errors.get(result.error, Outcome(handoff=True)), {}, "failed")
        identify = self.flows.identify
        draft.add("refused", facts={k: v for k, v in draft.state.facts.items() if k in identify.facts})
        if draft.state.refused >= self.flows.limits.tries:
            return self._handoff(draft, "not_identified")
        draft.say("not_identified")
        return self._advance(draft)

    def _matched(self, draft: Draft, result: Result) -> Step:
        slot = self.flows.photos.slot
        if result.ok:
            draft.add("fact", slot=slot, value=result.data[slot], source="photo")
        else:
            known = draft.state.customer is not None
            draft.add("declined", slots=["receipt" if known else "receipt_unproved"])
            draft.say("receipt_unmatched" if known else "receipt_unproved")
        return self._advance(draft)

    def _outcome(self, draft: Draft, outcome: Outcome, facts: Mapping[str, Any], ending: str) -> Step:
        """What a flow says follows: words, and then one thing."""
        if outcome.ask and draft.flow and outcome.ask in draft.flow.slots:
            draft.add("forgot", slots=[outcome.ask])
            return self._ask(draft, (outcome.ask,), (outcome.ask,), outcome.say, facts)
        draft.say(outcome.say, **facts)
        if outcome.handoff:
            if ending == "done":
                draft.end(ending)
            return self._handoff(draft, "failed" if ending == "failed" else "follow_up")
        follower = self.flows.flows.get(outcome.then or outcome.offer)
        kept = {k: v for k, v in draft.state.facts.items() if follower and k in follower.slots}
        draft.end(ending)
        if outcome.then:
            draft.add("started", intent=outcome.then)
            self._note(draft, [Fact(slot, value, "words") for slot, value in kept.items()])
            return self._advance(draft)
        if outcome.offer:
            draft.add("asked", kind="offer", intents=[outcome.offer], facts=kept)
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

    def _note(self, draft: Draft, facts: Sequence[Fact]) -> list[str]:
        """Keep facts; gives back the slots whose value is new."""
        fresh = [fact for fact in facts if draft.state.facts.get(fact.slot) != fact.value]
        for fact in facts:
            if fact not in fresh and draft.state.sources.get(fact.slot) != "carried":
                continue
            draft.add("fact", slot=fact.slot, value=fact.value, source=fact.source)
        if any(fact.slot == "receipt_total" for fact in fresh):
            draft.add("forgot", slots=["receipt", "receipt_unproved"])
        return [fact.slot for fact in fresh]


def _asked(state: DialogueState) -> dict[str, Any]:
    """The customer's words as a question for the articles, and what they were understood as."""
    return {"query": state.text, "likely": dict(state.likely), "strange": state.strange}


def _amount(facts: Mapping[str, Any]) -> float:
    """The money a preview moves, in whole units."""
    written = str(facts.get("amount") or facts.get("refund") or "0")
    return float(written.split()[0])
