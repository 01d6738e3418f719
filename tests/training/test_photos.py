from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as pil

from agent.receipts import read_receipt
from modalities.errors import InputError
from modalities.types import TextLine, join_lines
from training import vision
from training.align import likeness, locate
from training.damage import KINDS as HARMS
from training.damage import damage
from training.draw import draw_receipt, photograph, receipt_details, render_receipt
from training.photos import KINDS, make_receipt, photo_samples, read_photos, sender_held_out
from training.receipts import FOLDER, is_held_out, load_receipts
from training.scenes import clouds, draw_scene


def garment(rng: np.random.Generator) -> pil.Image:
    """A plain coloured shape on a plain ground, standing in for a photo of clothes."""
    made = pil.new("RGB", (64, 64), (200, 190, 180))
    made.paste(tuple(int(v) for v in rng.integers(0, 256, 3)), (16, 10, 48, 54))
    return made


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder laid out as the real one, with pictures made here."""
    root = tmp_path_factory.mktemp("data") / "images"
    rng = np.random.default_rng(0)
    for folder in ("clothing/img", "grocery/train", "grocery/val", "receipts/img", "receipts/key"):
        (root / folder).mkdir(parents=True)
    rows = ["path\tlabel\tsender"]
    for i in range(24):
        garment(rng).save(root / "clothing" / "img" / f"{i}.jpg")
        rows.append(f"img/{i}.jpg\t{('Hat', 'Shirt')[i % 2]}\t{i // 2}")
    (root / "clothing" / "labels.tsv").write_text("\n".join(rows))
    for split, count in (("train", 12), ("val", 4)):
        rows = ["path\tproduct\tcategory"]
        for i in range(count):
            clouds(rng, 64).save(root / "grocery" / split / f"{i}.jpg")
            rows.append(f"{split}/{i}.jpg\tp{i}\t{('Apple', 'Milk')[i % 2]}")
        (root / "grocery" / f"{split}.tsv").write_text("\n".join(rows))
    for i in range(12):
        paper, key = render_receipt(rng)
        paper.save(root / "receipts" / "img" / f"{i}.jpg")
        (root / "receipts" / "key" / f"{i}.json").write_text(json.dumps(key))
    return root.parent


def test_splits_share_no_sender_receipt_or_photo(data: Path) -> None:
    train, val = read_photos(data, "train"), read_photos(data, "val")
    assert not {photo.path for photo in train} & {photo.path for photo in val}
    senders = dict(line.split("\t")[::2] for line in (data / "images/clothing/labels.tsv").read_text().splitlines()[1:])
    of = [{senders[f"img/{p.path.name}"] for p in photos if p.kind == "clothing"} for photos in (train, val)]
    assert of[0]
    assert of[1]
    assert not of[0] & of[1]
    assert {p.path.parent.name for p in val if p.kind == "grocery"} == {"val"}
    assert all(is_held_out(p.path.stem) for p in val if p.kind == "receipt")
    assert len(train) + len(val) == 24 + 16 + 12


def test_held_out_shares_are_as_said() -> None:
    assert 0.17 < np.mean([is_held_out(f"{i:03}") for i in range(2_000)]) < 0.23
    assert 0.21 < np.mean([sender_held_out(str(i)) for i in range(2_000)]) < 0.29


def test_a_folder_without_photos_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="clothing, grocery, receipt"):
        read_photos(tmp_path, "train")


def test_samples_are_balanced_labelled_and_repeatable(data: Path) -> None:
    samples = list(photo_samples(data, "train", np.random.default_rng(3), 40))
    kinds = Counter(kind for _, kind, _ in samples)
    assert set(kinds) == set(KINDS)
    assert min(kinds.values()) >= 3
    for _, kind, condition in samples:
        assert condition in (("intact", "damaged") if kind in ("clothing", "grocery") else (None,))
    again = list(photo_samples(data, "train", np.random.default_rng(3), 40))
    assert all((a.pixels == b.pixels).all() for (a, _, _), (b, _, _) in zip(samples, again, strict=True))


@pytest.mark.parametrize("kind", HARMS)
def test_damage_shows_in_the_middle_and_keeps_the_rest(kind: str) -> None:
    rng = np.random.default_rng(8)
    for _ in range(5):
        whole = clouds(rng, 128)
        before, after = np.asarray(whole, int), np.asarray(damage(whole, rng, kind), int)
        changed = np.abs(after - before).max(axis=2) > 20
        assert before.shape == after.shape
        assert 0.002 < changed.mean() < 0.6
        assert changed[26:102, 26:102].any()


def test_scenes_differ_and_have_the_size_asked_for() -> None:
    rng = np.random.default_rng(0)
    scenes = [np.asarray(draw_scene(rng, split, 96)) for split in ("train", "val") for _ in range(15)]
    assert {scene.shape for scene in scenes} == {(96, 96, 3)}
    assert len({scene.tobytes() for scene in scenes}) > 20


def test_receipts_add_up_and_say_what_their_key_says() -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        details = receipt_details(rng)
        assert details.total == details.subtotal + details.tax
        assert details.key["total"] == f"{details.total:.2f}"
        assert details.paid is None or details.paid >= details.total
        assert details.paid is None or details.paid - details.total <= 10
        assert details.key["date"] == details.day.isoformat()
    paper = draw_receipt(receipt_details(rng, order_id="K123455"))
    assert paper.height > draw_receipt(receipt_details(rng, order_id="", items=details.items[:1])).height


def test_a_photograph_shows_paper_and_table() -> None:
    table = pil.new("RGB", (300, 400), (20, 120, 20))
    paper = pil.new("RGB", (150, 300), (250, 250, 250))
    seen = np.asarray(photograph(paper, table, np.random.default_rng(4)), int)
    assert seen.shape == (400, 300, 3)
    assert seen[200, 150].min() > 110
    assert seen[2, 2, 1] > seen[2, 2, 0] + 30
    assert make_receipt(np.random.default_rng(1)).size == (224, 224)


KEY = {
    "company": "SILVER BAY SDN BHD",
    "date": "03/04/2018",
    "address": "12, JALAN SATU, 41000 KLANG.",
    "total": "RM9.00",
}
LINES = (
    "SILVER BAY 5DN BHD (12345-X)", "12. JALAN SATU,", "TAX INVOICE", "41000 KLANG", "Date 03-04-2018", "Tea",
    "9.00", "Total", "9.00", "Cash", "10.00", "Printed 03/04/18",
)  # fmt: skip


def lines_of(texts: tuple[str, ...]) -> tuple[TextLine, ...]:
    return tuple(TextLine(text, (0.1, i / 50, 0.5, i / 50 + 0.01), 0.9) for i, text in enumerate(texts))


def test_keys_are_found_again_in_what_was_read() -> None:
    lines = lines_of(LINES)
    text = join_lines(lines)
    found = [(kind, text[start:end]) for kind, start, end in locate(lines, KEY)]
    assert found == [
        ("company", "SILVER BAY 5DN BHD"),
        ("address", "12. JALAN SATU,"),
        ("address", "41000 KLANG"),
        ("date", "03-04-2018"),
        ("total", "9.00"),
        ("date", "03/04/18"),
    ]
    assert text.index("Total") < next(start for kind, start, _ in locate(lines, KEY) if kind == "total")


def test_what_is_not_in_the_text_is_not_labelled() -> None:
    lines = lines_of(LINES)
    other = {"company": "CEDAR HILL LTD", "date": "01/01/2001", "address": "", "total": "7.77"}
    assert locate(lines, other) == ()
    assert locate((), KEY) == ()


def test_likeness_ignores_case_and_punctuation() -> None:
    assert likeness("No. 12, Jalan", "NO 12 JALAN") == 1.0
    assert likeness("abc", "xyz") == 0.0


@pytest.mark.weights
def test_receipts_are_read_once_labelled_and_split(tmp_path: Path) -> None:
    from training.receipts import read_all

    rng = np.random.default_rng(6)
    names = ("0", "1", next(str(i) for i in range(2, 99) if is_held_out(str(i))))
    for folder in ("img", "key"):
        (tmp_path / FOLDER / folder).mkdir(parents=True)
    for name in names:
        paper, key = render_receipt(rng)
        paper.save(tmp_path / FOLDER / "img" / f"{name}.jpg")
        (tmp_path / FOLDER / "key" / f"{name}.json").write_text(json.dumps(key))
    assert read_all(tmp_path, tmp_path / "cache") == 3
    assert read_all(tmp_path, tmp_path / "cache") == 0
    receipts = load_receipts(tmp_path, tmp_path / "cache")
    assert [receipt.name for receipt in receipts] == sorted(names)
    assert {receipt.held_out for receipt in receipts} == {True, False}
    for receipt in receipts:
        assert {"company", "address", "total"} <= {kind for kind, _, _ in receipt.spans}
        assert read_receipt(receipt.lines).receipt.total == receipt.key["total"]


def test_a_second_scan_of_a_held_out_receipt_is_left_out(tmp_path: Path) -> None:
    held = next(str(i) for i in range(99) if is_held_out(str(i)))
    other = next(str(i) for i in range(99) if not is_held_out(str(i)))
    lines = [{"text": line.text, "box": line.box, "confidence": 0.9} for line in lines_of(LINES)]
    for name in (held, other):
        (tmp_path / f"{name}.json").write_text(json.dumps({"lines": lines, "key": KEY}))
    assert [receipt.name for receipt in load_receipts(tmp_path, tmp_path)] == [held]


def test_an_empty_cache_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"training\.receipts ocr"):
        load_receipts(tmp_path, tmp_path)


def test_training_goes_on_where_it_stopped_and_saves_a_loadable_encoder(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from modalities.vision import VisionEncoder

    monkeypatch.setattr(vision, "_MADE", {"train": {"receipt": 4, "other": 8}, "val": {"receipt": 2, "other": 4}})
    monkeypatch.setattr(vision, "CYCLES", (vision.Cycle((32,), 1e-3, 0.2, 1.0), vision.Cycle((48,), 1e-3, 0.5, 1.0)))
    small = {**vision.ARCHITECTURE, "hidden_sizes": [8, 8, 16, 24], "embedding_size": 8}
    monkeypatch.setattr(vision, "ARCHITECTURE", small)
    figures = vision.train(data, tmp_path / "work", tmp_path / "out")
    assert set(figures) == {"kind", "clothing", "grocery", "condition"}
    encoder = VisionEncoder(str(tmp_path / "out"))
    assert (encoder.width, encoder.places) == (24, 16)
    written = (tmp_path / "out" / "model.safetensors").stat().st_mtime_ns
    assert vision.train(data, tmp_path / "work", tmp_path / "out") == figures
    assert (tmp_path / "out" / "model.safetensors").stat().st_mtime_ns == written


def test_targets_apply_only_where_they_should(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vision, "_MADE", {"train": {"receipt": 4, "other": 8}, "val": {"receipt": 2, "other": 4}})
    pictures = vision.prepare(data, tmp_path, "train")
    names = vision.names_of(data)
    assert names["clothing"] == ["Hat", "Shirt"]
    for pixels, targets in vision.batches(pictures, np.random.default_rng(0), shuffle=True):
        assert pixels.shape[1:] == (144, 144, 3)
        kinds = [KINDS[i] for i in targets["kind"]]
        for i, kind in enumerate(kinds):
            assert (targets["clothing"][i] >= 0) == (kind == "clothing")
            assert (targets["grocery"][i] >= 0) == (kind == "grocery")
            assert (targets["condition"][i] >= 0) == (kind in ("clothing", "grocery"))
        inputs = vision.to_input(pixels, 64, np.random.default_rng(1))
        assert tuple(inputs.shape) == (len(kinds), 3, 64, 64)
        assert float(inputs.abs().max()) <= 1.0
