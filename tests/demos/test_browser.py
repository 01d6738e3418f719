"""The page in a real browser: Debian's Chromium, driven by Playwright, with a recording as its microphone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import soundfile

from demos import login, samples
from demos.login import Accounts
from modalities.audio import resample
from modalities.types import Audio
from tests.demos.page_fakes import PageFake, serving
from tests.fakes import FAKE_WORDS, FakeAgent, tone

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
SPOKEN = Path(samples.__file__).parent / "return.flac"
PHOTO = Path(samples.__file__).parent / "receipt.jpg"

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium (apt-get install chromium)"),
    pytest.mark.filterwarnings("ignore"),  # the web framework's own
]


@contextmanager
def page_of(agent: PageFake, accounts: Accounts | None = None) -> Iterator[str]:
    """The page on a free port, for the block: its address."""
    pytest.importorskip("gradio")
    os.environ.update(GRADIO_ANALYTICS_ENABLED="False", HF_HUB_DISABLE_TELEMETRY="1")
    from benchmarks.carrier_server import free_port
    from demos.page import server
    from demos.page.agent import PageAgent
    from demos.page.guard import Rules
    from demos.phone.__main__ import quiet
    from demos.phone.manners import Manners
    from demos.phone.server import listeners

    quiet()
    port, who = free_port(), cast(Any, agent)
    app = server.application(PageAgent(who), listeners(who), Manners(silence=60.0), Rules(accounts))
    with serving(server.server(app, "127.0.0.1", port)):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, PageFake]]:
    """The page, open to all of this machine: its address and the agent behind it."""
    agent = PageFake(refuses=frozenset({"refuse <b>me</b>"}))
    with page_of(agent) as address:
        yield address, agent


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    microphone = tmp_path_factory.mktemp("sound") / "microphone.wav"
    spoken = resample(Audio.open(SPOKEN), 48_000).samples
    quiet = np.zeros(48_000, dtype=np.float32)
    soundfile.write(microphone, np.concatenate([quiet[:24_000], spoken, *[quiet] * 12]), 48_000, subtype="PCM_16")
    with playwright.sync_playwright() as driver:
        try:
            arguments = [*QUIET, f"--use-file-for-fake-audio-capture={microphone}"]
            chromium = driver.chromium.launch(executable_path=CHROMIUM, args=arguments)
        except playwright.Error as error:
            pytest.skip(f"chromium does not start here: {str(error).splitlines()[0]}")
        yield chromium
        chromium.close()


def opened(browser: Any, address: str, **context: Any) -> Any:
    """The page in a visitor's own browser profile."""
    given: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}, "permissions": ["microphone", "camera"]}
    tab = browser.new_context(**{**given, **context}).new_page()
    tab.set_default_timeout(90_000)  # a busy machine takes its time
    tab.goto(address)
    tab.wait_for_selector("callsight-talk[data-ready=yes]")
    return tab


@pytest.fixture
def tab(served: Any, browser: Any) -> Iterator[Any]:
    """A visitor; fails at the end if anything was asked of another host, or a script broke."""
    address, _ = served
    one = browser.new_context(viewport={"width": 1280, "height": 900}, permissions=["microphone", "camera"]).new_page()
    one.set_default_timeout(90_000)
    strangers: list[str] = []
    problems: list[str] = []
    ours = (address, address.replace("http", "ws"), "data:", "blob:")
    one.on("request", lambda r: None if r.url.startswith(ours) else strangers.append(r.url))
    one.on("websocket", lambda w: None if w.url.startswith(ours) else strangers.append(w.url))
    one.on("pageerror", lambda error: problems.append(str(error)))
    one.goto(address)
    one.wait_for_selector("callsight-talk[data-ready=yes]")
    yield one
    one.context.close()
    assert strangers == []
    assert problems == []


def type_and_send(tab: Any, words: str) -> None:
    tab.fill("[data-part=text]", words)
    tab.press("[data-part=text]", "Enter")


def answered(tab: Any, count: int = 1) -> str:
    """The agent's last words, once there are so many of them."""
    tab.wait_for_function(f"document.querySelectorAll('.lines li.agent').length >= {count}")
    return str(tab.locator(".lines li.agent p").last.inner_text())


