import json
import pickle
from pathlib import Path

import pytest
import torch

from agent.checkpoint import Calibration, Checkpoint, EncoderId, check_encoder, check_labels, load, save
from agent.errors import WeightsError
from agent.fusion import FusionConfig
from agent.heads import Labels, UnderstandingModel
from agent.memory import Memory

LABELS = Labels(("track", "cancel"), ("order_id",))
TEXT = EncoderId("package:some_encoder", 12, "0" * 32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    model = UnderstandingModel(FusionConfig({"text": 12}, width=16, layers=1, heads=2), LABELS)
    save(Checkpoint(model, {"text": TEXT}, Calibration(accept=0.7), {"seed": 7}), tmp_path)
    return tmp_path


def test_what_is_saved_is_loaded(folder: Path) -> None:
    checkpoint = load(folder)
    assert checkpoint.model.labels == LABELS
    assert checkpoint.calibration.accept == 0.7
    assert checkpoint.encoders == {"text": TEXT}
    assert checkpoint.training["seed"] == 7
    again = load(folder)
    for one, other in zip(checkpoint.model.parameters(), again.model.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_the_memory_is_kept_with_whole_numbers(folder: Path) -> None:
    checkpoint = load(folder)
    many = torch.arange(5_000) % 2
    checkpoint.model.remember(Memory.filled(torch.randn(5_000, 16), many).tuned(0.5, 80.0))
    save(checkpoint, folder)
    memory = load(folder).model.memory
    assert memory is not None
    assert torch.equal(memory.intents, many)
    assert (float(memory.share), float(memory.sharpness)) == (0.5, 80.0)
    torch.testing.assert_close(memory.vectors.norm(dim=1), torch.ones(5_000), atol=1e-2, rtol=0)


def test_a_memory_of_unknown_intents_is_refused(folder: Path) -> None:
    checkpoint = load(folder)
    checkpoint.model.remember(Memory.filled(torch.randn(3, 16), torch.tensor([0, 1, 2])).tuned(0.5, 80.0))
    save(checkpoint, folder)
    with pytest.raises(WeightsError, match="train again"):
        load(folder)


def damage_truncate(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:100])


def damage_pickle(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(pickle.dumps({"a": 1}))


def damage_meta(folder: Path) -> None:
    (folder / "meta.json").write_text("{")


def damage_shape(folder: Path) -> None:
    meta = json.loads((folder / "meta.json").read_text())
    meta["labels"]["intents"].append("another")
    (folder / "meta.json").write_text(json.dumps(meta))


def damage_format(folder: Path) -> None:
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps({**meta, "format": 99}))


def damage_missing(folder: Path) -> None:
    (folder / "meta.json").unlink()


@pytest.mark.parametrize(
    "damage", [damage_truncate, damage_pickle, damage_meta, damage_shape, damage_format, damage_missing]
)
def test_damaged_checkpoints_are_refused_with_the_remedy(folder: Path, damage: object) -> None:
    damage(folder)  # type: ignore[operator]
    with pytest.raises(WeightsError, match="checkpoint"):
        load(folder)


@pytest.mark.parametrize("other", [EncoderId("x", 12, "1" * 32), EncoderId("x", 16, "0" * 32)])
def test_another_encoder_is_refused_by_name(folder: Path, other: EncoderId) -> None:
    checkpoint = load(folder)
    check_encoder(checkpoint, "text", TEXT)
    with pytest.raises(WeightsError, match="some_encoder"):
        check_encoder(checkpoint, "text", other)
    with pytest.raises(WeightsError, match="without image"):
        check_encoder(checkpoint, "image", other)


def test_another_label_set_is_refused_by_name(folder: Path) -> None:
    checkpoint = load(folder)
    check_labels(checkpoint, ("cancel", "track"), ("order_id",))
    with pytest.raises(WeightsError, match="greet"):
        check_labels(checkpoint, ("cancel", "track", "greet"), ("order_id",))
    with pytest.raises(WeightsError, match="date"):
        check_labels(checkpoint, ("cancel", "track"), ("order_id", "date"))
