"""The web page: the conversation on the left, what Callsight made of it on the right. Gradio, and nothing from
elsewhere: no font, script, picture or count of visits leaves or enters.
"""

from __future__ import annotations

import html
import logging
import uuid
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.errors import CallsightError, InputError
from agent.types import Reply, Turn
from demos import cli, view
from demos.files import PHOTOS
from modalities.types import Audio, Image

if TYPE_CHECKING:
    import gradio as gr

MAX_UPLOAD = "20mb"
MAX_CHARACTERS = 100_000
MAX_SPOKEN_SECONDS = 120.0
FORGET_SECONDS = 3600
"""Uploaded files and spoken replies are kept by the page at most about this long."""
EXAMPLES = ("Where is my order?", "My parcel arrived damaged", "How long do I have to return something?")

_ONLY_FROM_HERE = "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; object-src 'none'"
"""What the browser may load at all (https://www.w3.org/TR/CSP3/); the framework's own code is inline and evaluated."""

Message = dict[str, Any]
log = logging.getLogger(__name__)


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
            The conversation with the message and its answer, the panel's HTML, the spoken answer's, the call's id.

        Raises:
            CallsightError: the message cannot be used; the conversation stays as it was.
        """
        call_id = call_id or uuid.uuid4().hex
        turn, shown = _turn(message, call_id)
        reply = self._agent.respond(turn, speak=True)
        heard = reply.understanding.transcript
        if heard is not None:
            shown.append(_words("user", f"“{heard.text}”" if heard.text else "(nothing was heard)"))
        history = [*history, *shown, _words("assistant", reply.text)]
        return history, panel(reply, turn.image), player(reply.audio), call_id


def panel(reply: Reply | None = None, image: Image | None = None) -> str:
    """The right side as HTML: a reply and what led to it, or how to begin."""
    return view.render("panel.html", view=None if reply is None else view.view(reply, image))


def player(audio: Audio | None = None) -> str:
    """A reply to be heard, as HTML that plays at once; nothing when there is none."""
    return "" if audio is None else view.render("player.html", recording=view.mp3_url([audio]))


def _turn(message: Message, call_id: str) -> tuple[Turn, list[Message]]:
    """The turn that a message is, and its lines in the conversation."""
    text = (message.get("text") or "").strip()
    if len(text) > MAX_CHARACTERS:
        raise InputError(f"the message has {len(text)} characters; send at most {MAX_CHARACTERS}")
    shown: list[Message] = []
    audio: Audio | None = None
    image: Image | None = None
    for path in (Path(_path(file)) for file in message.get("files") or []):
        if path.suffix.lower() in PHOTOS:
            if image is not None:
                raise InputError("the message has more than one photo; send them one after another")
            image = Image.open(path)
        else:
            if audio is not None:
                raise InputError("the message has more than one recording; send them one after another")
            audio = _spoken(path)
        shown.append({"role": "user", "content": {"path": str(path)}})
    if not text and audio is None and image is None:
        raise InputError("the message is empty; say, type or attach something")
    if text:
        shown.append(_words("user", text))
    turn = Turn(text=text or None, audio=audio, image=image, call_id=call_id)
    return (turn if audio is None else replace(turn, channel="voice")), shown


def _path(file: Any) -> str:
    return str(file["path"] if isinstance(file, dict) else file)


def _spoken(path: Path) -> Audio:
    audio = Audio.open(path)
    if audio.seconds > MAX_SPOKEN_SECONDS:
        raise InputError(
            f"the recording is {audio.seconds:.0f} s long; a message may have {MAX_SPOKEN_SECONDS:.0f} s. "
            "Whole calls go through python -m demos.batch"
        )
    return audio


def _words(role: str, text: str) -> Message:
    """A line of the conversation; the chat takes words for HTML, which a customer's never are."""
    return {"role": role, "content": html.escape(text)}


def blocks(agent: cli.Door, title: str = "Callsight") -> gr.Blocks:
    """The page, to be launched with `launch_options`."""
    import gradio as gr

    page = Page(agent)

    def send(message: Message, recording: str | None, history: list[Message], call_id: str) -> tuple[Any, ...]:
        files = [*message.get("files", []), *([recording] if recording else [])]
        try:
            return (None, None, *page.send({**message, "files": files}, history, call_id))
        except CallsightError as error:
            raise gr.Error(html.escape(str(error)), title="That cannot be used", print_exception=False) from None

    demo: gr.Blocks
    with gr.Blocks(title=title, analytics_enabled=False, fill_width=True, delete_cache=(600, FORGET_SECONDS)) as demo:
        call_id = gr.State("")
        gr.HTML(view.render("title.html", title=title), apply_default_css=False)
        with gr.Row(equal_height=False):
            with gr.Column(scale=5, min_width=340):
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
                box = gr.MultimodalTextbox(
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
            with gr.Column(scale=6, min_width=340):
                understood = gr.HTML(panel(), elem_id="understood", apply_default_css=False)
        outputs = [box, talk, chat, understood, spoken, call_id]
        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "minimal", "show_progress_on": chat}
        gr.on([box.submit, talk.stop_recording], send, [box, talk, chat, call_id], outputs, **quiet)
        for button, text in zip(examples, EXAMPLES, strict=True):
            said = partial(send, {"text": text}, None)
            button.click(said, [chat, call_id], outputs, **quiet)
        fresh: tuple[Any, ...] = (None, None, [], panel(), player(), "")
        gr.on([anew.click, chat.clear], lambda: fresh, None, outputs, **quiet)
    return demo


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