def test_a_typed_message_is_answered_spoken_and_explained(tab: Any, served: Any) -> None:
    type_and_send(tab, "Where is K123455?")
    assert "e-mail" in answered(tab)
    tab.wait_for_selector(".beside mark")
    assert "order id" in tab.inner_text(".beside mark")
    assert "track order" in tab.inner_text(".beside .bar.wanted")
    assert tab.input_value("[data-part=text]") == ""
    tab.wait_for_function("performance.getEntriesByName('callsight:sound').length > 0")
    tab.click(".beside summary")
    tab.wait_for_selector(".beside .shade.for")
    assert "Where" in tab.inner_text(".beside .shaded .shade.for")


def test_words_are_stopped_and_the_history_holds_what_was_heard(tab: Any, served: Any) -> None:
    _, agent = served
    agent.say, before = lambda text: tone(20.0, 22_050), agent.say
    try:
        type_and_send(tab, "Where is K123455?")
        tab.click("[data-part=stop]")
        tab.wait_for_selector("[data-part=stop]", state="hidden")
    finally:
        agent.say = before
    type_and_send(tab, "bye")
    answered(tab, 2)
    call_id = agent.turns[-1].call_id
    assert [e.data["cut_short"] for e in agent.manager.store.events(call_id) if e.data.get("cut_short")]


@pytest.mark.parametrize("way", ["held", "tapped", "by keyboard"])
def test_the_microphone_is_heard_while_the_button_is_pressed(tab: Any, served: Any, way: str) -> None:
    _, agent = served
    before = len(agent.turns)
    talk = tab.locator("[data-part=talk]")
    if way == "by keyboard":
        talk.focus()
        tab.keyboard.down(" ")
    else:
        talk.hover()
        tab.mouse.down()
    if way == "tapped":
        tab.mouse.up()
    tab.wait_for_selector("[data-part=talk] :text('Listening')")
    tab.wait_for_timeout(2500)
    if way == "tapped":
        tab.mouse.down()
    if way == "by keyboard":
        tab.keyboard.up(" ")
    else:
        tab.mouse.up()
    answered(tab)
    assert FAKE_WORDS in tab.inner_text(".lines .customer")
    turn = agent.turns[before]
    assert turn.channel == "voice"
    assert turn.audio.seconds > 1.5
    assert float(np.abs(turn.audio.samples).max()) > 0.05


def test_a_photo_is_attached_shown_and_drawn_on(tab: Any) -> None:
    tab.set_input_files("[data-part=file]", PHOTO)
    tab.wait_for_selector(".files span")
    type_and_send(tab, "here")
    tab.wait_for_selector(".beside svg text")
    assert set(tab.locator(".beside svg text").all_text_contents()) == {"company", "date", "total"}
    assert tab.locator(".lines li.customer img").count() == 1


def test_a_photo_is_taken(tab: Any, served: Any) -> None:
    _, agent = served
    tab.click("[data-part=camera]")
    tab.wait_for_function("document.querySelector('dialog video').videoWidth > 0")
    tab.click("[data-take]")
    tab.wait_for_selector(".files span")
    tab.click(".send")
    answered(tab)
    assert agent.turns[-1].image is not None


@pytest.mark.weights
def test_a_hands_free_call_hears_answers_and_is_talked_over(tab: Any, served: Any) -> None:
    _, agent = served
    tab.click("[data-part=call]")
    tab.wait_for_selector(":text('In a call')")
    agent.say, before = lambda text: tone(30.0, 22_050), agent.say  # longer than until the recording comes again
    try:
        answered(tab, 3)  # the greeting, what answers the recording, and what answers it when it comes again
    finally:
        agent.say = before
    assert FAKE_WORDS in tab.inner_text(".lines .customer")
    spoken = [turn for turn in agent.turns if turn.audio is not None and turn.channel == "phone"]
    cut = [e for e in agent.manager.store.events(spoken[-1].call_id) if e.data.get("cut_short")]
    assert len(spoken) >= 2
    assert cut
    type_and_send(tab, "a person please")
    tab.wait_for_selector(".lines li.agent :text('colleague')")
    tab.click("[data-part=call]")
    tab.wait_for_selector("[data-part=call] :text('Call, hands free')")
    tab.wait_for_function("!document.querySelector('[data-part=talk]').disabled")


