"""The web page: the conversation on the left, what Callsight made of it on the right. Gradio, and nothing from
elsewhere: no font, script, picture or count of visits leaves or enters.
"""

from __future__ import annotations

import html
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from agent.errors import CallsightError
from agent.types import Reply, Turn
from demos import cli, view
from demos.message import MAX_CHARACTERS, Message, line, turn_of
from demos.why import why
from modalities.types import Audio, Image

if TYPE_CHECKING:
    import gradio as gr

MAX_UPLOAD = "20mb"
FORGET_SECONDS = 3600
"""Uploaded files and spoken replies are kept by the page at most about this long."""
EXAMPLES = ("Where is my order?", "My parcel arrived damaged", "How long do I have to return something?")

_ONLY_FROM_HERE = "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; object-src 'none'"
"""What the browser may load at all (https://www.w3.org/TR/CSP3/); the framework's own code is inline and evaluated."""


class Page:
    """What the page does, apart from how it looks.

    Args:
        agent: who answers.
    """

    def __init__(self, agent: cli.Door) -> None:
        self._agent = agent

    def send(self, message: Message, history: list[Message], call_id: str) -> tuple[Any, ...]:
        """One message (words, a recording, a photo, or all of them) to the agent.

        Args:
            message: "text" and "files" (paths), as the message box gives them.
            history: the conversation so far.
            call_id: this visitor's call; empty before its first message.

        Returns:
            The conversation with the message and its answer, the panel's HTML, the spoken answer's, the turn for
            `why` (as it was understood, so that nothing is heard twice), the call's id.

        Raises:
            CallsightError: the message cannot be used; the conversation stays as it was.
        """
        call_id = call_id or uuid.uuid4().hex
        turn, shown = turn_of(message, call_id)
        reply = self._agent.respond(turn, speak=True)
        heard = reply.understanding.transcript
        if heard is not None:
            shown.append(line("user", f"“{heard.text}”" if heard.text else "(nothing was heard)"))
        history = [*history, *shown, line("assistant", reply.text)]
        asked = replace(turn, text=reply.understanding.text, audio=None)
        return history, panel(reply, turn.image), player(reply.audio), asked, call_id

    def why(self, asked: Turn | None) -> str:
        """What carried the decision of the last turn, as HTML; measured only now.

        Args:
            asked: as `send` gave it; None before the first message.
        """
        if asked is None:
            return reasons()
        understood = self._agent.understand([asked], explain=True)[0]
        return view.render("reasons.html", asked=True, why=why(understood, asked.image))


def panel(reply: Reply | None = None, image: Image | None = None) -> str:
    """The right side as HTML: a reply and what led to it, or how to begin."""
    return view.render("panel.html", view=None if reply is None else view.view(reply, image))


def reasons() -> str:
    """The place of what carried the decision before there is any, as HTML."""
    return view.render("reasons.html", asked=False, why=None)


def player(audio: Audio | None = None) -> str:
    """A reply to be heard, as HTML that plays at once; nothing when there is none."""
    return "" if audio is None else view.render("player.html", recording=view.mp3_url([audio]))


@dataclass(frozen=True, eq=False)
class _Widgets:
    """The components of the page that something happens to or in."""

    chat: gr.Chatbot
    box: gr.MultimodalTextbox
    talk: gr.Audio
    spoken: gr.HTML
    examples: list[gr.Button]
    anew: gr.Button
    understood: gr.HTML
    why: gr.Accordion
    reasons: gr.HTML


def blocks(agent: cli.Door, title: str = "Callsight") -> gr.Blocks:
    """The page, to be launched with `launch_options`."""
    import gradio as gr

    demo: gr.Blocks
    with gr.Blocks(title=title, analytics_enabled=False, fill_width=True, delete_cache=(600, FORGET_SECONDS)) as demo:
        gr.HTML(view.render("title.html", title=title), apply_default_css=False)
        with gr.Row(equal_height=False):
            with gr.Column(scale=5, min_width=340):
                left = _conversation()
            with gr.Column(scale=6, min_width=340):
                understood = gr.HTML(panel(), elem_id="understood", apply_default_css=False)
                with gr.Accordion("Why?", open=False, elem_id="why") as opened:
                    explained = gr.HTML(reasons(), elem_id="reasons", apply_default_css=False)
        _wire(Page(agent), _Widgets(**left, understood=understood, why=opened, reasons=explained))
    return demo


