"""How well the embedded stack hears: real speakers, spoken commands, silence, speed.

    python -m benchmarks.speech an4 --data DIR        word error rate, speakers held out
    python -m benchmarks.speech commands              the retail pack's commands by Flite's voices (apt install flite)
    python -m benchmarks.speech silence --data DIR    words invented where nobody speaks
    python -m benchmarks.speech speed --data DIR      recordings heard, times real time

DIR holds `speech/an4/manifest.tsv` and `noise/background/` (docs/data.md tells where each set comes from).
"""

from __future__ import annotations

import argparse
import csv
import re
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np

from agent import Turn, build
from agent.domain import Pack
from agent.entities import Recognizers
from agent.errors import CallsightError
from agent.examples import Example
from agent.hearing import compile_pack, model_for
from benchmarks.quiet import over_telephone, quiet_sounds
from modalities.audio import load, resample
from modalities.segmenter import Segmenter
from modalities.speech.base import SpeechEngine, listen
from modalities.speech.language_model import compile_model
from modalities.speech.pocketsphinx import PocketSphinx
from modalities.speech.spoken import say
from modalities.types import Audio, FloatArray, Transcript

VOICES = ("slt", "rms", "awb", "kal16")
NOISES = ("doing_the_dishes", "exercise_bike", "pink_noise")  # of `noise/background`
NOISE_DB = 10


@dataclass(frozen=True)
class Recording:
    """A recording of an AN4 speaker and the words said."""

    audio: Audio
    speaker: str
    text: str


@dataclass(frozen=True)
class Command:
    """A held-out example as one voice says it."""

    example: Example
    spoken: str
    voice: str
    audio: Audio


