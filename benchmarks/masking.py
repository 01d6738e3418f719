"""How much that is personal is masked in text and silent in the sound, and how much else is: made turns.

    python -m benchmarks.masking [--typed N] [--spoken N] [--seed S] [--misses]        (apt install flite)

Each turn (`benchmarks.planted`) has one item planted. Typed turns are given as text. Spoken ones are said by Flite's
four voices, half of them through an 8 kHz mu-law line, the item by itself so that its place in the sound is known, and
heard by the embedded stack; what the agent asked before is given. The understanding, the masks and the silences are
those of `demos.batch`.

An item counts as masked in text when none of its letters and figures is left (typed), or none of the words heard while
it was said (spoken); as silent when 95% of its sound is. Other words are those outside items, in these turns and in
turns with nothing planted.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from agent import Turn, build
from agent.agent import Agent
from agent.masking import Mask, Masker, doubtful
from agent.types import Understanding
from benchmarks.planted import PLAIN, Planted, turns
from benchmarks.quiet import over_telephone
from demos.batches.silence import quiets
from demos.batches.stretches import Stretch
from demos.customer import FLITE_VOICES, speak
from modalities.audio import resample
from modalities.types import Audio, Word

RATE, AUDIBLE, SILENT = 16_000, 0.01, 0.95
EDGE = 0.15  # seconds at an item's ends in which a word is not taken for the item's
NEAR = 0.03  # seconds by which another word may reach into an item: recognisers tell times that well


@dataclass
class Tally:
    """What was counted of one way to give turns."""

    items: int = 0
    masked: int = 0
    silent: int = 0
    others: int = 0
    touched: int = 0
    sound: float = 0.0
    silenced: float = 0.0

    def text(self) -> str:
        """What became of the words."""
        items = f"{self.masked / self.items:.1%} of {self.items} items masked in text, " if self.items else ""
        return f"{items}{self.touched / max(1, self.others):.2%} of {self.others} other words touched"

    def sounds(self) -> str:
        """What became of the sound."""
        items = f"{self.silent / self.items:.1%} of items silent, " if self.items else ""
        return f"{items}{self.silenced / max(1e-9, self.sound):.2%} of {self.sound:.0f} s of other sound silenced"


@dataclass(frozen=True)
class Spoken:
    """A turn's sound, and where in it the item is, in seconds."""

    audio: Audio
    start: float
    end: float