def _conversation() -> dict[str, Any]:
    """The left side: what was said, and what to say next with."""
    import gradio as gr

    chat = gr.Chatbot(
        label="Conversation",
        height="max(380px, calc(100vh - 480px))",
        render_markdown=False,
        buttons=[],
        feedback_options=None,
        allow_tags=False,
        allow_file_downloads=False,
        elem_id="conversation",
        placeholder="Talk, type, or attach a photo.",
    )
    box = _message_box()
    talk = gr.Audio(
        label="Talk: press Record, then Stop to send",
        sources=["microphone"],
        type="filepath",
        editable=False,
        buttons=[],
        elem_id="talk",
    )
    spoken = gr.HTML(player(), elem_id="spoken", apply_default_css=False)
    with gr.Row():
        examples = [gr.Button(text, size="sm", variant="secondary") for text in EXAMPLES]
    anew = gr.Button("New call", size="sm", elem_id="anew")
    return {"chat": chat, "box": box, "talk": talk, "spoken": spoken, "examples": examples, "anew": anew}


def _message_box() -> gr.MultimodalTextbox:
    import gradio as gr

    return gr.MultimodalTextbox(
        label="Your message",
        show_label=False,
        placeholder="Type, or attach a photo or a recording",
        sources=["upload"],
        file_types=["image", "audio"],
        file_count="multiple",
        max_plain_text_length=MAX_CHARACTERS,
        elem_id="message",
        autofocus=True,
    )


def _wire(page: Page, on: _Widgets) -> None:
    """What happens when something is sent, opened or begun anew."""
    import gradio as gr

    call_id, asked = gr.State(""), gr.State(None, time_to_live=FORGET_SECONDS)

    def send(message: Message, recording: str | None, history: list[Message], call_id: str) -> tuple[Any, ...]:
        files = [*message.get("files", []), *([recording] if recording else [])]
        with _told():
            return (None, None, *page.send({**message, "files": files}, history, call_id), *closed())

    def explain(turn: Turn | None) -> str:
        with _told():
            return page.why(turn)

    def closed() -> tuple[Any, ...]:
        return gr.Accordion(open=False), reasons()

    outputs = [on.box, on.talk, on.chat, on.understood, on.spoken, asked, call_id, on.why, on.reasons]
    private: dict[str, Any] = {"api_visibility": "private", "show_progress": "minimal"}
    quiet: dict[str, Any] = {**private, "show_progress_on": on.chat}
    gr.on([on.box.submit, on.talk.stop_recording], send, [on.box, on.talk, on.chat, call_id], outputs, **quiet)
    for button, text in zip(on.examples, EXAMPLES, strict=True):
        button.click(partial(send, {"text": text}, None), [on.chat, call_id], outputs, **quiet)

    def begin() -> tuple[Any, ...]:
        return (None, None, [], panel(), player(), None, "", *closed())

    gr.on([on.anew.click, on.chat.clear], begin, None, outputs, **quiet)
    on.why.expand(explain, [asked], [on.reasons], **private)


@contextmanager
def _told() -> Iterator[None]:
    """Errors of ours become words on the page."""
    import gradio as gr

    try:
        yield
    except CallsightError as error:
        raise gr.Error(html.escape(str(error)), title="That cannot be used", print_exception=False) from None


def launch_options() -> dict[str, Any]:
    """Keyword arguments for `gradio.Blocks.launch` that keep the page to itself."""
    import gradio as gr

    font = ("system-ui", "-apple-system", "Segoe UI", "sans-serif")
    theme = gr.themes.Default(primary_hue="cyan", font=font, font_mono=("ui-monospace", "Consolas", "monospace"))
    policy = f'<meta http-equiv="Content-Security-Policy" content="{_ONLY_FROM_HERE}">'
    return {
        "theme": theme,
        "head": f"{policy}<style>{view.render('parts.css')}\n{view.render('page.css')}</style>",
        "share": False,
        "enable_monitoring": False,
        "mcp_server": False,
        "pwa": False,
        "ssr_mode": False,
        "footer_links": [],
        "run_history": False,
        "max_file_size": MAX_UPLOAD,
        "quiet": True,
        "show_error": False,
    }
