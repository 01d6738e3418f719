"""A language model may reword a reply; a server of its own process shows what is taken of it and what is not."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from agent.errors import ConfigError
from agent.rephrase import Rephraser, same_facts
from tests.calls import Shop

SERVER = r"""
import json, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text, mode = asked["messages"][-1]["content"], asked["model"]
        if mode == "slow":
            time.sleep(5)
        wrong = {"changed": text.replace("2", "3"), "negated": text + " Not!", "talkative": text * 4}
        said = wrong.get(mode, "Sure thing! " + text)
        body = b"<html>" if mode == "garbage" else json.dumps({"choices": [{"message": {"content": said}}]}).encode()
        if mode == "nothing":
            body = b'{"choices": []}'
        try:
            self.send_response(500 if mode == "broken" else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            pass
    def log_message(self, *args):
        pass

server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""
TEXT = "Done, order K482137 is cancelled. $25.00 goes back to your PayPal by June 12. Anything else?"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        process.terminate()


def test_a_rewording_with_the_same_facts_is_taken(url: str) -> None:
    assert Rephraser(url, "good", "key", timeout=20)(TEXT) == f"Sure thing! {TEXT}"


@pytest.mark.parametrize("model", ["changed", "negated", "talkative", "garbage", "nothing", "broken"])
def test_anything_else_leaves_the_template(url: str, model: str) -> None:
    assert Rephraser(url, model, timeout=20)(TEXT) == TEXT


def test_a_slow_model_is_not_waited_for(url: str) -> None:
    started = time.monotonic()
    assert Rephraser(url, "slow")(TEXT) == TEXT
    assert time.monotonic() - started < 4  # the server sleeps for five


def test_no_server_leaves_the_template() -> None:
    assert Rephraser("http://127.0.0.1:9", "any")(TEXT) == TEXT


def test_a_url_that_is_none_is_named() -> None:
    with pytest.raises(ConfigError, match="ftp"):
        Rephraser("ftp://models", "any")


@pytest.mark.parametrize(
    "reworded",
    [
        "Order K482173 is cancelled. $25.00 goes back to your PayPal by June 12. Anything else?",
        "Order K482137 is cancelled. $52.00 goes back to your PayPal by June 12. Anything else?",
        "Order K482137 is cancelled. $25.00 goes back to your PayPal by July 12. Anything else?",
        "Order K482137 is cancelled. $25.00 goes back to your Visa by June 12. Anything else?",
        "Order K482137 isn't cancelled. $25.00 goes back to your PayPal by June 12. Anything else?",
        "Order K482137 is cancelled. $25.00 goes back to your PayPal by June 12.",
        "Order K482137 is cancelled. $25.00 goes back to your PayPal. Anything else?",
        "Order K482137 is cancelled. $25.00 goes back to your PayPal by June 12, with 5 extra. Anything else?",
        "",
    ],
)
def test_any_other_fact_is_found_out(reworded: str) -> None:
    assert not same_facts(TEXT, reworded)


def test_a_call_says_the_rewording_and_keeps_it(url: str) -> None:
    shop = Shop()
    shop.manager.rephrase = Rephraser(url, "good", timeout=20)
    assert shop.call(known=True).say("hello", "greet").text.startswith("Sure thing! ")
    assert shop.manager.state("c").said.startswith("Sure thing! ")
