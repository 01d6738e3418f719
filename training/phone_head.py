"""Train what tells phones apart in a recording: a small network over the states of a sound encoder.

    python -m training.phone_head --data DIR --out weights/hearing [--epochs N] [--speakers N] [--seed S]

DIR holds what `training.phone_corpus` names. The encoder stays as it is and is run once; the network learns by
connectionist temporal classification which phones follow each other, not when (Graves et al. 2006). `--speakers` of
AN4, drawn by the seed as `benchmarks.speech an4` draws them, take no part, and neither does one speaker of the digits,
drawn by the seed too.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from tqdm import tqdm

from modalities.speech.language_model import engine_pronunciations, tidy
from modalities.speech.phone_model import once
from modalities.speech.phones import BLANK, PhoneHead, save
from modalities.speech.pocketsphinx import PHONES
from modalities.speech.sound_encoder import SoundEncoder
from training.phone_corpus import Corpus, Spoken

BATCH = 32
RATE, WARM_UP = 3e-3, 0.15
MASKS, MASKED = 2, 8
"""Stretches of a recording that are hidden, and how many states long at most (Park et al. 2019, arXiv:1904.08779)."""
UNEVEN = 60
"""States by which the recordings of a batch may differ in length, roughly."""
STRINGS, SYNTHETIC = 200, 3_200
"""Digit strings of a speaker, sentences of synthetic voices."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Said:
    """A recording's states (n, 384) in half precision, and the numbers of its phones."""

    states: npt.NDArray[np.float16]
    phones: Sequence[int]

    @property
    def fits(self) -> bool:
        """Whether there are states enough for the phones: one each, and a blank between two that are the same."""
        return 0 < len(self.phones) < len(self.states) - sum(a == b for a, b in pairwise(self.phones))


def names() -> tuple[str, ...]:
    """Blank, then the phones of the engine's dictionary."""
    return (
        BLANK,
        *sorted({phone for ways in engine_pronunciations().values() for way in ways for phone in way.split()}),
    )


def numbered(spoken: Spoken, numbers: dict[str, int]) -> list[int]:
    """The phones of a recording's words, each word said as is commonest."""
    dictionary, found = engine_pronunciations(), list[int]()
    for word in tidy(spoken.text):
        ways = [once(way) for way in dictionary.get(word, ())]
        if not ways:
            return []
        found += [numbers[phone] for phone in ways[-1 if word == "a" and spoken.letters else 0].split()]
    return found


def encoded(spoken: Iterable[Spoken], encoder: SoundEncoder, numbers: dict[str, int]) -> list[Said]:
    """Recordings as states; those whose words do not fit are left out."""
    found = (Said(encoder.encode(one.audio).astype(np.float16), numbered(one, numbers)) for one in spoken)
    return [said for said in tqdm(found, desc="encode", unit="recording") if said.fits]


def train(rows: Sequence[Said], phones: int, epochs: int, seed: int) -> PhoneHead:
    """A network trained on recordings."""
    torch.manual_seed(seed)
    chance, head, loss_of = Random(seed), PhoneHead(phones), nn.CTCLoss(zero_infinity=True)
    optimizer = torch.optim.AdamW(head.parameters(), lr=RATE, weight_decay=0.01)
    count = -(-len(rows) // BATCH)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=epochs * count + 1, pct_start=WARM_UP)
    for epoch in range(1, epochs + 1):
        started, total = time.perf_counter(), 0.0
        for batch in tqdm(_batches(rows, chance), desc=f"epoch {epoch}", total=count, unit="batch", mininterval=5):
            states, lengths = _padded(batch, chance)
            wanted = torch.tensor([phone for said in batch for phone in said.phones])
            sizes = torch.tensor([len(said.phones) for said in batch])
            loss = loss_of(head(states).transpose(0, 1), wanted, lengths, sizes)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(head.parameters(), 1.0)
            optimizer.step()
            rates.step()
            total += loss.item()
        log.info("epoch %d: loss %.3f, %.0f s", epoch, total / count, time.perf_counter() - started)
    return head.eval()


def _batches(rows: Sequence[Said], chance: Random) -> Iterable[list[Said]]:
    """Recordings of about the same length together, batches in random order."""
    order = sorted(rows, key=lambda said: len(said.states) + chance.uniform(0, UNEVEN))
    starts = list(range(0, len(order), BATCH))
    chance.shuffle(starts)
    return (order[start : start + BATCH] for start in starts)


def _padded(batch: Sequence[Said], chance: Random) -> tuple[Tensor, Tensor]:
    """States (batch, n, 384) with stretches hidden, and how many each recording has."""
    lengths = [len(said.states) for said in batch]
    padded = nn.utils.rnn.pad_sequence([torch.from_numpy(s.states.astype(np.float32)) for s in batch], batch_first=True)
    for row, length in enumerate(lengths):
        for _ in range(MASKS):
            wide = chance.randint(0, MASKED)
            start = chance.randint(0, max(0, length - wide))
            padded[row, start : start + wide] = 0
    return padded, torch.tensor(lengths)


def main() -> None:
    """Encode, train, write."""
    parser = argparse.ArgumentParser(prog="python -m training.phone_head", description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data sets")
    parser.add_argument("--out", type=Path, required=True, help=f"folder for {PHONES}")
    parser.add_argument("--epochs", type=int, default=7)
    parser.add_argument("--speakers", type=int, default=10, help="AN4 speakers that take no part")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(options.threads)
    folder = options.data / "speech" / "spoken_digits"
    speakers = sorted({path.stem.split("_")[1] for path in folder.rglob("*_*_*.flac")})
    apart = Random(options.seed).choice(speakers)
    corpus, encoder, known = Corpus(options.data, options.seed), SoundEncoder(), names()
    numbers = {name: number for number, name in enumerate(known)}
    rows: list[Said] = []
    for source, spoken in (
        ("AN4", corpus.people(options.speakers, options.seed)),
        ("digits", corpus.digits(STRINGS, [apart])),
        ("prompts", corpus.prompts()),
        ("synthetic", corpus.synthetic(SYNTHETIC)),
    ):
        found = encoded(spoken, encoder, numbers)
        log.info("%s: %d recordings, %.0f minutes", source, len(found), sum(len(s.states) for s in found) / 3000)
        rows += found
    log.info("apart: %d speakers of AN4, %s of the digits", options.speakers, apart)
    head = train(rows, len(known), options.epochs, options.seed)
    save(head, options.out / PHONES, known, digits_apart=apart, seed=str(options.seed), epochs=str(options.epochs))


if __name__ == "__main__":
    main()
