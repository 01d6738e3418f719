"""The tab of the people who take over: who waits, all that is known of a call, an answer in the conversation."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr

from agent.errors import CallsightError
from demos import view
from demos.page.house import House
from demos.page.person import Waiting

EVERY_SECONDS = 2.0
"""How often the tab looks for new calls and new words."""
NOBODY = '<p class="callsight none">Choose a call and claim it: all that is known of it will stand here.</p>'


class Desk:
    """What the tab does, apart from how it looks.

    Args:
        house: gives the house once the page is served.
    """

    def __init__(self, house: Callable[[], House]) -> None:
        self._house = house

    def choices(self, person: str) -> list[tuple[str, str]]:
        """Calls to choose from: how each is named, and its ticket."""
        return [(_named(one), one.ticket_id) for one in self._house().people.calls(person)]

    def claim(self, ticket_id: str, person: str) -> str:
        """Take a call; all that is known of it, as HTML. The customer is told who is there now."""
        house = self._house()
        before = {one.ticket_id: one.holder for one in house.people.calls(person)}
        package = house.people.claim(ticket_id, person)
        if not before.get(ticket_id):
            house.soon(house.person_note, package.call_id, f"{person} has joined the conversation.")
        return view.render("taken.html", package=package)

    def taken(self, ticket_id: str, person: str) -> str:
        """A call one has taken, as HTML; nothing of one that one has not."""
        house = self._house()
        mine = [one for one in house.people.calls(person) if one.ticket_id == ticket_id and one.holder]
        return view.render("taken.html", package=house.people.package(ticket_id)) if mine else NOBODY

    def answer(self, ticket_id: str, person: str, text: str) -> None:
        """Say something to the customer."""
        house = self._house()
        call_id = house.people.answer(ticket_id, person, text)
        house.soon(house.person_says, call_id, person, text.strip())

    def close(self, ticket_id: str, person: str, note: str) -> None:
        """Be done with a call: Callsight answers the customer again."""
        house = self._house()
        call_id = house.people.close(ticket_id, person, note)
        house.soon(house.person_note, call_id, f"{person} has left; the assistant answers again.")


def _named(one: Waiting) -> str:
    about = f"{one.wish or 'no wish understood'} ({one.reason})".replace("_", " ")
    return f"{'Yours' if one.holder else 'Waiting'}: {about} - {one.ticket_id}"


def tab(house: Callable[[], House], known: bool) -> None:
    """Puts the tab's parts into the Gradio page that is being made.

    Args:
        house: gives the house once the page is served.
        known: people log in, so that their names are theirs; else they give one.
    """
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=320):
            name = gr.Textbox(label="Your name, as customers see it", visible=not known, elem_id="desk-name")
            waiting = gr.Radio([], label="Calls that wait for a person", elem_id="desk-waiting")
            claim = gr.Button("Claim this call", variant="primary", elem_id="desk-claim")
            words = gr.Textbox(label="Your answer to the customer", lines=3, elem_id="desk-words", max_length=4000)
            answer = gr.Button("Send the answer", elem_id="desk-answer")
            note = gr.Textbox(label="A note on what came of it", elem_id="desk-note", max_length=4000)
            close = gr.Button("Close: the assistant answers again", elem_id="desk-close")
        with gr.Column(scale=6, min_width=340):
            shown = gr.HTML(NOBODY, elem_id="desk-shown", apply_default_css=False)
    _wire(Desk(house), known, name, waiting, claim, words, answer, note, close, shown)


def _wire(desk: Desk, known: bool, *on: Any) -> None:
    """What happens when somebody looks, claims, answers or closes."""
    name, waiting, claim, words, answer, note, close, shown = on
    quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}

    def who(given: str, request: gr.Request) -> str:
        return str(request.username) if known else given.strip()[:100]

    def look(given: str, ticket: str | None, request: gr.Request) -> tuple[Any, str]:
        person = who(given, request)
        choices = desk.choices(person)
        still = ticket if ticket in [value for _, value in choices] else None
        return gr.Radio(choices=choices, value=still), desk.taken(still or "", person)

    def take(given: str, ticket: str | None, request: gr.Request) -> str:
        with _told():
            return desk.claim(ticket or "", who(given, request))

    def say(given: str, ticket: str | None, text: str, request: gr.Request) -> tuple[str, str]:
        with _told():
            desk.answer(ticket or "", who(given, request), text)
            return "", desk.taken(ticket or "", who(given, request))

    def done(given: str, ticket: str | None, text: str, request: gr.Request) -> tuple[str, str, None]:
        with _told():
            desk.close(ticket or "", who(given, request), text)
            return "", NOBODY, None

    timer = gr.Timer(EVERY_SECONDS)
    gr.on([timer.tick, waiting.change], look, [name, waiting], [waiting, shown], **quiet)
    claim.click(take, [name, waiting], shown, **quiet)
    gr.on([answer.click, words.submit], say, [name, waiting, words], [words, shown], **quiet)
    close.click(done, [name, waiting, note], [note, shown, waiting], **quiet)


@contextmanager
def _told() -> Iterator[None]:
    """Errors of ours become words on the page."""
    try:
        yield
    except CallsightError as error:
        raise gr.Error(html.escape(str(error)), title="That cannot be done", print_exception=False) from None
