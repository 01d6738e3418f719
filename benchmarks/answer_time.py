"""What an answer on the telephone costs: the wait for the end of a turn, and the computing until the first sound.

    python -m benchmarks.answer_time --data DIR [--turns N] [--seed S]

Recordings of AN4 (`speech/an4` under DIR) through an 8 kHz mu-law line, in frames of 20 ms, as the telephone handles
them: a `Listener`, understanding that begins in the pause, the dialogue, the first sentence spoken. Times of the stream
are samples; computing is CPU time of this process on one core, so that what else runs on the machine hardly counts.
Their sum is when the first sound leaves on a machine with a free core: a model of `benchmarks.calls`, no measurement.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from agent import Turn, build
from agent.agent import Agent
from benchmarks.call_sounds import figures
from benchmarks.carrier import RATE
from benchmarks.carrier_server import seed
from benchmarks.endpoint import Played, turns
from demos.phone.listening import AHEAD, ROOM
from modalities.audio import decode_mulaw, encode_mulaw, resample
from modalities.speech.live import Listener, State
from modalities.speech.live_events import TurnComplete
from modalities.speech.live_turn import SmartTurn
from modalities.types import Audio
from modalities.voice.base import breaths

FRAME = RATE // 50
Got = TypeVar("Got")


@dataclass(frozen=True)
class Cost:
    """One turn, seconds: from the end of speech to the turn's end; computing of each part; the end of understanding
    that began in the pause, from the end of speech.
    """

    waited: float
    understand: float
    answer: float
    speak: float
    ahead: float

    @property
    def plain(self) -> float:
        """From the end of speech to the first sound, where understanding begins at the turn's end."""
        return self.waited + self.understand + self.answer + self.speak

    @property
    def early(self) -> float:
        """The same, where it begins in the pause."""
        return max(self.waited, self.ahead) + self.answer + self.speak


def spent(work: Callable[[], Got]) -> tuple[Got, float]:
    """A result and the CPU seconds it took."""
    began = time.process_time()
    done = work()
    return done, time.process_time() - began


def cost(agent: Agent, played: Played, number: int, listener: Listener) -> Cost | None:
    """What one turn costs; None where it was not heard whole."""
    line = decode_mulaw(encode_mulaw(resample(played.audio, RATE)))
    begun: tuple[float, Audio] | None = None
    for at in range(0, len(line.samples), FRAME):
        events = listener.feed(Audio(line.samples[at : at + FRAME], RATE))
        now = (at + FRAME) / RATE
        done = next((event for event in events if isinstance(event, TurnComplete)), None)
        if done is not None:
            listener.finish()
            return _answered(agent, played, done, now, begun, number)
        pausing = listener.state is State.PAUSING and now - listener.ended / RATE >= AHEAD
        if not pausing:
            begun = None
        elif begun is None:
            begun = (now, listener.so_far())
    listener.finish()
    return None


def _answered(
    agent: Agent, played: Played, done: TurnComplete, now: float, begun: tuple[float, Audio] | None, number: int
) -> Cost | None:
    if done.at / RATE < played.end or agent.manager is None:
        return None
    room = begun[1].samples[: round(ROOM * RATE)][::-1] if begun else np.zeros(0, dtype=np.float32)
    sound = Audio(np.concatenate([begun[1].samples, room]), RATE) if begun else done.audio
    understood, understand = spent(lambda: agent.understand([Turn(audio=sound, channel="phone")])[0])
    manager = agent.manager
    reply, answer = spent(lambda: manager.turn(f"cost-{number}", understood, "phone"))
    first = next(iter(breaths(reply.text)), "")
    _, speak = spent(lambda: resample(agent.say(first), RATE))
    early = (begun[0] if begun else now) + understand - played.end
    return Cost(now - played.end, understand, answer, speak, early)


def report(costs: Sequence[Cost], whole: int) -> None:
    """Print what was found."""
    print(f"{len(costs)} of {whole} turns heard whole (the others were cut short or split)")
    print(f"  wait for the end of the turn: {figures([one.waited for one in costs])}")
    for name in ("understand", "answer", "speak"):
        print(f"  {name}, CPU time: {figures([getattr(one, name) for one in costs])}")
    print(f"  to the first sound, understanding from the turn's end: {figures([one.plain for one in costs])}")
    print(f"  to the first sound, understanding from the pause on: {figures([one.early for one in costs])}")


def main() -> None:
    """Measure and print."""
    about = (__doc__ or "").split("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.answer_time", description=about)
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data sets")
    parser.add_argument("--turns", type=int, default=100)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        shop = Path(folder) / "shop.sqlite"
        seed(shop, "retail")
        agent = build(store_url=f"sqlite:///{shop}")
        agent.warm(image=False)
        listener = Listener(RATE, turns=SmartTurn())
        played = list(turns(options.data, options.turns, options.seed))
        found = [cost(agent, one, number, listener) for number, one in enumerate(played)]
        print(
            f"AN4 over 8 kHz mu-law, embedded stack, seed {options.seed}; a model with a free core, not a measurement"
        )
        report([one for one in found if one is not None], len(played))
        agent.close()


if __name__ == "__main__":
    main()