def main() -> None:
    """Prints the figures, and on request what was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.masking", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--typed", type=int, default=700)
    parser.add_argument("--spoken", type=int, default=300)
    parser.add_argument("--plain", type=int, default=64, help="spoken turns with nothing planted")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--misses", action="store_true", help="print the items that were missed, and what was too much")
    options = parser.parse_args()
    agent = build(stack="embedded", domain="retail", store_url="sqlite://")
    masker = Masker(agent.parts.pack.entities)
    print(f"synthetic; {options.typed} typed and {options.spoken} spoken items, seed {options.seed}")
    typed(agent, masker, turns(options.typed, options.seed), options.misses)
    if options.spoken:
        spoken(agent, masker, turns(options.spoken, options.seed + 1), options.misses)
    plain(agent, masker, options.plain)


def typed(agent: Agent, masker: Masker, planted: Sequence[Planted], misses: bool) -> None:
    """The turns as text."""
    tally, missed = Tally(), Counter[str]()
    for one, found in zip(planted, agent.understand([Turn(text=one.text) for one in planted]), strict=True):
        masks = masker.masks(found.text, found.entities, one.question)
        start, end = one.start, one.start + len(one.item)
        left = _left(found.text, start, end, masks)
        tally.items, tally.masked = tally.items + 1, tally.masked + (not left)
        missed[one.kind] += bool(left)
        _count_words(tally, found.text, masks, (start, end))
        if misses and left:
            print(f"  missed {one.kind}: {one.text!r} <- {one.question!r}")
    for found in agent.understand([Turn(text=text) for text in PLAIN]):
        _count_words(tally, found.text, masker.masks(found.text, found.entities), (0, 0))
    print(f"typed: {tally.text()}; missed {_counted(missed)}")


def spoken(agent: Agent, masker: Masker, planted: Sequence[Planted], misses: bool) -> None:
    """The turns as sound."""
    tally, missed, loud = Tally(), Counter[str](), Counter[str]()
    for one, said, found in hearings(agent, planted):
        masks = masker.masks(found.text, found.entities, one.question, _unsure(found))
        left = [w for w, span in _words(found) if _inside(w, said) and not _touched(masks, *span)]
        silent = _hush(tally, said, found, masks)
        tally.items, tally.masked = tally.items + 1, tally.masked + (not left)
        tally.silent += silent >= SILENT
        missed[one.kind] += bool(left)
        loud[one.kind] += silent < SILENT
        for word, span in _words(found):
            if word.end < said.start + NEAR or word.start > said.end - NEAR:
                tally.others += 1
                tally.touched += _touched(masks, *span)
        if misses and (left or silent < SILENT):
            print(f"  missed {one.kind}: {one.text!r}, {silent:.0%} silent, heard {found.text!r}")
    print(f"spoken: {tally.text()}, {tally.sounds()}; in text {_counted(missed)}; in sound {_counted(loud)}")


def plain(agent: Agent, masker: Masker, count: int) -> None:
    """Spoken turns with nothing planted."""
    tally = Tally()
    for number in range(count):
        one = Planted("", PLAIN[number % len(PLAIN)], "", "", "", "")
        voice = FLITE_VOICES[number // len(PLAIN) % len(FLITE_VOICES)]
        said = voiced(one, voice, telephone=number % 2 == 1)
        found = agent.understand([Turn(audio=said.audio, channel="voice")])[0]
        masks = masker.masks(found.text, found.entities, "", _unsure(found))
        _hush(tally, Spoken(said.audio, 0.0, 0.0), found, masks)
        _count_words(tally, found.text, masks, (0, 0))
    print(f"{count} spoken turns with nothing planted: {tally.text()}, {tally.sounds()}")


def hearings(agent: Agent, planted: Sequence[Planted]) -> Iterator[tuple[Planted, Spoken, Understanding]]:
    """Each turn said and heard."""
    for number, one in enumerate(planted):
        said = voiced(one, FLITE_VOICES[number % len(FLITE_VOICES)], telephone=number % 8 >= 4)
        yield one, said, agent.understand([Turn(audio=said.audio, channel="voice")])[0]


def voiced(one: Planted, voice: str, *, telephone: bool) -> Spoken:
    """A turn said in three breaths, so that where the item begins and ends is known."""
    gap = np.zeros(round(0.06 * RATE), np.float32)
    parts = [_said(one.before, voice), _said(one.said, voice), _said(one.after, voice)]
    edge = np.zeros(round(0.4 * RATE), np.float32)
    start = len(edge) + len(parts[0]) + len(gap)
    audio = Audio(np.concatenate([edge, parts[0], gap, parts[1], gap, parts[2], edge]), RATE)
    if telephone:
        audio = resample(over_telephone(audio), RATE)
    return Spoken(audio, start / RATE, (start + len(parts[1])) / RATE)


def _said(words: str, voice: str) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Words without the silence around them."""
    if not any(map(str.isalnum, words)):
        return np.zeros(0, np.float32)
    samples = resample(speak(words, voice), RATE).samples
    loud = np.flatnonzero(np.abs(samples) > AUDIBLE)
    return np.asarray(samples[loud[0] : loud[-1] + 1] if len(loud) else samples[:0])


def _hush(tally: Tally, said: Spoken, found: Understanding, masks: Sequence[Mask]) -> float:
    """The share of the item's sound that is silent; counts the other sound, and what of it is."""
    quiet = np.zeros(len(said.audio.samples), bool)
    if found.transcript is not None:
        turn = Stretch(0.0, said.audio.seconds, "customer", None)
        for one in quiets(turn, said.audio.seconds, found.transcript, masks):
            quiet[round(one.start * RATE) : round(one.end * RATE)] = True
    sounding = np.abs(said.audio.samples) > AUDIBLE
    item = np.zeros_like(quiet)
    item[round(said.start * RATE) : round(said.end * RATE)] = True
    tally.sound += float((sounding & ~item).sum()) / RATE
    tally.silenced += float((sounding & ~item & quiet).sum()) / RATE
    return float((sounding & item & quiet).sum() / max(1, (sounding & item).sum()))


def _words(found: Understanding) -> Iterator[tuple[Word, tuple[int, int]]]:
    at = 0
    for word in found.transcript.words if found.transcript else ():
        start = found.text.find(word.text, at)
        at = start + len(word.text)
        yield word, (start, at)


def _unsure(found: Understanding) -> list[tuple[int, int]]:
    return doubtful(found.transcript) if found.transcript is not None else []


def _inside(word: Word, said: Spoken) -> bool:
    middle = (word.start + word.end) / 2
    return said.start + EDGE <= middle <= said.end - EDGE


def _touched(masks: Sequence[Mask], start: int, end: int) -> bool:
    return any(mask.start < end and start < mask.end for mask in masks)


def _left(text: str, start: int, end: int, masks: Sequence[Mask]) -> list[str]:
    return [c for i, c in enumerate(text[start:end], start) if c.isalnum() and not _touched(masks, i, i + 1)]


def _count_words(tally: Tally, text: str, masks: Sequence[Mask], item: tuple[int, int]) -> None:
    at = 0
    for word in text.split():
        start = text.index(word, at)
        at = start + len(word)
        if any(map(str.isalnum, word)) and not (start < item[1] and item[0] < at):
            tally.others += 1
            tally.touched += _touched(masks, start, at)


def _counted(missed: Counter[str]) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in missed.most_common() if count) or "none"


if __name__ == "__main__":
    main()
