"""How the page looks: Gradio's frame with the conversation and, for staff, the desk and stored calls as tabs. Nothing
from elsewhere: no font, script, picture or count of visits leaves or enters.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from agent.domain import Pack
from agent.store import Store
from demos import view
from demos.message import MAX_CHARACTERS
from demos.page import desk, replay
from demos.page.house import House
from demos.page.talk import panel

if TYPE_CHECKING:
    import gradio as gr

MOST_EXAMPLES = 3

_ONLY_FROM_HERE = "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; object-src 'none'"
"""What the browser may load at all (https://www.w3.org/TR/CSP3/); the framework's own code is inline and evaluated."""


def blocks(
    title: str, company: str, examples: list[str], house: Callable[[], House], store: Store, *, staff: bool, login: bool
) -> gr.Blocks:
    """The page.

    Args:
        title: of the page.
        company: who answers.
        examples: messages to try.
        house: gives the house once the page is served.
        store: where calls are.
        staff: with the desk and stored calls, else the conversation alone.
        login: people log in.
    """
    import gradio as gr

    demo: gr.Blocks
    with gr.Blocks(title=title, analytics_enabled=False, fill_width=True) as demo:
        gr.HTML(view.render("title.html", title=title, leave=login), apply_default_css=False)
        if not staff:
            _conversation(company, examples)
            return demo
        with gr.Tabs():
            with gr.Tab("Conversation", id="talk"):
                _conversation(company, examples)
            with gr.Tab("Take over", id="desk"):
                desk.tab(house, login)
            with gr.Tab("Replay", id="replay"):
                replay.tab(store)
    return demo


def _conversation(company: str, examples: list[str]) -> None:
    import gradio as gr
    from markupsafe import Markup

    shown = {"company": company, "examples": examples, "most": MAX_CHARACTERS, "panel": Markup(panel())}
    gr.HTML(view.render("talk.html", **shown), apply_default_css=False, elem_id="talk")


def examples_of(pack: Pack) -> list[str]:
    """Messages to try: those written for the page, else the shortest examples of the pack's first intents."""
    written = tomllib.loads((view.TEMPLATES / "examples.toml").read_text(encoding="utf-8"))
    if pack.name in written:
        return list(written[pack.name])
    shortest: dict[str, str] = {}
    for example in pack.examples():
        if example.text and example.intents:
            shortest[example.intents[0]] = min(shortest.get(example.intents[0], example.text), example.text, key=len)
    return list(shortest.values())[:MOST_EXAMPLES]


def options() -> dict[str, Any]:
    """Keyword arguments for `gradio.mount_gradio_app` that keep the page to itself."""
    import gradio as gr

    font = ("system-ui", "-apple-system", "Segoe UI", "sans-serif")
    theme = gr.themes.Default(primary_hue="cyan", font=font, font_mono=("ui-monospace", "Consolas", "monospace"))
    policy = f'<meta http-equiv="Content-Security-Policy" content="{_ONLY_FROM_HERE}">'
    style = f"<style>{view.render('parts.css')}\n{view.render('page.css')}</style>"
    return {
        "theme": theme,
        "head": f'{policy}{style}<script type="module" src="/page/assets/talk.js"></script>',
        "enable_monitoring": False,
        "mcp_server": False,
        "pwa": False,
        "ssr_mode": False,
        "footer_links": [],
        "run_history": False,
        "max_file_size": "1kb",
        "show_error": False,
    }
