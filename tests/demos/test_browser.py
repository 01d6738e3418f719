"""The page in a real browser: Debian's Chromium, driven by Playwright, against a fake agent."""

import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import FakeAgent, tone

CHROMIUM = shutil.which("chromium")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium (apt-get install chromium)"),
    pytest.mark.filterwarnings("ignore"),  # the web framework's own
]


@pytest.fixture(scope="module")
def served() -> Any:
    """The page on a free port: its address and the agent behind it."""
    pytest.importorskip("gradio")
    import os

    os.environ.update(GRADIO_ANALYTICS_ENABLED="False", HF_HUB_DISABLE_TELEMETRY="1")
    from demos import page

    agent = FakeAgent(refuses=frozenset({"refuse <b>me</b>"}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        demo = page.blocks(agent)
        _, address, _ = demo.launch(server_name="127.0.0.1", prevent_thread_lock=True, **page.launch_options())
    yield address, agent
    demo.close()


@pytest.fixture(scope="module")
def browser() -> Any:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    with playwright.sync_playwright() as driver:
        try:
            chromium = driver.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        except playwright.Error as error:
            pytest.skip(f"chromium does not start here: {str(error).splitlines()[0]}")
        yield chromium
        chromium.close()


@pytest.fixture
def tab(served: Any, browser: Any) -> Any:
    """The page in a visitor's own browser profile; fails at the end if anything was asked of another host."""
    address, _ = served
    context = browser.new_context(viewport={"width": 1280, "height": 900}, permissions=["microphone"])
    opened = context.new_page()
    opened.set_default_timeout(90_000)  # a busy machine takes its time
    strangers, problems = [], []
    opened.on("request", lambda r: None if r.url.startswith((address, "data:", "blob:")) else strangers.append(r.url))
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.goto(address)
    opened.wait_for_selector("#message textarea")
    yield opened
    context.close()
    assert strangers == []
    assert problems == []


def type_and_send(tab: Any, words: Any) -> Any:
    tab.fill("#message textarea", words)
    tab.press("#message textarea", "Enter")


def said_by_agent(tab: Any, words: Any) -> Any:
    tab.wait_for_selector(f"#conversation .bot :text('{words}')")


def test_a_typed_message_is_answered_and_explained(tab: Any) -> None:
    type_and_send(tab, "Where is K123455?")
    said_by_agent(tab, "You said: Where is K123455?.")
    assert "order id" in tab.inner_text("#understood mark")
    assert "track order" in tab.inner_text("#understood .bar.wanted")
    assert tab.eval_on_selector("#spoken audio", "a => a.src.startsWith('data:audio/mpeg') && a.autoplay")
    assert tab.input_value("#message textarea") == ""


def test_the_reply_really_sounds(tab: Any) -> None:
    type_and_send(tab, "hello")
    tab.wait_for_selector("#spoken audio")
    tab.wait_for_function("() => document.querySelector('#spoken audio').played.length > 0")
    assert tab.eval_on_selector("#spoken audio", "a => a.duration") == pytest.approx(0.5, abs=0.2)


def test_a_photo_is_shown_with_its_fields(tab: Any, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (300, 400), "white").save(tmp_path / "receipt.png")
    tab.set_input_files("#message input[type=file]", tmp_path / "receipt.png")
    tab.wait_for_selector("#message .thumbnail-item, #message img")
    type_and_send(tab, "here")
    tab.wait_for_selector("#understood svg text")
    assert set(tab.locator("#understood svg text").all_text_contents()) == {"company", "date", "total"}
    assert tab.locator("#conversation [aria-label='Share']:visible").count() == 0


def test_why_opens_for_the_last_message_and_closes_for_the_next(tab: Any, served: Any) -> None:
    _, agent = served
    type_and_send(tab, "Where is K123455?")
    said_by_agent(tab, "You said: Where is K123455?.")
    before = len(agent.turns)
    tab.click("#why button")
    tab.wait_for_selector("#reasons .shade.for")
    assert "Where" in tab.inner_text("#reasons .shaded .shade.for")
    assert len(agent.turns) == before + 1
    type_and_send(tab, "another")
    said_by_agent(tab, "You said: another.")
    tab.wait_for_selector("#reasons .shaded", state="hidden")
    assert len(agent.turns) == before + 2


def test_the_microphone_is_heard(tab: Any, served: Any) -> None:
    _, agent = served
    before = len(agent.turns)
    tab.click("#talk .record-button")
    tab.wait_for_timeout(1500)
    tab.click("#talk .stop-button")
    said_by_agent(tab, "You said")
    assert "where is my order" in tab.inner_text("#conversation .user")
    assert agent.turns[before].audio is not None
    assert agent.turns[before].channel == "voice"


def test_visitors_do_not_see_each_other(tab: Any, served: Any, browser: Any) -> None:
    address, agent = served
    type_and_send(tab, "mine")
    said_by_agent(tab, "You said: mine.")
    other = browser.new_context().new_page()
    other.goto(address)
    other.wait_for_selector("#message textarea")
    assert "mine" not in other.inner_text("body")
    type_and_send(other, "theirs")
    said_by_agent(other, "You said: theirs.")
    assert "theirs" not in tab.inner_text("body")
    assert agent.turns[-1].call_id != agent.turns[-2].call_id
    other.context.close()


def test_a_new_call_begins_empty(tab: Any, served: Any) -> None:
    _, agent = served
    type_and_send(tab, "first")
    said_by_agent(tab, "You said: first.")
    tab.click("#anew")
    tab.wait_for_selector("#understood .none")
    type_and_send(tab, "second")
    said_by_agent(tab, "You said: second.")
    assert "first" not in tab.inner_text("#conversation")
    assert agent.turns[-1].call_id != agent.turns[-2].call_id


def test_what_cannot_be_used_is_said_and_the_conversation_goes_on(tab: Any) -> None:
    type_and_send(tab, "refuse <b>me</b>")
    tab.wait_for_selector("text=the fake refuses this text")
    type_and_send(tab, "better")
    said_by_agent(tab, "You said: better.")


def test_script_in_a_message_stays_text(tab: Any) -> None:
    type_and_send(tab, "<img src=x onerror=document.title='owned'>")
    said_by_agent(tab, "You said")
    tab.wait_for_timeout(300)
    assert tab.title() != "owned"
    assert "<img src=x" in tab.inner_text("#understood")


def test_the_report_opens_with_nothing_missing(browser: Any, tmp_path: Path) -> None:
    """Its own policy forbids loads from anywhere, so a broken picture or sound would show here."""
    import numpy as np

    from agent.types import Turn
    from demos import report
    from demos.record import CallRecord, TurnRecord
    from demos.recording import mix
    from modalities.types import Image as Photo

    turn = Turn(audio=tone(1.0), image=Photo(np.full((80, 60, 3), 200, np.uint8)))
    done = TurnRecord(1, turn, "where is my order", "r.jpg", FakeAgent().respond(turn, speak=True, explain=True), 0.1)
    channels, places = mix([done.exchange])
    record = CallRecord("T", Path("s.toml"), "Dana", "retail", "embedded", (done,), places, ())
    (tmp_path / "report.html").write_text(report.render(record, channels))
    opened, problems = browser.new_page(), []
    opened.on("console", lambda m: problems.append(m.text) if m.type == "error" else None)
    opened.goto(f"file://{tmp_path}/report.html")
    opened.wait_for_function("() => document.getElementById('call').duration > 1")
    opened.click(".play")
    opened.wait_for_function("() => document.getElementById('call').played.length > 0")
    assert opened.locator("svg image").count() == 2
    assert opened.locator(".evidence svg rect[stroke-dasharray]").count() == 1
    assert problems == []
    opened.close()
