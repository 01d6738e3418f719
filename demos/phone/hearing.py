"""Hearing in processes of its own. PocketSphinx holds Python's lock while it decodes, for a third of a second a turn:
in the server's process every call's sound would stand still meanwhile.
"""

from __future__ import annotations

import queue
import signal
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from agent.config import Settings
from agent.errors import CallsightError
from modalities.audio import PHONE_RATE, resample
from modalities.types import Audio, Transcript

Hear = Callable[[Audio], Transcript]
LONGEST = 60.0
"""Seconds after which a process that does not answer is ended."""
START = 300.0
"""Seconds that loading the models may take at the start: five on an idle machine, and a minute on one far too busy."""


class Hearers:
    """Processes that hear one recording each at a time. Safe to use from several threads.

    Args:
        make: makes what hears, once in each process; it must be picklable.
        count: of processes.
        longest: seconds after which one that does not answer is ended.
    """

    def __init__(self, make: Callable[[], Hear], count: int, longest: float = LONGEST) -> None:
        self._make, self._longest, self.count = make, longest, count
        self._free: queue.Queue[_Child] = queue.Queue()
        for _ in range(count):
            self._free.put(_Child(make))

    def hear(self, audio: Audio) -> Transcript:
        """What was said, by the next process that is free; one that died is begun anew.

        Raises:
            CallsightError: the process died, did not answer, or could not hear this; the next call may succeed.
        """
        child = self._free.get()
        try:
            answer = child.ask(audio, self._longest)
        except (EOFError, OSError) as error:
            child.stop()
            child = _Child(self._make)
            raise CallsightError("a process that hears ended or did not answer; another one was begun") from error
        finally:
            self._free.put(child)
        if isinstance(answer, Transcript):
            return answer
        raise CallsightError(f"a recording could not be heard: {answer}")

    def wait(self) -> None:
        """Come back once all are ready; for those that nobody else uses yet."""
        children = [self._free.get() for _ in range(self.count)]
        try:
            for child in children:
                child.wait(START)
        finally:
            for child in children:
                self._free.put(child)

    def close(self) -> None:
        """End the processes; whoever waits for one is told that it ended."""
        for _ in range(self.count):
            try:
                self._free.get(timeout=self._longest).stop()
            except queue.Empty:  # it still hears: it ends once this process does
                return


class _Child:
    def __init__(self, make: Callable[[], Hear]) -> None:
        context = get_context("spawn")  # a fork would copy locks that other threads hold
        ours, theirs = context.Pipe()
        self._line, self._ready = ours, False
        self._process = context.Process(target=_serve, args=(theirs, make), name="phone-hearing", daemon=True)
        self._process.start()
        theirs.close()  # so that the line ends when the process does

    def ask(self, audio: Audio, seconds: float) -> object:
        """Its answer: a transcript, or the name of what was wrong."""
        self.wait(seconds)
        self._line.send(audio)
        return self._receive(seconds)

    def wait(self, seconds: float) -> None:
        """Come back once it is ready."""
        if not self._ready:
            self._receive(seconds)
            self._ready = True

    def _receive(self, seconds: float) -> object:
        if not self._line.poll(seconds):
            raise TimeoutError("no answer")
        return self._line.recv()

    def stop(self) -> None:
        """End it, whatever it does."""
        self._line.close()
        self._process.join(0.5)
        if self._process.is_alive():
            self._process.kill()
        self._process.join()
        self._process.close()


def _serve(line: Connection, make: Callable[[], Hear]) -> None:
    """What a process does until the other end of its line is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches it too, and calls are to end first
    hear = make()
    try:
        line.send("ready")
        while True:
            audio = line.recv()
            try:
                answer: object = hear(audio)
            except Exception as error:  # noqa: BLE001 - told to whoever asked
                answer = type(error).__name__
            line.send(answer)
    except (EOFError, OSError):
        return


def hearing(settings: Settings, pack: Path) -> Hear:
    """What hears in a process: the stack's speech engine, with the pack's vocabulary."""
    import torch

    from agent.domain import Pack
    from agent.parts import Parts
    from modalities.speech.base import listen

    torch.set_num_threads(settings.threads)
    parts = Parts(settings, Pack.load(pack))
    engine, segmenter = parts.speech, parts.segmenter
    hiss = np.random.default_rng(0).standard_normal(PHONE_RATE).astype(np.float32)
    engine.transcribe([resample(Audio(0.05 * hiss, PHONE_RATE), engine.capabilities.rate)])  # loads the lines' model
    return lambda audio: listen(engine, segmenter, [audio])[0]