def test_a_person_takes_over_and_the_call_is_replayed(tab: Any, served: Any, browser: Any) -> None:
    address, _ = served
    type_and_send(tab, "a person please")
    assert "colleague" in answered(tab)
    staff = opened(browser, address)
    staff.get_by_role("tab", name="Take over").click()
    staff.fill("#desk-name input, #desk-name textarea", "Ada")
    staff.locator("#desk-waiting label", has_text="Waiting").last.click()
    staff.click("#desk-claim")
    tab.wait_for_selector(".lines li.note :text('Ada has joined')")
    staff.wait_for_selector("#desk-shown :text('a person please')")
    type_and_send(tab, "are you there?")
    staff.wait_for_selector("#desk-shown :text('are you there?')")
    staff.fill("#desk-words textarea", "I am here.")
    staff.click("#desk-answer")
    tab.wait_for_selector(".lines li.person :text('I am here.')")
    assert tab.inner_text(".lines li.person b") == "Ada"
    staff.click("#desk-close")
    tab.wait_for_selector(".lines li.note :text('assistant answers again')")
    staff.get_by_role("tab", name="Replay").click()
    staff.click("#stored-refresh")
    staff.click("#stored input")
    staff.locator("#stored [role=option], .options [role=option]").first.click()
    staff.wait_for_selector("#replayed h2")
    assert "because" in staff.inner_text("#replayed")
    staff.context.close()


def test_a_customer_who_logs_in_sees_no_desk_and_staff_answer_under_their_own_name(
    browser: Any, tmp_path: Path
) -> None:
    (tmp_path / "people").write_text(
        f"{login.line('ada', 'staff', 'correct horse')}\n{login.line('sam', 'customer', 'battery staple')}"
    )
    with page_of(PageFake(), Accounts.load(tmp_path / "people")) as address:
        sam, ada = (entered(browser, address, *who) for who in (("sam", "battery staple"), ("ada", "correct horse")))
        assert sam.get_by_role("tab").count() == 0
        assert sam.goto(f"{address}/staff/").status == 403
        sam.goto(address)
        sam.wait_for_selector("callsight-talk[data-ready=yes]")
        type_and_send(sam, "a person please")
        answered(sam)
        ada.get_by_role("tab", name="Take over").click()
        assert ada.locator("#desk-name:visible").count() == 0
        ada.locator("#desk-waiting label", has_text="Waiting").click()
        ada.click("#desk-claim")
        sam.wait_for_selector(".lines li.note :text('ada has joined')")
        sam.context.close()
        ada.context.close()


def entered(browser: Any, address: str, name: str, password: str) -> Any:
    """The page of somebody who has logged in."""
    tab = browser.new_context().new_page()
    tab.set_default_timeout(90_000)
    tab.goto(address)
    tab.fill("[name=name]", name)
    tab.fill("[name=password]", password)
    tab.click("button")
    tab.wait_for_selector("callsight-talk[data-ready=yes]")
    return tab


def test_visitors_do_not_see_each_other(tab: Any, served: Any, browser: Any) -> None:
    address, agent = served
    type_and_send(tab, "mine")
    answered(tab)
    other = opened(browser, address)
    assert "mine" not in other.inner_text("body")
    type_and_send(other, "theirs")
    answered(other)
    assert "theirs" not in tab.inner_text("body")
    assert agent.turns[-1].call_id != agent.turns[-2].call_id
    other.context.close()


def test_a_page_that_is_loaded_again_goes_on(tab: Any) -> None:
    type_and_send(tab, "first")
    answered(tab)
    tab.reload()
    tab.wait_for_selector("callsight-talk[data-ready=yes]")
    assert "first" in tab.inner_text(".lines")
    tab.click("[data-part=anew]")
    tab.wait_for_function("document.querySelectorAll('.lines li').length === 0")