def word_errors(reference: str, heard: str) -> int:
    """Words to insert, delete or replace to make one of the other (Levenshtein)."""
    wanted, row = heard.split(), list(range(len(heard.split()) + 1))
    for i, word in enumerate(reference.split(), 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(wanted, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (word != other))
    return row[-1]


def error_rate(references: Sequence[str], heard: Sequence[Transcript]) -> float:
    """Word error rate over all pairs."""
    errors = sum(word_errors(r, h.text) for r, h in zip(references, heard, strict=True))
    return errors / sum(len(r.split()) for r in references)


# -- an4 ---------------------------------------------------------------------------------------------------------


def read_an4(data: Path) -> list[Recording]:
    """All AN4 recordings of a data folder."""
    folder = data / "speech" / "an4"
    with (folder / "manifest.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [Recording(load(folder / row["path"]), row["speaker"], row["text"].lower()) for row in rows]


def an4(data: Path, seed: int, speakers: int) -> None:
    """Word error rate on speakers whose words the language model has not seen."""
    rows = read_an4(data)
    held = set(Random(seed).sample(sorted({row.speaker for row in rows}), speakers))
    test = [row for row in rows if row.speaker in held]
    with tempfile.TemporaryDirectory() as folder:
        compile_model([row.text for row in rows if row.speaker not in held], folder)
        engine, segmenter = PocketSphinx(folder), Segmenter()
        print(f"AN4: {len(test)} recordings of {len(held)} speakers (seed {seed}), language model of the others' text")
        rng, noises = np.random.default_rng(seed), list(read_noises(data))
        for line, sounds in (
            ("clean 16 kHz", [row.audio for row in test]),
            ("8 kHz mu-law", [over_telephone(row.audio) for row in test]),
            (f"noise at {NOISE_DB} dB", [with_noise(row.audio, noises, NOISE_DB, rng) for row in test]),
        ):
            started = time.perf_counter()
            heard = listen(engine, segmenter, sounds)
            pace = sum(sound.seconds for sound in sounds) / (time.perf_counter() - started)
            rate = error_rate([row.text for row in test], heard)
            words = sum(len(row.text.split()) for row in test)
            print(f"  {line}: word error rate {rate:.1%} over {words} words, {pace:.1f} x real time")


def read_noises(data: Path) -> Iterable[FloatArray]:
    """Recorded noises at 16 kHz that nothing was trained with."""
    for name in NOISES:
        yield resample(load(data / "noise" / "background" / f"{name}.flac"), 16_000).samples


def with_noise(audio: Audio, noises: Sequence[FloatArray], decibels: float, rng: np.random.Generator) -> Audio:
    """The sound in a random stretch of a random noise, so many decibels below the louder half of its 10 ms frames."""
    samples, noise = audio.samples, noises[int(rng.integers(len(noises)))]
    start = int(rng.integers(0, max(1, len(noise) - len(samples))))
    stretch = np.resize(noise[start:], len(samples))
    power = np.sort(np.square(samples[: len(samples) // 160 * 160]).reshape(-1, 160).mean(axis=1))
    wanted = power[-max(1, len(power) // 2) :].mean() / 10 ** (decibels / 10)
    scale = np.sqrt(wanted / max(float(np.square(stretch).mean()), 1e-12))
    return Audio((samples + stretch * scale).astype(np.float32), audio.rate)


# -- commands ----------------------------------------------------------------------------------------------------


def commands(count: int, seed: int) -> None:
    """Held-out commands of the retail pack, by voices the project does not use: words, order ids, intents."""
    pack = Pack.load("retail")
    rest, held = split_by_wording(pack.examples(), seed)
    chosen = choose(held, count, seed)
    said = list(render(chosen, seed))
    with_ids = sum(any(e[0] == "order_id" for e in c.example.entities) for c in said)
    print(
        f"{len(said)} commands ({with_ids} with an order id), voices {', '.join(VOICES)}, seed {seed}; their wordings"
    )
    print(f"are not among the {len(rest)} examples the language model was made of")
    with tempfile.TemporaryDirectory() as folder:
        engine = PocketSphinx(compile_pack(pack, Path(folder), rest))
    for line, sounds in (
        ("clean 16 kHz", [c.audio for c in said]),
        ("8 kHz mu-law", [over_telephone(c.audio) for c in said]),
    ):
        heard = listen(engine, Segmenter(), sounds)
        report_commands(line, pack, said, heard)
        report_understanding(said, sounds, engine)


def split_by_wording(examples: Iterable[Example], seed: int) -> tuple[list[Example], list[Example]]:
    """Nine tenths and one tenth, no wording (facts, case and punctuation aside) on both sides."""
    groups: dict[str, list[Example]] = {}
    for example in examples:
        groups.setdefault(wording(example), []).append(example)
    keys = sorted(groups)
    Random(seed).shuffle(keys)
    cut = len(keys) // 10
    return [e for k in keys[cut:] for e in groups[k]], [e for k in keys[:cut] for e in groups[k]]


def wording(example: Example) -> str:
    """An example without its facts, case and punctuation."""
    text = example.text
    for kind, start, end in reversed(example.entities):
        text = f"{text[:start]} {kind} {text[end:]}"
    return " ".join(re.findall(r"[a-z_']+", text.lower()))


def choose(held: Sequence[Example], count: int, seed: int) -> list[Example]:
    """Examples to say: correctly spelled, in scope, without a photo, two fifths with an order id."""
    from modalities.speech.language_model import known_words, tidy

    rng = Random(seed)
    spoken = [e for e in held if e.intents and e.text and not e.image]
    fit = [e for e in spoken if all(w in known_words() for w in tidy(say(e.text, rng)))]
    rng.shuffle(fit)
    ids = [e for e in fit if any(kind == "order_id" for kind, _, _ in e.entities)][: count * 2 // 5]
    others = [e for e in fit if not any(kind == "order_id" for kind, _, _ in e.entities)]
    return [*ids, *others[: count - len(ids)]]


def render(examples: Sequence[Example], seed: int) -> Iterable[Command]:
    """Each example, said by one voice after the other."""
    rng = Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        for i, example in enumerate(examples):
            spoken = " ".join(re.sub(r"[^a-z' ]", " ", say(example.text, rng).lower()).split())
            path, voice = f"{folder}/said.wav", VOICES[i % len(VOICES)]
            subprocess.run(["flite", "-voice", voice, "-t", spoken, "-o", path], check=True, capture_output=True)
            yield Command(example, spoken, voice, load(path))


def report_commands(line: str, pack: Pack, said: Sequence[Command], heard: Sequence[Transcript]) -> None:
    """Word error rate by voice, and order ids right: heard, and by check digit among the other hearings."""
    print(f"{line}: word error rate {error_rate([c.spoken for c in said], heard):.1%}")
    for voice in VOICES:
        pairs = [(c.spoken, h) for c, h in zip(said, heard, strict=True) if c.voice == voice]
        print(f"  {voice}: {error_rate([p[0] for p in pairs], [p[1] for p in pairs]):.1%} of {len(pairs)} commands")
    recognizers = Recognizers(pack)
    found: Counter[str] = Counter()
    for command, transcript in zip(said, heard, strict=True):
        wanted = order_ids(recognizers, command.example.text)
        if wanted:
            found["all"] += 1
            found["first"] += order_ids(recognizers, transcript.text) >= wanted
            found["any"] += any(
                order_ids(recognizers, t) >= wanted for t in (transcript.text, *transcript.alternatives)
            )
    print(f"  order ids right: {found['first']} of {found['all']}; within the other hearings {found['any']}")


def report_understanding(said: Sequence[Command], sounds: Sequence[Audio], engine: SpeechEngine) -> None:
    """Intents and order ids right through the whole agent, with this engine in the place of its own."""
    try:
        agent = build("embedded", "retail", store_url="sqlite://")
        agent.parts.__dict__["speech"] = engine
        typed = agent.understand([Turn(text=c.example.text) for c in said])
        understood = agent.understand([Turn(audio=sound, channel="voice") for sound in sounds])
    except CallsightError as error:
        print(f"  intents not measured: {error}")
        return
    for way, results in (("typed", typed), ("heard", understood)):
        rows = list(zip(said, results, strict=True))
        first = sum(bool(u.intents) and u.intents[0].name in c.example.intents for c, u in rows)
        exact = sum({i.name for i in u.meant} == set(c.example.intents) for c, u in rows)
        print(f"  the whole agent, {way}: first intent right {first} of {len(said)}, exactly those meant {exact}")
    wanted = [{c.example.text[a:b] for kind, a, b in c.example.entities if kind == "order_id"} for c in said]
    recognizers = Recognizers(agent.parts.pack)
    found = [{e.value for e in u.entities if e.type == "order_id"} for u in understood]
    pairs = [(order_ids(recognizers, " . ".join(w)), f) for w, f in zip(wanted, found, strict=True) if w]
    print(f"  the whole agent: order ids right {sum(w <= f for w, f in pairs)} of {len(pairs)}")
    agent.close()


def order_ids(recognizers: Recognizers, text: str) -> set[str]:
    """Order ids with a right check digit."""
    return {e.value for e in recognizers.find(text) if e.type == "order_id" and e.source == "checksum"}


# -- silence and speed -------------------------------------------------------------------------------------------


def silence(data: Path, seed: int) -> None:
    """Words heard where nobody speaks; each is one too many."""
    sounds = dict(quiet_sounds(data, seed))
    engine = PocketSphinx(model_for(Pack.load("retail")))
    print(
        f"{len(sounds)} recordings without speech, {sum(s.seconds for s in sounds.values()) / 60:.1f} min, seed {seed}"
    )
    words = forced = 0
    for name, transcript in zip(sounds, listen(engine, Segmenter(), list(sounds.values())), strict=True):
        words += len(transcript.text.split())
        if transcript.text:
            print(f"  {name}: {len(transcript.text.split())} words")
    for transcript in engine.transcribe(list(sounds.values())):
        forced += len(transcript.text.split())
    print(f"words invented: {words}; by the engine alone, without the segmenter: {forced}")


def speed(data: Path, count: int) -> None:
    """How much quicker than real time recordings are heard on one core, all steps included."""
    recordings = [row.audio for row in read_an4(data)][:count]
    engine: SpeechEngine = PocketSphinx(model_for(Pack.load("retail")))
    seconds = sum(audio.seconds for audio in recordings)
    started, used = time.perf_counter(), time.process_time()
    segmenter = Segmenter()
    for audio in recordings:
        segmenter.segments(audio)
    voice = time.perf_counter() - started
    started, used = time.perf_counter(), time.process_time()
    listen(engine, segmenter, recordings)
    wall, cpu = time.perf_counter() - started, time.process_time() - used
    print(f"{len(recordings)} AN4 recordings, {seconds:.0f} s, with the retail pack's model, one decoder")
    print(f"voice activity alone {seconds / voice:.0f} x real time")
    print(f"all together {seconds / wall:.1f} x real time by the clock, {seconds / cpu:.1f} x by CPU time")


def main() -> None:
    """Run one benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speech", description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=("an4", "commands", "silence", "speed"))
    parser.add_argument("--data", type=Path, help="folder of the public data sets")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--count", type=int, default=240, help="commands or recordings")
    parser.add_argument("--speakers", type=int, default=10, help="AN4 speakers held out")
    options = parser.parse_args()
    if options.what != "commands" and options.data is None:
        parser.error(f"{options.what} needs --data DIR")
    match options.what:
        case "an4":
            an4(options.data, options.seed, options.speakers)
        case "commands":
            commands(options.count, options.seed)
        case "silence":
            silence(options.data, options.seed)
        case "speed":
            speed(options.data, options.count)


if __name__ == "__main__":
    main()
