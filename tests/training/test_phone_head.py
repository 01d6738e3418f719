from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch

from modalities.audio import save as save_sound
from modalities.speech.sound_encoder import WIDTH
from modalities.types import Audio
from training.phone_corpus import Corpus, Spoken
from training.phone_head import Said, _batches, names, numbered, train


def rows(count: int) -> list[Said]:
    """Recordings whose phones 1 to 3 are told by the states: each a run of its own direction, blank between."""
    chance, signs = Random(7), np.random.default_rng(7).normal(size=(4, WIDTH))
    found = []
    for _ in range(count):
        phones = chance.choices((1, 2, 3), k=chance.randint(2, 5))
        runs = [signs[0:1].repeat(3, axis=0)]
        for phone in phones:
            runs += [signs[phone : phone + 1].repeat(chance.randint(2, 4), axis=0), signs[0:1].repeat(3, axis=0)]
        found.append(Said(np.concatenate(runs).astype(np.float16), phones))
    return found


def test_phones_are_learnt_from_their_order_alone() -> None:
    head = train(rows(192), phones=4, epochs=12, seed=7)
    right = 0
    for said in rows(40):
        with torch.inference_mode():
            likeliest = head(torch.from_numpy(said.states.astype(np.float32))[None])[0].argmax(-1).tolist()
        found = [k for i, k in enumerate(likeliest) if k and (i == 0 or k != likeliest[i - 1])]
        right += found == list(said.phones)
    assert right >= 36


def test_every_recording_is_in_one_batch() -> None:
    made = rows(70)
    together = [said for batch in _batches(made, Random(1)) for said in batch]
    assert len(together) == 70
    assert {id(said) for said in together} == {id(said) for said in made}


@pytest.mark.parametrize(("states", "phones", "fits"), [(5, [1, 2], True), (2, [1, 1], False), (9, [], False)])
def test_phones_need_room(states: int, phones: list[int], fits: bool) -> None:
    assert Said(np.zeros((states, WIDTH), np.float16), phones).fits is fits


def test_words_have_the_phones_of_the_dictionary() -> None:
    known = names()
    numbers = {name: number for number, name in enumerate(known)}
    assert known[0] == "_"
    assert "SIL" not in known

    def said(text: str, letters: bool = False) -> str:
        return " ".join(
            known[k] for k in numbered(Spoken(Audio(np.zeros(1, np.float32), 16_000), text, letters), numbers)
        )

    assert said("a cat") == "AH K AE T"
    assert said("a b", letters=True) == "EY B IY"
    assert said("qwzzk cat") == ""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder of two speakers and a little noise."""
    rng = np.random.default_rng(7)
    folder = tmp_path / "speech" / "spoken_digits"
    for name in ("running_tap", "dude_miaowing", "white_noise"):
        save_sound(
            Audio(rng.normal(scale=0.1, size=32_000).astype(np.float32), 16_000),
            tmp_path / "noise" / "background" / f"{name}.flac",
        )
    for digit in range(10):
        for speaker in ("ann", "bob"):
            save_sound(
                Audio(rng.normal(scale=0.1, size=2_000).astype(np.float32), 8_000), folder / f"{digit}_{speaker}_0.flac"
            )
    return tmp_path


def test_a_speaker_who_stays_apart_is_in_no_string(data: Path) -> None:
    both, one = list(Corpus(data, 7).digits(20, [])), list(Corpus(data, 7).digits(20, ["bob"]))
    assert (len(both), len(one)) == (40, 20)
    assert all(2 <= len(spoken.text.split()) <= 8 and spoken.audio.rate == 8_000 for spoken in both)
    again = list(Corpus(data, 7).digits(20, ["bob"]))
    assert all(np.array_equal(a.audio.samples, b.audio.samples) for a, b in zip(one, again, strict=True))
