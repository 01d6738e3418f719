"""What the phones are learnt from: recordings of people and of synthetic voices, as they are, over telephone lines, in
noise, and quicker or slower.

Under DIR: `speech/an4`, `speech/spoken_digits`, `speech/phone_prompts`, `noise/background`, and sentences of
`text/clinc150.json` and `text/slurp`, which eSpeak NG's many speakers say. Nothing of a pack, and none of the voices
that the benchmarks speak with.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np

from modalities.audio import load, resample
from modalities.speech.language_model import known_words, tidy
from modalities.speech.spoken import say, say_code, say_date, say_money, say_phone
from modalities.types import Audio, FloatArray
from training.acoustic import NOISES, read_an4
from training.acoustic_features import in_noise, over_telephone

LONGEST = 7.4
"""Seconds of a recording: what the encoder sees at once."""
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SPEEDS = (0.85, 0.9, 0.95, 1.05, 1.1, 1.15)
ACCENTS = (*["en-us"] * 6, "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-us-nyc")
ODD = ("whisper", "robo", "Robo", "Robot", "croak", "fast", "iven", "Demonic")
"""Of eSpeak NG's speakers, those that sound like nobody."""


@dataclass(frozen=True, eq=False)
class Spoken:
    """A recording and its words; `letters` says that a lone "a" is the letter."""

    audio: Audio
    text: str
    letters: bool = False


