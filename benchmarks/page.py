"""The page as its visitors meet it: weight, waits, many at once.

    python -m benchmarks.page [--turns N] [--calls N] [--people N] [--each N] [--only weight,press,call,people]

The server is `demos.web` in a process of its own with a made-up shop, the embedded stack, on this machine alone. Its
customers are Flite's voices (Debian: flite) saying sentences written for this; the browser is Debian's Chromium with
the recording as its microphone. `people` talk over the page's own connection, without a browser each, at the pace of
speech, and listen to the whole answer before they go on; alone means one of them.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import shutil
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks import page_people, page_tab
from benchmarks.page_server import serving
from demos import customer
from modalities.audio import resample
from modalities.types import Audio

SENTENCES = (
    "Hello, could you please tell me where the order is that I placed last week",
    "I would like to send back the jacket I bought because it is too small for me",
    "My parcel arrived this morning and the mug inside of it is broken in two pieces",
    "Can you tell me how many days I have to return something that I do not like",
    "I want to change the delivery address of my order before it is sent to me",
    "Please cancel my last order, I found the same thing for less somewhere else",
    "I was charged twice for the same order and I would like to have my money back",
    "Do you have the rain jacket in blue and in a larger size than medium right now",
)
VOICES = ("slt", "rms", "awb", "kal")
RATE, SEED = 16_000, 8


def main() -> None:
    """Prints every figure asked for."""
    options = _parser().parse_args()
    if shutil.which("flite") is None or shutil.which("chromium") is None:
        raise SystemExit("needs flite and chromium (apt-get install flite chromium)")
    wanted = options.only.split(",")
    said = list(itertools.islice(_spoken(), max(options.turns, options.calls, options.people)))
    spread = f"{min(s.seconds for s in said):.1f} to {max(s.seconds for s in said):.1f} s"
    load = os.getloadavg()[0]
    print(f"{len(os.sched_getaffinity(0))} CPU cores, load {load:.1f} before; spoken turns of {spread}, Flite's voices")
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as address:
        if {"weight", "press", "call"} & set(wanted):
            _in_browser(address, Path(folder) / "microphone.wav", said, wanted, options)
        if "people" in wanted:
            _people(address, said, options)


def _spoken() -> Iterator[Audio]:
    """What customers say: every sentence in every voice, over and over."""
    for voice, words in itertools.cycle([(v, s) for s in SENTENCES for v in VOICES]):
        yield resample(customer.speak(words, voice), RATE)


def _in_browser(
    address: str, microphone: Path, said: Sequence[Audio], wanted: Sequence[str], options: argparse.Namespace
) -> None:
    with page_tab.chromium(microphone) as browser:
        tab, load = page_tab.opened(browser, address)
        if "weight" in wanted:
            print(f"page: {load.requests} requests, {load.megabytes:.2f} MB, to anywhere else: {list(load.outside)}")
        if "press" in wanted:
            page_tab.press(tab, microphone, said[0])  # warms the browser up
            waits = [page_tab.press(tab, microphone, one) for one in said[: options.turns]]
            print(f"press release to reply text: {_told([wait.text for wait in waits])}")
            print(f"press release to first audio: {_told([wait.sound for wait in waits])}")
        if "call" in wanted:
            found = page_tab.call(tab, microphone, said[: options.calls])
            heard = [wait for wait in found if wait is not None]
            print(f"hands free, end of speech to first audio: {_told(heard)}; unanswered {options.calls - len(heard)}")


def _people(address: str, said: Sequence[Audio], options: argparse.Namespace) -> None:
    def turns(person: int) -> list[Audio]:
        return [said[(person + 3 * turn) % len(said)] for turn in range(options.each)]

    def run(people: int, more: int = 1) -> list[page_people.Person]:
        lists = [turns(person) * more for person in range(people)]
        return asyncio.run(page_people.crowd(address, lists, SEED))

    alone, many = run(1, 2), run(options.people)
    before, after = ([w for p in group for w in p.waits] for group in (alone, many))
    print(f"alone, release to first sound: {_told(before)}")
    ratio = _late(after) / _late(before)
    print(f"{options.people} at once: {_told(after)}; p95 {ratio:.2f} times alone")
    failed = sum(person.failed for person in many)
    mixed = sum(person.lines != person.kept for person in many)
    print(f"turns without an answer: {failed}; conversations with a line not their own, or one missing: {mixed}")


def _told(seconds: Sequence[float]) -> str:
    if not seconds:
        return "none"
    return f"median {statistics.median(seconds):.2f} s, 95th percentile {_late(seconds):.2f} s of {len(seconds)}"


def _late(seconds: Sequence[float]) -> float:
    return sorted(seconds)[min(len(seconds) - 1, int(0.95 * len(seconds)))]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=(__doc__ or "").split("\n", 1)[0])
    add = parser.add_argument
    add("--turns", type=int, default=30, help="turns spoken by the pressed button (30)")
    add("--calls", type=int, default=10, help="turns spoken in a hands-free call (10)")
    add("--people", type=int, default=8, help="people at once (8)")
    add("--each", type=int, default=6, help="turns of each of them (6)")
    add("--only", default="weight,press,call,people", help="which of weight, press, call, people (all)")
    return parser


if __name__ == "__main__":
    main()
