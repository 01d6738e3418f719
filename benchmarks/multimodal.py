"""What fusion is worth: words and photo together against either alone, and against models made for one alone.

    python -m benchmarks.multimodal --data DIR [--work DIR] [--epochs N] [--seed S] [--threads T]

The set is `benchmarks/ambiguous.py`: public photos with words of ours that alone are ambiguous, and the reverse. Three
models are trained by the command a company trains its own pack with: on both modalities, on the words alone and on
the photos alone. All are measured on other photos (other senders, shelves and receipts) and other wordings. Every
measured wording goes with every kind of photo equally often, so what one modality cannot know is right by chance
alone. A linear model on the frozen encodings is measured beside them. With --work, a run that was killed goes on.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from agent.config import load_settings
from agent.domain import Pack
from agent.fusion import collate
from agent.parts import Parts
from benchmarks.ambiguous import SECTIONS, Item, intents_of, measured_items, read_wishes, training_items, write_pack
from modalities.text import TextEncoder
from modalities.types import Encoding, Image
from modalities.vision import VisionEncoder
from training.distort import distort
from training.photos import read_photos
from training.train import Options, train

KEPT = {"both": ("text", "image"), "words": ("text",), "photo": ("image",)}
_BATCH = 64
_PHOTOS_AT_ONCE = 32

Right = npt.NDArray[np.bool_]
"""Which items were answered right, shape (n,)."""


@dataclass(frozen=True)
class Setting:
    """The set made from one data folder."""

    intents: list[str]
    trained: list[Item]
    measured: list[Item]


def make_setting(data: Path, seed: int) -> Setting:
    """The set's items, no photo and no wording on both sides."""
    wishes = read_wishes()
    return Setting(
        intents_of(wishes),
        training_items(wishes, read_photos(data, "train"), seed),
        measured_items(wishes, read_photos(data, "val"), seed),
    )


def trained_parts(setting: Setting, kept: Sequence[str], folder: Path, options: argparse.Namespace) -> Parts:
    """A model trained on the items with only the modalities in `kept`."""
    pack, weights = folder / "pack", folder / "weights"
    write_pack(setting.trained, setting.intents, pack, kept)
    if not (weights / "meta.json").is_file():
        train(
            Options(
                str(pack), weights, cache=folder / "cache", stack=options.stack, epochs=options.epochs,
                seed=options.seed, threads=options.threads,
            )
        )  # fmt: skip
    settings = load_settings(options.stack, fusion_weights=str(weights))
    return Parts(settings, Pack.load(pack))


class Answers:
    """A trained model's answers to the items, from the modalities asked for; each text and photo is encoded once."""

    def __init__(self, parts: Parts, items: Sequence[Item], photos: Mapping[Path, Encoding]) -> None:
        self._parts = parts
        self._items = items
        self._photos = photos
        texts = sorted({item.text for item in items})
        known = "text" in parts.checkpoint.encoders
        self._texts = dict(zip(texts, parts.text.encode(texts), strict=True)) if known else {}

    def beside(self, photos: Mapping[Path, Encoding]) -> Answers:
        """The same questions beside other encodings of the photos."""
        return Answers(self._parts, self._items, photos)

    @torch.inference_mode()
    def right(self, kept: Sequence[str]) -> Right:
        """Which items are answered right from the modalities in `kept`: the likeliest intent is the one meant."""
        model, device = self._parts.checkpoint.model, self._parts.device
        names = model.labels.intents
        guesses: list[str] = []
        for first in range(0, len(self._items), _BATCH):
            part = self._items[first : first + _BATCH]
            inputs = {
                "text": collate([self._texts.get(i.text) for i in part], device) if "text" in kept else None,
                "image": collate([self._photos[i.photo] for i in part], device) if "image" in kept else None,
            }
            logits = model({name: batch for name, batch in inputs.items() if batch is not None})
            guesses += [names[int(best)] for best in logits.intents.argmax(dim=1)]
        return np.array([guess == item.intent for guess, item in zip(guesses, self._items, strict=True)])


def encode_photos(
    encoder: VisionEncoder, paths: Sequence[Path], change: Callable[[Image], Image] = lambda photo: photo
) -> dict[Path, Encoding]:
    """Encodings of photos by file, a few files in memory at a time, each photo changed by `change` first."""
    found: dict[Path, Encoding] = {}
    wanted = sorted(set(paths))
    for first in range(0, len(wanted), _PHOTOS_AT_ONCE):
        part = wanted[first : first + _PHOTOS_AT_ONCE]
        found |= dict(zip(part, encoder.encode([change(Image.open(path)) for path in part]), strict=True))
    return found