def test_what_cannot_be_used_is_said_and_the_conversation_goes_on(tab: Any, tmp_path: Path) -> None:
    type_and_send(tab, "refuse <b>me</b>")
    tab.wait_for_selector("[role=alert]:text('the fake refuses this text')")
    with (tmp_path / "huge.png").open("wb") as huge:
        huge.truncate(200 << 20)
    tab.set_input_files("[data-part=file]", tmp_path / "huge.png")
    tab.wait_for_selector("[role=alert]:text('huge.png has 200 MB; a file may have 20 MB')")
    (tmp_path / "<img src=x onerror=document.title=1>.png").write_bytes(b"MZ")
    tab.set_input_files("[data-part=file]", tmp_path / "<img src=x onerror=document.title=1>.png")
    tab.wait_for_selector("[role=alert]:text('picture')")
    type_and_send(tab, "better")
    answered(tab)


def test_a_hundred_clicks_a_second_are_survived(tab: Any) -> None:
    tab.evaluate("""() => { const one = document.querySelector('[data-example]');
        for (let i = 0; i < 100; i++) one.click(); }""")
    tab.wait_for_selector("[role=alert]:text('Please wait')")
    tab.wait_for_function("document.querySelectorAll('.lines li.agent').length >= 3")
    type_and_send(tab, "bye")
    tab.wait_for_function("document.querySelector('[data-part=state]').textContent === ''")


def test_no_microphone_is_said_and_typing_goes_on(served: Any, browser: Any) -> None:
    address, _ = served
    tab = opened(browser, address)
    tab.evaluate("""() => { navigator.mediaDevices.getUserMedia =
        () => Promise.reject(new DOMException('none', 'NotFoundError')); }""")
    for button in ("talk", "call"):
        tab.locator(f"[data-part={button}]").click(delay=600)
        tab.wait_for_selector("[role=alert]:text('No microphone was found')")
    tab.wait_for_function("document.querySelector('[data-part=talk] span').textContent === 'Hold to talk'")
    type_and_send(tab, "hello")
    answered(tab)
    tab.context.close()


def test_closing_mid_sentence_troubles_nobody_else(served: Any, browser: Any, tab: Any) -> None:
    address, _ = served
    other = opened(browser, address)
    type_and_send(other, "Where is K123455?")
    answered(other)
    other.context.close()
    type_and_send(tab, "hello")
    answered(tab)


def test_script_in_a_message_stays_text(tab: Any) -> None:
    type_and_send(tab, "<img src=x onerror=document.title='owned'>")
    answered(tab)
    tab.wait_for_timeout(300)
    assert tab.title() != "owned"
    tab.wait_for_selector(".beside .words")
    assert "<img src=x" in tab.inner_text(".beside")


def test_a_small_screen_shows_all_of_it_without_scrolling_sideways(served: Any, browser: Any) -> None:
    address, _ = served
    tab = opened(browser, address, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    type_and_send(tab, "Where is K123455?")
    answered(tab)
    tab.wait_for_selector(".beside .bar")
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    boxes = tab.evaluate("""() => [...document.querySelectorAll('.conversation form button:not([hidden])')]
        .map(one => one.getBoundingClientRect()).map(box => [box.left, box.right, box.height])""")
    assert len(boxes) >= 5
    assert all(left >= 0 and right <= 360 and height >= 40 for left, right, height in boxes)
    tab.context.close()


def test_everything_has_a_name_for_screen_readers_and_a_place_for_the_keyboard(tab: Any) -> None:
    names = "textarea, button, [role=log], section, summary"
    nameless = tab.evaluate(f"""() => [...document.querySelectorAll('callsight-talk :is({names})')]
        .filter(one => !(one.ariaLabel || one.textContent.trim())).map(one => one.outerHTML)""")
    assert nameless == []
    assert tab.get_attribute(".lines", "role") == "log"
    tab.focus("[data-part=text]")
    reached = []
    for _ in range(5):
        tab.keyboard.press("Tab")
        reached.append(tab.evaluate("document.activeElement.textContent.trim()"))
    assert reached == ["Send", "Hold to talk", "Call, hands free", "Attach", "Camera"]


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
