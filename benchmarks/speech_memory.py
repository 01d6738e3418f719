"""Whether memory grows as turns go by: replies spoken by eSpeak NG, and heard again by PocketSphinx.

    python -m benchmarks.speech_memory [--count N] [--seed S]

Each turn, a wording of the retail pack's replies with random facts is spoken, sent down an 8 kHz mu-law line, followed
by a `Listener` with Smart Turn and partial results, and what it takes for turns is transcribed. Resident memory is read
after a tenth of the turns (everything is loaded by then) and at the end.
"""

from __future__ import annotations

import argparse
import random
import time
from pathlib import Path

from agent.domain import Pack
from agent.hearing import model_for
from benchmarks.voice import fill, wordings
from modalities.audio import PHONE_RATE
from modalities.segmenter import Segmenter
from modalities.speech.base import listen
from modalities.speech.live import Listener
from modalities.speech.live_events import TurnComplete
from modalities.speech.live_turn import SmartTurn
from modalities.speech.pocketsphinx import PocketSphinx
from modalities.voice.espeak import ESpeak
from modalities.voice.telephone import frames

SILENCE = b"\xff" * 160 * 65  # 1.3 s of mu-law silence


def resident() -> float:
    """Resident memory of this process in MB (Linux)."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


def main() -> None:
    """Run the turns and print what memory did."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speech_memory", description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=2000, help="turns spoken, and heard")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    chance, texts = random.Random(options.seed), wordings()
    voice, segmenter = ESpeak("en-us+f2", speed=220), Segmenter()
    engine = PocketSphinx(model_for(Pack.load("retail")), streams=1)
    line = Listener(PHONE_RATE, codec="mulaw", turns=SmartTurn(), engine=engine)
    readings, heard, words, started = [], 0, 0, time.process_time()
    for turn in range(1, options.count + 1):
        text = min((fill(chance.choice(texts), chance) for _ in range(3)), key=len)
        events = [event for frame in frames(voice.stream(text)) for event in line.feed(frame)]
        events += [*line.feed(SILENCE), *line.finish()]
        sounds = [event.audio for event in events if isinstance(event, TurnComplete)]
        heard += len(sounds)
        words += sum(len(transcript.text.split()) for transcript in listen(engine, segmenter, sounds))
        if turn % max(1, options.count // 10) == 0:
            readings.append(resident())
            print(f"after {turn} turns: {readings[-1]:.1f} MB", flush=True)
    spent = time.process_time() - started
    print(f"{options.count} replies spoken, {heard} turns of them heard, {words} words, seed {options.seed}")
    print(f"growth from a tenth to the end: {readings[-1] - readings[0]:.1f} MB; {spent:.0f} s of CPU time")


if __name__ == "__main__":
    main()
