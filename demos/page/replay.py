"""The tab that replays stored calls: each turn with what was meant, decided and why, done and said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.store import Store
from agent.types import Event
from demos import view
from demos.replay import Step, steps, told

SHOWN = 500  # calls offered to choose from, the latest


@dataclass
class ShownTurn:
    """One turn of a stored call.

    Attributes:
        number: from 1; 0 for what was before the customer's first.
        customer: the words; None where there were none to hear.
        meant: intents with their confidence.
        facts: entities found: type and value.
        steps: what was decided, done and noted, in order.
        said: who answered, and the words.
        stands: the wish and the open question after it.
    """

    number: int
    customer: str | None = None
    meant: list[tuple[str, float]] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    said: list[tuple[str, str]] = field(default_factory=list)
    stands: str = ""


def turns(events: Sequence[Event]) -> list[ShownTurn]:
    """A call's turns, ready to be shown."""
    found = [ShownTurn(0)]
    for step in steps(events):
        if step.event.type == "heard":
            found.append(ShownTurn(step.state.turn))
        _take(found[-1], step)
        found[-1].stands = _stands(step)
    return found if found[0].steps or found[0].said else found[1:]


def _take(turn: ShownTurn, step: Step) -> None:
    data = step.event.data
    if step.event.type == "heard":
        turn.customer = str(data["text"])
        turn.meant = [(name, sure) for name, sure in data["intents"][: data["wanted"]]]
        turn.facts = [(kind, str(value)) for kind, value, _ in data["entities"]]
    elif step.event.type == "said":
        if data.get("cut_short"):
            turn.said.append(("Of this was heard", str(data["text"]) or "nothing"))
        else:
            turn.said.append((str(data.get("by") or "Agent"), str(data["text"])))
    elif line := told(step).strip():
        turn.steps.append(line)


def _stands(step: Step) -> str:
    asked = step.state.question
    about = ", ".join(asked.slots or asked.intents)
    wish = f"wish {step.state.flow}" if step.state.flow else ""
    question = f"open question {asked.kind} {about}".strip() if asked.kind else ""
    return "; ".join(part for part in (wish, question) if part).replace("_", " ")


def choices(store: Store) -> list[tuple[str, str]]:
    """The stored calls, the latest first: how each is named, and its id."""
    return [
        (f"{opened:%Y-%m-%d %H:%M} UTC, {channel}, {count} turns - {call_id}", call_id)
        for call_id, channel, opened, count in store.calls()[:SHOWN]
    ]


def shown(store: Store, call_id: str | None) -> str:
    """A stored call as HTML."""
    events = store.events(call_id) if call_id else ()
    if not events:
        return '<p class="callsight none">Choose a call.</p>'
    return view.render("replayed.html", call_id=call_id, turns=turns(events))


def tab(store: Store) -> None:
    """Puts the tab's parts into the Gradio page that is being made."""
    import gradio as gr

    with gr.Row(equal_height=True):
        chosen = gr.Dropdown(
            [], value=None, label="Stored calls: choose one, or type a part of its id", filterable=True,
            elem_id="stored", scale=5,
        )  # fmt: skip
        again = gr.Button("Refresh", size="sm", elem_id="stored-refresh", scale=1, min_width=90)
    replayed = gr.HTML(shown(store, None), elem_id="replayed", apply_default_css=False)
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}

    def refresh() -> Any:
        return gr.Dropdown(choices=choices(store))

    again.click(refresh, None, chosen, **quiet)
    chosen.focus(refresh, None, chosen, **quiet)
    chosen.change(lambda call_id: shown(store, call_id), chosen, replayed, **quiet)
