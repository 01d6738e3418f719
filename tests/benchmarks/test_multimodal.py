"""The multimodal set is what it says: nothing on two sides, and one modality alone can only guess."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as pil

from agent.domain import Pack
from benchmarks import multimodal
from benchmarks.ambiguous import (
    MEASURED_PHOTOS,
    SECTIONS,
    Item,
    intents_of,
    measured_items,
    read_wishes,
    training_items,
    write_pack,
)
from modalities.errors import InputError
from training.near import near_duplicate_groups
from training.photos import LabelledPhoto

KINDS = ("clothing", "grocery", "receipt")
WISHES = read_wishes()


def photos(count: int, folder: str = "train") -> list[LabelledPhoto]:
    return [LabelledPhoto(Path(folder, kind, f"{i}.jpg"), kind) for kind in KINDS for i in range(count)]


def test_wordings_trained_and_measured_are_no_near_duplicates() -> None:
    trained = [wording for wish in WISHES for wording in wish.trained]
    measured = [wording for wish in WISHES for wording in wish.measured]
    groups = near_duplicate_groups([*trained, *measured])
    assert not set(groups[: len(trained)]) & set(groups[len(trained) :])


def test_ambiguous_wishes_have_many_wordings_and_every_kind() -> None:
    for wish in WISHES:
        if wish.section != "words":
            assert len(wish.trained) >= 15
            assert sorted(wish.intents) == sorted(KINDS)
    assert {wish.section for wish in WISHES} == set(SECTIONS)


def test_no_photo_is_used_twice_in_training() -> None:
    items = training_items(WISHES, photos(400), seed=1)
    assert max(Counter(item.photo for item in items).values()) == 1
    assert {item.intent for item in items} == set(intents_of(WISHES))
    assert items == training_items(WISHES, photos(400), seed=1)
    assert items != training_items(WISHES, photos(400), seed=2)


def test_every_measured_wording_goes_with_every_kind_equally_often() -> None:
    """So the best that words alone can do on what the photo decides is chance, whatever they guess."""
    items = measured_items(WISHES, photos(120, "val"), seed=1)
    intents: dict[str, Counter[str]] = defaultdict(Counter)
    for item in items:
        if item.section != "words":
            intents[item.text][item.intent] += 1
    assert all(len(counts) == 3 and len(set(counts.values())) == 1 for counts in intents.values())


def test_every_measured_photo_goes_with_every_wish_of_its_kind() -> None:
    items = measured_items(WISHES, photos(120, "val"), seed=1)
    by_photo: dict[Path, Counter[str]] = defaultdict(Counter)
    for item in items:
        by_photo[item.photo][item.intent] += 1
    assert len(by_photo) == 3 * MEASURED_PHOTOS
    for kind in KINDS:
        wanted = {wish.intents[kind] for wish in WISHES if kind in wish.intents}
        assert all(set(counts) == wanted for photo, counts in by_photo.items() if photo.parent.name == kind)


@pytest.mark.parametrize("make", [training_items, measured_items])
def test_too_few_photos_are_refused(make: object) -> None:
    with pytest.raises(InputError, match="5 photos of clothing"):
        make(WISHES, photos(5), 1)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("kept", "texts", "images"), [(("text", "image"), 2, 2), (("text",), 2, 0), (("image",), 0, 2)]
)
def test_a_pack_holds_only_the_modalities_kept(tmp_path: Path, kept: tuple[str, ...], texts: int, images: int) -> None:
    for shade in (50, 200):
        pil.new("RGB", (8, 8), (shade, 0, 0)).save(tmp_path / f"{shade}.jpg")
    items = [Item("how much is it?", tmp_path / f"{shade}.jpg", "price_of_clothing", "both") for shade in (50, 200)]
    write_pack(items, ["price_of_clothing"], tmp_path / "pack", kept)
    examples = Pack.load(tmp_path / "pack").examples()
    assert sum(bool(example.text) for example in examples) == texts
    assert len({example.image for example in examples if example.image}) == images
    assert all(example.intents == ("price_of_clothing",) for example in examples)


def test_the_report_tells_the_gap_and_what_a_missing_modality_costs(capsys: pytest.CaptureFixture[str]) -> None:
    items = [Item("", Path(), "", section) for section in ("vague", "both", "both", "words")]
    said = {
        ("text", "image"): np.array([True, True, True, True]),
        ("text",): np.array([False, True, False, True]),
        ("image",): np.array([True, False, False, False]),
    }
    alone = {"words": np.array([False, True, True, True]), "photo": np.array([True, False, False, False])}
    multimodal.report(lambda kept: said[tuple(kept)], alone, items)
    out = capsys.readouterr().out
    assert "over the best single one: +25.0 points" in out
    assert "words only, against the model trained for it: -25.0 points" in out
    assert "photo only, against the model trained for it: +0.0 points" in out
    assert multimodal.by_section(said["text",], items) == {"all": 0.5, "vague": 0.0, "both": 0.5, "words": 1.0}
