"""What the voice tells beside the words: calm real voices, made moods, and what it costs.

    python -m benchmarks.prosody [--data DIR] [--seed S]

Moods are synthetic: eSpeak NG saying the same sentences plainly, raised (higher, livelier, louder, quicker) and low
(the reverse). They prove that pitch, pace and loudness are measured, not that people's feelings are told: no labelled
emotional speech is at hand. With --data, CMU AN4's real people reading out are what a calm voice is: how far they
vary is what `modalities.prosody.SPREAD` holds, and how often they pass for aroused is the false alarm.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from modalities.audio import resample
from modalities.prosody import RAISED, Manner, Prosody, arousal, manner_of
from modalities.types import Audio
from modalities.voice.espeak import engine
from training.recordings import over_telephone

SENTENCES = (
    "i have been waiting for three weeks now and nobody called me back",
    "can you tell me where my order is please",
    "the jacket you sent me has a hole in the sleeve",
    "i would like to change the address of my delivery",
    "this is the second time that i am calling about it",
    "i want my money back for the shoes",
    "my name is on the receipt that i sent to you",
    "it was supposed to be here last tuesday",
)
VOICES = ("en-us", "en-us+f2", "en-us+m3", "en-gb", "en-gb+f4", "en-gb+m7")
BEFORE = 3
"""Utterances of a person heard before one is compared with them."""

LEAST_SECONDS = 1.5
"""Shorter recordings of AN4 are single words, which have no manner to speak of."""

_PITCH, _RANGE, _VOLUME = 3, 4, 2  # espeak_PARAMETER of speak_lib.h
_PLAIN = {_PITCH: 50, _RANGE: 50, _VOLUME: 100}


@dataclass(frozen=True)
class Mood:
    """How eSpeak says something: words a minute; pitch, range and volume, which are 50, 50 and 100 when plain."""

    speed: int
    pitch: int
    range: int
    volume: int


MOODS = {
    "plain": Mood(150, 50, 50, 100),
    "raised": Mood(195, 68, 80, 150),
    "low": Mood(120, 42, 25, 60),
}


def say(text: str, voice: str, mood: Mood) -> Audio:
    """The text in a made mood; the engine is left as it was found."""
    wanted = {_PITCH: mood.pitch, _RANGE: mood.range, _VOLUME: mood.volume}
    one = engine()
    try:
        for parameter, value in wanted.items():
            one._library.espeak_SetParameter(parameter, value, 0)
        return resample(Audio(one.synthesize(text, voice, mood.speed), one.rate), 16_000)
    finally:
        for parameter, value in _PLAIN.items():
            one._library.espeak_SetParameter(parameter, value, 0)


def made(seed: int) -> Iterator[tuple[str, str, Audio]]:
    """(voice, mood, sound) of every sentence in every voice and mood, each mood a little different every time."""
    rng = np.random.default_rng(seed)
    for voice in VOICES:
        for sentence in SENTENCES:
            for name, mood in MOODS.items():
                values = (round(getattr(mood, f.name) * rng.uniform(0.93, 1.07)) for f in fields(mood))
                yield voice, name, say(sentence, voice, Mood(*values))


def against_plain(sounds: Sequence[tuple[str, str, Audio]]) -> dict[str, list[float]]:
    """Arousal of each utterance against the plain ones of its voice (itself left out), by mood."""
    heard = [(voice, mood, manner_of(audio)) for voice, mood, audio in sounds]
    found: dict[str, list[float]] = defaultdict(list)
    for i, (voice, mood, now) in enumerate(heard):
        usual = [m for j, (v, name, m) in enumerate(heard) if m and v == voice and name == "plain" and j != i]
        if now is not None:
            found[mood].append(arousal(now, usual))
    return found


def told_apart(sounds: Sequence[tuple[str, str, Audio]], seed: int) -> float:
    """Share of moods that logistic regression on the mean vectors of `Prosody` tells in voices it never heard."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    prosody = Prosody()
    vectors = np.stack([prosody.encode(audio).vectors.mean(axis=0) for _, _, audio in sounds])
    moods, voices = np.array([mood for _, mood, _ in sounds]), [voice for voice, _, _ in sounds]
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=500, random_state=seed))
    return float((cross_val_predict(model, vectors, moods, groups=voices, cv=LeaveOneGroupOut()) == moods).mean())


def calm(data: Path) -> dict[str, list[Manner]]:
    """How the people of AN4 read out, by speaker, in the order of the manifest."""
    folder = data / "speech" / "an4"
    found: dict[str, list[Manner]] = defaultdict(list)
    with (folder / "manifest.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if float(row["seconds"]) >= LEAST_SECONDS:
                manner = manner_of(Audio.open(folder / row["path"]))
                if manner is not None:
                    found[row["speaker"]].append(manner)
    return found


def spread(people: dict[str, list[Manner]]) -> dict[str, float]:
    """Standard deviation of each property around its speaker's median, speakers of five utterances and more."""
    several = [manners for manners in people.values() if len(manners) >= 5]
    return {
        f.name: float(
            np.concatenate(
                [np.array(v) - np.median(v) for v in ([getattr(m, f.name) for m in manners] for manners in several)]
            ).std()
        )
        for f in fields(Manner)
    }


def false_alarms(people: dict[str, list[Manner]]) -> list[float]:
    """Arousal of every calm utterance against all earlier ones of its speaker, once `BEFORE` were heard."""
    return [arousal(v[i], v[:i]) for v in people.values() for i in range(BEFORE, len(v))]


def _shares(values: Sequence[float]) -> str:
    found = np.array(values)
    return f"mean arousal {found.mean():.2f}; above 0: {(found > 0).mean():.1%}, above 0.5: {(found > 0.5).mean():.1%}"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prosody", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with speech/an4")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args(arguments)
    sounds = list(made(options.seed))
    began = time.process_time()
    for _, _, audio in sounds:
        Prosody().encode(audio)
    cost = (time.process_time() - began) / sum(audio.seconds for _, _, audio in sounds)
    print(f"{len(sounds)} synthetic utterances in {len(VOICES)} voices, seed {options.seed}")
    print(f"encoding 5 s of speech: {5_000 * cost:.1f} ms of one thread; compared with: {', '.join(RAISED)}")
    lines = [(voice, mood, over_telephone(audio)) for voice, mood, audio in sounds]
    for name, played in (("studio", sounds), ("8 kHz mu-law", lines)):
        print(f"{name}: synthetic moods in unheard voices {told_apart(played, options.seed):.1%} (chance 33.3%)")
        for mood, values in against_plain(played).items():
            print(f"  {mood:8} {_shares(values)}")
    if options.data is not None:
        people = calm(options.data)
        alarms = false_alarms(people)
        print(f"AN4, {len(people)} real people reading out, {len(alarms)} utterances after {BEFORE} of the same person")
        print(f"  calm     {_shares(alarms)}")
        print("  spread   " + ", ".join(f"{name} {value:.2f}" for name, value in spread(people).items()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
