"""A photo sent in the middle of a call: a link that works once, for a while, for one call, and the page behind it."""

from __future__ import annotations

import json
import logging
import secrets
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from hmac import new as hmac

from agent.errors import CallsightError

log = logging.getLogger(__name__)

LIFE = 900.0  # seconds a link works
MOST = 2_000  # links that may wait
TRIES = 8  # photos that may be refused on one link
HOOK_SECONDS = 10.0
LARGEST = 12 * 1024 * 1024  # bytes of a photo; the page makes larger ones smaller before it sends them
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; img-src blob:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
}


@dataclass
class _Link:
    call_id: str
    until: float
    left: int = TRIES


class Photos:
    """The links of the calls that go on, in one process's memory.

    Args:
        public: address by which customers reach this server.
        hook: address that sends a link to a number, as the operator's text messages do; see docs/phone.md.
        secret: signs what the hook is sent.
        clock: seconds, never going back.
    """

    def __init__(self, public: str, hook: str, secret: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._public, self._hook, self._secret, self._clock = public.rstrip("/"), hook, secret, clock
        self._links: dict[str, _Link] = {}

    def link(self, call_id: str) -> str:
        """The address of a new link for a call; an earlier one of the same call works no more."""
        self.forget(call_id)
        while self._links and (len(self._links) >= MOST or next(iter(self._links.values())).until < self._clock()):
            del self._links[next(iter(self._links))]
        name = secrets.token_urlsafe(24)
        self._links[name] = _Link(call_id, self._clock() + LIFE)
        return f"{self._public}/photo/{name}"

    def call_of(self, name: str) -> str:
        """The call a link is for; empty where it works no more."""
        link = self._links.get(name)
        return link.call_id if link and link.until >= self._clock() and link.left > 0 else ""

    def refused(self, name: str) -> None:
        """A photo could not be used: so many more may be tried."""
        if name in self._links:
            self._links[name].left -= 1

    def used(self, name: str) -> None:
        """The photo came: the link works no more."""
        self._links.pop(name, None)

    def forget(self, call_id: str) -> None:
        """The call is over."""
        self._links = {name: link for name, link in self._links.items() if link.call_id != call_id}

    def send(self, call_id: str, caller: str) -> None:
        """Have a new link sent to a number; waits for the hook.

        Raises:
            CallsightError: the hook did not take it.
        """
        body = json.dumps({"to": caller, "url": self.link(call_id), "call_id": call_id}).encode()
        signature = hmac(self._secret.encode(), body, sha256).hexdigest()
        headers = {"Content-Type": "application/json", "X-Callsight-Signature": signature}
        try:
            urllib.request.urlopen(urllib.request.Request(self._hook, body, headers), timeout=HOOK_SECONDS).close()
        except (OSError, ValueError) as error:
            self.forget(call_id)
            raise CallsightError(
                f"the hook that sends links failed ({type(error).__name__}): see --photo-hook"
            ) from error


PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>Send a photo</title>
<style>
body{font:18px/1.4 system-ui,sans-serif;margin:0;padding:24px;max-width:26em;color:#1b1f23;background:#fff}
label{display:block;padding:20px;border-radius:12px;background:#0b5fff;color:#fff;text-align:center;font-weight:600}
label:focus-within{outline:3px solid #1b1f23;outline-offset:2px}
input{position:absolute;opacity:0;width:1px;height:1px}img{max-width:100%;border-radius:12px;margin-top:20px}
p[role=status]{min-height:3em}[hidden]{display:none!important}
</style>
<h1>Send a photo</h1><p>Stay on the line. The photo goes to the call you are in and nowhere else.</p>
<label>Take or choose a photo<input id="photo" type="file" accept="image/*"></label>
<p role="status" id="status"></p><img id="shown" alt="" hidden>
<script>
const most = 2000, status = document.getElementById("status"), shown = document.getElementById("shown")
async function smaller(file) {
  try {
    const photo = await createImageBitmap(file), scale = Math.min(1, most / Math.max(photo.width, photo.height))
    const canvas = document.createElement("canvas")
    canvas.width = Math.round(photo.width * scale); canvas.height = Math.round(photo.height * scale)
    canvas.getContext("2d").drawImage(photo, 0, 0, canvas.width, canvas.height)
    return await new Promise(done => canvas.toBlob(blob => done(blob || file), "image/jpeg", 0.9))
  } catch { return file }
}
document.getElementById("photo").addEventListener("change", async event => {
  const file = event.target.files[0]
  if (!file) return
  status.textContent = "Sending ..."
  try {
    const body = await smaller(file), answer = await fetch(location.pathname, {method: "POST", body})
    status.textContent = await answer.text()
    if (answer.ok) {
      shown.src = URL.createObjectURL(body); shown.hidden = false
      document.querySelector("label").hidden = true
    }
  } catch { status.textContent = "That did not work. Please try again." }
})
</script></html>
"""
GONE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>Send a photo</title>
<style>body{font:18px/1.4 system-ui,sans-serif;padding:24px;color:#1b1f23}</style>
<h1>This link no longer works</h1><p>Please ask for a new one on the call.</p></html>
"""
THANKS = "Thank you, it has arrived. Go on talking."
UNUSABLE = "That could not be read as a photo. Please try another one."
OVER = "The call is over. Please call again."
TOO_LARGE = "That photo is too large. Please try a smaller one."
