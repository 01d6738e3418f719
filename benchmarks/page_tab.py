"""The page in headless Chromium with a recording as its microphone: what it loads, and how soon it answers.

Times are taken in the page by its own clock. A press ends when the button is let go; words are there when they are put
into the page, sound when the page's audio clock begins to play it. Hands free, speech ends with the last loud message
of the microphone's sound that leaves the page.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from modalities.audio import resample
from modalities.types import Audio

RATE = 48_000
LEAD_SECONDS, TAIL_SECONDS = 0.4, 0.3  # of quiet before and after what is said while the button is pressed
LOUD = 0.02  # peak of a message in which somebody speaks
GAP_SECONDS = 9.0  # of quiet between two turns of a hands-free call
GREETING_SECONDS = 6.0
MOST_MS = 60_000
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
)
_WATCH = """() => {
  window.loud = [];
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    if (data instanceof ArrayBuffer) {
      const peak = new Int16Array(data).reduce((most, one) => Math.max(most, Math.abs(one)), 0);
      if (peak > LOUD * 32768) window.loud.push(performance.now());
    }
    return send.call(this, data);
  };
}""".replace("LOUD", str(LOUD))


@dataclass(frozen=True)
class Load:
    """What one first visit loads: requests, bytes as they travelled, addresses outside."""

    requests: int
    megabytes: float
    outside: tuple[str, ...]


@dataclass(frozen=True)
class Wait:
    """Seconds from the end of what was said to the reply's text and to its first sound."""

    text: float
    sound: float


@contextmanager
def chromium(microphone: Path) -> Iterator[Any]:
    """A browser whose microphone plays this file from its beginning whenever it is opened."""
    from playwright.sync_api import sync_playwright

    _write(microphone, [np.zeros(RATE, dtype=np.float32)])
    with sync_playwright() as driver:
        arguments = [*ARGUMENTS, f"--use-file-for-fake-audio-capture={microphone}%noloop"]
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        try:
            yield browser
        finally:
            browser.close()


def opened(browser: Any, address: str) -> tuple[Any, Load]:
    """The page for a new visitor, and what it loaded."""
    tab = browser.new_context(viewport={"width": 1280, "height": 900}, permissions=["microphone"]).new_page()
    tab.set_default_timeout(MOST_MS)
    asked: list[str] = []
    sizes: list[float] = []
    network = tab.context.new_cdp_session(tab)
    network.send("Network.enable")
    network.on("Network.loadingFinished", lambda done: sizes.append(done["encodedDataLength"]))
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("websocket", lambda socket: asked.append(socket.url))
    tab.add_init_script(f"({_WATCH})()")
    tab.goto(address)
    tab.wait_for_selector("callsight-talk[data-ready=yes]")
    tab.wait_for_timeout(2000)
    ours = (address, address.replace("http", "ws"), "data:", "blob:")
    outside = tuple(url for url in asked if not url.startswith(ours))
    return tab, Load(len(asked), sum(sizes) / 1e6, outside)


def press(tab: Any, microphone: Path, said: Audio) -> Wait:
    """Say one thing while the talk button is pressed, in a conversation of its own."""
    tab.click("[data-part=anew]")
    tab.wait_for_function("!document.querySelector('.lines li')")
    quiet = np.zeros(round(LEAD_SECONDS * RATE), dtype=np.float32)
    _write(microphone, [quiet, resample(said, RATE).samples, np.zeros(2 * RATE, dtype=np.float32)])
    tab.evaluate("performance.clearMarks()")
    tab.hover("[data-part=talk]")
    tab.mouse.down()
    tab.wait_for_selector("[data-part=talk] :text('Listening')")
    tab.wait_for_timeout(1000 * (LEAD_SECONDS + said.seconds + TAIL_SECONDS))
    tab.mouse.up()
    tab.wait_for_function("performance.getEntriesByName('callsight:sound').length > 0")
    release, reply, sound = (_mark(tab, name)[0] for name in ("release", "reply", "sound"))
    return Wait((reply - release) / 1000, (sound - release) / 1000)


def call(tab: Any, microphone: Path, said: Sequence[Audio]) -> list[float | None]:
    """Say things in one hands-free call; for each, seconds from its end to the first sound, None where none came."""
    tab.click("[data-part=anew]")
    gap = np.zeros(round(GAP_SECONDS * RATE), dtype=np.float32)
    parts = [np.zeros(round(GREETING_SECONDS * RATE), dtype=np.float32)]
    for one in said:
        parts += [resample(one, RATE).samples, gap]
    _write(microphone, parts)
    tab.evaluate("() => { performance.clearMarks(); window.loud.length = 0; }")
    tab.click("[data-part=call]")
    tab.wait_for_timeout(1000 * sum(len(part) for part in parts) / RATE + 3000)
    ends, sounds = _ends(tab.evaluate("window.loud")), _mark(tab, "call-sound")
    tab.click("[data-part=call]")
    limits = [*ends[1:], float("inf")]
    found = []
    for end, limit in zip(ends, limits, strict=True):
        first = next((sound for sound in sounds if end < sound < limit), None)
        found.append(None if first is None else (first - end) / 1000)
    return found


def _ends(loud: Sequence[float]) -> list[float]:
    """When speech ended, from the times at which it was loud: wherever half of a gap was quiet."""
    following = [*loud, float("inf")][1:]
    return [one for one, after in zip(loud, following, strict=True) if after - one > 500 * GAP_SECONDS]


def _mark(tab: Any, name: str) -> list[float]:
    """When the page noted something, milliseconds of its clock."""
    times: list[float] = tab.evaluate(f"performance.getEntriesByName('callsight:{name}').map(one => one.startTime)")
    return times


def _write(path: Path, parts: Sequence[Any]) -> None:
    soundfile.write(path, np.concatenate(parts), RATE, subtype="PCM_16")