class Corpus:
    """Recordings by source, each under its conditions, drawn by one seed."""

    def __init__(self, data: Path, seed: int) -> None:
        self._data, self._chance, self._random = data, Random(seed), np.random.default_rng(seed)
        folder = data / "noise" / "background"
        self._noises: dict[str, FloatArray] = {
            name: resample(load(folder / f"{name}.flac"), 16_000).samples for name in NOISES
        }

    def people(self, without: int, seed: int) -> Iterator[Spoken]:
        """AN4, save as many speakers, in six conditions: spelled words, numbers, commands."""
        for one in read_an4(self._data, without, seed):
            audio = one.audio
            for sound in (
                audio, self._quicker(audio), over_telephone(audio), over_telephone(self._quicker(audio)),
                self._noisy(self._quicker(audio)), over_telephone(self._noisy(self._quicker(audio))),
            ):  # fmt: skip
                yield Spoken(sound, one.text, letters=True)

    def digits(self, count: int, without: Sequence[str]) -> Iterator[Spoken]:
        """As many strings of two to eight digits of each speaker of the Free Spoken Digit Dataset, over a line."""
        takes: defaultdict[str, defaultdict[int, list[FloatArray]]] = defaultdict(lambda: defaultdict(list))
        for path in sorted((self._data / "speech" / "spoken_digits").rglob("*_*_*.flac")):
            name, speaker, _ = path.stem.split("_")
            takes[speaker][int(name)].append(resample(load(path), 8_000).samples)
        for speaker in sorted(takes.keys() - set(without)):
            for _ in range(count):
                said = [self._chance.randrange(10) for _ in range(self._chance.randint(2, 8))]
                parts = [self._pause(0.05, 0.5)]
                for digit in said:
                    parts += [self._chance.choice(takes[speaker][digit]), self._pause(0.02, 0.3)]
                sound = np.concatenate([*parts, self._pause(0.05, 0.4)])
                hiss = 10 ** (self._chance.uniform(-75, -40) / 20) * self._random.standard_normal(len(sound))
                audio = Audio((sound + hiss).astype(np.float32), 8_000)
                audio = self._sometimes(0.3, self._noisy, self._sometimes(0.5, self._quicker, audio))
                yield Spoken(over_telephone(audio), " ".join(DIGITS[digit] for digit in said))

    def prompts(self) -> Iterator[Spoken]:
        """Asterisk's prompts, one voice: over a line as they are, and quicker or slower and mostly in noise."""
        folder = self._data / "speech" / "phone_prompts"
        with (folder / "manifest.tsv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file, delimiter="\t"))
        for row in rows:
            words = tidy(say(row["text"], self._chance))
            if not words or not known_words().issuperset(words) or not 0.25 <= float(row["seconds"]) <= LONGEST:
                continue
            audio = load(folder / row["path"])
            yield Spoken(over_telephone(audio), " ".join(words))
            yield Spoken(over_telephone(self._sometimes(0.6, self._noisy, self._quicker(audio))), " ".join(words))

    def synthetic(self, count: int) -> Iterator[Spoken]:
        """Sentences, codes, spelled words, telephone numbers, sums and days by eSpeak NG's speakers; half over a
        line, two fifths in noise.
        """
        from modalities.voice.espeak import engine

        espeak, texts = engine(), self._sentences()
        speakers = [name for name in espeak.variants() if not name.startswith(ODD)]
        accents = [accent for accent in ACCENTS if accent in espeak.voices()]
        made = 0
        while made < count:
            words = tidy(self._wording(texts))
            if not words or not all(word in known_words() for word in words):
                continue
            voice = f"{self._chance.choice(accents)}+{self._chance.choice(speakers)}"
            written = " ".join(word.upper() if len(word) == 1 and word not in "ai" else word for word in words)
            sound = espeak.synthesize(written, voice, self._chance.randint(120, 210))
            lead = np.zeros(int(espeak.rate * self._chance.uniform(0, 0.3)), np.float32)
            audio = resample(Audio(np.concatenate([lead, sound]), espeak.rate), 16_000)
            if not 0.4 < audio.seconds < LONGEST:
                continue
            made += 1
            audio = self._sometimes(0.5, over_telephone, self._sometimes(0.4, self._noisy, audio))
            yield Spoken(audio, " ".join(words))

    def _sentences(self) -> list[str]:
        folder = self._data / "text"
        texts = [text for text, _ in json.loads((folder / "clinc150.json").read_text(encoding="utf-8"))["train"]]
        with (folder / "slurp" / "devel.jsonl").open(encoding="utf-8") as file:
            texts += [json.loads(line)["sentence"] for line in file]
        return [text for text in texts if 2 <= len(text.split()) <= 14]

    def _wording(self, texts: Sequence[str]) -> str:
        """Something to say: mostly a sentence, else what callers spell and count out."""
        chance, letters = self._chance, "abcdefghijklmnopqrstuvwxyz"
        kind = chance.random()
        if kind < 0.6:
            return say(chance.choice(texts), chance)
        if kind < 0.8:
            code = "".join(chance.choices(letters, k=chance.randint(1, 3)))
            code += "".join(chance.choices("0123456789", k=chance.randint(3, 7)))
            before = chance.choice(("", "my order is ", "it is ", "the number is ", "yes ", "order "))
            return before + say_code(code, chance)
        if kind < 0.88:
            return " ".join(chance.choices(letters, k=chance.randint(2, 7)))
        if kind < 0.94:
            groups = chance.randrange(200, 999), chance.randrange(1000), chance.randrange(10_000)
            return say_phone("{:03d}-{:03d}-{:04d}".format(*groups), chance)
        if kind < 0.97:
            return say_money(f"${chance.randrange(500)}.{chance.randrange(100):02d}", chance)
        day = chance.randrange(15, 30), chance.randrange(1, 13), chance.randrange(1, 29)
        return say_date("20{:02d}-{:02d}-{:02d}".format(*day), chance)

    def _pause(self, least: float, most: float) -> FloatArray:
        return np.zeros(int(self._chance.uniform(least, most) * 8_000), np.float32)

    def _sometimes(self, share: float, change: Callable[[Audio], Audio], audio: Audio) -> Audio:
        return change(audio) if self._chance.random() < share else audio

    def _noisy(self, audio: Audio) -> Audio:
        return in_noise(audio, self._noises, self._random)

    def _quicker(self, audio: Audio) -> Audio:
        """Quicker and higher, or slower and lower."""
        factor = self._chance.choice(SPEEDS)
        places = np.arange(int(len(audio.samples) / factor)) * factor
        return Audio(np.interp(places, np.arange(len(audio.samples)), audio.samples).astype(np.float32), audio.rate)