def linear(setting: Setting, photos: Mapping[Path, Encoding], text: TextEncoder, seed: int) -> dict[str, Right]:
    """Logistic regression on frozen encodings (mean text vector, mean photo vector): both, and either alone."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def features(items: Sequence[Item], kept: Sequence[str]) -> npt.NDArray[np.float32]:
        texts = sorted({item.text for item in items})
        pooled = dict(zip(texts, text.pool(texts), strict=True))
        columns = {
            "text": lambda item: pooled[item.text],
            "image": lambda item: photos[item.photo].vectors.mean(axis=0),
        }
        return np.stack([np.concatenate([columns[name](item) for name in kept]) for item in items])

    results = {}
    truth = [item.intent for item in setting.measured]
    for name, kept in KEPT.items():
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=400, random_state=seed))
        model.fit(features(setting.trained, kept), [item.intent for item in setting.trained])
        results[name] = model.predict(features(setting.measured, kept)) == np.array(truth)
    return results


def by_section(right: Right, items: Sequence[Item]) -> dict[str, float]:
    """Shares answered right: of all items, and of each section's."""
    sections = np.array([item.section for item in items])
    return {"all": float(right.mean())} | {name: float(right[sections == name].mean()) for name in SECTIONS}


def table(rows: Mapping[str, Right], items: Sequence[Item]) -> str:
    """The figures as text, a line a model and modality."""
    lines = [f"{'':38}{'all':>8}" + "".join(f"{words:>20}" for words in SECTIONS.values())]
    for name, right in rows.items():
        shares = by_section(right, items)
        lines.append(f"{name:38}{shares['all']:8.1%}" + "".join(f"{shares[s]:20.1%}" for s in SECTIONS))
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the set, train, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.multimodal", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder with images/clothing, grocery and receipts")
    parser.add_argument("--work", type=Path, help="keep packs and weights here, and go on from them")
    parser.add_argument("--stack", default="embedded")
    parser.add_argument("--epochs", type=int, help="of each model, at most (default: the trainer's)")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--linear-only", action="store_true", help="only the frozen encodings: is the set sound?")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    setting = make_setting(options.data, options.seed)
    describe(setting, options.seed)
    if options.work is not None:
        run(setting, options, options.work)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        run(setting, options, Path(folder))
    return 0


def describe(setting: Setting, seed: int) -> None:
    """Print what the set holds."""
    counts = {name: sum(item.section == name for item in setting.measured) for name in SECTIONS}
    photos, wordings = ({getattr(item, name) for item in setting.measured} for name in ("photo", "text"))
    print(f"seed {seed}; {len(setting.intents)} intents; {len(setting.trained)} examples to train on")
    print(f"{len(setting.measured)} measured on {len(photos)} other photos in {len(wordings)} other wordings: ", end="")
    print(", ".join(f"{SECTIONS[name]} {count}" for name, count in counts.items()), flush=True)


def run(setting: Setting, options: argparse.Namespace, folder: Path) -> None:
    """Train and measure everything, printing as it goes."""
    settings = load_settings(options.stack)
    items = setting.measured
    vision = VisionEncoder(settings.vision.model, settings.device)
    photos = encode_photos(vision, [item.photo for item in items])
    both = photos | encode_photos(vision, [item.photo for item in setting.trained])
    frozen = linear(setting, both, TextEncoder(settings.text.model, settings.device), options.seed)
    rows = {f"linear on frozen encodings, {name}": right for name, right in frozen.items()}
    print(table(rows, items), flush=True)
    if options.linear_only:
        return
    answers = {}
    for name, kept in KEPT.items():
        began = time.perf_counter()
        answers[name] = Answers(trained_parts(setting, kept, folder / name, options), items, photos)
        print(f"model of {name}: trained in {time.perf_counter() - began:.0f} s", flush=True)
    report(answers["both"].right, {name: answers[name].right(KEPT[name]) for name in ("words", "photo")}, items)
    rng = np.random.default_rng(options.seed)
    changed = encode_photos(vision, [item.photo for item in items], lambda photo: distort(photo, rng))
    right = answers["both"].beside(changed).right(KEPT["both"])
    print(f"all modalities, photos turned, blurred, taken from the side, ...: {right.mean():.1%}")


def report(joint: Callable[[Sequence[str]], Right], alone: Mapping[str, Right], items: Sequence[Item]) -> None:
    """Print all modalities, either alone, the gap, and what a missing modality costs."""
    rows = {name: joint(kept) for name, kept in KEPT.items()}
    shown = {
        "one model, both": rows["both"],
        "one model, words only": rows["words"],
        "one model, photo only": rows["photo"],
    }
    shown |= {f"model of {name} alone": right for name, right in alone.items()}
    print(table(shown, items))
    best = max(right.mean() for right in (rows["words"], rows["photo"], *alone.values()))
    print(f"all modalities over the best single one: {100 * (rows['both'].mean() - best):+.1f} points")
    for name, right in alone.items():
        print(f"{name} only, against the model trained for it: {100 * (rows[name].mean() - right.mean()):+.1f} points")


if __name__ == "__main__":
    raise SystemExit(main())
